// SPDX-License-Identifier: MIT
// One thread, which makes a connection (or an HLS directory), feeds it until it breaks, waits, and
// makes the next; each has a transcoder of its own, so that it begins with a keyframe at time 0.
//
//   a, v threads --push--> backlog --thread--> transcoder --> muxer --> rtmp, files
//
// All that blocks in there asks on_interrupt(): a server that takes nothing for ten seconds is as
// good as gone. Only looking up a host's name cannot be interrupted; a thread that is still at that
// when it should end is left to itself, and frees what is left.
#include "mixer/record/broadcast.h"

#include "mixer/record/backlog.h"
#include "mixer/record/transcoder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libavutil/log.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MS                  INT64_C(1000000)
#define SECOND              (1000 * MS)
#define PAUSE_MIN_NS        SECOND
#define PAUSE_MAX_NS        (30 * SECOND)
#define DEFAULT_STALL_NS    (10 * SECOND) // to connect, to take a frame
#define STOP_NS             SECOND        // for the last words
#define ABANDON_NS          (2 * SECOND)
#define ASK_NS              SECOND // between two wishes for a keyframe
#define REPEAT_NS           (200 * MS)
#define DEFAULT_SEGMENT_NS  (2 * SECOND)
#define DEFAULT_SEGMENTS    6
#define SEGMENTS_MAX        1000
#define NICENESS            5
#define MILLIBITS_PER_PIXEL 90 // what text and faces need at "veryfast"

struct broadcast {
    // Immutable.
    struct broadcast_config config;
    char *target, *ca_file;
    struct broadcast_ops ops;
    void *user;
    pthread_t thread;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int references; // the owner's, the thread's
    bool is_taking; // packets
    bool is_telling, is_ended, is_abandoned;
    struct backlog backlog;
    struct broadcast_stats stats;
    int64_t live_since_ns;

    atomic_int_fast64_t stopped_ns; // 0: goes on

    // The thread's alone.
    struct transcoder *transcoder;
    struct muxer *muxer;
    bool is_connecting, was_live, has_first, lacks_keyframe;
    int64_t first_ns, newest_ns; // of this connection's packets
    int64_t give_up_ns;          // when what blocks is taken for lost
    int64_t asked_ns;
    int64_t window_ns;
    uint64_t window_bytes;
    int error; // the muxer's
};

const char *broadcast_state_name(enum broadcast_state state) {
    switch (state) {
    case BROADCAST_CONNECTING: return "connecting";
    case BROADCAST_LIVE: return "live";
    case BROADCAST_WAITING: return "waiting";
    case BROADCAST_STOPPED: return "stopped";
    }
    return "?";
}

static int64_t read_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static bool is_stopping(const struct broadcast *broadcast) {
    return atomic_load(&broadcast->stopped_ns) != 0;
}

// Returns with the lock held, as it was called.
static void wait_until_locked(struct broadcast *broadcast, int64_t until_ns) {
    struct timespec until = {.tv_sec = until_ns / SECOND, .tv_nsec = until_ns % SECOND};
    pthread_cond_timedwait(&broadcast->wake, &broadcast->lock, &until);
}

// ---- what the owner is told ----

// False: the owner is gone. True: end_telling() must follow.
static bool begin_telling(struct broadcast *broadcast) {
    pthread_mutex_lock(&broadcast->lock);
    broadcast->is_telling = !broadcast->is_abandoned;
    bool is_telling = broadcast->is_telling;
    pthread_mutex_unlock(&broadcast->lock);
    return is_telling;
}

static void end_telling(struct broadcast *broadcast) {
    pthread_mutex_lock(&broadcast->lock);
    broadcast->is_telling = false;
    pthread_cond_broadcast(&broadcast->wake);
    pthread_mutex_unlock(&broadcast->lock);
}

static void change_state(struct broadcast *broadcast, enum broadcast_state state, int error) {
    pthread_mutex_lock(&broadcast->lock);
    broadcast->stats.state = state;
    broadcast->stats.error = error;
    if (state == BROADCAST_LIVE) {
        broadcast->live_since_ns = read_clock_ns();
        broadcast->stats.reconnects += broadcast->was_live;
        broadcast->was_live = true;
    } else {
        broadcast->stats.kbps = 0;
    }
    pthread_mutex_unlock(&broadcast->lock);
    if (!broadcast->ops.on_state || !begin_telling(broadcast))
        return;
    broadcast->ops.on_state(broadcast->user, state, error);
    end_telling(broadcast);
}

