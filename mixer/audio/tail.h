// SPDX-License-Identifier: MIT
// Somebody who leaves in the middle of a word must not end in a click: keeps the last 5 ms of
// everybody in the mix and plays them, mirrored and fading, for those who are gone. Plain values;
// one thread.
#ifndef MIXER_AUDIO_TAIL_H
#define MIXER_AUDIO_TAIL_H

#include "mixer/audio/mix.h"

#include <stdint.h>

enum { TAIL_SAMPLES = 240 };

struct tails {
    int count;
    struct tail {
        uint64_t serial;
        float pcm[TAIL_SAMPLES];
    } of[MIX_SEATS_MAX];
};

void tails_clear(struct tails *tails);
// After the sums of a tick.
void tails_remember(struct tails *tails, uint64_t serial, const float pcm[MIX_FRAME]);
// In the next tick, for who is still there.
void tails_drop(struct tails *tails, uint64_t serial);
// Adds those that are left.
void tails_play(const struct tails *tails, float out[MIX_FRAME]);

#endif
