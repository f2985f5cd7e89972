// SPDX-License-Identifier: MIT
// A room is held by the hub, by work of its mixer's threads that is on its way to the control loop,
// by whoever takes a snapshot, and by the thread that stops its mixer.
#include "mcu/room_internal.h"

#include "mcu/log.h"
#include "mcu/room_broadcast.h"
#include "mcu/room_layout.h"
#include "mcu/room_record.h"
#include "mcu/session_internal.h"
#include "mcu/store_users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int draining;
static uint64_t last_serial; // control loop

int rooms_draining(void) {
    return atomic_load(&draining);
}

int64_t room_unix_ms(void) {
    return g_get_real_time() / 1000;
}

struct room *room_ref(struct room *room) {
    atomic_fetch_add(&room->references, 1);
    return room;
}

void room_unref(struct room *room) {
    if (!room || atomic_fetch_sub(&room->references, 1) != 1)
        return;
    g_ptr_array_free(room->members, TRUE);
    g_ptr_array_free(room->waiting, TRUE);
    g_ptr_array_free(room->seats, TRUE);
    g_array_free(room->bans, TRUE);
    g_ptr_array_free(room->recordings, TRUE);
    g_ptr_array_free(room->broadcasts, TRUE);
    free(room);
}

// ---- told by the mixer's threads, handled on the control loop ----

struct view_news {
    struct room *room;
    struct stage_view view;
};

static json_t *view_to_json(const struct stage_view *view) {
    json_t *tiles = json_array();
    for (int i = 0; i < view->count; i++)
        json_array_append_new(tiles,
                              json_pack("{s:s, s:s}", "member", view->tiles[i].member, "kind",
                                        view->tiles[i].role == VIDEO_SCREEN ? "screen" : "camera"));
    return json_pack("{s:s, s:o}", "kind", layout_name(view->kind), "tiles", tiles);
}

