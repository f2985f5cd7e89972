// SPDX-License-Identifier: MIT
// Who is in a room, and who may not come back.
#include "http/api.h"

#include "http/api_call.h"

void api_list_members(struct request *request, struct reply *reply) {
    api_list(request, reply, HUB_LIST_MEMBERS);
}

void api_get_member(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_GET_MEMBER);
}

void api_change_member(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_CHANGE_MEMBER, 200);
}

void api_kick_member(struct request *request, struct reply *reply) {
    api_change(request, reply, HUB_KICK_MEMBER, 204);
}

void api_mute_all(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_MUTE_ALL);
}

void api_list_bans(struct request *request, struct reply *reply) {
    api_list(request, reply, HUB_LIST_BANS);
}

void api_lift_ban(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_LIFT_BAN);
}
