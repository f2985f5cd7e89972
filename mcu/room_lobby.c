// SPDX-License-Identifier: MIT
// Who waits before the door, and who shall not come back.
#include "mcu/room_internal.h"

#include "mcu/log.h"
#include "mcu/session_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- lobby ----

void room_waiting_free(void *data) {
    struct room_waiting *waiting = data;
    free(waiting->name);
    free(waiting);
}

json_t *room_waiting_to_json(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->waiting->len; i++) {
        const struct room_waiting *waiting = room->waiting->pdata[i];
        char since[32];
        protocol_time(waiting->since_unix_ms, since);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", waiting->id, "name",
                                              waiting->name, "role", role_name(waiting->role),
                                              "since", since));
    }
    return list;
}

static void say_that_it_waits(const struct room *room, struct session *session) {
    char *text = protocol_waiting(room->spec.name, room->had_moderator
                                                       ? "A moderator will let you in soon."
                                                       : "You can come in when the host is here.");
    if (text)
        session_send(session, text);
    free(text);
}

int room_wait(struct room *room, struct session *session, const struct room_entry *entry,
              struct refusal *refusal) {
    struct room_waiting *waiting =
        room->waiting->len < ROOM_WAITING_MAX ? calloc(1, sizeof(*waiting)) : NULL;
    if (!waiting) {
        free(entry->name);
        return refusal_set(refusal, 403, "lobby-full", "Too many people are waiting already.");
    }
    *waiting = (struct room_waiting){.session = session,
                                     .name = entry->name,
                                     .role = entry->role,
                                     .grants = entry->grants,
                                     .user = entry->user,
                                     .since_unix_ms = room_unix_ms(),
                                     .audio_muted = entry->audio_muted,
                                     .video_muted = entry->video_muted};
    snprintf(waiting->id, sizeof(waiting->id), "w%u", ++room->last_waiting_number);
    g_ptr_array_add(room->waiting, waiting);
    session_set_waiting(session, room);
    say_that_it_waits(room, session);
    log_info(room->spec.name, "%s waits, from %s", waiting->id, session_address(session));
    room_tell_lobby(room);
    return 0;
}

static struct room_waiting *find_waiting(const struct room *room, const char *id,
                                         struct refusal *refusal) {
    for (guint i = 0; i < room->waiting->len; i++) {
        struct room_waiting *waiting = room->waiting->pdata[i];
        if (strcmp(waiting->id, id) == 0)
            return waiting;
    }
    refusal_set(refusal, 404, "waiting-not-found", "Nobody of this id waits.");
    return NULL;
}

// Takes it out; then it is the caller's.
static void take_waiting(struct room *room, struct room_waiting *waiting) {
    guint index;
    if (g_ptr_array_find(room->waiting, waiting, &index))
        g_ptr_array_steal_index(room->waiting, index);
    session_set_waiting(waiting->session, NULL);
    if (room->waiting->len == 0 && room->members->len == 0)
        room->emptied_ns = mixer_now_ns();
}

static int admit(struct room *room, struct room_waiting *waiting, struct refusal *refusal) {
    if (room_is_full(room, waiting->role, refusal))
        return -1;
    take_waiting(room, waiting);
    struct room_entry entry = {.name = waiting->name,
                               .role = waiting->role,
                               .grants = waiting->grants,
                               .user = waiting->user,
                               .audio_muted = waiting->audio_muted,
                               .video_muted = waiting->video_muted};
    waiting->name = NULL;
    int result = room_seat(room, waiting->session, &entry, refusal);
    if (result != 0)
        session_bye(waiting->session, "lost", NULL);
    room_waiting_free(waiting);
    return result;
}

int room_admit(struct room *room, const char *id, struct refusal *refusal) {
    int result = 0;
    if (id) {
        struct room_waiting *waiting = find_waiting(room, id, refusal);
        result = waiting ? admit(room, waiting, refusal) : -1;
    }
    while (!id && room->waiting->len > 0 && result == 0)
        result = admit(room, room->waiting->pdata[0], refusal);
    room_tell_lobby(room);
    return result;
}

