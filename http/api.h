// SPDX-License-Identifier: MIT
// The handlers of the REST interface, as assets/openapi.yaml describes it. They run on a thread of
// libmicrohttpd and wait for the control loop; routes.c has checked access and size before.
#ifndef HTTP_API_H
#define HTTP_API_H

#include "http/reply.h"

struct request;

// api_rooms.c
void api_list_rooms(struct request *request, struct reply *reply);
void api_create_room(struct request *request, struct reply *reply);
void api_get_room(struct request *request, struct reply *reply);
void api_change_room(struct request *request, struct reply *reply);
void api_end_room(struct request *request, struct reply *reply);
void api_get_room_stats(struct request *request, struct reply *reply);

// api_layout.c
void api_get_layout(struct request *request, struct reply *reply);
void api_set_layout(struct request *request, struct reply *reply);

// api_members.c
void api_list_members(struct request *request, struct reply *reply);
void api_get_member(struct request *request, struct reply *reply);
void api_change_member(struct request *request, struct reply *reply);
void api_kick_member(struct request *request, struct reply *reply);
void api_mute_all(struct request *request, struct reply *reply);
void api_list_bans(struct request *request, struct reply *reply);
void api_lift_ban(struct request *request, struct reply *reply);

// api_lobby.c
void api_list_waiting(struct request *request, struct reply *reply);
void api_admit(struct request *request, struct reply *reply);
void api_refuse(struct request *request, struct reply *reply);

// api_messages.c
void api_list_messages(struct request *request, struct reply *reply);
void api_send_message(struct request *request, struct reply *reply);
void api_get_banner(struct request *request, struct reply *reply);
void api_set_banner(struct request *request, struct reply *reply);
void api_remove_banner(struct request *request, struct reply *reply);

// api_media.c
void api_set_picture(struct request *request, struct reply *reply);
void api_remove_picture(struct request *request, struct reply *reply);
void api_play(struct request *request, struct reply *reply);
void api_stop_playing(struct request *request, struct reply *reply);
void api_get_snapshot_jpeg(struct request *request, struct reply *reply);
void api_get_snapshot_png(struct request *request, struct reply *reply);

// api_server.c
void api_get_health(struct request *request, struct reply *reply);
void api_get_readiness(struct request *request, struct reply *reply);
void api_get_stats(struct request *request, struct reply *reply);
void api_get_ice_servers(struct request *request, struct reply *reply);

// api_events.c
void api_get_room_events(struct request *request, struct reply *reply);
void api_get_server_events(struct request *request, struct reply *reply);

// api_webhooks.c
void api_list_webhooks(struct request *request, struct reply *reply);
void api_create_webhook(struct request *request, struct reply *reply);
void api_get_webhook(struct request *request, struct reply *reply);
void api_change_webhook(struct request *request, struct reply *reply);
void api_remove_webhook(struct request *request, struct reply *reply);
void api_test_webhook(struct request *request, struct reply *reply);

// api_tokens.c
void api_mint_token(struct request *request, struct reply *reply);
// api_session.c
void api_sign_in(struct request *request, struct reply *reply);
void api_get_session(struct request *request, struct reply *reply);
void api_sign_out(struct request *request, struct reply *reply);

// api_users.c
void api_list_users(struct request *request, struct reply *reply);
void api_add_user(struct request *request, struct reply *reply);
void api_get_user(struct request *request, struct reply *reply);
void api_change_user(struct request *request, struct reply *reply);
void api_change_password(struct request *request, struct reply *reply);
void api_remove_user(struct request *request, struct reply *reply);

// api_meetings.c
void api_list_meetings(struct request *request, struct reply *reply);
void api_add_meeting(struct request *request, struct reply *reply);
void api_get_meeting(struct request *request, struct reply *reply);
void api_change_meeting(struct request *request, struct reply *reply);
void api_remove_meeting(struct request *request, struct reply *reply);
void api_get_invitation(struct request *request, struct reply *reply);
void api_list_calls(struct request *request, struct reply *reply);
void api_get_call(struct request *request, struct reply *reply);
void api_remove_call(struct request *request, struct reply *reply);

// api_recordings.c
void api_start_recording(struct request *request, struct reply *reply);
void api_list_room_recordings(struct request *request, struct reply *reply);
void api_list_recordings(struct request *request, struct reply *reply);
void api_get_recording(struct request *request, struct reply *reply);
void api_change_recording(struct request *request, struct reply *reply);
void api_remove_recording(struct request *request, struct reply *reply);
void api_get_recording_media(struct request *request, struct reply *reply);
void api_get_recording_file(struct request *request,
                            struct reply *reply); // named by the path's end

// api_broadcasts.c
void api_start_broadcast(struct request *request, struct reply *reply);
void api_list_broadcasts(struct request *request, struct reply *reply);
void api_stop_broadcast(struct request *request, struct reply *reply);
void api_get_hls_file(struct request *request, struct reply *reply);

// api_metrics.c
void api_get_metrics(struct request *request, struct reply *reply);

#endif
