// SPDX-License-Identifier: MIT
// One WebSocket: its framing, its queue of outgoing messages, its life. Internal to ws*.c.
//
//   OPEN --close queued--> CLOSING --our close frame is out--> LINGERING --peer's end--> GONE
//
// LINGERING only reads and drops: a socket that is closed with unread input resets the connection,
// and the close frame would be lost. CLOSING and LINGERING have a deadline.
#ifndef HTTP_WS_SOCKET_H
#define HTTP_WS_SOCKET_H

#include "http/listen.h"
#include "http/ws.h"
#include "mcu/session.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <wslay/wslay.h>

enum ws_state { WS_OPEN, WS_CLOSING, WS_LINGERING, WS_GONE };

enum {
    WS_QUEUE_BYTES_MAX = 1 << 20, // waiting to go out: more means the client is too slow
    WS_QUEUE_MESSAGES_MAX = 2000,
    WS_FRAMES_PER_MESSAGE_MAX = 1024,
    WS_BURST_FACTOR = 3,
    WS_CLOSING_MS = 5000,
    WS_LINGERING_MS = 1000,
    WS_REASON_BYTES = 124, // RFC 6455 5.5: a control frame has 125 bytes, two are the code
};

struct ws_text; // a queued message

struct ws_socket {
    // Immutable.
    struct ws *ws;               // a reference
    struct ws_handover handover; // .extra is a copy
    char address[ADDRESS_BYTES];
    atomic_int references; // the list of ws, the session, the dirty list

    // WebSocket thread only.
    enum ws_state state;
    struct session *session;
    wslay_event_context_ptr wslay;
    size_t extra_taken_bytes, budget_bytes;
    uint32_t watched_events;
    bool has_spoken, is_clean, is_network_down, is_forgotten;
    int frames_in_message;
    double tokens;
    int64_t tokens_at_ms, refused_at_ms, opened_ms, heard_ms, pinged_ms, deadline_ms;
    GList link; // in ws

    // Protected by lock.
    pthread_mutex_t lock;
    GQueue texts;                        // struct ws_text
    size_t waiting_bytes, waiting_count; // in texts
    size_t backlog_bytes, backlog_count; // in wslay, as of the last write
    int close_code;                      // 0: not asked for
    char close_reason[WS_REASON_BYTES];
    bool is_too_slow, is_dirty, is_deaf; // is_deaf: nothing more goes out
};

// NULL when out of memory. The reference is the list's.
struct ws_socket *ws_socket_create(struct ws *ws, const struct ws_handover *handover);
struct ws_socket *ws_socket_ref(struct ws_socket *socket);
void ws_socket_unref(struct ws_socket *socket);

// WebSocket thread.
void ws_socket_open(struct ws_socket *socket, struct hub *hub, int64_t now_ms);
void ws_socket_read(struct ws_socket *socket, int64_t now_ms);
// Sends what waits, as far as it goes, and moves the state on.
void ws_socket_flush(struct ws_socket *socket, int64_t now_ms);
void ws_socket_check_time(struct ws_socket *socket, int64_t now_ms);
void ws_socket_close(struct ws_socket *socket, int code, const char *reason, int64_t now_ms);
// The end, whatever the state; ws.c then hangs up.
void ws_socket_drop(struct ws_socket *socket);
// New texts may have come: takes the mark off.
void ws_socket_clean(struct ws_socket *socket);
// What epoll should wait for.
uint32_t ws_socket_events(const struct ws_socket *socket);

// ws.c, for ws_socket.c.
const struct ws_options *ws_options(const struct ws *ws);
struct ws *ws_ref(struct ws *ws);
void ws_unref(struct ws *ws);
void ws_mark_dirty(struct ws *ws, struct ws_socket *socket); // any thread
void ws_count(struct ws *ws, uint64_t received, uint64_t sent, uint64_t refused, uint64_t slow);

extern const struct session_socket_ops ws_socket_ops;

#endif