int room_refuse_waiting(struct room *room, const char *id, struct refusal *refusal) {
    struct room_waiting *waiting = find_waiting(room, id, refusal);
    struct refusal answer;
    if (!waiting)
        return -1;
    take_waiting(room, waiting);
    refusal_set(&answer, 403, "lobby-refused", "A moderator did not let you in.");
    session_refuse(waiting->session, &answer);
    session_bye(waiting->session, "lobby-refused", answer.message);
    room_waiting_free(waiting);
    room_tell_lobby(room);
    return 0;
}

void room_forget_waiting(struct room *room, struct session *session) {
    for (guint i = 0; i < room->waiting->len; i++) {
        struct room_waiting *waiting = room->waiting->pdata[i];
        if (waiting->session != session)
            continue;
        take_waiting(room, waiting);
        room_waiting_free(waiting);
        room_tell_lobby(room);
        return;
    }
}

void room_dismiss_waiting(struct room *room, const char *reason, const char *message) {
    while (room->waiting->len > 0) {
        struct room_waiting *waiting = room->waiting->pdata[0];
        take_waiting(room, waiting);
        session_bye(waiting->session, reason, message);
        room_waiting_free(waiting);
    }
}

// ---- bans ----

// A household counts as one: IPv4 whole, of IPv6 the first 64 bits.
static bool is_same_household(const char *one, const char *other) {
    unsigned char a[16], b[16];
    if (inet_pton(AF_INET6, one, a) == 1 && inet_pton(AF_INET6, other, b) == 1)
        return memcmp(a, b, 8) == 0;
    return strcmp(one, other) == 0;
}

static void drop_old_bans(struct room *room) {
    int64_t now = room_unix_ms();
    for (guint i = room->bans->len; i-- > 0;)
        if (g_array_index(room->bans, struct room_ban, i).until_unix_ms <= now)
            g_array_remove_index(room->bans, i);
}

bool room_is_banned(const struct room *room, int64_t user, const char *address,
                    struct refusal *refusal) {
    int64_t now = room_unix_ms();
    for (guint i = 0; i < room->bans->len; i++) {
        const struct room_ban *ban = &g_array_index(room->bans, struct room_ban, i);
        bool is_meant =
            ban->user ? ban->user == user : user == 0 && is_same_household(ban->address, address);
        if (!is_meant || ban->until_unix_ms <= now)
            continue;
        refusal_set(refusal, 403, "banned",
                    "You were removed from this room and may not come back yet.");
        return true;
    }
    return false;
}

void room_ban(struct room *room, const struct member *member, int seconds, const char *reason) {
    drop_old_bans(room);
    if (room->bans->len >= ROOM_BANS_MAX)
        g_array_remove_index(room->bans, 0);
    struct room_ban ban = {.user = member_user(member),
                           .until_unix_ms = room_unix_ms() + seconds * INT64_C(1000)};
    snprintf(ban.id, sizeof(ban.id), "b%u", ++room->last_ban_number);
    g_strlcpy(ban.address, member_address(member), sizeof(ban.address));
    g_strlcpy(ban.name, member_name(member), sizeof(ban.name));
    g_strlcpy(ban.reason, reason ? reason : "", sizeof(ban.reason));
    g_array_append_val(room->bans, ban);
    room_keep(room);
}

json_t *room_bans_to_json(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->bans->len; i++) {
        const struct room_ban *ban = &g_array_index(room->bans, struct room_ban, i);
        char until[32];
        if (ban->until_unix_ms <= room_unix_ms())
            continue;
        protocol_time(ban->until_unix_ms, until);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", ban->id, "name",
                                              ban->name, "by", ban->user ? "user" : "address",
                                              "until", until, "reason", ban->reason));
    }
    return list;
}

int room_lift_ban(struct room *room, const char *id, struct refusal *refusal) {
    for (guint i = 0; i < room->bans->len; i++) {
        if (strcmp(g_array_index(room->bans, struct room_ban, i).id, id) != 0)
            continue;
        g_array_remove_index(room->bans, i);
        room_keep(room);
        return 0;
    }
    return refusal_set(refusal, 404, "ban-not-found", "There is no such ban in this room.");
}
