// SPDX-License-Identifier: MIT
#include "mixer/video/scene.h"

#include "mixer/video/motion.h"

#include <errno.h>
#include <string.h>

// A tick that is further away was not the last one: nobody watched.
#define PAUSE_NS INT64_C(200000000)

int scene_init(struct scene *scene, int width_px, int height_px) {
    struct theme theme;
    memset(scene, 0, sizeof(*scene));
    theme_init(&theme);
    scene->kit = label_kit_create();
    if (scene->kit && decor_init(&scene->decor, &theme, scene->kit, width_px, height_px) == 0 &&
        canvas_init(&scene->canvas, width_px, height_px, scene->decor.background) == 0)
        return 0;
    scene_finish(scene);
    return -ENOMEM;
}

void scene_finish(struct scene *scene) {
    for (int i = 0; i < scene->count; i++)
        cell_finish(&scene->cells[i].cell);
    scene->count = 0;
    canvas_finish(&scene->canvas);
    canvas_finish(&scene->scratch);
    canvas_finish(&scene->under);
    decor_finish(&scene->decor);
    label_kit_destroy(scene->kit);
    scene->kit = NULL;
}

static bool is_same_rect(struct rect a, struct rect b) {
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

static bool overlap(struct rect a, struct rect b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

// ---- ground and damage ----

static void note_damage(struct scene *scene, struct rect at) {
    if (scene->damage_count < SCENE_DAMAGE_MAX)
        scene->damage[scene->damage_count] = at;
    if (scene->damage_count <= SCENE_DAMAGE_MAX)
        scene->damage_count++;
}

static bool is_damaged(const struct scene *scene, struct rect at) {
    if (scene->damage_count > SCENE_DAMAGE_MAX)
        return true;
    for (int i = 0; i < scene->damage_count; i++)
        if (overlap(scene->damage[i], at))
            return true;
    return false;
}

static void paint_ground_on(const struct scene *scene, struct canvas *canvas, struct rect at) {
    if (scene->decor.ground)
        canvas_restore(canvas, at, scene->decor.ground);
    else
        canvas_fill(canvas, at, scene->decor.background);
}

static void paint_ground(struct scene *scene, struct rect at) {
    paint_ground_on(scene, &scene->canvas, at);
}

static void repaint_all(struct scene *scene) {
    struct rect all = {0, 0, scene->canvas.frame->width, scene->canvas.frame->height};
    paint_ground(scene, all);
    note_damage(scene, all);
    for (int i = 0; i < scene->count; i++)
        cell_soil(&scene->cells[i].cell);
    scene->has_new_decor = true;
}

static void set_decor(struct scene *scene, const struct decor *decor) {
    decor_finish(&scene->decor);
    scene->decor = *decor;
    repaint_all(scene);
}

int scene_set_theme(struct scene *scene, const struct theme *theme) {
    struct decor decor;
    int error = decor_init(&decor, theme, scene->kit, scene->canvas.frame->width,
                           scene->canvas.frame->height);
    if (!error)
        set_decor(scene, &decor);
    return error;
}

int scene_resize(struct scene *scene, int width_px, int height_px, const struct theme *theme) {
    struct canvas canvas;
    struct decor decor;
    int error = decor_init(&decor, theme, scene->kit, width_px, height_px);
    if (error)
        return error;
    error = canvas_init(&canvas, width_px, height_px, decor.background);
    if (error) {
        decor_finish(&decor);
        return error;
    }
    canvas_finish(&scene->canvas);
    canvas_finish(&scene->scratch);
    canvas_finish(&scene->under);
    scene->canvas = canvas;
    // Places on the old one mean nothing here.
    for (int i = 0; i < scene->count; i++) {
        scene->cells[i].shown = (struct rect){0, 0, 0, 0};
        scene->cells[i].is_moving = false;
    }
    scene->is_moving = false;
    scene->arranged_ns = 0;
    set_decor(scene, &decor);
    return 0;
}

// ---- places ----

// The cell of this place among the old ones, moved out; or a new one.
static int take_cell(struct scene_cell *old, int old_count, const struct scene_place *place,
                     struct scene_cell *out) {
    for (int i = 0; i < old_count; i++) {
        if (old[i].serial != place->serial || old[i].role != place->role)
            continue;
        *out = old[i];
        old[i].serial = 0;
        return 0;
    }
    *out = (struct scene_cell){.serial = place->serial, .role = place->role};
    return cell_init(&out->cell);
}

static bool is_as_before(const struct scene *scene, const struct scene_place *places, int count) {
    if (scene->count != count)
        return false;
    for (int i = 0; i < count; i++)
        if (scene->cells[i].serial != places[i].serial || scene->cells[i].role != places[i].role ||
            scene->cells[i].z != places[i].z ||
            !is_same_rect(scene->cells[i].cell.at, places[i].at))
            return false;
    return true;
}

// A new one, or one without a place on this canvas yet, does not come from anywhere.
static void send(struct scene_cell *cell, struct rect to, int64_t begun_ns, bool is_animated) {
    if (is_animated && cell->shown.width > 0 && !is_same_rect(cell->shown, to)) {
        if (!cell->is_moving || !is_same_rect(cell->cell.at, to)) {
            cell->from = cell->shown;
            cell->begun_ns = begun_ns;
        }
        cell->is_moving = true;
    } else {
        cell->is_moving = false;
    }
}

static void rearrange(struct scene *scene, const struct scene_place *places, int count,
                      int64_t now_ns, bool is_animated) {
    struct scene_cell old[STAGE_TILES_MAX];
    int old_count = scene->count;
    memcpy(old, scene->cells, sizeof(old));
    bool was_idle = now_ns - scene->arranged_ns > PAUSE_NS;
    if (was_idle || (is_animated && !scene->scratch.frame &&
                     canvas_init(&scene->scratch, scene->canvas.frame->width,
                                 scene->canvas.frame->height, scene->decor.background)))
        is_animated = false;
    scene->count = 0;
    while (scene->count < count &&
           take_cell(old, old_count, &places[scene->count], &scene->cells[scene->count]) == 0) {
        struct scene_cell *cell = &scene->cells[scene->count];
        cell->z = places[scene->count].z;
        // It was at rest up to the last tick: this one shows its first step.
        send(cell, places[scene->count].at, scene->arranged_ns, is_animated);
        scene->count++;
    }
    for (int i = 0; i < old_count; i++)
        if (old[i].serial != 0)
            cell_finish(&old[i].cell);
}

// Below: what stands, as it was told; above: what moves, the smaller the higher.
static bool lies_above(const struct scene_cell *a, const struct scene_cell *b) {
    if (a->z != b->z)
        return a->z > b->z;
    if (a->is_moving != b->is_moving)
        return a->is_moving;
    return a->is_moving && a->shown.width * a->shown.height < b->shown.width * b->shown.height;
}

static void sort(struct scene *scene) {
    for (int i = 0; i < scene->count; i++) {
        int at = i;
        for (; at > 0 && lies_above(&scene->cells[scene->order[at - 1]], &scene->cells[i]); at--)
            scene->order[at] = scene->order[at - 1];
        scene->order[at] = i;
    }
}

static bool find_overlaps(const struct scene *scene) {
    for (int i = 0; i < scene->count; i++)
        for (int j = i + 1; j < scene->count; j++)
            if (overlap(scene->cells[i].shown, scene->cells[j].shown))
                return true;
    return false;
}

// One step of all that move, to where they are now.
static void step(struct scene *scene, const struct scene_place *places, int64_t now_ns) {
    scene->is_moving = false;
    for (int i = 0; i < scene->count; i++) {
        struct scene_cell *cell = &scene->cells[i];
        struct rect shown = places[i].at;
        bool was_moving = cell->is_moving;
        if (was_moving) {
            int64_t elapsed_ns = now_ns - cell->begun_ns;
            shown = motion_at(cell->from, places[i].at, elapsed_ns);
            cell->is_moving = elapsed_ns < MOTION_NS;
        }
        if (was_moving || !is_same_rect(shown, cell->shown))
            cell_soil(&cell->cell);
        cell->shown = shown;
        scene->is_moving |= cell->is_moving;
    }
    if (!scene->is_moving)
        canvas_finish(&scene->scratch);
}

struct stand {
    uint64_t serial;
    enum video_role role;
    struct rect at;
};

// Erases where cells stood, unless one stands exactly there now: that one is painted anew, if it
// is another.
static void erase(struct scene *scene, const struct stand *stood, int count) {
    for (int i = 0; i < count; i++) {
        bool is_taken = stood[i].at.width == 0, is_kept = is_taken;
        for (int j = 0; j < scene->count; j++) {
            const struct scene_cell *cell = &scene->cells[j];
            if (!is_same_rect(cell->shown, stood[i].at))
                continue;
            is_taken = true;
            is_kept |= cell->serial == stood[i].serial && cell->role == stood[i].role;
        }
        if (!is_taken)
            paint_ground(scene, stood[i].at);
        if (!is_kept)
            note_damage(scene, stood[i].at);
    }
}

static void move(struct scene *scene, const struct scene_place *places, int count, int64_t now_ns,
                 bool is_animated) {
    struct stand stood[STAGE_TILES_MAX];
    int stood_count = scene->count;
    for (int i = 0; i < stood_count; i++)
        stood[i] =
            (struct stand){scene->cells[i].serial, scene->cells[i].role, scene->cells[i].shown};
    bool is_new = !is_as_before(scene, places, count);
    if (is_new)
        rearrange(scene, places, count, now_ns, is_animated);
    step(scene, places, now_ns);
    erase(scene, stood, stood_count);
    sort(scene);
    scene->has_overlaps = find_overlaps(scene);
    bool wants_under = scene->has_overlaps && !scene->is_moving;
    if (!wants_under)
        canvas_finish(&scene->under);
    else if (!scene->under.frame) // without it corners are less round
        canvas_init(&scene->under, scene->canvas.frame->width, scene->canvas.frame->height,
                    scene->decor.background);
    // What lay above may lie below now, and corners are what they are once all stand still.
    for (int i = 0; (is_new || wants_under) && scene->has_overlaps && i < scene->count; i++)
        cell_soil(&scene->cells[i].cell);
}

int scene_arrange(struct scene *scene, const struct scene_place *places, int count, int64_t now_ns,
                  bool is_animated) {
    if (scene->is_moving || !is_as_before(scene, places, count))
        move(scene, places, count, now_ns, is_animated);
    scene->arranged_ns = now_ns;
    for (int i = 0; i < scene->count; i++) {
        struct rect at = places[i].at;
        bool is_alone = count == 1 && at.width == scene->canvas.frame->width &&
                        at.height == scene->canvas.frame->height;
        cell_set_place(&scene->cells[i].cell, at, !is_alone);
        cell_set_look(&scene->cells[i].cell, &places[i].look);
    }
    return scene->count;
}

// ---- painting ----

static bool paint_on(struct scene *scene, struct canvas *canvas, struct scene_cell *cell,
                     const AVFrame *ground) {
    struct cell_tools tools = {canvas, scene->kit, scene->decor.bezel, ground, &scene->scratch};
    return cell_paint(&cell->cell, &tools, cell->shown);
}

static void paint_strip_under(struct scene *scene, int position, struct rect strip) {
    canvas_set_clip(&scene->under, &strip);
    paint_ground_on(scene, &scene->under, strip);
    for (int i = 0; i < position; i++) {
        struct scene_cell *lower = &scene->cells[scene->order[i]];
        if (!overlap(lower->shown, strip))
            continue;
        cell_soil(&lower->cell);
        paint_on(scene, &scene->under, lower, scene->decor.ground);
    }
}

static bool stands_over_another(const struct scene *scene, int position) {
    struct rect at = scene->cells[scene->order[position]].shown;
    for (int i = 0; i < position; i++)
        if (overlap(scene->cells[scene->order[i]].shown, at))
            return true;
    return false;
}

// What shows in a tile's gap and corners: the ground, or what it stands over.
static const AVFrame *ground_of(struct scene *scene, int position) {
    const struct scene_cell *cell = &scene->cells[scene->order[position]];
    if (!scene->under.frame || !cell->cell.needs_paint || !stands_over_another(scene, position))
        return scene->decor.ground;
    struct rect at = cell->shown;
    int edge = BEZEL_CORNER_MAX_PX;
    paint_strip_under(scene, position, (struct rect){at.x, at.y, at.width, edge});
    paint_strip_under(scene, position,
                      (struct rect){at.x, at.y + at.height - edge, at.width, edge});
    paint_strip_under(scene, position, (struct rect){at.x, at.y, edge, at.height});
    paint_strip_under(scene, position,
                      (struct rect){at.x + at.width - edge, at.y, edge, at.height});
    return scene->under.frame;
}

static bool paint_cell(struct scene *scene, int position) {
    struct scene_cell *cell = &scene->cells[scene->order[position]];
    return paint_on(scene, &scene->canvas, cell, ground_of(scene, position));
}

static bool has_pieces(const struct scene *scene) {
    for (int i = 0; i < DECOR_LAYERS; i++)
        if (scene->decor.pieces[i].overlay)
            return true;
    return false;
}

static void paint_cells(struct scene *scene) {
    bool keeps_damage = scene->has_overlaps || has_pieces(scene);
    for (int i = 0; i < scene->count; i++) {
        struct scene_cell *cell = &scene->cells[scene->order[i]];
        if (scene->damage_count > 0 && is_damaged(scene, cell->shown))
            cell_soil(&cell->cell);
        if (paint_cell(scene, i) && keeps_damage)
            note_damage(scene, cell->shown);
    }
}

// What is laid over must not be laid over itself: what is below it is painted anew, there alone.
static void paint_piece(struct scene *scene, const struct decor_piece *piece) {
    canvas_set_clip(&scene->canvas, &piece->at);
    paint_ground(scene, piece->at);
    for (int i = 0; i < scene->count; i++) {
        struct scene_cell *cell = &scene->cells[scene->order[i]];
        if (!overlap(cell->shown, piece->at))
            continue;
        cell_soil(&cell->cell);
        paint_cell(scene, i);
    }
    canvas_blend(&scene->canvas, piece->overlay, piece->at.x, piece->at.y);
    canvas_set_clip(&scene->canvas, NULL);
}

bool scene_paint(struct scene *scene) {
    paint_cells(scene);
    for (int i = 0; i < DECOR_LAYERS; i++) {
        const struct decor_piece *piece = &scene->decor.pieces[i];
        if (piece->overlay && (scene->has_new_decor || is_damaged(scene, piece->at)))
            paint_piece(scene, piece);
    }
    scene->has_new_decor = false;
    scene->damage_count = 0;
    return scene->canvas.is_dirty;
}
