// SPDX-License-Identifier: MIT
// All WebSockets, on one epoll thread: it reads, frames (wslay), writes, pings and times out; what
// the messages say is for mcu/session.h. It knows no HTTP: whoever did the handshake hands over a
// connected socket. Every function here is for any thread but the WebSocket thread's callbacks.
#ifndef HTTP_WS_H
#define HTTP_WS_H

#include "mcu/permission.h"
#include "mcu/refusal.h"

#include <stddef.h>
#include <stdint.h>

struct hub;
struct ws;

struct ws_options {
    int ping_ms, dead_ms,
        hello_ms;       // ping this often; gone after silence; the first message by then
    int messages_per_s; // of one client, with bursts of three times as many
    int message_bytes_max;
    int sockets_max, sockets_per_address_max;
    void (*on_tick)(void *user); // about once a second, WebSocket thread; NULL is allowed
    void *user;
};

// A socket after its handshake.
struct ws_handover {
    int fd;            // borrowed until hang_up()
    int network_fd;    // if fd is a tunnel to it (TLS): tells when the peer has gone; or -1
    const void *extra; // what was read behind the handshake already; borrowed
    size_t extra_bytes;
    const char *address;         // remote, without port
    struct caller caller;        // who it is by their cookie
    void (*hang_up)(void *user); // close it: called once, WebSocket thread or within ws_adopt()
    void *user;
};

struct ws_stats {
    int sockets;
    uint64_t messages_received, messages_sent, messages_refused, slow;
};

// Borrows hub; options are copied. NULL: no memory, descriptors or threads.
struct ws *ws_create(struct hub *hub, const struct ws_options *options);
// Says goodbye on every socket (1001), gives queued messages half a second, hangs up, ends the
// thread.
void ws_stop(struct ws *ws);
void ws_destroy(struct ws *ws); // after ws_stop() and the last ws_adopt(); NULL is allowed

// Before the handshake is answered: 0 and a seat for this address, or -1 and *refusal (429, 503).
int ws_take_seat(struct ws *ws, const char *address, struct refusal *refusal);
void ws_release_seat(struct ws *ws, const char *address); // the handshake came to nothing
// Takes the socket and the seat.
void ws_adopt(struct ws *ws, const struct ws_handover *handover);

void ws_get_stats(struct ws *ws, struct ws_stats *out);

#endif
