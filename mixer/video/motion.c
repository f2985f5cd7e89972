// SPDX-License-Identifier: MIT
#include "mixer/video/motion.h"

static int between(int from, int to, double progress) {
    int at = (int)(from + (to - from) * progress + 0.5);
    return at & ~1;
}

struct rect motion_at(struct rect from, struct rect to, int64_t elapsed_ns) {
    if (elapsed_ns >= MOTION_NS)
        return to;
    double rest = 1 - (elapsed_ns > 0 ? (double)elapsed_ns / MOTION_NS : 0);
    double progress = 1 - rest * rest * rest;
    // Edges move, not sizes: what touches goes on to touch.
    int left = between(from.x, to.x, progress), top = between(from.y, to.y, progress);
    int right = between(from.x + from.width, to.x + to.width, progress);
    int bottom = between(from.y + from.height, to.y + to.height, progress);
    return (struct rect){left, top, right - left, bottom - top};
}
