// SPDX-License-Identifier: MIT
// From method and path to a handler: one sorted table. Here, and only here, it is decided what a
// handler may count on: the path matched, the method is one of its own, the caller may do it, and
// the body is whole and within the limit.
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http/reply.h"
#include "mcu/permission.h"

struct request;

enum route_flags {
    ROUTE_CREATES = 1, // honours Idempotency-Key: see idempotency.h
    ROUTE_UPLOADS = 2, // the body is a file: up to http.upload_bytes_max
};

struct route {
    const char *pattern; // "/api/v1/rooms/{room}": request_param(request, "room")
    const char *method;  // GET answers HEAD as well
    enum action action;  // what the caller must be allowed to do
    void (*handle)(struct request *request, struct reply *reply);
    unsigned flags; // enum route_flags
};

// The table, sorted by pattern, then method; '{' sorts after every letter, so the plain word wins.
extern const struct route routes[];
extern const int routes_count;

// The head is there, the body is still to come: finds the route, sees who asks, and what size of
// body they may send. Who may not do it at all may send no file.
void routes_enter(struct request *request);
void routes_answer(struct request *request, struct reply *reply);

#endif
