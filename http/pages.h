// SPDX-License-Identifier: MIT
// The pages for people, and every file that they load.
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include "http/reply.h"

struct request;

void pages_get_front(struct request *request, struct reply *reply);
void pages_get_room(struct request *request, struct reply *reply);
void pages_get_docs(struct request *request, struct reply *reply);
// Who looks on while a room is broadcast, without a seat in it.
void pages_get_watch(struct request *request, struct reply *reply);
// They show nothing by themselves: what is in them comes by REST, to who may have it.
void pages_get_sign_in(struct request *request, struct reply *reply);
void pages_get_home(struct request *request, struct reply *reply);
void pages_get_admin(struct request *request, struct reply *reply);
void pages_get_recordings(struct request *request, struct reply *reply);
void pages_get_api_description(struct request *request, struct reply *reply);
void pages_get_api_description_json(struct request *request, struct reply *reply);
// What no route knows: a file of the web client, or 404.
void pages_get_file(struct request *request, struct reply *reply);
void pages_not_found(struct request *request, struct reply *reply);

#endif
