// SPDX-License-Identifier: MIT
#include "mixer/video/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void roster_init(struct roster *roster, const struct stage_config *config) {
    memset(roster, 0, sizeof(*roster));
    roster->width_px = config->width_px;
    roster->height_px = config->height_px;
    roster->area = (struct rect){0, 0, config->width_px, config->height_px};
    roster->shows_names = config->shows_names;
    roster->is_stale = true;
}

void roster_finish(struct roster *roster) {
    free(roster->seats);
    free(roster->visible);
    free(roster->members);
}

static int make_room(struct roster *roster) {
    if (roster->count < roster->capacity)
        return 0;
    int capacity = roster->capacity > 0 ? roster->capacity * 2 : 16;
    void *seats = realloc(roster->seats, (size_t)capacity * sizeof(struct stage_seat *));
    if (seats)
        roster->seats = seats;
    void *visible = realloc(roster->visible, (size_t)capacity * sizeof(struct stage_seat *));
    if (visible)
        roster->visible = visible;
    void *members = realloc(roster->members, (size_t)capacity * sizeof(*roster->members));
    if (members)
        roster->members = members;
    if (!seats || !visible || !members)
        return -ENOMEM;
    roster->capacity = capacity;
    return 0;
}

int roster_add(struct roster *roster, struct stage_seat *seat) {
    if (make_room(roster))
        return -ENOMEM;
    seat->serial = ++roster->last_serial;
    seat->is_hidden = true; // until its look says else
    roster->seats[roster->count++] = seat;
    return 0;
}

void roster_remove(struct roster *roster, struct stage_seat *seat) {
    for (int i = 0; i < roster->count; i++) {
        if (roster->seats[i] != seat)
            continue;
        roster->count--;
        memmove(roster->seats + i, roster->seats + i + 1,
                (size_t)(roster->count - i) * sizeof(roster->seats[0]));
        break;
    }
    roster->is_stale |= !seat->is_hidden;
}

// Feeds have locks, and there are two of each seat: they are told what changes.
static void set_wanted_of(struct stage_seat *seat, const bool is_wanted[SEAT_ROLES],
                          int64_t now_ns) {
    for (int role = 0; role < SEAT_ROLES; role++) {
        if (!seat->has_been_told || seat->is_wanted[role] != is_wanted[role])
            feed_set_wanted(seat->feeds[role], is_wanted[role], now_ns);
        seat->is_wanted[role] = is_wanted[role];
    }
    seat->has_been_told = true;
}

void roster_set_look(struct roster *roster, struct stage_seat *seat, const struct stage_look *look,
                     const char clean_name[NAME_SIZE_BYTES]) {
    memcpy(seat->name, clean_name, NAME_SIZE_BYTES);
    seat->audio_muted = look->audio_muted;
    seat->video_muted = look->video_muted;
    seat->hand = look->hand;
    if (!look->screen)
        seat->screen_sequence = 0;
    else if (seat->screen_sequence == 0)
        seat->screen_sequence = ++roster->last_screen_sequence;
    roster->is_stale |= !seat->is_hidden || !look->hidden;
    seat->is_hidden = look->hidden;
    if (look->hidden) {
        seat->is_speaking = false;
        set_wanted_of(seat, (bool[SEAT_ROLES]){false}, 0);
    }
}

