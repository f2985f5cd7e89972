// SPDX-License-Identifier: MIT
// What a member says, on whichever channel, and what moderators make of it.
#include "mcu/member_internal.h"

#include "mcu/hub_internal.h"
#include "mcu/room.h"
#include "mcu/session_internal.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

static void on_offer(struct member *member, struct message *message) {
    struct refusal refusal;
    if (!limit_take(&member->offers, mixer_now_ns())) {
        refusal_set(&refusal, 429, "rate-limited", "Too many offers. Wait a moment.");
        member_refuse(member, &refusal);
        return;
    }
    member_close_link(member);
    const struct room_world *world = room_world(member->room);
    member->link = link_create(world->loop, world->config, member->object, member, member->mix);
    if (!member->link) {
        refusal_set(&refusal, 503, "server-full", "The server cannot take another connection now.");
        member_refuse(member, &refusal);
        return;
    }
    member->offered_ns = mixer_now_ns();
    member_feed_set_link(member->feed, member->link);
    peer_offer(link_peer(member->link), message->offer.sdp);
}

static void on_candidate_message(struct member *member, struct message *message) {
    if (member->link)
        peer_add_candidate(link_peer(member->link), message->candidate.candidate,
                           message->candidate.mline_index);
}

static void on_chat(struct member *member, struct message *message) {
    room_chat(member->room, member, message->chat.text);
}

static void on_reaction(struct member *member, struct message *message) {
    room_tell(member->room, protocol_reaction(member->id, member->name, message->reaction.emoji));
}

static void set_flag(bool *flag, int wish, bool *changed) {
    if (wish < 0 || *flag == (wish != 0))
        return;
    *flag = wish != 0;
    *changed = true;
}

static void set_hand(struct member *member, int wish, bool *changed) {
    if (wish == 1 && !member->hand)
        member->hand_unix_ms = g_get_real_time() / 1000;
    set_flag(&member->hand, wish, changed);
}

void member_show(struct member *member) {
    struct stage_look look;
    member_get_look(member, &look);
    mixer_set_look(member->mix, &look);
    room_on_member_changed(member->room, member);
}

// To be quiet, or to show nothing, is everybody's right. -1: nothing is asked for.
static bool may(struct member *member, int wish, bool needs_it, enum action action) {
    struct refusal refusal;
    if (wish < 0 || (wish != 0) != needs_it || room_allows(member->room, member, action, &refusal))
        return true;
    member_refuse(member, &refusal);
    return false;
}

static void on_set(struct member *member, struct message *message) {
    bool changed = false;
    if (message->set.receive >= 0) {
        downlink_set_wish(&member->reception.downlink, message->set.receive);
        member_adapt_and_tell(member, mixer_now_ns(), true);
    }
    if (may(member, message->set.audio_muted, false, ACTION_SPEAK))
        set_flag(&member->audio_muted, message->set.audio_muted, &changed);
    if (may(member, message->set.video_muted, false, ACTION_SHOW_CAMERA))
        set_flag(&member->video_muted, message->set.video_muted, &changed);
    if (may(member, message->set.hand, true, ACTION_REACT))
        set_hand(member, message->set.hand, &changed);
    if (may(member, message->set.screen, true, ACTION_SHARE_SCREEN))
        set_flag(&member->screen, message->set.screen, &changed);
    if (message->set.name && strcmp(message->set.name, member->name) != 0) {
        free(member->name);
        member->name = message->set.name;
        message->set.name = NULL;
        room_keep_seat(member->room, member);
        changed = true;
    }
    if (changed)
        member_show(member);
}

static void on_leave(struct member *member, struct message *message) {
    struct session *session = member->session;
    room_remove_member(member->room, member, "left");
    if (session)
        session_bye(session, "left", NULL);
}

static void on_ping(struct member *member, struct message *message) {
    member_tell(member, protocol_pong());
}

// The same as by REST, but that nothing is answered when it went well: all are told of the change.
// Only what was asked for alone (a list) goes back to who asked.
static void on_control(struct member *member, struct message *message) {
    struct refusal refusal;
    struct caller caller;
    member_get_caller(member, &caller);
    const struct hub_request request = {.caller = &caller,
                                        .room = room_name(member->room),
                                        .id = message->control.id,
                                        .body = message->control.body};
    json_t *out = NULL;
    struct session *session = member->session; // the member may be gone after it
    int result = hub_control(room_world(member->room)->hub, message->control.operation, &request,
                             &out, &refusal);
    if (result != 0 && session)
        session_refuse(session, &refusal);
    else if (result == 0 && message->control.operation == HUB_LIST_VIEWERS)
        member_tell(member, protocol_viewer_list(out));
    json_decref(out);
}

static void (*const handlers[])(struct member *, struct message *) = {
    [MESSAGE_SEND_OFFER] = on_offer, [MESSAGE_ICE_CANDIDATE] = on_candidate_message,
    [MESSAGE_CHAT] = on_chat,        [MESSAGE_REACTION] = on_reaction,
    [MESSAGE_SET] = on_set,          [MESSAGE_LEAVE] = on_leave,
    [MESSAGE_PING] = on_ping,        [MESSAGE_CONTROL] = on_control,
};

void member_obey(struct member *member, struct message *message) {
    struct refusal refusal;
    member_note_heard(member);
    size_t type = message->type;
    if (type >= sizeof(handlers) / sizeof(*handlers) || !handlers[type]) {
        refusal_set(&refusal, 409, "already-joined", "You are in a room already.");
        member_refuse(member, &refusal);
    } else if (!room_allows(member->room, member, message_action(message), &refusal)) {
        member_refuse(member, &refusal);
    } else {
        handlers[type](member, message); // the last: the member may be gone after it
    }
}

// ---- what moderators make of it ----

// Whoever may no longer do something stops doing it.
static void drop_what_is_forbidden(struct member *member) {
    member->audio_muted |= !(member->grants & GRANT_SPEAK);
    member->video_muted |= !(member->grants & GRANT_CAMERA);
    member->screen &= (member->grants & GRANT_SCREEN) != 0;
    member->hand &= (member->grants & GRANT_REACT) != 0;
}

static bool change_rights(struct member *member, const struct member_change *change) {
    enum role role = change->role ? change->role : member->role;
    unsigned grants = change->has_grants                     ? change->grants
                      : change->role && role != member->role ? role_grants(role)
                                                             : member->grants;
    if (role == member->role && grants == member->grants)
        return false;
    enum role before = member->role;
    member->role = role;
    member->grants = grants;
    drop_what_is_forbidden(member);
    room_on_rights_changed(member->room, member, before);
    member_tell(member, protocol_permissions(role_name(role), permission_grants_to_json(grants)));
    return true;
}

void member_change(struct member *member, const struct member_change *change) {
    bool changed = change_rights(member, change);
    if (change->audio_muted != 0 || (member->grants & GRANT_SPEAK))
        set_flag(&member->audio_muted, change->audio_muted, &changed);
    if (change->video_muted != 0 || (member->grants & GRANT_CAMERA))
        set_flag(&member->video_muted, change->video_muted, &changed);
    set_flag(&member->is_hidden, change->is_hidden, &changed);
    set_hand(member, change->hand, &changed);
    if (change->volume >= 0 && change->volume != member->volume) {
        member->volume = change->volume;
        mixer_set_volume(member->mix, change->volume);
        changed = true;
    }
    if (change->name && strcmp(change->name, member->name) != 0) {
        free(member->name);
        member->name = strdup(change->name);
        room_keep_seat(member->room, member);
        changed = true;
    }
    if (changed)
        member_show(member);
}
