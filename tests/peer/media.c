// SPDX-License-Identifier: MIT
// Clips and sounds, encoded here by libvpx and libopus or read from files by libavformat.
#include "tests/peer/media.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum { RATE_HZ = 48000, PACKET_SAMPLES = RATE_HZ / 50, SQUARE_PX = 16 };

static struct media *media_alloc(int width_px, int height_px, int64_t frame_ns) {
    struct media *media = calloc(1, sizeof(*media));
    if (media)
        *media = (struct media){width_px, height_px, frame_ns, 0, NULL};
    return media;
}

static int media_append(struct media *media, const void *data, size_t size_bytes,
                        bool is_keyframe) {
    struct media_frame *frames =
        realloc(media->frames, (size_t)(media->count + 1) * sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    media->frames = frames;
    uint8_t *copy = malloc(size_bytes ? size_bytes : 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, size_bytes);
    frames[media->count++] = (struct media_frame){copy, size_bytes, is_keyframe};
    return 0;
}

void media_destroy(struct media *media) {
    if (!media)
        return;
    for (int i = 0; i < media->count; i++)
        free(media->frames[i].data);
    free(media->frames);
    free(media);
}

int media_append_all(struct media *media, const struct media *tail) {
    int result = 0;
    for (int i = 0; result == 0 && i < tail->count; i++)
        result = media_append(media, tail->frames[i].data, tail->frames[i].size_bytes,
                              tail->frames[i].is_keyframe);
    return result;
}

struct media *media_copy(const struct media *media) {
    struct media *copy = media_alloc(media->width_px, media->height_px, media->frame_ns);
    if (copy && media_append_all(copy, media) == 0)
        return copy;
    media_destroy(copy);
    return NULL;
}

// --- colours ---

static const struct {
    const char *name;
    struct rgb rgb;
} colours[] = {
    {"red", {200, 30, 30}},     {"green", {30, 160, 40}},   {"blue", {40, 60, 210}},
    {"yellow", {215, 205, 40}}, {"cyan", {40, 190, 200}},   {"magenta", {190, 50, 190}},
    {"orange", {230, 130, 30}}, {"white", {225, 225, 225}}, {"olive", {110, 110, 30}},
    {"brown", {110, 60, 40}},   {"pink", {240, 160, 180}},  {"teal", {20, 105, 100}},
};

enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

const char *media_colour_name(int index) {
    return index >= 0 && index < COLOURS ? colours[index].name : NULL;
}

int media_colour_from_name(const char *name, struct rgb *out) {
    for (int i = 0; i < COLOURS; i++)
        if (!strcmp(name, colours[i].name)) {
            *out = colours[i].rgb;
            return 0;
        }
    return -1;
}

int media_colour_distance(struct rgb a, struct rgb b) {
    int r = abs(a.r - b.r), g = abs(a.g - b.g), blue = abs(a.b - b.b);
    int most = r > g ? r : g;
    return most > blue ? most : blue;
}

static int clamp_byte(double value) {
    return value < 0 ? 0 : value > 255 ? 255 : (int)lround(value);
}

struct rgb media_colour_from_yuv(double y, double u, double v) {
    double luma = 1.164 * (y - 16), cb = u - 128, cr = v - 128;
    return (struct rgb){clamp_byte(luma + 1.596 * cr), clamp_byte(luma - 0.392 * cb - 0.813 * cr),
                        clamp_byte(luma + 2.017 * cb)};
}

static void colour_to_yuv(struct rgb c, int out[3]) {
    out[0] = clamp_byte(16 + 0.257 * c.r + 0.504 * c.g + 0.098 * c.b);
    out[1] = clamp_byte(128 - 0.148 * c.r - 0.291 * c.g + 0.439 * c.b);
    out[2] = clamp_byte(128 + 0.439 * c.r - 0.368 * c.g - 0.071 * c.b);
}

// --- pictures ---

static void paint_colour(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                         const int strides[3]) {
    int yuv[3];
    colour_to_yuv(*(const struct rgb *)user, yuv);
    for (int p = 0; p < 3; p++) {
        int rows = p ? (height_px + 1) / 2 : height_px, columns = p ? (width_px + 1) / 2 : width_px;
        for (int row = 0; row < rows; row++)
            memset(planes[p] + row * strides[p], yuv[p], (size_t)columns);
    }
    if (width_px <= SQUARE_PX || height_px <= SQUARE_PX)
        return;
    int x = index * SQUARE_PX / 2 % (width_px - SQUARE_PX);
    for (int row = 0; row < SQUARE_PX; row++)
        memset(planes[0] + row * strides[0] + x, yuv[0] > 128 ? 32 : 220, SQUARE_PX);
}

static int encoder_open(vpx_codec_ctx_t *codec, int width_px, int height_px, int fps, int kbps) {
    vpx_codec_enc_cfg_t config;
    if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0))
        return -EINVAL;
    config.g_w = (unsigned)width_px;
    config.g_h = (unsigned)height_px;
    config.g_timebase = (vpx_rational_t){1, fps};
    config.g_threads = 1;
    config.rc_target_bitrate = (unsigned)kbps;
    config.rc_end_usage = VPX_CBR;
    config.kf_mode = VPX_KF_DISABLED;
    if (vpx_codec_enc_init(codec, vpx_codec_vp8_cx(), &config, 0))
        return -EINVAL;
    vpx_codec_control(codec, VP8E_SET_CPUUSED, -8);
    return 0;
}

