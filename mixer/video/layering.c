// SPDX-License-Identifier: MIT
#include "mixer/video/layering.h"

void layering_init(struct layering *layering) {
    *layering = (struct layering){.elapsed = LAYERING_PERIOD};
}

void layering_advance(struct layering *layering, int64_t slots) {
    slots = slots < 1 ? 1 : slots > LAYERING_PERIOD ? LAYERING_PERIOD : slots;
    layering->elapsed += (int)slots;
    if (layering->elapsed > LAYERING_PERIOD)
        layering->elapsed = LAYERING_PERIOD;
}

int layering_choose(const struct layering *layering, bool wants_base) {
    if (wants_base || layering->elapsed >= LAYERING_PERIOD)
        return 0;
    return layering->elapsed >= LAYERING_PERIOD / 2 && !layering->has_middle ? 1 : 2;
}

void layering_note_sent(struct layering *layering, int layer) {
    if (layer == 0)
        *layering = (struct layering){0};
    else if (layer == 1)
        layering->has_middle = true;
}