static void take_view(void *user) {
    struct view_news *news = user;
    struct room *room = news->room;
    if (!room->is_ended) {
        room_record_on_view(room, &news->view);
        room->view = news->view;
        room->has_view = true;
        room_tell(room, protocol_layout(&room->view));
        room_event(room, "layout", view_to_json(&room->view));
        for (guint i = 0; i < room->members->len; i++)
            member_send_uplink(room->members->pdata[i], &room->view, room->spec.fps);
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
        json_t *members = json_array();
        for (int i = 0; i < news->speaking.count; i++)
            json_array_append_new(members, json_string(news->speaking.ids[i]));
        news->room->speaking = news->speaking;
        room_record_on_speaking(news->room);
        room_tell(news->room, protocol_speaking(&news->speaking));
        room_event(news->room, "speaking", json_pack("{s:o}", "members", members));
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

static struct stage_config canvas_of(const struct room_spec *spec,
                                     const struct downlink_config *downlink) {
    return (struct stage_config){
        .width_px = spec->width_px,
        .height_px = spec->height_px,
        .fps = spec->fps,
        .tier_kbps = {downlink->tier_kbps[0], downlink->tier_kbps[1], downlink->tier_kbps[2]},
        .layer_percent = {downlink->layer_percent[0], downlink->layer_percent[1]},
        .shows_names = true,
    };
}

static void take_login(void *user, const struct store_user *owner) {
    struct room *room = user;
    g_strlcpy(room->owner_login, owner->login, sizeof(room->owner_login));
}

int room_create(const struct room_world *world, const struct room_spec *spec, struct room **out) {
    struct room *room = calloc(1, sizeof(*room));
    if (!room)
        return -ENOMEM;
    const struct config *config = world->config;
    room->world = world;
    room->spec = *spec;
    room->serial = ++last_serial;
    room->revision = 1;
    plan_bitrates(spec, config, &room->downlink);
    room->created_unix_ms = room_unix_ms();
    room->emptied_ns = mixer_now_ns();
    room->members = g_ptr_array_new();
    room->waiting = g_ptr_array_new_with_free_func(room_waiting_free);
    room->seats = g_ptr_array_new_with_free_func(room_seat_free);
    room->bans = g_array_new(FALSE, TRUE, sizeof(struct room_ban));
    room->recordings = g_ptr_array_new();
    room->broadcasts = g_ptr_array_new();
    atomic_init(&room->references, 1);
    struct mixer_config mixer_config = {
        .video = canvas_of(spec, &room->downlink),
        .audio = {.kbps = config->audio_kbps,
                  .thrifty_kbps = config->audio_thrifty_kbps,
                  .loudest = config->loudest,
                  .playout_min_ns = config->playout_min_ms * INT64_C(1000000),
                  .playout_max_ns = config->playout_max_ms * INT64_C(1000000)},
    };
    int error = mixer_create(spec->name, &mixer_config, &mixer_ops, room, &room->mixer);
    if (error) {
        room_unref(room);
        return error;
    }
    mixer_set_layout(room->mixer, &spec->layout);
    mixer_set_background(room->mixer, spec->background_rgb);
    if (spec->owner)
        store_get_user(world->store, spec->owner, take_login, room);
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

void room_end(struct room *room, const char *reason, const char *message) {
    bool is_shutdown = strcmp(reason, "server-shutdown") == 0;
    room->is_ended = true;
    room_record_end_all(room);
    room_broadcast_end_all(room);
    room_dismiss_waiting(room, reason, message);
    while (room->members->len > 0) {
        struct member *member = room->members->pdata[room->members->len - 1];
        struct session *session = member_session(member);
        g_ptr_array_set_size(room->members, (gint)room->members->len - 1);
        room_end_presence(room, member);
        member_destroy(member);
        if (session)
            session_bye(session, reason, message);
    }
    room_forget(room, is_shutdown);
    room_event(room, "room-ended", json_pack("{s:s, s:s?}", "reason", reason, "message", message));
    log_info(room->spec.name, "room ended: %s", reason);
    atomic_fetch_add(&draining, 1);
    g_thread_unref(g_thread_new("room-drain", drain, room));
}

// ---- questions ----

const char *room_name(const struct room *room) {
    return room->spec.name;
}

const struct room_spec *room_spec(const struct room *room) {
    return &room->spec;
}

uint64_t room_serial(const struct room *room) {
    return room->serial;
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
    return room->spec.ceiling;
}

unsigned room_revision(const struct room *room) {
    return room->revision;
}

void room_get_canvas(const struct room *room, int *width_px, int *height_px, int *fps) {
    *width_px = room->spec.width_px;
    *height_px = room->spec.height_px;
    *fps = room->spec.fps;
}

const struct room_world *room_world(const struct room *room) {
    return room->world;
}

void room_get_place(const struct room *room, struct place *out) {
    *out = (struct place){.room = room->spec.name, .owner = room->spec.owner};
}

bool room_allows(const struct room *room, const struct member *member, enum action action,
                 struct refusal *refusal) {
    struct place place;
    struct caller caller;
    room_get_place(room, &place);
    member_get_caller(member, &caller);
    return permission_check(&caller, action, &place, refusal) == 0;
}

// A room that the API made waits for its first member as long as it takes.
bool room_is_over(const struct room *room, int64_t now_ns, const char **reason) {
    if (room->spec.expires_unix_ms && room_unix_ms() >= room->spec.expires_unix_ms) {
        *reason = "room-expired";
        return true;
    }
    bool waits_for_first = room->spec.maker == ROOM_BY_API && !room->has_had_members;
    if (room->members->len > 0 || room->waiting->len > 0 || waits_for_first ||
        now_ns < room->remembered_until_ns)
        return false;
    *reason = "empty";
    return now_ns - room->emptied_ns > room->spec.linger_s * ROOM_SECOND_NS;
}

json_t *room_to_json(const struct room *room) {
    char created_at[32];
    json_t *json = room_spec_to_json(&room->spec), *theme = json_object_get(json, "theme");
    protocol_time(room->created_unix_ms, created_at);
    json_object_set_new(theme, "has_background_picture",
                        json_boolean(room->has_picture[STAGE_BACKGROUND]));
    json_object_set_new(theme, "has_logo", json_boolean(room->has_picture[STAGE_LOGO]));
    json_object_set_new(theme, "has_banner_picture",
                        json_boolean(room->has_picture[STAGE_BANNER_PICTURE]));
    json_object_set_new(json, "members", json_integer((int)room->members->len - room->viewers));
    json_object_set_new(json, "viewers", json_integer(room->viewers));
    json_object_set_new(json, "waiting", json_integer(room->waiting->len));
    json_object_set_new(json, "banner", room_banner_to_json(room));
    json_object_set_new(json, "recording", json_string(room_record_state(room)));
    json_object_set_new(json, "owner",
                        room->owner_login[0] ? json_string(room->owner_login) : json_null());
    json_object_set_new(json, "revision", json_integer(room->revision));
    json_object_set_new(json, "created_at", json_string(created_at));
    return json;
}

json_t *room_stats_to_json(const struct room *room) {
    struct mixer_stats stats = {0};
    mixer_get_stats(room->mixer, &stats);
    json_t *tiers = json_array();
    for (int i = 0; i < STAGE_TIERS; i++)
        json_array_append_new(tiers, json_pack("{s:I, s:I, s:I, s:i}", "frames",
                                               (json_int_t)stats.video.tiers[i].frames, "keyframes",
                                               (json_int_t)stats.video.tiers[i].keyframes, "bytes",
                                               (json_int_t)stats.video.tiers[i].bytes, "kbps",
                                               stats.video.tiers[i].kbps));
    json_t *video =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "ticks",
                  (json_int_t)stats.video_ticks, "ticks_late", (json_int_t)stats.video_ticks_late,
                  "ticks_skipped", (json_int_t)stats.video_ticks_skipped, "frames_composed",
                  (json_int_t)stats.video.frames_composed, "frames_encoded",
                  (json_int_t)stats.video.frames_encoded, "frames_decoded",
                  (json_int_t)stats.video.frames_decoded, "frames_broken",
                  (json_int_t)stats.video.frames_broken, "compose_seconds",
                  (double)stats.video.compose_ns / 1e9, "encode_seconds",
                  (double)stats.video.encode_ns / 1e9, "tiers", tiers);
    json_t *audio =
        json_pack("{s:I, s:I, s:I}", "ticks", (json_int_t)stats.audio.ticks, "ticks_late",
                  (json_int_t)stats.audio_ticks_late, "encodes", (json_int_t)stats.audio.encodes);
    return json_pack("{s:i, s:i, s:i, s:b, s:o, s:o}", "members",
                     (int)room->members->len - room->viewers, "viewers", room->viewers, "waiting",
                     (int)room->waiting->len, "playing", mixer_is_playing(room->mixer), "video",
                     video, "audio", audio);
}

void room_append_links(const struct room *room, json_t *list) {
    for (guint i = 0; i < room->members->len; i++) {
        const struct member *member = room->members->pdata[i];
        if (member_is_connected(member))
            json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "room", room->spec.name,
                                                  "member", member_id(member), "link",
                                                  member_link_to_json(member)));
    }
}

