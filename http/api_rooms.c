// SPDX-License-Identifier: MIT
#include "http/api.h"

#include "http/api_call.h"
#include "http/request.h"

void api_list_rooms(struct request *request, struct reply *reply) {
    api_list(request, reply, HUB_LIST_ROOMS);
}

void api_create_room(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body, *room = NULL;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    struct hub_request asked = api_ask(request);
    asked.body = body;
    int result = hub_call(request->site->hub, HUB_CREATE_ROOM, &asked, &room, &refusal);
    json_decref(body);
    if (result != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    api_answer(reply, 201, json_incref(room));
    api_add_location(reply, "/api/v1/rooms/", room);
    json_decref(room);
}

void api_get_room(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_GET_ROOM);
}

void api_change_room(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_CHANGE_ROOM, 200);
}

// The reason may stand in the query as well: not every client can send a body with DELETE.
void api_end_room(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body;
    if (request_json(request, &body, &refusal) != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    const char *reason = request_query(request, "reason");
    if (reason && !json_object_get(body, "reason") &&
        json_object_set_new(body, "reason", json_string(reason)) != 0) {
        request_refuse_field(&refusal, "reason", "must be UTF-8");
        reply_refusal(reply, &refusal);
    } else {
        struct hub_request asked = api_ask(request);
        asked.body = body;
        api_finish(request, reply, HUB_END_ROOM, &asked, 204);
    }
    json_decref(body);
}

void api_get_room_stats(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_GET_ROOM_STATS);
}
