// SPDX-License-Identifier: MIT
// The painted side of a stage: the canvas and its cells. It is told every tick what stands where
// and paints what differs from before. Not locked: one thread at a time.
//
// A cell belongs to a seat by its serial number, never by pointer: members may be gone long before
// the next tick of a room that nobody watches.
#ifndef MIXER_VIDEO_SCENE_H
#define MIXER_VIDEO_SCENE_H

#include "mixer/video/canvas.h"
#include "mixer/video/cell.h"
#include "mixer/video/stage.h"

struct scene_place {
    uint64_t serial; // of the seat; never 0
    enum video_role role;
    struct rect at;
    int z;
    struct cell_look look;
};

struct scene {
    struct canvas canvas;
    struct label_kit *kit;
    struct bezel *bezel;
    struct yuv background;
    struct scene_cell {
        uint64_t serial;
        enum video_role role;
        struct cell cell;
    } cells[STAGE_TILES_MAX];
    int count;
};

int scene_init(struct scene *scene, int width_px, int height_px); // 0 or -ENOMEM
void scene_finish(struct scene *scene);                           // zeroed is allowed

// From now on the cells stand in this order; cells[i] belongs to places[i]. Those that are still
// there keep their pictures. Returns how many there are: less than count when out of memory.
int scene_arrange(struct scene *scene, const struct scene_place *places, int count);
// True: something was painted.
bool scene_paint(struct scene *scene);

#endif
