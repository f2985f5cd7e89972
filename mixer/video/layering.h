// SPDX-License-Identifier: MIT
// Which temporal layer a frame belongs to. Pure, not locked.
//
//     slot    0  1  2  3  4  5  6  7  8      one slot is one frame at the full rate
//     layer   0  2  1  2  0  2  1  2  0
//     from       0  0  0  0  4  4  4  4      and the 2 after a 1 from that as well
//
// Nothing is ever predicted from a layer above, and no 1 or 2 from before the last 0: whoever joins
// in a layer at a frame of layer 0 has all that the layer needs. The pattern follows time rather
// than count, so that layer 0 keeps its pace when a picture changes more seldom than frames could
// come, and what changes after a pause is layer 0.
#ifndef MIXER_VIDEO_LAYERING_H
#define MIXER_VIDEO_LAYERING_H

#include <stdbool.h>
#include <stdint.h>

enum { LAYERING_PERIOD = 4 };

struct layering {
    int elapsed;     // slots since the last frame of layer 0
    bool has_middle; // a frame of layer 1 came since then
};

// To begin with, layer 0 is due.
void layering_init(struct layering *layering);
// From one frame to the next; a clock may stumble, so any number will do.
void layering_advance(struct layering *layering, int64_t slots);
// Of the frame that would be encoded now.
int layering_choose(const struct layering *layering, bool wants_base);
// A frame of this layer was made.
void layering_note_sent(struct layering *layering, int layer);

#endif
