// SPDX-License-Identifier: MIT
// What happens, as a stream or by long polling: of one room, or of the whole server.
#include "http/api.h"

#include "http/event_stream.h"
#include "http/request.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

enum { WAIT_MAX_S = 60, LIMIT_DEFAULT = 50, LIMIT_MAX = 200 };

// JavaScript's whole numbers, and far above any id.
#define ID_MAX (UINT64_C(1) << 53)

static int read_id(const char *text, const char *field, uint64_t *out, struct refusal *refusal) {
    guint64 value;
    if (!text)
        return 0;
    if (g_ascii_string_to_unsigned(text, 10, 0, ID_MAX, &value, NULL)) {
        *out = value;
        return 0;
    }
    refusal_set(refusal, 422, "bad-field", "%s must be the id of an event.", field);
    g_strlcpy(refusal->field, field, sizeof(refusal->field));
    return -1;
}

static bool wants_stream(const struct request *request) {
    const char *accept = request_header(request, "Accept");
    return accept && strcasestr(accept, "text/event-stream");
}

// A browser that comes back sends the header; the query still says where it once began.
static int read_options(const struct request *request, struct event_stream_options *options,
                        struct refusal *refusal) {
    options->is_poll = !wants_stream(request);
    options->limit = LIMIT_DEFAULT;
    if (read_id(request_query(request, "after"), "after", &options->after, refusal) != 0 ||
        read_id(request_header(request, "Last-Event-ID"), "Last-Event-ID", &options->after,
                refusal) != 0)
        return -1;
    if (request_query_int(request, "wait", 0, WAIT_MAX_S, &options->wait_s, refusal) != 0)
        return -1;
    return request_query_int(request, "limit", 1, LIMIT_MAX, &options->limit, refusal);
}

static int check_room(const struct request *request, const char *room, struct refusal *refusal) {
    struct hub_request asked = {.caller = &request->caller, .room = room};
    json_t *out = NULL;
    int result = hub_call(request->site->hub, HUB_GET_ROOM, &asked, &out, refusal);
    json_decref(out);
    return result;
}

// HEAD tells what GET would be, and waits for nothing.
static void answer_head(const struct event_stream_options *options, struct reply *reply) {
    reply_static(reply, 200, options->is_poll ? "application/json" : "text/event-stream", "", 0);
}

static void serve(struct request *request, struct reply *reply, const char *room,
                  enum action action) {
    struct refusal refusal;
    struct site *site = request->site;
    if (!site->streams) {
        refusal_set(&refusal, 503, "no-events", "This server tells no events.");
        reply_refusal(reply, &refusal);
        return;
    }
    // From now on, before the room is looked for: its end is not to slip through between.
    struct event_stream_options options = {
        .room = room, .action = action, .after = events_last_id(site->events)};
    if (read_options(request, &options, &refusal) != 0 ||
        (room && check_room(request, room, &refusal) != 0))
        reply_refusal(reply, &refusal);
    else if (strcmp(request->method, "HEAD") == 0)
        answer_head(&options, reply);
    else
        event_stream_begin(site->streams, &options, request, reply);
}

void api_get_room_events(struct request *request, struct reply *reply) {
    char room[ROOM_NAME_MAX];
    const char *given = request_param(request, "room");
    // Rooms' names are lower case, those in events too.
    bool is_name = protocol_clean_room_name(given, room);
    serve(request, reply, is_name ? room : given, ACTION_READ_ROOM_EVENTS);
}

void api_get_server_events(struct request *request, struct reply *reply) {
    serve(request, reply, NULL, ACTION_READ_SERVER);
}
