// SPDX-License-Identifier: MIT
#include "mixer/video/scale.h"

#include <errno.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

AVFrame *scale_create_frame(enum AVPixelFormat format, int width_px, int height_px) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = format;
    frame->width = width_px;
    frame->height = height_px;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

// The formats that carry the full range in their name; swscale complains of them, aloud.
static enum AVPixelFormat plain_format(const AVFrame *frame) {
    switch (frame->format) {
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
    default: return frame->format;
    }
}

static bool is_full_range(const AVFrame *frame) {
    return frame->color_range == AVCOL_RANGE_JPEG || plain_format(frame) != frame->format;
}

// The ranges are set before the scaler is made: told afterwards, it has chosen to copy what is of
// one size already.
static struct SwsContext *make_scaler(const AVFrame *from, const AVFrame *to) {
    struct SwsContext *scaler = sws_alloc_context();
    if (!scaler)
        return NULL;
    // Of what is much larger each sample counts, of other sizes sharp edges.
    int flags = from->width > 2 * to->width ? SWS_AREA : SWS_BICUBIC;
    av_opt_set_int(scaler, "srcw", from->width, 0);
    av_opt_set_int(scaler, "srch", from->height, 0);
    av_opt_set_int(scaler, "src_format", plain_format(from), 0);
    av_opt_set_int(scaler, "src_range", is_full_range(from), 0);
    av_opt_set_int(scaler, "dstw", to->width, 0);
    av_opt_set_int(scaler, "dsth", to->height, 0);
    av_opt_set_int(scaler, "dst_format", plain_format(to), 0);
    av_opt_set_int(scaler, "dst_range", is_full_range(to), 0);
    av_opt_set_int(scaler, "sws_flags", flags, 0);
    if (sws_init_context(scaler, NULL, NULL) < 0) {
        sws_freeContext(scaler);
        return NULL;
    }
    return scaler;
}

int scale_frame(const AVFrame *from, AVFrame *to) {
    struct SwsContext *scaler = make_scaler(from, to);
    if (!scaler)
        return -EINVAL;
    int lines = sws_scale(scaler, (const uint8_t *const *)from->data, from->linesize, 0,
                          from->height, to->data, to->linesize);
    sws_freeContext(scaler);
    return lines == to->height ? 0 : -EINVAL;
}
