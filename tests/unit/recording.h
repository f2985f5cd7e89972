// SPDX-License-Identifier: MIT
// A recorder for tests: on a disk that can stall, fill up and fail, with a room that sends what it
// is asked for. Include once per program, after film.h.
#ifndef TESTS_UNIT_RECORDING_H
#define TESTS_UNIT_RECORDING_H

#include "mixer/record/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define RECORDING_MAYBE __attribute__((unused))
// The room's clock is a machine's that has been up for a while.
#define RECORDING_BEGIN (INT64_C(86400) * FILM_S)

enum { RECORDING_EVENTS_MAX = 64, RECORDING_PATIENCE_S = 60 };

struct recording {
    struct recorder *recorder;
    char path[300];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock.
    bool is_stalled;
    bool is_writing;    // or would be, if it were not stalled
    int64_t room_bytes; // then ENOSPC; -1: no end
    int64_t free_bytes; // what is told
    int opens, syncs, writes;
    int write_error; // instead of writing
    int event_count;
    struct {
        enum recorder_event event;
        int64_t value;
    } events[RECORDING_EVENTS_MAX];

    atomic_bool is_keyframe_wanted;
    atomic_int keyframes_asked;

    // The room.
    int64_t now_ns, video_ns, audio_ns; // what comes next
    int frame_bytes;                    // of a picture; 0: few
    int width_px, height_px;
    int sound_every_ms; // 20; more: silence that is not sent
    bool is_still;      // sends no pictures but keyframes
    bool is_mute;       // no sound at all
    int64_t pushed_ns;  // the newest packet
    int pushed;         // pictures
};

// ---- the disk ----

RECORDING_MAYBE static int recording_on_open(void *user, const char *path) {
    struct recording *recording = user;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    pthread_mutex_lock(&recording->lock);
    while (recording->is_stalled)
        pthread_cond_wait(&recording->changed, &recording->lock);
    recording->opens++;
    pthread_cond_broadcast(&recording->changed);
    pthread_mutex_unlock(&recording->lock);
    return fd;
}

RECORDING_MAYBE static ssize_t recording_on_write(void *user, int fd, const void *data,
                                                  size_t size_bytes) {
    struct recording *recording = user;
    pthread_mutex_lock(&recording->lock);
    recording->is_writing = true;
    pthread_cond_broadcast(&recording->changed);
    while (recording->is_stalled)
        pthread_cond_wait(&recording->changed, &recording->lock);
    recording->is_writing = false;
    recording->writes++;
    int error = recording->write_error;
    if (recording->room_bytes >= 0 && (int64_t)size_bytes > recording->room_bytes) {
        size_bytes = (size_t)recording->room_bytes; // a full disk takes what fits
        error = size_bytes == 0 ? ENOSPC : error;
    }
    if (recording->room_bytes >= 0 && !error)
        recording->room_bytes -= (int64_t)size_bytes;
    pthread_mutex_unlock(&recording->lock);
    if (error) {
        errno = error;
        return -1;
    }
    return write(fd, data, size_bytes);
}

RECORDING_MAYBE static int recording_on_sync(void *user, int fd) {
    struct recording *recording = user;
    pthread_mutex_lock(&recording->lock);
    recording->syncs++;
    pthread_mutex_unlock(&recording->lock);
    return 0;
}

RECORDING_MAYBE static int64_t recording_on_free_bytes(void *user, const char *path) {
    struct recording *recording = user;
    pthread_mutex_lock(&recording->lock);
    int64_t free_bytes = recording->free_bytes;
    pthread_mutex_unlock(&recording->lock);
    return free_bytes;
}

// Changes what the disk does, and wakes who waits for it.
#define RECORDING_SET(recording, field, value)                                                     \
    do {                                                                                           \
        pthread_mutex_lock(&(recording)->lock);                                                    \
        (recording)->field = (value);                                                              \
        pthread_cond_broadcast(&(recording)->changed);                                             \
        pthread_mutex_unlock(&(recording)->lock);                                                  \
    } while (0)

// ---- what it tells ----