static void ask_for_keyframe(struct broadcast *broadcast) {
    int64_t now_ns = read_clock_ns();
    if (broadcast->asked_ns && now_ns - broadcast->asked_ns < ASK_NS)
        return;
    broadcast->asked_ns = now_ns;
    if (!broadcast->ops.on_keyframe_wanted || !begin_telling(broadcast))
        return;
    broadcast->ops.on_keyframe_wanted(broadcast->user);
    end_telling(broadcast);
}

static void note_bytes(struct broadcast *broadcast, size_t size_bytes) {
    int64_t now_ns = read_clock_ns();
    broadcast->window_bytes += size_bytes;
    int64_t window_ms = (now_ns - broadcast->window_ns) / MS;
    pthread_mutex_lock(&broadcast->lock);
    broadcast->stats.bytes += size_bytes;
    if (window_ms >= 1000)
        broadcast->stats.kbps = (int)(broadcast->window_bytes * 8 / (uint64_t)window_ms);
    pthread_mutex_unlock(&broadcast->lock);
    if (window_ms < 1000)
        return;
    broadcast->window_ns = now_ns;
    broadcast->window_bytes = 0;
}

// ---- the connection ----

static bool on_interrupt(void *user) {
    struct broadcast *broadcast = user;
    int64_t stopped_ns = atomic_load(&broadcast->stopped_ns), now_ns = read_clock_ns();
    if (stopped_ns && (broadcast->is_connecting || now_ns > stopped_ns + STOP_NS))
        return true;
    return now_ns > broadcast->give_up_ns;
}

static void on_encoded(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                       bool is_keyframe, const void *data, size_t size_bytes) {
    struct broadcast *broadcast = user;
    if (broadcast->error)
        return;
    int track = codec == MUXER_H264 ? 0 : 1;
    broadcast->give_up_ns = read_clock_ns() + broadcast->config.stall_ns;
    broadcast->error = muxer_write(broadcast->muxer, track, pts_ns - broadcast->first_ns,
                                   duration_ns, is_keyframe, data, size_bytes);
    if (!broadcast->error)
        note_bytes(broadcast, size_bytes);
}

static int open_transcoder(struct broadcast *broadcast) {
    const struct broadcast_config *config = &broadcast->config;
    struct transcoder_config wanted = {
        .has_video = true,
        .width_px = config->width_px,
        .height_px = config->height_px,
        .fps = config->fps,
        .video_kbps = config->video_kbps,
        .keyframe_ns = config->segment_ns,
        .repeat_ns = REPEAT_NS,
    };
    return transcoder_create(&wanted, on_encoded, broadcast, &broadcast->transcoder);
}

static bool is_of_stream(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".m4s") == 0 || strcmp(dot, ".tmp") == 0 ||
                   strcmp(name, "index.m3u8") == 0 || strcmp(name, "init.mp4") == 0);
}

