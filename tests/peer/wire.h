// SPDX-License-Identifier: MIT
// A WebSocket client with a thread of its own: TCP, the handshake, frames by wslay. Sending is for
// any thread; callbacks come from the wire's thread.
#ifndef TESTS_PEER_WIRE_H
#define TESTS_PEER_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct wire;

struct wire_ops {
    void (*on_open)(void *user);
    void (*on_text)(void *user, const char *text, size_t size_bytes); // NUL-terminated as well
    // Last call. code: of the close frame, 0 without one (or the HTTP status of a refused
    // handshake); reason: its text, "" without one.
    void (*on_close)(void *user, int code, const char *reason);
};

// Connects in the background: a failure is an on_close without an on_open. host: a name or address.
struct wire *wire_create(const char *host, int port, const char *path, const struct wire_ops *ops,
                         void *user);
// Sends what is queued and a close frame if still open, and waits for the thread: no callback comes
// after. Sending does nothing from then on. Not from a callback.
void wire_stop(struct wire *wire);
void wire_destroy(struct wire *wire); // stops first if needed; NULL is allowed
// Cuts the TCP connection as a network that fails does: no close frame. on_close follows.
void wire_cut(struct wire *wire);

void wire_send_text(struct wire *wire, const char *text, size_t size_bytes);
// Any WebSocket opcode, whatever it contains.
void wire_send_frame(struct wire *wire, uint8_t opcode, const void *data, size_t size_bytes);

// A connected TCP socket that says nothing yet, or negative errno.
int wire_connect_tcp(const char *host, int port);

#endif
