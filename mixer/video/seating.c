// SPDX-License-Identifier: MIT
#include "mixer/video/seating.h"

#include <string.h>

static int find_member(const struct seating_wish *wish, uint64_t serial) {
    for (int i = 0; i < wish->count; i++)
        if (wish->members[i].serial == serial && !wish->members[i].is_fixed)
            return i;
    return -1;
}

static int find_slot(const struct seating *seating, uint64_t serial) {
    for (int i = 0; i < seating->slot_count; i++)
        if (seating->slots[i] == serial)
            return i;
    return -1;
}

static bool has_large_tile(const struct seating_wish *wish) {
    return wish->kind == LAYOUT_SPEAKER || wish->kind == LAYOUT_SIDEBAR;
}

// Should the member have a free place before the other, both being silent?
static bool goes_before(const struct seating_wish *wish, const struct seating_member *member,
                        const struct seating_member *other) {
    return wish->kind == LAYOUT_CUSTOM && member->spoke_ns > other->spoke_ns;
}

// The first in the order of joining who has no tile, those who speak before the others; in custom
// who spoke last.
static const struct seating_member *next_waiting(const struct seating *seating,
                                                 const struct seating_wish *wish) {
    const struct seating_member *silent = NULL;
    for (int i = 0; i < wish->count; i++) {
        const struct seating_member *member = &wish->members[i];
        if (member->is_fixed || find_slot(seating, member->serial) >= 0)
            continue;
        if (member->is_speaking)
            return member;
        if (!silent || goes_before(wish, member, silent))
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
    int first = has_large_tile(wish) && seating->slot_count > 1 ? 1 : 0;
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
        if (!member->is_speaking || member->is_fixed || find_slot(seating, member->serial) >= 0)
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
    if (!has_large_tile(wish) || seating->slot_count == 0 ||
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

// Fills capacity places with those who are not fixed.
static void seat_others(struct seating *seating, const struct seating_wish *wish, int capacity,
                        int64_t now_ns) {
    refill(seating, wish);
    fit(seating, wish, capacity);
    rotate_in(seating, wish);
    promote(seating, wish, now_ns);
}

static int count_others(const struct seating_wish *wish) {
    int count = 0;
    for (int i = 0; i < wish->count; i++)
        count += !wish->members[i].is_fixed;
    return count;
}

static int min_int(int a, int b) {
    return a < b ? a : b;
}

// Screens, then the chosen, share the large part; the others have the strip.
static int arrange_spotlight(struct seating *seating, const struct seating_wish *wish,
                             int64_t now_ns, const int *screens, int screen_count,
                             struct seating_place *places) {
    int large = min_int(screen_count + wish->chosen_count, LAYOUT_CELLS_MAX);
    int wanted = min_int(large + count_others(wish), LAYOUT_CELLS_MAX);
    struct rect cells[LAYOUT_CELLS_MAX];
    int placed =
        layout_place_spotlight(wish->width_px, wish->height_px, large, wanted, cells, &large);
    seat_others(seating, wish, placed - large, now_ns);
    for (int i = 0; i < large; i++)
        places[i] = i < screen_count ? (struct seating_place){screens[i], VIDEO_SCREEN, cells[i], 0}
                                     : (struct seating_place){wish->chosen[i - screen_count],
                                                              VIDEO_CAMERA, cells[i], 0};
    for (int i = 0; i < seating->slot_count; i++)
        places[large + i] = (struct seating_place){find_member(wish, seating->slots[i]),
                                                   VIDEO_CAMERA, cells[large + i], 0};
    return large + seating->slot_count;
}

// Inserts it above those with no larger z.
static void add_place(struct seating_place *places, int count, struct seating_place place) {
    while (count > 0 && places[count - 1].z > place.z) {
        places[count] = places[count - 1];
        count--;
    }
    places[count] = place;
}

static int count_slots(const struct seating_wish *wish, enum stage_slot_source source) {
    int count = 0;
    for (int i = 0; i < wish->slot_count; i++)
        count += wish->slots[i].source == source;
    return count;
}

// Who is in this slot, or -1. *speaker and *screen count the slots of their kinds.
static int occupant_of(const struct seating *seating, const struct seating_wish *wish,
                       const struct seating_slot *slot, int *speaker, const int **screen,
                       const int *screens_end) {
    switch (slot->source) {
    case SLOT_MEMBER: return slot->member;
    case SLOT_SCREEN: return *screen < screens_end ? *(*screen)++ : -1;
    case SLOT_NEXT_SPEAKER: break;
    }
    int index = (*speaker)++;
    return index < seating->slot_count ? find_member(wish, seating->slots[index]) : -1;
}

static int arrange_custom(struct seating *seating, const struct seating_wish *wish, int64_t now_ns,
                          const int *screens, int screen_count, struct seating_place *places) {
    seat_others(seating, wish, count_slots(wish, SLOT_NEXT_SPEAKER), now_ns);
    int count = 0, speaker = 0;
    const int *screen = screens;
    for (int i = 0; i < wish->slot_count; i++) {
        const struct seating_slot *slot = &wish->slots[i];
        int member = occupant_of(seating, wish, slot, &speaker, &screen, screens + screen_count);
        enum video_role role = slot->source == SLOT_SCREEN ? VIDEO_SCREEN : VIDEO_CAMERA;
        if (member >= 0)
            add_place(places, count++, (struct seating_place){member, role, slot->at, slot->z});
    }
    return count;
}

static int arrange_by_itself(struct seating *seating, const struct seating_wish *wish,
                             int64_t now_ns, const int *screens, int screen_count,
                             struct seating_place *places) {
    struct rect cells[LAYOUT_CELLS_MAX];
    int placed = layout_place(wish->kind, wish->width_px, wish->height_px,
                              min_int(screen_count + wish->count, LAYOUT_CELLS_MAX), cells);
    screen_count = min_int(screen_count, placed);
    seat_others(seating, wish, placed - screen_count, now_ns);
    for (int i = 0; i < screen_count; i++)
        places[i] = (struct seating_place){screens[i], VIDEO_SCREEN, cells[i], 0};
    for (int i = 0; i < seating->slot_count; i++)
        places[screen_count + i] = (struct seating_place){find_member(wish, seating->slots[i]),
                                                          VIDEO_CAMERA, cells[screen_count + i], 0};
    return screen_count + seating->slot_count;
}

static enum layout_kind choose_kind(const struct seating_wish *wish, int screen_count) {
    if (wish->kind == LAYOUT_CUSTOM)
        return LAYOUT_CUSTOM;
    if (wish->kind == LAYOUT_SPOTLIGHT)
        return screen_count + wish->chosen_count > 0 ? LAYOUT_SPOTLIGHT : LAYOUT_SPEAKER;
    return screen_count > 0 ? LAYOUT_SCREEN : wish->kind;
}

int seating_arrange(struct seating *seating, const struct seating_wish *asked, int64_t now_ns,
                    struct seating_place *places, enum layout_kind *kind) {
    struct seating_wish wish = *asked;
    int screens[SEATING_SCREENS_MAX];
    int screen_count = collect_screens(&wish, screens);
    *kind = wish.kind = choose_kind(asked, screen_count);
    switch (wish.kind) {
    case LAYOUT_CUSTOM:
        return arrange_custom(seating, &wish, now_ns, screens, screen_count, places);
    case LAYOUT_SPOTLIGHT:
        return arrange_spotlight(seating, &wish, now_ns, screens, screen_count, places);
    default: return arrange_by_itself(seating, &wish, now_ns, screens, screen_count, places);
    }
}
