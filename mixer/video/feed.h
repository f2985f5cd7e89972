// SPDX-License-Identifier: MIT
// One video stream of one member, from encoded frames to the pictures that wait to be shown: owns
// the decoder and a short queue. feed_push() and feed_lost() come from the member's streaming
// thread, one at a time, and decode there; the others from any thread. No lock is held while
// decoding.
//
// Only a wanted feed decodes. When it is wanted again after frames were left out, it asks for a
// keyframe, at most every 300 ms, until a picture came.
#ifndef MIXER_VIDEO_FEED_H
#define MIXER_VIDEO_FEED_H

#include "mixer/video/stage.h"

#include <libavutil/frame.h>

#define FEED_ASK_INTERVAL_NS INT64_C(300000000)

enum { FEED_QUEUE_MAX = 32, FEED_QUEUE_MAX_BYTES = 48 << 20 };

struct feed;

struct feed_frame {
    enum video_codec codec;
    const void *data;
    size_t size_bytes;
    int64_t pts_ns, arrival_ns;
    int rotation;
};

// Skipped: nobody sees it. Waiting: for a keyframe.
enum feed_outcome { FEED_DECODED, FEED_SKIPPED, FEED_WAITING, FEED_BROKEN };

struct feed_picture {
    AVFrame *frame; // a reference of the holder's
    int rotation;
    int64_t arrival_ns;
};

struct feed *feed_create(void);
void feed_destroy(struct feed *feed); // NULL is allowed

// *asks: the caller must ask the sender for a keyframe now.
enum feed_outcome feed_push(struct feed *feed, const struct feed_frame *frame, bool is_watched,
                            bool *asks);
void feed_lost(struct feed *feed, bool *asks);

// Unwanted, it forgets its pictures.
void feed_set_wanted(struct feed *feed, bool is_wanted, int64_t now_ns);
void feed_set_hold_ns(struct feed *feed, int64_t hold_ns);

// The newest picture that is due; older ones are forgotten. False: nothing new.
bool feed_take(struct feed *feed, int64_t now_ns, struct feed_picture *out);
// True: ask the sender for a keyframe now: an earlier ask brought none, or it fell silent.
bool feed_wants_keyframe(struct feed *feed, int64_t now_ns);
// Did it decode a picture within the last within_ns?
bool feed_is_live(struct feed *feed, int64_t now_ns, int64_t within_ns);
// May a picture be expected soon? Not of one who has sent nothing for some seconds.
bool feed_is_awaited(struct feed *feed, int64_t now_ns);
// How late frames arrive after their pts: 95th percentile of the last seconds, 0 if none came.
int64_t feed_lateness_ns(struct feed *feed);

#endif
