// SPDX-License-Identifier: MIT
// What every request handler may reach: one struct, made by server.c, constant while the daemon
// runs (but for the counters, which are atomic).
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "http/access.h"
#include "http/deadline.h"
#include "http/durations.h"
#include "http/idempotency.h"
#include "http/static.h"
#include "http/ws.h"
#include "mcu/accounts.h"
#include "mcu/events.h"
#include "mcu/hub.h"
#include "mcu/library.h"
#include "mcu/webhooks.h"

#include <stdatomic.h>
#include <stdbool.h>

struct event_streams;

struct site {
    struct hub *hub;             // borrowed
    const struct config *config; // borrowed
    // Borrowed; NULL in tests of other things.
    struct store *store;
    struct events *events;
    struct webhooks *webhooks;
    struct accounts *accounts;
    struct library *library;
    const char *token_secret;
    struct access *access;
    struct static_files *files;
    struct idempotency *idempotency;
    char *description; // of the API, as JSON
    size_t description_bytes;
    char description_etag[REPLY_ETAG_BYTES];
    struct ws *ws;
    struct deadlines *deadlines;
    struct event_streams *streams; // NULL without events
    bool is_tls;
    atomic_ulong requests_by_class[6]; // [2] counts answers with a status of 200 to 299
    struct durations durations;
};

#endif
