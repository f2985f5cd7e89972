// SPDX-License-Identifier: MIT
// How a tile gets from one place to another: fast at first, gently at the end. Pure; any thread.
#ifndef MIXER_VIDEO_MOTION_H
#define MIXER_VIDEO_MOTION_H

#include "mixer/video/layout.h"

#include <stdbool.h>
#include <stdint.h>

#define MOTION_NS INT64_C(250000000)

// Where it is elapsed_ns after it left `from`; `to` once that is MOTION_NS. On even places, and
// never outside of what holds both.
struct rect motion_at(struct rect from, struct rect to, int64_t elapsed_ns);

#endif