static bool contains(const char *const *ids, int count, const char *id) {
    for (int i = 0; i < count; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

void roster_set_speaking(struct roster *roster, const char *const *ids, int count,
                         const char *main_id) {
    roster->main_serial = 0;
    for (int i = 0; i < roster->count; i++) {
        struct stage_seat *seat = roster->seats[i];
        seat->is_speaking = !seat->is_hidden && contains(ids, count, seat->id);
        if (main_id && main_id[0] && strcmp(seat->id, main_id) == 0)
            roster->main_serial = seat->serial;
    }
    roster->is_stale = true;
}

static int clamp_count(int count) {
    return count < 0 ? 0 : count > STAGE_TILES_MAX ? STAGE_TILES_MAX : count;
}

void roster_set_layout(struct roster *roster, const struct stage_layout *layout) {
    roster->layout = *layout;
    roster->layout.chosen_count = clamp_count(layout->chosen_count);
    roster->layout.slot_count = clamp_count(layout->slot_count);
    roster->is_stale = true;
}

void roster_set_area(struct roster *roster, int width_px, int height_px, struct rect area) {
    if (roster->width_px == width_px && roster->height_px == height_px &&
        memcmp(&roster->area, &area, sizeof(area)) == 0)
        return;
    roster->width_px = width_px;
    roster->height_px = height_px;
    roster->area = area;
    roster->is_stale = true;
}

static bool has_same_shape(const struct stage_view *one, const struct stage_view *other) {
    if (one->count != other->count)
        return false;
    for (int i = 0; i < one->count; i++)
        if (memcmp(&one->tiles[i].at, &other->tiles[i].at, sizeof(one->tiles[i].at)) != 0)
            return false;
    return true;
}

static void set_view(struct roster *roster, enum layout_kind kind) {
    struct stage_view view;
    memset(&view, 0, sizeof(view)); // compared as a whole
    view.kind = kind;
    view.width_px = roster->width_px;
    view.height_px = roster->height_px;
    view.count = roster->place_count;
    for (int i = 0; i < view.count; i++) {
        const struct seating_place *place = &roster->places[i];
        memcpy(view.tiles[i].member, roster->visible[place->member]->id, STAGE_ID_MAX);
        view.tiles[i].role = place->role;
        view.tiles[i].at = place->at;
    }
    if (memcmp(&view, &roster->view, sizeof(view)) == 0)
        return;
    roster->shape_serial += !has_same_shape(&view, &roster->view);
    roster->view = view;
    roster->is_view_new = true;
}

// Who of the visible is decoded.
static void set_wanted(struct roster *roster, int64_t now_ns) {
    bool is_placed[STAGE_TILES_MAX] = {false};
    for (int i = 0; i < roster->visible_count; i++) {
        struct stage_seat *seat = roster->visible[i];
        bool is_wanted[SEAT_ROLES] = {false};
        for (int j = 0; j < roster->place_count; j++)
            if (!is_placed[j] && roster->places[j].member == i) {
                is_wanted[roster->places[j].role] = true;
                is_placed[j] = true;
            }
        is_wanted[VIDEO_CAMERA] &= !seat->video_muted;
        set_wanted_of(seat, is_wanted, now_ns);
    }
}

static void collect_visible(struct roster *roster) {
    roster->visible_count = 0;
    for (int i = 0; i < roster->count; i++) {
        struct stage_seat *seat = roster->seats[i];
        if (seat->is_hidden)
            continue;
        roster->members[roster->visible_count] = (struct seating_member){
            .serial = seat->serial,
            .is_speaking = seat->is_speaking,
            .spoke_ns = seat->spoke_ns,
            .screen_sequence = seat->screen_sequence,
        };
        roster->visible[roster->visible_count++] = seat;
    }
}

// The member of this id, who is fixed from now on; -1: is not there, or was fixed before.
static int fix_member(struct roster *roster, const char id[STAGE_ID_MAX]) {
    for (int i = 0; i < roster->visible_count; i++) {
        if (roster->members[i].is_fixed || strncmp(roster->visible[i]->id, id, STAGE_ID_MAX) != 0)
            continue;
        roster->members[i].is_fixed = true;
        return i;
    }
    return -1;
}

static int collect_chosen(struct roster *roster, int chosen[STAGE_TILES_MAX]) {
    int count = 0;
    for (int i = 0; i < roster->layout.chosen_count; i++) {
        int member = fix_member(roster, roster->layout.chosen[i]);
        if (member >= 0)
            chosen[count++] = member;
    }
    return count;
}

static int collect_slots(struct roster *roster, struct seating_slot slots[STAGE_TILES_MAX]) {
    for (int i = 0; i < roster->layout.slot_count; i++) {
        const struct stage_slot *slot = &roster->layout.slots[i];
        struct layout_percent at = {slot->x, slot->y, slot->width, slot->height};
        slots[i] = (struct seating_slot){
            .at = layout_round(at, roster->area.width, roster->area.height),
            .z = slot->z,
            .source = slot->source,
            .member = slot->source == SLOT_MEMBER ? fix_member(roster, slot->member) : -1,
        };
    }
    return roster->layout.slot_count;
}

static void arrange(struct roster *roster, int64_t now_ns) {
    int chosen[STAGE_TILES_MAX];
    struct seating_slot slots[STAGE_TILES_MAX];
    collect_visible(roster);
    struct seating_wish wish = {
        .members = roster->members,
        .count = roster->visible_count,
        .kind = roster->layout.kind,
        .main_serial = roster->main_serial,
        .width_px = roster->area.width,
        .height_px = roster->area.height,
        .chosen = chosen,
        .slots = slots,
    };
    if (wish.kind == LAYOUT_SPOTLIGHT)
        wish.chosen_count = collect_chosen(roster, chosen);
    if (wish.kind == LAYOUT_CUSTOM)
        wish.slot_count = collect_slots(roster, slots);
    enum layout_kind kind;
    roster->place_count = seating_arrange(&roster->seating, &wish, now_ns, roster->places, &kind);
    for (int i = 0; i < roster->place_count; i++) {
        roster->places[i].at.x += roster->area.x;
        roster->places[i].at.y += roster->area.y;
    }
    roster->is_stale = false;
    set_wanted(roster, now_ns);
    set_view(roster, kind);
}

void roster_update(struct roster *roster, int64_t now_ns) {
    for (int i = 0; i < roster->count; i++)
        if (roster->seats[i]->is_speaking)
            roster->seats[i]->spoke_ns = now_ns;
    if (roster->is_stale || roster->seating.is_main_pending)
        arrange(roster, now_ns);
}

struct stage_seat *roster_at(const struct roster *roster, int index, struct scene_place *place) {
    const struct seating_place *from = &roster->places[index];
    struct stage_seat *seat = roster->visible[from->member];
    memset(place, 0, sizeof(*place));
    place->serial = seat->serial;
    place->role = from->role;
    place->at = from->at;
    place->z = from->z;
    memcpy(place->look.name, seat->name, sizeof(seat->name));
    place->look.colour = name_colour(seat->name[0] ? seat->name : seat->id);
    place->look.is_screen = from->role == VIDEO_SCREEN;
    place->look.shows_name = roster->shows_names;
    place->look.is_muted = seat->audio_muted;
    place->look.has_hand = seat->hand;
    place->look.is_speaking = seat->is_speaking && from->role == VIDEO_CAMERA;
    return seat;
}

bool roster_take_view(struct roster *roster, struct stage_view *view) {
    bool is_new = roster->is_view_new;
    roster->is_view_new = false;
    if (is_new)
        *view = roster->view;
    return is_new;
}
