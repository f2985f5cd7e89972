// SPDX-License-Identifier: MIT
// The composite in its sizes: the canvas itself, and copies of it at half and a quarter of its
// sides; each with an encoder while somebody watches.
//
//     canvas --> tier 0 --> packet
//        |
//      halve --> tier 1 --> packet
//        |
//      halve --> tier 2 --> packet
//
// A copy is kept up to date while it or a smaller one is watched. Who has the turn calls all but
// what says otherwise.
#ifndef MIXER_VIDEO_TIERS_H
#define MIXER_VIDEO_TIERS_H

#include "mixer/video/canvas.h"
#include "mixer/video/stage.h"
#include "mixer/video/tier.h"

#include <stdatomic.h>

struct tiers {
    // Of who has the turn.
    struct tier tiers[STAGE_TIERS];
    const struct canvas *pictures[STAGE_TIERS]; // the canvas, then the copies
    struct canvas copies[STAGE_TIERS];          // the first is not used
    bool is_current[STAGE_TIERS];               // the copy shows what the canvas does
    int max_kbps[STAGE_TIERS];

    // Any thread.
    atomic_bool is_keyframe_wanted[STAGE_TIERS];
    atomic_int wanted_kbps[STAGE_TIERS]; // 0: max_kbps
    atomic_int kbps[STAGE_TIERS];        // that it aims at; 0: it rests
    atomic_uint_fast64_t frames[STAGE_TIERS], keyframes[STAGE_TIERS], bytes[STAGE_TIERS];
    atomic_uint_fast64_t frames_unchanged;
};

// canvas must stay where it is. 0 or -ENOMEM.
int tiers_init(struct tiers *tiers, const struct stage_config *config, const struct canvas *canvas);
void tiers_finish(struct tiers *tiers); // zeroed is allowed
// Takes fresh, made for a canvas of another size or rate, in place of what there was; what was
// asked and counted stays.
void tiers_adopt(struct tiers *tiers, struct tiers *fresh);

// Everything moved elsewhere: a keyframe of each.
void tiers_request_keyframes(struct tiers *tiers);
// Any thread.
void tiers_request_keyframe(struct tiers *tiers, int tier);
void tiers_set_kbps(struct tiers *tiers, int tier, int kbps);
void tiers_get_stats(struct tiers *tiers, struct stage_stats *out);

// What was painted since the last canvas_clean(), with source frames up to source_ns (0: none).
void tiers_mark(struct tiers *tiers, unsigned watched, int64_t source_ns);
// Encodes what is watched and lets the others rest; out[n] is a new reference or NULL. 0, or the
// negative errno of one that failed.
int tiers_encode(struct tiers *tiers, unsigned watched, int64_t now_ns,
                 struct packet *out[STAGE_TIERS]);
// Nobody watches any.
void tiers_rest(struct tiers *tiers);

#endif
