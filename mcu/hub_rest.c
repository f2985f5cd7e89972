// SPDX-License-Identifier: MIT
// The hub's REST functions: called on HTTP's threads, carried out on the control loop.
#include "mcu/hub_internal.h"

#include "mcu/session_internal.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One request on its way to the control loop and back; it lives on the caller's stack.
struct request {
    struct hub *hub;
    const char *room_name, *member_id;
    const json_t *body;
    struct hub_stats *stats;
    json_t *answer;
    struct room *room; // a reference, for the caller
    struct refusal *refusal;
    int result;
};

static int run(struct request *request, loop_work work) {
    request->result = -1;
    if (!loop_call(hub_loop(request->hub), work, request))
        refusal_set(request->refusal, 503, "server-shutdown", "The server is shutting down.");
    return request->result;
}

// Room names in paths are taken as people type them.
static struct room *find_room(struct request *request) {
    char name[ROOM_NAME_MAX];
    struct room *room = NULL;
    if (protocol_clean_room_name(request->room_name, name))
        room = hub_find_room(request->hub, name);
    if (!room)
        refusal_set(request->refusal, 404, "room-not-found", "There is no room of this name.");
    return room;
}

// ---- reading ----

static void list_rooms(void *user) {
    struct request *request = user;
    json_t *list = json_array();
    struct room *room;
    for (size_t i = 0; (room = hub_next_room(request->hub, i)); i++)
        json_array_append_new(list, room_to_json(room));
    request->answer = json_pack("{s:o}", "rooms", list);
    request->result = 0;
}

static void get_room(void *user) {
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room)
        return;
    request->answer = room_to_json(room);
    request->result = 0;
}

static void list_members(void *user) {
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room)
        return;
    request->answer = json_pack("{s:o}", "members", room_members_to_json(room));
    request->result = 0;
}

static void take_room(void *user) {
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room)
        return;
    request->room = room_ref(room);
    request->result = 0;
}

// The picture is made on the caller's thread: it is no short work.
int hub_snapshot(struct hub *hub, const char *room, int width_px, enum picture_format format,
                 uint8_t **file, size_t *size_bytes, struct refusal *refusal) {
    struct request request = {.hub = hub, .room_name = room, .refusal = refusal};
    if (run(&request, take_room) != 0)
        return -1;
    int error = room_snapshot(request.room, width_px, format, file, size_bytes);
    room_unref(request.room);
    if (error)
        return refusal_set(refusal, 503, "no-picture", "There is no picture now: %s.",
                           strerror(-error));
    return 0;
}

static void get_stats(void *user) {
    struct request *request = user;
    hub_fill_stats(request->hub, request->stats);
    request->result = 0;
}

void hub_get_stats(struct hub *hub, struct hub_stats *out) {
    memset(out, 0, sizeof(*out));
    struct request request = {.hub = hub, .stats = out};
    run(&request, get_stats);
}

static void list_links(void *user) {
    struct request *request = user;
    request->answer = json_array();
    struct room *room;
    for (size_t i = 0; (room = hub_next_room(request->hub, i)); i++)
        room_append_links(room, request->answer);
    request->result = 0;
}

json_t *hub_list_links(struct hub *hub) {
    struct refusal refusal;
    struct request request = {.hub = hub, .refusal = &refusal};
    return run(&request, list_links) == 0 ? request.answer : NULL;
}

static void look_whether_ready(void *user) {
    struct request *request = user;
    request->result =
        hub_is_shutting_down(request->hub) ? -ESHUTDOWN : store_is_usable(hub_store(request->hub));
}

int hub_is_ready(struct hub *hub) {
    struct request request = {.hub = hub};
    return run(&request, look_whether_ready);
}

// ---- changing ----

static int read_int(const json_t *body, const char *key, int min, int max, int *out,
                    struct refusal *refusal) {
    const json_t *value = json_object_get(body, key);
    if (!value)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) >= min &&
        json_integer_value(value) <= max) {
        *out = (int)json_integer_value(value);
        return 0;
    }
    refusal_set(refusal, 422, "bad-field", "%s must be a whole number from %d to %d.", key, min,
                max);
    snprintf(refusal->field, sizeof(refusal->field), "%s", key);
    return -1;
}

static int refuse_field(struct refusal *refusal, const char *field, const char *must) {
    refusal_set(refusal, 422, "bad-field", "%.40s %s.", field, must);
    snprintf(refusal->field, sizeof(refusal->field), "%s", field);
    return -1;
}

static int check_fields(const json_t *object, const char *const *known, struct refusal *refusal) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            return refuse_field(refusal, key, "is not a field of this object");
    }
    return 0;
}

static int read_canvas(const json_t *body, struct room_spec *spec, struct refusal *refusal) {
    static const char *const fields[] = {"width", "height", "fps", NULL};
    const json_t *canvas = json_object_get(body, "canvas");
    if (!canvas)
        return 0;
    if (!json_is_object(canvas))
        return refuse_field(refusal, "canvas", "must be an object");
    if (check_fields(canvas, fields, refusal) != 0 ||
        read_int(canvas, "width", 176, 1920, &spec->width_px, refusal) != 0 ||
        read_int(canvas, "height", 176, 1920, &spec->height_px, refusal) != 0 ||
        read_int(canvas, "fps", 1, 60, &spec->fps, refusal) != 0)
        return -1;
    if (!room_canvas_is_possible(spec->width_px, spec->height_px))
        return refuse_field(refusal, "canvas", "must be between 320x180 and 1920x1080");
    return 0;
}

