// SPDX-License-Identifier: MIT
// Who comes in, as what, and who goes.
//
//   seat of before?  banned?  locked?  PIN?  full?  lobby?
//     |                                        |       `--> waits (room_lobby.c) --admitted--+
//     v                                        `--> refused                                  v
//   back in it                                                                          a new
//   member
#include "mcu/room_internal.h"

#include "mcu/hub_internal.h"
#include "mcu/log.h"
#include "mcu/room_layout.h"
#include "mcu/room_record.h"
#include "mcu/session_internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- joined ----

static void append_message(void *user, const struct store_message *message) {
    json_array_append_new(
        user, protocol_chat_json(message->id, message->member[0] ? message->member : NULL,
                                 message->name, message->text, message->at_unix_ms));
}

static json_t *list_members(const struct room *room, const struct member *self) {
    json_t *members = json_array();
    for (guint i = 0; i < room->members->len; i++) {
        struct member_view view;
        struct member *member = room->members->pdata[i];
        if (member_role(member) == ROLE_VIEWER && member != self)
            continue;
        member_get_view(member, &view);
        json_array_append_new(members, protocol_member_json(&view));
    }
    return members;
}

static char *make_joined(struct room *room, struct member *member, bool was_resumed) {
    const struct config *config = room->world->config;
    json_t *messages = json_array();
    store_each_message(room->world->store, room->spec.name, config->chat_history_max,
                       append_message, messages);
    json_t *more =
        json_pack("{s:o, s:o, s:i, s:i, s:b}", "permissions",
                  permission_grants_to_json(member_grants(member)), "room_info", room_to_json(room),
                  "viewers", room->viewers, "upload_bytes_max", config->http_upload_bytes_max,
                  "is_owner", room->spec.owner && member_user(member) == room->spec.owner);
    if (member_role(member) == ROLE_MODERATOR)
        json_object_set_new(more, "waiting", room_waiting_to_json(room));
    return protocol_joined(member_id(member), room->spec.name, role_name(member_role(member)),
                           member_resume(member), was_resumed,
                           protocol_ice_servers(config->ice_servers), list_members(room, member),
                           messages, more);
}

static void give_session(struct room *room, struct member *member, struct session *session,
                         bool was_resumed) {
    struct session *old = member_session(member);
    member_set_session(member, session);
    session_set_member(session, member);
    if (old) // the same seat from another window, or a socket that is dead without knowing it
        session_bye(old, "replaced", NULL);
    char *joined = make_joined(room, member, was_resumed);
    member_send_signaling(member, joined);
    free(joined);
}

struct member *room_find_seated(const struct room *room, const char *secret) {
    size_t length = secret ? strlen(secret) : 0;
    for (guint i = 0; i < room->members->len && length > 0; i++) {
        const char *other = member_resume(room->members->pdata[i]);
        if (strlen(other) == length && sodium_memcmp(other, secret, length) == 0)
            return room->members->pdata[i];
    }
    return NULL;
}

bool room_has_seat(const struct room *room, const char *resume) {
    return room_find_seated(room, resume) || room_find_seat(room, resume);
}

bool room_is_full(const struct room *room, enum role role, struct refusal *refusal) {
    bool is_viewer = role == ROLE_VIEWER;
    int count = is_viewer ? room->viewers : (int)room->members->len - room->viewers;
    int max = is_viewer ? room->world->config->room_viewers_max : room->spec.members_max;
    if (count < max)
        return false;
    refusal_set(refusal, 403, "room-full", "This room is full.");
    return true;
}

static void announce(struct room *room, struct member *member) {
    struct member_view view;
    member_get_view(member, &view);
    if (member_role(member) == ROLE_VIEWER) {
        room->viewers++;
        room_tell_viewer_count(room);
    } else {
        room_tell_signaling(room, protocol_member_joined(&view), member);
    }
    room->had_moderator |= member_role(member) == ROLE_MODERATOR;
    room_event(room, "member-joined", json_pack("{s:o}", "member", protocol_member_json(&view)));
    room_record_on_join(room, member);
}

