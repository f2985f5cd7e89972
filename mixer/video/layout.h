// SPDX-License-Identifier: MIT
// Pure geometry: how many tiles, where. No state, any thread.
#ifndef MIXER_VIDEO_LAYOUT_H
#define MIXER_VIDEO_LAYOUT_H

enum { LAYOUT_CELLS_MAX = 49 };

enum layout_kind { LAYOUT_GRID, LAYOUT_SPEAKER, LAYOUT_SCREEN };

struct rect {
    int x, y, width, height; // canvas pixels, multiples of 16 (the encoder's macroblock)
};

const char *layout_name(enum layout_kind kind); // "grid", "speaker", "screen"
// 0, or -EINVAL for a name that is none.
int layout_from_name(const char *name, enum layout_kind *out);

// Places up to count tiles on a canvas of multiples of 16 and returns how many were placed (less
// than count when no more fit). Cells never overlap and lie inside the canvas. For SPEAKER and
// SCREEN, cells[0] is the large one. cells has room for LAYOUT_CELLS_MAX.
int layout_place(enum layout_kind kind, int width_px, int height_px, int count, struct rect *cells);

#endif
