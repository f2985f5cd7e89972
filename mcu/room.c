// SPDX-License-Identifier: MIT
// A room is held by the hub, by work of its mixer's threads that is on its way to the control loop,
// by whoever takes a snapshot, and by the thread that stops its mixer.
#include "mcu/room.h"

#include "mcu/log.h"
#include "mcu/session_internal.h"

#include <errno.h>
#include <glib.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

struct room {
    // Immutable.
    const struct room_world *world;
    char name[ROOM_NAME_MAX];
    bool is_made_by_api;
    int members_max, linger_s;
    int width_px, height_px, fps;
    int64_t created_unix_ms;
    struct downlink_config downlink;
    struct mixer *mixer;

    atomic_int references;

    // Control loop only.
    enum layout_kind layout;
    enum downlink_wish ceiling;
    bool is_ended, has_had_members;
    GPtrArray *members; // struct member, in order of joining
    unsigned last_member_number;
    int64_t emptied_ns;
    struct stage_view view;
    struct desk_speaking speaking;
    bool has_view;
};

static atomic_int draining;

int rooms_draining(void) {
    return atomic_load(&draining);
}

static int64_t unix_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct room *room_ref(struct room *room) {
    atomic_fetch_add(&room->references, 1);
    return room;
}

void room_unref(struct room *room) {
    if (!room || atomic_fetch_sub(&room->references, 1) != 1)
        return;
    g_ptr_array_free(room->members, TRUE);
    free(room);
}

// ---- told by the mixer's threads, handled on the control loop ----

struct view_news {
    struct room *room;
    struct stage_view view;
};

static void take_view(void *user) {
    struct view_news *news = user;
    struct room *room = news->room;
    if (!room->is_ended) {
        room->view = news->view;
        room->has_view = true;
        room_tell(room, protocol_layout(&room->view));
        for (guint i = 0; i < room->members->len; i++)
            member_send_uplink(room->members->pdata[i], &room->view, room->fps);
    }
    room_unref(room);
    free(news);
}

static void on_view(void *user, const struct stage_view *view) {
    struct view_news *news = malloc(sizeof(*news));
    if (!news)
        return;
    *news = (struct view_news){.room = room_ref(user), .view = *view};
    loop_post(news->room->world->loop, take_view, news);
}

struct speaking_news {
    struct room *room;
    struct desk_speaking speaking;
};

static void take_speaking(void *user) {
    struct speaking_news *news = user;
    if (!news->room->is_ended) {
        news->room->speaking = news->speaking;
        room_tell(news->room, protocol_speaking(&news->speaking));
    }
    room_unref(news->room);
    free(news);
}

static void on_speaking(void *user, const struct desk_speaking *speaking) {
    struct speaking_news *news = malloc(sizeof(*news));
    if (!news)
        return;
    *news = (struct speaking_news){.room = room_ref(user), .speaking = *speaking};
    loop_post(news->room->world->loop, take_speaking, news);
}

static const struct mixer_ops mixer_ops = {.on_view = on_view, .on_speaking = on_speaking};

// ---- life ----

static int round_to_16(int pixels) {
    return (pixels + 15) / 16 * 16;
}

bool room_canvas_is_possible(int width_px, int height_px) {
    int width = round_to_16(width_px), height = round_to_16(height_px);
    int longer = width > height ? width : height, shorter = width > height ? height : width;
    return longer >= 320 && longer <= 1920 && shorter >= 176 && shorter <= 1088;
}

void room_spec_init(struct room_spec *spec, const struct config *config, const char *name) {
    *spec = (struct room_spec){
        .name = name,
        .layout = LAYOUT_GRID,
        .width_px = config->canvas_width_px,
        .height_px = config->canvas_height_px,
        .fps = config->canvas_fps,
        .members_max = config->room_members_max,
        .linger_s = config->room_linger_s,
    };
}

