// SPDX-License-Identifier: MIT
// From a decoded picture to one that fits its place: rotate, crop or letterbox, scale, yuv420p. A
// small libavfilter graph, rebuilt only when its input or its place changes; a picture that already
// fits passes by reference. Not locked: one thread at a time.
#ifndef MIXER_VIDEO_TILE_H
#define MIXER_VIDEO_TILE_H

#include <libavutil/frame.h>

// COVER fills the place and crops what stands over (cameras, at most a third of the picture is cut,
// else it letterboxes the rest); CONTAIN shows all with bars (screens).
enum tile_fit { TILE_COVER, TILE_CONTAIN };

// Of the bars: the canvas's own dark ground, 24,128,128 in YUV.
enum { TILE_BAR_RGB = 0x090909, TILE_BAR_LUMA = 24 };

struct tile;

struct tile *tile_create(void);
void tile_destroy(struct tile *tile); // NULL is allowed

// Borrows picture. *out is a new reference to a yuv420p picture of exactly width_px x height_px
// (even numbers). rotation: 0, 90, 180, 270 clockwise. 0 or negative errno.
int tile_render(struct tile *tile, const AVFrame *picture, int rotation, enum tile_fit fit,
                int width_px, int height_px, AVFrame **out);

#endif
