// SPDX-License-Identifier: MIT
// What of a room outlives the process: its settings, its bans, and a seat for each who is in it, so
// that a restart in the middle of a call loses nobody's place or role. And what is remembered of
// its calls. The store is quick (no write waits for the disk); what it cannot keep is logged, and
// the call goes on.
#include "mcu/room_internal.h"

#include "mcu/log.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_PAUSE_S = 60 };

static void note(const struct room *room, const char *what, int error) {
    if (error && error != -ENOENT)
        log_warn(room->spec.name, "%s: %s", what, store_explain(error));
}

void room_seat_free(void *data) {
    struct room_seat *seat = data;
    g_free(seat->name);
    free(seat);
}

// ---- the room ----

static json_t *bans_to_stored(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->bans->len; i++) {
        const struct room_ban *ban = &g_array_index(room->bans, struct room_ban, i);
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "id", ban->id, "user",
                            (json_int_t)ban->user, "until", (json_int_t)ban->until_unix_ms,
                            "address", ban->address, "name", ban->name, "reason", ban->reason));
    }
    return list;
}

static void put_room(struct room *room, bool is_live) {
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:b}", "spec", room_spec_to_stored(&room->spec),
                  "bans", bans_to_stored(room), "pictures", room_list_pictures(room), "maker",
                  room->spec.maker == ROOM_BY_JOIN  ? "join"
                  : room->spec.maker == ROOM_BY_API ? "api"
                                                    : "owner",
                  "last_member", (json_int_t)room->last_member_number, "call",
                  (json_int_t)room->call, "had_moderator", room->had_moderator);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return;
    struct store_room stored = {.name = room->spec.name,
                                .spec = text,
                                .created_unix_ms = room->created_unix_ms,
                                .owner = room->spec.owner,
                                .is_live = is_live};
    note(room, "not kept for a restart", store_put_room(room->world->store, &stored));
    free(text);
}

void room_keep(struct room *room) {
    put_room(room, true);
}

// Somebody's own room keeps its settings.
void room_forget(struct room *room, bool is_shutdown) {
    struct store *store = room->world->store;
    if (is_shutdown) // people come back to the same room after a restart, and find what was said
        return;
    if (room->call)
        note(room, "call not ended", store_end_call(store, room->call, room_unix_ms()));
    room->call = 0;
    store_forget_room(store, room->spec.name);
    store_remove_room(store, room->spec.name); // with its seats
    if (room->spec.owner)
        put_room(room, false);
    else
        room_forget_pictures(room);
}

// ---- seats ----

void room_keep_seat(struct room *room, struct member *member) {
    json_t *json = json_pack("{s:s, s:s, s:o, s:I}", "name", member_name(member), "role",
                             role_name(member_role(member)), "permissions",
                             permission_grants_to_json(member_grants(member)), "user",
                             (json_int_t)member_user(member));
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return;
    struct store_seat seat = {.room = room->spec.name,
                              .member = member_id(member),
                              .resume = member_resume(member),
                              .json = text};
    note(room, "seat not kept for a restart", store_put_seat(room->world->store, &seat));
    free(text);
}

void room_forget_seat(struct room *room, const char *id) {
    note(room, "seat not forgotten", store_remove_seat(room->world->store, room->spec.name, id));
}

static unsigned read_grants(const json_t *list) {
    unsigned grants = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        enum grant grant;
        if (grant_from_name(json_string_value(json_array_get(list, i)), &grant))
            grants |= grant;
    }
    return grants;
}

static void add_seat(void *user, const struct store_seat *stored) {
    struct room *room = user;
    json_t *json = json_loads(stored->json, 0, NULL);
    struct room_seat *seat = calloc(1, sizeof(*seat));
    const char *name = json_string_value(json_object_get(json, "name"));
    if (seat && role_from_name(json_string_value(json_object_get(json, "role")), &seat->role)) {
        g_strlcpy(seat->id, stored->member, sizeof(seat->id));
        g_strlcpy(seat->resume, stored->resume, sizeof(seat->resume));
        seat->name = g_strdup(name ? name : "");
        seat->grants = read_grants(json_object_get(json, "permissions"));
        seat->user = json_integer_value(json_object_get(json, "user"));
        g_ptr_array_add(room->seats, seat);
    } else {
        free(seat);
    }
    json_decref(json);
}

