// SPDX-License-Identifier: MIT
// Recordings and live outputs of a room.
#include "mcu/control.h"

#include "mcu/body.h"
#include "mcu/room_broadcast.h"
#include "mcu/room_record.h"

#include <string.h>

enum { SEGMENT_SECONDS_MIN = 10, SEGMENT_SECONDS_MAX = 86400, SEGMENT_MB_MAX = 100000 };

// ---- recordings ----

static int read_container(const json_t *body, struct record_wish *wish, struct refusal *refusal) {
    const json_t *container = json_object_get(body, "container");
    if (container &&
        !recorder_container_from_name(json_is_string(container) ? json_string_value(container) : "",
                                      &wish->container))
        return body_refuse(refusal, "container", "must be webm, mkv, mp4 or ogg");
    return 0;
}

static int read_wish(const json_t *body, struct record_wish *wish, struct refusal *refusal) {
    static const char *const fields[] = {"container",  "audio_only", "segment_seconds",
                                         "segment_mb", "title",      NULL};
    *wish = (struct record_wish){.container = RECORDER_WEBM};
    if (body_check_fields(body, fields, refusal) != 0 || read_container(body, wish, refusal) != 0 ||
        body_read_bool(body, "audio_only", &wish->is_audio_only, refusal) != 0 ||
        body_read_int(body, "segment_seconds", SEGMENT_SECONDS_MIN, SEGMENT_SECONDS_MAX,
                      &wish->segment_s, refusal) != 0 ||
        body_read_int(body, "segment_mb", 1, SEGMENT_MB_MAX, &wish->segment_mb, refusal) != 0 ||
        body_read_line(body, "title", ROOM_TITLE_CHARS_MAX, wish->title, sizeof(wish->title),
                       refusal) != 0)
        return -1;
    return 0;
}

int control_start_recording(struct hub *hub, const struct hub_request *request, json_t **out,
                            struct refusal *refusal) {
    struct record_wish wish;
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || read_wish(request->body, &wish, refusal) != 0)
        return -1;
    return room_record_start(room, &wish, out, refusal);
}

int control_list_running_recordings(struct hub *hub, const struct hub_request *request,
                                    json_t **out, struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = control_page("recordings", room_record_list(room), 0);
    return 0;
}

int control_change_recording(struct hub *hub, const struct hub_request *request, json_t **out,
                             struct refusal *refusal) {
    static const char *const fields[] = {"state", NULL};
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || body_check_fields(request->body, fields, refusal) != 0)
        return -1;
    const char *state = json_string_value(json_object_get(request->body, "state"));
    if (!state || (strcmp(state, "recording") != 0 && strcmp(state, "paused") != 0 &&
                   strcmp(state, "stopped") != 0))
        return body_refuse(refusal, "state", "must be recording, paused or stopped");
    return room_record_change(room, request->id ? request->id : "", state, out, refusal);
}

// ---- live outputs ----

// The operator may have a server in the house; whoever moderates a room cannot make this one knock
// there.
static int read_broadcast(const struct hub *hub, const struct hub_request *request,
                          struct broadcast_wish *wish, struct refusal *refusal) {
    static const char *const fields[] = {"kind", "url", NULL};
    const json_t *body = request->body;
    *wish = (struct broadcast_wish){0};
    if (body_check_fields(body, fields, refusal) != 0)
        return -1;
    const char *kind = json_string_value(json_object_get(body, "kind"));
    const char *url = json_string_value(json_object_get(body, "url"));
    if (!kind || (strcmp(kind, "hls") != 0 && strcmp(kind, "rtmp") != 0))
        return body_refuse(refusal, "kind", "must be rtmp or hls");
    wish->is_hls = strcmp(kind, "hls") == 0;
    if (wish->is_hls)
        return url ? body_refuse(refusal, "url", "is for rtmp alone") : 0;
    if (!url)
        return body_refuse(refusal, "url", "must be rtmp:// or rtmps://, a host and a path");
    wish->may_be_private = hub_config(hub)->webhooks_private_targets ||
                           (request->caller && request->caller->kind == CALLER_KEY);
    if (broadcast_url_check(url, wish->may_be_private, refusal) != 0)
        return -1;
    g_strlcpy(wish->url, url, sizeof(wish->url));
    return 0;
}

int control_start_broadcast(struct hub *hub, const struct hub_request *request, json_t **out,
                            struct refusal *refusal) {
    struct broadcast_wish wish;
    struct room *room = control_find_room(hub, request, refusal);
    if (!room || read_broadcast(hub, request, &wish, refusal) != 0)
        return -1;
    return room_broadcast_start(room, &wish, out, refusal);
}

int control_list_broadcasts(struct hub *hub, const struct hub_request *request, json_t **out,
                            struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = control_page("broadcasts", room_broadcast_list(room), 0);
    return 0;
}

int control_stop_broadcast(struct hub *hub, const struct hub_request *request, json_t **out,
                           struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    return room ? room_broadcast_stop(room, request->id ? request->id : "", refusal) : -1;
}