static int encode_picture(vpx_codec_ctx_t *codec, const vpx_image_t *image, int index,
                          struct media *media) {
    vpx_enc_frame_flags_t flags = index == 0 ? VPX_EFLAG_FORCE_KF : 0;
    if (vpx_codec_encode(codec, image, index, 1, flags, VPX_DL_REALTIME))
        return -EINVAL;
    vpx_codec_iter_t iter = NULL;
    const vpx_codec_cx_pkt_t *packet;
    while ((packet = vpx_codec_get_cx_data(codec, &iter))) {
        if (packet->kind != VPX_CODEC_CX_FRAME_PKT)
            continue;
        bool is_keyframe = packet->data.frame.flags & VPX_FRAME_IS_KEY;
        if (media_append(media, packet->data.frame.buf, packet->data.frame.sz, is_keyframe) < 0)
            return -ENOMEM;
    }
    return 0;
}

struct media *media_create_painted(media_paint paint, void *user, int width_px, int height_px,
                                   int fps, int count, int kbps) {
    struct media *media = media_alloc(width_px, height_px, INT64_C(1000000000) / fps);
    vpx_image_t *image =
        vpx_img_alloc(NULL, VPX_IMG_FMT_I420, (unsigned)width_px, (unsigned)height_px, 16);
    vpx_codec_ctx_t codec;
    bool is_open = media && image && encoder_open(&codec, width_px, height_px, fps, kbps) == 0;
    bool is_good = is_open;
    for (int i = 0; is_good && i < count; i++) {
        paint(user, i, width_px, height_px, image->planes, image->stride);
        is_good = encode_picture(&codec, image, i, media) == 0;
    }
    if (is_open)
        vpx_codec_destroy(&codec);
    vpx_img_free(image);
    if (is_good && media->count == count)
        return media;
    media_destroy(media);
    return NULL;
}

struct media *media_create_colour(struct rgb colour, int width_px, int height_px, int fps) {
    return media_create_painted(paint_colour, &colour, width_px, height_px, fps, fps * 2, 200);
}

// --- sounds ---

struct media *media_create_sound(const int16_t *samples, int count, int kbps) {
    int error;
    OpusEncoder *encoder = opus_encoder_create(RATE_HZ, 1, OPUS_APPLICATION_AUDIO, &error);
    struct media *media = media_alloc(0, 0, INT64_C(20000000));
    bool is_good = encoder && media;
    if (is_good)
        opus_encoder_ctl(encoder, OPUS_SET_BITRATE(kbps * 1000));
    // The loop runs twice and the second run is kept: the encoder's memory then joins end and
    // start.
    for (int i = 0; is_good && i < count / PACKET_SAMPLES * 2; i++) {
        uint8_t packet[1500];
        int at = i % (count / PACKET_SAMPLES);
        int size = opus_encode(encoder, samples + at * PACKET_SAMPLES, PACKET_SAMPLES, packet,
                               sizeof(packet));
        is_good = size > 0;
        if (is_good && i >= count / PACKET_SAMPLES)
            is_good = media_append(media, packet, (size_t)size, true) == 0;
    }
    opus_encoder_destroy(encoder);
    if (is_good && media->count > 0)
        return media;
    media_destroy(media);
    return NULL;
}

struct media *media_create_tone(int hz, double peak_dbfs) {
    int16_t *samples = calloc(RATE_HZ, sizeof(*samples));
    if (!samples)
        return NULL;
    double peak = 32767 * pow(10, peak_dbfs / 20);
    for (int i = 0; hz > 0 && i < RATE_HZ; i++) {
        double swell = 0.6 - 0.4 * cos(2 * M_PI * 4 * i / RATE_HZ);
        samples[i] = (int16_t)(peak * swell * sin(2 * M_PI * hz * i / RATE_HZ));
    }
    struct media *media = media_create_sound(samples, RATE_HZ, 48);
    free(samples);
    return media;
}

// --- files ---

static int64_t frame_duration_ns(AVFormatContext *format, AVStream *stream, const AVPacket *first) {
    if (stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
        int samples = opus_packet_get_nb_samples(first->data, first->size, RATE_HZ);
        return samples > 0 ? samples * INT64_C(1000000000) / RATE_HZ : 0;
    }
    AVRational rate = av_guess_frame_rate(format, stream, NULL);
    return rate.num > 0 ? INT64_C(1000000000) * rate.den / rate.num : 0;
}

static int read_frames(AVFormatContext *format, int stream_index, AVPacket *packet,
                       struct media *media) {
    int result = 0;
    while (result == 0 && av_read_frame(format, packet) >= 0) {
        if (packet->stream_index == stream_index) {
            if (media->count == 0)
                media->frame_ns = frame_duration_ns(format, format->streams[stream_index], packet);
            result = media_append(media, packet->data, (size_t)packet->size,
                                  packet->flags & AV_PKT_FLAG_KEY);
        }
        av_packet_unref(packet);
    }
    return result < 0 || media->count == 0 || media->frame_ns == 0 ? -EINVAL : 0;
}

static struct media *media_load(const char *path, enum AVMediaType type, enum AVCodecID codec) {
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    struct media *media = NULL;
    int found = -1;
    if (packet && avformat_open_input(&format, path, NULL, NULL) == 0 &&
        avformat_find_stream_info(format, NULL) >= 0)
        found = av_find_best_stream(format, type, -1, -1, NULL, 0);
    if (found >= 0 && format->streams[found]->codecpar->codec_id == codec) {
        const AVCodecParameters *params = format->streams[found]->codecpar;
        media = media_alloc(params->width, params->height, 0);
        if (media && read_frames(format, found, packet, media) < 0) {
            media_destroy(media);
            media = NULL;
        }
    }
    avformat_close_input(&format);
    av_packet_free(&packet);
    return media;
}

struct media *media_load_video(const char *path) {
    return media_load(path, AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_VP8);
}

struct media *media_load_audio(const char *path) {
    return media_load(path, AVMEDIA_TYPE_AUDIO, AV_CODEC_ID_OPUS);
}
