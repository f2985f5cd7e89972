// SPDX-License-Identifier: MIT
// Owns the writer's thread. What is asked for goes to it as marks in the intake, by time, between
// the packets:
//
//   push, pause, stop, ... --> intake --writer--> lineup (by time) --> tape --> reel --> file
//
// Order of locks: recorder, intake.
#include "mixer/record/recorder.h"

#include "mixer/record/intake.h"
#include "mixer/record/lineup.h"
#include "mixer/record/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { QUEUE_BYTES_MAX = 16 << 20 };
#define IDLE_NS INT64_C(400000000) // with nothing new for so long, it looks after its file
enum { IDLES_MAX = 2 };            // after so many, what waits for its sound goes out without

struct recorder {
    // Constant.
    struct recorder_config config;
    struct recorder_ops ops;
    void *user;
    struct recorder_io io;
    char *path, *title;
    bool has_thread;
    pthread_t thread;

    struct intake intake; // has its own lock
    atomic_bool is_over;  // nothing that comes is of use

    // The writer's thread only.
    struct tape tape;
    struct lineup lineup;
    int idles; // one after the other

    // Protected by lock.
    pthread_mutex_t lock;
    enum recorder_state state;
    bool is_stopping;
    struct recorder_stats stats; // but for the state
};

const char *recorder_container_name(enum recorder_container container) {
    static const char *const NAMES[] = {"webm", "mkv", "mp4", "ogg"};
    return NAMES[container];
}

bool recorder_container_from_name(const char *name, enum recorder_container *out) {
    for (int i = RECORDER_WEBM; i <= RECORDER_OGG; i++)
        if (strcmp(name, recorder_container_name((enum recorder_container)i)) == 0) {
            *out = (enum recorder_container)i;
            return true;
        }
    return false;
}

const char *recorder_state_name(enum recorder_state state) {
    static const char *const NAMES[] = {"recording", "paused", "stopped", "failed"};
    return NAMES[state];
}

// ---- the system ----

static int on_open(void *user, const char *path) {
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
}

static ssize_t on_write(void *user, int fd, const void *data, size_t size_bytes) {
    return write(fd, data, size_bytes);
}

static int on_sync(void *user, int fd) {
    return fdatasync(fd);
}

// Of the directory: the file may not be there yet.
static int64_t on_free_bytes(void *user, const char *path) {
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) + 1 < sizeof(directory)) {
        size_t length = (size_t)(slash - path) + 1;
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    struct statvfs about;
    if (statvfs(directory, &about))
        return -errno;
    return (int64_t)about.f_bavail * (int64_t)about.f_frsize;
}

// ---- the writer's thread ----

static void tell_stats(struct recorder *recorder) {
    const struct tape *tape = &recorder->tape;
    pthread_mutex_lock(&recorder->lock);
    recorder->stats.duration_ns = tape->end_ns;
    recorder->stats.bytes = tape_bytes(tape);
    recorder->stats.gaps = tape->gaps;
    recorder->stats.gap_ns = tape->gap_ns;
    recorder->stats.segments = tape->has_begun ? tape->number : 0;
    recorder->stats.kbps = tape->kbps;
    pthread_mutex_unlock(&recorder->lock);
}

// Those that are due, or all. 0 or negative errno.
static int take_entries(struct recorder *recorder, bool takes_all) {
    struct intake_entry entry;
    int result = 0;
    while (result == 0 && !recorder->tape.is_ended &&
           lineup_take(&recorder->lineup, takes_all, &entry)) {
        result = tape_take(&recorder->tape, &entry);
        intake_entry_finish(&entry);
    }
    return result;
}

static int take_next(struct recorder *recorder) {
    struct intake_entry entry;
    int result;
    if (intake_pop(&recorder->intake, IDLE_NS, &entry)) {
        bool takes_all = entry.kind == INTAKE_STOP;
        recorder->idles = 0;
        if (entry.kind == INTAKE_RESUME)
            tape_expect_resume(&recorder->tape, entry.at_ns);
        lineup_add(&recorder->lineup, &entry);
        result = take_entries(recorder, takes_all);
    } else {
        result = take_entries(recorder, ++recorder->idles >= IDLES_MAX);
        if (result == 0 && !recorder->tape.is_ended)
            result = tape_idle(&recorder->tape);
    }
    if (intake_lacks_keyframe(&recorder->intake))
        tape_ask_keyframe(&recorder->tape, intake_newest_ns(&recorder->intake));
    return result;
}

static void end(struct recorder *recorder, int result) {
    atomic_store(&recorder->is_over, true);
    intake_close(&recorder->intake);
    lineup_finish(&recorder->lineup);
    int finished = tape_finish(&recorder->tape);
    result = result ? result : finished;
    tell_stats(recorder);
    pthread_mutex_lock(&recorder->lock);
    recorder->state = result ? RECORDER_FAILED : RECORDER_STOPPED;
    recorder->is_stopping = true;
    pthread_mutex_unlock(&recorder->lock);
    if (recorder->ops.on_event)
        recorder->ops.on_event(recorder->user, RECORDER_ENDED, result);
}

static bool is_below_floor(const struct recorder *recorder) {
    if (recorder->config.free_floor_bytes <= 0)
        return false;
    int64_t free_bytes = recorder->io.free_bytes(recorder->io.user, recorder->path);
    return free_bytes >= 0 && free_bytes < recorder->config.free_floor_bytes;
}

