// SPDX-License-Identifier: MIT
// One encoding of a canvas that any number of members receive: the encoder while somebody watches,
// when it sends a frame, and when a keyframe. Not locked: one thread at a time.
#ifndef MIXER_VIDEO_TIER_H
#define MIXER_VIDEO_TIER_H

#include "mixer/video/canvas.h"
#include "mixer/video/encoder.h"
#include "mixer/video/refresh.h"

#define TIER_KEYFRAME_INTERVAL_NS INT64_C(300000000)

struct tier {
    struct encoder_config config;
    struct encoder *encoder; // NULL while nobody watches
    struct refresh refresh;
    struct keyframe_gate gate;
    int64_t source_ns; // arrival of the newest source frame that was not sent yet; 0: none
};

int tier_init(struct tier *tier, const struct encoder_config *config); // 0 or -ENOMEM
void tier_finish(struct tier *tier);                                   // zeroed is allowed

// Nobody watches: frees the encoder.
void tier_rest(struct tier *tier);
void tier_request_keyframe(struct tier *tier);
int tier_set_kbps(struct tier *tier, int kbps); // 0 or negative errno
// What was painted since the last canvas_clean(), with source frames up to source_ns (0: none).
void tier_mark(struct tier *tier, const struct canvas *canvas, int64_t source_ns);
// *out is a new reference, or NULL if there is nothing to send. 0 or negative errno.
int tier_encode(struct tier *tier, const struct canvas *canvas, int64_t now_ns,
                struct packet **out);

#endif