int room_seat(struct room *room, struct session *session, const struct room_entry *entry,
              struct refusal *refusal) {
    char id[STAGE_ID_MAX];
    const struct room_seat *seat = entry->seat;
    if (seat)
        g_strlcpy(id, seat->id, sizeof(id));
    else
        snprintf(id, sizeof(id), "m%u", ++room->last_member_number);
    struct member *member = member_create(room, &(struct member_spec){
                                                    .id = id,
                                                    .name = entry->name,
                                                    .resume = seat ? seat->resume : NULL,
                                                    .role = entry->role,
                                                    .grants = entry->grants,
                                                    .user = entry->user,
                                                    .address = session_address(session),
                                                    .audio_muted = entry->audio_muted,
                                                    .video_muted = entry->video_muted,
                                                });
    if (!member)
        return refusal_set(refusal, 503, "server-full",
                           "The server cannot take another member now.");
    g_ptr_array_add(room->members, member);
    room->has_had_members = true;
    room_keep_seat(room, member);
    room_begin_presence(room, member);
    give_session(room, member, session, seat != NULL);
    announce(room, member);
    log_info(room->spec.name, "%s %s from %s", id, seat ? "is back" : "joined",
             session_address(session));
    return 0;
}

// ---- at the door ----

// The creator of an open room moderates it, or, where others may follow, whoever finds it empty
// (most often the same person, after a reload); in somebody's own room only its owner does.
static bool is_to_moderate(const struct room *room) {
    bool is_empty = room->members->len == 0 && room->seats->len == 0;
    return room->spec.maker == ROOM_BY_JOIN &&
           (room->last_member_number == 0 || (is_empty && room->spec.has_succession));
}

static void choose_role(const struct room *room, const struct caller *caller,
                        const struct message *join, struct room_entry *entry) {
    struct place place;
    room_get_place(room, &place);
    entry->role = permission_role(caller, &place);
    if (entry->role == ROLE_NONE)
        entry->role = is_to_moderate(room) ? ROLE_MODERATOR : ROLE_MEMBER;
    if (join->join.is_viewer)
        entry->role = ROLE_VIEWER;
    bool has_own_grants = caller->kind == CALLER_ROOM && !join->join.is_viewer;
    entry->grants = has_own_grants ? caller->grants : role_grants(entry->role);
    entry->user = caller->kind == CALLER_USER ? caller->user : 0;
}

static bool pin_fits(const struct room *room, const char *given) {
    size_t length = strlen(room->spec.pin);
    return strlen(given) == length && sodium_memcmp(given, room->spec.pin, length) == 0;
}

static int check_pin(struct room *room, const struct session *session, const char *given,
                     struct refusal *refusal) {
    if (!room->spec.pin[0])
        return 0;
    if (!given || !given[0])
        return refusal_set(refusal, 401, "pin-required", "This room asks for a PIN.");
    if (!hub_may_try_pin(room->world->hub, session_address(session)))
        return refusal_set(refusal, 429, "rate-limited",
                           "Too many wrong PINs from your address. Wait a minute.");
    if (pin_fits(room, given))
        return 0;
    hub_count_wrong_pin(room->world->hub, session_address(session));
    return refusal_set(refusal, 401, "pin-wrong", "This is not the PIN of this room.");
}

// What stands between a person and the room; moderators walk in.
static int check_door(struct room *room, struct session *session, const struct caller *caller,
                      const struct room_entry *entry, const struct message *join,
                      struct refusal *refusal) {
    if (entry->role == ROLE_MODERATOR)
        return 0;
    if (caller->kind == CALLER_NOBODY && !room->world->config->guests)
        return refusal_set(refusal, 401, "sign-in-required",
                           "Sign in, or use the link that you were given.");
    if (room_is_banned(room, entry->user, session_address(session), refusal))
        return -1;
    if (room->spec.is_locked)
        return refusal_set(refusal, 403, "room-locked",
                           "This room is locked: nobody else may come in.");
    // Who holds a token was let in by whoever minted it.
    return caller->kind == CALLER_ROOM ? 0 : check_pin(room, session, join->join.pin, refusal);
}

static int come_back(struct room *room, struct session *session, struct message *join,
                     bool *is_back, struct refusal *refusal) {
    struct member *member = room_find_seated(room, join->join.resume);
    struct room_seat *seat = member ? NULL : room_find_seat(room, join->join.resume);
    *is_back = member || seat;
    if (member) {
        give_session(room, member, session, true);
        log_info(room->spec.name, "%s is back", member_id(member));
    }
    if (!seat)
        return 0;
    struct room_entry entry = {.name = g_strdup(seat->name),
                               .role = seat->role,
                               .grants = seat->grants,
                               .user = seat->user,
                               .audio_muted = join->join.audio_muted,
                               .video_muted = join->join.video_muted,
                               .seat = seat};
    int result = room_seat(room, session, &entry, refusal);
    g_ptr_array_remove(room->seats, seat);
    return result;
}