RECORDING_MAYBE static void recording_on_event(void *user, enum recorder_event event,
                                               int64_t value) {
    struct recording *recording = user;
    pthread_mutex_lock(&recording->lock);
    if (recording->event_count < RECORDING_EVENTS_MAX) {
        recording->events[recording->event_count].event = event;
        recording->events[recording->event_count++].value = value;
    }
    pthread_cond_broadcast(&recording->changed);
    pthread_mutex_unlock(&recording->lock);
}

RECORDING_MAYBE static void recording_on_keyframe_wanted(void *user) {
    struct recording *recording = user;
    atomic_fetch_add(&recording->keyframes_asked, 1);
    atomic_store(&recording->is_keyframe_wanted, true);
}

// How often it was told; *value: the last time's, NULL is allowed.
RECORDING_MAYBE static int recording_count(struct recording *recording, enum recorder_event event,
                                           int64_t *value) {
    int count = 0;
    pthread_mutex_lock(&recording->lock);
    for (int i = 0; i < recording->event_count; i++)
        if (recording->events[i].event == event) {
            count++;
            if (value)
                *value = recording->events[i].value;
        }
    pthread_mutex_unlock(&recording->lock);
    return count;
}

RECORDING_MAYBE static struct timespec recording_deadline(void) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += RECORDING_PATIENCE_S;
    return deadline;
}

// Waits until it was told. Returns the value.
RECORDING_MAYBE static int64_t recording_await(struct recording *recording,
                                               enum recorder_event event) {
    struct timespec deadline = recording_deadline();
    int64_t value = 0;
    while (recording_count(recording, event, &value) == 0) {
        pthread_mutex_lock(&recording->lock);
        int error = pthread_cond_timedwait(&recording->changed, &recording->lock, &deadline);
        pthread_mutex_unlock(&recording->lock);
        assert_int_equal(error, 0);
    }
    return value;
}

RECORDING_MAYBE static void recording_await_open(struct recording *recording) {
    struct timespec deadline = recording_deadline();
    pthread_mutex_lock(&recording->lock);
    int error = 0;
    while (recording->opens == 0 && error == 0)
        error = pthread_cond_timedwait(&recording->changed, &recording->lock, &deadline);
    pthread_mutex_unlock(&recording->lock);
    assert_int_equal(error, 0);
}

RECORDING_MAYBE static void recording_await_writer_in_write(struct recording *recording) {
    struct timespec deadline = recording_deadline();
    pthread_mutex_lock(&recording->lock);
    int error = 0;
    while (!recording->is_writing && error == 0)
        error = pthread_cond_timedwait(&recording->changed, &recording->lock, &deadline);
    pthread_mutex_unlock(&recording->lock);
    assert_int_equal(error, 0);
}

RECORDING_MAYBE static struct recorder_stats recording_stats(struct recording *recording) {
    struct recorder_stats stats;
    recorder_get_stats(recording->recorder, &stats);
    return stats;
}

// ---- life ----

RECORDING_MAYBE static struct recorder_config recording_config(void **state, const char *name) {
    return (struct recorder_config){
        .path = film_path(state, name),
        .title = "A call",
        .container = RECORDER_WEBM,
        .has_video = true,
        .width_px = FILM_WIDTH,
        .height_px = FILM_HEIGHT,
        .fps = FILM_FPS,
    };
}

RECORDING_MAYBE static void recording_init(struct recording *recording) {
    *recording = (struct recording){
        .room_bytes = -1,
        .free_bytes = INT64_C(1) << 40,
        .now_ns = RECORDING_BEGIN,
        .video_ns = RECORDING_BEGIN,
        .audio_ns = RECORDING_BEGIN,
        .width_px = FILM_WIDTH,
        .height_px = FILM_HEIGHT,
        .sound_every_ms = 20,
    };
    pthread_mutex_init(&recording->lock, NULL);
    pthread_cond_init(&recording->changed, NULL);
}

RECORDING_MAYBE static int recording_try_open(struct recording *recording,
                                              const struct recorder_config *config) {
    struct recorder_io io = {recording_on_open, recording_on_write, recording_on_sync,
                             recording_on_free_bytes, recording};
    struct recorder_ops ops = {.on_event = recording_on_event,
                               .on_keyframe_wanted = recording_on_keyframe_wanted};
    struct recorder_config with_io = *config;
    with_io.io = &io;
    snprintf(recording->path, sizeof(recording->path), "%s.%s", config->path,
             recorder_container_name(config->container));
    return recorder_create(&with_io, &ops, recording, &recording->recorder);
}

