// SPDX-License-Identifier: MIT
// The handlers of the REST interface, as assets/openapi.yaml describes it. They run on a thread of
// libmicrohttpd and wait for the control loop; routes.c has checked access and size before.
#ifndef HTTP_API_H
#define HTTP_API_H

#include "http/reply.h"

struct request;

// api_rooms.c
void api_list_rooms(struct request *request, struct reply *reply);
void api_create_room(struct request *request, struct reply *reply);
void api_get_room(struct request *request, struct reply *reply);
void api_change_room(struct request *request, struct reply *reply);
void api_end_room(struct request *request, struct reply *reply);
void api_list_members(struct request *request, struct reply *reply);
void api_kick_member(struct request *request, struct reply *reply);
void api_get_snapshot(struct request *request, struct reply *reply);

// api_server.c
void api_get_health(struct request *request, struct reply *reply);
void api_get_readiness(struct request *request, struct reply *reply);
void api_get_ice_servers(struct request *request, struct reply *reply);

// api_session.c
void api_sign_in(struct request *request, struct reply *reply);
void api_get_session(struct request *request, struct reply *reply);
void api_sign_out(struct request *request, struct reply *reply);

// api_users.c
void api_list_users(struct request *request, struct reply *reply);
void api_add_user(struct request *request, struct reply *reply);
void api_get_user(struct request *request, struct reply *reply);
void api_change_user(struct request *request, struct reply *reply);
void api_change_password(struct request *request, struct reply *reply);
void api_remove_user(struct request *request, struct reply *reply);

// api_meetings.c
void api_list_meetings(struct request *request, struct reply *reply);
void api_add_meeting(struct request *request, struct reply *reply);
void api_get_meeting(struct request *request, struct reply *reply);
void api_change_meeting(struct request *request, struct reply *reply);
void api_remove_meeting(struct request *request, struct reply *reply);
void api_get_invitation(struct request *request, struct reply *reply);
void api_list_calls(struct request *request, struct reply *reply);
void api_get_call(struct request *request, struct reply *reply);
void api_remove_call(struct request *request, struct reply *reply);

// api_metrics.c
void api_get_metrics(struct request *request, struct reply *reply);

#endif