int room_join(struct room *room, struct session *session, const struct caller *caller,
              struct message *join, struct refusal *refusal) {
    bool is_back;
    int result = come_back(room, session, join, &is_back, refusal);
    if (is_back)
        return result;
    struct room_entry entry = {.audio_muted = join->join.audio_muted,
                               .video_muted = join->join.video_muted};
    choose_role(room, caller, join, &entry);
    if (check_door(room, session, caller, &entry, join, refusal) != 0 ||
        room_is_full(room, entry.role, refusal))
        return -1;
    entry.name = join->join.name;
    join->join.name = NULL;
    if (room->spec.has_lobby && entry.role != ROLE_MODERATOR)
        return room_wait(room, session, &entry, refusal);
    return room_seat(room, session, &entry, refusal);
}

// ---- members ----

struct member *room_find_member(struct room *room, const char *id) {
    for (guint i = 0; i < room->members->len; i++)
        if (strcmp(member_id(room->members->pdata[i]), id) == 0)
            return room->members->pdata[i];
    return NULL;
}

struct member *room_next_member(const struct room *room, size_t index) {
    return index < room->members->len ? room->members->pdata[index] : NULL;
}

json_t *room_member_to_json(const struct room *room, const struct member *member) {
    bool is_speaking = false;
    for (int i = 0; i < room->speaking.count; i++)
        is_speaking |= strcmp(room->speaking.ids[i], member_id(member)) == 0;
    return member_to_json(member, is_speaking);
}

// A room shall not be left without anybody who can open its door, if there was one.
static void find_successor(struct room *room) {
    struct member *oldest = NULL;
    if (!room->spec.has_succession || !room->had_moderator || room->spec.owner)
        return;
    for (guint i = 0; i < room->members->len; i++) {
        struct member *member = room->members->pdata[i];
        if (member_role(member) == ROLE_MODERATOR)
            return;
        if (!oldest && member_role(member) == ROLE_MEMBER)
            oldest = member;
    }
    if (!oldest)
        return;
    log_info(room->spec.name, "%s moderates from now on", member_id(oldest));
    member_change(oldest, &(struct member_change){.audio_muted = -1,
                                                  .video_muted = -1,
                                                  .hand = -1,
                                                  .is_hidden = -1,
                                                  .volume = -1,
                                                  .role = ROLE_MODERATOR});
}

void room_on_rights_changed(struct room *room, struct member *member, enum role before) {
    enum role now = member_role(member);
    room_keep_seat(room, member);
    if ((before == ROLE_VIEWER) != (now == ROLE_VIEWER)) {
        struct member_view view;
        member_get_view(member, &view);
        room->viewers += now == ROLE_VIEWER ? 1 : -1;
        room_tell_viewer_count(room);
        room_tell_signaling(room,
                            now == ROLE_VIEWER ? protocol_member_left(member_id(member), "left")
                                               : protocol_member_joined(&view),
                            member);
    }
    room->had_moderator |= now == ROLE_MODERATOR;
    if (now == ROLE_MODERATOR && room->waiting->len > 0) {
        char *lobby = protocol_lobby(room_waiting_to_json(room));
        member_send_signaling(member, lobby);
        free(lobby);
    }
    if (before == ROLE_MODERATOR && now != ROLE_MODERATOR)
        find_successor(room);
}

void room_remove_member(struct room *room, struct member *member, const char *reason) {
    char id[STAGE_ID_MAX];
    bool was_viewer = member_role(member) == ROLE_VIEWER;
    snprintf(id, sizeof(id), "%s", member_id(member));
    room_choose(room, member, false);
    if (!was_viewer)
        room_record_on_leave(room, id, member_name(member));
    json_t *left =
        json_pack("{s:s, s:s, s:s}", "id", id, "name", member_name(member), "reason", reason);
    room_end_presence(room, member);
    room_forget_seat(room, id);
    g_ptr_array_remove(room->members, member);
    if (room->members->len == 0)
        room->emptied_ns = mixer_now_ns();
    struct session *session = member_session(member);
    if (session)
        session_set_member(session, NULL);
    member_destroy(member);
    if (was_viewer) {
        room->viewers--;
        room_tell_viewer_count(room);
    } else {
        room_tell_signaling(room, protocol_member_left(id, reason), NULL);
    }
    room_event(room, "member-left", left);
    log_info(room->spec.name, "%s left: %s", id, reason);
    find_successor(room);
}
