// SPDX-License-Identifier: MIT
// What is written and drawn on a tile: caption, avatar, marks. Each is drawn once, when it changes,
// and handed out as an overlay. A label_kit owns the fonts; pango's font maps know no threads, so
// one thread at a time may use a kit (different kits are independent).
#ifndef MIXER_VIDEO_LABEL_H
#define MIXER_VIDEO_LABEL_H

#include "mixer/video/overlay.h"

#include <libavutil/frame.h>

#include <stdbool.h>

struct label_kit;

struct label_caption {
    const char *name; // cleaned; may be empty
    bool is_muted;    // a microphone with a stroke through it before the name
    bool is_screen;   // a screen before the name
    int type_px;
    int max_width_px; // the name is ellipsised to fit
};

// A tile's rounded corner: `outer` in the gap that surrounds the tile, then a ring.
struct label_corner {
    int quarter; // 0: upper left, then clockwise
    int size_px, gap_px, ring_px;
    bool is_open;         // the gap stays clear
    unsigned outer, ring; // 0xRRGGBB
};

// A bar across the canvas: a picture, text of one or two lines, or both. Its height is what they
// need, in multiples of 16.
struct label_banner {
    const char *text;       // cleaned; may be empty
    const AVFrame *picture; // RGB32, premultiplied; no higher than max_height_px; NULL: none
    int type_px, width_px, max_height_px;
    unsigned colour, background; // 0xRRGGBB
};

struct label_kit *label_kit_create(void);
void label_kit_destroy(struct label_kit *kit); // NULL is allowed

// Each returns an overlay of the caller's, or NULL when out of memory.
struct overlay *label_draw_caption(struct label_kit *kit, const struct label_caption *caption);
// A circle in the name's colour with its initials; someone whose picture is awaited is drawn as an
// outline. colour: 0xRRGGBB.
struct overlay *label_draw_avatar(struct label_kit *kit, const char *name, unsigned colour,
                                  int size_px, bool is_awaited);
struct overlay *label_draw_hand(int size_px);
struct overlay *label_draw_screen(int size_px); // a shared screen of which nothing is there yet
struct overlay *label_draw_recording(struct label_kit *kit, int type_px); // a red dot, "REC"
struct overlay *label_draw_banner(struct label_kit *kit, const struct label_banner *banner);
struct overlay *label_draw_corner(const struct label_corner *corner);

// How many signs of the text no font can draw.
int label_count_unknown(struct label_kit *kit, const char *text);

#endif