int room_snapshot(struct room *room, int width_px, enum picture_format format, uint8_t **file,
                  size_t *size_bytes) {
    return mixer_snapshot(room->mixer, width_px, format, file, size_bytes);
}

// ---- settings ----

static int change_canvas(struct room *room, const struct room_spec *wanted,
                         struct refusal *refusal) {
    if (wanted->width_px == room->spec.width_px && wanted->height_px == room->spec.height_px &&
        wanted->fps == room->spec.fps)
        return 0;
    struct downlink_config downlink = room->downlink;
    plan_bitrates(wanted, room->world->config, &downlink);
    struct stage_config canvas = canvas_of(wanted, &downlink);
    int error = mixer_set_canvas(room->mixer, &canvas);
    if (error)
        return refusal_set(refusal, 503, "server-full", "The canvas cannot be changed now: %s.",
                           strerror(-error));
    room->downlink = downlink;
    for (guint i = 0; i < room->members->len; i++)
        member_set_downlink(room->members->pdata[i], &downlink);
    return 0;
}

int room_change(struct room *room, const struct room_spec *wanted, struct refusal *refusal) {
    if (change_canvas(room, wanted, refusal) != 0)
        return -1;
    bool has_other_ceiling = wanted->ceiling != room->spec.ceiling;
    bool is_opened = room->spec.has_lobby && !wanted->has_lobby;
    struct stage_layout before = room->spec.layout;
    room->spec = *wanted;
    if (before.kind != LAYOUT_SPOTLIGHT)
        room->kind_before_spotlight = before.kind;
    mixer_set_layout(room->mixer, &wanted->layout);
    mixer_set_background(room->mixer, wanted->background_rgb);
    for (guint i = 0; i < room->members->len; i++) {
        struct member *member = room->members->pdata[i];
        if (has_other_ceiling)
            member_set_ceiling(member, wanted->ceiling);
        if (room_layout_is_chosen(&before, member_id(member)) !=
            room_is_chosen(room, member_id(member)))
            room_on_member_changed(room, member);
    }
    room_on_settings_changed(room);
    if (is_opened)
        room_admit(room, NULL, NULL);
    return 0;
}

