// SPDX-License-Identifier: MIT
// From the canvas to a file: JPEG for a look, PNG for who wants every pixel.
#include "mixer/video/picture.h"
#include "mixer/video/scale.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUALITY = 4, // mjpeg's quantiser, 2 (best) to 31: good for faces, about 60 kB at 1280x720
    PNG_EFFORT = 4,
    SIDE_MIN_PX = 16,
};

// JPEG is BT.601 in full range; what the canvas holds is BT.601 in the limited one.
static AVFrame *allocate_picture(const AVFrame *source, enum picture_format format, int width_px) {
    int width = source->width, height = source->height;
    if (width_px > 0 && width_px < width) {
        width = width_px < SIDE_MIN_PX ? SIDE_MIN_PX : width_px;
        height = (int)av_rescale(height, width, source->width);
        height = height < 1 ? 1 : height;
    }
    AVFrame *frame = scale_create_frame(
        format == PICTURE_PNG ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUV420P, width, height);
    if (frame)
        frame->color_range = AVCOL_RANGE_JPEG;
    return frame;
}

static AVCodecContext *open_encoder(const AVFrame *picture, enum picture_format format) {
    const AVCodec *codec =
        avcodec_find_encoder(format == PICTURE_PNG ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->width = picture->width;
    context->height = picture->height;
    context->pix_fmt = format == PICTURE_PNG ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUVJ420P;
    context->color_range = picture->color_range;
    context->time_base = (AVRational){1, 1};
    context->thread_count = 1;
    if (format == PICTURE_PNG) {
        context->compression_level = PNG_EFFORT;
    } else {
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = QUALITY * FF_QP2LAMBDA;
    }
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static int compress(AVFrame *picture, enum picture_format format, AVPacket *packet) {
    AVCodecContext *context = open_encoder(picture, format);
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

int picture_encode(const AVFrame *frame, enum picture_format format, int width_px, uint8_t **file,
                   size_t *size_bytes) {
    if (frame->width < 1 || frame->height < 1 || width_px < 0 || (unsigned)format > PICTURE_PNG)
        return -EINVAL;
    AVFrame *scaled = allocate_picture(frame, format, width_px);
    AVPacket *packet = av_packet_alloc();
    int result = scaled && packet ? scale_frame(frame, scaled) : -ENOMEM;
    if (result == 0)
        result = compress(scaled, format, packet);
    if (result == 0) {
        uint8_t *copy = malloc((size_t)packet->size);
        if (copy) {
            memcpy(copy, packet->data, (size_t)packet->size);
            *file = copy;
            *size_bytes = (size_t)packet->size;
        } else {
            result = -ENOMEM;
        }
    }
    av_frame_free(&scaled);
    av_packet_free(&packet);
    return result;
}
