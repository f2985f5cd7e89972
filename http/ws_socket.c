// SPDX-License-Identifier: MIT
// Messages out: any thread --texts--> WebSocket thread --wslay--> socket. wslay lets control frames
// overtake texts, a close included, so an ordinary close waits here until wslay is empty.
#include "http/ws_socket.h"

#include "http/clock.h"
#include "mcu/log.h"
#include "mcu/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BUDGET_BYTES = 64 << 10 }; // of one socket, before the others get their turn

struct ws_text {
    GList link;
    size_t size_bytes;
    char text[];
};

// ---- wslay's callbacks, WebSocket thread ----

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *data, size_t bytes, int flags,
                       void *user) {
    struct ws_socket *socket = user;
    size_t extra = socket->handover.extra_bytes - socket->extra_taken_bytes;
    if (extra > 0) {
        size_t taken = MIN(extra, bytes);
        memcpy(data, (const char *)socket->handover.extra + socket->extra_taken_bytes, taken);
        socket->extra_taken_bytes += taken;
        return (ssize_t)taken;
    }
    if (socket->budget_bytes == 0) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    ssize_t got;
    do
        got = recv(socket->handover.fd, data, MIN(bytes, socket->budget_bytes), MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        socket->budget_bytes -= (size_t)got;
        socket->heard_ms = clock_now_ms();
        return got;
    }
    bool is_waiting = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    wslay_event_set_error(wslay, is_waiting ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t bytes, int flags,
                       void *user) {
    struct ws_socket *socket = user;
    int more = flags & WSLAY_MSG_MORE ? MSG_MORE : 0; // header and payload in one packet
    ssize_t sent;
    do
        sent = send(socket->handover.fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL | more);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    bool is_waiting = errno == EAGAIN || errno == EWOULDBLOCK;
    wslay_event_set_error(wslay, is_waiting ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static bool take_token(struct ws_socket *socket, int64_t now_ms) {
    double rate = ws_options(socket->ws)->messages_per_s;
    socket->tokens += rate * (double)(now_ms - socket->tokens_at_ms) / 1000;
    socket->tokens = MIN(socket->tokens, WS_BURST_FACTOR * rate);
    socket->tokens_at_ms = now_ms;
    socket->tokens -= 1;
    return socket->tokens >= 0;
}

static void queue_text(struct ws_socket *socket, const char *text, size_t size_bytes) {
    struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)text, size_bytes};
    wslay_event_queue_msg(socket->wslay, &message);
}

// One error a second; a client that goes on as if nothing were is cut off.
static void refuse_rate(struct ws_socket *socket, int64_t now_ms) {
    struct refusal refusal;
    ws_count(socket->ws, 0, 0, 1, 0);
    if (socket->tokens < -WS_BURST_FACTOR * (double)ws_options(socket->ws)->messages_per_s) {
        ws_socket_close(socket, 1008, "too many messages", now_ms);
        return;
    }
    if (socket->refused_at_ms && now_ms - socket->refused_at_ms < 1000)
        return;
    socket->refused_at_ms = now_ms;
    refusal_set(&refusal, 429, "rate-limited",
                "Too many messages: this one was dropped. Slow down.");
    char *text = protocol_error(&refusal);
    if (text)
        queue_text(socket, text, strlen(text));
    free(text);
}

// Every frame counts against the rate but those that continue a message: pings cost an answer each.
static void on_frame(wslay_event_context_ptr wslay,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *user) {
    struct ws_socket *socket = user;
    int64_t now_ms = clock_now_ms();
    if (socket->state != WS_OPEN)
        return;
    if (frame->opcode == WSLAY_TEXT_FRAME)
        socket->frames_in_message = 0;
    if (frame->opcode == WSLAY_BINARY_FRAME)
        ws_socket_close(socket, WSLAY_CODE_UNSUPPORTED_DATA, "text messages only", now_ms);
    else if (frame->opcode == WSLAY_CONTINUATION_FRAME &&
             ++socket->frames_in_message > WS_FRAMES_PER_MESSAGE_MAX)
        ws_socket_close(socket, WSLAY_CODE_POLICY_VIOLATION, "too many fragments", now_ms);
    else if ((frame->opcode == WSLAY_PING || frame->opcode == WSLAY_PONG) &&
             !take_token(socket, now_ms))
        refuse_rate(socket, now_ms);
}

static void on_message(wslay_event_context_ptr wslay,
                       const struct wslay_event_on_msg_recv_arg *message, void *user) {
    struct ws_socket *socket = user;
    int64_t now_ms = clock_now_ms();
    if (socket->state != WS_OPEN)
        return;
    if (message->opcode == WSLAY_CONNECTION_CLOSE)
        socket->is_clean = true;
    if (message->opcode != WSLAY_TEXT_FRAME)
        return;
    socket->has_spoken = true;
    if (!take_token(socket, now_ms)) {
        refuse_rate(socket, now_ms);
        return;
    }
    ws_count(socket->ws, 1, 0, 0, 0);
    const char *text = message->msg ? (const char *)message->msg : ""; // NULL: an empty one
    session_receive(socket->session, text, message->msg_length);
}

// ---- life ----

struct ws_socket *ws_socket_create(struct ws *ws, const struct ws_handover *handover) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    struct ws_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        return NULL;
    pthread_mutex_init(&socket->lock, NULL);
    g_queue_init(&socket->texts);
    atomic_init(&socket->references, 1);
    socket->ws = ws_ref(ws);
    socket->link.data = socket;
    socket->handover = *handover;
    socket->handover.extra = NULL;
    snprintf(socket->address, sizeof(socket->address), "%s", handover->address);
    if (handover->extra_bytes > 0 &&
        !(socket->handover.extra = g_memdup2(handover->extra, handover->extra_bytes)))
        goto fail;
    if (wslay_event_context_server_init(&socket->wslay, &callbacks, socket) != 0)
        goto fail;
    wslay_event_config_set_max_recv_msg_length(socket->wslay,
                                               (uint64_t)ws_options(ws)->message_bytes_max);
    return socket;
fail:
    ws_socket_unref(socket);
    return NULL;
}