// With the one it is in. 0 (also when it is there) or negative errno.
static int make_directory(const char *path) {
    int result = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
    const char *slash = strrchr(path, '/');
    if (result != -ENOENT || !slash || slash == path)
        return result;
    char *above = strndup(path, (size_t)(slash - path));
    if (!above)
        return -ENOMEM;
    mkdir(above, 0700); // the next one tells whether it is there
    free(above);
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

// Old segments would be taken for new ones: their numbers begin at 0 again.
static int clear_directory(const char *path) {
    int result = make_directory(path);
    if (result)
        return result;
    DIR *directory = opendir(path);
    if (!directory)
        return -errno;
    struct dirent *entry;
    while ((entry = readdir(directory)))
        if (is_of_stream(entry->d_name))
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    return 0;
}

// A name may lead anywhere, and elsewhere tomorrow. (libavformat looks it up once more: what
// changes within that moment is not seen here.)
static int check_host(struct broadcast *broadcast) {
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    if (!broadcast->ops.may_reach)
        return 0;
    if (!broadcast_find_host(broadcast->target, host, sizeof(host)))
        return -EINVAL;
    if (getaddrinfo(host, NULL, &hints, &addresses) != 0)
        return -EHOSTUNREACH;
    bool is_allowed = true;
    for (const struct addrinfo *each = addresses; each && is_allowed; each = each->ai_next)
        is_allowed = broadcast->ops.may_reach(broadcast->user, each->ai_addr);
    freeaddrinfo(addresses);
    return is_allowed ? 0 : -EACCES;
}

static int open_muxer(struct broadcast *broadcast) {
    const struct broadcast_config *config = &broadcast->config;
    bool is_hls = config->kind == BROADCAST_HLS;
    int rc = is_hls ? clear_directory(broadcast->target) : 0;
    if (rc)
        return rc;
    char *playlist = NULL;
    if (is_hls && asprintf(&playlist, "%s/index.m3u8", broadcast->target) < 0)
        return -ENOMEM;
    struct muxer_config wanted = {
        .format = is_hls ? "hls" : "flv",
        .target = is_hls ? playlist : broadcast->target,
        .segment_ns = config->segment_ns,
        .segments_kept = config->segments_kept,
        .ca_file = broadcast->ca_file,
        .is_over = on_interrupt,
        .user = broadcast,
    };
    rc = is_hls ? 0 : check_host(broadcast);
    // It would be passed over in silence.
    if (rc == 0 && broadcast->ca_file && access(broadcast->ca_file, R_OK))
        rc = -errno;
    if (rc) {
        free(playlist);
        return rc;
    }
    wanted.track_count = transcoder_tracks(broadcast->transcoder, wanted.tracks);
    broadcast->give_up_ns = read_clock_ns() + config->stall_ns;
    broadcast->is_connecting = true;
    rc = muxer_open(&wanted, &broadcast->muxer);
    broadcast->is_connecting = false;
    free(playlist);
    return rc;
}

static int connect_stream(struct broadcast *broadcast) {
    int rc = broadcast->transcoder ? 0 : open_transcoder(broadcast);
    if (rc == 0)
        rc = open_muxer(broadcast);
    if (rc)
        return rc;
    broadcast->has_first = false;
    broadcast->lacks_keyframe = true;
    broadcast->error = 0;
    broadcast->asked_ns = 0;
    broadcast->window_ns = read_clock_ns();
    broadcast->window_bytes = 0;
    pthread_mutex_lock(&broadcast->lock);
    backlog_clear(&broadcast->backlog);
    broadcast->is_taking = true;
    pthread_mutex_unlock(&broadcast->lock);
    return 0;
}

static void close_stream(struct broadcast *broadcast, bool is_abandoned) {
    pthread_mutex_lock(&broadcast->lock);
    broadcast->is_taking = false;
    backlog_clear(&broadcast->backlog);
    pthread_mutex_unlock(&broadcast->lock);
    broadcast->give_up_ns = is_abandoned ? 0 : read_clock_ns() + STOP_NS;
    muxer_close(broadcast->muxer, is_abandoned);
    broadcast->muxer = NULL;
    transcoder_destroy(broadcast->transcoder);
    broadcast->transcoder = NULL;
}

// ---- the stream ----

// Waits for a packet, and asks for keyframes meanwhile. NULL: it shall stop, and all is taken (or
// there is no more time for it).
static struct packet *take(struct broadcast *broadcast) {
    for (;;) {
        pthread_mutex_lock(&broadcast->lock);
        bool lacks_keyframe = broadcast->lacks_keyframe || broadcast->backlog.awaits_keyframe;
        if (broadcast->backlog.count == 0 && !is_stopping(broadcast))
            wait_until_locked(broadcast, read_clock_ns() + ASK_NS / (lacks_keyframe ? 4 : 1));
        struct packet *packet = backlog_take(&broadcast->backlog);
        pthread_mutex_unlock(&broadcast->lock);
        int64_t stopped_ns = atomic_load(&broadcast->stopped_ns);
        bool is_late = stopped_ns && read_clock_ns() > stopped_ns + STOP_NS;
        if (lacks_keyframe && !stopped_ns)
            ask_for_keyframe(broadcast);
        if (packet && !is_late)
            return packet;
        packet_unref(packet);
        if (stopped_ns)
            return NULL;
    }
}

static int feed(struct broadcast *broadcast, const struct packet *packet) {
    bool is_audio = packet->kind == PACKET_AUDIO;
    if (!broadcast->has_first)
        broadcast->first_ns = broadcast->newest_ns = packet->pts_ns;
    broadcast->has_first = true;
    if (packet->pts_ns > broadcast->newest_ns)
        broadcast->newest_ns = packet->pts_ns;
    int rc = transcoder_push(broadcast->transcoder, is_audio, packet->pts_ns, packet->is_keyframe,
                             packet->data, packet->size_bytes);
    if (!is_audio)
        broadcast->lacks_keyframe = rc != 0; // take() asks for one
    if (broadcast->error)
        return broadcast->error;
    return rc == -EAGAIN || rc == -EINVAL ? 0 : rc;
}

static int pump(struct broadcast *broadcast) {
    struct packet *packet;
    ask_for_keyframe(broadcast);
    bool is_live = false;
    while ((packet = take(broadcast))) {
        int rc = feed(broadcast, packet);
        packet_unref(packet);
        if (rc)
            return rc;
        if (!is_live && broadcast->window_bytes > 0) {
            change_state(broadcast, BROADCAST_LIVE, 0);
            is_live = true;
        }
    }
    return broadcast->has_first ? transcoder_finish(broadcast->transcoder, broadcast->newest_ns)
                                : 0;
}

// Until it is lost or stopped. 0 or negative errno.
static int stream(struct broadcast *broadcast) {
    change_state(broadcast, BROADCAST_CONNECTING, 0);
    int rc = connect_stream(broadcast);
    if (rc == 0)
        rc = pump(broadcast);
    close_stream(broadcast, rc != 0);
    return rc == -ECANCELED ? -ETIMEDOUT : rc; // on_interrupt() lost patience
}

static void wait_for_retry(struct broadcast *broadcast, int64_t until_ns) {
    pthread_mutex_lock(&broadcast->lock);
    while (!is_stopping(broadcast) && read_clock_ns() < until_ns)
        wait_until_locked(broadcast, until_ns);
    pthread_mutex_unlock(&broadcast->lock);
}

static void unref(struct broadcast *broadcast) {
    pthread_mutex_lock(&broadcast->lock);
    int left = --broadcast->references;
    pthread_mutex_unlock(&broadcast->lock);
    if (left > 0)
        return;
    transcoder_destroy(broadcast->transcoder);
    backlog_clear(&broadcast->backlog);
    pthread_cond_destroy(&broadcast->wake);
    pthread_mutex_destroy(&broadcast->lock);
    free(broadcast->target);
    free(broadcast->ca_file);
    free(broadcast);
}

static void *run(void *user) {
    struct broadcast *broadcast = user;
    int64_t pause_ns = PAUSE_MIN_NS;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS); // the call comes first
    while (!is_stopping(broadcast)) {
        int64_t from_ns = read_clock_ns();
        int rc = stream(broadcast);
        if (is_stopping(broadcast))
            break;
        change_state(broadcast, BROADCAST_WAITING, rc);
        // Whoever held for longer than the last pause may be tried soon again.
        if (read_clock_ns() - from_ns > pause_ns + broadcast->config.stall_ns)
            pause_ns = PAUSE_MIN_NS;
        wait_for_retry(broadcast, read_clock_ns() + pause_ns);
        pause_ns = 2 * pause_ns < PAUSE_MAX_NS ? 2 * pause_ns : PAUSE_MAX_NS;
    }
    change_state(broadcast, BROADCAST_STOPPED, 0);
    pthread_mutex_lock(&broadcast->lock);
    broadcast->is_ended = true;
    pthread_cond_broadcast(&broadcast->wake);
    pthread_mutex_unlock(&broadcast->lock);
    unref(broadcast);
    return NULL;
}