// More pixels or frames than the default canvas deserve more bits, but not in proportion.
static void plan_bitrates(const struct room_spec *spec, const struct config *config,
                          struct downlink_config *out) {
    const int defaults_kbps[STAGE_TIERS] = {config->video_kbps, config->video_half_kbps,
                                            config->video_quarter_kbps};
    double defaults =
        (double)config->canvas_width_px * config->canvas_height_px * config->canvas_fps;
    double wanted = (double)spec->width_px * spec->height_px * spec->fps;
    for (int tier = 0; tier < STAGE_TIERS; tier++) {
        double kbps = defaults_kbps[tier] * (0.25 + 0.75 * wanted / defaults);
        out->tier_kbps[tier] = kbps < 40 ? 40 : kbps > 8000 ? 8000 : (int)kbps;
    }
    out->layer_percent[0] = config->video_base_percent;
    out->layer_percent[1] = MAX(config->video_base_percent, config->video_middle_percent);
    out->audio_kbps = config->audio_kbps;
    out->thrifty_kbps = config->audio_thrifty_kbps;
}

int room_create(const struct room_world *world, const struct room_spec *spec, struct room **out) {
    struct room *room = calloc(1, sizeof(*room));
    if (!room)
        return -ENOMEM;
    const struct config *config = world->config;
    room->world = world;
    snprintf(room->name, sizeof(room->name), "%s", spec->name);
    room->is_made_by_api = spec->is_made_by_api;
    room->members_max = spec->members_max;
    room->linger_s = spec->linger_s;
    room->layout = spec->layout;
    room->width_px = round_to_16(spec->width_px);
    room->height_px = round_to_16(spec->height_px);
    room->fps = spec->fps;
    room->ceiling = spec->ceiling;
    plan_bitrates(spec, config, &room->downlink);
    room->created_unix_ms = unix_ms();
    room->emptied_ns = mixer_now_ns();
    room->members = g_ptr_array_new();
    atomic_init(&room->references, 1);
    struct mixer_config mixer_config = {
        .video = {.width_px = room->width_px,
                  .height_px = room->height_px,
                  .fps = room->fps,
                  .tier_kbps = {room->downlink.tier_kbps[0], room->downlink.tier_kbps[1],
                                room->downlink.tier_kbps[2]},
                  .layer_percent = {room->downlink.layer_percent[0],
                                    room->downlink.layer_percent[1]},
                  .shows_names = true},
        .audio = {.kbps = config->audio_kbps,
                  .thrifty_kbps = config->audio_thrifty_kbps,
                  .loudest = config->loudest,
                  .playout_min_ns = config->playout_min_ms * INT64_C(1000000),
                  .playout_max_ns = config->playout_max_ms * INT64_C(1000000)},
    };
    int error = mixer_create(room->name, &mixer_config, &mixer_ops, room, &room->mixer);
    if (error) {
        room_unref(room);
        return error;
    }
    mixer_set_layout(room->mixer, &(struct stage_layout){.kind = room->layout});
    log_info(room->name, "room made by %s", room->is_made_by_api ? "the API" : "a join");
    *out = room;
    return 0;
}

// Joining the tick threads may take a frame or two: not on the control loop.
static gpointer drain(gpointer user) {
    struct room *room = user;
    mixer_destroy(room->mixer);
    room_unref(room);
    atomic_fetch_sub(&draining, 1);
    return NULL;
}

void room_end(struct room *room, const char *reason) {
    room->is_ended = true;
    while (room->members->len > 0) {
        struct member *member = room->members->pdata[room->members->len - 1];
        struct session *session = member_session(member);
        g_ptr_array_set_size(room->members, (gint)room->members->len - 1);
        member_destroy(member);
        if (session)
            session_bye(session, reason);
    }
    // People come back to the same room after a restart, and find what was said.
    if (strcmp(reason, "server-shutdown") != 0)
        store_forget_room(room->world->store, room->name);
    log_info(room->name, "room ended: %s", reason);
    atomic_fetch_add(&draining, 1);
    g_thread_unref(g_thread_new("room-drain", drain, room));
}

// ---- questions ----

const char *room_name(const struct room *room) {
    return room->name;
}

int room_member_count(const struct room *room) {
    return (int)room->members->len;
}

struct mixer *room_mixer(struct room *room) {
    return room->mixer;
}

