// SPDX-License-Identifier: MIT
// The frame is cut into blocks of 1.25 ms. Each says what gain its peak allows; the gain runs in
// straight lines through the block edges, at each no higher than either neighbour allows.
#include "mixer/audio/limiter.h"

#include <math.h>

enum { BLOCK = 60, BLOCKS = LIMITER_FRAME / BLOCK, ATTACK = 24, HOLD_BLOCKS = 64 };

#define RELEASE_PER_BLOCK 0.006f // of the way back: 0.2 s

void limiter_init(struct limiter *limiter) {
    limiter->gain = 1;
    limiter->hold_blocks = 0;
}

static float allowed_gain(const float *block) {
    float peak = 0;
    for (int i = 0; i < BLOCK; i++)
        peak = fmaxf(peak, fabsf(block[i]));
    return peak > LIMITER_CEILING ? LIMITER_CEILING / peak : 1;
}

// Where the gain goes from here if nothing forbids it: it stays for 80 ms, a period of the lowest
// voice, so that it does not follow the wave itself, and then comes back.
static float release(struct limiter *limiter, float gain) {
    if (limiter->hold_blocks > 0) {
        limiter->hold_blocks--;
        return gain;
    }
    gain += (1 - gain) * RELEASE_PER_BLOCK;
    return gain > 0.9999f ? 1 : gain;
}

static void apply(float *block, float from, float to) {
    // Only a frame's first block can begin above what it is allowed: turn down in half a
    // millisecond, and hold what sticks out until then at the ceiling.
    int length = to < from ? ATTACK : BLOCK;
    for (int i = 0; i < BLOCK; i++) {
        float gain = i < length ? from + (to - from) * (float)(i + 1) / (float)length : to;
        float value = block[i] * gain;
        block[i] = fmaxf(-LIMITER_CEILING, fminf(LIMITER_CEILING, value));
    }
}

void limiter_process(struct limiter *limiter, float pcm[LIMITER_FRAME]) {
    float allowed[BLOCKS + 1];
    for (int b = 0; b < BLOCKS; b++)
        allowed[b] = allowed_gain(pcm + b * BLOCK);
    allowed[BLOCKS] = 1;
    float gain = limiter->gain;
    for (int b = 0; b < BLOCKS; b++) {
        float most = fminf(allowed[b], allowed[b + 1]);
        float next = release(limiter, gain);
        if (most <= next && most < 1) {
            next = most;
            limiter->hold_blocks = HOLD_BLOCKS;
        }
        if (gain != 1 || next != 1)
            apply(pcm + b * BLOCK, gain, next);
        gain = next;
    }
    limiter->gain = gain;
}
