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

struct route;

struct request {
    struct site *site; // borrowed
    struct MHD_Connection *connection;
    const char *method;          // NULL until the head has been read
    const char *version;         // "HTTP/1.1"
    char address[ADDRESS_BYTES]; // remote, as text
    int64_t started_ms;
    // Set by routes_enter().
    const struct route *route;       // NULL: none for this path and method
    const struct route *first_route; // of this path, whatever the method
    struct caller caller;            // who asks; known once routes.c has let them in
    bool is_refused;                 // they may not: refusal says why
    struct refusal refusal;

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
    size_t body_bytes, body_capacity_bytes, body_bytes_max;
    size_t dropped_bytes; // that came over the limit
    bool is_body_too_large, is_answered;
    bool has_ws_seat; // reserved in ws, not yet handed over
};

// uri: the target as the client sent it. Never NULL but out of memory.
struct request *request_create(struct site *site, struct MHD_Connection *connection,
                               const char *uri);
void request_destroy(struct request *request); // NULL is allowed

// Before the body comes: is_body_too_large if its announced length is over the limit.
void request_check_length(struct request *request);
// False: so much came over the limit that its end is not worth waiting for.
bool request_take_body(struct request *request, const char *data, size_t size_bytes);

const char *request_header(const struct request *request, const char *name); // NULL: not sent
const char *request_query(const struct request *request, const char *name);  // NULL: not given
const char *request_param(const struct request *request, const char *name);  // never NULL
bool request_is(const struct request *request, const char *method);          // HEAD counts as GET
// Is the path below /api/?
bool request_is_api(const struct request *request);

// The media type of the body, without parameters; false when it is another, or none is given.
bool request_has_type(const struct request *request, const char *type);
// The body as a JSON object (an absent one counts as {}). 0 and a new reference, or -1 and
// *refusal.
int request_json(const struct request *request, json_t **out, struct refusal *refusal);
// A whole number in the query; left as it is when not given. 0, or -1 and *refusal.
int request_query_int(const struct request *request, const char *name, int min, int max, int *out,
                      struct refusal *refusal);
// Likewise a number, as 0.5.
int request_query_number(const struct request *request, const char *name, double min, double max,
                         double *out, struct refusal *refusal);
// 422 `bad-field` for this part of the query. Returns -1.
__attribute__((format(printf, 3, 4))) int
request_refuse_field(struct refusal *refusal, const char *name, const char *format, ...);

#endif
