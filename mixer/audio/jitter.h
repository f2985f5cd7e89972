// SPDX-License-Identifier: MIT
// How unevenly a member's packets arrive: the fastest transit of the last seconds and how far above
// it the 95th percentile lies. A plain value; the caller serialises.
#ifndef MIXER_AUDIO_JITTER_H
#define MIXER_AUDIO_JITTER_H

#include <stdint.h>

// At one sample per 20 ms packet: 5 s to know the path, 0.6 s to notice that it got worse.
enum { JITTER_LONG = 256, JITTER_SHORT = 32 };

struct jitter_window {
    int size, count, next;
    int64_t in_order_ns[JITTER_LONG]; // a ring, oldest at next once full
    int64_t sorted_ns[JITTER_LONG];
};

struct jitter {
    struct jitter_window recent, past;
    int64_t slot_pts_ns, slot_worst_ns; // packets shorter than 10 ms share one sample, their worst
};

void jitter_reset(struct jitter *jitter);
void jitter_add(struct jitter *jitter, int64_t pts_ns, int64_t transit_ns);
// The fastest transit; 0 before the first packet.
int64_t jitter_base_ns(const struct jitter *jitter);
// The 95th percentile above the base, of whichever window has it worse.
int64_t jitter_p95_ns(const struct jitter *jitter);

#endif
