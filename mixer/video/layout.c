// SPDX-License-Identifier: MIT
// Where the tiles go. All arithmetic is in macroblocks (16 px), so that every edge is a multiple of
// 16 by construction; only emit() turns blocks into pixels.
//
//   grid                speaker, screen (landscape)    speaker, screen (portrait)
//   +----+----+----+    +------------+---+             +---------+
//   |    |    |    |    |            |   |             |  large  |
//   +----+----+----+    |   large    +---+             +---------+
//   |    |    |    |    |            |   |             |   |     |
//   +-+----+----+--+    |            +---+             +---+-----+
//     |    |    |       +------------+---+             |   |     |
//
//   sidebar                spotlight, three chosen
//   +-----------+----+     +-----+-----+---+
//   |           |    |     |     |     |   |
//   |   large   +----+     +--+--+--+--+---+
//   |           |    |        |     |  |   |
//   |           +----+        |     |  +---+
//   +-----------+----+        +-----+
//
// Tiles are 4:3 to 16:9, whatever the canvas: cameras are, and a picture that covers such a tile
// loses a quarter at most. No gaps: at 49 tiles a gap of one block would cost a third of each tile.
#include "mixer/video/layout.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    BLOCK_PX = 16,
    // 64x48: below it nobody is recognised any more.
    TILE_MIN_WIDTH = 4,
    TILE_MIN_HEIGHT = 3,
    // The strip's part of the side it takes from. A screen is there to be read.
    SPEAKER_STRIP_SHARE = 5,
    SCREEN_STRIP_SHARE = 8,
    // Few beside the large one, but those well to be seen.
    SIDEBAR_SHARE = 4,
    SIDEBAR_MAX = 4,
};

struct size {
    int width, height; // blocks
};

struct split {
    int columns, rows;
    struct size tile;
};

static const char *const NAMES[] = {
    [LAYOUT_GRID] = "grid",       [LAYOUT_SPEAKER] = "speaker",     [LAYOUT_SCREEN] = "screen",
    [LAYOUT_SIDEBAR] = "sidebar", [LAYOUT_SPOTLIGHT] = "spotlight", [LAYOUT_CUSTOM] = "custom"};
enum { KIND_COUNT = sizeof(NAMES) / sizeof(NAMES[0]) };

const char *layout_name(enum layout_kind kind) {
    return (unsigned)kind < KIND_COUNT ? NAMES[kind] : "unknown";
}

