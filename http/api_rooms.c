// SPDX-License-Identifier: MIT
#include "http/api.h"
#include "http/request.h"

#include <glib.h>

enum { SNAPSHOT_WIDTH_MIN_PX = 16, SNAPSHOT_WIDTH_MAX_PX = 1920 };

// What a hub_* function gave: its object, or why not.
static void answer(struct reply *reply, int result, int status, json_t *json,
                   const struct refusal *refusal) {
    if (result == 0)
        reply_json(reply, status, json);
    else
        reply_refusal(reply, refusal);
}

// Room and member of the path, and who asks.
static struct hub_request ask(const struct request *request) {
    return (struct hub_request){.caller = &request->caller,
                                .room = request_param(request, "room"),
                                .id = request_param(request, "id")};
}

static void call(struct request *request, struct reply *reply, enum hub_operation operation,
                 int status) {
    struct refusal refusal;
    json_t *out = NULL;
    struct hub_request asked = ask(request);
    int result = hub_call(request->site->hub, operation, &asked, &out, &refusal);
    answer(reply, result, status, out, &refusal);
}

void api_list_rooms(struct request *request, struct reply *reply) {
    call(request, reply, HUB_LIST_ROOMS, 200);
}

static void add_location(struct reply *reply, const json_t *room) {
    const char *id = json_string_value(json_object_get(room, "id"));
    char *escaped = g_uri_escape_string(id ? id : "", NULL, FALSE);
    char *location = g_strconcat("/api/v1/rooms/", escaped, NULL);
    reply_add_header(reply, "Location", location);
    g_free(location);
    g_free(escaped);
}

void api_create_room(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body, *room = NULL;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    struct hub_request asked = ask(request);
    asked.body = body;
    int result = hub_call(request->site->hub, HUB_CREATE_ROOM, &asked, &room, &refusal);
    json_decref(body);
    json_incref(room);
    answer(reply, result, 201, room, &refusal);
    if (result == 0)
        add_location(reply, room);
    json_decref(room);
}

void api_get_room(struct request *request, struct reply *reply) {
    call(request, reply, HUB_GET_ROOM, 200);
}

void api_change_room(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body, *room = NULL;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    struct hub_request asked = ask(request);
    asked.body = body;
    int result = hub_call(request->site->hub, HUB_CHANGE_ROOM, &asked, &room, &refusal);
    json_decref(body);
    answer(reply, result, 200, room, &refusal);
}

static void call_for_nothing(struct request *request, struct reply *reply,
                             enum hub_operation operation) {
    struct refusal refusal;
    json_t *out = NULL;
    struct hub_request asked = ask(request);
    if (hub_call(request->site->hub, operation, &asked, &out, &refusal) != 0)
        reply_refusal(reply, &refusal);
    json_decref(out);
}

void api_end_room(struct request *request, struct reply *reply) {
    call_for_nothing(request, reply, HUB_END_ROOM);
}

void api_list_members(struct request *request, struct reply *reply) {
    call(request, reply, HUB_LIST_MEMBERS, 200);
}

void api_kick_member(struct request *request, struct reply *reply) {
    call_for_nothing(request, reply, HUB_KICK_MEMBER);
}

void api_get_snapshot(struct request *request, struct reply *reply) {
    struct refusal refusal;
    uint8_t *jpeg;
    size_t size_bytes;
    int width_px = 0;
    if (request_query_int(request, "width", SNAPSHOT_WIDTH_MIN_PX, SNAPSHOT_WIDTH_MAX_PX, &width_px,
                          &refusal) != 0 ||
        hub_snapshot(request->site->hub, request_param(request, "room"), width_px, PICTURE_JPEG,
                     &jpeg, &size_bytes, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        reply_owned(reply, 200, "image/jpeg", jpeg, size_bytes);
}
