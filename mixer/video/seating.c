// SPDX-License-Identifier: MIT
#include "mixer/video/seating.h"

#include <string.h>

static int find_member(const struct seating_wish *wish, uint64_t serial) {
    for (int i = 0; i < wish->count; i++)
        if (wish->members[i].serial == serial)
            return i;
    return -1;
}

static int find_slot(const struct seating *seating, uint64_t serial) {
    for (int i = 0; i < seating->slot_count; i++)
        if (seating->slots[i] == serial)
            return i;
    return -1;
}

// The first in the order of joining who has no tile, those who speak before the others.
static const struct seating_member *next_waiting(const struct seating *seating,
                                                 const struct seating_wish *wish) {
    const struct seating_member *silent = NULL;
    for (int i = 0; i < wish->count; i++) {
        const struct seating_member *member = &wish->members[i];
        if (find_slot(seating, member->serial) >= 0)
            continue;
        if (member->is_speaking)
            return member;
        if (!silent)
            silent = member;
    }
    return silent;
}

static void close_slot(struct seating *seating, int slot) {
    seating->slot_count--;
    memmove(seating->slots + slot, seating->slots + slot + 1,
            (size_t)(seating->slot_count - slot) * sizeof(seating->slots[0]));
}

// The places of those who left go to those who wait, so that nobody else moves.
static void refill(struct seating *seating, const struct seating_wish *wish) {
    for (int i = 0; i < seating->slot_count; i++) {
        if (find_member(wish, seating->slots[i]) >= 0)
            continue;
        if (i == 0)
            seating->has_main = false;
        const struct seating_member *next = next_waiting(seating, wish);
        if (next)
            seating->slots[i] = next->serial;
        else
            close_slot(seating, i--);
    }
}

// The slot whose member has been silent longest; of those who never spoke the last one. -1: all
// speak.
static int most_silent_slot(const struct seating *seating, const struct seating_wish *wish) {
    int found = -1;
    int64_t spoke_ns = INT64_MAX;
    int first = wish->kind == LAYOUT_SPEAKER && seating->slot_count > 1 ? 1 : 0;
    for (int i = first; i < seating->slot_count; i++) {
        const struct seating_member *member = &wish->members[find_member(wish, seating->slots[i])];
        if (!member->is_speaking && member->spoke_ns <= spoke_ns) {
            spoke_ns = member->spoke_ns;
            found = i;
        }
    }
    return found;
}

static void fit(struct seating *seating, const struct seating_wish *wish, int capacity) {
    while (seating->slot_count > capacity) {
        int silent = most_silent_slot(seating, wish);
        close_slot(seating, silent >= 0 ? silent : seating->slot_count - 1);
    }
    const struct seating_member *next;
    while (seating->slot_count < capacity && (next = next_waiting(seating, wish)))
        seating->slots[seating->slot_count++] = next->serial;
}

static void rotate_in(struct seating *seating, const struct seating_wish *wish) {
    for (int i = 0; i < wish->count; i++) {
        const struct seating_member *member = &wish->members[i];
        if (!member->is_speaking || find_slot(seating, member->serial) >= 0)
            continue;
        int silent = most_silent_slot(seating, wish);
        if (silent < 0)
            return;
        seating->slots[silent] = member->serial;
    }
}

// The main speaker and who had the large tile change places; the others stay.
static void promote(struct seating *seating, const struct seating_wish *wish, int64_t now_ns) {
    seating->is_main_pending = false;
    int slot = find_slot(seating, wish->main_serial);
    if (wish->kind != LAYOUT_SPEAKER || seating->slot_count == 0 ||
        find_member(wish, wish->main_serial) < 0 || slot == 0)
        return;
    if (seating->has_main && now_ns - seating->main_since_ns < SEATING_MAIN_MIN_NS) {
        seating->is_main_pending = true;
        return;
    }
    uint64_t old = seating->slots[0];
    if (slot < 0)
        slot = most_silent_slot(seating, wish);
    if (slot > 0)
        seating->slots[slot] = old;
    seating->slots[0] = wish->main_serial;
    seating->main_since_ns = now_ns;
    seating->has_main = true;
}

// Indices of those who share, the newest first. Returns how many.
static int collect_screens(const struct seating_wish *wish, int *screens) {
    int count = 0;
    for (int i = 0; i < wish->count; i++) {
        uint64_t sequence = wish->members[i].screen_sequence;
        if (sequence == 0)
            continue;
        int at = count;
        while (at > 0 && wish->members[screens[at - 1]].screen_sequence < sequence)
            at--;
        if (at == SEATING_SCREENS_MAX)
            continue;
        if (count < SEATING_SCREENS_MAX)
            count++;
        memmove(screens + at + 1, screens + at, (size_t)(count - 1 - at) * sizeof(screens[0]));
        screens[at] = i;
    }
    return count;
}

int seating_arrange(struct seating *seating, const struct seating_wish *asked, int64_t now_ns,
                    struct seating_place *places, enum layout_kind *kind) {
    struct seating_wish wish = *asked;
    int screens[SEATING_SCREENS_MAX];
    int screen_count = collect_screens(&wish, screens);
    if (screen_count > 0)
        wish.kind = LAYOUT_SCREEN;
    int wanted = screen_count + wish.count;
    struct rect cells[LAYOUT_CELLS_MAX];
    int placed = layout_place(wish.kind, wish.width_px, wish.height_px,
                              wanted < LAYOUT_CELLS_MAX ? wanted : LAYOUT_CELLS_MAX, cells);
    if (screen_count > placed)
        screen_count = placed;
    refill(seating, &wish);
    fit(seating, &wish, placed - screen_count);
    rotate_in(seating, &wish);
    promote(seating, &wish, now_ns);
    for (int i = 0; i < screen_count; i++)
        places[i] = (struct seating_place){screens[i], VIDEO_SCREEN, cells[i]};
    for (int i = 0; i < seating->slot_count; i++)
        places[screen_count + i] = (struct seating_place){find_member(&wish, seating->slots[i]),
                                                          VIDEO_CAMERA, cells[screen_count + i]};
    *kind = wish.kind;
    return screen_count + seating->slot_count;
}
