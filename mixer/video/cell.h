// SPDX-License-Identifier: MIT
// One tile on the canvas: its place, the picture in it, and what is drawn over it. It remembers
// what it painted and paints again only what changed. Not locked: one thread at a time.
#ifndef MIXER_VIDEO_CELL_H
#define MIXER_VIDEO_CELL_H

#include "mixer/video/bezel.h"
#include "mixer/video/feed.h"
#include "mixer/video/label.h"
#include "mixer/video/name.h"

struct tile;

// What a tile says besides its picture.
struct cell_look {
    char name[NAME_SIZE_BYTES]; // cleaned
    unsigned colour;            // 0xRRGGBB, of the avatar
    bool is_screen, shows_name, is_muted, has_hand, is_speaking, is_awaited;
};

struct cell {
    struct rect at;
    bool is_framed; // has neighbours
    struct cell_look look;
    struct feed_picture picture; // the newest taken; no frame: none to show
    AVFrame *rendered;           // the same, fitting the place
    struct tile *tile;
    struct overlay *caption, *avatar, *hand; // NULL: not drawn yet
    bool needs_render, needs_paint;
};

// What all cells of a canvas share.
struct cell_tools {
    struct canvas *canvas;
    struct label_kit *kit;
    struct bezel *bezel;
    const AVFrame *ground;  // behind the tiles; NULL: a colour
    struct canvas *scratch; // for a cell on its way; may be NULL while none is
};

int cell_init(struct cell *cell); // 0 or -ENOMEM
void cell_finish(struct cell *cell);

void cell_set_place(struct cell *cell, struct rect at, bool is_framed);
void cell_set_look(struct cell *cell, const struct cell_look *look);
// Takes the picture's frame.
void cell_show(struct cell *cell, const struct feed_picture *picture);
// Shows the avatar or the placeholder instead of the picture.
void cell_clear(struct cell *cell);
// Something was painted over it, or it shall appear elsewhere.
void cell_soil(struct cell *cell);
// Paints what differs from before at `shown`: its place, or on the way there, where it is scaled as
// a whole. True: something was painted.
bool cell_paint(struct cell *cell, const struct cell_tools *tools, struct rect shown);

#endif