static void drop_texts(struct ws_socket *socket) {
    for (GList *link; (link = g_queue_pop_head_link(&socket->texts));)
        free(link->data);
    socket->waiting_bytes = socket->waiting_count = 0;
}

struct ws_socket *ws_socket_ref(struct ws_socket *socket) {
    atomic_fetch_add(&socket->references, 1);
    return socket;
}

void ws_socket_unref(struct ws_socket *socket) {
    if (atomic_fetch_sub(&socket->references, 1) != 1)
        return;
    drop_texts(socket);
    wslay_event_context_free(socket->wslay);
    g_free((void *)socket->handover.extra);
    pthread_mutex_destroy(&socket->lock);
    ws_unref(socket->ws);
    free(socket);
}

void ws_socket_open(struct ws_socket *socket, struct hub *hub, int64_t now_ms) {
    socket->opened_ms = socket->heard_ms = socket->pinged_ms = socket->tokens_at_ms = now_ms;
    socket->tokens = WS_BURST_FACTOR * (double)ws_options(socket->ws)->messages_per_s;
    ws_socket_ref(socket); // the session's
    socket->session =
        session_open(hub, &ws_socket_ops, socket, socket->address, &socket->handover.caller);
    if (!socket->session) {
        ws_socket_unref(socket);
        ws_socket_close(socket, 1013, "the server is out of memory", now_ms);
    }
}

static void end_session(struct ws_socket *socket) {
    struct session *session = socket->session;
    socket->session = NULL;
    if (session)
        session_closed(session, socket->is_clean);
}

void ws_socket_drop(struct ws_socket *socket) {
    if (socket->state == WS_GONE)
        return;
    socket->state = WS_GONE;
    pthread_mutex_lock(&socket->lock);
    socket->is_deaf = true;
    drop_texts(socket);
    pthread_mutex_unlock(&socket->lock);
    end_session(socket);
}

static void linger(struct ws_socket *socket, int64_t now_ms) {
    socket->state = WS_LINGERING;
    socket->deadline_ms = now_ms + WS_LINGERING_MS;
    pthread_mutex_lock(&socket->lock);
    socket->is_deaf = true;
    drop_texts(socket);
    pthread_mutex_unlock(&socket->lock);
    end_session(socket);
    if (wslay_event_get_close_received(socket->wslay))
        ws_socket_drop(socket); // both sides are done: closing is ours (RFC 6455 7.1.1)
    else
        shutdown(socket->handover.fd, SHUT_WR);
}

