// SPDX-License-Identifier: MIT
#include "mcu/hub_internal.h"

#include "mcu/errands.h"
#include "mcu/limit.h"
#include "mcu/log.h"
#include "mcu/peer.h"
#include "mcu/room.h"
#include "mcu/room_record.h"
#include "mcu/session_internal.h"
#include "mcu/token.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHECK_EVERY_MS = 500, // presence of members, expiry of rooms
    ADAPT_EVERY_MS = 100, // what members receive
    DRAIN_MAX_MS = 3000,
    DRAIN_STEP_MS = 20,
    JOIN_BURST_FACTOR = 3,
    ADDRESSES_MAX = 4096,
    // A wrong PIN costs ten seconds; five may be tried at once.
    WRONG_PIN_COST = 10,
    WRONG_PINS_BURST = 5,
    SWEEP_EVERY_MS = 3600 * 1000,
};

struct hub {
    // Immutable.
    const struct config *config;
    struct loop *loop;
    struct room_world world;

    // Control loop only.
    GPtrArray *rooms; // struct room, a reference each
    struct limit_table *joins, *pins;
    unsigned check_timer, adapt_timer, sweep_timer;
    bool is_shutting_down;
    int sessions;
    uint64_t join_count, refusal_count;
    struct hub_stats ended; // what rooms that are gone had counted: totals never fall
};

static void check_rooms(void *user) {
    struct hub *hub = user;
    int64_t now_ns = mixer_now_ns();
    for (guint i = hub->rooms->len; i-- > 0;) {
        struct room *room = hub->rooms->pdata[i];
        const char *reason = NULL;
        room_check(room, now_ns);
        if (room_is_over(room, now_ns, &reason))
            hub_drop_room(hub, room, reason, NULL);
    }
}

static void adapt_rooms(void *user) {
    struct hub *hub = user;
    int64_t now_ns = mixer_now_ns();
    for (guint i = 0; i < hub->rooms->len; i++)
        room_adapt(hub->rooms->pdata[i], now_ns);
}

static void restore_rooms(struct hub *hub);
static void sweep_store(void *user);

struct hub *hub_create(const struct config *config, struct store *store, struct events *events,
                       const char *token_secret, struct loop *loop) {
    if (!room_canvas_is_possible(config->canvas_width_px, config->canvas_height_px)) {
        log_error(NULL, "a canvas of %dx%d is not between 320x180 and 1920x1080",
                  config->canvas_width_px, config->canvas_height_px);
        return NULL;
    }
    struct hub *hub = calloc(1, sizeof(*hub));
    if (!hub)
        return NULL;
    hub->config = config;
    hub->loop = loop;
    hub->world = (struct room_world){.config = config,
                                     .store = store,
                                     .events = events,
                                     .token_secret = token_secret,
                                     .loop = loop,
                                     .hub = hub};
    hub->rooms = g_ptr_array_new();
    hub->joins = limit_table_create(ADDRESSES_MAX, config->joins_per_s,
                                    JOIN_BURST_FACTOR * config->joins_per_s);
    hub->pins = limit_table_create(ADDRESSES_MAX, 1, WRONG_PINS_BURST * WRONG_PIN_COST);
    hub->world.errands = errands_create();
    hub->world.disk_errands = errands_create();
    if (!hub->joins || !hub->pins || !hub->world.errands || !hub->world.disk_errands) {
        hub_destroy(hub);
        return NULL;
    }
    restore_rooms(hub);
    sweep_store(hub);
    hub->check_timer = loop_every(loop, CHECK_EVERY_MS, check_rooms, hub);
    hub->adapt_timer = loop_every(loop, ADAPT_EVERY_MS, adapt_rooms, hub);
    hub->sweep_timer = loop_every(loop, SWEEP_EVERY_MS, sweep_store, hub);
    return hub;
}

void hub_set_library(struct hub *hub, struct library *library) {
    hub->world.library = library;
}

bool hub_left_something(void) {
    return room_records_unfinished() > 0;
}

