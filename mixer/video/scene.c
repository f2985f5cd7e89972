// SPDX-License-Identifier: MIT
#include "mixer/video/scene.h"

#include "mixer/video/palette.h"

#include <errno.h>
#include <string.h>

int scene_init(struct scene *scene, int width_px, int height_px) {
    memset(scene, 0, sizeof(*scene));
    scene->background = overlay_colour(PALETTE_BACKGROUND);
    scene->kit = label_kit_create();
    scene->bezel = bezel_create();
    if (scene->kit && scene->bezel &&
        canvas_init(&scene->canvas, width_px, height_px, scene->background) == 0)
        return 0;
    scene_finish(scene);
    return -ENOMEM;
}

void scene_finish(struct scene *scene) {
    for (int i = 0; i < scene->count; i++)
        cell_finish(&scene->cells[i].cell);
    scene->count = 0;
    canvas_finish(&scene->canvas);
    bezel_destroy(scene->bezel);
    label_kit_destroy(scene->kit);
    scene->bezel = NULL;
    scene->kit = NULL;
}

static bool is_same_rect(struct rect a, struct rect b) {
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

// Erases where a cell stood, unless one will stand exactly there. Cells that do not move are not
// touched: those of one layout never overlap.
static void erase(struct scene *scene, struct rect at, const struct scene_place *places,
                  int count) {
    for (int i = 0; i < count; i++)
        if (is_same_rect(places[i].at, at))
            return;
    canvas_fill(&scene->canvas, at, scene->background);
}

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
            !is_same_rect(scene->cells[i].cell.at, places[i].at))
            return false;
    return true;
}

static void rearrange(struct scene *scene, const struct scene_place *places, int count) {
    struct scene_cell old[STAGE_TILES_MAX];
    int old_count = scene->count;
    memcpy(old, scene->cells, sizeof(old));
    for (int i = 0; i < old_count; i++)
        erase(scene, old[i].cell.at, places, count);
    scene->count = 0;
    while (scene->count < count &&
           take_cell(old, old_count, &places[scene->count], &scene->cells[scene->count]) == 0)
        scene->count++;
    for (int i = 0; i < old_count; i++)
        if (old[i].serial != 0)
            cell_finish(&old[i].cell);
}

int scene_arrange(struct scene *scene, const struct scene_place *places, int count) {
    if (!is_as_before(scene, places, count))
        rearrange(scene, places, count);
    for (int i = 0; i < scene->count; i++) {
        struct rect at = places[i].at;
        bool is_alone = count == 1 && at.width == scene->canvas.frame->width &&
                        at.height == scene->canvas.frame->height;
        cell_set_place(&scene->cells[i].cell, at, !is_alone);
        cell_set_look(&scene->cells[i].cell, &places[i].look);
    }
    return scene->count;
}

bool scene_paint(struct scene *scene) {
    struct cell_tools tools = {&scene->canvas, scene->kit, scene->bezel};
    for (int i = 0; i < scene->count; i++)
        cell_paint(&scene->cells[i].cell, &tools);
    return scene->canvas.is_dirty;
}
