// SPDX-License-Identifier: MIT
// The composite before it is encoded: one yuv420p picture that stays from frame to frame, and a map
// of the macroblocks that were painted since canvas_clean(). Not locked: one thread at a time. All
// places are even; what stands over the edge is cut off.
#ifndef MIXER_VIDEO_CANVAS_H
#define MIXER_VIDEO_CANVAS_H

#include "mixer/video/layout.h"
#include "mixer/video/overlay.h"

#include <libavutil/frame.h>
#include <stdbool.h>

enum { CANVAS_BLOCK_PX = 16 };

struct canvas {
    AVFrame *frame;
    int columns, rows; // of macroblocks; the last ones may stand over the edge
    uint8_t *dirty;    // columns * rows; 1: painted
    bool is_dirty;     // any of them
    struct rect clip;  // what is painted outside of it is left out
};

// Both even. All background, all dirty. 0 or -ENOMEM.
int canvas_init(struct canvas *canvas, int width_px, int height_px, struct yuv background);
void canvas_finish(struct canvas *canvas); // zeroed or finished is allowed

void canvas_fill(struct canvas *canvas, struct rect at, struct yuv colour);
// picture: yuv420p, at least as large as at; its upper left part is copied.
void canvas_paint(struct canvas *canvas, struct rect at, const AVFrame *picture);
void canvas_blend(struct canvas *canvas, const struct overlay *overlay, int x, int y);

// The same place of a picture that is as large as the canvas; all of it, or as much as the mask is
// opaque.
void canvas_restore(struct canvas *canvas, struct rect at, const AVFrame *picture);
void canvas_restore_through(struct canvas *canvas, const struct overlay *mask, int x, int y,
                            const AVFrame *picture);
// The upper left width_px (up to 4096) x height_px of a yuv420p picture, scaled to fill the place.
// Made for a picture that moves: cheap, and fine enough for that.
void canvas_stretch(struct canvas *canvas, struct rect at, const AVFrame *picture, int width_px,
                    int height_px);

// Even; NULL: the whole canvas again.
void canvas_set_clip(struct canvas *canvas, const struct rect *clip);
// To what of it lies within this; false, and all is as before, if nothing does.
bool canvas_narrow_clip(struct canvas *canvas, struct rect within);
void canvas_clean(struct canvas *canvas);
// A new picture of its own with what is painted now; NULL when out of memory.
AVFrame *canvas_copy(const struct canvas *canvas);

#endif
