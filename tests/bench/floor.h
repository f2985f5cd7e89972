// SPDX-License-Identifier: MIT
// What the codecs alone cost for a room of N, in one bare loop on one thread: the least that a
// plain design can do. N VP8 decodes, N scales into tiles, one VP8 encode; N Opus decodes, at most
// four encodes.
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include "tests/peer/media.h"

struct floor_cost {
    double cores;                                   // at 30 frames a second
    double decode_ms, scale_ms, encode_ms, opus_ms; // per composite frame
};

// clips and sounds are used in turn by the members. 0 or negative errno.
int floor_measure(int members, const struct media *const *clips, int clip_count,
                  const struct media *sound, int frames, struct floor_cost *out);

#endif
