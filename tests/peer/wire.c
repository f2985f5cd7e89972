// SPDX-License-Identifier: MIT
// The thread polls the socket and an eventfd. Messages to send wait in a queue until it takes them.
#include "tests/peer/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

enum { HANDSHAKE_BYTES_MAX = 4096, HANDSHAKE_TIMEOUT_MS = 20000, MESSAGE_BYTES_MAX = 4 << 20 };

struct message {
    uint8_t opcode;
    GBytes *bytes;
};

struct wire {
    // Immutable.
    struct wire_ops ops;
    void *user;
    char *host, *path;
    int port, wake_fd;
    GThread *thread;    // NULL once stopped
    GAsyncQueue *queue; // of struct message; has its own lock
    // Any thread, atomic.
    int wants_end, wants_cut;
    // The wire's thread only.
    int fd;
    wslay_event_context_ptr context;
    uint8_t early[HANDSHAKE_BYTES_MAX]; // what came behind the handshake
    size_t early_bytes;
    int close_code;
    char close_reason[128];
};

static void message_free(void *pointer) {
    struct message *message = pointer;
    g_bytes_unref(message->bytes);
    g_free(message);
}

int wire_connect_tcp(const char *host, int port) {
    char service[16];
    snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -EHOSTUNREACH;
    int fd = -1, error = EHOSTUNREACH;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            error = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : -error;
}

// --- handshake (RFC 6455 4.1) ---

static void make_key(char *key, size_t size) {
    uint32_t random[4];
    for (int i = 0; i < 4; i++)
        random[i] = g_random_int();
    char *text = g_base64_encode((const guchar *)random, sizeof(random));
    g_strlcpy(key, text, size);
    g_free(text);
}

static char *expected_accept(const char *key) {
    guint8 digest[20];
    gsize size = sizeof(digest);
    GChecksum *sha1 = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(sha1, (const guchar *)key, -1);
    g_checksum_update(sha1, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
    g_checksum_get_digest(sha1, digest, &size);
    g_checksum_free(sha1);
    return g_base64_encode(digest, size);
}

static int send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return -EPIPE;
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

// Reads up to the empty line; what follows it is kept for wslay. Returns the response's head.
static char *read_head(struct wire *wire) {
    char buffer[HANDSHAKE_BYTES_MAX + 1];
    size_t size = 0;
    while (size < HANDSHAKE_BYTES_MAX) {
        struct pollfd polled = {.fd = wire->fd, .events = POLLIN};
        if (poll(&polled, 1, HANDSHAKE_TIMEOUT_MS) <= 0)
            return NULL;
        ssize_t got = recv(wire->fd, buffer + size, HANDSHAKE_BYTES_MAX - size, 0);
        if (got <= 0)
            return NULL;
        size += (size_t)got;
        buffer[size] = '\0';
        char *end = strstr(buffer, "\r\n\r\n");
        if (!end)
            continue;
        end += 4;
        wire->early_bytes = size - (size_t)(end - buffer);
        memcpy(wire->early, end, wire->early_bytes);
        return g_strndup(buffer, (gsize)(end - buffer));
    }
    return NULL;
}

static int shake_hands(struct wire *wire) {
    char key[32];
    make_key(key, sizeof(key));
    char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                                    "Sec-WebSocket-Version: 13\r\n\r\n",
                                    wire->path, wire->host, wire->port, key);
    char *accept = expected_accept(key);
    char *head = send_all(wire->fd, request, strlen(request)) == 0 ? read_head(wire) : NULL;
    int result =
        head && g_str_has_prefix(head, "HTTP/1.1 101") && strstr(head, accept) ? 0 : -EPROTO;
    if (head && result < 0)
        wire->close_code = atoi(head + strlen("HTTP/1.1 "));
    g_free(request);
    g_free(accept);
    g_free(head);
    return result;
}

