// SPDX-License-Identifier: MIT
#include "mixer/video/bezel.h"

#include "mixer/video/label.h"
#include "mixer/video/palette.h"

#include <stdlib.h>

enum { CORNER_PX = BEZEL_CORNER_MAX_PX, CORNER_SMALL_PX = 8, SMALL_TILE_PX = 140 };
enum { QUARTERS = 4, SIZES = 2 };
enum state { SILENT, SPEAKING, RING_ALONE, STATES };

struct bezel {
    struct overlay *corners[SIZES][STATES][QUARTERS];
    struct yuv background, speaking;
};

struct bezel *bezel_create(uint32_t background_rgb) {
    struct bezel *bezel = calloc(1, sizeof(*bezel));
    if (!bezel)
        return NULL;
    bezel->background = overlay_colour(background_rgb);
    bezel->speaking = overlay_colour(PALETTE_SPEAKING);
    for (int i = 0; i < SIZES * STATES * QUARTERS; i++) {
        int size = i / (STATES * QUARTERS), state = i / QUARTERS % STATES, quarter = i % QUARTERS;
        struct label_corner corner = {
            .quarter = quarter,
            .size_px = size == 0 ? CORNER_PX : CORNER_SMALL_PX,
            .gap_px = BEZEL_GAP_PX,
            .ring_px = state == SILENT ? 0 : BEZEL_RING_PX,
            .is_open = state == RING_ALONE,
            .outer = background_rgb,
            .ring = PALETTE_SPEAKING,
        };
        bezel->corners[size][state][quarter] = label_draw_corner(&corner);
        if (!bezel->corners[size][state][quarter]) {
            bezel_destroy(bezel);
            return NULL;
        }
    }
    return bezel;
}

void bezel_destroy(struct bezel *bezel) {
    if (!bezel)
        return;
    for (int i = 0; i < SIZES * STATES * QUARTERS; i++)
        overlay_destroy(
            bezel->corners[i / (STATES * QUARTERS)][i / QUARTERS % STATES][i % QUARTERS]);
    free(bezel);
}

static struct rect inset(struct rect at, int by_px) {
    return (struct rect){at.x + by_px, at.y + by_px, at.width - 2 * by_px, at.height - 2 * by_px};
}

static void paint_edges(struct canvas *canvas, struct rect at, int line_px, struct yuv colour) {
    int right = at.x + at.width - line_px, bottom = at.y + at.height - line_px;
    canvas_fill(canvas, (struct rect){at.x, at.y, at.width, line_px}, colour);
    canvas_fill(canvas, (struct rect){at.x, bottom, at.width, line_px}, colour);
    canvas_fill(canvas, (struct rect){at.x, at.y, line_px, at.height}, colour);
    canvas_fill(canvas, (struct rect){right, at.y, line_px, at.height}, colour);
}

static void restore_edges(struct canvas *canvas, struct rect at, int line_px,
                          const AVFrame *ground) {
    int right = at.x + at.width - line_px, bottom = at.y + at.height - line_px;
    canvas_restore(canvas, (struct rect){at.x, at.y, at.width, line_px}, ground);
    canvas_restore(canvas, (struct rect){at.x, bottom, at.width, line_px}, ground);
    canvas_restore(canvas, (struct rect){at.x, at.y, line_px, at.height}, ground);
    canvas_restore(canvas, (struct rect){right, at.y, line_px, at.height}, ground);
}

void bezel_paint(const struct bezel *bezel, struct canvas *canvas, struct rect at, bool is_speaking,
                 const AVFrame *ground) {
    int size = at.width < SMALL_TILE_PX || at.height < SMALL_TILE_PX ? 1 : 0;
    int corner = size == 0 ? CORNER_PX : CORNER_SMALL_PX;
    int right = at.x + at.width - corner, bottom = at.y + at.height - corner;
    int xs[QUARTERS] = {at.x, right, right, at.x}, ys[QUARTERS] = {at.y, at.y, bottom, bottom};
    if (ground)
        restore_edges(canvas, at, BEZEL_GAP_PX, ground);
    else
        paint_edges(canvas, at, BEZEL_GAP_PX, bezel->background);
    if (is_speaking)
        paint_edges(canvas, inset(at, BEZEL_GAP_PX), BEZEL_RING_PX, bezel->speaking);
    enum state state = !is_speaking ? SILENT : ground ? RING_ALONE : SPEAKING;
    for (int i = 0; i < QUARTERS; i++) {
        if (!ground || is_speaking)
            canvas_blend(canvas, bezel->corners[size][state][i], xs[i], ys[i]);
        if (ground)
            canvas_restore_through(canvas, bezel->corners[size][SILENT][i], xs[i], ys[i], ground);
    }
}