void hub_shut_down(struct hub *hub) {
    hub->is_shutting_down = true;
    while (hub->rooms->len > 0)
        hub_drop_room(hub, hub->rooms->pdata[hub->rooms->len - 1], "server-shutdown", NULL);
}

void hub_destroy(struct hub *hub) {
    if (!hub)
        return;
    loop_stop_timer(hub->loop, hub->check_timer);
    loop_stop_timer(hub->loop, hub->adapt_timer);
    loop_stop_timer(hub->loop, hub->sweep_timer);
    hub_shut_down(hub);
    // Work that is still queued may hold the last reference to a connection or a room.
    int stuck = 0;
    for (int waited_ms = 0; waited_ms < DRAIN_MAX_MS; waited_ms += DRAIN_STEP_MS) {
        loop_drain(hub->loop);
        stuck = peer_drain(DRAIN_STEP_MS);
        if (stuck == 0 && rooms_draining() == 0 && room_records_unfinished() == 0)
            break;
        if (stuck == 0)
            g_usleep(DRAIN_STEP_MS * 1000);
    }
    errands_destroy(hub->world.errands);
    loop_drain(hub->loop);
    if (stuck > 0)
        log_warn(NULL, "%d connections could not be closed in time", stuck);
    if (hub_left_something()) { // and all of this is what that stands on
        log_warn(NULL, "%d recordings could not be finished in time: the next start repairs them",
                 room_records_unfinished());
        return;
    }
    errands_destroy(hub->world.disk_errands);
    loop_drain(hub->loop);
    g_ptr_array_free(hub->rooms, TRUE);
    limit_table_destroy(hub->joins);
    limit_table_destroy(hub->pins);
    free(hub);
}

const struct config *hub_config(const struct hub *hub) {
    return hub->config;
}

struct loop *hub_loop(const struct hub *hub) {
    return hub->loop;
}

struct store *hub_store(const struct hub *hub) {
    return hub->world.store;
}

bool hub_is_shutting_down(const struct hub *hub) {
    return hub->is_shutting_down;
}

void hub_count_session(struct hub *hub, int change) {
    hub->sessions += change;
}

void hub_count_refusal(struct hub *hub) {
    hub->refusal_count++;
}

// ---- rooms ----

struct room *hub_find_room(struct hub *hub, const char *name) {
    for (guint i = 0; i < hub->rooms->len; i++)
        if (strcmp(room_name(hub->rooms->pdata[i]), name) == 0)
            return hub->rooms->pdata[i];
    return NULL;
}

struct room *hub_next_room(struct hub *hub, size_t index) {
    return index < hub->rooms->len ? hub->rooms->pdata[index] : NULL;
}

static int make_room(struct hub *hub, const struct room_spec *spec, struct room **out,
                     struct refusal *refusal) {
    if (hub->is_shutting_down)
        return refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    if ((int)hub->rooms->len >= hub->config->rooms_max)
        return refusal_set(refusal, 429, "rooms-limit", "The server has as many rooms as it may.");
    struct room *room;
    int error = room_create(&hub->world, spec, &room);
    if (error) {
        log_error(spec->name, "room not made: %s", strerror(-error));
        return refusal_set(refusal, 503, "server-full", "The server cannot make another room now.");
    }
    g_ptr_array_add(hub->rooms, room);
    *out = room;
    return 0;
}

static void announce(struct hub *hub, struct room *room) {
    static const char *const makers[] = {"a join", "the API", "its owner"};
    log_info(room_name(room), "room made by %s", makers[room_spec(room)->maker]);
    room_keep(room);
    events_add(hub->world.events, "room-created", room_name(room),
               json_pack("{s:o}", "room", room_to_json(room)));
}

int hub_make_room(struct hub *hub, const struct room_spec *spec, struct room **out,
                  struct refusal *refusal) {
    if (make_room(hub, spec, out, refusal) != 0)
        return -1;
    announce(hub, *out);
    return 0;
}

// ---- rooms that are kept ----

struct kept {
    struct hub *hub;
    struct room *room; // made
    struct refusal *refusal;
};