// ---- the owner's side ----

static int complete_config(struct broadcast_config *config) {
    if (!config->target || !config->target[0] || config->width_px <= 0 || config->height_px <= 0 ||
        config->fps <= 0 || config->segments_kept < 0 || config->segments_kept > SEGMENTS_MAX ||
        config->stall_ns < 0)
        return -EINVAL;
    if (config->kind == BROADCAST_RTMP && !broadcast_is_url_allowed(config->target))
        return -EINVAL;
    if (config->segment_ns == 0 || config->kind == BROADCAST_RTMP)
        config->segment_ns = DEFAULT_SEGMENT_NS;
    if (config->stall_ns == 0)
        config->stall_ns = DEFAULT_STALL_NS;
    if (config->segments_kept == 0)
        config->segments_kept = DEFAULT_SEGMENTS;
    if (config->video_kbps == 0)
        config->video_kbps = (int)((int64_t)config->width_px * config->height_px * config->fps *
                                   MILLIBITS_PER_PIXEL / 1000000);
    return 0;
}

static int start(struct broadcast *broadcast) {
    broadcast->target = strdup(broadcast->config.target);
    if (!broadcast->target)
        return -ENOMEM;
    bool has_ca_file = broadcast->config.ca_file && broadcast->config.ca_file[0];
    broadcast->ca_file = has_ca_file ? strdup(broadcast->config.ca_file) : NULL;
    if (has_ca_file && !broadcast->ca_file)
        return -ENOMEM;
    broadcast->config.target = broadcast->config.ca_file = NULL; // borrowed
    // Here, so that what can never work is told at once.
    int rc = open_transcoder(broadcast);
    if (rc)
        return rc;
    broadcast->references = 2;
    rc = -pthread_create(&broadcast->thread, NULL, run, broadcast);
    if (rc)
        broadcast->references = 1;
    else
        pthread_setname_np(broadcast->thread, "live");
    return rc;
}

