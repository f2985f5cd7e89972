// SPDX-License-Identifier: MIT
// What the handlers of the REST interface have in common: a request becomes a call of the hub, its
// outcome an answer. On the request's thread. Part of api.
#ifndef HTTP_API_CALL_H
#define HTTP_API_CALL_H

#include "http/reply.h"
#include "mcu/hub.h"

struct request;

enum { API_PAGE_DEFAULT = 50, API_PAGE_MAX = 200, API_CURSOR_MAX = 200 };

// Who asks, room and id of the path, If-Match. Everything in it is borrowed from the request.
struct hub_request api_ask(const struct request *request);
// ?limit= and ?cursor= of a list (borrowed; NULL: from its beginning). 0, or -1 and *refusal.
int api_read_page(const struct request *request, const char **cursor, int *limit,
                  struct refusal *refusal);
// Takes json. Status 204, or json NULL: no body. With an entity tag if there is a "revision".
void api_answer(struct reply *reply, int status, json_t *json);
// Location: prefix and the object's "id". For 201.
void api_add_location(struct reply *reply, const char *prefix, const json_t *object);

// The whole of a handler: what asked says (its picture and clip are taken), and the answer.
void api_finish(struct request *request, struct reply *reply, enum hub_operation operation,
                const struct hub_request *asked, int status);
// The same without a body: for GET.
void api_read(struct request *request, struct reply *reply, enum hub_operation operation);
// The same for a page of a list.
void api_list(struct request *request, struct reply *reply, enum hub_operation operation);
// The same for what has nothing to say besides its path; a body is left alone. Answers 204.
void api_do(struct request *request, struct reply *reply, enum hub_operation operation);
// The same with the body, a JSON object.
void api_change(struct request *request, struct reply *reply, enum hub_operation operation,
                int status);

#endif
