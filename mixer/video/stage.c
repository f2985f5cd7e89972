// SPDX-License-Identifier: MIT
//
//   stage_push --> feed (decodes) --+                               +--> tiers --> packets
//   stage_push --> feed (decodes) --+--> stage_tick: roster, scene +
//        (streaming threads)                  (v thread)            +--> jpeg (stage_snapshot)
//
// The scene and the tiers have no lock but a turn: one thread at a time has it while it paints and
// encodes, and nobody waits for it but the tick and a snapshot. `lock` guards lists and looks, for
// moments only. Order: turn, then lock, then a feed's own lock.
#include "mixer/video/stage.h"

#include "mixer/video/roster.h"
#include "mixer/video/scene.h"
#include "mixer/video/seat.h"
#include "mixer/video/theme.h"
#include "mixer/video/tiers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A room is watched until this long after the last tick that was: its v thread parks without a
// word.
#define WATCH_NS INT64_C(2000000000)
// Who asks for one snapshot asks for another: until then the pictures are decoded.
#define SNAPSHOT_NS INT64_C(5000000000)
// After this long without a picture a tile shows the avatar. A shared screen may stand still; still
// ones come about once a second.
static const int64_t STALE_NS[SEAT_ROLES] = {INT64_C(3000000000), INT64_C(8000000000)};

enum { MIN_LONG_PX = 320, MIN_SHORT_PX = 176, MAX_LONG_PX = 1920, MAX_SHORT_PX = 1088 };

struct stage {
    atomic_int references; // one of stage_create(), one of each seat
    atomic_int_fast64_t watched_until_ns, snapshot_until_ns;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t turn_is_free;
    bool is_turn_taken;
    struct roster roster;
    struct theme theme;

    // Of who has the turn.
    struct scene scene;
    struct tiers tiers;
    unsigned theme_serial; // of the theme that the scene has
    unsigned shape_serial; // of the roster, when the scene was painted last
    bool owes_keyframe;    // for that

    // Any thread.
    struct {
        atomic_uint_fast64_t frames_composed, frames_decoded, frames_broken, frames_skipped_hidden;
        atomic_int_fast64_t compose_ns, encode_ns;
        struct histogram frame_time;
    } stats;
};

// Who has a tile in this tick, with a reference each.
struct cast {
    int count;
    unsigned shape_serial;
    bool is_animated;
    struct stage_seat *seats[STAGE_TILES_MAX];
    struct scene_place places[STAGE_TILES_MAX];
    bool asks_keyframe[STAGE_TILES_MAX];
};

// For the statistics only: what is painted depends on the time that is passed in.
static int64_t stopwatch_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// ---- life ----

static bool is_allowed(const struct stage_config *config) {
    int width = config->width_px, height = config->height_px;
    int longer = width > height ? width : height, shorter = width > height ? height : width;
    return width % CANVAS_BLOCK_PX == 0 && height % CANVAS_BLOCK_PX == 0 && longer >= MIN_LONG_PX &&
           longer <= MAX_LONG_PX && shorter >= MIN_SHORT_PX && shorter <= MAX_SHORT_PX &&
           config->fps >= 1 && config->fps <= 60 && config->tier_kbps[0] > 0;
}

static void stage_unref(struct stage *stage) {
    if (atomic_fetch_sub(&stage->references, 1) != 1)
        return;
    scene_finish(&stage->scene);
    tiers_finish(&stage->tiers);
    theme_finish(&stage->theme);
    pthread_cond_destroy(&stage->turn_is_free);
    pthread_mutex_destroy(&stage->lock);
    roster_finish(&stage->roster);
    free(stage);
}

