// SPDX-License-Identifier: MIT
// One stream, as its connection's thread sees it (on_read, called by libmicrohttpd when it could
// send something):
//
//   ring of the events --fill--> out --on_read--> libmicrohttpd
//                        |
//                        nothing: the connection is suspended until wake(): an event, the tick
//
// Locks: ours is taken before libmicrohttpd's own (suspend, resume), never within it.
#include "http/event_stream.h"

#include "http/clock.h"
#include "http/request.h"

#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEAT_MS = 15000,  // a silent stream says something this often, so that nobody between cuts it
    CHECK_MS = 15000, // may the caller still read this?
    RETRY_MS = 3000,  // how soon a browser comes back
    BATCH = 64,       // events at a time: what they take is the most that waits for one client
    BLOCK_BYTES = 8192,
};

struct event_streams {
    struct events *events; // borrowed
    struct events_listener *listener;
    pthread_mutex_t lock;
    // Protected by lock.
    GQueue list; // struct event_stream
    int max;
    bool is_stopping;
};

struct event_stream {
    struct event_streams *streams;
    struct request *request; // lives as long as its answer
    struct MHD_Connection *connection;
    int fd;
    char room[ROOM_NAME_MAX];
    bool is_of_all_rooms, is_poll;
    int limit;
    enum action action;
    GList link;
    // Protected by the lock of all.
    bool is_suspended, is_woken;
    bool is_due;    // to say something, whatever it is
    bool has_gone;  // its client
    int64_t due_ms; // then it is
    // The connection's thread only.
    uint64_t after;
    GString *out;
    size_t sent_bytes;
    int64_t check_ms;
    int found; // events of this poll
    bool has_begun, is_over;
};

// ---- waking ----

static void wake_locked(struct event_stream *stream) {
    stream->is_woken = true;
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    MHD_resume_connection(stream->connection);
}

// A thread that adds events: the control loop mostly.
static void on_event(void *user, const struct event *event) {
    struct event_streams *streams = user;
    pthread_mutex_lock(&streams->lock);
    for (GList *link = streams->list.head; link; link = link->next) {
        struct event_stream *stream = link->data;
        if (stream->is_of_all_rooms || strcmp(stream->room, event->room) == 0)
            wake_locked(stream);
    }
    pthread_mutex_unlock(&streams->lock);
}

