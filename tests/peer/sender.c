// SPDX-License-Identifier: MIT
// One list of streams under one mutex; the thread takes the stream that is due next, marks it busy
// and pushes with the mutex free. The thread is started with the first stream and stays.
#include "tests/peer/sender.h"

#include <glib.h>
#include <time.h>

struct sender_stream {
    sender_push push; // immutable
    void *user;
    // Protected by lock.
    const struct media *media;
    int next;
    int64_t due_ns;
    bool is_busy, is_paused, wants_rewind;
    bool is_by_clock; // immutable
};

static GMutex lock;
static GCond changed;
static GPtrArray *streams; // protected by lock
static int added;          // protected by lock
static uint64_t late;      // protected by lock
static int64_t worst_ns;   // protected by lock

int64_t sender_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct sender_stream *earliest_locked(void) {
    struct sender_stream *first = NULL;
    for (guint i = 0; i < streams->len; i++) {
        struct sender_stream *stream = g_ptr_array_index(streams, i);
        if (!stream->is_paused && (!first || stream->due_ns < first->due_ns))
            first = stream;
    }
    return first;
}

static void push_locked(struct sender_stream *stream, int64_t now_ns) {
    const struct media *media = stream->media;
    bool rewinds = stream->wants_rewind && !stream->is_by_clock;
    int index = rewinds ? 0 : stream->next % media->count;
    int64_t due_ns = stream->due_ns;
    if (now_ns - due_ns > worst_ns)
        worst_ns = now_ns - due_ns;
    stream->wants_rewind = false;
    stream->next = (index + 1) % media->count;
    stream->due_ns += media->frame_ns;
    // What keeps to the clock catches up with it. The others leave out whole frames: cameras that
    // began anew together would tick together from then on.
    if (!stream->is_by_clock && stream->due_ns < now_ns - INT64_C(200000000)) {
        int64_t missed = (now_ns - stream->due_ns) / media->frame_ns;
        late += (uint64_t)missed;
        stream->due_ns += missed * media->frame_ns;
    }
    stream->is_busy = true;
    g_mutex_unlock(&lock);
    stream->push(stream->user, &media->frames[index], index, due_ns);
    g_mutex_lock(&lock);
    stream->is_busy = false;
    g_cond_broadcast(&changed);
}

static gpointer sender_run(gpointer unused) {
    g_mutex_lock(&lock);
    for (;;) {
        struct sender_stream *stream = earliest_locked();
        int64_t now_ns = sender_now_ns();
        if (!stream)
            g_cond_wait(&changed, &lock);
        else if (stream->due_ns > now_ns)
            g_cond_wait_until(&changed, &lock, stream->due_ns / 1000 + 1);
        else
            push_locked(stream, now_ns);
    }
    return NULL;
}

// Members' cameras do not tick together: the golden ratio spreads any number of phases, which are
// those of the clock, whenever the members come.
static int64_t first_due_locked(const struct media *media, bool is_by_clock) {
    int64_t now_ns = sender_now_ns(), loop_ns = media->frame_ns * media->count;
    double turns = 0.618 * ++added;
    if (is_by_clock)
        return (now_ns / loop_ns + 1) * loop_ns;
    return now_ns / media->frame_ns * media->frame_ns +
           (int64_t)((turns - (int)turns) * (double)media->frame_ns);
}

static struct sender_stream *add(const struct media *media, sender_push push, void *user,
                                 bool is_by_clock) {
    struct sender_stream *stream = g_new0(struct sender_stream, 1);
    stream->push = push;
    stream->user = user;
    stream->media = media;
    stream->is_by_clock = is_by_clock;
    g_mutex_lock(&lock);
    if (!streams) {
        streams = g_ptr_array_new();
        g_thread_unref(g_thread_new("sender", sender_run, NULL));
    }
    stream->due_ns = first_due_locked(media, is_by_clock);
    g_ptr_array_add(streams, stream);
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
    return stream;
}

struct sender_stream *sender_add(const struct media *media, sender_push push, void *user) {
    return add(media, push, user, false);
}

struct sender_stream *sender_add_by_clock(const struct media *media, sender_push push, void *user) {
    return add(media, push, user, true);
}

void sender_remove(struct sender_stream *stream) {
    if (!stream)
        return;
    g_mutex_lock(&lock);
    g_ptr_array_remove_fast(streams, stream);
    while (stream->is_busy)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
    g_free(stream);
}

void sender_rewind(struct sender_stream *stream) {
    g_mutex_lock(&lock);
    stream->wants_rewind = true;
    g_mutex_unlock(&lock);
}

void sender_set_media(struct sender_stream *stream, const struct media *media) {
    g_mutex_lock(&lock);
    stream->media = media;
    stream->wants_rewind = true;
    g_mutex_unlock(&lock);
}

void sender_set_paused(struct sender_stream *stream, bool is_paused) {
    g_mutex_lock(&lock);
    if (stream->is_paused && !is_paused)
        stream->due_ns = sender_now_ns();
    stream->is_paused = is_paused;
    stream->wants_rewind = true;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
}

uint64_t sender_late_count(void) {
    g_mutex_lock(&lock);
    uint64_t count = late;
    g_mutex_unlock(&lock);
    return count;
}

int64_t sender_take_worst_delay_ns(void) {
    g_mutex_lock(&lock);
    int64_t delay_ns = worst_ns;
    worst_ns = 0;
    g_mutex_unlock(&lock);
    return delay_ns;
}