const struct downlink_config *room_downlink(const struct room *room) {
    return &room->downlink;
}

enum downlink_wish room_ceiling(const struct room *room) {
    return room->ceiling;
}

void room_set_ceiling(struct room *room, enum downlink_wish ceiling) {
    room->ceiling = ceiling;
    for (guint i = 0; i < room->members->len; i++)
        member_set_ceiling(room->members->pdata[i], ceiling);
}

void room_get_canvas(const struct room *room, int *width_px, int *height_px, int *fps) {
    *width_px = room->width_px;
    *height_px = room->height_px;
    *fps = room->fps;
}

const struct room_world *room_world(const struct room *room) {
    return room->world;
}

// A room that the API made waits for its first member as long as it takes.
bool room_is_expired(const struct room *room, int64_t now_ns) {
    if (room->members->len > 0 || (room->is_made_by_api && !room->has_had_members))
        return false;
    return now_ns - room->emptied_ns > room->linger_s * SECOND_NS;
}

json_t *room_to_json(const struct room *room) {
    char created_at[32];
    protocol_time(room->created_unix_ms, created_at);
    return json_pack("{s:s, s:i, s:s, s:{s:i, s:i, s:i}, s:i, s:s, s:s, s:s}", "id", room->name,
                     "members", (int)room->members->len, "layout", layout_name(room->layout),
                     "canvas", "width", room->width_px, "height", room->height_px, "fps", room->fps,
                     "max_members", room->members_max, "receive", downlink_wish_name(room->ceiling),
                     "created_at", created_at, "created_by", room->is_made_by_api ? "api" : "join");
}

static bool is_speaking(const struct room *room, const char *id) {
    for (int i = 0; i < room->speaking.count; i++)
        if (strcmp(room->speaking.ids[i], id) == 0)
            return true;
    return false;
}

json_t *room_members_to_json(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->members->len; i++) {
        struct member *member = room->members->pdata[i];
        json_array_append_new(list, member_to_json(member, is_speaking(room, member_id(member))));
    }
    return list;
}

void room_append_links(const struct room *room, json_t *list) {
    for (guint i = 0; i < room->members->len; i++) {
        const struct member *member = room->members->pdata[i];
        if (member_is_connected(member))
            json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "room", room->name, "member",
                                                  member_id(member), "link",
                                                  member_link_to_json(member)));
    }
}

struct member *room_find_member(struct room *room, const char *id) {
    for (guint i = 0; i < room->members->len; i++)
        if (strcmp(member_id(room->members->pdata[i]), id) == 0)
            return room->members->pdata[i];
    return NULL;
}

int room_snapshot(struct room *room, int width_px, enum picture_format format, uint8_t **file,
                  size_t *size_bytes) {
    return mixer_snapshot(room->mixer, width_px, format, file, size_bytes);
}

// ---- what is said to all ----

void room_tell(struct room *room, char *text) {
    for (guint i = 0; i < room->members->len; i++)
        member_send(room->members->pdata[i], text);
    free(text);
}

void room_tell_signaling(struct room *room, char *text, const struct member *except) {
    for (guint i = 0; i < room->members->len; i++)
        if (room->members->pdata[i] != except)
            member_send_signaling(room->members->pdata[i], text);
    free(text);
}

void room_on_member_changed(struct room *room, struct member *member) {
    struct member_view view;
    member_get_view(member, &view);
    room_tell_signaling(room, protocol_member_updated(&view), NULL);
    if (room->has_view)
        member_send_uplink(member, &room->view, room->fps);
}

void room_greet(struct room *room, struct member *member) {
    if (room->has_view) {
        char *layout = protocol_layout(&room->view);
        member_send(member, layout);
        free(layout);
        member_send_uplink(member, &room->view, room->fps);
    }
    char *speaking = protocol_speaking(&room->speaking);
    member_send(member, speaking);
    free(speaking);
}

void room_chat(struct room *room, struct member *from, const char *text) {
    int64_t id = 0, at = unix_ms();
    int error = store_add_message(room->world->store, room->name, member_id(from),
                                  member_name(from), text, at, &id);
    if (error) // said, but not for those who come later
        log_warn(room->name, "chat message not kept: %s", strerror(-error));
    room_tell(room, protocol_chat(id, member_id(from), member_name(from), text, at));
}

