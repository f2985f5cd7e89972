// SPDX-License-Identifier: MIT
// Which macroblocks the encoder must look at: those that changed, and those that came to rest
// before they were fine. Pure, not locked.
//
// A macroblock outside the active map keeps the quality it had, and after a keyframe that is poor:
// 31 dB, where the same picture left to libvpx climbs to 44. So each one that came to rest is
// looked at again for a while: until it was coded finely some times, or coded often enough. Where
// nothing is to be gained that is a copy, which costs little.
//
// With temporal layers every frame is predicted from the last base frame rather than from the last
// one: a macroblock that changed since then must be coded in each frame until a base frame has it.
// And it is made finer in base frames only: in any other that would last for a moment.
#ifndef MIXER_VIDEO_SETTLING_H
#define MIXER_VIDEO_SETTLING_H

#include <stdbool.h>
#include <stdint.h>

struct settling {
    int count;       // of macroblocks
    uint8_t *ages;   // frames since each changed, weighed by how finely they were coded
    uint8_t *due;    // changed since the last base frame that was made
    uint8_t *active; // what the encoder must look at
    int unsettled;   // macroblocks that are not done
    int changed;     // macroblocks that changed in this frame
    int woken;       // of those, which after a rest
    int roused;      // of those, which after a long one: no camera of few pictures a second
    int age_step;    // what a frame counts for one at rest
    int pace;        // as many times as much, for one whose base frames are rare
};

// pace: 1 where every frame is a base frame. 0 or -ENOMEM.
int settling_init(struct settling *settling, int count, int pace);
void settling_finish(struct settling *settling); // zeroed is allowed

// One more frame. changed: a byte for each macroblock, NULL: all may have.
void settling_update(struct settling *settling, const uint8_t *changed, bool is_keyframe);
// Fills active for the frame that settling_update() told of.
void settling_pick(struct settling *settling, bool is_base);
// That frame was made; how coarsely, 0 .. 63.
void settling_note_coded(struct settling *settling, bool is_base, int quantiser);
bool settling_is_over(const struct settling *settling);

#endif