struct room_seat *room_find_seat(const struct room *room, const char *resume) {
    size_t length = resume ? strlen(resume) : 0;
    for (guint i = 0; i < room->seats->len && length > 0; i++) {
        struct room_seat *seat = room->seats->pdata[i];
        if (strlen(seat->resume) == length && sodium_memcmp(seat->resume, resume, length) == 0)
            return seat;
    }
    return NULL;
}

void room_check_seats(struct room *room, int64_t now_ns) {
    if (room->seats->len == 0 || now_ns < room->remembered_until_ns)
        return;
    for (guint i = 0; i < room->seats->len; i++)
        room_forget_seat(room, ((struct room_seat *)room->seats->pdata[i])->id);
    g_ptr_array_set_size(room->seats, 0);
}

static void add_bans(struct room *room, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list) && i < ROOM_BANS_MAX; i++) {
        const json_t *json = json_array_get(list, i);
        struct room_ban ban = {.user = json_integer_value(json_object_get(json, "user")),
                               .until_unix_ms = json_integer_value(json_object_get(json, "until"))};
        const char *id = json_string_value(json_object_get(json, "id"));
        const char *address = json_string_value(json_object_get(json, "address"));
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *reason = json_string_value(json_object_get(json, "reason"));
        if (!id || !address || !name || !reason)
            continue;
        g_strlcpy(ban.id, id, sizeof(ban.id));
        g_strlcpy(ban.address, address, sizeof(ban.address));
        g_strlcpy(ban.name, name, sizeof(ban.name));
        g_strlcpy(ban.reason, reason, sizeof(ban.reason));
        room->last_ban_number = MAX(room->last_ban_number, (unsigned)atoi(id + 1));
        g_array_append_val(room->bans, ban);
    }
}

void room_remember(struct room *room, const char *stored, int64_t created_unix_ms) {
    json_t *json = json_loads(stored, 0, NULL);
    room->created_unix_ms = created_unix_ms;
    room->last_member_number = (unsigned)json_integer_value(json_object_get(json, "last_member"));
    room->call = json_integer_value(json_object_get(json, "call"));
    room->had_moderator = json_is_true(json_object_get(json, "had_moderator"));
    add_bans(room, json_object_get(json, "bans"));
    room_recall_pictures(room, json_object_get(json, "pictures"));
    json_decref(json);
    store_each_seat(room->world->store, room->spec.name, add_seat, room);
    if (room->seats->len == 0)
        return;
    room->has_had_members = true;
    room->remembered_until_ns = mixer_now_ns() + ROOM_SEATS_KEPT_S * ROOM_SECOND_NS;
}

// ---- calls ----

void room_begin_presence(struct room *room, struct member *member) {
    struct store *store = room->world->store;
    int64_t now = room_unix_ms();
    if (!room->call) {
        note(room, "call not remembered",
             store_begin_call(store, room->spec.name, room->spec.owner, room->spec.title, now,
                              &room->call));
    }
    room_keep(room); // the number of the newest member, and of the call
    if (room->call)
        note(room, "presence not remembered",
             store_begin_presence(store, room->call, member_name(member), member_user(member), now,
                                  member_presence(member)));
}

// Not at once: who is alone and loads the page anew is in the same call.
void room_check_call(struct room *room, int64_t now_ns) {
    bool is_over = room->members->len == 0 && now_ns >= room->remembered_until_ns &&
                   now_ns - room->emptied_ns > CALL_PAUSE_S * ROOM_SECOND_NS;
    if (!room->call || !is_over)
        return;
    note(room, "call not ended", store_end_call(room->world->store, room->call, room_unix_ms()));
    room->call = 0;
    room_keep(room);
}

void room_end_presence(struct room *room, struct member *member) {
    int64_t *presence = member_presence(member);
    if (*presence)
        note(room, "presence not ended",
             store_end_presence(room->world->store, *presence, room_unix_ms()));
    *presence = 0;
}
