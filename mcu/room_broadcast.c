// SPDX-License-Identifier: MIT
#include "mcu/room_broadcast.h"

#include "mcu/hls_files.h"
#include "mcu/log.h"
#include "mcu/room_record_internal.h"
#include "mcu/webhooks_target.h"
#include "mixer/record/broadcast.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct live {
    // Immutable while it runs.
    struct room *room; // a reference
    char id[STAGE_ID_MAX];
    bool is_hls, may_be_private;
    char shown_url[BROADCAST_URL_MAX]; // without its secret
    char *dir;                         // of HLS
    struct broadcast *broadcast;
    struct tap *tap;

    // Control loop only.
    bool is_ending;
};

static void remove_dir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
    rmdir(path);
}

// ---- as JSON ----

static json_t *live_to_json(const struct live *live) {
    struct broadcast_stats stats = {0};
    if (live->broadcast)
        broadcast_get_stats(live->broadcast, &stats);
    enum broadcast_state state = live->is_ending ? BROADCAST_STOPPED : stats.state;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s?, s:f, s:i, s:i, s:I}", "id", live->id, "kind",
                             live->is_hls ? "hls" : "rtmp", "state", broadcast_state_name(state),
                             "url", live->is_hls ? NULL : live->shown_url, "live_seconds",
                             (double)stats.live_ns / 1e9, "reconnects", stats.reconnects, "kbps",
                             stats.kbps, "frames_dropped", (json_int_t)stats.frames_dropped);
    json_object_set_new(json, "watch",
                        live->is_hls ? json_sprintf("/watch/%s", live->room->spec.name)
                                     : json_null());
    return json;
}

json_t *room_broadcast_list(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->broadcasts->len; i++) {
        const struct live *live = room->broadcasts->pdata[i];
        if (!live->is_ending)
            json_array_append_new(list, live_to_json(live));
    }
    return list;
}

static void tell_state(struct live *live, const char *state, int error) {
    struct room *room = live->room;
    json_t *shown = live_to_json(live);
    json_object_set_new(shown, "state", json_string(state));
    events_add(
        room->world->events, "broadcast-state", room->spec.name,
        json_pack("{s:o, s:s?}", "broadcast", shown, "error", error ? strerror(-error) : NULL));
    if (error)
        log_warn(room->spec.name, "%s to %s is %s: %s", live->id, live->shown_url, state,
                 strerror(-error));
    else
        log_info(room->spec.name, "%s to %s is %s", live->id, live->shown_url, state);
}

// ---- told by its thread, handled on the control loop ----

struct live_news {
    struct live *live;
    enum broadcast_state state;
    int error;
};

static void take_state(void *user) {
    struct live_news *news = user;
    struct live *live = news->live;
    if (!live->is_ending)
        tell_state(live, broadcast_state_name(news->state), news->error);
    if (!live->is_ending && !live->room->is_ended)
        record_tell(live->room);
    free(news);
}

static void on_state(void *user, enum broadcast_state state, int error) {
    struct live *live = user;
    struct live_news *news = g_new0(struct live_news, 1);
    *news = (struct live_news){.live = live, .state = state, .error = error};
    loop_post(live->room->world->loop, take_state, news);
}

static void on_keyframe_wanted(void *user) {
    tap_request_keyframe(((struct live *)user)->tap);
}

static void push(void *user, struct packet *packet, bool is_audio) {
    broadcast_push(((struct live *)user)->broadcast, packet, is_audio);
}

// ---- the end ----

static void live_free(struct live *live) {
    tap_destroy(live->tap);
    g_free(live->dir);
    room_unref(live->room);
    free(live);
}

// Behind all that its thread had posted.
static void take_end(void *user) {
    struct live *live = user;
    struct room *room = live->room;
    g_ptr_array_remove(room->broadcasts, live);
    if (!room->is_ended)
        record_tell(room);
    live_free(live);
    record_count_unfinished(-1);
}

static gpointer finish(gpointer user) {
    struct live *live = user;
    tap_drain(live->tap);
    broadcast_destroy(live->broadcast);
    live->broadcast = NULL;
    if (live->dir)
        remove_dir(live->dir);
    loop_post(live->room->world->loop, take_end, live);
    return NULL;
}

