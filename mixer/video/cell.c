// SPDX-License-Identifier: MIT
#include "mixer/video/cell.h"

#include "mixer/video/palette.h"
#include "mixer/video/tile.h"

#include <errno.h>
#include <string.h>

// Below these a caption covers more than it tells.
enum { CAPTION_MIN_WIDTH_PX = 112, CAPTION_MIN_HEIGHT_PX = 80 };
enum { TYPE_TINY_PX = 8, TYPE_MIN_PX = 12, TYPE_MAX_PX = 20 };

int cell_init(struct cell *cell) {
    memset(cell, 0, sizeof(*cell));
    cell->tile = tile_create();
    return cell->tile ? 0 : -ENOMEM;
}

static void drop_overlay(struct overlay **overlay) {
    overlay_destroy(*overlay);
    *overlay = NULL;
}

static void drop_overlays(struct cell *cell) {
    drop_overlay(&cell->caption);
    drop_overlay(&cell->avatar);
    drop_overlay(&cell->hand);
    cell->needs_paint = true;
}

void cell_finish(struct cell *cell) {
    av_frame_free(&cell->picture.frame);
    av_frame_free(&cell->rendered);
    drop_overlays(cell);
    tile_destroy(cell->tile);
    cell->tile = NULL;
}

void cell_set_place(struct cell *cell, struct rect at, bool is_framed) {
    bool is_resized = at.width != cell->at.width || at.height != cell->at.height;
    if (!is_resized && at.x == cell->at.x && at.y == cell->at.y && is_framed == cell->is_framed)
        return;
    cell->at = at;
    cell->is_framed = is_framed;
    cell->needs_paint = true;
    if (is_resized) {
        cell->needs_render = true;
        drop_overlays(cell);
    }
}

void cell_set_look(struct cell *cell, const struct cell_look *look) {
    const struct cell_look *old = &cell->look;
    bool is_renamed = strcmp(old->name, look->name) != 0 || old->colour != look->colour ||
                      old->is_screen != look->is_screen || old->shows_name != look->shows_name;
    bool has_other_marks = old->is_muted != look->is_muted || old->has_hand != look->has_hand ||
                           old->is_speaking != look->is_speaking;
    bool has_other_avatar = old->is_awaited != look->is_awaited;
    if (is_renamed || old->is_muted != look->is_muted)
        drop_overlay(&cell->caption);
    if (is_renamed || has_other_avatar)
        drop_overlay(&cell->avatar);
    if (is_renamed || has_other_marks || (has_other_avatar && !cell->rendered))
        cell->needs_paint = true;
    cell->look = *look;
}

void cell_show(struct cell *cell, const struct feed_picture *picture) {
    av_frame_free(&cell->picture.frame);
    cell->picture = *picture;
    cell->needs_render = cell->needs_paint = true;
}

void cell_clear(struct cell *cell) {
    if (!cell->picture.frame && !cell->rendered)
        return;
    av_frame_free(&cell->picture.frame);
    av_frame_free(&cell->rendered);
    cell->needs_render = false;
    cell->needs_paint = true;
}

// A picture that cannot be rendered is no picture: what was shown before would be of a wrong size.
static void render(struct cell *cell) {
    cell->needs_render = false;
    av_frame_free(&cell->rendered);
    if (!cell->picture.frame)
        return;
    enum tile_fit fit = cell->look.is_screen ? TILE_CONTAIN : TILE_COVER;
    AVFrame *rendered = NULL;
    if (tile_render(cell->tile, cell->picture.frame, cell->picture.rotation, fit, cell->at.width,
                    cell->at.height, &rendered) == 0)
        cell->rendered = rendered;
}

static int at_least(int value, int least) {
    return value > least ? value : least;
}

static bool has_room_for_caption(const struct cell *cell) {
    return cell->at.width >= CAPTION_MIN_WIDTH_PX && cell->at.height >= CAPTION_MIN_HEIGHT_PX;
}

// Type follows the tile's size; of an upright tile the width counts. Without a caption it is only
// the measure of the marks.
static int type_px(const struct cell *cell) {
    if (!has_room_for_caption(cell))
        return TYPE_TINY_PX;
    int base = cell->at.width * 3 / 5 < cell->at.height ? cell->at.width * 3 / 5 : cell->at.height;
    int type = at_least(base / 18, TYPE_MIN_PX);
    return type < TYPE_MAX_PX ? type : TYPE_MAX_PX;
}

static int margin_px(const struct cell *cell) {
    return BEZEL_GAP_PX + BEZEL_RING_PX + (at_least(type_px(cell) / 3, 2) & ~1);
}