RECORDING_MAYBE static void recording_open(struct recording *recording,
                                           const struct recorder_config *config) {
    recording_init(recording);
    assert_int_equal(recording_try_open(recording, config), 0);
}

// Stops now, reads what was made of it. Returns what the end was told with.
RECORDING_MAYBE static int64_t recording_finish(struct recording *recording, struct film *film) {
    recorder_stop(recording->recorder, recording->now_ns);
    int64_t result = recording_await(recording, RECORDER_ENDED);
    if (film)
        assert_true(film_read(recording->path, film));
    return result;
}

RECORDING_MAYBE static void recording_close(struct recording *recording) {
    recorder_destroy(recording->recorder);
    pthread_mutex_destroy(&recording->lock);
    pthread_cond_destroy(&recording->changed);
}

// ---- the room ----

RECORDING_MAYBE static void recording_push(struct recording *recording, struct packet *packet) {
    recording->pushed_ns = packet->pts_ns;
    recorder_push(recording->recorder, packet, packet->kind == PACKET_AUDIO);
    packet_unref(packet);
}

RECORDING_MAYBE static void recording_send_picture(struct recording *recording) {
    bool is_keyframe = atomic_exchange(&recording->is_keyframe_wanted, false);
    if (!recording->is_still || is_keyframe) {
        size_t size_bytes =
            recording->frame_bytes ? (size_t)recording->frame_bytes : (is_keyframe ? 400 : 60);
        recording_push(recording, film_picture_of(recording->video_ns, is_keyframe, size_bytes,
                                                  recording->width_px, recording->height_px));
        recording->pushed++;
    }
    recording->video_ns += FILM_FRAME_NS;
}

// The room goes on for so long, as fast as it can.
RECORDING_MAYBE static void recording_play(struct recording *recording, int64_t duration_ns) {
    recording->now_ns += duration_ns;
    while (recording->video_ns < recording->now_ns || recording->audio_ns < recording->now_ns) {
        if (recording->video_ns <= recording->audio_ns) {
            recording_send_picture(recording);
            continue;
        }
        if (!recording->is_mute)
            recording_push(recording, film_sound(recording->audio_ns));
        recording->audio_ns += recording->sound_every_ms * FILM_MS;
    }
}

// Until so much is recorded.
RECORDING_MAYBE static void recording_await_duration(struct recording *recording,
                                                     int64_t duration_ns) {
    struct timespec deadline = recording_deadline(), now, pause = {0, 200000};
    while (recording_stats(recording).duration_ns < duration_ns) {
        clock_gettime(CLOCK_REALTIME, &now);
        assert_true(now.tv_sec < deadline.tv_sec);
        nanosleep(&pause, NULL);
    }
}

// Until the writer has written all but the last second of what was sent.
RECORDING_MAYBE static void recording_let_catch_up(struct recording *recording,
                                                   int64_t duration_ns) {
    recording_await_duration(recording, duration_ns - FILM_S);
}

// The same, at a pace that the writer keeps up with. expected_ns: what will be recorded then.
RECORDING_MAYBE static void recording_play_paced(struct recording *recording, int64_t duration_ns,
                                                 int64_t recorded_ns) {
    for (int64_t at_ns = 0; at_ns < duration_ns; at_ns += FILM_S) {
        int64_t part_ns = duration_ns - at_ns < FILM_S ? duration_ns - at_ns : FILM_S;
        recording_play(recording, part_ns);
        recording_let_catch_up(recording, recorded_ns + at_ns + part_ns);
    }
}

// The first keyframe is there, and recorded from.
RECORDING_MAYBE static void recording_begin(struct recording *recording) {
    struct timespec deadline = recording_deadline(), now, pause = {0, 200000};
    while (!atomic_load(&recording->is_keyframe_wanted)) {
        clock_gettime(CLOCK_REALTIME, &now);
        assert_true(now.tv_sec < deadline.tv_sec);
        nanosleep(&pause, NULL);
    }
}

#endif
