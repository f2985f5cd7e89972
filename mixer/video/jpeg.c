// SPDX-License-Identifier: MIT
#include "mixer/video/jpeg.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUALITY = 4, // mjpeg's quantiser, 2 (best) to 31: good for faces, about 60 kB at 1280x720
    SIDE_MIN_PX = 16,
};

static AVFrame *allocate_picture(const AVFrame *source, int width_px) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = AV_PIX_FMT_YUV420P; // in full range: what mjpeg calls YUVJ420P
    frame->width = source->width;
    frame->height = source->height;
    if (width_px > 0 && width_px < source->width) {
        frame->width = width_px < SIDE_MIN_PX ? SIDE_MIN_PX : width_px;
        frame->height = (int)av_rescale(source->height, frame->width, source->width);
        frame->height = frame->height < 1 ? 1 : frame->height;
    }
    frame->color_range = AVCOL_RANGE_JPEG;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

// JPEG is BT.601 in full range; what the canvas holds is BT.601 in the limited one. The ranges are
// set before the scaler is made: told afterwards, it has chosen to copy what is of one size
// already.
static struct SwsContext *make_scaler(const AVFrame *from, const AVFrame *to) {
    struct SwsContext *scaler = sws_alloc_context();
    if (!scaler)
        return NULL;
    bool is_full = from->color_range == AVCOL_RANGE_JPEG || from->format == AV_PIX_FMT_YUVJ420P;
    av_opt_set_int(scaler, "srcw", from->width, 0);
    av_opt_set_int(scaler, "srch", from->height, 0);
    av_opt_set_int(scaler, "src_format", from->format, 0);
    av_opt_set_int(scaler, "src_range", is_full, 0);
    av_opt_set_int(scaler, "dstw", to->width, 0);
    av_opt_set_int(scaler, "dsth", to->height, 0);
    av_opt_set_int(scaler, "dst_format", to->format, 0);
    av_opt_set_int(scaler, "dst_range", 1, 0);
    av_opt_set_int(scaler, "sws_flags", SWS_BICUBIC, 0);
    if (sws_init_context(scaler, NULL, NULL) < 0) {
        sws_freeContext(scaler);
        return NULL;
    }
    return scaler;
}

static int convert(const AVFrame *from, AVFrame *to) {
    struct SwsContext *scaler = make_scaler(from, to);
    if (!scaler)
        return -EINVAL;
    int lines = sws_scale(scaler, (const uint8_t *const *)from->data, from->linesize, 0,
                          from->height, to->data, to->linesize);
    sws_freeContext(scaler);
    return lines == to->height ? 0 : -EINVAL;
}

static AVCodecContext *open_encoder(const AVFrame *picture) {
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->width = picture->width;
    context->height = picture->height;
    context->pix_fmt = AV_PIX_FMT_YUVJ420P;
    context->color_range = picture->color_range;
    context->time_base = (AVRational){1, 1};
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = QUALITY * FF_QP2LAMBDA;
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static int compress(AVFrame *picture, AVPacket *packet) {
    AVCodecContext *context = open_encoder(picture);
    if (!context)
        return -EINVAL;
    picture->format = context->pix_fmt;
    picture->quality = context->global_quality;
    picture->pts = 0;
    int result = avcodec_send_frame(context, picture);
    if (result >= 0)
        result = avcodec_receive_packet(context, packet);
    avcodec_free_context(&context);
    return result < 0 ? -EINVAL : 0;
}

int jpeg_encode(const AVFrame *picture, int width_px, uint8_t **jpeg, size_t *size_bytes) {
    if (picture->width < 1 || picture->height < 1 || width_px < 0)
        return -EINVAL;
    AVFrame *scaled = allocate_picture(picture, width_px);
    AVPacket *packet = av_packet_alloc();
    int result = scaled && packet ? convert(picture, scaled) : -ENOMEM;
    if (result == 0)
        result = compress(scaled, packet);
    if (result == 0) {
        uint8_t *copy = malloc((size_t)packet->size);
        if (copy) {
            memcpy(copy, packet->data, (size_t)packet->size);
            *jpeg = copy;
            *size_bytes = (size_t)packet->size;
        } else {
            result = -ENOMEM;
        }
    }
    av_frame_free(&scaled);
    av_packet_free(&packet);
    return result;
}