static bool read_spec(const struct hub *hub, const struct store_room *stored,
                      struct room_spec *spec) {
    json_t *json = json_loads(stored->spec, 0, NULL);
    const char *maker = json_string_value(json_object_get(json, "maker"));
    struct refusal refusal;
    room_spec_init(spec, hub->config, stored->name);
    spec->owner = stored->owner;
    spec->maker = g_strcmp0(maker, "api") == 0     ? ROOM_BY_API
                  : g_strcmp0(maker, "owner") == 0 ? ROOM_BY_OWNER
                                                   : ROOM_BY_JOIN;
    const json_t *settings = json_object_get(json, "spec");
    json_object_del((json_t *)settings, "id");
    bool is_good = settings && room_spec_read(spec, hub->config, settings, false, &refusal) == 0;
    if (!is_good) // settings that this server does not allow any more
        log_warn(stored->name, "its kept settings are not used: %s",
                 settings ? refusal.message : "they are damaged");
    json_decref(json);
    return is_good;
}

static void restore_room(void *user, const struct store_room *stored) {
    struct kept *kept = user;
    struct room_spec spec;
    struct refusal refusal;
    struct room *room;
    read_spec(kept->hub, stored, &spec);
    if (make_room(kept->hub, &spec, &room, &refusal) != 0) {
        log_warn(stored->name, "room not brought back: %s", refusal.message);
        return;
    }
    room_remember(room, stored->spec, stored->created_unix_ms);
    log_info(stored->name, "room brought back");
}

static void restore_rooms(struct hub *hub) {
    struct kept kept = {.hub = hub};
    int error = store_each_live_room(hub->world.store, restore_room, &kept);
    if (error)
        log_error(NULL, "rooms of before are lost: %s", store_explain(error));
}

static void open_kept(void *user, const struct store_room *stored) {
    struct kept *kept = user;
    struct room_spec spec;
    read_spec(kept->hub, stored, &spec);
    spec.maker = ROOM_BY_OWNER;
    if (make_room(kept->hub, &spec, &kept->room, kept->refusal) != 0)
        return;
    room_remember(kept->room, stored->spec, g_get_real_time() / 1000);
    announce(kept->hub, kept->room);
}

struct room *hub_open_room(struct hub *hub, const char *name, struct refusal *refusal) {
    struct kept kept = {.hub = hub, .room = hub_find_room(hub, name), .refusal = refusal};
    int64_t owner = 0;
    if (kept.room)
        return kept.room;
    if (store_get_room_owner(hub->world.store, name, &owner) != 0 || owner == 0) {
        refusal_set(refusal, 404, "room-not-found", "There is no room of this name.");
        return NULL;
    }
    if (store_get_room(hub->world.store, name, open_kept, &kept) == -ENOENT) {
        struct room_spec spec;
        room_spec_init(&spec, hub->config, name);
        spec.owner = owner;
        spec.maker = ROOM_BY_OWNER;
        hub_make_room(hub, &spec, &kept.room, refusal);
    }
    return kept.room;
}

static void forget_what_is_old(void *user) {
    struct hub *hub = user;
    store_forget(hub->world.store, g_get_real_time() / 1000, hub->config->history_days);
}

static void sweep_store(void *user) {
    struct hub *hub = user;
    errands_send(hub->world.errands, forget_what_is_old, hub);
}

bool hub_may_try_pin(struct hub *hub, const char *address) {
    return limit_table_has(hub->pins, address, mixer_now_ns());
}

void hub_count_wrong_pin(struct hub *hub, const char *address) {
    for (int i = 0; i < WRONG_PIN_COST; i++)
        limit_table_take(hub->pins, address, mixer_now_ns());
}

