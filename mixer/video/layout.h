// SPDX-License-Identifier: MIT
// Pure geometry: how many tiles, where. No state, any thread.
#ifndef MIXER_VIDEO_LAYOUT_H
#define MIXER_VIDEO_LAYOUT_H

enum { LAYOUT_CELLS_MAX = 49 };

// grid: all alike. speaker: who speaks large, the others in a strip where it costs the large one
// least. screen: what is shared large. sidebar: who speaks (or what is shared) on the left, a
// column of few on the right. spotlight: the chosen share the large part, the others the strip.
// custom: rectangles that somebody gave.
enum layout_kind {
    LAYOUT_GRID,
    LAYOUT_SPEAKER,
    LAYOUT_SCREEN,
    LAYOUT_SIDEBAR,
    LAYOUT_SPOTLIGHT,
    LAYOUT_CUSTOM,
};

struct rect {
    int x, y, width, height; // canvas pixels, multiples of 16 (the encoder's macroblock)
};

const char *layout_name(enum layout_kind kind); // "grid", "speaker", "screen" ...
// 0, or -EINVAL for a name that is none.
int layout_from_name(const char *name, enum layout_kind *out);

// Places up to count tiles on a canvas of multiples of 16 and returns how many were placed (less
// than count when no more fit). Cells never overlap and lie inside the canvas. For SPEAKER, SCREEN,
// SIDEBAR and SPOTLIGHT, cells[0] is the large one. cells has room for LAYOUT_CELLS_MAX.
int layout_place(enum layout_kind kind, int width_px, int height_px, int count, struct rect *cells);
// SPOTLIGHT with the first large ones of count sharing the large part. *large_placed tells how many
// of those that were placed are large.
int layout_place_spotlight(int width_px, int height_px, int large, int count, struct rect *cells,
                           int *large_placed);

// In percent of the canvas; what stands over its edge is cut off.
struct layout_percent {
    double x, y, width, height;
};
// The nearest place on macroblocks, at least one large. Places that share an edge go on to share
// it. Whatever the numbers are, it lies inside the canvas.
struct rect layout_round(struct layout_percent at, int width_px, int height_px);

#endif
