// SPDX-License-Identifier: MIT
// What can be done with rooms, one function an operation, whoever asks and however they came:
// hub_call() for REST, hub_control() for moderators over signaling. Control loop only. Permission
// was checked before.
#ifndef MCU_CONTROL_H
#define MCU_CONTROL_H

#include "mcu/hub_internal.h"

// 0 and *out (a new reference, or untouched: nothing to say), or -1 and *refusal.
typedef int control_operation(struct hub *hub, const struct hub_request *request, json_t **out,
                              struct refusal *refusal);

// control_room.c
control_operation control_list_rooms, control_create_room, control_get_room, control_change_room,
    control_end_room, control_get_layout, control_set_layout, control_get_room_stats;
// control_member.c
control_operation control_list_members, control_list_viewers, control_get_member,
    control_change_member, control_kick_member, control_mute_all;
// control_lobby.c
control_operation control_list_waiting, control_admit, control_refuse, control_list_bans,
    control_lift_ban;
// control_show.c: what the room is told and shown
control_operation control_list_messages, control_send_message, control_get_banner,
    control_set_banner, control_remove_banner, control_set_picture, control_remove_picture,
    control_play, control_stop_playing;
// control_record.c
control_operation control_start_recording, control_list_running_recordings,
    control_change_recording, control_start_broadcast, control_list_broadcasts,
    control_stop_broadcast;

// ---- helpers of these ----

// The room of the path, as people type it. NULL and a 404.
struct room *control_find_room(struct hub *hub, const struct hub_request *request,
                               struct refusal *refusal);
// The entity tag that was sent names the present state, or none was sent; else -1 and a 412.
int control_match(const struct room *room, const struct hub_request *request,
                  struct refusal *refusal);
// {name: list, "next_cursor": ...}; takes list. next 0: this was the end.
json_t *control_page(const char *name, json_t *list, uint64_t next);
// Where the page begins: items with a number above it. 0, or -1 and a 422.
int control_read_cursor(const struct hub_request *request, uint64_t *after,
                        struct refusal *refusal);

#endif
