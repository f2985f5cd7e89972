// SPDX-License-Identifier: MIT
// Who is heard, and the sums. The loudest few hold a seat; to take a seat from somebody who speaks
// one must be clearly louder for a while, so that the set does not flap; a seat nobody contests is
// kept through the pauses. Plain values; one thread.
#ifndef MIXER_AUDIO_MIX_H
#define MIXER_AUDIO_MIX_H

#include <stdbool.h>

enum { MIX_FRAME = 960, MIX_SEATS_MAX = 16 };

struct mix_voice {
    // Set by the caller before each mix_choose().
    bool is_open;         // it has something to say: pcm is not all zero
    double loudness_dbfs; // smoothed
    float *pcm;           // MIX_FRAME samples, changed by mix_shape()

    // mix_choose()'s. Zero at the beginning.
    bool is_seated, is_entering, is_leaving;
    int quiet_ticks, challenge_ticks;
};

// Returns how many are seated, at most seats.
int mix_choose(struct mix_voice **voices, int count, int seats);
// Fades in who enters and out who leaves.
void mix_shape(struct mix_voice **voices, int count);
// The sum of the seated but one (NULL: of all). Returns whether anything is in it.
bool mix_sum(struct mix_voice *const *voices, int count, const struct mix_voice *except,
             float out[MIX_FRAME]);

#endif