int broadcast_create(const struct broadcast_config *config, const struct broadcast_ops *ops,
                     void *user, struct broadcast **out) {
    struct broadcast_config whole = *config;
    int rc = complete_config(&whole);
    if (rc)
        return rc;
    struct broadcast *broadcast = calloc(1, sizeof(*broadcast));
    if (!broadcast)
        return -ENOMEM;
    av_log_set_level(AV_LOG_QUIET); // it would log URLs with their keys
    broadcast->config = whole;
    broadcast->ops = *ops;
    broadcast->user = user;
    broadcast->references = 1;
    pthread_mutex_init(&broadcast->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&broadcast->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    backlog_init(&broadcast->backlog);
    rc = start(broadcast);
    if (rc) {
        unref(broadcast);
        return rc;
    }
    *out = broadcast;
    return 0;
}

void broadcast_push(struct broadcast *broadcast, struct packet *packet, bool is_audio) {
    if (is_audio != (packet->kind == PACKET_AUDIO))
        return;
    pthread_mutex_lock(&broadcast->lock);
    if (broadcast->is_taking && !is_stopping(broadcast) &&
        backlog_push(&broadcast->backlog, packet))
        pthread_cond_broadcast(&broadcast->wake);
    pthread_mutex_unlock(&broadcast->lock);
}

void broadcast_get_stats(struct broadcast *broadcast, struct broadcast_stats *out) {
    pthread_mutex_lock(&broadcast->lock);
    *out = broadcast->stats;
    out->frames_dropped = broadcast->backlog.dropped;
    out->packets_waiting = broadcast->backlog.count;
    if (out->state == BROADCAST_LIVE)
        out->live_ns = read_clock_ns() - broadcast->live_since_ns;
    pthread_mutex_unlock(&broadcast->lock);
}

void broadcast_destroy(struct broadcast *broadcast) {
    if (!broadcast)
        return;
    int64_t now_ns = read_clock_ns();
    pthread_mutex_lock(&broadcast->lock);
    atomic_store(&broadcast->stopped_ns, now_ns);
    pthread_cond_broadcast(&broadcast->wake);
    while (!broadcast->is_ended && read_clock_ns() < now_ns + ABANDON_NS)
        wait_until_locked(broadcast, now_ns + ABANDON_NS);
    while (broadcast->is_telling)
        pthread_cond_wait(&broadcast->wake, &broadcast->lock);
    bool is_ended = broadcast->is_ended;
    broadcast->is_abandoned = true;
    pthread_mutex_unlock(&broadcast->lock);
    if (is_ended)
        pthread_join(broadcast->thread, NULL);
    else
        pthread_detach(broadcast->thread);
    unref(broadcast);
}
