// SPDX-License-Identifier: MIT
#include "mixer/audio/floor.h"

#include <stddef.h>

#define TAKE_NS   INT64_C(500000000)
#define HOLD_NS   INT64_C(1000000000)
#define LOUDER_DB 3.0 // than who holds it and speaks too

static const struct floor_voice *find(const struct floor_voice *voices, int count,
                                      uint64_t serial) {
    for (int i = 0; i < count; i++)
        if (voices[i].serial == serial)
            return &voices[i];
    return NULL;
}

static const struct floor_voice *loudest(const struct floor_voice *voices, int count,
                                         uint64_t holder) {
    const struct floor_voice *best = NULL;
    double best_dbfs = 0;
    for (int i = 0; i < count; i++) {
        double dbfs = voices[i].loudness_dbfs + (voices[i].serial == holder ? LOUDER_DB : 0);
        if (voices[i].is_speaking && (!best || dbfs > best_dbfs)) {
            best = &voices[i];
            best_dbfs = dbfs;
        }
    }
    return best;
}

static void give(struct floor *floor, uint64_t serial) {
    floor->holder = serial;
    floor->challenger = 0;
    floor->challenge_ns = 0;
    floor->held_ns = 0;
}

void floor_update(struct floor *floor, const struct floor_voice *voices, int count,
                  int64_t tick_ns) {
    if (floor->holder && !find(voices, count, floor->holder))
        give(floor, 0);
    const struct floor_voice *best = loudest(voices, count, floor->holder);
    if (!floor->holder) {
        if (best)
            give(floor, best->serial);
        return;
    }
    floor->held_ns += tick_ns;
    if (best && best->serial != floor->holder && best->serial != floor->challenger) {
        floor->challenger = best->serial;
        floor->challenge_ns = 0;
    }
    bool is_challenged = best && best->serial == floor->challenger;
    floor->challenge_ns += is_challenged ? tick_ns : -tick_ns;
    if (floor->challenge_ns < 0)
        floor->challenge_ns = 0;
    if (is_challenged && floor->challenge_ns >= TAKE_NS && floor->held_ns >= HOLD_NS)
        give(floor, best->serial);
}