static void paint_caption(struct cell *cell, const struct cell_tools *tools, struct rect at) {
    bool has_room = has_room_for_caption(cell);
    struct label_caption caption = {
        .name = cell->look.shows_name && has_room ? cell->look.name : "",
        .is_muted = cell->look.is_muted && !cell->look.is_screen,
        .is_screen = cell->look.is_screen && has_room,
        .type_px = type_px(cell),
        .max_width_px = at.width - 2 * margin_px(cell),
    };
    if (!caption.name[0] && !caption.is_muted && !caption.is_screen)
        return;
    if (!cell->caption)
        cell->caption = label_draw_caption(tools->kit, &caption);
    if (cell->caption)
        canvas_blend(tools->canvas, cell->caption, at.x + margin_px(cell),
                     at.y + at.height - margin_px(cell) - cell->caption->height_px);
}

static void paint_hand(struct cell *cell, const struct cell_tools *tools, struct rect at) {
    if (!cell->look.has_hand || cell->look.is_screen)
        return;
    if (!cell->hand)
        cell->hand = label_draw_hand((type_px(cell) * 2 + 1) & ~1);
    if (cell->hand)
        canvas_blend(tools->canvas, cell->hand,
                     at.x + at.width - margin_px(cell) - cell->hand->width_px,
                     at.y + margin_px(cell));
}

static unsigned mix(unsigned a, unsigned b, unsigned percent_of_b) {
    unsigned mixed = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        unsigned sum =
            ((a >> shift) & 255) * (100 - percent_of_b) + ((b >> shift) & 255) * percent_of_b;
        mixed |= sum / 100 << shift;
    }
    return mixed;
}

static void paint_stand_in(struct cell *cell, const struct cell_tools *tools, struct rect at) {
    unsigned tint = cell->look.is_screen ? PALETTE_TILE : mix(PALETTE_TILE, cell->look.colour, 14);
    canvas_fill(tools->canvas, at, overlay_colour(tint));
    int size = at.width < at.height ? at.width : at.height;
    size = (cell->look.is_screen ? size / 6 : size * 9 / 20) & ~1;
    if (!cell->avatar)
        cell->avatar = cell->look.is_screen
                           ? label_draw_screen(size)
                           : label_draw_avatar(tools->kit, cell->look.name, cell->look.colour, size,
                                               cell->look.is_awaited);
    // In a low tile the avatar makes way for the caption.
    int top = (at.height - size) / 2;
    int highest = BEZEL_GAP_PX + BEZEL_RING_PX + 2;
    int lowest = at.height - margin_px(cell) - type_px(cell) * 2 - size;
    top = top > lowest && cell->look.shows_name && has_room_for_caption(cell)
              ? at_least(lowest, highest)
              : top;
    if (cell->avatar)
        canvas_blend(tools->canvas, cell->avatar, at.x + ((at.width - size) / 2 & ~1),
                     at.y + (top & ~1));
}

void cell_soil(struct cell *cell) {
    cell->needs_paint = true;
}

// Nothing stands over its edge, however small it is.
static void paint_at(struct cell *cell, const struct cell_tools *tools, struct rect at) {
    struct rect outer = tools->canvas->clip;
    if (!canvas_narrow_clip(tools->canvas, at))
        return;
    if (cell->rendered)
        canvas_paint(tools->canvas, at, cell->rendered);
    else
        paint_stand_in(cell, tools, at);
    if (cell->is_framed)
        bezel_paint(tools->bezel, tools->canvas, at, cell->look.is_speaking, tools->ground);
    paint_caption(cell, tools, at);
    paint_hand(cell, tools, at);
    canvas_set_clip(tools->canvas, &outer);
}

// Picture, name and marks as they will stand there in the end, and all of it together made fit.
static void paint_scaled(struct cell *cell, const struct cell_tools *tools, struct rect shown) {
    struct cell_tools aside = *tools;
    aside.canvas = tools->scratch;
    aside.ground = NULL;
    paint_at(cell, &aside, (struct rect){0, 0, cell->at.width, cell->at.height});
    canvas_stretch(tools->canvas, shown, tools->scratch->frame, cell->at.width, cell->at.height);
}

bool cell_paint(struct cell *cell, const struct cell_tools *tools, struct rect shown) {
    if (cell->needs_render)
        render(cell);
    if (!cell->needs_paint)
        return false;
    cell->needs_paint = false;
    if (shown.width == cell->at.width && shown.height == cell->at.height)
        paint_at(cell, tools, shown);
    else
        paint_scaled(cell, tools, shown);
    return true;
}