int layout_from_name(const char *name, enum layout_kind *out) {
    for (int i = 0; name && i < KIND_COUNT; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            *out = (enum layout_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int min_int(int a, int b) {
    return a < b ? a : b;
}

static int max_int(int a, int b) {
    return a > b ? a : b;
}

static int area_of(struct size size) {
    return size.width * size.height;
}

static bool is_shown(struct size tile) {
    return tile.width >= TILE_MIN_WIDTH && tile.height >= TILE_MIN_HEIGHT;
}

// The largest tile within the box whose shape suits a camera. The width rounds up, so that 320x176
// and 256x144 stay whole.
static struct size fit_tile(struct size box) {
    return (struct size){min_int(box.width, (box.height * 16 + 8) / 9),
                         min_int(box.height, box.width * 3 / 4)};
}

// The split of the box with the largest tiles, none larger than limit.
static struct split choose_split(struct size box, int count, struct size limit) {
    struct split best = {0};
    for (int columns = 1; columns <= count; columns++) {
        int rows = (count + columns - 1) / columns;
        struct size cell = {min_int(box.width / columns, limit.width),
                            min_int(box.height / rows, limit.height)};
        struct size tile = fit_tile(cell);
        int gain = area_of(tile) - area_of(best.tile);
        // The same tiles with fewer empty places look better.
        if (gain > 0 || (gain == 0 && columns * rows < best.columns * best.rows))
            best = (struct split){columns, rows, tile};
    }
    return best;
}

static struct rect emit(int x, int y, struct size size) {
    return (struct rect){x * BLOCK_PX, y * BLOCK_PX, size.width * BLOCK_PX, size.height * BLOCK_PX};
}

// Fills the box at x, y from its centre with as many as can be seen; returns how many.
static int place_block(int x, int y, struct size box, struct size limit, int count,
                       struct rect *cells) {
    struct split split = choose_split(box, count, limit);
    while (count > 0 && !is_shown(split.tile))
        split = choose_split(box, --count, limit);
    int top = y + (box.height - split.rows * split.tile.height) / 2;
    for (int i = 0; i < count; i++) {
        int row = i / split.columns;
        int in_row = min_int(split.columns, count - row * split.columns);
        int left = x + (box.width - in_row * split.tile.width) / 2;
        cells[i] = emit(left + i % split.columns * split.tile.width, top + row * split.tile.height,
                        split.tile);
    }
    return count;
}

static int place_whole(struct size canvas, struct rect *cells) {
    cells[0] = emit(0, 0, canvas);
    return 1;
}

static int place_grid(struct size canvas, int count, struct rect *cells) {
    int placed = place_block(0, 0, canvas, canvas, count, cells);
    // Alone, or on a canvas too small for two: all of it.
    return placed > 1 ? placed : place_whole(canvas, cells);
}

struct parts {
    bool is_beside; // the strip, else below
    struct size large, strip;
};

// The strip stands where it leaves the large part larger. The parts depend on the canvas alone, so
// that people coming and going move only the strip.
static struct parts divide(struct size canvas, int share, bool is_shaped) {
    struct size beside = {canvas.width - max_int(canvas.width / share, TILE_MIN_WIDTH),
                          canvas.height};
    struct size above = {canvas.width,
                         canvas.height - max_int(canvas.height / share, TILE_MIN_HEIGHT)};
    struct size beside_tile = fit_tile(beside), above_tile = fit_tile(above);
    bool is_beside = area_of(beside_tile) >= area_of(above_tile);
    struct parts parts = {.is_beside = is_beside};
    if (is_shaped)
        parts.large = is_beside ? beside_tile : above_tile;
    else
        parts.large = is_beside ? beside : above;
    parts.strip = is_beside ? (struct size){canvas.width - parts.large.width, canvas.height}
                            : (struct size){canvas.width, canvas.height - parts.large.height};
    return parts;
}

// Where there is plenty of room, the large one must still look like it.
static struct size limit_of_strip(struct size large) {
    return (struct size){max_int(large.width / 2, TILE_MIN_WIDTH),
                         max_int(large.height / 2, TILE_MIN_HEIGHT)};
}

static int place_strip(const struct parts *parts, struct size limit, int count,
                       struct rect *cells) {
    return place_block(parts->is_beside ? parts->large.width : 0,
                       parts->is_beside ? 0 : parts->large.height, parts->strip, limit, count,
                       cells);
}

static int place_large_and_strip(struct size canvas, int share, int count, struct rect *cells) {
    struct parts parts = divide(canvas, share, true);
    struct size large = parts.large;
    if (count == 1 || !is_shown(large))
        return place_whole(canvas, cells);
    int placed = place_strip(&parts, limit_of_strip(large), count - 1, cells + 1);
    if (placed == 0)
        return place_whole(canvas, cells);
    cells[0] = parts.is_beside ? emit(0, (canvas.height - large.height) / 2, large)
                               : emit((canvas.width - large.width) / 2, 0, large);
    return 1 + placed;
}

// As many in one column as fill it at its full width; below the large one of an upright canvas, a
// few as well.
static int place_sidebar(struct size canvas, int count, struct rect *cells) {
    struct parts parts = divide(canvas, SIDEBAR_SHARE, true);
    int height = (parts.strip.width * 9 + 8) / 16, column = SIDEBAR_MAX;
    if (parts.is_beside && height * column > parts.strip.height)
        column = max_int(parts.strip.height / height, 1);
    return place_large_and_strip(canvas, SIDEBAR_SHARE, min_int(count, 1 + column), cells);
}

int layout_place(enum layout_kind kind, int width_px, int height_px, int count,
                 struct rect *cells) {
    struct size canvas = {width_px / BLOCK_PX, height_px / BLOCK_PX};
    if (count <= 0 || canvas.width <= 0 || canvas.height <= 0)
        return 0;
    count = min_int(count, LAYOUT_CELLS_MAX);
    switch (kind) {
    case LAYOUT_SPEAKER: return place_large_and_strip(canvas, SPEAKER_STRIP_SHARE, count, cells);
    case LAYOUT_SCREEN: return place_large_and_strip(canvas, SCREEN_STRIP_SHARE, count, cells);
    case LAYOUT_SIDEBAR: return place_sidebar(canvas, count, cells);
    case LAYOUT_SPOTLIGHT: return place_large_and_strip(canvas, SPEAKER_STRIP_SHARE, count, cells);
    case LAYOUT_CUSTOM:
    case LAYOUT_GRID: break;
    }
    return place_grid(canvas, count, cells);
}

int layout_place_spotlight(int width_px, int height_px, int large, int count, struct rect *cells,
                           int *large_placed) {
    struct size canvas = {width_px / BLOCK_PX, height_px / BLOCK_PX};
    count = min_int(count, LAYOUT_CELLS_MAX);
    if (large < 2 || count <= large || canvas.width <= 0 || canvas.height <= 0) {
        // One alone is a speaker; and without others there is no strip.
        enum layout_kind kind = large > 1 ? LAYOUT_GRID : LAYOUT_SPOTLIGHT;
        int placed = layout_place(kind, width_px, height_px, count, cells);
        *large_placed = large > 1 ? placed : min_int(placed, 1);
        return placed;
    }
    struct parts parts = divide(canvas, SPEAKER_STRIP_SHARE, false);
    int shown = place_block(0, 0, parts.large, parts.large, large, cells);
    struct size limit = {max_int(cells[0].width / BLOCK_PX * 3 / 4, TILE_MIN_WIDTH),
                         max_int(cells[0].height / BLOCK_PX * 3 / 4, TILE_MIN_HEIGHT)};
    int rest = shown > 0 ? place_strip(&parts, limit, count - large, cells + shown) : 0;
    if (rest == 0)
        return *large_placed = place_grid(canvas, large, cells);
    *large_placed = shown;
    return shown + rest;
}

// Edges are rounded, not sizes: neighbours stay neighbours.
static void round_side(double from_percent, double length_percent, int blocks, int *from,
                       int *length) {
    double begin = from_percent * blocks / 100;
    double end = (from_percent + length_percent) * blocks / 100;
    // Written so that what is no number at all is false.
    begin = begin > 0 ? fmin(begin, blocks - 1) : 0;
    end = end > begin ? fmin(end, blocks) : begin;
    *from = min_int((int)lround(begin), blocks - 1);
    *length = max_int((int)lround(end) - *from, 1);
}

struct rect layout_round(struct layout_percent at, int width_px, int height_px) {
    int x, y;
    struct size size;
    round_side(at.x, at.width, max_int(width_px / BLOCK_PX, 1), &x, &size.width);
    round_side(at.y, at.height, max_int(height_px / BLOCK_PX, 1), &y, &size.height);
    return emit(x, y, size);
}
