// SPDX-License-Identifier: MIT
// Other threads leave new sockets and "this one has messages" under the lock and wake the thread
// through an eventfd; everything else is the thread's own.
#include "http/ws_socket.h"

#include "http/clock.h"
#include "mcu/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    TICK_MS = 1000,
    TICK_MIN_MS = 10,
    STOPPING_MS = 500,
    STOPPING_TICK_MS = 20
};

// epoll's word for a socket is its address; that of its network descriptor has the lowest bit set.
#define NETWORK_BIT ((uintptr_t)1)

struct ws {
    // Immutable.
    struct hub *hub;
    struct ws_options options;
    int epoll_fd, wake_fd, tick_ms;
    pthread_t thread;
    bool has_thread; // of the creator
    atomic_int references;

    // WebSocket thread only.
    GQueue sockets, gone; // struct ws_socket
    int64_t tick_at_ms, stop_at_ms;

    // Protected by lock.
    pthread_mutex_t lock;
    GQueue arrivals, dirty; // struct ws_socket, a reference each
    GHashTable *seats;      // of an address or an IPv6 network: how many
    int seat_count;
    bool is_stopping, is_stopped;

    atomic_int socket_count;
    atomic_ullong received, sent, refused, slow;
};

const struct ws_options *ws_options(const struct ws *ws) {
    return &ws->options;
}

struct ws *ws_ref(struct ws *ws) {
    atomic_fetch_add(&ws->references, 1);
    return ws;
}

void ws_unref(struct ws *ws) {
    if (atomic_fetch_sub(&ws->references, 1) != 1)
        return;
    if (ws->epoll_fd >= 0)
        close(ws->epoll_fd);
    if (ws->wake_fd >= 0)
        close(ws->wake_fd);
    if (ws->seats)
        g_hash_table_destroy(ws->seats);
    pthread_mutex_destroy(&ws->lock);
    free(ws);
}

// ---- seats ----

// An IPv6 customer has a whole /64 to choose addresses from: it counts as one.
static void seat_key(const char *address, char key[ADDRESS_BYTES]) {
    struct in6_addr six;
    snprintf(key, ADDRESS_BYTES, "%s", address);
    if (inet_pton(AF_INET6, address, &six) != 1)
        return;
    memset(six.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &six, key, ADDRESS_BYTES);
}

int ws_take_seat(struct ws *ws, const char *address, struct refusal *refusal) {
    char key[ADDRESS_BYTES];
    int result = 0;
    seat_key(address, key);
    pthread_mutex_lock(&ws->lock);
    int count = GPOINTER_TO_INT(g_hash_table_lookup(ws->seats, key));
    if (ws->is_stopping) {
        result = refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    } else if (ws->seat_count >= ws->options.sockets_max) {
        result = refusal_set(refusal, 503, "server-full", "The server has no room for more.");
    } else if (count >= ws->options.sockets_per_address_max) {
        result = refusal_set(refusal, 429, "too-many-connections",
                             "There are too many connections from your address.");
    } else {
        g_hash_table_replace(ws->seats, g_strdup(key), GINT_TO_POINTER(count + 1));
        ws->seat_count++;
    }
    pthread_mutex_unlock(&ws->lock);
    return result;
}

void ws_release_seat(struct ws *ws, const char *address) {
    char key[ADDRESS_BYTES];
    seat_key(address, key);
    pthread_mutex_lock(&ws->lock);
    int count = GPOINTER_TO_INT(g_hash_table_lookup(ws->seats, key));
    if (count > 1)
        g_hash_table_replace(ws->seats, g_strdup(key), GINT_TO_POINTER(count - 1));
    else
        g_hash_table_remove(ws->seats, key);
    ws->seat_count--;
    pthread_mutex_unlock(&ws->lock);
}

// ---- any thread ----