// libmicrohttpd does not look at a suspended connection, so it would not see its end.
static bool client_has_gone(int fd) {
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void event_streams_tick(struct event_streams *streams, int64_t now_ms) {
    pthread_mutex_lock(&streams->lock);
    for (GList *link = streams->list.head; link; link = link->next) {
        struct event_stream *stream = link->data;
        if (!stream->is_suspended)
            continue;
        stream->is_due |= stream->due_ms <= now_ms;
        stream->has_gone = client_has_gone(stream->fd);
        if (stream->is_due || stream->has_gone)
            wake_locked(stream);
    }
    pthread_mutex_unlock(&streams->lock);
}

// ---- what is said ----

static void write_event(void *user, const struct event *event) {
    struct event_stream *stream = user;
    if (stream->is_over)
        return;
    g_string_append_printf(stream->out, "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n",
                           event->id, event->type, event->json);
    stream->after = event->id;
    // Streams of a room end with it; those of the server go on.
    stream->is_over = !stream->is_of_all_rooms && strcmp(event->type, "room-ended") == 0;
}

static void write_polled(void *user, const struct event *event) {
    struct event_stream *stream = user;
    g_string_append_printf(stream->out, "%s%s", stream->found++ > 0 ? "," : "", event->json);
    stream->after = event->id;
}

// All of these after its position, or less than max. What other rooms did is passed over: it need
// not be looked at again, nor is it missed when it goes. Asked after the reading, so that nothing
// is forgotten between: did the client miss something?
static bool read_events(struct event_stream *stream, int max,
                        void (*each)(void *user, const struct event *event)) {
    struct events *events = stream->streams->events;
    uint64_t after = stream->after, last = events_last_id(events);
    int count = events_each_after(events, stream->is_of_all_rooms ? NULL : stream->room, after, max,
                                  each, stream);
    // An id from the future is one of a clock that was set back since.
    if (count < max && (stream->after < last || after > last))
        stream->after = last;
    return events_is_missed(events, after);
}

// A comment, and the position: a browser that comes back after a long silence says where it was.
static void write_beat(struct event_stream *stream) {
    g_string_append_printf(stream->out, ": still here\nid: %" G_GUINT64_FORMAT "\n\n",
                           stream->after);
}

static void fill_stream(struct event_stream *stream, bool is_due) {
    char before[128] = "";
    uint64_t after = stream->after;
    bool is_missed = read_events(stream, BATCH, write_event);
    if (!stream->has_begun)
        snprintf(before, sizeof(before), "retry: %d\n\n", RETRY_MS);
    stream->has_begun = true;
    // The client's own picture of the room may be wrong now: it has to read the room anew.
    if (is_missed)
        snprintf(before + strlen(before), sizeof(before) - strlen(before),
                 "event: gap\ndata: {\"type\":\"gap\",\"after\":%" G_GUINT64_FORMAT "}\n\n", after);
    g_string_prepend(stream->out, before);
    if (stream->out->len == 0 && is_due)
        write_beat(stream);
}

static void fill_poll(struct event_stream *stream, bool is_due) {
    g_string_assign(stream->out, "{\"events\":[");
    bool is_missed = read_events(stream, stream->limit, write_polled);
    if (stream->found == 0 && !is_missed && !is_due) {
        g_string_truncate(stream->out, 0);
        return;
    }
    g_string_append_printf(stream->out, "],\"last\":%" G_GUINT64_FORMAT ",\"gap\":%s}",
                           stream->after, is_missed ? "true" : "false");
    stream->is_over = true;
}

static bool is_still_allowed(struct event_stream *stream) {
    struct request *request = stream->request;
    const struct access *access = request->site->access;
    struct caller caller;
    stream->check_ms = clock_now_ms() + CHECK_MS;
    if (access_recognise(access, request, &caller, NULL) != 0)
        return false;
    request->caller = caller;
    return access_check(access, stream->action, request, NULL) == 0;
}

static void fill(struct event_stream *stream) {
    struct event_streams *streams = stream->streams;
    int64_t now_ms = clock_now_ms();
    g_string_truncate(stream->out, 0);
    stream->sent_bytes = 0;
    pthread_mutex_lock(&streams->lock);
    bool is_stopping = streams->is_stopping, has_gone = stream->has_gone;
    bool is_due = stream->is_due || is_stopping;
    stream->is_woken = stream->is_due = false;
    if (!stream->is_poll)
        stream->due_ms = now_ms + BEAT_MS;
    pthread_mutex_unlock(&streams->lock);
    bool must_check = !stream->is_poll && (is_due || now_ms >= stream->check_ms);
    if (has_gone || (must_check && !is_stopping && !is_still_allowed(stream)))
        stream->is_over = true;
    else if (stream->is_poll)
        fill_poll(stream, is_due);
    else
        fill_stream(stream, is_due);
    stream->is_over |= is_stopping;
}

// Nothing to say: until it is woken. False: it was, meanwhile.
static bool suspend(struct event_stream *stream) {
    struct event_streams *streams = stream->streams;
    pthread_mutex_lock(&streams->lock);
    bool may_sleep = !stream->is_woken && !streams->is_stopping;
    if (may_sleep) {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&streams->lock);
    return may_sleep;
}

// ---- libmicrohttpd's callbacks ----

static ssize_t on_read(void *user, uint64_t position, char *to, size_t max_bytes) {
    struct event_stream *stream = user;
    while (stream->sent_bytes == stream->out->len) {
        if (stream->is_over)
            return MHD_CONTENT_READER_END_OF_STREAM;
        fill(stream);
        if (stream->out->len == 0 && !stream->is_over && suspend(stream))
            return 0;
    }
    size_t bytes = MIN(stream->out->len - stream->sent_bytes, max_bytes);
    memcpy(to, stream->out->str + stream->sent_bytes, bytes);
    stream->sent_bytes += bytes;
    return (ssize_t)bytes;
}

static void on_free(void *user) {
    struct event_stream *stream = user;
    struct event_streams *streams = stream->streams;
    pthread_mutex_lock(&streams->lock);
    g_queue_unlink(&streams->list, &stream->link);
    pthread_mutex_unlock(&streams->lock);
    g_string_free(stream->out, TRUE);
    free(stream);
}

// ---- beginning ----

static struct event_stream *make(struct event_streams *streams,
                                 const struct event_stream_options *options,
                                 struct request *request) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct event_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    int64_t now_ms = clock_now_ms();
    stream->streams = streams;
    stream->request = request;
    stream->connection = request->connection;
    stream->fd = info ? info->connect_fd : -1;
    stream->is_of_all_rooms = !options->room;
    g_strlcpy(stream->room, options->room ? options->room : "", sizeof(stream->room));
    stream->after = options->after;
    stream->is_poll = options->is_poll;
    stream->limit = options->limit;
    stream->action = options->action;
    stream->link.data = stream;
    stream->is_due = options->is_poll && options->wait_s == 0;
    stream->due_ms = now_ms + (options->is_poll ? options->wait_s * INT64_C(1000) : BEAT_MS);
    stream->check_ms = now_ms + CHECK_MS;
    stream->out = g_string_new(NULL);
    return stream;
}