struct stage *stage_create(const struct stage_config *config) {
    if (!is_allowed(config))
        return NULL;
    struct stage *stage = calloc(1, sizeof(*stage));
    if (!stage)
        return NULL;
    atomic_init(&stage->references, 1);
    pthread_mutex_init(&stage->lock, NULL);
    pthread_cond_init(&stage->turn_is_free, NULL);
    roster_init(&stage->roster, config);
    theme_init(&stage->theme);
    if (scene_init(&stage->scene, config->width_px, config->height_px) ||
        tiers_init(&stage->tiers, config, &stage->scene.canvas)) {
        stage_unref(stage);
        return NULL;
    }
    return stage;
}

void stage_destroy(struct stage *stage) {
    if (stage)
        stage_unref(stage);
}

static void seat_unref(struct stage_seat *seat) {
    if (atomic_fetch_sub(&seat->references, 1) != 1)
        return;
    struct stage *stage = seat->stage;
    if (seat->ops.release)
        seat->ops.release(seat->user);
    seat_destroy(seat);
    stage_unref(stage);
}

static struct stage_seat *seat_ref(struct stage_seat *seat) {
    atomic_fetch_add(&seat->references, 1);
    return seat;
}

// ---- members ----

struct stage_seat *stage_add(struct stage *stage, const char *id, const struct stage_look *look,
                             const struct stage_seat_ops *ops, void *user) {
    struct stage_seat *seat = seat_create(id, ops, user);
    if (!seat)
        return NULL;
    char name[NAME_SIZE_BYTES] = {0};
    name_clean(look->name, name);
    seat->stage = stage;
    pthread_mutex_lock(&stage->lock);
    int error = roster_add(&stage->roster, seat);
    if (!error) {
        atomic_fetch_add(&stage->references, 1);
        roster_set_look(&stage->roster, seat, look, name);
    }
    pthread_mutex_unlock(&stage->lock);
    if (!error)
        return seat;
    seat_destroy(seat);
    return NULL;
}

void stage_remove(struct stage *stage, struct stage_seat *seat) {
    pthread_mutex_lock(&stage->lock);
    roster_remove(&stage->roster, seat);
    pthread_mutex_unlock(&stage->lock);
    seat_unref(seat);
}

void stage_set_look(struct stage_seat *seat, const struct stage_look *look) {
    char name[NAME_SIZE_BYTES] = {0};
    name_clean(look->name, name);
    pthread_mutex_lock(&seat->stage->lock);
    roster_set_look(&seat->stage->roster, seat, look, name);
    pthread_mutex_unlock(&seat->stage->lock);
}

void stage_set_speaking(struct stage *stage, const char *const *ids, int count,
                        const char *main_id) {
    pthread_mutex_lock(&stage->lock);
    roster_set_speaking(&stage->roster, ids, count, main_id);
    pthread_mutex_unlock(&stage->lock);
}

void stage_set_layout(struct stage *stage, const struct stage_layout *layout) {
    pthread_mutex_lock(&stage->lock);
    roster_set_layout(&stage->roster, layout);
    pthread_mutex_unlock(&stage->lock);
}

void stage_set_background(struct stage *stage, uint32_t rgb) {
    pthread_mutex_lock(&stage->lock);
    theme_set_background(&stage->theme, rgb);
    pthread_mutex_unlock(&stage->lock);
}

void stage_set_picture(struct stage *stage, enum stage_picture slot, struct picture *picture) {
    pthread_mutex_lock(&stage->lock);
    struct picture *old = theme_set_picture(&stage->theme, slot, picture);
    pthread_mutex_unlock(&stage->lock);
    picture_destroy(old);
}

void stage_set_banner(struct stage *stage, const struct stage_banner *banner) {
    pthread_mutex_lock(&stage->lock);
    theme_set_banner(&stage->theme, banner);
    pthread_mutex_unlock(&stage->lock);
}

void stage_set_recording(struct stage *stage, bool is_recording) {
    pthread_mutex_lock(&stage->lock);
    theme_set_recording(&stage->theme, is_recording);
    pthread_mutex_unlock(&stage->lock);
}

// ---- pictures in ----

static bool is_watched_at(struct stage *stage, int64_t now_ns) {
    return now_ns < atomic_load(&stage->watched_until_ns);
}