bool room_is_chosen(const struct room *room, const char *member) {
    return room->spec.layout.kind == LAYOUT_SPOTLIGHT &&
           room_layout_is_chosen(&room->spec.layout, member);
}

// The first one turns the spotlight on; after the last one it is as it was before.
void room_choose(struct room *room, struct member *member, bool is_chosen) {
    struct room_spec wanted = room->spec;
    struct stage_layout *layout = &wanted.layout;
    if (room_is_chosen(room, member_id(member)) == is_chosen)
        return;
    if (layout->kind != LAYOUT_SPOTLIGHT)
        layout->chosen_count = 0;
    room_layout_choose(layout, member_id(member), is_chosen);
    layout->kind = layout->chosen_count > 0 ? LAYOUT_SPOTLIGHT : room->kind_before_spotlight;
    room_change(room, &wanted, NULL);
}

void room_set_banner(struct room *room, const struct room_banner *banner) {
    room->banner = banner ? *banner : (struct room_banner){0};
    mixer_set_banner(room->mixer, banner && banner->look.text[0] ? &room->banner.look : NULL);
    room_on_settings_changed(room);
}

json_t *room_banner_to_json(const struct room *room) {
    const struct stage_banner *look = &room->banner.look;
    if (!look->text[0])
        return json_null();
    return json_pack("{s:s, s:s, s:o, s:o}", "text", look->text, "position",
                     look->is_at_top ? "top" : "bottom", "colour",
                     json_sprintf("#%06x", look->colour_rgb), "background",
                     json_sprintf("#%06x", look->background_rgb));
}

// ---- time passes ----

void room_adapt(struct room *room, int64_t now_ns) {
    for (guint i = 0; i < room->members->len; i++)
        member_adapt(room->members->pdata[i], now_ns);
}

void room_check(struct room *room, int64_t now_ns) {
    for (guint i = room->members->len; i-- > 0;) {
        struct member *member = room->members->pdata[i];
        if (!member_is_lost(member, now_ns))
            continue;
        struct session *session = member_session(member);
        room_remove_member(room, member, "lost");
        if (session)
            session_bye(session, "lost", NULL);
    }
    if (room->banner.until_ns && now_ns >= room->banner.until_ns)
        room_set_banner(room, NULL);
    room_record_check(room, now_ns);
    room_check_seats(room, now_ns);
    room_check_call(room, now_ns);
}
