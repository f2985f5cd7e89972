// SPDX-License-Identifier: MIT
// A small drawing with transparency, kept in the canvas' own colours so that laying it over a
// picture is one multiply and one add per sample. Immutable after creation: any thread may read it.
#ifndef MIXER_VIDEO_OVERLAY_H
#define MIXER_VIDEO_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

// Limited range BT.601: what VP8 carries.
struct yuv {
    uint8_t y, u, v;
};

struct overlay {
    int width_px, height_px; // even
    // Colours multiplied by their opacity, and what is kept of the picture below (255 - opacity).
    // Rows follow each other without padding; chroma planes have half the width and height.
    uint8_t *y, *keep_y, *u, *v, *keep_uv;
    uint8_t samples[];
};

struct yuv overlay_colour(uint32_t rgb); // 0xRRGGBB

// From cairo's ARGB32 (native-endian, premultiplied). Odd sizes grow by a transparent line. NULL
// when out of memory.
struct overlay *overlay_create(const uint8_t *argb, ptrdiff_t stride_bytes, int width_px,
                               int height_px);
void overlay_destroy(struct overlay *overlay); // NULL is allowed

// to[i] = add[i] + to[i] * keep[i] / 255, rounded.
void overlay_blend_row(uint8_t *to, const uint8_t *add, const uint8_t *keep, int count);

#endif
