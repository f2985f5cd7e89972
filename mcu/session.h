// SPDX-License-Identifier: MIT
// One signaling connection, from open to close, whatever carries it. http/ws.c owns the socket and
// opens a session for each; the session belongs to the control loop. Every function here is for the
// WebSocket thread and never blocks.
#ifndef MCU_SESSION_H
#define MCU_SESSION_H

#include <stddef.h>

struct caller;
struct hub;
struct session;

// How the session reaches its socket. The functions may be called from any thread until release(),
// must not block, and cope with a socket that has already gone.
struct session_socket_ops {
    void (*send)(void *socket, const char *text, size_t size_bytes); // one message; copies
    // Close after what was sent has gone out. code: RFC 6455 7.4; reason: at most 100 bytes.
    void (*close)(void *socket, int code, const char *reason);
    void (*release)(void *socket); // the session is gone; last call
};

// address: the remote IP as text, for limits. Returns NULL when out of memory.
// caller: who it is by their cookie, copied; a token comes with the join.
struct session *session_open(struct hub *hub, const struct session_socket_ops *ops, void *socket,
                             const char *address, const struct caller *caller);
// One text message, as it came: nothing is trusted. Parsed here, obeyed on the control loop.
void session_receive(struct session *session, const char *text, size_t size_bytes);
// Takes the session: the socket has gone (clean: with a close frame of the client).
void session_closed(struct session *session, int was_clean);

#endif
