// SPDX-License-Identifier: MIT
#include "mcu/control.h"

#include "mcu/body.h"
#include "mcu/room_layout.h"

int control_list_rooms(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    uint64_t after, last = 0;
    if (control_read_cursor(request, &after, refusal) != 0)
        return -1;
    json_t *list = json_array();
    struct room *room;
    bool has_more = false;
    for (size_t i = 0; (room = hub_next_room(hub, i)) && !has_more; i++) {
        if (room_serial(room) <= after)
            continue;
        has_more = (int)json_array_size(list) == request->limit && request->limit > 0;
        if (has_more)
            break;
        json_array_append_new(list, room_to_json(room));
        last = room_serial(room);
    }
    *out = control_page("rooms", list, has_more ? last : 0);
    return 0;
}

int control_create_room(struct hub *hub, const struct hub_request *request, json_t **out,
                        struct refusal *refusal) {
    struct room_spec spec;
    struct room *room;
    int64_t owner = 0;
    room_spec_init(&spec, hub_config(hub), "");
    spec.maker = ROOM_BY_API;
    if (room_spec_read(&spec, hub_config(hub), request->body, true, refusal) != 0)
        return -1;
    store_get_room_owner(hub_store(hub), spec.name, &owner);
    if (hub_find_room(hub, spec.name) || owner)
        return refusal_set(refusal, 409, "room-exists", "There is a room of this name already.");
    if (hub_make_room(hub, &spec, &room, refusal) != 0)
        return -1;
    *out = room_to_json(room);
    return 0;
}

int control_get_room(struct hub *hub, const struct hub_request *request, json_t **out,
                     struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = room_to_json(room);
    return 0;
}

int control_change_room(struct hub *hub, const struct hub_request *request, json_t **out,
                        struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || control_match(room, request, refusal) != 0)
        return -1;
    struct room_spec wanted = *room_spec(room);
    if (room_spec_read(&wanted, hub_config(hub), request->body, false, refusal) != 0 ||
        room_change(room, &wanted, refusal) != 0)
        return -1;
    *out = room_to_json(room);
    return 0;
}

int control_end_room(struct hub *hub, const struct hub_request *request, json_t **out,
                     struct refusal *refusal) {
    static const char *const fields[] = {"reason", NULL};
    struct room *room = control_find_room(hub, request, refusal);
    char reason[801] = "";
    if (!room || (request->body && body_check_fields(request->body, fields, refusal) != 0) ||
        body_read_line(request->body, "reason", 200, reason, sizeof(reason), refusal) != 0)
        return -1;
    hub_drop_room(hub, room, "room-closed", reason[0] ? reason : NULL);
    return 0;
}

static json_t *layout_to_json(const struct room *room) {
    json_t *json = room_layout_to_json(&room_spec(room)->layout);
    json_object_set_new(json, "revision", json_integer(room_revision(room)));
    return json;
}

int control_get_layout(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = layout_to_json(room);
    return 0;
}

int control_set_layout(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || control_match(room, request, refusal) != 0)
        return -1;
    struct room_spec wanted = *room_spec(room);
    if (room_layout_read(request->body, &wanted.layout, refusal) != 0 ||
        room_change(room, &wanted, refusal) != 0)
        return -1;
    *out = layout_to_json(room);
    return 0;
}

int control_get_room_stats(struct hub *hub, const struct hub_request *request, json_t **out,
                           struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = room_stats_to_json(room);
    return 0;
}
