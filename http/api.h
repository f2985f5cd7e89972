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

// api_events.c
void api_get_room_events(struct request *request, struct reply *reply);
void api_get_server_events(struct request *request, struct reply *reply);

// api_webhooks.c
void api_list_webhooks(struct request *request, struct reply *reply);
void api_create_webhook(struct request *request, struct reply *reply);
void api_get_webhook(struct request *request, struct reply *reply);
void api_change_webhook(struct request *request, struct reply *reply);
void api_remove_webhook(struct request *request, struct reply *reply);
void api_test_webhook(struct request *request, struct reply *reply);

// api_metrics.c
void api_get_metrics(struct request *request, struct reply *reply);

#endif
