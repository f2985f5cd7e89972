// SPDX-License-Identifier: MIT
//
//     feed_push --> decoder --> queue --(pts + hold reached)--> feed_take
//     (streaming thread)          |                             (tick)
//                                 +-- without hold only the newest waits
#include "mixer/video/feed.h"

#include "mixer/video/decoder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// A sender's clock that is further off than this is not believed.
#define PTS_TRUST_NS INT64_C(2000000000)
// For this long after the last frame, or after it was wanted, there is someone who may answer an
// ask.
#define ANSWERS_FOR_NS INT64_C(3000000000)
// After this much silence one ask wakes the senders that only had nothing new to show.
#define QUIET_NS INT64_C(1500000000)
#define BURST_NS INT64_C(8000000) // frames of 60 a second are twice as far apart

enum { LATENESS_SAMPLES = 128 };

struct waiting {
    struct feed_picture picture;
    int64_t base_ns; // due at this time plus the hold
    size_t size_bytes;
};

struct feed {
    // The streaming thread's.
    struct decoder *decoder;
    bool has_gap; // frames were left out: the decoder's references are not what the sender's are

    // Protected by lock.
    pthread_mutex_t lock;
    bool is_wanted, needs_keyframe;
    bool has_frames;  // ever
    bool is_in_burst; // all of them came at once
    bool has_pictures;
    int64_t hold_ns;
    int64_t clock_ns; // the latest time that anybody told
    int64_t asked_ns, frame_ns, picture_ns;
    int64_t wanted_ns;                    // since when; -1: nobody told yet
    struct waiting queue[FEED_QUEUE_MAX]; // oldest first
    int queue_count;
    size_t queue_bytes;
    int64_t lateness_ns[LATENESS_SAMPLES]; // ring
    unsigned lateness_count;
};

struct feed *feed_create(void) {
    struct feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return NULL;
    pthread_mutex_init(&feed->lock, NULL);
    feed->asked_ns = -FEED_ASK_INTERVAL_NS;
    // Until the first tick has seated everybody a newcomer's first frame, often the only keyframe
    // for a long time, is worth decoding.
    feed->is_wanted = true;
    feed->is_in_burst = true;
    feed->wanted_ns = -1;
    feed->decoder = decoder_create();
    if (!feed->decoder) {
        feed_destroy(feed);
        return NULL;
    }
    return feed;
}

// Forgets the oldest count pictures.
static void forget_locked(struct feed *feed, int count) {
    for (int i = 0; i < count; i++) {
        feed->queue_bytes -= feed->queue[i].size_bytes;
        av_frame_free(&feed->queue[i].picture.frame);
    }
    feed->queue_count -= count;
    memmove(feed->queue, feed->queue + count, (size_t)feed->queue_count * sizeof(feed->queue[0]));
}

