// SPDX-License-Identifier: MIT
// An answer, from a handler to libmicrohttpd. A handler fills one in; reply_send() adds what every
// answer carries (security and CORS headers), turns it into a 304 where the client has it already,
// logs one line and queues it. Belongs to the request's thread.
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "mcu/refusal.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct request;

enum { REPLY_HEADERS_MAX = 8, REPLY_ETAG_BYTES = 48 };

struct reply {
    int status;
    const char *type; // content type, a literal; NULL: no body
    const void *body;
    size_t body_bytes;
    bool is_body_owned;            // malloc'ed, freed with the answer; else it outlives the server
    const char *cache_control;     // a literal; NULL: "no-store"
    char etag[REPLY_ETAG_BYTES];   // with its quotes; "": none
    bool is_revision;              // etag is for If-Match: it never makes a 304
    bool is_embeddable;            // other sites may show this page in a frame
    struct MHD_Response *response; // made by the handler (an upgrade); takes the place of the body
    struct {
        const char *name; // a literal
        char *value;
    } headers[REPLY_HEADERS_MAX];
    int header_count;
    const char *request_id; // borrowed, kept by all that follows; NULL: none. For problem+json
};

void reply_init(struct reply *reply); // 204, nothing else
void reply_finish(struct reply *reply);

// What was in the reply before is dropped by each of these.
void reply_json(struct reply *reply, int status, json_t *json); // takes json; NULL: out of memory
void reply_text(struct reply *reply, int status, const char *type, const char *text); // copies
// Borrowed for ever, or taken.
void reply_static(struct reply *reply, int status, const char *type, const void *body,
                  size_t body_bytes);
void reply_owned(struct reply *reply, int status, const char *type, void *body, size_t body_bytes);
void reply_refusal(struct reply *reply, const struct refusal *refusal); // problem+json

// The entity tag of what has a "revision" (borrowed); without one, nothing.
void reply_set_revision(struct reply *reply, const json_t *json);
// Copies value. A value that would break out of its line is not sent.
void reply_add_header(struct reply *reply, const char *name, const char *value);
// Queues it, and empties *reply.
enum MHD_Result reply_send(struct reply *reply, struct request *request);

#endif
