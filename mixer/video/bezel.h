// SPDX-License-Identifier: MIT
// What surrounds a tile: a small gap to its neighbours, rounded corners, and a ring when its member
// speaks. In gap and corners the ground shows: a colour, or a picture behind the tiles. All of it
// lies inside the tile, so that a change repaints no neighbour. Immutable after creation.
#ifndef MIXER_VIDEO_BEZEL_H
#define MIXER_VIDEO_BEZEL_H

#include "mixer/video/canvas.h"

enum { BEZEL_GAP_PX = 2, BEZEL_RING_PX = 4, BEZEL_CORNER_MAX_PX = 14 };

struct bezel;

struct bezel *bezel_create(uint32_t background_rgb); // NULL when out of memory
void bezel_destroy(struct bezel *bezel);             // NULL is allowed

// ground: as large as the canvas; NULL: the colour.
void bezel_paint(const struct bezel *bezel, struct canvas *canvas, struct rect at, bool is_speaking,
                 const AVFrame *ground);

#endif
