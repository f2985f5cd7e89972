// SPDX-License-Identifier: MIT
#include "mixer/video/settling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    // A macroblock must surely be at rest first: a camera of 8 pictures a second never gets here.
    AGE_AT_REST = 4,
    AGE_SETTLED = 64,
    FINE_QUANTISER = 12,
    FINE_AGE_STEP = 5,
    AGE_LONG_AT_REST = AGE_AT_REST + 2 * FINE_AGE_STEP,
};

int settling_init(struct settling *settling, int count, int pace) {
    *settling = (struct settling){.count = count, .unsettled = count, .age_step = 1, .pace = pace};
    settling->ages = calloc(3, (size_t)count);
    if (!settling->ages)
        return -ENOMEM;
    settling->due = settling->ages + count;
    settling->active = settling->due + count;
    return 0;
}

void settling_finish(struct settling *settling) {
    free(settling->ages);
    settling->ages = settling->due = settling->active = NULL;
}

static uint8_t grow_old(uint8_t age, int step) {
    int older = age + (age < AGE_AT_REST ? 1 : step);
    return (uint8_t)(older > AGE_SETTLED ? AGE_SETTLED : older);
}

static bool is_settling(uint8_t age) {
    return age >= AGE_AT_REST && age < AGE_SETTLED;
}

void settling_update(struct settling *settling, const uint8_t *changed, bool is_keyframe) {
    settling->unsettled = settling->changed = settling->woken = settling->roused = 0;
    for (int i = 0; i < settling->count; i++) {
        bool is_new = is_keyframe || !changed || changed[i];
        settling->changed += is_new;
        settling->woken += is_new && settling->ages[i] >= AGE_AT_REST;
        settling->roused += is_new && settling->ages[i] > AGE_LONG_AT_REST;
        uint8_t age = is_new ? 0 : grow_old(settling->ages[i], settling->age_step);
        settling->ages[i] = age;
        settling->due[i] |= is_new;
        settling->unsettled += age < AGE_SETTLED;
    }
    settling->age_step = 0;
}

void settling_pick(struct settling *settling, bool is_base) {
    for (int i = 0; i < settling->count; i++)
        settling->active[i] = settling->due[i] || (is_base && is_settling(settling->ages[i]));
}

void settling_note_coded(struct settling *settling, bool is_base, int quantiser) {
    if (!is_base)
        return;
    memset(settling->due, 0, (size_t)settling->count);
    settling->age_step = (quantiser <= FINE_QUANTISER ? FINE_AGE_STEP : 1) * settling->pace;
}

bool settling_is_over(const struct settling *settling) {
    return settling->unsettled == 0;
}
