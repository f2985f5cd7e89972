// SPDX-License-Identifier: MIT
// The painted side of a stage: the canvas and its cells. It is told every tick what stands where
// and paints what differs from before. Not locked: one thread at a time.
//
//     ground < cells, by z and those on their way above < banner, logo
//
// What was painted or erased is damage: whatever lies above it is painted again. Where nothing
// overlaps and nothing lies over the tiles there is none, and it costs nothing.
//
// A cell belongs to a seat by its serial number, never by pointer: members may be gone long before
// the next tick of a room that nobody watches.
#ifndef MIXER_VIDEO_SCENE_H
#define MIXER_VIDEO_SCENE_H

#include "mixer/video/canvas.h"
#include "mixer/video/cell.h"
#include "mixer/video/decor.h"
#include "mixer/video/stage.h"

struct scene_place {
    uint64_t serial; // of the seat; never 0
    enum video_role role;
    struct rect at;
    int z;
    struct cell_look look;
};

enum { SCENE_DAMAGE_MAX = 2 * STAGE_TILES_MAX };

struct scene {
    struct canvas canvas;
    struct canvas scratch; // while something moves
    struct canvas under;   // what lies below one that stands over others; while there are such
    struct label_kit *kit;
    struct decor decor;
    struct scene_cell {
        uint64_t serial;
        enum video_role role;
        int z;
        struct cell cell;
        struct rect shown; // where it was painted last: cell.at, or on the way there
        bool is_moving;
        struct rect from;
        int64_t begun_ns;
    } cells[STAGE_TILES_MAX];
    int count;
    int order[STAGE_TILES_MAX]; // of painting
    bool is_moving;             // any of them
    bool has_overlaps;
    bool has_new_decor;
    int64_t arranged_ns; // last
    struct rect damage[SCENE_DAMAGE_MAX];
    int damage_count; // more than fit: everything
};

int scene_init(struct scene *scene, int width_px, int height_px); // 0 or -ENOMEM
void scene_finish(struct scene *scene);                           // zeroed is allowed

// Another look; all is painted anew. 0 or -ENOMEM; then all is as before.
int scene_set_theme(struct scene *scene, const struct theme *theme);
// A canvas of another size, with this look on it. 0 or -ENOMEM; then all is as before.
int scene_resize(struct scene *scene, int width_px, int height_px, const struct theme *theme);

// From now on the cells stand in this order; cells[i] belongs to places[i]. Those that are still
// there keep their pictures, and move to their new places if that is wanted: call it every tick.
// Returns how many there are: less than count when out of memory.
int scene_arrange(struct scene *scene, const struct scene_place *places, int count, int64_t now_ns,
                  bool is_animated);
// True: something was painted.
bool scene_paint(struct scene *scene);

#endif
