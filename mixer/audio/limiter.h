// SPDX-License-Identifier: MIT
// Keeps a sum below full scale without delay: within a frame it sees the peak coming and turns down
// before it, and comes back slowly. A plain value; one thread.
#ifndef MIXER_AUDIO_LIMITER_H
#define MIXER_AUDIO_LIMITER_H

enum { LIMITER_FRAME = 960 };
#define LIMITER_CEILING 0.89f // -1 dBFS: room for what the codec adds

struct limiter {
    float gain; // where the last frame ended
    int hold_blocks;
};

void limiter_init(struct limiter *limiter);
void limiter_process(struct limiter *limiter, float pcm[LIMITER_FRAME]); // in place

#endif
