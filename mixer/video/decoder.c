// SPDX-License-Identifier: MIT
// Owns one libavcodec context, for the codec that came last. What arrives is a stranger's: sizes
// are read from the keyframe's header before anything is allocated for them, and again by
// libavcodec's own limits; every error drops the decoder's references, for a picture built on
// broken ones is worse than none.
#include "mixer/video/decoder.h"

#include "mixer/video/bitstream.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdlib.h>

enum {
    // A keyframe of the largest picture at the best quality is well below.
    FRAME_MAX_BYTES = 16 << 20,
    // Added to the level of each message: the mixer never logs, least of all what a client can
    // provoke.
    LOG_OFFSET = 100,
};

struct decoder {
    AVCodecContext *context; // NULL until the first keyframe
    enum video_codec codec;
    bool is_waiting; // for a keyframe
    AVPacket *packet;
};

static const AVCodec *find_codec(enum video_codec codec) {
    switch (codec) {
    case VIDEO_VP8: return avcodec_find_decoder(AV_CODEC_ID_VP8);
    case VIDEO_VP9: return avcodec_find_decoder(AV_CODEC_ID_VP9);
    case VIDEO_H264: return avcodec_find_decoder(AV_CODEC_ID_H264);
    // libavcodec's own AV1 needs hardware.
    case VIDEO_AV1: return avcodec_find_decoder_by_name("libdav1d");
    }
    return NULL;
}

static bool is_size_allowed(int width_px, int height_px) {
    return width_px > 0 && height_px > 0 && width_px <= DECODER_SIDE_MAX_PX &&
           height_px <= DECODER_SIDE_MAX_PX && (int64_t)width_px * height_px <= DECODER_AREA_MAX_PX;
}

// Streams may grow between keyframes (VP9), or say their size where we do not look (H.264).
static int on_get_buffer(AVCodecContext *context, AVFrame *frame, int flags) {
    if (!is_size_allowed(context->width, context->height))
        return AVERROR(EINVAL);
    return avcodec_default_get_buffer2(context, frame, flags);
}

struct decoder *decoder_create(void) {
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        return NULL;
    decoder->is_waiting = true;
    decoder->packet = av_packet_alloc();
    if (!decoder->packet) {
        decoder_destroy(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_destroy(struct decoder *decoder) {
    if (!decoder)
        return;
    avcodec_free_context(&decoder->context);
    av_packet_free(&decoder->packet);
    free(decoder);
}

void decoder_reset(struct decoder *decoder) {
    decoder->is_waiting = true;
    if (decoder->context)
        avcodec_flush_buffers(decoder->context);
}

static AVCodecContext *open_context(enum video_codec wanted) {
    const AVCodec *codec = find_codec(wanted);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->log_level_offset = LOG_OFFSET;
    context->thread_count = 1; // the senders are decoded in parallel already
    context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    context->err_recognition |= AV_EF_EXPLODE;
    context->error_concealment = 0;
    context->max_pixels = DECODER_AREA_MAX_PX;
    context->get_buffer2 = on_get_buffer;
    context->pkt_timebase = (AVRational){1, 1000000000};
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static int choose_context(struct decoder *decoder, enum video_codec codec) {
    if (decoder->context && decoder->codec == codec)
        return 0;
    avcodec_free_context(&decoder->context);
    decoder->context = open_context(codec);
    decoder->codec = codec;
    return decoder->context ? 0 : -EINVAL;
}

static bool is_whole(const AVFrame *frame) {
    return frame->decode_error_flags == 0 && !(frame->flags & AV_FRAME_FLAG_CORRUPT) &&
           is_size_allowed(frame->width, frame->height);
}

// Takes out all there is, so that the next send never meets a full decoder; keeps the newest.
static int receive_newest(struct decoder *decoder, AVFrame **out) {
    AVFrame *newest = NULL;
    for (;;) {
        AVFrame *frame = av_frame_alloc();
        int result = frame ? avcodec_receive_frame(decoder->context, frame) : AVERROR(ENOMEM);
        if (result >= 0 && !is_whole(frame))
            result = AVERROR_INVALIDDATA;
        if (result >= 0) {
            av_frame_free(&newest);
            newest = frame;
            continue;
        }
        av_frame_free(&frame);
        if (result == AVERROR(EAGAIN)) {
            *out = newest;
            return 0;
        }
        av_frame_free(&newest);
        return -EINVAL;
    }
}

static int decode(struct decoder *decoder, const void *data, size_t size_bytes, int64_t pts_ns,
                  AVFrame **out) {
    AVPacket *packet = decoder->packet;
    // Not reference counted: libavcodec makes its own padded copy, as it does not write to it.
    packet->data = (uint8_t *)(uintptr_t)data;
    packet->size = (int)size_bytes;
    packet->pts = pts_ns;
    int sent = avcodec_send_packet(decoder->context, packet);
    packet->data = NULL;
    packet->size = 0;
    return sent < 0 ? -EINVAL : receive_newest(decoder, out);
}

static bool is_header_allowed(enum video_codec codec, const void *data, size_t size_bytes) {
    int width_px, height_px;
    return !bitstream_read_size(codec, data, size_bytes, &width_px, &height_px) ||
           is_size_allowed(width_px, height_px);
}

int decoder_decode(struct decoder *decoder, enum video_codec codec, const void *data,
                   size_t size_bytes, int64_t pts_ns, AVFrame **out) {
    if (codec != decoder->codec && decoder->context)
        decoder->is_waiting = true;
    bool is_keyframe = decoder_is_keyframe(codec, data, size_bytes);
    if (decoder->is_waiting && !is_keyframe)
        return -EAGAIN;
    AVFrame *frame = NULL;
    if (size_bytes == 0 || size_bytes > FRAME_MAX_BYTES ||
        !is_header_allowed(codec, data, size_bytes) || choose_context(decoder, codec) ||
        decode(decoder, data, size_bytes, pts_ns, &frame)) {
        decoder_reset(decoder);
        return -EINVAL;
    }
    decoder->is_waiting = false;
    // libavcodec takes VP8's clamping bit for the colour range, but VP8 knows only one (RFC
    // 6386 9.2).
    if (frame && codec == VIDEO_VP8)
        frame->color_range = AVCOL_RANGE_MPEG;
    *out = frame;
    return 0;
}

bool decoder_is_keyframe(enum video_codec codec, const void *data, size_t size_bytes) {
    return bitstream_is_keyframe(codec, data, size_bytes);
}
