// SPDX-License-Identifier: MIT
// What is said to those in a room, and to those who listen from outside.
#include "mcu/room_internal.h"

#include "mcu/log.h"
#include "mcu/room_record.h"

#include <stdlib.h>
#include <string.h>

void room_event(struct room *room, const char *type, json_t *data) {
    events_add(room->world->events, type, room->spec.name, data);
}

void room_tell(struct room *room, char *text) {
    for (guint i = 0; i < room->members->len; i++)
        member_send(room->members->pdata[i], text);
    free(text);
}

void room_tell_signaling(struct room *room, char *text, const struct member *except) {
    for (guint i = 0; i < room->members->len; i++)
        if (room->members->pdata[i] != except)
            member_send_signaling(room->members->pdata[i], text);
    free(text);
}

void room_tell_moderators(struct room *room, char *text) {
    for (guint i = 0; i < room->members->len; i++)
        if (member_role(room->members->pdata[i]) == ROLE_MODERATOR)
            member_send_signaling(room->members->pdata[i], text);
    free(text);
}

void room_tell_viewer_count(struct room *room) {
    room_tell_signaling(room, protocol_viewers(room->viewers), NULL);
}

void room_tell_lobby(struct room *room) {
    room_tell_moderators(room, protocol_lobby(room_waiting_to_json(room)));
    room_event(room, "lobby", json_pack("{s:o}", "waiting", room_waiting_to_json(room)));
}

void room_on_settings_changed(struct room *room) {
    room->revision++;
    room_keep(room);
    room_tell_signaling(room, protocol_room(room_to_json(room)), NULL);
    room_event(room, "room-updated", json_pack("{s:o}", "room", room_to_json(room)));
}

// Of who only watches the others know no more than their number.
void room_on_member_changed(struct room *room, struct member *member) {
    struct member_view view;
    member_get_view(member, &view);
    char *text = protocol_member_updated(&view);
    if (member_role(member) == ROLE_VIEWER) {
        member_send_signaling(member, text);
        free(text);
    } else {
        room_tell_signaling(room, text, NULL);
        room_event(room, "member-updated",
                   json_pack("{s:o}", "member", protocol_member_json(&view)));
    }
    if (room->has_view)
        member_send_uplink(member, &room->view, room->spec.fps);
}

void room_greet(struct room *room, struct member *member) {
    if (room->has_view) {
        char *layout = protocol_layout(&room->view);
        member_send(member, layout);
        free(layout);
        member_send_uplink(member, &room->view, room->spec.fps);
    }
    char *speaking = protocol_speaking(&room->speaking);
    member_send(member, speaking);
    free(speaking);
}

static json_t *message_event(int64_t id, const char *from, const char *name, const char *text,
                             const char *to) {
    return json_pack("{s:I, s:s?, s:s, s:s, s:s?}", "id", (json_int_t)id, "from", from, "name",
                     name, "text", text, "to", to);
}

static int64_t keep_message(struct room *room, const char *from, const char *name, const char *text,
                            int64_t at_unix_ms) {
    int64_t id = 0;
    int error =
        store_add_message(room->world->store, room->spec.name, from, name, text, at_unix_ms, &id);
    if (error) // said, but not for those who come later
        log_warn(room->spec.name, "chat message not kept: %s", strerror(-error));
    return id;
}

void room_chat(struct room *room, struct member *from, const char *text) {
    int64_t at = room_unix_ms();
    int64_t id = keep_message(room, member_id(from), member_name(from), text, at);
    room_tell(room, protocol_chat(id, member_id(from), member_name(from), text, at, NULL));
    room_record_on_chat(room, member_name(from), text);
    room_event(room, "message", message_event(id, member_id(from), member_name(from), text, NULL));
}

// What is for one alone is not kept: who comes later would read it.
json_t *room_say(struct room *room, const char *from, const char *text, struct member *to) {
    int64_t at = room_unix_ms(), id = to ? 0 : keep_message(room, "", from, text, at);
    const char *to_id = to ? member_id(to) : NULL;
    char *message = protocol_chat(id, NULL, from, text, at, to_id);
    if (to) {
        member_send(to, message);
        free(message);
    } else {
        room_tell(room, message);
        room_record_on_chat(room, from, text);
    }
    room_event(room, "message", message_event(id, NULL, from, text, to_id));
    json_t *json = protocol_chat_json(id, NULL, from, text, at);
    json_object_del(json, "type");
    json_object_set_new(json, "to", to_id ? json_string(to_id) : json_null());
    return json;
}
