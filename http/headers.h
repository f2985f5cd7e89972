// SPDX-License-Identifier: MIT
// The headers that depend on the request or on the settings, not on the handler: security, CORS,
// entity tags and origins. Pure but for the response they write to.
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "http/reply.h"

#include <stdbool.h>

struct request;

void headers_add_security(struct MHD_Response *response, const struct request *request,
                          bool is_embeddable);
// Only for a request with an Origin that the settings allow.
void headers_add_cors(struct MHD_Response *response, const struct request *request);
// An answer to OPTIONS: preflight or plain. allowed: "GET, HEAD, OPTIONS".
void headers_answer_options(struct reply *reply, const struct request *request,
                            const char *allowed);
// Does If-None-Match (NULL is allowed) name this entity tag?
bool headers_match_etag(const char *if_none_match, const char *etag);
// setting: space-separated origins or "*".
bool headers_is_origin_allowed(const char *setting, const char *origin);
// Is it a page of the host that the client has connected to?
bool headers_is_same_origin(const char *origin, const char *host);

#endif