// ---- members ----

static void append_message(void *user, const struct store_message *message) {
    json_array_append_new(user, protocol_chat_json(message->id, message->member, message->name,
                                                   message->text, message->at_unix_ms));
}

static char *make_joined(struct room *room, struct member *member, bool was_resumed) {
    json_t *messages = json_array();
    store_each_message(room->world->store, room->name, room->world->config->chat_history_max,
                       append_message, messages);
    json_t *members = json_array();
    for (guint i = 0; i < room->members->len; i++) {
        struct member_view view;
        member_get_view(room->members->pdata[i], &view);
        json_array_append_new(members, protocol_member_json(&view));
    }
    return protocol_joined(
        member_id(member), room->name, member_role(member), member_resume(member), was_resumed,
        protocol_ice_servers(room->world->config->ice_servers), members, messages);
}

static void seat_session(struct room *room, struct member *member, struct session *session,
                         bool was_resumed) {
    struct session *old = member_session(member);
    member_set_session(member, session);
    session_set_member(session, member);
    if (old) // the same seat from another window, or a socket that is dead without knowing it
        session_bye(old, "replaced");
    char *joined = make_joined(room, member, was_resumed);
    member_send_signaling(member, joined);
    free(joined);
}

static struct member *find_resumed(struct room *room, const char *secret) {
    size_t length = secret ? strlen(secret) : 0;
    for (guint i = 0; i < room->members->len && length > 0; i++) {
        const char *other = member_resume(room->members->pdata[i]);
        if (strlen(other) == length && sodium_memcmp(other, secret, length) == 0)
            return room->members->pdata[i];
    }
    return NULL;
}

int room_join(struct room *room, struct session *session, struct message *join,
              struct refusal *refusal) {
    struct member *member = find_resumed(room, join->join.resume);
    if (member) {
        seat_session(room, member, session, true);
        log_info(room->name, "%s is back", member_id(member));
        return 0;
    }
    if ((int)room->members->len >= room->members_max)
        return refusal_set(refusal, 403, "room-full", "This room is full.");
    char id[STAGE_ID_MAX];
    snprintf(id, sizeof(id), "m%u", ++room->last_member_number);
    char *name = join->join.name;
    join->join.name = NULL;
    const char *role =
        room->last_member_number == 1 && !room->is_made_by_api ? "moderator" : "member";
    member = member_create(room, id, name, role, join->join.audio_muted, join->join.video_muted);
    if (!member)
        return refusal_set(refusal, 503, "server-full",
                           "The server cannot take another member now.");
    g_ptr_array_add(room->members, member);
    room->has_had_members = true;
    seat_session(room, member, session, false);
    struct member_view view;
    member_get_view(member, &view);
    room_tell_signaling(room, protocol_member_joined(&view), member);
    log_info(room->name, "%s joined from %s", id, session_address(session));
    return 0;
}

void room_remove_member(struct room *room, struct member *member, const char *reason) {
    char id[STAGE_ID_MAX];
    snprintf(id, sizeof(id), "%s", member_id(member));
    g_ptr_array_remove(room->members, member);
    if (room->members->len == 0)
        room->emptied_ns = mixer_now_ns();
    struct session *session = member_session(member);
    if (session)
        session_set_member(session, NULL);
    member_destroy(member);
    room_tell_signaling(room, protocol_member_left(id, reason), NULL);
    log_info(room->name, "%s left: %s", id, reason);
}

void room_adapt(struct room *room, int64_t now_ns) {
    for (guint i = 0; i < room->members->len; i++)
        member_adapt(room->members->pdata[i], now_ns);
}

void room_check_members(struct room *room, int64_t now_ns) {
    for (guint i = room->members->len; i-- > 0;) {
        struct member *member = room->members->pdata[i];
        if (!member_is_lost(member, now_ns))
            continue;
        struct session *session = member_session(member);
        room_remove_member(room, member, "lost");
        if (session)
            session_bye(session, "lost");
    }
}
