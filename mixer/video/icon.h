// SPDX-License-Identifier: MIT
// The marks on a tile, as cairo paths: sharp at every size and no font needed. Each is drawn into
// the square of size_px at (x, y) in the current source colour. The context is one thread's at a
// time.
#ifndef MIXER_VIDEO_ICON_H
#define MIXER_VIDEO_ICON_H

#include <cairo.h>

void icon_mic_off(cairo_t *cr, double x, double y, double size_px);
void icon_hand(cairo_t *cr, double x, double y, double size_px);
void icon_screen(cairo_t *cr, double x, double y, double size_px);

// A path for the caller to fill or stroke.
void icon_round_rect(cairo_t *cr, double x, double y, double width, double height, double radius);

#endif
