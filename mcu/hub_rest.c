// SPDX-License-Identifier: MIT
// What HTTP asks of the hub besides its operations (control.c): called on its threads, carried out
// on the control loop.
#include "mcu/control.h"

#include <errno.h>
#include <string.h>

// One request on its way to the control loop and back; it lives on the caller's stack.
struct request {
    struct hub *hub;
    const char *room_name;
    struct hub_stats *stats;
    json_t *answer;
    struct room *room; // a reference, for the caller
    const char *secret;
    struct caller *caller;
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
    const struct hub_request asked = {.room = request->room_name};
    return control_find_room(request->hub, &asked, request->refusal);
}

// ---- reading ----

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

static void recognise_seat(void *user) {
    struct request *request = user;
    const struct room *room = find_room(request);
    const struct member *member = room ? room_find_seated(room, request->secret) : NULL;
    if (!member)
        return;
    bool was_local = request->caller->is_local;
    member_get_caller(member, request->caller);
    request->caller->is_local = was_local;
    request->result = 0;
}

bool hub_recognise_seat(struct hub *hub, const char *room, const char *secret, struct caller *out) {
    struct refusal refusal;
    struct request request = {
        .hub = hub, .room_name = room, .secret = secret, .caller = out, .refusal = &refusal};
    return run(&request, recognise_seat) == 0;
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
