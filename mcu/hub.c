// SPDX-License-Identifier: MIT
#include "mcu/hub_internal.h"

#include "mcu/limit.h"
#include "mcu/log.h"
#include "mcu/peer.h"
#include "mcu/session_internal.h"

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
};

struct hub {
    // Immutable.
    const struct config *config;
    struct loop *loop;
    struct room_world world;

    // Control loop only.
    GPtrArray *rooms; // struct room, a reference each
    struct limit_table *joins;
    unsigned check_timer, adapt_timer;
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
        room_check_members(room, now_ns);
        if (room_is_expired(room, now_ns))
            hub_drop_room(hub, room, "empty");
    }
}

static void adapt_rooms(void *user) {
    struct hub *hub = user;
    int64_t now_ns = mixer_now_ns();
    for (guint i = 0; i < hub->rooms->len; i++)
        room_adapt(hub->rooms->pdata[i], now_ns);
}

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
                                     .loop = loop};
    hub->rooms = g_ptr_array_new();
    hub->joins = limit_table_create(ADDRESSES_MAX, config->joins_per_s,
                                    JOIN_BURST_FACTOR * config->joins_per_s);
    if (!hub->joins) {
        hub_destroy(hub);
        return NULL;
    }
    hub->check_timer = loop_every(loop, CHECK_EVERY_MS, check_rooms, hub);
    hub->adapt_timer = loop_every(loop, ADAPT_EVERY_MS, adapt_rooms, hub);
    return hub;
}

void hub_shut_down(struct hub *hub) {
    hub->is_shutting_down = true;
    while (hub->rooms->len > 0)
        hub_drop_room(hub, hub->rooms->pdata[hub->rooms->len - 1], "server-shutdown");
}

void hub_destroy(struct hub *hub) {
    if (!hub)
        return;
    loop_stop_timer(hub->loop, hub->check_timer);
    loop_stop_timer(hub->loop, hub->adapt_timer);
    hub_shut_down(hub);
    // Work that is still queued may hold the last reference to a connection or a room.
    int stuck = 0;
    for (int waited_ms = 0; waited_ms < DRAIN_MAX_MS; waited_ms += DRAIN_STEP_MS) {
        loop_drain(hub->loop);
        stuck = peer_drain(DRAIN_STEP_MS);
        if (stuck == 0 && rooms_draining() == 0)
            break;
        if (stuck == 0)
            g_usleep(DRAIN_STEP_MS * 1000);
    }
    loop_drain(hub->loop);
    if (stuck > 0)
        log_warn(NULL, "%d connections could not be closed in time", stuck);
    g_ptr_array_free(hub->rooms, TRUE);
    limit_table_destroy(hub->joins);
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

int hub_make_room(struct hub *hub, const struct room_spec *spec, struct room **out,
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

void hub_drop_room(struct hub *hub, struct room *room, const char *reason) {
    g_ptr_array_remove(hub->rooms, room);
    add_totals(&hub->ended, room);
    room_end(room, reason);
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

int hub_join(struct hub *hub, struct session *session, struct message *join,
             struct refusal *refusal) {
    if (hub->is_shutting_down)
        return refusal_set(refusal, 503, "server-shutdown", "The server is shutting down.");
    if (!limit_table_take(hub->joins, session_address(session), mixer_now_ns()))
        return refusal_set(refusal, 429, "rate-limited",
                           "Too many joins from your address. Wait a moment.");
    struct room *room = hub_find_room(hub, join->join.room);
    if (!room) {
        if (hub->config->rooms_created_by_api_only)
            return refusal_set(refusal, 404, "room-not-found", "There is no room of this name.");
        struct room_spec spec;
        room_spec_init(&spec, hub->config, join->join.room);
        if (hub_make_room(hub, &spec, &room, refusal) != 0)
            return -1;
    }
    if (room_join(room, session, join, refusal) != 0)
        return -1;
    hub->join_count++;
    return 0;
}
