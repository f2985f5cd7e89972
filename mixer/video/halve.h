// SPDX-License-Identifier: MIT
// A canvas at half the size: each sample is the mean of four. Only what was painted is done again.
// Not locked: who has the turn.
#ifndef MIXER_VIDEO_HALVE_H
#define MIXER_VIDEO_HALVE_H

#include "mixer/video/canvas.h"

// to: half as wide and high as from. Halves from's dirty blocks and marks where they came to lie.
void halve_changed(const struct canvas *from, struct canvas *to);
// The same for all of it, dirty or not.
void halve_all(const struct canvas *from, struct canvas *to);

#endif
