// SPDX-License-Identifier: MIT
// The doors: one libmicrohttpd daemon for pages, REST, metrics and the upgrade to WebSocket, and
// the one epoll thread that carries all WebSockets. Created and destroyed by main().
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "mcu/accounts.h"
#include "mcu/events.h"
#include "mcu/hub.h"
#include "mcu/library.h"
#include "mcu/webhooks.h"

#include <stdint.h>

struct server;

// What the doors lead to. All borrowed until server_destroy(); what is below hub may be NULL in
// tests of other things.
struct server_world {
    struct hub *hub;
    const char *api_key;
    const char *token_secret;
    struct store *store;
    struct events *events;
    struct webhooks *webhooks;
    struct accounts *accounts;
    struct library *library;
};

// Binds and serves. 0, or negative errno and a sentence in error.
int server_create(const struct server_world *world, struct server **out, char *error,
                  int error_bytes);
// The port it really listens on (config may say 0).
int server_port(const struct server *server);
// Cuts the HTTP connections whose request is overdue at now_ms (clock_now_ms()); done by itself
// about once a second.
void server_cut_late(struct server *server, int64_t now_ms);
// No new connections from now on; those that are open go on.
void server_quiesce(struct server *server);
// Closes every socket (those with queued messages get half a second to drain) and stops the
// threads.
void server_destroy(struct server *server); // NULL is allowed

#endif
