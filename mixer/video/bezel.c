// SPDX-License-Identifier: MIT
#include "mixer/video/bezel.h"

#include "mixer/video/label.h"
#include "mixer/video/palette.h"

#include <stdlib.h>

enum { CORNER_PX = 14, CORNER_SMALL_PX = 8, SMALL_TILE_PX = 140 };
enum { QUARTERS = 4, STATES = 2, SIZES = 2 };

struct bezel {
    struct overlay *corners[SIZES][STATES][QUARTERS];
    struct yuv background, speaking;
};

struct bezel *bezel_create(void) {
    struct bezel *bezel = calloc(1, sizeof(*bezel));
    if (!bezel)
        return NULL;
    bezel->background = overlay_colour(PALETTE_BACKGROUND);
    bezel->speaking = overlay_colour(PALETTE_SPEAKING);
    for (int i = 0; i < SIZES * STATES * QUARTERS; i++) {
        int size = i / (STATES * QUARTERS), state = i / QUARTERS % STATES, quarter = i % QUARTERS;
        struct label_corner corner = {
            .quarter = quarter,
            .size_px = size == 0 ? CORNER_PX : CORNER_SMALL_PX,
            .gap_px = BEZEL_GAP_PX,
            .ring_px = state == 0 ? 0 : BEZEL_RING_PX,
            .outer = PALETTE_BACKGROUND,
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

void bezel_paint(const struct bezel *bezel, struct canvas *canvas, struct rect at,
                 bool is_speaking) {
    int size = at.width < SMALL_TILE_PX || at.height < SMALL_TILE_PX ? 1 : 0;
    int corner = size == 0 ? CORNER_PX : CORNER_SMALL_PX;
    int right = at.x + at.width - corner, bottom = at.y + at.height - corner;
    paint_edges(canvas, at, BEZEL_GAP_PX, bezel->background);
    if (is_speaking)
        paint_edges(canvas, inset(at, BEZEL_GAP_PX), BEZEL_RING_PX, bezel->speaking);
    struct overlay *const *corners = bezel->corners[size][is_speaking];
    canvas_blend(canvas, corners[0], at.x, at.y);
    canvas_blend(canvas, corners[1], right, at.y);
    canvas_blend(canvas, corners[2], right, bottom);
    canvas_blend(canvas, corners[3], at.x, bottom);
}
