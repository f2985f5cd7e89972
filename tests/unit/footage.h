// SPDX-License-Identifier: MIT
// Moving pictures and encoded streams for tests: textures that drift over a gradient, seeded, so
// that each run sees the same; and libavcodec's encoders to make streams of any codec out of them.
#ifndef TESTS_UNIT_FOOTAGE_H
#define TESTS_UNIT_FOOTAGE_H

#include "mixer/video/stage.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t footage_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static inline AVFrame *footage_blank(int format, int width_px, int height_px) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        abort();
    frame->format = format;
    frame->width = width_px;
    frame->height = height_px;
    if (av_frame_get_buffer(frame, 0))
        abort();
    return frame;
}

static inline void footage_fill(AVFrame *frame, int luma, int u, int v) {
    int values[3] = {luma, u, v};
    for (int i = 0; i < 3; i++)
        memset(frame->data[i], values[i],
               (size_t)frame->linesize[i] * (size_t)((frame->height + (i > 0)) >> (i > 0)));
}

// 0 .. 255 and back, with a period of 256.
static inline int footage_wave(int at) {
    int x = at & 255, half = x & 127;
    int arch = 4 * half * (128 - half) * 127 / (128 * 128); // a sine, nearly
    return x < 128 ? 128 + arch : 128 - arch;
}

// Luma within the limited range; index moves it.
static inline uint8_t footage_luma(int x, int y, int index) {
    int far = x + 3 * index, down = y - 2 * index + (1 << 20);
    int texture = (footage_wave(far * 4) - 128) * (footage_wave(down * 3) - 128) / 400;
    // Grain of 2x2: detail that costs bits, as hair and leaves do.
    uint32_t grain = (uint32_t)(far / 2) * 73856093u ^ (uint32_t)(down / 2) * 19349663u;
    grain = (grain ^ grain >> 13) * 0x5bd1e995u >> 24;
    return (uint8_t)(118 + texture + (int)(grain & 31) - 16);
}

// Draws moment `index` into a part of a yuv420p picture; all numbers even.
static inline void footage_draw(AVFrame *frame, int left, int top, int width_px, int height_px,
                                int index) {
    for (int y = top; y < top + height_px; y++)
        for (int x = left; x < left + width_px; x++)
            frame->data[0][y * frame->linesize[0] + x] = footage_luma(x, y, index);
    for (int y = top / 2; y < (top + height_px + 1) / 2; y++)
        for (int x = left / 2; x < (left + width_px + 1) / 2; x++) {
            frame->data[1][y * frame->linesize[1] + x] = (uint8_t)(110 + (x + index) / 8 % 40);
            frame->data[2][y * frame->linesize[2] + x] = (uint8_t)(150 - (y + index) / 8 % 40);
        }
}

static inline AVFrame *footage_picture(int width_px, int height_px, int index) {
    AVFrame *frame = footage_blank(AV_PIX_FMT_YUV420P, width_px, height_px);
    footage_draw(frame, 0, 0, width_px, height_px, index);
    return frame;
}

// Of luma, within a rectangle.
static inline double footage_psnr_in(const AVFrame *a, const AVFrame *b, int left, int top,
                                     int width_px, int height_px) {
    double sum = 0;
    for (int y = top; y < top + height_px; y++)
        for (int x = left; x < left + width_px; x++) {
            int difference =
                a->data[0][y * a->linesize[0] + x] - b->data[0][y * b->linesize[0] + x];
            sum += difference * difference;
        }
    double mean = sum / ((double)width_px * height_px);
    return mean > 0 ? 10 * log10(255.0 * 255.0 / mean) : 99;
}

static inline double footage_psnr(const AVFrame *a, const AVFrame *b) {
    return footage_psnr_in(a, b, 0, 0, a->width, a->height);
}

struct footage_stream {
    enum video_codec codec;
    AVCodecContext *context;
    AVPacket *packet;
    int index;
};

static inline const AVCodec *footage_encoder(enum video_codec codec) {
    switch (codec) {
    case VIDEO_VP8: return avcodec_find_encoder_by_name("libvpx");
    case VIDEO_VP9: return avcodec_find_encoder_by_name("libvpx-vp9");
    case VIDEO_H264: return avcodec_find_encoder_by_name("libx264");
    case VIDEO_AV1: return avcodec_find_encoder_by_name("libaom-av1");
    }
    return NULL;
}

static inline void footage_tune(AVCodecContext *context, enum video_codec codec) {
    switch (codec) {
    case VIDEO_H264:
        av_opt_set(context->priv_data, "preset", "ultrafast", 0);
        av_opt_set(context->priv_data, "tune", "zerolatency", 0);
        av_opt_set(context->priv_data, "forced-idr", "1", 0);
        av_opt_set(context->priv_data, "x264-params", "log=-1", 0);
        return;
    case VIDEO_AV1: av_opt_set(context->priv_data, "usage", "realtime", 0); break;
    default: av_opt_set(context->priv_data, "deadline", "realtime", 0);
    }
    av_opt_set(context->priv_data, "cpu-used", "8", 0);
    av_opt_set(context->priv_data, "lag-in-frames", "0", 0);
    av_opt_set(context->priv_data, "auto-alt-ref", "0", 0);
}

// False if this libavcodec cannot encode it.
static inline bool footage_open(struct footage_stream *stream, enum video_codec codec, int width_px,
                                int height_px) {
    *stream = (struct footage_stream){.codec = codec};
    const AVCodec *encoder = footage_encoder(codec);
    if (!encoder)
        return false;
    stream->context = avcodec_alloc_context3(encoder);
    stream->packet = av_packet_alloc();
    if (!stream->context || !stream->packet)
        abort();
    stream->context->log_level_offset = 100; // they greet
    stream->context->width = width_px;
    stream->context->height = height_px;
    stream->context->pix_fmt = AV_PIX_FMT_YUV420P;
    stream->context->time_base = (AVRational){1, 30};
    stream->context->bit_rate = 2000000;
    stream->context->gop_size = 1 << 20;
    stream->context->max_b_frames = 0;
    stream->context->thread_count = 1;
    footage_tune(stream->context, codec);
    if (avcodec_open2(stream->context, encoder, NULL))
        abort();
    return true;
}

// Encodes a picture, the next moment if it is NULL; the packet stays the stream's until the next
// call.
static inline const AVPacket *footage_next(struct footage_stream *stream, const AVFrame *picture,
                                           bool is_keyframe) {
    AVFrame *frame =
        picture ? av_frame_clone(picture)
                : footage_picture(stream->context->width, stream->context->height, stream->index);
    frame->pts = stream->index++;
    frame->pict_type = is_keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    av_packet_unref(stream->packet);
    if (avcodec_send_frame(stream->context, frame) ||
        avcodec_receive_packet(stream->context, stream->packet))
        abort();
    av_frame_free(&frame);
    return stream->packet;
}

static inline void footage_close(struct footage_stream *stream) {
    avcodec_free_context(&stream->context);
    av_packet_free(&stream->packet);
}

#endif
