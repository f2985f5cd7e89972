// SPDX-License-Identifier: MIT
#include "mixer/record/lineup.h"

#include <string.h>

static bool is_before(const struct intake_entry *a, const struct intake_entry *b) {
    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns;
    // Marks of one time stay in the order in which they were made.
    bool is_mark = a->kind < INTAKE_VIDEO;
    return a->kind < b->kind && !(is_mark && b->kind < INTAKE_VIDEO);
}

void lineup_add(struct lineup *lineup, struct intake_entry *entry) {
    int at = lineup->count++;
    for (; at > 0 && is_before(entry, &lineup->entries[at - 1]); at--)
        lineup->entries[at] = lineup->entries[at - 1];
    lineup->entries[at] = *entry;
    if (entry->at_ns > lineup->newest_ns)
        lineup->newest_ns = entry->at_ns;
    if (entry->kind == INTAKE_SOUND && entry->at_ns + entry->packet->duration_ns > lineup->sound_ns)
        lineup->sound_ns = entry->at_ns + entry->packet->duration_ns;
    memset(entry, 0, sizeof(*entry));
}

static bool is_due(const struct lineup *lineup) {
    const struct intake_entry *first = &lineup->entries[0];
    int64_t age_ns = lineup->newest_ns - first->at_ns;
    if (lineup->count == LINEUP_MAX || age_ns >= LINEUP_SOUND_NS)
        return true;
    bool lacks_sound = first->kind == INTAKE_VIDEO && lineup->sound_ns < first->at_ns;
    return age_ns >= LINEUP_WINDOW_NS && !lacks_sound;
}

bool lineup_take(struct lineup *lineup, bool takes_all, struct intake_entry *out) {
    if (lineup->count == 0 || (!takes_all && !is_due(lineup)))
        return false;
    *out = lineup->entries[0];
    lineup->count--;
    memmove(lineup->entries, lineup->entries + 1,
            (size_t)lineup->count * sizeof(lineup->entries[0]));
    return true;
}

void lineup_finish(struct lineup *lineup) {
    for (int i = 0; i < lineup->count; i++)
        intake_entry_finish(&lineup->entries[i]);
    lineup->count = 0;
}
