// SPDX-License-Identifier: MIT
//
//     file --> what of it is picture --> libavcodec --> scaled, RGB32, premultiplied --> picture
//
// A file may be small and mean gigabytes. So: no chunk of a PNG but those that hold the picture
// (texts and profiles are compressed too), no JPEG of thousands of scans, and a look at the size
// when libavcodec asks for the memory.
#include "mixer/video/picture.h"

#include "mixer/video/scale.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_SIDE_MAX_PX = 1920, JPEG_SCANS_MAX = 64, PNG_SIGNATURE_BYTES = 8 };

struct picture {
    atomic_int references;
    int width_px, height_px; // in the file
    AVFrame *frame;          // RGB32, premultiplied
};

// ---- files ----

static enum AVCodecID recognise(const uint8_t *data, size_t size_bytes) {
    if (size_bytes >= 16 && memcmp(data, "\x89PNG\r\n\x1a\n", PNG_SIGNATURE_BYTES) == 0)
        return AV_CODEC_ID_PNG;
    if (size_bytes >= 16 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return AV_CODEC_ID_MJPEG;
    if (size_bytes >= 16 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
        return AV_CODEC_ID_WEBP;
    return AV_CODEC_ID_NONE;
}

static bool is_needed_chunk(const uint8_t *type) {
    static const char *const NEEDED[] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"};
    for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++)
        if (memcmp(type, NEEDED[i], 4) == 0)
            return true;
    return false;
}

// to has room for all of it. Returns how much is left.
static size_t copy_png(const uint8_t *data, size_t size_bytes, uint8_t *to) {
    enum { AROUND_BYTES = 12 }; // length, type, checksum
    size_t at = PNG_SIGNATURE_BYTES, kept = PNG_SIGNATURE_BYTES;
    memcpy(to, data, PNG_SIGNATURE_BYTES);
    while (size_bytes - at >= AROUND_BYTES) {
        size_t chunk = AV_RB32(data + at);
        if (chunk > size_bytes - at - AROUND_BYTES)
            break;
        chunk += AROUND_BYTES;
        if (is_needed_chunk(data + at + 4)) {
            memcpy(to + kept, data + at, chunk);
            kept += chunk;
        }
        at += chunk;
    }
    return kept;
}

// Each pass over a progressive one costs time that its bytes do not tell.
static bool has_many_scans(const uint8_t *data, size_t size_bytes) {
    int scans = 0;
    for (size_t i = 0; i + 1 < size_bytes; i++)
        scans += data[i] == 0xff && data[i + 1] == 0xda;
    return scans > JPEG_SCANS_MAX;
}

static AVPacket *wrap_file(enum AVCodecID codec, const uint8_t *data, size_t size_bytes) {
    AVPacket *packet = av_packet_alloc();
    if (!packet || av_new_packet(packet, (int)size_bytes) < 0) {
        av_packet_free(&packet);
        return NULL;
    }
    if (codec == AV_CODEC_ID_PNG)
        av_shrink_packet(packet, (int)copy_png(data, size_bytes, packet->data));
    else
        memcpy(packet->data, data, size_bytes);
    return packet;
}

// ---- decoding ----

static bool is_too_big(int width_px, int height_px) {
    return width_px > PICTURE_SIDE_MAX_PX || height_px > PICTURE_SIDE_MAX_PX ||
           (int64_t)width_px * height_px > PICTURE_AREA_MAX_PX;
}

// opaque: a bool, set when the size was the reason.
static int on_buffer_wanted(AVCodecContext *context, AVFrame *frame, int flags) {
    int width = frame->width > context->coded_width ? frame->width : context->coded_width;
    int height = frame->height > context->coded_height ? frame->height : context->coded_height;
    if (is_too_big(width, height)) {
        *(bool *)context->opaque = true;
        return AVERROR(EINVAL);
    }
    return avcodec_default_get_buffer2(context, frame, flags);
}

static AVCodecContext *open_decoder(enum AVCodecID id, bool *is_refused) {
    const AVCodec *codec = avcodec_find_decoder(id);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->thread_count = 1;
    context->thread_type = FF_THREAD_SLICE;
    context->log_level_offset = AV_LOG_TRACE; // what is wrong with it is an answer, not a log line
    context->get_buffer2 = on_buffer_wanted;
    context->opaque = is_refused;
    // Half a picture is none.
    context->err_recognition = AV_EF_EXPLODE;
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static int decode(AVCodecContext *context, const AVPacket *packet, AVFrame *frame) {
    int result = avcodec_send_packet(context, packet);
    if (result >= 0)
        result = avcodec_receive_frame(context, frame);
    if (result == AVERROR(EAGAIN)) { // one that waits for the next
        avcodec_send_packet(context, NULL);
        result = avcodec_receive_frame(context, frame);
    }
    bool is_whole = result >= 0 && frame->width > 0 && frame->height > 0 && frame->data[0] &&
                    !(frame->flags & AV_FRAME_FLAG_CORRUPT) && !frame->decode_error_flags;
    return result == AVERROR(ENOMEM) ? -ENOMEM : is_whole ? 0 : -EINVAL;
}

static int decode_file(enum AVCodecID id, const uint8_t *data, size_t size_bytes, AVFrame *frame) {
    bool is_refused = false;
    AVPacket *packet = wrap_file(id, data, size_bytes);
    AVCodecContext *context = open_decoder(id, &is_refused);
    int result = packet && context ? decode(context, packet, frame) : -ENOMEM;
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return is_refused ? -E2BIG : result;
}

// ---- pictures ----

static uint32_t premultiply(uint32_t pixel) {
    uint32_t alpha = pixel >> 24, made = pixel & 0xff000000;
    for (int shift = 0; shift < 24; shift += 8)
        made |= ((pixel >> shift & 255) * alpha + 127) / 255 << shift;
    return made;
}

// A scaler rounds each by itself: no colour may be stronger than the opacity.
static uint32_t hold_below_alpha(uint32_t pixel) {
    uint32_t alpha = pixel >> 24, made = pixel & 0xff000000;
    for (int shift = 0; shift < 24; shift += 8) {
        uint32_t colour = pixel >> shift & 255;
        made |= (colour < alpha ? colour : alpha) << shift;
    }
    return made;
}

static void for_each_pixel(AVFrame *frame, uint32_t (*change)(uint32_t pixel)) {
    for (int y = 0; y < frame->height; y++) {
        uint32_t *row = (uint32_t *)(void *)(frame->data[0] + (ptrdiff_t)y * frame->linesize[0]);
        for (int x = 0; x < frame->width; x++)
            row[x] = change(row[x]);
    }
}

// The size that keeps the shape within both limits; never larger than it is.
static void shrink(int *width_px, int *height_px, int max_width_px, int max_height_px) {
    double by_width = (double)max_width_px / *width_px;
    double by_height = (double)max_height_px / *height_px;
    double factor = by_width < by_height ? by_width : by_height;
    if (factor >= 1)
        return;
    int width = (int)(*width_px * factor + 0.5), height = (int)(*height_px * factor + 0.5);
    *width_px = width < 1 ? 1 : width;
    *height_px = height < 1 ? 1 : height;
}

static AVFrame *scale_argb(const AVFrame *from, int width_px, int height_px) {
    AVFrame *to = scale_create_frame(AV_PIX_FMT_RGB32, width_px, height_px);
    if (to && scale_frame(from, to))
        av_frame_free(&to);
    return to;
}

// How a camera was held, as EXIF tells it: 1 .. 8.
static int orientation_of(const AVFrame *decoded) {
    const AVDictionaryEntry *entry = av_dict_get(decoded->metadata, "Orientation", NULL, 0);
    long value = entry ? strtol(entry->value, NULL, 10) : 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
}

static bool is_sideways(int orientation) {
    return orientation >= 5;
}

// What stands at x, y of the upright picture, in the one that lies as it was taken.
static uint32_t pixel_upright(const AVFrame *from, int orientation, int x, int y) {
    static const struct {
        bool is_mirrored, is_upside_down;
    } WAYS[] = {{0, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}, {0, 1}, {1, 1}, {1, 0}};
    int column = is_sideways(orientation) ? y : x, row = is_sideways(orientation) ? x : y;
    column = WAYS[orientation].is_mirrored ? from->width - 1 - column : column;
    row = WAYS[orientation].is_upside_down ? from->height - 1 - row : row;
    return ((const uint32_t *)(const void *)(from->data[0] +
                                             (ptrdiff_t)row * from->linesize[0]))[column];
}

// Takes from.
static AVFrame *turn_upright(AVFrame *from, int orientation) {
    if (!from || orientation == 1)
        return from;
    bool swaps = is_sideways(orientation);
    AVFrame *to = scale_create_frame(AV_PIX_FMT_RGB32, swaps ? from->height : from->width,
                                     swaps ? from->width : from->height);
    for (int y = 0; to && y < to->height; y++) {
        uint32_t *row = (uint32_t *)(void *)(to->data[0] + (ptrdiff_t)y * to->linesize[0]);
        for (int x = 0; x < to->width; x++)
            row[x] = pixel_upright(from, orientation, x, y);
    }
    av_frame_free(&from);
    return to;
}

static AVFrame *keep(const AVFrame *decoded) {
    int width = decoded->width, height = decoded->height;
    shrink(&width, &height, KEPT_SIDE_MAX_PX, KEPT_SIDE_MAX_PX);
    AVFrame *kept = scale_argb(decoded, width, height);
    if (kept)
        for_each_pixel(kept, premultiply);
    return turn_upright(kept, orientation_of(decoded));
}

int picture_decode(const void *data, size_t size_bytes, struct picture **out) {
    enum AVCodecID id = recognise(data, size_bytes);
    if (id == AV_CODEC_ID_NONE || size_bytes > INT_MAX / 2 ||
        (id == AV_CODEC_ID_MJPEG && has_many_scans(data, size_bytes)))
        return -EINVAL;
    struct picture *picture = calloc(1, sizeof(*picture));
    AVFrame *decoded = av_frame_alloc();
    int result = picture && decoded ? decode_file(id, data, size_bytes, decoded) : -ENOMEM;
    if (result == 0) {
        atomic_init(&picture->references, 1);
        bool swaps = is_sideways(orientation_of(decoded));
        picture->width_px = swaps ? decoded->height : decoded->width;
        picture->height_px = swaps ? decoded->width : decoded->height;
        picture->frame = keep(decoded);
        result = picture->frame ? 0 : -EINVAL;
    }
    av_frame_free(&decoded);
    if (result)
        free(picture);
    else
        *out = picture;
    return result;
}

struct picture *picture_ref(struct picture *picture) {
    if (picture)
        atomic_fetch_add(&picture->references, 1);
    return picture;
}

void picture_destroy(struct picture *picture) {
    if (!picture || atomic_fetch_sub(&picture->references, 1) != 1)
        return;
    av_frame_free(&picture->frame);
    free(picture);
}

int picture_width_px(const struct picture *picture) {
    return picture->width_px;
}

int picture_height_px(const struct picture *picture) {
    return picture->height_px;
}

AVFrame *picture_fit(const struct picture *picture, int max_width_px, int max_height_px) {
    int width = picture->frame->width, height = picture->frame->height;
    shrink(&width, &height, max_width_px, max_height_px);
    AVFrame *fitting = scale_argb(picture->frame, width, height);
    if (fitting)
        for_each_pixel(fitting, hold_below_alpha);
    return fitting;
}

AVFrame *picture_cover(const struct picture *picture, int width_px, int height_px) {
    AVFrame *part = av_frame_clone(picture->frame);
    if (!part)
        return NULL;
    int64_t across = (int64_t)part->width * height_px, down = (int64_t)part->height * width_px;
    if (across > down)
        part->width = (int)(down / height_px > 0 ? down / height_px : 1);
    else
        part->height = (int)(across / width_px > 0 ? across / width_px : 1);
    part->data[0] += (picture->frame->width - part->width) / 2 * 4 +
                     (ptrdiff_t)((picture->frame->height - part->height) / 2) * part->linesize[0];
    AVFrame *covering = scale_argb(part, width_px, height_px);
    av_frame_free(&part);
    if (covering)
        for_each_pixel(covering, hold_below_alpha);
    return covering;
}
