// SPDX-License-Identifier: MIT
#include "mixer/video/halve.h"

#include <stddef.h>
#include <string.h>

static uint8_t mean(const uint8_t *upper, const uint8_t *lower) {
    return (uint8_t)((upper[0] + upper[1] + lower[0] + lower[1] + 2) / 4);
}

// Count samples come out. Blocks of a fixed number become vector code at -O2, a loop of unknown
// length does not.
static void halve_row(const uint8_t *restrict upper, const uint8_t *restrict lower,
                      uint8_t *restrict to, int count) {
    int i = 0;
    for (; i + 16 <= count; i += 16)
        for (int j = 0; j < 16; j++)
            to[i + j] = mean(upper + 2 * (i + j), lower + 2 * (i + j));
    for (; i < count; i++)
        to[i] = mean(upper + 2 * i, lower + 2 * i);
}

// The rectangle is in samples of the halved plane.
static void halve_plane(const struct canvas *from, struct canvas *to, int plane, int left, int top,
                        int width, int height) {
    ptrdiff_t from_stride = from->frame->linesize[plane], to_stride = to->frame->linesize[plane];
    const uint8_t *source = from->frame->data[plane] + 2 * top * from_stride + (ptrdiff_t)2 * left;
    uint8_t *target = to->frame->data[plane] + top * to_stride + left;
    for (int y = 0; y < height; y++)
        halve_row(source + 2 * y * from_stride, source + (2 * y + 1) * from_stride,
                  target + y * to_stride, width);
}

// Some neighbouring macroblocks of one row, in from's counting.
static void halve_blocks(const struct canvas *from, struct canvas *to, int row, int left,
                         int right) {
    enum { LUMA = CANVAS_BLOCK_PX / 2, CHROMA = CANVAS_BLOCK_PX / 4 };
    int width = to->frame->width, height = to->frame->height;
    int luma_right = right * LUMA < width ? right * LUMA : width;
    int luma_bottom = (row + 1) * LUMA < height ? (row + 1) * LUMA : height;
    halve_plane(from, to, 0, left * LUMA, row * LUMA, luma_right - left * LUMA,
                luma_bottom - row * LUMA);
    for (int plane = 1; plane < 3; plane++)
        halve_plane(from, to, plane, left * CHROMA, row * CHROMA, luma_right / 2 - left * CHROMA,
                    luma_bottom / 2 - row * CHROMA);
    uint8_t *dirty = to->dirty + row / 2 * to->columns;
    memset(dirty + left / 2, 1, (size_t)((right + 1) / 2 - left / 2));
    to->is_dirty = true;
}

void halve_changed(const struct canvas *from, struct canvas *to) {
    if (!from->is_dirty)
        return;
    for (int row = 0; row < from->rows; row++) {
        const uint8_t *dirty = from->dirty + row * from->columns;
        for (int left = 0, right; left < from->columns; left = right + 1) {
            for (right = left; right < from->columns && dirty[right];)
                right++;
            if (right > left)
                halve_blocks(from, to, row, left, right);
        }
    }
}

void halve_all(const struct canvas *from, struct canvas *to) {
    for (int row = 0; row < from->rows; row++)
        halve_blocks(from, to, row, 0, from->columns);
}
