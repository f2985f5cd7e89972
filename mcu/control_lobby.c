// SPDX-License-Identifier: MIT
#include "mcu/control.h"

int control_list_waiting(struct hub *hub, const struct hub_request *request, json_t **out,
                         struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = control_page("waiting", room_waiting_to_json(room), 0);
    return 0;
}

int control_admit(struct hub *hub, const struct hub_request *request, json_t **out,
                  struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    return room ? room_admit(room, request->id, refusal) : -1;
}

int control_refuse(struct hub *hub, const struct hub_request *request, json_t **out,
                   struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    return room ? room_refuse_waiting(room, request->id ? request->id : "", refusal) : -1;
}

int control_list_bans(struct hub *hub, const struct hub_request *request, json_t **out,
                      struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    if (!room)
        return -1;
    *out = control_page("bans", room_bans_to_json(room), 0);
    return 0;
}

int control_lift_ban(struct hub *hub, const struct hub_request *request, json_t **out,
                     struct refusal *refusal) {
    struct room *room = control_find_room(hub, request, refusal);
    return room ? room_lift_ban(room, request->id, refusal) : -1;
}