static void end(struct live *live) {
    if (live->is_ending)
        return;
    tell_state(live, "stopped", 0);
    live->is_ending = true;
    tap_close(live->tap);
    g_thread_unref(g_thread_new("live-end", finish, live));
}

void room_broadcast_end_all(struct room *room) {
    for (guint i = 0; i < room->broadcasts->len; i++)
        end(room->broadcasts->pdata[i]);
}

int room_broadcast_stop(struct room *room, const char *id, struct refusal *refusal) {
    for (guint i = 0; i < room->broadcasts->len; i++) {
        struct live *live = room->broadcasts->pdata[i];
        if (strcmp(live->id, id) != 0 || live->is_ending)
            continue;
        end(live);
        record_tell(room);
        return 0;
    }
    return refusal_set(refusal, 404, "broadcast-not-found",
                       "There is no such live output in this room.");
}

// ---- the beginning ----

static bool may_reach(void *user, const struct sockaddr *address) {
    const struct live *live = user;
    return live->may_be_private || !webhooks_target_is_private(address);
}

static int create_broadcast(struct live *live, const char *url) {
    static const struct broadcast_ops ops = {
        .on_state = on_state, .on_keyframe_wanted = on_keyframe_wanted, .may_reach = may_reach};
    const struct room *room = live->room;
    const struct broadcast_config config = {
        .kind = live->is_hls ? BROADCAST_HLS : BROADCAST_RTMP,
        .target = live->is_hls ? live->dir : url,
        .width_px = room->spec.width_px,
        .height_px = room->spec.height_px,
        .fps = room->spec.fps,
        .video_kbps = room->downlink.tier_kbps[0],
        .ca_file = room->world->config->broadcasts_ca_file,
    };
    return broadcast_create(&config, &ops, live, &live->broadcast);
}

static int begin(struct live *live, const char *url) {
    live->tap = tap_create(push, live);
    if (!live->tap)
        return -ENOMEM;
    int error = create_broadcast(live, url);
    return error ? error : tap_open(live->tap, live->room->mixer, live->id, true);
}

static int check_place(const struct room *room, bool is_hls, struct refusal *refusal) {
    int max = room->world->config->broadcasts_per_room_max;
    if ((int)room->broadcasts->len >= max)
        return refusal_set(refusal, 409, "too-many-broadcasts",
                           "This room has %d live outputs already: that is the limit.", max);
    for (guint i = 0; is_hls && i < room->broadcasts->len; i++)
        if (((const struct live *)room->broadcasts->pdata[i])->is_hls)
            return refusal_set(refusal, 409, "broadcast-running",
                               "This room is live as HLS already (or just ends to be).");
    return 0;
}

static struct live *create(struct room *room, const struct broadcast_wish *wish) {
    struct live *live = calloc(1, sizeof(*live));
    if (!live)
        return NULL;
    live->room = room_ref(room);
    live->is_hls = wish->is_hls;
    live->may_be_private = wish->may_be_private;
    snprintf(live->id, sizeof(live->id), "live%u", ++room->last_tap_number);
    if (wish->is_hls) {
        live->dir = hls_files_dir(room->world->config, room->spec.name);
        g_strlcpy(live->shown_url, "HLS", sizeof(live->shown_url));
    } else {
        broadcast_mask_url(wish->url, live->shown_url, sizeof(live->shown_url));
    }
    return live;
}

int room_broadcast_start(struct room *room, const struct broadcast_wish *wish, json_t **out,
                         struct refusal *refusal) {
    if (check_place(room, wish->is_hls, refusal) != 0)
        return -1;
    struct live *live = create(room, wish);
    int error = live ? begin(live, wish->url) : -ENOMEM;
    if (error && !(live && live->broadcast)) {
        if (live)
            live_free(live);
        return refusal_set(refusal, 503, "cannot-broadcast", "It cannot go live: %s.",
                           strerror(-error));
    }
    record_count_unfinished(1);
    g_ptr_array_add(room->broadcasts, live);
    if (error) {
        end(live);
        return refusal_set(refusal, 503, "cannot-broadcast", "It cannot go live: %s.",
                           strerror(-error));
    }
    record_tell(room);
    *out = live_to_json(live);
    return 0;
}
