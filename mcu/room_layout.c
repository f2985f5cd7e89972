// SPDX-License-Identifier: MIT
#include "mcu/room_layout.h"

#include "mcu/body.h"

#include <glib.h>
#include <string.h>

enum { Z_MAX = 1000 };

static const char *const source_names[] = {
    [SLOT_NEXT_SPEAKER] = "next-speaker", [SLOT_MEMBER] = "member", [SLOT_SCREEN] = "screen"};

static int read_member(const json_t *value, char out[STAGE_ID_MAX], const char *field,
                       struct refusal *refusal) {
    const char *id = json_string_value(value);
    if (!id || !id[0] || strlen(id) >= STAGE_ID_MAX)
        return body_refuse(refusal, field, "must be the id of a member");
    g_strlcpy(out, id, STAGE_ID_MAX);
    return 0;
}

static int read_chosen(const json_t *list, struct stage_layout *layout, struct refusal *refusal) {
    if (!list)
        return 0;
    if (!json_is_array(list) || json_array_size(list) > STAGE_TILES_MAX)
        return body_refuse(refusal, "members", "must be a list of at most %d ids", STAGE_TILES_MAX);
    layout->chosen_count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        char id[STAGE_ID_MAX];
        if (read_member(json_array_get(list, i), id, "members", refusal) != 0)
            return -1;
        if (!room_layout_is_chosen(layout, id))
            room_layout_choose(layout, id, true);
    }
    return 0;
}

static int read_source(const json_t *tile, struct stage_slot *slot, struct refusal *refusal) {
    const json_t *member = json_object_get(tile, "member"),
                 *source = json_object_get(tile, "source");
    slot->source = SLOT_NEXT_SPEAKER;
    if (member && !json_is_null(member)) {
        slot->source = SLOT_MEMBER;
        if (read_member(member, slot->member, "member", refusal) != 0)
            return -1;
    }
    if (!source)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(source_names); i++) {
        if (g_strcmp0(json_string_value(source), source_names[i]) != 0)
            continue;
        if ((i == SLOT_MEMBER) != (slot->source == SLOT_MEMBER))
            return body_refuse(refusal, "source", "and member do not fit together");
        slot->source = (enum stage_slot_source)i;
        return 0;
    }
    return body_refuse(refusal, "source", "must be member, next-speaker or screen");
}

static int read_slot(const json_t *tile, struct stage_slot *slot, struct refusal *refusal) {
    static const char *const fields[] = {"x", "y",      "width",  "height",
                                         "z", "source", "member", NULL};
    *slot = (struct stage_slot){.width = -1, .height = -1};
    if (!json_is_object(tile))
        return body_refuse(refusal, "tiles", "must be objects");
    if (body_check_fields(tile, fields, refusal) != 0 ||
        body_read_number(tile, "x", 0, 100, &slot->x, refusal) != 0 ||
        body_read_number(tile, "y", 0, 100, &slot->y, refusal) != 0 ||
        body_read_number(tile, "width", 1, 100, &slot->width, refusal) != 0 ||
        body_read_number(tile, "height", 1, 100, &slot->height, refusal) != 0 ||
        body_read_int(tile, "z", -Z_MAX, Z_MAX, &slot->z, refusal) != 0)
        return -1;
    if (slot->width < 0 || slot->height < 0)
        return body_refuse(refusal, slot->width < 0 ? "width" : "height", "is missing");
    // A third of a hundred, three times, may be a hair more than a hundred.
    if (slot->x + slot->width > 100.01 || slot->y + slot->height > 100.01)
        return body_refuse(refusal, "tiles", "must lie within the canvas: 0 to 100 percent");
    return read_source(tile, slot, refusal);
}

static int read_slots(const json_t *list, struct stage_layout *layout, struct refusal *refusal) {
    if (!list)
        return 0;
    if (!json_is_array(list) || json_array_size(list) > STAGE_TILES_MAX)
        return body_refuse(refusal, "tiles", "must be a list of at most %d", STAGE_TILES_MAX);
    layout->slot_count = (int)json_array_size(list);
    for (int i = 0; i < layout->slot_count; i++)
        if (read_slot(json_array_get(list, (size_t)i), &layout->slots[i], refusal) != 0)
            return -1;
    return 0;
}

static int read_kind(const json_t *value, struct stage_layout *layout, struct refusal *refusal) {
    if (json_is_string(value) && layout_from_name(json_string_value(value), &layout->kind) == 0)
        return 0;
    return body_refuse(refusal, "layout",
                       "must be grid, speaker, screen, sidebar, spotlight or custom");
}

static int read_object(const json_t *object, struct stage_layout *layout, struct refusal *refusal) {
    static const char *const fields[] = {"kind", "members", "tiles", "animate", NULL};
    const json_t *kind = json_object_get(object, "kind");
    if (body_check_fields(object, fields, refusal) != 0 ||
        (kind && read_kind(kind, layout, refusal) != 0) ||
        read_chosen(json_object_get(object, "members"), layout, refusal) != 0 ||
        read_slots(json_object_get(object, "tiles"), layout, refusal) != 0)
        return -1;
    return body_read_bool(object, "animate", &layout->is_animated, refusal);
}

int room_layout_read(const json_t *value, struct stage_layout *layout, struct refusal *refusal) {
    struct stage_layout wanted = *layout;
    int result = json_is_object(value) ? read_object(value, &wanted, refusal)
                                       : read_kind(value, &wanted, refusal);
    if (result != 0)
        return -1;
    if (wanted.kind == LAYOUT_CUSTOM && wanted.slot_count == 0)
        return body_refuse(refusal, "tiles", "must be given for a custom layout");
    *layout = wanted;
    return 0;
}

json_t *room_layout_to_json(const struct stage_layout *layout) {
    json_t *members = json_array(), *tiles = json_array();
    for (int i = 0; i < layout->chosen_count; i++)
        json_array_append_new(members, json_string(layout->chosen[i]));
    for (int i = 0; i < layout->slot_count; i++) {
        const struct stage_slot *slot = &layout->slots[i];
        json_array_append_new(tiles,
                              json_pack("{s:f, s:f, s:f, s:f, s:i, s:s, s:s?}", "x", slot->x, "y",
                                        slot->y, "width", slot->width, "height", slot->height, "z",
                                        slot->z, "source", source_names[slot->source], "member",
                                        slot->source == SLOT_MEMBER ? slot->member : NULL));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "kind", layout_name(layout->kind), "members", members,
                     "tiles", tiles, "animate", layout->is_animated);
}

bool room_layout_is_chosen(const struct stage_layout *layout, const char *member) {
    for (int i = 0; i < layout->chosen_count; i++)
        if (strcmp(layout->chosen[i], member) == 0)
            return true;
    return false;
}

void room_layout_choose(struct stage_layout *layout, const char *member, bool is_chosen) {
    int kept = 0;
    for (int i = 0; i < layout->chosen_count; i++)
        if (strcmp(layout->chosen[i], member) != 0)
            memmove(layout->chosen[kept++], layout->chosen[i], STAGE_ID_MAX);
    layout->chosen_count = kept;
    if (is_chosen && kept < STAGE_TILES_MAX)
        g_strlcpy(layout->chosen[layout->chosen_count++], member, STAGE_ID_MAX);
}