static int open_first(struct recorder *recorder) {
    int result = recorder->ops.prepare ? recorder->ops.prepare(recorder->user) : 0;
    if (result)
        return result;
    return is_below_floor(recorder) ? -ENOSPC : tape_open(&recorder->tape);
}

static void *run(void *argument) {
    struct recorder *recorder = argument;
    struct tape *tape = &recorder->tape;
    // Before the file is there: while a disk that stalls opens it, the pictures wait in the queue.
    if (tape->lacks_keyframe)
        tape_ask_keyframe(tape, 0);
    int result = open_first(recorder);
    while (result == 0 && !tape->is_ended && !atomic_load(&recorder->is_over)) {
        result = take_next(recorder);
        tell_stats(recorder);
    }
    end(recorder, result);
    return NULL;
}

// ---- life ----

static int copy_config(struct recorder *recorder, const struct recorder_config *config) {
    static const struct recorder_io SYSTEM = {on_open, on_write, on_sync, on_free_bytes, NULL};
    recorder->config = *config;
    recorder->io = config->io ? *config->io : SYSTEM;
    recorder->config.io = &recorder->io;
    recorder->path = strdup(config->path);
    recorder->title = config->title ? strdup(config->title) : NULL;
    recorder->config.path = recorder->path;
    recorder->config.title = recorder->title;
    if (!recorder->path || (config->title && !recorder->title))
        return -ENOMEM;
    if (config->container == RECORDER_OGG)
        recorder->config.has_video = false;
    return 0;
}

static int start(struct recorder *recorder) {
    tape_init(&recorder->tape, &recorder->config, &recorder->ops, recorder->user);
    int result = -pthread_create(&recorder->thread, NULL, run, recorder);
    recorder->has_thread = result == 0;
    if (result == 0)
        pthread_setname_np(recorder->thread, "recorder");
    return result;
}

int recorder_create(const struct recorder_config *config, const struct recorder_ops *ops,
                    void *user, struct recorder **out) {
    if (!config->path || (unsigned)config->container > RECORDER_OGG)
        return -EINVAL;
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    if (!recorder)
        return -ENOMEM;
    recorder->ops = ops ? *ops : (struct recorder_ops){0};
    recorder->user = user;
    int result = copy_config(recorder, config);
    pthread_mutex_init(&recorder->lock, NULL);
    size_t bytes_max = config->queue_bytes_max ? config->queue_bytes_max : QUEUE_BYTES_MAX;
    if (intake_init(&recorder->intake, bytes_max, recorder->config.has_video))
        result = -ENOMEM;
    if (result == 0)
        result = start(recorder);
    if (result) {
        recorder_destroy(recorder);
        return result;
    }
    *out = recorder;
    return 0;
}

void recorder_push(struct recorder *recorder, struct packet *packet, bool is_audio) {
    if (!atomic_load_explicit(&recorder->is_over, memory_order_relaxed) &&
        (is_audio || recorder->config.has_video))
        intake_push(&recorder->intake, packet, is_audio);
}

static void change_state(struct recorder *recorder, enum recorder_state from,
                         enum recorder_state to, enum intake_kind mark, int64_t now_ns) {
    pthread_mutex_lock(&recorder->lock);
    bool changes = recorder->state == from && !recorder->is_stopping;
    if (changes && intake_mark(&recorder->intake, mark, now_ns, NULL))
        recorder->state = to;
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_pause(struct recorder *recorder, int64_t now_ns) {
    change_state(recorder, RECORDER_RECORDING, RECORDER_PAUSED, INTAKE_PAUSE, now_ns);
}

void recorder_resume(struct recorder *recorder, int64_t now_ns) {
    change_state(recorder, RECORDER_PAUSED, RECORDER_RECORDING, INTAKE_RESUME, now_ns);
}

void recorder_add_chapter(struct recorder *recorder, int64_t now_ns, const char *title) {
    intake_mark(&recorder->intake, INTAKE_CHAPTER, now_ns, title ? title : "");
}

static bool note_stopping(struct recorder *recorder) {
    pthread_mutex_lock(&recorder->lock);
    bool was_stopping = recorder->is_stopping;
    recorder->is_stopping = true;
    pthread_mutex_unlock(&recorder->lock);
    return !was_stopping;
}

void recorder_stop(struct recorder *recorder, int64_t now_ns) {
    // Without memory for the mark it ends all the same, with what is written.
    if (note_stopping(recorder) && !intake_mark(&recorder->intake, INTAKE_STOP, now_ns, NULL))
        atomic_store(&recorder->is_over, true);
}

void recorder_get_stats(struct recorder *recorder, struct recorder_stats *out) {
    pthread_mutex_lock(&recorder->lock);
    *out = recorder->stats;
    out->state = recorder->state;
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_destroy(struct recorder *recorder) {
    if (!recorder)
        return;
    if (recorder->has_thread) {
        if (note_stopping(recorder) && !intake_mark_stop(&recorder->intake))
            atomic_store(&recorder->is_over, true);
        pthread_join(recorder->thread, NULL);
    }
    if (recorder->intake.entries)
        intake_finish(&recorder->intake);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder->title);
    free(recorder->path);
    free(recorder);
}
