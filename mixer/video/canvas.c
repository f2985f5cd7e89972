// SPDX-License-Identifier: MIT
#include "mixer/video/canvas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static AVFrame *picture_create(int width_px, int height_px) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width_px;
    frame->height = height_px;
    frame->colorspace = AVCOL_SPC_SMPTE170M;
    frame->color_range = AVCOL_RANGE_MPEG;
    if (av_frame_get_buffer(frame, 0))
        av_frame_free(&frame);
    return frame;
}

int canvas_init(struct canvas *canvas, int width_px, int height_px, struct yuv background) {
    memset(canvas, 0, sizeof(*canvas));
    canvas->columns = (width_px + CANVAS_BLOCK_PX - 1) / CANVAS_BLOCK_PX;
    canvas->rows = (height_px + CANVAS_BLOCK_PX - 1) / CANVAS_BLOCK_PX;
    canvas->frame = picture_create(width_px, height_px);
    canvas->dirty = calloc((size_t)canvas->columns * canvas->rows, 1);
    if (!canvas->frame || !canvas->dirty) {
        canvas_finish(canvas);
        return -ENOMEM;
    }
    canvas_fill(canvas, (struct rect){0, 0, width_px, height_px}, background);
    return 0;
}

void canvas_finish(struct canvas *canvas) {
    av_frame_free(&canvas->frame);
    free(canvas->dirty);
    canvas->dirty = NULL;
}

// What of the rectangle lies on the canvas; false if nothing does.
static bool clip(const struct canvas *canvas, struct rect *at) {
    int right = at->x + at->width, bottom = at->y + at->height;
    at->x = at->x < 0 ? 0 : at->x;
    at->y = at->y < 0 ? 0 : at->y;
    at->width = (right < canvas->frame->width ? right : canvas->frame->width) - at->x;
    at->height = (bottom < canvas->frame->height ? bottom : canvas->frame->height) - at->y;
    return at->width > 0 && at->height > 0;
}

static void mark(struct canvas *canvas, const struct rect *at) {
    int left = at->x / CANVAS_BLOCK_PX, right = (at->x + at->width - 1) / CANVAS_BLOCK_PX;
    int top = at->y / CANVAS_BLOCK_PX, bottom = (at->y + at->height - 1) / CANVAS_BLOCK_PX;
    size_t count = (size_t)right - (size_t)left + 1;
    for (int row = top; row <= bottom; row++)
        memset(canvas->dirty + row * canvas->columns + left, 1, count);
    canvas->is_dirty = true;
}

static uint8_t *sample(const AVFrame *frame, int plane, int x, int y) {
    return frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane] + x;
}

void canvas_fill(struct canvas *canvas, struct rect at, struct yuv colour) {
    if (!clip(canvas, &at))
        return;
    for (int y = at.y; y < at.y + at.height; y++)
        memset(sample(canvas->frame, 0, at.x, y), colour.y, (size_t)at.width);
    for (int y = at.y / 2; y < (at.y + at.height) / 2; y++) {
        memset(sample(canvas->frame, 1, at.x / 2, y), colour.u, (size_t)at.width / 2);
        memset(sample(canvas->frame, 2, at.x / 2, y), colour.v, (size_t)at.width / 2);
    }
    mark(canvas, &at);
}

void canvas_paint(struct canvas *canvas, struct rect at, const AVFrame *picture) {
    struct rect to = at;
    if (!clip(canvas, &to))
        return;
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0;
        for (int y = 0; y < to.height >> half; y++)
            memcpy(sample(canvas->frame, plane, to.x >> half, (to.y >> half) + y),
                   sample(picture, plane, (to.x - at.x) >> half, ((to.y - at.y) >> half) + y),
                   (size_t)to.width >> half);
    }
    mark(canvas, &to);
}

void canvas_blend(struct canvas *canvas, const struct overlay *overlay, int x, int y) {
    struct rect to = {x, y, overlay->width_px, overlay->height_px};
    if (!clip(canvas, &to))
        return;
    int skip = (to.y - y) * overlay->width_px + to.x - x;
    for (int row = 0; row < to.height; row++, skip += overlay->width_px)
        overlay_blend_row(sample(canvas->frame, 0, to.x, to.y + row), overlay->y + skip,
                          overlay->keep_y + skip, to.width);
    skip = (to.y - y) / 2 * (overlay->width_px / 2) + (to.x - x) / 2;
    for (int row = 0; row < to.height / 2; row++, skip += overlay->width_px / 2) {
        uint8_t *u = sample(canvas->frame, 1, to.x / 2, to.y / 2 + row);
        uint8_t *v = sample(canvas->frame, 2, to.x / 2, to.y / 2 + row);
        overlay_blend_row(u, overlay->u + skip, overlay->keep_uv + skip, to.width / 2);
        overlay_blend_row(v, overlay->v + skip, overlay->keep_uv + skip, to.width / 2);
    }
    mark(canvas, &to);
}

void canvas_clean(struct canvas *canvas) {
    memset(canvas->dirty, 0, (size_t)canvas->columns * canvas->rows);
    canvas->is_dirty = false;
}

AVFrame *canvas_copy(const struct canvas *canvas) {
    AVFrame *copy = picture_create(canvas->frame->width, canvas->frame->height);
    if (copy && av_frame_copy(copy, canvas->frame) < 0)
        av_frame_free(&copy);
    return copy;
}
