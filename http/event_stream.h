// SPDX-License-Identifier: MIT
// Answers that go on while things happen: event streams (text/event-stream) and long polls. None
// keeps a thread: a connection with nothing to say is suspended, and resumed by the thread that
// adds an event, or by the tick. What a client has not read stays in the ring of the events alone;
// when that has overtaken it, the client is told (`gap`).
//
// Created and destroyed by server.c. event_stream_begin() on the request's thread; the rest any.
#ifndef HTTP_EVENT_STREAM_H
#define HTTP_EVENT_STREAM_H

#include "http/reply.h"
#include "mcu/events.h"
#include "mcu/permission.h"

#include <stdbool.h>
#include <stdint.h>

struct event_streams;
struct request;

struct event_stream_options {
    const char *room; // NULL: all rooms. Copied
    uint64_t after;
    bool is_poll; // one answer with what came, as JSON; else a stream without end
    int limit;    // of a poll
    int wait_s;   // likewise
    // What the caller must go on to be allowed: asked again now and then, so that a stream ends
    // when the sign-in or the token that opened it does.
    enum action action;
};

// Borrows events. max: open at the same time. NULL when out of memory.
struct event_streams *event_streams_create(struct events *events, int max);
// Ends every stream and lets no new one begin: before libmicrohttpd is stopped.
void event_streams_stop(struct event_streams *streams);
void event_streams_destroy(struct event_streams *streams); // NULL is allowed; after it has stopped

// About once a second: comments that keep a silent stream alive, polls whose time is over, clients
// that have gone.
void event_streams_tick(struct event_streams *streams, int64_t now_ms);

// Fills in the reply: the stream, or 429 (too many), 503 (the server ends).
void event_stream_begin(struct event_streams *streams, const struct event_stream_options *options,
                        struct request *request, struct reply *reply);

#endif