static bool is_of_interest(struct stage *stage, int64_t now_ns) {
    return is_watched_at(stage, now_ns) || now_ns < atomic_load(&stage->snapshot_until_ns);
}

int stage_push(struct stage_seat *seat, enum video_role role, enum video_codec codec,
               const void *data, size_t size_bytes, int64_t pts_ns, int64_t arrival_ns,
               int rotation) {
    if ((unsigned)role >= SEAT_ROLES)
        return -EINVAL;
    struct stage *stage = seat->stage;
    struct feed_frame frame = {
        .codec = codec,
        .data = data,
        .size_bytes = size_bytes,
        .pts_ns = pts_ns,
        .arrival_ns = arrival_ns,
        .rotation = rotation == 90 || rotation == 180 || rotation == 270 ? rotation : 0,
    };
    seat_ref(seat);
    bool asks;
    enum feed_outcome outcome =
        feed_push(seat->feeds[role], &frame, is_of_interest(stage, arrival_ns), &asks);
    atomic_fetch_add(&stage->stats.frames_decoded, outcome == FEED_DECODED);
    atomic_fetch_add(&stage->stats.frames_broken, outcome == FEED_BROKEN);
    atomic_fetch_add(&stage->stats.frames_skipped_hidden, outcome == FEED_SKIPPED);
    if (asks)
        seat_ask_keyframe(seat, role);
    seat_unref(seat);
    return outcome == FEED_BROKEN ? -EINVAL : 0;
}

void stage_push_lost(struct stage_seat *seat, enum video_role role) {
    if ((unsigned)role >= SEAT_ROLES)
        return;
    seat_ref(seat);
    bool asks;
    feed_lost(seat->feeds[role], &asks);
    if (asks)
        seat_ask_keyframe(seat, role);
    seat_unref(seat);
}

void stage_set_hold_ns(struct stage_seat *seat, int64_t hold_ns) {
    const int64_t max_ns = 500000000;
    feed_set_hold_ns(seat->feeds[VIDEO_CAMERA], hold_ns < 0        ? 0
                                                : hold_ns > max_ns ? max_ns
                                                                   : hold_ns);
}

int64_t stage_lateness_ns(struct stage_seat *seat) {
    return feed_lateness_ns(seat->feeds[VIDEO_CAMERA]);
}

// ---- the tick ----

static void take_turn(struct stage *stage) {
    pthread_mutex_lock(&stage->lock);
    while (stage->is_turn_taken)
        pthread_cond_wait(&stage->turn_is_free, &stage->lock);
    stage->is_turn_taken = true;
    pthread_mutex_unlock(&stage->lock);
}

static void give_turn(struct stage *stage) {
    pthread_mutex_lock(&stage->lock);
    stage->is_turn_taken = false;
    pthread_cond_signal(&stage->turn_is_free);
    pthread_mutex_unlock(&stage->lock);
}

static void copy_theme(struct stage *stage, struct theme *theme) {
    pthread_mutex_lock(&stage->lock);
    theme_copy(&stage->theme, theme);
    pthread_mutex_unlock(&stage->lock);
}

// Has the turn. A banner takes room from the tiles.
static void tell_area(struct stage *stage) {
    const AVFrame *frame = stage->scene.canvas.frame;
    pthread_mutex_lock(&stage->lock);
    roster_set_area(&stage->roster, frame->width, frame->height, stage->scene.decor.area);
    pthread_mutex_unlock(&stage->lock);
}

// Has the turn. Drawn here and not where it was set: the scene is who has the turn's.
static void follow_theme(struct stage *stage) {
    pthread_mutex_lock(&stage->lock);
    bool is_new = stage->theme.serial != stage->theme_serial;
    pthread_mutex_unlock(&stage->lock);
    if (!is_new)
        return;
    struct theme theme;
    copy_theme(stage, &theme);
    if (scene_set_theme(&stage->scene, &theme) == 0) {
        stage->theme_serial = theme.serial;
        tell_area(stage);
    }
    theme_finish(&theme);
}

