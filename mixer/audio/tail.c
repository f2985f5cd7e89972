// SPDX-License-Identifier: MIT
#include "mixer/audio/tail.h"

#include <string.h>

void tails_clear(struct tails *tails) {
    tails->count = 0;
}

void tails_remember(struct tails *tails, uint64_t serial, const float pcm[MIX_FRAME]) {
    if (tails->count == MIX_SEATS_MAX)
        return;
    struct tail *tail = &tails->of[tails->count++];
    tail->serial = serial;
    memcpy(tail->pcm, pcm + MIX_FRAME - TAIL_SAMPLES, sizeof(tail->pcm));
}

void tails_drop(struct tails *tails, uint64_t serial) {
    for (int i = 0; i < tails->count; i++)
        if (tails->of[i].serial == serial)
            tails->of[i--] = tails->of[--tails->count];
}

void tails_play(const struct tails *tails, float out[MIX_FRAME]) {
    for (int i = 0; i < tails->count; i++)
        for (int s = 0; s < TAIL_SAMPLES; s++)
            out[s] +=
                tails->of[i].pcm[TAIL_SAMPLES - 1 - s] * (float)(TAIL_SAMPLES - s) / TAIL_SAMPLES;
}