static void wake(struct ws *ws) {
    uint64_t one = 1;
    while (write(ws->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void ws_mark_dirty(struct ws *ws, struct ws_socket *socket) {
    bool is_first = false;
    pthread_mutex_lock(&ws->lock);
    if (!ws->is_stopped) {
        is_first = g_queue_is_empty(&ws->dirty);
        g_queue_push_tail(&ws->dirty, ws_socket_ref(socket));
    }
    pthread_mutex_unlock(&ws->lock);
    if (is_first)
        wake(ws);
}

void ws_count(struct ws *ws, uint64_t received, uint64_t sent, uint64_t refused, uint64_t slow) {
    atomic_fetch_add_explicit(&ws->received, received, memory_order_relaxed);
    atomic_fetch_add_explicit(&ws->sent, sent, memory_order_relaxed);
    atomic_fetch_add_explicit(&ws->refused, refused, memory_order_relaxed);
    atomic_fetch_add_explicit(&ws->slow, slow, memory_order_relaxed);
}

void ws_get_stats(struct ws *ws, struct ws_stats *out) {
    out->sockets = atomic_load(&ws->socket_count);
    out->messages_received = atomic_load(&ws->received);
    out->messages_sent = atomic_load(&ws->sent);
    out->messages_refused = atomic_load(&ws->refused);
    out->slow = atomic_load(&ws->slow);
}

void ws_adopt(struct ws *ws, const struct ws_handover *handover) {
    struct ws_socket *socket = ws_socket_create(ws, handover);
    bool is_taken = false;
    if (socket) {
        pthread_mutex_lock(&ws->lock);
        is_taken = !ws->is_stopping;
        if (is_taken)
            g_queue_push_tail(&ws->arrivals, socket);
        pthread_mutex_unlock(&ws->lock);
    }
    if (is_taken) {
        wake(ws);
        return;
    }
    if (socket)
        ws_socket_unref(socket);
    ws_release_seat(ws, handover->address);
    handover->hang_up(handover->user);
}

// ---- WebSocket thread ----

static void watch(struct ws *ws, int operation, int fd, uint32_t events, uintptr_t word) {
    struct epoll_event event = {.events = events, .data.u64 = word};
    if (epoll_ctl(ws->epoll_fd, operation, fd, &event) != 0)
        log_error("ws", "epoll: %s", strerror(errno));
}

static void forget(struct ws *ws, struct ws_socket *socket) {
    watch(ws, EPOLL_CTL_DEL, socket->handover.fd, 0, 0);
    if (socket->handover.network_fd >= 0)
        watch(ws, EPOLL_CTL_DEL, socket->handover.network_fd, 0, 0);
    g_queue_unlink(&ws->sockets, &socket->link);
    // Another event of this round may still name it: it is let go at the round's end.
    g_queue_push_tail_link(&ws->gone, &socket->link);
    atomic_fetch_sub(&ws->socket_count, 1);
    socket->handover.hang_up(socket->handover.user);
    ws_release_seat(ws, socket->address);
}

// After everything that was done with a socket: what epoll watches follows its state.
static void settle(struct ws *ws, struct ws_socket *socket) {
    if (socket->is_forgotten)
        return;
    if (socket->state == WS_GONE) {
        socket->is_forgotten = true;
        forget(ws, socket);
        return;
    }
    uint32_t events = ws_socket_events(socket);
    if (events == socket->watched_events)
        return;
    socket->watched_events = events;
    watch(ws, EPOLL_CTL_MOD, socket->handover.fd, events, (uintptr_t)socket);
}

static void welcome(struct ws *ws, struct ws_socket *socket, int64_t now_ms) {
    int fd = socket->handover.fd, on = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    int network_fd = socket->handover.network_fd >= 0 ? socket->handover.network_fd : fd;
    setsockopt(network_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    g_queue_push_tail_link(&ws->sockets, &socket->link);
    atomic_fetch_add(&ws->socket_count, 1);
    socket->watched_events = EPOLLIN;
    watch(ws, EPOLL_CTL_ADD, fd, EPOLLIN, (uintptr_t)socket);
    if (socket->handover.network_fd >= 0)
        watch(ws, EPOLL_CTL_ADD, socket->handover.network_fd, EPOLLRDHUP | EPOLLONESHOT,
              (uintptr_t)socket | NETWORK_BIT);
    ws_socket_open(socket, ws->hub, now_ms);
    ws_socket_read(socket, now_ms); // what came behind the handshake
    settle(ws, socket);
}

static void welcome_arrivals(struct ws *ws, int64_t now_ms) {
    struct ws_socket *socket;
    do {
        pthread_mutex_lock(&ws->lock);
        socket = g_queue_pop_head(&ws->arrivals);
        pthread_mutex_unlock(&ws->lock);
        if (socket)
            welcome(ws, socket, now_ms);
    } while (socket);
}

static void flush_dirty(struct ws *ws, int64_t now_ms) {
    pthread_mutex_lock(&ws->lock);
    GQueue dirty = ws->dirty;
    g_queue_init(&ws->dirty);
    pthread_mutex_unlock(&ws->lock);
    for (struct ws_socket *socket; (socket = g_queue_pop_head(&dirty));) {
        ws_socket_clean(socket);
        ws_socket_flush(socket, now_ms);
        settle(ws, socket);
        ws_socket_unref(socket);
    }
}

static void serve(struct ws *ws, const struct epoll_event *event, int64_t now_ms) {
    if (event->data.u64 == 0) {
        uint64_t count;
        while (read(ws->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
            ;
        return;
    }
    struct ws_socket *socket = (struct ws_socket *)((uintptr_t)event->data.u64 & ~NETWORK_BIT);
    if (event->data.u64 & NETWORK_BIT) {
        // What it sent last may still be on its way through the tunnel: the next tick drops it.
        socket->is_network_down = true;
        return;
    }
    if (event->events & ~(uint32_t)EPOLLOUT)
        ws_socket_read(socket, now_ms);
    else
        ws_socket_flush(socket, now_ms);
    settle(ws, socket);
}

static void each_socket(struct ws *ws, void (*visit)(struct ws_socket *socket, int64_t now_ms),
                        int64_t now_ms) {
    for (GList *link = ws->sockets.head, *next; link; link = next) {
        next = link->next;
        visit(link->data, now_ms);
        settle(ws, link->data);
    }
}

static void tick(struct ws *ws, int64_t now_ms) {
    if (now_ms < ws->tick_at_ms)
        return;
    ws->tick_at_ms = now_ms + ws->tick_ms;
    each_socket(ws, ws_socket_check_time, now_ms);
    if (ws->options.on_tick)
        ws->options.on_tick(ws->options.user);
}

static void say_goodbye(struct ws_socket *socket, int64_t now_ms) {
    ws_socket_ops.close(socket, 1001, "the server is shutting down");
    ws_socket_flush(socket, now_ms);
}

static void drop(struct ws_socket *socket, int64_t now_ms) {
    ws_socket_drop(socket);
}

// True when the thread may end.
static bool stop_if_asked(struct ws *ws, int64_t now_ms) {
    pthread_mutex_lock(&ws->lock);
    bool is_stopping = ws->is_stopping;
    pthread_mutex_unlock(&ws->lock);
    if (!is_stopping)
        return false;
    if (!ws->stop_at_ms) {
        ws->stop_at_ms = now_ms + STOPPING_MS;
        ws->tick_ms = STOPPING_TICK_MS;
        ws->tick_at_ms = now_ms;
        welcome_arrivals(ws, now_ms); // the last: ws_adopt() sees is_stopping, too
        each_socket(ws, say_goodbye, now_ms);
    }
    if (now_ms >= ws->stop_at_ms)
        each_socket(ws, drop, now_ms);
    return g_queue_is_empty(&ws->sockets);
}

static void let_go(struct ws *ws) {
    for (GList *link; (link = g_queue_pop_head_link(&ws->gone));)
        ws_socket_unref(link->data);
}

static void *run(void *user) {
    struct ws *ws = user;
    struct epoll_event events[EVENTS_MAX];
    pthread_setname_np(pthread_self(), "ws");
    int64_t now_ms = clock_now_ms();
    ws->tick_at_ms = now_ms + ws->tick_ms;
    while (!stop_if_asked(ws, now_ms)) {
        int wait_ms = (int)CLAMP(ws->tick_at_ms - now_ms, 0, ws->tick_ms);
        int count = epoll_wait(ws->epoll_fd, events, EVENTS_MAX, wait_ms);
        now_ms = clock_now_ms();
        for (int i = 0; i < count; i++)
            serve(ws, &events[i], now_ms);
        welcome_arrivals(ws, now_ms);
        flush_dirty(ws, now_ms);
        tick(ws, now_ms);
        let_go(ws);
    }
    pthread_mutex_lock(&ws->lock);
    ws->is_stopped = true;
    pthread_mutex_unlock(&ws->lock);
    flush_dirty(ws, now_ms);
    let_go(ws);
    return NULL;
}

// ---- life ----

static bool open_descriptors(struct ws *ws) {
    ws->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ws->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ws->epoll_fd < 0 || ws->wake_fd < 0)
        return false;
    watch(ws, EPOLL_CTL_ADD, ws->wake_fd, EPOLLIN, 0);
    return true;
}

struct ws *ws_create(struct hub *hub, const struct ws_options *options) {
    struct ws *ws = calloc(1, sizeof(*ws));
    if (!ws)
        return NULL;
    ws->hub = hub;
    ws->options = *options;
    int shortest_ms = MIN(MIN(options->ping_ms, options->dead_ms), options->hello_ms);
    ws->tick_ms = CLAMP(shortest_ms / 4, TICK_MIN_MS, TICK_MS);
    ws->epoll_fd = ws->wake_fd = -1;
    atomic_init(&ws->references, 1);
    pthread_mutex_init(&ws->lock, NULL);
    ws->seats = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!open_descriptors(ws) || pthread_create(&ws->thread, NULL, run, ws) != 0) {
        ws_unref(ws);
        return NULL;
    }
    ws->has_thread = true;
    return ws;
}

void ws_stop(struct ws *ws) {
    if (!ws->has_thread)
        return;
    pthread_mutex_lock(&ws->lock);
    ws->is_stopping = true;
    pthread_mutex_unlock(&ws->lock);
    wake(ws);
    pthread_join(ws->thread, NULL);
    ws->has_thread = false;
}

void ws_destroy(struct ws *ws) {
    if (!ws)
        return;
    ws_stop(ws);
    ws_unref(ws);
}
