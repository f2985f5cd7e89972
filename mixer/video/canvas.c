// SPDX-License-Identifier: MIT
#include "mixer/video/canvas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH_MAX_PX = 4096 };

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
    canvas_set_clip(canvas, NULL);
    canvas_fill(canvas, canvas->clip, background);
    return 0;
}

void canvas_finish(struct canvas *canvas) {
    av_frame_free(&canvas->frame);
    free(canvas->dirty);
    canvas->dirty = NULL;
}

static int min_int(int a, int b) {
    return a < b ? a : b;
}

static int max_int(int a, int b) {
    return a > b ? a : b;
}

// What of the rectangle is to be painted; false if nothing is.
static bool clip(const struct canvas *canvas, struct rect *at) {
    const struct rect *within = &canvas->clip;
    int right = min_int(at->x + at->width, within->x + within->width);
    int bottom = min_int(at->y + at->height, within->y + within->height);
    at->x = max_int(at->x, within->x);
    at->y = max_int(at->y, within->y);
    at->width = right - at->x;
    at->height = bottom - at->y;
    return at->width > 0 && at->height > 0;
}

void canvas_set_clip(struct canvas *canvas, const struct rect *within) {
    canvas->clip = (struct rect){0, 0, canvas->frame->width, canvas->frame->height};
    struct rect wanted = within ? *within : canvas->clip;
    if (!clip(canvas, &wanted))
        wanted = (struct rect){0, 0, 0, 0};
    canvas->clip = wanted;
}

bool canvas_narrow_clip(struct canvas *canvas, struct rect within) {
    if (!clip(canvas, &within))
        return false;
    canvas->clip = within;
    return true;
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

void canvas_restore(struct canvas *canvas, struct rect at, const AVFrame *picture) {
    if (!clip(canvas, &at))
        return;
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0;
        for (int y = at.y >> half; y < (at.y + at.height) >> half; y++)
            memcpy(sample(canvas->frame, plane, at.x >> half, y),
                   sample(picture, plane, at.x >> half, y), (size_t)at.width >> half);
    }
    mark(canvas, &at);
}

static void restore_row(uint8_t *to, const uint8_t *from, const uint8_t *keep, int count) {
    for (int i = 0; i < count; i++)
        to[i] = (uint8_t)((to[i] * keep[i] + from[i] * (255 - keep[i]) + 127) / 255);
}

void canvas_restore_through(struct canvas *canvas, const struct overlay *mask, int x, int y,
                            const AVFrame *picture) {
    struct rect to = {x, y, mask->width_px, mask->height_px};
    if (!clip(canvas, &to))
        return;
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0, width = mask->width_px >> half;
        const uint8_t *keep = (plane == 0 ? mask->keep_y : mask->keep_uv) +
                              ((to.y - y) >> half) * width + ((to.x - x) >> half);
        for (int row = to.y >> half; row < (to.y + to.height) >> half; row++, keep += width)
            restore_row(sample(canvas->frame, plane, to.x >> half, row),
                        sample(picture, plane, to.x >> half, row), keep, to.width >> half);
    }
    mark(canvas, &to);
}

struct axis {     // of one plane
    int from, to; // how long
    int begin;    // of `to`: the first that is wanted
};

// Where a sample of `to` lies among `from`, in 1/65536: centres upon centres.
static int position(const struct axis *axis, int at) {
    int64_t step = ((int64_t)axis->from << 16) / axis->to;
    int64_t centre = (axis->begin + at) * step + step / 2 - (1 << 15);
    int64_t last = (int64_t)(axis->from - 1) << 16;
    return (int)(centre < 0 ? 0 : centre > last ? last : centre);
}

static inline uint8_t mix(int a, int b, int weight) {
    return (uint8_t)((a * (256 - weight) + b * weight + 128) >> 8);
}

// Both rows into one. Blocks of a fixed 16 samples become vector code, as in overlay_blend_row().
static void mix_rows(uint8_t *restrict to, const uint8_t *restrict upper,
                     const uint8_t *restrict lower, int weight, int count) {
    int i = 0;
    for (; i + 16 <= count; i += 16)
        for (int j = 0; j < 16; j++)
            to[i + j] = mix(upper[i + j], lower[i + j], weight);
    for (; i < count; i++)
        to[i] = mix(upper[i], lower[i], weight);
}

// from has a sample more than it is long: the last one again.
static void stretch_row(uint8_t *to, int count, const uint8_t *from, const struct axis *columns) {
    int step = (int)(((int64_t)columns->from << 16) / columns->to);
    int at = columns->begin * step + step / 2 - (1 << 15), last = (columns->from - 1) << 16;
    for (int i = 0; i < count; i++, at += step) {
        int place = min_int(max_int(at, 0), last), part = place >> 8 & 255;
        const uint8_t *pair = from + (place >> 16);
        to[i] = mix(pair[0], pair[1], part);
    }
}

void canvas_stretch(struct canvas *canvas, struct rect at, const AVFrame *picture, int width_px,
                    int height_px) {
    struct rect to = at;
    uint8_t mixed[STRETCH_MAX_PX + 1];
    if (width_px > STRETCH_MAX_PX || !clip(canvas, &to))
        return;
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0;
        struct axis columns = {width_px >> half, at.width >> half, (to.x - at.x) >> half};
        struct axis rows = {height_px >> half, at.height >> half, (to.y - at.y) >> half};
        for (int y = 0; y < to.height >> half; y++) {
            int row = position(&rows, y);
            int upper = row >> 16, lower = min_int(upper + 1, rows.from - 1);
            mix_rows(mixed, sample(picture, plane, 0, upper), sample(picture, plane, 0, lower),
                     row >> 8 & 255, columns.from);
            mixed[columns.from] = mixed[columns.from - 1];
            stretch_row(sample(canvas->frame, plane, to.x >> half, (to.y >> half) + y),
                        to.width >> half, mixed, &columns);
        }
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
