// SPDX-License-Identifier: MIT
#include "mixer/video/overlay.h"

#include <stdlib.h>

// Sums over one or four premultiplied pixels.
struct argb_sum {
    int a, r, g, b;
};

static void sum_add(struct argb_sum *sum, uint32_t pixel) {
    sum->a += pixel >> 24;
    sum->r += (pixel >> 16) & 255;
    sum->g += (pixel >> 8) & 255;
    sum->b += pixel & 255;
}

// BT.601 in 16.16 fixed point. The offsets (16, 128) are multiplied by the opacity as well, which
// makes the whole conversion linear: premultiplied in, premultiplied out. scale: pixels in the sum.
static uint8_t fixed(int64_t value, int scale) {
    int64_t rounded = (value / scale + (1 << 15)) >> 16;
    return rounded < 0 ? 0 : rounded > 255 ? 255 : (uint8_t)rounded;
}

static uint8_t sum_y(const struct argb_sum *sum, int scale) {
    return fixed(INT64_C(4112) * sum->a + 16829 * sum->r + 33039 * sum->g + 6416 * sum->b, scale);
}

static uint8_t sum_u(const struct argb_sum *sum, int scale) {
    return fixed(INT64_C(32896) * sum->a - 9714 * sum->r - 19070 * sum->g + 28784 * sum->b, scale);
}

static uint8_t sum_v(const struct argb_sum *sum, int scale) {
    return fixed(INT64_C(32896) * sum->a + 28784 * sum->r - 24103 * sum->g - 4681 * sum->b, scale);
}

struct yuv overlay_colour(uint32_t rgb) {
    struct argb_sum sum = {0};
    sum_add(&sum, 0xff000000 | rgb);
    return (struct yuv){sum_y(&sum, 1), sum_u(&sum, 1), sum_v(&sum, 1)};
}

// A drawing and its size before it was made even.
struct source {
    const uint8_t *argb;
    ptrdiff_t stride_bytes;
    int width_px, height_px;
};

static uint32_t source_pixel(const struct source *source, int x, int y) {
    if (x >= source->width_px || y >= source->height_px)
        return 0;
    return ((const uint32_t *)(const void *)(source->argb + y * source->stride_bytes))[x];
}

static void convert_luma(struct overlay *overlay, const struct source *source) {
    for (int y = 0; y < overlay->height_px; y++) {
        for (int x = 0; x < overlay->width_px; x++) {
            struct argb_sum sum = {0};
            sum_add(&sum, source_pixel(source, x, y));
            overlay->y[y * overlay->width_px + x] = sum_y(&sum, 1);
            overlay->keep_y[y * overlay->width_px + x] = 255 - sum.a;
        }
    }
}

static void convert_chroma(struct overlay *overlay, const struct source *source) {
    int width = overlay->width_px / 2;
    for (int y = 0; y < overlay->height_px / 2; y++) {
        for (int x = 0; x < width; x++) {
            struct argb_sum sum = {0};
            for (int i = 0; i < 4; i++)
                sum_add(&sum, source_pixel(source, 2 * x + i % 2, 2 * y + i / 2));
            overlay->u[y * width + x] = sum_u(&sum, 4);
            overlay->v[y * width + x] = sum_v(&sum, 4);
            overlay->keep_uv[y * width + x] = 255 - (sum.a + 2) / 4;
        }
    }
}

struct overlay *overlay_create(const uint8_t *argb, ptrdiff_t stride_bytes, int width_px,
                               int height_px) {
    int width = (width_px + 1) & ~1, height = (height_px + 1) & ~1;
    size_t luma = (size_t)width * height, chroma = luma / 4;
    struct overlay *overlay = malloc(sizeof(*overlay) + 2 * luma + 3 * chroma);
    if (!overlay)
        return NULL;
    overlay->width_px = width;
    overlay->height_px = height;
    overlay->y = overlay->samples;
    overlay->keep_y = overlay->y + luma;
    overlay->u = overlay->keep_y + luma;
    overlay->v = overlay->u + chroma;
    overlay->keep_uv = overlay->v + chroma;
    struct source source = {argb, stride_bytes, width_px, height_px};
    convert_luma(overlay, &source);
    convert_chroma(overlay, &source);
    return overlay;
}

void overlay_destroy(struct overlay *overlay) {
    free(overlay);
}

static inline uint8_t blend(uint8_t to, uint8_t add, uint8_t keep) {
    uint16_t product = to * keep + 128; // at most 65153: the division below is exact rounding
    return add + (uint8_t)((product + (product >> 8)) >> 8);
}

// Blocks of a fixed 16 samples become vector code at -O2, a loop of unknown length does not.
void overlay_blend_row(uint8_t *restrict to, const uint8_t *restrict add,
                       const uint8_t *restrict keep, int count) {
    int i = 0;
    for (; i + 16 <= count; i += 16)
        for (int j = 0; j < 16; j++)
            to[i + j] = blend(to[i + j], add[i + j], keep[i + j]);
    for (; i < count; i++)
        to[i] = blend(to[i], add[i], keep[i]);
}