static int read_layout(const json_t *body, struct room_spec *spec, struct refusal *refusal) {
    const json_t *layout = json_object_get(body, "layout");
    if (!layout)
        return 0;
    if (!json_is_string(layout) || layout_from_name(json_string_value(layout), &spec->layout) != 0)
        return refuse_field(refusal, "layout", "must be grid, speaker or screen");
    return 0;
}

static int read_ceiling(const json_t *body, enum downlink_wish *out, struct refusal *refusal) {
    const json_t *receive = json_object_get(body, "receive");
    if (receive && !downlink_wish_of(json_string_value(receive), out))
        return refuse_field(refusal, "receive", "must be auto, high, medium, low or audio");
    return 0;
}

static int read_name(const json_t *body, char name[ROOM_NAME_MAX], struct refusal *refusal) {
    const json_t *id = json_object_get(body, "id");
    if (!id) {
        unsigned char random[6];
        randombytes_buf(random, sizeof(random));
        char hex[2 * sizeof(random) + 1];
        sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
        snprintf(name, ROOM_NAME_MAX, "r-%s", hex);
        return 0;
    }
    if (!json_is_string(id) || !protocol_clean_room_name(json_string_value(id), name))
        return refuse_field(refusal, "id", "must be 1 to 63 of a-z, 0-9, - and _");
    return 0;
}

static int read_spec(const struct config *config, const json_t *body, char name[ROOM_NAME_MAX],
                     struct room_spec *spec, struct refusal *refusal) {
    static const char *const fields[] = {"id",     "layout",  "canvas", "max_members",
                                         "linger", "receive", NULL};
    room_spec_init(spec, config, name);
    spec->is_made_by_api = true;
    if (check_fields(body, fields, refusal) != 0 || read_name(body, name, refusal) != 0 ||
        read_layout(body, spec, refusal) != 0 || read_ceiling(body, &spec->ceiling, refusal) != 0 ||
        read_canvas(body, spec, refusal) != 0 ||
        read_int(body, "max_members", 1, config->room_members_max, &spec->members_max, refusal) !=
            0 ||
        read_int(body, "linger", 0, 86400, &spec->linger_s, refusal) != 0)
        return -1;
    return 0;
}

static void create_room(void *user) {
    struct request *request = user;
    char name[ROOM_NAME_MAX];
    struct room_spec spec;
    struct room *room;
    if (read_spec(hub_config(request->hub), request->body, name, &spec, request->refusal) != 0)
        return;
    if (hub_find_room(request->hub, name)) {
        refusal_set(request->refusal, 409, "room-exists", "There is a room of this name already.");
        return;
    }
    if (hub_make_room(request->hub, &spec, &room, request->refusal) != 0)
        return;
    request->answer = room_to_json(room);
    request->result = 0;
}

static void change_room(void *user) {
    static const char *const fields[] = {"receive", NULL};
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room || check_fields(request->body, fields, request->refusal) != 0)
        return;
    enum downlink_wish ceiling = room_ceiling(room);
    if (read_ceiling(request->body, &ceiling, request->refusal) != 0)
        return;
    room_set_ceiling(room, ceiling);
    request->answer = room_to_json(room);
    request->result = 0;
}

static void end_room(void *user) {
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room)
        return;
    hub_drop_room(request->hub, room, "room-closed");
    request->result = 0;
}

static void kick_member(void *user) {
    struct request *request = user;
    struct room *room = find_room(request);
    if (!room)
        return;
    struct member *member = room_find_member(room, request->member_id);
    if (!member) {
        refusal_set(request->refusal, 404, "member-not-found",
                    "There is no such member in this room.");
        return;
    }
    struct session *session = member_session(member);
    room_remove_member(room, member, "kicked");
    if (session)
        session_bye(session, "kicked");
    request->result = 0;
}

// ---- all of them ----

static void (*const operations[HUB_OPERATIONS])(void *user) = {
    [HUB_LIST_ROOMS] = list_rooms,   [HUB_CREATE_ROOM] = create_room,
    [HUB_GET_ROOM] = get_room,       [HUB_CHANGE_ROOM] = change_room,
    [HUB_END_ROOM] = end_room,       [HUB_LIST_MEMBERS] = list_members,
    [HUB_KICK_MEMBER] = kick_member,
};

int hub_call(struct hub *hub, enum hub_operation operation, const struct hub_request *asked,
             json_t **out, struct refusal *refusal) {
    struct request request = {.hub = hub,
                              .room_name = asked->room,
                              .member_id = asked->id,
                              .body = asked->body,
                              .refusal = refusal};
    if (!operations[operation])
        return refusal_set(refusal, 501, "not-there-yet", "This is not there yet.");
    int result = run(&request, operations[operation]);
    if (result == 0)
        *out = request.answer;
    return result;
}
