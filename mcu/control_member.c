// SPDX-License-Identifier: MIT
#include "mcu/control.h"

#include "mcu/body.h"
#include "mcu/session_internal.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { BAN_MAX_S = 365 * 86400, VIEWERS_LISTED_MAX = 200 };

// Ids are m1, m2, ... in order of joining.
static uint64_t number_of(const struct member *member) {
    return g_ascii_strtoull(member_id(member) + 1, NULL, 10);
}

int control_list_members(struct hub *hub, const struct hub_request *request, json_t **out,
                         struct refusal *refusal) {
    uint64_t after, last = 0;
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || control_read_cursor(request, &after, refusal) != 0)
        return -1;
    json_t *list = json_array();
    struct member *member;
    bool has_more = false;
    for (size_t i = 0; (member = room_next_member(room, i)) && !has_more; i++) {
        if (number_of(member) <= after)
            continue;
        has_more = (int)json_array_size(list) == request->limit && request->limit > 0;
        if (has_more)
            break;
        json_array_append_new(list, room_member_to_json(room, member));
        last = number_of(member);
    }
    *out = control_page("members", list, has_more ? last : 0);
    return 0;
}

// Those who came first, and how many there are: of hundreds nobody reads every name.
int control_list_viewers(struct hub *hub, const struct hub_request *request, json_t **out,
                         struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    json_t *list = json_array();
    struct member *member;
    int count = 0;
    for (size_t i = 0; (member = room_next_member(room, i)); i++)
        if (member_role(member) == ROLE_VIEWER && count++ < VIEWERS_LISTED_MAX)
            json_array_append_new(list, json_pack("{s:s, s:s}", "id", member_id(member), "name",
                                                  member_name(member)));
    *out = json_pack("{s:i, s:o}", "count", count, "viewers", list);
    return 0;
}

static struct member *find_member(struct hub *hub, const struct hub_request *request,
                                  struct room **room, struct refusal *refusal) {
    *room = control_find_room(hub, request, refusal);
    struct member *member = *room && request->id ? room_find_member(*room, request->id) : NULL;
    if (*room && !member)
        refusal_set(refusal, 404, "member-not-found", "There is no such member in this room.");
    return member;
}

int control_get_member(struct hub *hub, const struct hub_request *request, json_t **out,
                       struct refusal *refusal) {
    struct room *room;
    struct member *member = find_member(hub, request, &room, refusal);
    if (!member)
        return -1;
    *out = room_member_to_json(room, member);
    return 0;
}

// ---- changing ----

static int read_switch(const json_t *body, const char *field, int *out, struct refusal *refusal) {
    bool is_on = false;
    if (!json_object_get(body, field))
        return 0;
    if (body_read_bool(body, field, &is_on, refusal) != 0)
        return -1;
    *out = is_on;
    return 0;
}

static int read_role(const json_t *body, enum role *out, struct refusal *refusal) {
    const json_t *role = json_object_get(body, "role");
    if (!role || role_from_name(json_string_value(role), out))
        return 0;
    return body_refuse(refusal, "role", "must be viewer, member or moderator");
}

static int read_grants(const json_t *body, struct member_change *change, struct refusal *refusal) {
    const json_t *list = json_object_get(body, "permissions");
    if (!list)
        return 0;
    change->has_grants = true;
    for (size_t i = 0; json_is_array(list) && i < json_array_size(list); i++) {
        enum grant grant;
        if (!grant_from_name(json_string_value(json_array_get(list, i)), &grant))
            return body_refuse(refusal, "permissions",
                               "may name speak, camera, screen, chat, react and record");
        change->grants |= grant;
    }
    return json_is_array(list) ? 0 : body_refuse(refusal, "permissions", "must be a list");
}

static int read_change(const struct config *config, const json_t *body,
                       struct member_change *change, char **name, struct refusal *refusal) {
    static const char *const fields[] = {"audio_muted", "video_muted", "volume", "role",
                                         "name",        "spotlight",   "hidden", "hand",
                                         "permissions", NULL};
    *change = (struct member_change){
        .audio_muted = -1, .video_muted = -1, .hand = -1, .is_hidden = -1, .volume = -1};
    if (body_check_fields(body, fields, refusal) != 0 ||
        read_switch(body, "audio_muted", &change->audio_muted, refusal) != 0 ||
        read_switch(body, "video_muted", &change->video_muted, refusal) != 0 ||
        read_switch(body, "hidden", &change->is_hidden, refusal) != 0 ||
        read_switch(body, "hand", &change->hand, refusal) != 0 ||
        body_read_number(body, "volume", 0, 2, &change->volume, refusal) != 0 ||
        read_role(body, &change->role, refusal) != 0 || read_grants(body, change, refusal) != 0)
        return -1;
    if (change->hand == 1)
        return body_refuse(refusal, "hand", "can be lowered only: false");
    const json_t *given = json_object_get(body, "name");
    if (given && !json_is_string(given))
        return body_refuse(refusal, "name", "must be a text");
    if (given && !(*name = protocol_clean_name(config, json_string_value(given), refusal)))
        return -1;
    change->name = *name;
    return 0;
}

int control_change_member(struct hub *hub, const struct hub_request *request, json_t **out,
                          struct refusal *refusal) {
    struct room *room;
    struct member_change change;
    char *name = NULL;
    int is_chosen = -1;
    struct member *member = find_member(hub, request, &room, refusal);
    if (!member || read_switch(request->body, "spotlight", &is_chosen, refusal) != 0 ||
        read_change(hub_config(hub), request->body, &change, &name, refusal) != 0) {
        free(name);
        return -1;
    }
    member_change(member, &change);
    free(name);
    if (is_chosen >= 0)
        room_choose(room, member, is_chosen);
    *out = room_member_to_json(room, member);
    return 0;
}

int control_mute_all(struct hub *hub, const struct hub_request *request, json_t **out,
                     struct refusal *refusal) {
    static const struct member_change mute = {
        .audio_muted = 1, .video_muted = -1, .hand = -1, .is_hidden = -1, .volume = -1};
    struct room *room = control_find_room(hub, request, refusal);
    struct member *member;
    int muted = 0;
    if (!room)
        return -1;
    for (size_t i = 0; (member = room_next_member(room, i)); i++) {
        if (member_role(member) != ROLE_MEMBER)
            continue;
        member_change(member, &mute);
        muted++;
    }
    *out = json_pack("{s:i}", "muted", muted);
    return 0;
}

int control_kick_member(struct hub *hub, const struct hub_request *request, json_t **out,
                        struct refusal *refusal) {
    static const char *const fields[] = {"ban", "reason", NULL};
    struct room *room;
    char reason[801] = "";
    int ban_s = 0;
    struct member *member = find_member(hub, request, &room, refusal);
    if (!member || (request->body && body_check_fields(request->body, fields, refusal) != 0) ||
        body_read_int(request->body, "ban", 0, BAN_MAX_S, &ban_s, refusal) != 0 ||
        body_read_line(request->body, "reason", 200, reason, sizeof(reason), refusal) != 0)
        return -1;
    struct session *session = member_session(member);
    if (ban_s > 0)
        room_ban(room, member, ban_s, reason);
    room_remove_member(room, member, "kicked");
    if (session)
        session_bye(session, "kicked", reason);
    return 0;
}
