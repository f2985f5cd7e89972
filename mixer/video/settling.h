// SPDX-License-Identifier: MIT
// Which macroblocks the encoder must look at: those that changed, and those that came to rest
// before they were fine. Pure, not locked.
//
// A macroblock outside the active map keeps the quality it had, and after a keyframe that is poor:
// 31 dB, where the same picture left to libvpx climbs to 44. So each one that came to rest is
// looked at again for a while: until it was coded finely some times, or coded often enough. Where
// nothing is to be gained that is a copy, which costs little.
#ifndef MIXER_VIDEO_SETTLING_H
#define MIXER_VIDEO_SETTLING_H

#include <stdbool.h>
#include <stdint.h>

struct settling {
    int count;       // of macroblocks
    uint8_t *ages;   // frames since each changed, weighed by how finely they were coded
    uint8_t *active; // what the encoder must look at
    int unsettled;   // macroblocks that are not done
    int woken;       // macroblocks that changed in this frame after a rest
    int age_step;    // what a frame counts for one at rest
};

int settling_init(struct settling *settling, int count); // 0 or -ENOMEM
void settling_finish(struct settling *settling);         // zeroed is allowed

// One more frame. changed: a byte for each macroblock, NULL: all may have. Fills active.
void settling_update(struct settling *settling, const uint8_t *changed, bool is_keyframe);
// How coarsely that frame was coded, 0 .. 63.
void settling_note_quantiser(struct settling *settling, int quantiser);
bool settling_is_over(const struct settling *settling);

#endif
