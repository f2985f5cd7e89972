// SPDX-License-Identifier: MIT
// Posters and contact sheets: keyframes alone are decoded, each by itself.
#include "mixer/record/repair.h"

#include "mixer/record/source.h"
#include "mixer/video/picture.h"
#include "mixer/video/scale.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOKED_AT_MAX = 50000, // packets, for a keyframe
    SIDE_MAX = 20,         // pictures in a row or column
    WIDTH_MAX_PX = 4096,
    CELL_MIN_PX = 16,
};

static const AVRational NANOSECONDS = {1, 1000000000};

static AVCodecContext *open_decoder(const AVStream *stream) {
    const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->log_level_offset = 100; // never
    context->thread_count = 1;
    context->max_pixels = PICTURE_AREA_MAX_PX;
    context->pkt_timebase = stream->time_base;
    if (avcodec_parameters_to_context(context, stream->codecpar) < 0 ||
        avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

// One that waits for later frames is told that there are none.
static AVFrame *decode(AVCodecContext *context, const AVPacket *packet) {
    AVFrame *frame = av_frame_alloc();
    bool is_there = frame && avcodec_send_packet(context, packet) >= 0 &&
                    avcodec_send_packet(context, NULL) >= 0 &&
                    avcodec_receive_frame(context, frame) >= 0;
    avcodec_flush_buffers(context);
    if (!is_there || frame->width < 1 || frame->height < 1 || frame->format < 0)
        av_frame_free(&frame);
    else if (context->codec_id == AV_CODEC_ID_VP8)
        frame->color_range = AVCOL_RANGE_MPEG; // RFC 6386 9.2 knows only one
    return frame;
}

// The keyframe at or before this time, or else the next. Returns a picture of the caller's, or
// NULL.
static AVFrame *picture_at(struct source *source, AVCodecContext *context, int64_t at_ns) {
    const AVStream *stream = source->format->streams[source->video];
    int64_t at = av_rescale_q(at_ns, NANOSECONDS, stream->time_base);
    if (av_seek_frame(source->format, source->video, at, AVSEEK_FLAG_BACKWARD) < 0)
        av_seek_frame(source->format, source->video, 0, AVSEEK_FLAG_BACKWARD);
    for (int i = 0; i < LOOKED_AT_MAX && source_read(source) == 0; i++) {
        const AVPacket *packet = source->packet;
        if (packet->stream_index != source->video || !(packet->flags & AV_PKT_FLAG_KEY))
            continue;
        AVFrame *frame = decode(context, packet);
        if (frame)
            return frame;
    }
    return NULL;
}

static int open_video(const char *path, struct source *source, AVCodecContext **context) {
    int result = source_open(source, path);
    if (result)
        return result;
    *context = source->video >= 0 ? open_decoder(source->format->streams[source->video]) : NULL;
    if (*context)
        return 0;
    source_close(source);
    return -ENODATA;
}

int repair_make_poster(const char *path, int64_t at_ns, int width_px, uint8_t **jpeg,
                       size_t *size_bytes) {
    if (width_px < CELL_MIN_PX || width_px > WIDTH_MAX_PX || at_ns < 0)
        return -EINVAL;
    struct source source;
    AVCodecContext *context;
    int result = open_video(path, &source, &context);
    if (result)
        return result;
    AVFrame *frame = picture_at(&source, context, at_ns);
    result = frame ? picture_encode(frame, PICTURE_JPEG, width_px, jpeg, size_bytes) : -ENODATA;
    av_frame_free(&frame);
    avcodec_free_context(&context);
    source_close(&source);
    return result;
}

// ---- contact sheet ----

struct sheet {
    int columns, rows, cell_width_px, cell_height_px;
    AVFrame *frame;
};

static void fill_black(AVFrame *frame) {
    for (int plane = 0; plane < 3; plane++) {
        int height = plane ? frame->height / 2 : frame->height;
        memset(frame->data[plane], plane ? 128 : 16,
               (size_t)frame->linesize[plane] * (size_t)height);
    }
}

// As its first picture is shaped. Even sizes, for its colours.
static int lay_out(struct sheet *sheet, const AVFrame *first, int width_px) {
    sheet->cell_width_px = width_px / sheet->columns & ~1;
    int64_t height = (int64_t)sheet->cell_width_px * first->height / first->width;
    if (sheet->cell_width_px < CELL_MIN_PX || height * sheet->rows > PICTURE_SIDE_MAX_PX)
        return -EINVAL;
    sheet->cell_height_px = height < CELL_MIN_PX ? CELL_MIN_PX : (int)height & ~1;
    sheet->frame = scale_create_frame(AV_PIX_FMT_YUV420P, sheet->cell_width_px * sheet->columns,
                                      sheet->cell_height_px * sheet->rows);
    if (!sheet->frame)
        return -ENOMEM;
    sheet->frame->color_range = AVCOL_RANGE_MPEG;
    fill_black(sheet->frame);
    return 0;
}

static int paste(struct sheet *sheet, const AVFrame *picture, int index) {
    AVFrame *small =
        scale_create_frame(AV_PIX_FMT_YUV420P, sheet->cell_width_px, sheet->cell_height_px);
    if (!small)
        return -ENOMEM;
    small->color_range = AVCOL_RANGE_MPEG;
    int result = scale_frame(picture, small);
    int left = index % sheet->columns * sheet->cell_width_px;
    int top = index / sheet->columns * sheet->cell_height_px;
    for (int plane = 0; plane < 3 && result == 0; plane++) {
        int shift = plane > 0, stride = sheet->frame->linesize[plane];
        uint8_t *to =
            sheet->frame->data[plane] + (ptrdiff_t)(top >> shift) * stride + (left >> shift);
        for (int y = 0; y < sheet->cell_height_px >> shift; y++)
            memcpy(to + (ptrdiff_t)y * stride,
                   small->data[plane] + (ptrdiff_t)y * small->linesize[plane],
                   (size_t)(sheet->cell_width_px >> shift));
    }
    av_frame_free(&small);
    return result;
}

static int fill_sheet(struct sheet *sheet, struct source *source, AVCodecContext *context,
                      int width_px) {
    int count = sheet->columns * sheet->rows, result = 0;
    int64_t duration_ns = source_duration_ns(source);
    for (int i = 0; i < count && result == 0; i++) {
        AVFrame *picture = picture_at(source, context, duration_ns / count * i);
        if (!picture)
            return i == 0 ? -ENODATA : 0;
        if (!sheet->frame)
            result = lay_out(sheet, picture, width_px);
        if (result == 0)
            result = paste(sheet, picture, i);
        av_frame_free(&picture);
    }
    return result;
}

int repair_make_sheet(const char *path, int columns, int rows, int width_px, uint8_t **jpeg,
                      size_t *size_bytes) {
    if (columns < 1 || columns > SIDE_MAX || rows < 1 || rows > SIDE_MAX ||
        width_px < CELL_MIN_PX || width_px > WIDTH_MAX_PX)
        return -EINVAL;
    struct source source;
    AVCodecContext *context;
    int result = open_video(path, &source, &context);
    if (result)
        return result;
    struct sheet sheet = {.columns = columns, .rows = rows};
    result = fill_sheet(&sheet, &source, context, width_px);
    if (result == 0)
        result = picture_encode(sheet.frame, PICTURE_JPEG, 0, jpeg, size_bytes);
    av_frame_free(&sheet.frame);
    avcodec_free_context(&context);
    source_close(&source);
    return result;
}