static void add_totals(struct hub_stats *totals, struct room *room) {
    struct mixer_stats stats = {0};
    mixer_get_stats(room_mixer(room), &stats);
    totals->frames_composed += stats.video.frames_composed;
    totals->frames_encoded += stats.video.frames_encoded;
    totals->frames_decoded += stats.video.frames_decoded;
    totals->frames_broken += stats.video.frames_broken;
    totals->keyframes += stats.video.keyframes;
    totals->video_ticks += stats.video_ticks;
    totals->video_ticks_late += stats.video_ticks_late;
    totals->video_ticks_skipped += stats.video_ticks_skipped;
    totals->audio_ticks += stats.audio.ticks;
    totals->audio_ticks_late += stats.audio_ticks_late;
    totals->audio_encodes += stats.audio.encodes;
    totals->compose_s += (double)stats.video.compose_ns / 1e9;
    totals->encode_s += (double)stats.video.encode_ns / 1e9;
    histogram_merge(&totals->frame_time, &stats.video.frame_time);
    histogram_merge(&totals->video_lateness, &stats.video_lateness);
    histogram_merge(&totals->audio_lateness, &stats.audio_lateness);
    histogram_merge(&totals->playout_delay, &stats.audio.playout_delay);
}

void hub_drop_room(struct hub *hub, struct room *room, const char *reason, const char *message) {
    g_ptr_array_remove(hub->rooms, room);
    add_totals(&hub->ended, room);
    room_end(room, reason, message);
}

void hub_fill_stats(struct hub *hub, struct hub_stats *out) {
    *out = hub->ended;
    out->rooms = (int)hub->rooms->len;
    out->sessions = hub->sessions;
    out->peers = peer_count();
    out->joins = hub->join_count;
    out->refusals = hub->refusal_count;
    for (guint i = 0; i < hub->rooms->len; i++) {
        out->members += room_member_count(hub->rooms->pdata[i]);
        add_totals(out, hub->rooms->pdata[i]);
    }
}

// ---- joining ----

// By the token that came with the join, else by the cookie that came with the socket.
static int recognise(struct hub *hub, const struct session *session, struct message *join,
                     struct caller *out, struct refusal *refusal) {
    *out = *session_caller(session);
    if (!join->join.token || !join->join.token[0])
        return 0;
    struct token_claims claims;
    int64_t now_s = g_get_real_time() / G_USEC_PER_SEC;
    if (token_read(hub->world.token_secret, join->join.token, now_s, &claims, refusal) != 0)
        return -1;
    if (strcmp(claims.room, join->join.room) != 0)
        return refusal_set(refusal, 403, "token-wrong-room", "This token is for another room.");
    if (claims.is_single_use && store_use_token(hub->world.store, claims.id, claims.expires_s) != 0)
        return refusal_set(refusal, 401, "token-used",
                           "This link was used already: ask for a new one.");
    token_caller(&claims, out);
    if (claims.name[0]) { // whoever minted it says who this is
        free(join->join.name);
        join->join.name = g_strdup(claims.name);
    }
    return 0;
}

static int make_for(struct hub *hub, const char *name, const struct caller *caller,
                    struct room **out, struct refusal *refusal) {
    struct room_spec spec;
    // A token comes from a backend that may make rooms.
    if (hub->config->rooms_created_by_api_only && caller->kind != CALLER_ROOM)
        return refusal_set(refusal, 404, "room-not-found", "There is no room of this name.");
    if (!hub->config->guests && caller->kind == CALLER_NOBODY)
        return refusal_set(refusal, 401, "sign-in-required",
                           "Sign in, or use the link that you were given.");
    room_spec_init(&spec, hub->config, name);
    return hub_make_room(hub, &spec, out, refusal);
}

int hub_join(struct hub *hub, struct session *session, struct message *join,
             struct refusal *refusal) {
    if (hub->is_shutting_down)
        return refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    if (!limit_table_take(hub->joins, session_address(session), mixer_now_ns()))
        return refusal_set(refusal, 429, "rate-limited",
                           "Too many joins from your address. Wait a moment.");
    struct caller caller;
    struct room *room = hub_open_room(hub, join->join.room, refusal);
    bool has_seat = room && room_has_seat(room, join->join.resume);
    if (!has_seat && recognise(hub, session, join, &caller, refusal) != 0)
        return -1;
    if (!room && make_for(hub, join->join.room, &caller, &room, refusal) != 0)
        return -1;
    if (room_join(room, session, has_seat ? session_caller(session) : &caller, join, refusal) != 0)
        return -1;
    hub->join_count++;
    return 0;
}
