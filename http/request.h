// SPDX-License-Identifier: MIT
// One HTTP request on its way to a handler: its path in decoded segments, its body, what the
// route's pattern matched. Belongs to the libmicrohttpd thread of its connection.
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/listen.h"
#include "http/request_id.h"
#include "http/site.h"
#include "mcu/permission.h"
#include "mcu/refusal.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_SEGMENTS_MAX = 12, REQUEST_PARAMS_MAX = 4, REQUEST_PATH_BYTES = 1024 };

struct request {
    struct site *site; // borrowed
    struct MHD_Connection *connection;
    const char *method;          // NULL until the head has been read
    const char *version;         // "HTTP/1.1"
    char address[ADDRESS_BYTES]; // remote, as text
    int64_t started_ms;
    struct caller caller; // who asks; known once routes.c has let them in

    char path[REQUEST_PATH_BYTES]; // decoded, cut into segments
    char *segments[REQUEST_SEGMENTS_MAX];
    int segment_count; // 0: "/"
    bool is_path_bad;
    char shown_path[128];      // for the log: printable, without the query
    char id[REQUEST_ID_BYTES]; // "" until it is being answered
    int64_t asked_ns;          // when it was whole and its answer began, clock_now_ns()

    struct {
        const char *name; // in the route's pattern
        int name_bytes;
        const char *value;
    } params[REQUEST_PARAMS_MAX];
    int param_count;

    char *body;
    size_t body_bytes, body_capacity_bytes;
    bool is_body_too_large, is_answered;
    bool has_ws_seat; // reserved in ws, not yet handed over
};

// uri: the target as the client sent it. Never NULL but out of memory.
struct request *request_create(struct site *site, struct MHD_Connection *connection,
                               const char *uri);
void request_destroy(struct request *request); // NULL is allowed

// Before the body comes: is_body_too_large if its announced length is over the limit.
void request_check_length(struct request *request);
void request_take_body(struct request *request, const char *data, size_t size_bytes);

const char *request_header(const struct request *request, const char *name); // NULL: not sent
const char *request_query(const struct request *request, const char *name);  // NULL: not given
const char *request_param(const struct request *request, const char *name);  // never NULL
bool request_is(const struct request *request, const char *method);          // HEAD counts as GET
// Is the path below /api/?
bool request_is_api(const struct request *request);

// The body as a JSON object (an absent one counts as {}). 0 and a new reference, or -1 and
// *refusal.
int request_json(const struct request *request, json_t **out, struct refusal *refusal);
// A whole number in the query; left as it is when not given. 0, or -1 and *refusal.
int request_query_int(const struct request *request, const char *name, int min, int max, int *out,
                      struct refusal *refusal);

#endif
