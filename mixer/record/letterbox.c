// SPDX-License-Identifier: MIT
#include "mixer/record/letterbox.h"

#include "mixer/video/scale.h"

#include <errno.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLACK_LUMA = 16, BLACK_CHROMA = 128, SIDE_MIN_PX = 2 };

struct letterbox {
    int width_px, height_px;
    struct SwsContext *scaler; // for the size that came last
};

// Where a picture comes to lie; all even, for chroma has half the samples.
struct window {
    int left, top, width_px, height_px;
};

struct letterbox *letterbox_create(int width_px, int height_px) {
    struct letterbox *letterbox = calloc(1, sizeof(*letterbox));
    if (!letterbox)
        return NULL;
    letterbox->width_px = width_px;
    letterbox->height_px = height_px;
    return letterbox;
}

void letterbox_destroy(struct letterbox *letterbox) {
    if (!letterbox)
        return;
    sws_freeContext(letterbox->scaler);
    free(letterbox);
}

static int even(int64_t value, int most) {
    int rounded = (int)((value + 1) / 2 * 2);
    return rounded < SIDE_MIN_PX ? SIDE_MIN_PX : rounded > most ? most : rounded;
}

static struct window find_window(const struct letterbox *letterbox, const AVFrame *picture) {
    int64_t width = letterbox->width_px, height = letterbox->height_px;
    struct window window = {.width_px = letterbox->width_px, .height_px = letterbox->height_px};
    if (picture->width * height > picture->height * width)
        window.height_px = even(width * picture->height / picture->width, letterbox->height_px);
    else
        window.width_px = even(height * picture->width / picture->height, letterbox->width_px);
    window.left = (letterbox->width_px - window.width_px) / 4 * 2;
    window.top = (letterbox->height_px - window.height_px) / 4 * 2;
    return window;
}

static void blacken(AVFrame *frame) {
    for (int plane = 0; plane < 3; plane++)
        memset(frame->data[plane], plane == 0 ? BLACK_LUMA : BLACK_CHROMA,
               (size_t)frame->linesize[plane] *
                   (size_t)((frame->height + (plane > 0)) >> (plane > 0)));
}

static int scale_into(struct letterbox *letterbox, const AVFrame *picture, AVFrame *box) {
    struct window window = find_window(letterbox, picture);
    letterbox->scaler = sws_getCachedContext(letterbox->scaler, picture->width, picture->height,
                                             AV_PIX_FMT_YUV420P, window.width_px, window.height_px,
                                             AV_PIX_FMT_YUV420P, SWS_BICUBIC, NULL, NULL, NULL);
    if (!letterbox->scaler)
        return -ENOMEM;
    uint8_t *planes[3];
    for (int plane = 0; plane < 3; plane++) {
        int half = plane > 0;
        planes[plane] =
            box->data[plane] + (window.top >> half) * box->linesize[plane] + (window.left >> half);
    }
    int lines = sws_scale(letterbox->scaler, (const uint8_t *const *)picture->data,
                          picture->linesize, 0, picture->height, planes, box->linesize);
    return lines == window.height_px ? 0 : -EINVAL;
}

int letterbox_fit(struct letterbox *letterbox, const AVFrame *picture, AVFrame **out) {
    if (picture->format != AV_PIX_FMT_YUV420P || picture->width <= 0 || picture->height <= 0)
        return -EINVAL;
    bool fits = picture->width == letterbox->width_px && picture->height == letterbox->height_px;
    AVFrame *box =
        fits ? av_frame_clone(picture)
             : scale_create_frame(AV_PIX_FMT_YUV420P, letterbox->width_px, letterbox->height_px);
    if (!box)
        return -ENOMEM;
    if (!fits) {
        blacken(box);
        int rc = scale_into(letterbox, picture, box);
        if (rc) {
            av_frame_free(&box);
            return rc;
        }
    }
    *out = box;
    return 0;
}