// --- wslay's callbacks ---

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *buffer, size_t size, int flags,
                       void *user) {
    struct wire *wire = user;
    if (wire->early_bytes > 0) {
        size_t taken = size < wire->early_bytes ? size : wire->early_bytes;
        memcpy(buffer, wire->early, taken);
        wire->early_bytes -= taken;
        memmove(wire->early, wire->early + taken, wire->early_bytes);
        return (ssize_t)taken;
    }
    ssize_t got = recv(wire->fd, buffer, size, 0);
    if (got > 0)
        return got;
    bool is_later = got < 0 && (errno == EAGAIN || errno == EINTR);
    wslay_event_set_error(context, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t size, int flags,
                       void *user) {
    struct wire *wire = user;
    ssize_t sent = send(wire->fd, data, size, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    bool is_later = errno == EAGAIN || errno == EINTR;
    wslay_event_set_error(context, is_later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr context, uint8_t *buffer, size_t size, void *user) {
    for (size_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)g_random_int();
    return 0;
}

static void note_close(struct wire *wire, const struct wslay_event_on_msg_recv_arg *arg) {
    if (arg->msg_length < 2)
        return;
    wire->close_code = arg->msg[0] << 8 | arg->msg[1];
    size_t size = MIN(arg->msg_length - 2, sizeof(wire->close_reason) - 1);
    memcpy(wire->close_reason, arg->msg + 2, size);
    wire->close_reason[size] = '\0';
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *arg, void *user) {
    struct wire *wire = user;
    if (arg->opcode == WSLAY_CONNECTION_CLOSE)
        note_close(wire, arg);
    if (arg->opcode != WSLAY_TEXT_FRAME)
        return;
    char *text = g_strndup((const char *)arg->msg, arg->msg_length);
    wire->ops.on_text(wire->user, text, arg->msg_length);
    g_free(text);
}

// --- the thread ---

static void take_queued(struct wire *wire) {
    uint64_t count;
    if (read(wire->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    struct message *message;
    while ((message = g_async_queue_try_pop(wire->queue))) {
        gsize size;
        const void *data = g_bytes_get_data(message->bytes, &size);
        struct wslay_event_msg event = {message->opcode, data, size};
        wslay_event_queue_msg(wire->context, &event); // copies
        message_free(message);
    }
}

static bool turn_once(struct wire *wire) {
    bool wants_read = wslay_event_want_read(wire->context),
         wants_write = wslay_event_want_write(wire->context);
    if (!wants_read && !wants_write)
        return false;
    struct pollfd polled[2] = {
        {.fd = wire->fd,
         .events = (short)((wants_read ? POLLIN : 0) | (wants_write ? POLLOUT : 0))},
        {.fd = wire->wake_fd, .events = POLLIN}};
    if (wire->early_bytes == 0 && poll(polled, 2, -1) < 0)
        return errno == EINTR;
    if (g_atomic_int_get(&wire->wants_cut))
        return false;
    if (polled[1].revents)
        take_queued(wire);
    if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR) || wire->early_bytes > 0) &&
        wslay_event_recv(wire->context) != 0)
        return false;
    return wslay_event_send(wire->context) == 0;
}

static void talk(struct wire *wire) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };
    if (wslay_event_context_client_init(&wire->context, &callbacks, wire) != 0)
        return;
    wslay_event_config_set_max_recv_msg_length(wire->context, MESSAGE_BYTES_MAX);
    fcntl(wire->fd, F_SETFL, fcntl(wire->fd, F_GETFL) | O_NONBLOCK);
    wire->ops.on_open(wire->user);
    while (!g_atomic_int_get(&wire->wants_end) && turn_once(wire))
        ;
    // What a leaving client has queued before still goes out first.
    if (g_atomic_int_get(&wire->wants_end)) {
        take_queued(wire);
        wslay_event_queue_close(wire->context, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
        wslay_event_send(wire->context);
    }
    wslay_event_context_free(wire->context);
}

static gpointer wire_run(gpointer user) {
    struct wire *wire = user;
    wire->fd = wire_connect_tcp(wire->host, wire->port);
    if (wire->fd >= 0) {
        int one = 1;
        setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (shake_hands(wire) == 0)
            talk(wire);
        close(wire->fd);
    }
    wire->ops.on_close(wire->user, wire->close_code, wire->close_reason);
    return NULL;
}

struct wire *wire_create(const char *host, int port, const char *path, const struct wire_ops *ops,
                         void *user) {
    struct wire *wire = g_new0(struct wire, 1);
    wire->ops = *ops;
    wire->user = user;
    wire->host = g_strdup(host);
    wire->path = g_strdup(path);
    wire->port = port;
    wire->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    wire->queue = g_async_queue_new_full(message_free);
    wire->thread = g_thread_new("wire", wire_run, wire);
    return wire;
}

static void wake(struct wire *wire) {
    uint64_t one = 1;
    if (write(wire->wake_fd, &one, sizeof(one)) < 0)
        return; // full: it is awake already
}

void wire_send_frame(struct wire *wire, uint8_t opcode, const void *data, size_t size_bytes) {
    struct message *message = g_new(struct message, 1);
    *message = (struct message){opcode, g_bytes_new(data, size_bytes)};
    g_async_queue_push(wire->queue, message);
    wake(wire);
}

void wire_send_text(struct wire *wire, const char *text, size_t size_bytes) {
    wire_send_frame(wire, WSLAY_TEXT_FRAME, text, size_bytes);
}

void wire_cut(struct wire *wire) {
    g_atomic_int_set(&wire->wants_cut, 1);
    wake(wire);
}

void wire_stop(struct wire *wire) {
    g_atomic_int_set(&wire->wants_end, 1);
    wake(wire);
    g_clear_pointer(&wire->thread, g_thread_join);
}

void wire_destroy(struct wire *wire) {
    if (!wire)
        return;
    wire_stop(wire);
    g_async_queue_unref(wire->queue);
    close(wire->wake_fd);
    g_free(wire->host);
    g_free(wire->path);
    g_free(wire);
}