int stage_set_canvas(struct stage *stage, const struct stage_config *config) {
    if (!is_allowed(config))
        return -EINVAL;
    struct theme theme;
    take_turn(stage);
    copy_theme(stage, &theme);
    struct tiers fresh;
    int error = tiers_init(&fresh, config, &stage->scene.canvas);
    if (!error)
        error = scene_resize(&stage->scene, config->width_px, config->height_px, &theme);
    if (!error) {
        tiers_adopt(&stage->tiers, &fresh);
        stage->theme_serial = theme.serial;
        tell_area(stage);
    } else {
        tiers_finish(&fresh);
    }
    give_turn(stage);
    theme_finish(&theme);
    return error;
}

static void gather(struct stage *stage, int64_t now_ns, struct cast *cast) {
    pthread_mutex_lock(&stage->lock);
    roster_update(&stage->roster, now_ns);
    cast->count = stage->roster.place_count;
    cast->shape_serial = stage->roster.shape_serial;
    cast->is_animated = stage->roster.layout.is_animated;
    for (int i = 0; i < cast->count; i++)
        cast->seats[i] = seat_ref(roster_at(&stage->roster, i, &cast->places[i]));
    pthread_mutex_unlock(&stage->lock);
}

// Without the turn: callbacks may come back in.
static void dismiss(struct cast *cast) {
    for (int i = 0; i < cast->count; i++) {
        if (cast->asks_keyframe[i])
            seat_ask_keyframe(cast->seats[i], cast->places[i].role);
        seat_unref(cast->seats[i]);
    }
}

// Brings one cell up to date with its feed. Returns the arrival of a new picture, else 0.
static int64_t update_cell(struct cell *cell, struct feed *feed, enum video_role role,
                           int64_t now_ns) {
    struct feed_picture picture;
    int64_t source_ns = 0;
    if (feed_take(feed, now_ns, &picture)) {
        cell_show(cell, &picture);
        source_ns = picture.arrival_ns;
    }
    if (!feed_is_live(feed, now_ns, STALE_NS[role]))
        cell_clear(cell);
    return source_ns;
}

// Where everything moves a keyframe costs no more than predicting from what was elsewhere, and
// leaves no shadow of it. What is still on its way has time until it is there.
static void ask_for_new_shape(struct stage *stage, const struct cast *cast) {
    stage->owes_keyframe |= cast->shape_serial != stage->shape_serial;
    stage->shape_serial = cast->shape_serial;
    if (!stage->owes_keyframe || stage->scene.is_moving)
        return;
    stage->owes_keyframe = false;
    tiers_request_keyframes(&stage->tiers);
}

// Has the turn. Paints what is new and tells the tiers. True: something was.
static bool compose(struct stage *stage, int64_t now_ns, unsigned watched, struct cast *cast) {
    int64_t begun_ns = stopwatch_ns(), source_ns = 0;
    follow_theme(stage);
    gather(stage, now_ns, cast);
    for (int i = 0; i < cast->count; i++) {
        struct feed *feed = cast->seats[i]->feeds[cast->places[i].role];
        cast->asks_keyframe[i] = feed_wants_keyframe(feed, now_ns);
        cast->places[i].look.is_awaited = feed_is_awaited(feed, now_ns);
    }
    int count = scene_arrange(&stage->scene, cast->places, cast->count, now_ns,
                              cast->is_animated && watched != 0);
    ask_for_new_shape(stage, cast);
    for (int i = 0; i < count && i < cast->count; i++) {
        enum video_role role = cast->places[i].role;
        int64_t arrival_ns =
            update_cell(&stage->scene.cells[i].cell, cast->seats[i]->feeds[role], role, now_ns);
        source_ns = arrival_ns > source_ns ? arrival_ns : source_ns;
    }
    bool is_painted = scene_paint(&stage->scene);
    tiers_mark(&stage->tiers, watched, source_ns);
    canvas_clean(&stage->scene.canvas);
    atomic_fetch_add(&stage->stats.frames_composed, is_painted);
    atomic_fetch_add(&stage->stats.compose_ns, stopwatch_ns() - begun_ns);
    return is_painted;
}

