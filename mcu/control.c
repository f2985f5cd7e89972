// SPDX-License-Identifier: MIT
// From an operation's name to its function, on the control loop.
#include "mcu/control.h"

#include "mcu/body.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

static control_operation *const operations[HUB_OPERATIONS] = {
    [HUB_LIST_ROOMS] = control_list_rooms,
    [HUB_CREATE_ROOM] = control_create_room,
    [HUB_GET_ROOM] = control_get_room,
    [HUB_CHANGE_ROOM] = control_change_room,
    [HUB_END_ROOM] = control_end_room,
    [HUB_GET_LAYOUT] = control_get_layout,
    [HUB_SET_LAYOUT] = control_set_layout,
    [HUB_LIST_MEMBERS] = control_list_members,
    [HUB_LIST_VIEWERS] = control_list_viewers,
    [HUB_GET_MEMBER] = control_get_member,
    [HUB_CHANGE_MEMBER] = control_change_member,
    [HUB_KICK_MEMBER] = control_kick_member,
    [HUB_MUTE_ALL] = control_mute_all,
    [HUB_LIST_WAITING] = control_list_waiting,
    [HUB_ADMIT] = control_admit,
    [HUB_REFUSE] = control_refuse,
    [HUB_LIST_BANS] = control_list_bans,
    [HUB_LIFT_BAN] = control_lift_ban,
    [HUB_LIST_MESSAGES] = control_list_messages,
    [HUB_SEND_MESSAGE] = control_send_message,
    [HUB_GET_BANNER] = control_get_banner,
    [HUB_SET_BANNER] = control_set_banner,
    [HUB_REMOVE_BANNER] = control_remove_banner,
    [HUB_SET_PICTURE] = control_set_picture,
    [HUB_REMOVE_PICTURE] = control_remove_picture,
    [HUB_PLAY] = control_play,
    [HUB_STOP_PLAYING] = control_stop_playing,
    [HUB_GET_ROOM_STATS] = control_get_room_stats,
    [HUB_START_RECORDING] = control_start_recording,
    [HUB_LIST_RUNNING_RECORDINGS] = control_list_running_recordings,
    [HUB_CHANGE_RECORDING] = control_change_recording,
    [HUB_START_BROADCAST] = control_start_broadcast,
    [HUB_LIST_BROADCASTS] = control_list_broadcasts,
    [HUB_STOP_BROADCAST] = control_stop_broadcast,
};

int hub_control(struct hub *hub, enum hub_operation operation, const struct hub_request *request,
                json_t **out, struct refusal *refusal) {
    if (hub_is_shutting_down(hub))
        return refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    return operations[operation](hub, request, out, refusal);
}

// One call on its way to the control loop and back; it lives on the caller's stack.
struct call {
    struct hub *hub;
    enum hub_operation operation;
    const struct hub_request *request;
    json_t *out;
    struct refusal *refusal;
    int result;
};

static void carry_out(void *user) {
    struct call *call = user;
    call->result =
        hub_control(call->hub, call->operation, call->request, &call->out, call->refusal);
}

int hub_call(struct hub *hub, enum hub_operation operation, const struct hub_request *request,
             json_t **out, struct refusal *refusal) {
    struct call call = {
        .hub = hub, .operation = operation, .request = request, .refusal = refusal, .result = -1};
    if (!loop_call(hub_loop(hub), carry_out, &call)) {
        picture_destroy(request->picture);
        clip_destroy(request->clip);
        return refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    }
    *out = call.out;
    return call.result;
}

// ---- helpers ----

struct room *control_find_room(struct hub *hub, const struct hub_request *request,
                               struct refusal *refusal) {
    char name[ROOM_NAME_MAX];
    if (request->room && protocol_clean_room_name(request->room, name))
        return hub_open_room(hub, name, refusal);
    refusal_set(refusal, 404, "room-not-found", "There is no room of this name.");
    return NULL;
}

int control_match(const struct room *room, const struct hub_request *request,
                  struct refusal *refusal) {
    char etag[24];
    snprintf(etag, sizeof(etag), "\"%u\"", room_revision(room));
    if (!request->if_match || strcmp(request->if_match, "*") == 0 ||
        strcmp(request->if_match, etag) == 0)
        return 0;
    return refusal_set(refusal, 412, "changed-meanwhile",
                       "It was changed meanwhile: read it again first.");
}

json_t *control_page(const char *name, json_t *list, uint64_t next) {
    return json_pack("{s:o, s:o}", name, list, "next_cursor",
                     next ? json_sprintf("%llu", (unsigned long long)next) : json_null());
}

int control_read_cursor(const struct hub_request *request, uint64_t *after,
                        struct refusal *refusal) {
    guint64 value = 0;
    if (request->cursor &&
        !g_ascii_string_to_unsigned(request->cursor, 10, 0, G_MAXUINT64, &value, NULL))
        return body_refuse(refusal, "cursor", "must be a next_cursor of an answer");
    *after = value;
    return 0;
}
