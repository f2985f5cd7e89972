// SPDX-License-Identifier: MIT
// Who holds the floor: the main speaker of a room. Taken by half a second of being the loudest,
// held through silence, changed at most once a second. A plain value; one thread.
#ifndef MIXER_AUDIO_FLOOR_H
#define MIXER_AUDIO_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

struct floor_voice {
    uint64_t serial; // who; never 0
    bool is_speaking;
    double loudness_dbfs;
};

struct floor {
    uint64_t holder; // 0: nobody yet
    uint64_t challenger;
    int64_t challenge_ns; // how long the challenger has been the loudest, pauses taken off
    int64_t held_ns;      // since the last change
};

void floor_update(struct floor *floor, const struct floor_voice *voices, int count,
                  int64_t tick_ns);

#endif