static int encode(struct stage *stage, int64_t now_ns, unsigned watched,
                  struct packet *out[STAGE_TIERS]) {
    int64_t begun_ns = stopwatch_ns();
    int error = tiers_encode(&stage->tiers, watched, now_ns, out);
    atomic_fetch_add(&stage->stats.encode_ns, stopwatch_ns() - begun_ns);
    return error;
}

static void rest(struct stage *stage) {
    atomic_store(&stage->watched_until_ns, 0);
    take_turn(stage);
    tiers_rest(&stage->tiers);
    give_turn(stage);
}

int stage_tick(struct stage *stage, int64_t now_ns, unsigned watched,
               struct packet *out[STAGE_TIERS]) {
    memset(out, 0, STAGE_TIERS * sizeof(*out));
    watched &= (1U << STAGE_TIERS) - 1;
    if (!watched) {
        if (atomic_load(&stage->watched_until_ns) != 0)
            rest(stage);
        return 0;
    }
    // Who watches again after a pause has no picture to go on from.
    if (!is_watched_at(stage, now_ns))
        tiers_request_keyframes(&stage->tiers);
    atomic_store(&stage->watched_until_ns, now_ns + WATCH_NS);
    struct cast cast = {0};
    take_turn(stage);
    int64_t begun_ns = stopwatch_ns();
    bool is_new = compose(stage, now_ns, watched, &cast);
    int error = encode(stage, now_ns, watched, out);
    for (int i = 0; i < STAGE_TIERS; i++)
        is_new |= out[i] != NULL;
    if (is_new)
        histogram_add(&stage->stats.frame_time, stopwatch_ns() - begun_ns);
    give_turn(stage);
    dismiss(&cast);
    return error;
}

bool stage_take_view(struct stage *stage, struct stage_view *view) {
    pthread_mutex_lock(&stage->lock);
    bool is_new = roster_take_view(&stage->roster, view);
    pthread_mutex_unlock(&stage->lock);
    return is_new;
}

void stage_set_tier_kbps(struct stage *stage, int tier, int kbps) {
    tiers_set_kbps(&stage->tiers, tier, kbps);
}

void stage_request_keyframe(struct stage *stage, int tier) {
    tiers_request_keyframe(&stage->tiers, tier);
}

// ---- questions ----

int stage_snapshot(struct stage *stage, int64_t now_ns, int width_px, enum picture_format format,
                   uint8_t **file, size_t *size_bytes) {
    atomic_store(&stage->snapshot_until_ns, now_ns + SNAPSHOT_NS);
    struct cast cast = {0};
    take_turn(stage);
    if (!is_watched_at(stage, now_ns))
        compose(stage, now_ns, 0, &cast);
    AVFrame *copy = canvas_copy(&stage->scene.canvas);
    give_turn(stage);
    dismiss(&cast);
    if (!copy)
        return -ENOMEM;
    int error = picture_encode(copy, format, width_px, file, size_bytes);
    av_frame_free(&copy);
    return error;
}

void stage_get_stats(struct stage *stage, struct stage_stats *out) {
    *out = (struct stage_stats){
        .frames_composed = atomic_load(&stage->stats.frames_composed),
        .frames_decoded = atomic_load(&stage->stats.frames_decoded),
        .frames_broken = atomic_load(&stage->stats.frames_broken),
        .frames_skipped_hidden = atomic_load(&stage->stats.frames_skipped_hidden),
        .compose_ns = atomic_load(&stage->stats.compose_ns),
        .encode_ns = atomic_load(&stage->stats.encode_ns),
    };
    histogram_sum(&stage->stats.frame_time, &out->frame_time);
    tiers_get_stats(&stage->tiers, out);
}