void ws_socket_close(struct ws_socket *socket, int code, const char *reason, int64_t now_ms) {
    if (socket->state != WS_OPEN)
        return;
    socket->state = WS_CLOSING;
    socket->deadline_ms = now_ms + WS_CLOSING_MS;
    wslay_event_send(socket->wslay); // what would be overtaken, as far as it goes; errors come back
    wslay_event_queue_close(socket->wslay, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
    log_debug("ws", "%s closed: %d %s", socket->address, code, reason);
}

// ---- in ----

static void read_and_drop(struct ws_socket *socket) {
    char drain[4096];
    ssize_t got;
    for (int i = 0; i < READ_BUDGET_BYTES / (int)sizeof(drain); i++) {
        got = recv(socket->handover.fd, drain, sizeof(drain), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            ws_socket_drop(socket);
            return;
        }
        if (got < 0)
            return;
    }
}

void ws_socket_read(struct ws_socket *socket, int64_t now_ms) {
    if (socket->state == WS_LINGERING) {
        read_and_drop(socket);
        return;
    }
    if (socket->state == WS_GONE)
        return;
    socket->budget_bytes = READ_BUDGET_BYTES;
    if (wslay_event_recv(socket->wslay) != 0) {
        ws_socket_drop(socket);
        return;
    }
    // wslay has refused something (1002, 1007, 1009) or the client has closed: its answer is
    // queued.
    if (socket->state == WS_OPEN && !wslay_event_get_read_enabled(socket->wslay)) {
        socket->state = WS_CLOSING;
        socket->deadline_ms = now_ms + WS_CLOSING_MS;
    }
    ws_socket_flush(socket, now_ms);
}

// ---- out ----

// What other threads have left, moved to wslay.
static void take_texts(struct ws_socket *socket) {
    GQueue texts;
    pthread_mutex_lock(&socket->lock);
    texts = socket->texts;
    g_queue_init(&socket->texts);
    socket->backlog_bytes += socket->waiting_bytes;
    socket->backlog_count += socket->waiting_count;
    socket->waiting_bytes = socket->waiting_count = 0;
    pthread_mutex_unlock(&socket->lock);
    for (GList *link; (link = g_queue_pop_head_link(&texts));) {
        struct ws_text *text = link->data;
        if (socket->state == WS_OPEN) {
            queue_text(socket, text->text, text->size_bytes);
            ws_count(socket->ws, 0, 1, 0, 0);
        }
        free(text);
    }
}

// Notes what wslay still has, and says what else is to be done.
static void look_at_backlog(struct ws_socket *socket, bool *is_too_slow, int *close_code,
                            char reason[WS_REASON_BYTES]) {
    pthread_mutex_lock(&socket->lock);
    socket->backlog_bytes = wslay_event_get_queued_msg_length(socket->wslay);
    socket->backlog_count = wslay_event_get_queued_msg_count(socket->wslay);
    *is_too_slow = socket->is_too_slow ||
                   socket->backlog_count + socket->waiting_count > WS_QUEUE_MESSAGES_MAX;
    *close_code = socket->backlog_count + socket->waiting_count == 0 ? socket->close_code : 0;
    memcpy(reason, socket->close_reason, WS_REASON_BYTES);
    pthread_mutex_unlock(&socket->lock);
}

static bool write_out(struct ws_socket *socket) {
    return !wslay_event_want_write(socket->wslay) || wslay_event_send(socket->wslay) == 0;
}

void ws_socket_flush(struct ws_socket *socket, int64_t now_ms) {
    bool is_too_slow;
    int close_code;
    char reason[WS_REASON_BYTES];
    if (socket->state == WS_LINGERING || socket->state == WS_GONE)
        return;
    take_texts(socket);
    if (!write_out(socket)) {
        ws_socket_drop(socket);
        return;
    }
    look_at_backlog(socket, &is_too_slow, &close_code, reason);
    if (socket->state == WS_OPEN && (is_too_slow || close_code)) {
        ws_socket_close(socket, is_too_slow ? 1013 : close_code,
                        is_too_slow ? "the client reads too slowly" : reason, now_ms);
        if (is_too_slow) {
            ws_count(socket->ws, 0, 0, 0, 1);
            socket->deadline_ms = now_ms + WS_LINGERING_MS; // it will hardly read this either
        }
        if (!write_out(socket)) {
            ws_socket_drop(socket);
            return;
        }
    }
    if (wslay_event_get_close_sent(socket->wslay) &&
        (wslay_event_get_close_received(socket->wslay) ||
         !wslay_event_get_read_enabled(socket->wslay)))
        linger(socket, now_ms);
}

void ws_socket_clean(struct ws_socket *socket) {
    pthread_mutex_lock(&socket->lock);
    socket->is_dirty = false;
    pthread_mutex_unlock(&socket->lock);
}

uint32_t ws_socket_events(const struct ws_socket *socket) {
    if (socket->state == WS_LINGERING)
        return EPOLLIN;
    return (wslay_event_want_read(socket->wslay) ? EPOLLIN : 0) |
           (wslay_event_want_write(socket->wslay) ? EPOLLOUT : 0);
}

static void ping(struct ws_socket *socket, int64_t now_ms) {
    struct wslay_event_msg message = {.opcode = WSLAY_PING};
    socket->pinged_ms = now_ms;
    wslay_event_queue_msg(socket->wslay, &message);
}

void ws_socket_check_time(struct ws_socket *socket, int64_t now_ms) {
    const struct ws_options *options = ws_options(socket->ws);
    if (socket->is_network_down || (socket->state != WS_OPEN && now_ms >= socket->deadline_ms) ||
        (socket->state == WS_OPEN && now_ms - socket->heard_ms >= options->dead_ms)) {
        ws_socket_drop(socket);
        return;
    }
    if (socket->state != WS_OPEN)
        return;
    if (!socket->has_spoken && now_ms - socket->opened_ms >= options->hello_ms)
        ws_socket_close(socket, 1008, "said nothing", now_ms);
    else if (now_ms - socket->pinged_ms >= options->ping_ms)
        ping(socket, now_ms);
    ws_socket_flush(socket, now_ms);
}

// ---- for the session, any thread ----

static bool leave_text(struct ws_socket *socket, struct ws_text *text) {
    bool is_full =
        socket->backlog_bytes + socket->waiting_bytes + text->size_bytes > WS_QUEUE_BYTES_MAX ||
        socket->backlog_count + socket->waiting_count + 1 > WS_QUEUE_MESSAGES_MAX;
    if (socket->is_deaf || socket->close_code || socket->is_too_slow)
        return false;
    socket->is_too_slow = is_full;
    if (is_full)
        return false;
    g_queue_push_tail_link(&socket->texts, &text->link);
    socket->waiting_bytes += text->size_bytes;
    socket->waiting_count++;
    return true;
}

static void mark_dirty(struct ws_socket *socket, bool was_dirty) {
    if (!was_dirty)
        ws_mark_dirty(socket->ws, socket);
}

// With the lock held: true if the WebSocket thread does not know yet that there is work.
static bool note_dirty_locked(struct ws_socket *socket) {
    bool was_dirty = socket->is_dirty || socket->is_deaf;
    socket->is_dirty = !socket->is_deaf;
    return was_dirty;
}

static void session_sends(void *user, const char *data, size_t size_bytes) {
    struct ws_socket *socket = user;
    struct ws_text *text = malloc(sizeof(*text) + size_bytes);
    bool is_left = false;
    if (text) {
        text->link = (GList){.data = text};
        text->size_bytes = size_bytes;
        memcpy(text->text, data, size_bytes);
    }
    pthread_mutex_lock(&socket->lock);
    if (text)
        is_left = leave_text(socket, text);
    else
        socket->is_too_slow = true; // a gap in the messages would be worse than a reconnect
    bool was_dirty = note_dirty_locked(socket);
    pthread_mutex_unlock(&socket->lock);
    if (!is_left)
        free(text);
    mark_dirty(socket, was_dirty);
}

static void session_closes(void *user, int code, const char *reason) {
    struct ws_socket *socket = user;
    pthread_mutex_lock(&socket->lock);
    if (!socket->close_code) {
        socket->close_code = code;
        snprintf(socket->close_reason, sizeof(socket->close_reason), "%s", reason ? reason : "");
    }
    bool was_dirty = note_dirty_locked(socket);
    pthread_mutex_unlock(&socket->lock);
    mark_dirty(socket, was_dirty);
}

static void session_releases(void *user) {
    ws_socket_unref(user);
}

const struct session_socket_ops ws_socket_ops = {
    .send = session_sends,
    .close = session_closes,
    .release = session_releases,
};