void feed_destroy(struct feed *feed) {
    if (!feed)
        return;
    forget_locked(feed, feed->queue_count);
    decoder_destroy(feed->decoder);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

static void set_clock_locked(struct feed *feed, int64_t now_ns) {
    if (now_ns > feed->clock_ns)
        feed->clock_ns = now_ns;
}

static bool ask_locked(struct feed *feed) {
    feed->needs_keyframe = true;
    if (!feed->is_wanted || feed->clock_ns - feed->asked_ns < FEED_ASK_INTERVAL_NS)
        return false;
    feed->asked_ns = feed->clock_ns;
    return true;
}

static size_t frame_bytes(const AVFrame *frame) {
    size_t size = 0;
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
        size += (size_t)frame->buf[i]->size;
    return size;
}

static void forget_at_locked(struct feed *feed, int index) {
    feed->queue_bytes -= feed->queue[index].size_bytes;
    av_frame_free(&feed->queue[index].picture.frame);
    feed->queue_count--;
    memmove(feed->queue + index, feed->queue + index + 1,
            (size_t)(feed->queue_count - index) * sizeof(feed->queue[0]));
}

// A full queue loses the picture that follows its predecessor most closely, not its oldest: that is
// due next, and a queue that loses it as fast as it fills would never show anything.
static void thin_locked(struct feed *feed) {
    int closest = feed->queue_count - 1;
    int64_t min_gap_ns = INT64_MAX;
    for (int i = feed->queue_count - 1; i > 0; i--) {
        int64_t gap_ns = feed->queue[i].base_ns - feed->queue[i - 1].base_ns;
        if (gap_ns < min_gap_ns) {
            min_gap_ns = gap_ns;
            closest = i;
        }
    }
    forget_at_locked(feed, closest);
}

// A pts can be any number: no arithmetic before it is known to be a sane one.
static bool is_pts_trusted(const struct feed_frame *frame) {
    return frame->pts_ns >= frame->arrival_ns - PTS_TRUST_NS &&
           frame->pts_ns <= frame->arrival_ns + PTS_TRUST_NS;
}

// No picture is taken before it arrives, so a pts after the arrival says no more than the arrival.
static int64_t base_of(const struct feed_frame *frame) {
    return is_pts_trusted(frame) && frame->pts_ns < frame->arrival_ns ? frame->pts_ns
                                                                      : frame->arrival_ns;
}

// Takes the picture.
static void enqueue_locked(struct feed *feed, const struct feed_frame *frame, AVFrame *picture) {
    size_t size = frame_bytes(picture);
    if (feed->hold_ns == 0)
        forget_locked(feed, feed->queue_count);
    while (feed->queue_count == FEED_QUEUE_MAX ||
           (feed->queue_count > 0 && feed->queue_bytes + size > FEED_QUEUE_MAX_BYTES))
        thin_locked(feed);
    feed->queue[feed->queue_count++] = (struct waiting){
        .picture = {picture, frame->rotation, frame->arrival_ns},
        .base_ns = base_of(frame),
        .size_bytes = size,
    };
    feed->queue_bytes += size;
}

// What was sent before the connection was up comes all at once when it is: that says nothing of how
// late frames will come.
static void note_burst_locked(struct feed *feed, const struct feed_frame *frame) {
    bool is_at_once = frame->arrival_ns - feed->frame_ns < BURST_NS;
    feed->is_in_burst &= !feed->has_frames || is_at_once;
    if (feed->is_in_burst)
        feed->lateness_count = 0;
}

static void note_arrival_locked(struct feed *feed, const struct feed_frame *frame) {
    set_clock_locked(feed, frame->arrival_ns);
    note_burst_locked(feed, frame);
    feed->has_frames = true;
    feed->frame_ns = frame->arrival_ns;
    if (is_pts_trusted(frame))
        feed->lateness_ns[feed->lateness_count++ % LATENESS_SAMPLES] =
            frame->arrival_ns - base_of(frame);
}

static bool begin_push(struct feed *feed, const struct feed_frame *frame, bool is_watched) {
    pthread_mutex_lock(&feed->lock);
    note_arrival_locked(feed, frame);
    bool is_shown = feed->is_wanted && is_watched;
    if (!is_shown)
        feed->needs_keyframe = true;
    pthread_mutex_unlock(&feed->lock);
    return is_shown;
}

enum feed_outcome feed_push(struct feed *feed, const struct feed_frame *frame, bool is_watched,
                            bool *asks) {
    *asks = false;
    if (!begin_push(feed, frame, is_watched)) {
        feed->has_gap = true;
        return FEED_SKIPPED;
    }
    if (feed->has_gap)
        decoder_reset(feed->decoder);
    feed->has_gap = false;
    AVFrame *picture = NULL;
    int error = decoder_decode(feed->decoder, frame->codec, frame->data, frame->size_bytes,
                               frame->pts_ns, &picture);
    pthread_mutex_lock(&feed->lock);
    if (error) {
        *asks = ask_locked(feed);
    } else if (feed->is_wanted) {
        feed->needs_keyframe = false;
        if (picture) {
            feed->picture_ns = frame->arrival_ns;
            feed->has_pictures = true;
            enqueue_locked(feed, frame, picture);
            picture = NULL;
        }
    }
    pthread_mutex_unlock(&feed->lock);
    av_frame_free(&picture); // hidden while it was decoded
    if (error)
        return error == -EAGAIN ? FEED_WAITING : FEED_BROKEN;
    return FEED_DECODED;
}

void feed_lost(struct feed *feed, bool *asks) {
    feed->has_gap = true;
    pthread_mutex_lock(&feed->lock);
    *asks = ask_locked(feed);
    pthread_mutex_unlock(&feed->lock);
}

void feed_set_wanted(struct feed *feed, bool is_wanted, int64_t now_ns) {
    pthread_mutex_lock(&feed->lock);
    set_clock_locked(feed, now_ns);
    if (is_wanted && (!feed->is_wanted || feed->wanted_ns < 0))
        feed->wanted_ns = now_ns;
    // The picture was forgotten when it went, and a still source sends no other for a while.
    if (is_wanted && !feed->is_wanted && feed->has_frames)
        feed->needs_keyframe = true;
    feed->is_wanted = is_wanted;
    if (!is_wanted) {
        forget_locked(feed, feed->queue_count);
        feed->has_pictures = false;
    }
    pthread_mutex_unlock(&feed->lock);
}

void feed_set_hold_ns(struct feed *feed, int64_t hold_ns) {
    pthread_mutex_lock(&feed->lock);
    feed->hold_ns = hold_ns;
    pthread_mutex_unlock(&feed->lock);
}

bool feed_take(struct feed *feed, int64_t now_ns, struct feed_picture *out) {
    pthread_mutex_lock(&feed->lock);
    set_clock_locked(feed, now_ns);
    int due = feed->queue_count - 1;
    // Without hold the newest at once; the tick's time may be a little older than the arrival.
    if (feed->hold_ns > 0)
        while (due >= 0 && feed->queue[due].base_ns + feed->hold_ns > now_ns)
            due--;
    if (due >= 0) {
        forget_locked(feed, due);
        *out = feed->queue[0].picture;
        feed->queue[0].picture.frame = NULL;
        forget_locked(feed, 1);
    }
    pthread_mutex_unlock(&feed->lock);
    return due >= 0;
}

static bool is_answering_locked(const struct feed *feed) {
    int64_t since_ns = feed->wanted_ns;
    if (feed->has_frames && feed->frame_ns > since_ns)
        since_ns = feed->frame_ns;
    return feed->clock_ns - since_ns < ANSWERS_FOR_NS;
}

bool feed_wants_keyframe(struct feed *feed, int64_t now_ns) {
    pthread_mutex_lock(&feed->lock);
    set_clock_locked(feed, now_ns);
    int64_t quiet_from_ns = feed->frame_ns + QUIET_NS;
    bool is_quiet = feed->clock_ns >= quiet_from_ns && feed->asked_ns < quiet_from_ns;
    // Who never sent anything has nothing to answer with, and their first frame is a keyframe.
    bool asks =
        feed->has_frames && ((feed->needs_keyframe && is_answering_locked(feed)) || is_quiet);
    asks = asks && ask_locked(feed);
    pthread_mutex_unlock(&feed->lock);
    return asks;
}

bool feed_is_live(struct feed *feed, int64_t now_ns, int64_t within_ns) {
    pthread_mutex_lock(&feed->lock);
    bool is_live = feed->has_pictures && now_ns - feed->picture_ns < within_ns;
    pthread_mutex_unlock(&feed->lock);
    return is_live;
}

bool feed_is_awaited(struct feed *feed, int64_t now_ns) {
    pthread_mutex_lock(&feed->lock);
    set_clock_locked(feed, now_ns);
    bool is_awaited = feed->is_wanted && is_answering_locked(feed);
    pthread_mutex_unlock(&feed->lock);
    return is_awaited;
}

static int compare_ns(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

int64_t feed_lateness_ns(struct feed *feed) {
    int64_t samples[LATENESS_SAMPLES];
    pthread_mutex_lock(&feed->lock);
    bool is_flowing =
        feed->is_wanted && feed->has_frames && feed->clock_ns - feed->frame_ns < ANSWERS_FOR_NS;
    if (!is_flowing)
        feed->lateness_count = 0;
    size_t count =
        feed->lateness_count < LATENESS_SAMPLES ? feed->lateness_count : LATENESS_SAMPLES;
    memcpy(samples, feed->lateness_ns, count * sizeof(samples[0]));
    pthread_mutex_unlock(&feed->lock);
    if (count == 0)
        return 0;
    qsort(samples, count, sizeof(samples[0]), compare_ns);
    return samples[(count - 1) * 95 / 100];
}