static int take_place(struct event_streams *streams, struct event_stream *stream,
                      struct refusal *refusal) {
    pthread_mutex_lock(&streams->lock);
    bool is_stopping = streams->is_stopping;
    bool is_full = (int)streams->list.length >= streams->max;
    if (!is_stopping && !is_full)
        g_queue_push_tail_link(&streams->list, &stream->link);
    pthread_mutex_unlock(&streams->lock);
    if (is_stopping)
        return refusal_set(refusal, 503, "server-shutdown", "The server is ending.");
    if (is_full)
        return refusal_set(refusal, 429, "too-many-streams",
                           "There are %d event streams open already: no more can be.",
                           streams->max);
    return 0;
}

static void set_reply(struct event_stream *stream, struct reply *reply) {
    reply->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, on_free);
    if (!reply->response) {
        on_free(stream);
        reply_json(reply, 503, NULL);
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    // It takes as long as it takes; who does not read at all is cut by libmicrohttpd's timeout.
    if (info)
        deadlines_move(stream->request->site->deadlines, info->socket_context, DEADLINE_NEVER);
    reply->status = 200;
    reply->type = stream->is_poll ? "application/json" : "text/event-stream";
    reply_add_header(reply, "X-Accel-Buffering", "no"); // nginx would keep it back
}

void event_stream_begin(struct event_streams *streams, const struct event_stream_options *options,
                        struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct event_stream *stream = make(streams, options, request);
    if (!stream) {
        reply_json(reply, 503, NULL);
        return;
    }
    if (take_place(streams, stream, &refusal) == 0) {
        set_reply(stream, reply);
        return;
    }
    g_string_free(stream->out, TRUE);
    free(stream);
    reply_refusal(reply, &refusal);
}

// ---- all of them ----

struct event_streams *event_streams_create(struct events *events, int max) {
    struct event_streams *streams = calloc(1, sizeof(*streams));
    if (!streams)
        return NULL;
    pthread_mutex_init(&streams->lock, NULL);
    g_queue_init(&streams->list);
    streams->events = events;
    streams->max = max;
    streams->listener = events_listen(events, on_event, streams);
    if (!streams->listener) {
        event_streams_destroy(streams);
        return NULL;
    }
    return streams;
}

void event_streams_stop(struct event_streams *streams) {
    events_stop_listening(streams->events, streams->listener);
    streams->listener = NULL;
    pthread_mutex_lock(&streams->lock);
    streams->is_stopping = true;
    for (GList *link = streams->list.head; link; link = link->next)
        wake_locked(link->data);
    pthread_mutex_unlock(&streams->lock);
}

void event_streams_destroy(struct event_streams *streams) {
    if (!streams)
        return;
    if (streams->listener)
        event_streams_stop(streams);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}
