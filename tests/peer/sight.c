// SPDX-License-Identifier: MIT
// A queue of frames since the newest keyframe that nobody has decoded yet, and a libavcodec
// decoder.
#include "tests/peer/sight.h"

#include <errno.h>
#include <glib.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>

enum { QUEUE_MAX = 900 }; // 30 s; beyond it a push decodes one

struct sight {
    GMutex queue_lock; // protects
    GQueue *queue;
    bool is_started;

    GMutex decoder_lock; // taken before queue_lock; protects
    AVCodecContext *codec;
    AVFrame *picture, *scratch;
    uint64_t broken, decoded;
    bool has_picture;
};

struct sight *sight_create(void) {
    struct sight *sight = g_new0(struct sight, 1);
    g_mutex_init(&sight->queue_lock);
    g_mutex_init(&sight->decoder_lock);
    sight->queue = g_queue_new();
    sight->picture = av_frame_alloc();
    sight->scratch = av_frame_alloc();
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_VP8);
    sight->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (sight->codec)
        sight->codec->thread_count = 1;
    if (!sight->picture || !sight->scratch || !sight->codec ||
        avcodec_open2(sight->codec, codec, NULL) < 0) {
        sight_destroy(sight);
        return NULL;
    }
    return sight;
}

void sight_destroy(struct sight *sight) {
    if (!sight)
        return;
    g_queue_free_full(sight->queue, (GDestroyNotify)g_bytes_unref);
    avcodec_free_context(&sight->codec);
    av_frame_free(&sight->picture);
    av_frame_free(&sight->scratch);
    g_mutex_clear(&sight->queue_lock);
    g_mutex_clear(&sight->decoder_lock);
    g_free(sight);
}

static void decode_locked(struct sight *sight, GBytes *bytes) {
    AVPacket *packet = av_packet_alloc();
    size_t size = 0;
    const void *data = g_bytes_get_data(bytes, &size);
    if (packet && av_new_packet(packet, (int)size) == 0) {
        memcpy(packet->data, data, size);
        if (avcodec_send_packet(sight->codec, packet) < 0)
            sight->broken++;
        while (avcodec_receive_frame(sight->codec, sight->scratch) == 0) {
            av_frame_unref(sight->picture);
            av_frame_move_ref(sight->picture, sight->scratch);
            sight->has_picture = true;
            sight->decoded++;
        }
    }
    av_packet_free(&packet);
}

static GBytes *take_next(struct sight *sight) {
    g_mutex_lock(&sight->queue_lock);
    GBytes *bytes = g_queue_pop_head(sight->queue);
    g_mutex_unlock(&sight->queue_lock);
    return bytes;
}

static void catch_up_locked(struct sight *sight) {
    GBytes *bytes;
    while ((bytes = take_next(sight))) {
        decode_locked(sight, bytes);
        g_bytes_unref(bytes);
    }
}

void sight_push(struct sight *sight, const void *data, size_t size_bytes) {
    bool is_keyframe = size_bytes > 0 && !(*(const uint8_t *)data & 1); // RFC 6386 9.1
    g_mutex_lock(&sight->queue_lock);
    if (is_keyframe) {
        g_queue_clear_full(sight->queue, (GDestroyNotify)g_bytes_unref);
        sight->is_started = true;
    }
    if (sight->is_started)
        g_queue_push_tail(sight->queue, g_bytes_new(data, size_bytes));
    bool is_long = g_queue_get_length(sight->queue) > QUEUE_MAX;
    g_mutex_unlock(&sight->queue_lock);
    if (is_long && g_mutex_trylock(&sight->decoder_lock)) {
        GBytes *bytes = take_next(sight);
        if (bytes)
            decode_locked(sight, bytes);
        g_clear_pointer(&bytes, g_bytes_unref);
        g_mutex_unlock(&sight->decoder_lock);
    }
}

static double plane_mean(const AVFrame *picture, int plane, int x, int y, int width_px,
                         int height_px) {
    uint64_t sum = 0;
    for (int row = y; row < y + height_px; row++)
        for (int column = x; column < x + width_px; column++)
            sum += picture->data[plane][row * picture->linesize[plane] + column];
    return (double)sum / ((double)width_px * height_px);
}

int sight_colour_at(struct sight *sight, int x, int y, int width_px, int height_px,
                    struct rgb *out) {
    int result = 0;
    g_mutex_lock(&sight->decoder_lock);
    catch_up_locked(sight);
    const AVFrame *picture = sight->picture;
    if (!sight->has_picture)
        result = -EAGAIN;
    else if (x < 0 || y < 0 || width_px < 2 || height_px < 2 || x + width_px > picture->width ||
             y + height_px > picture->height)
        result = -ERANGE;
    else
        *out = media_colour_from_yuv(
            plane_mean(picture, 0, x, y, width_px, height_px),
            plane_mean(picture, 1, x / 2, y / 2, width_px / 2, height_px / 2),
            plane_mean(picture, 2, x / 2, y / 2, width_px / 2, height_px / 2));
    g_mutex_unlock(&sight->decoder_lock);
    return result;
}

int sight_size(struct sight *sight, int *width_px, int *height_px) {
    g_mutex_lock(&sight->decoder_lock);
    catch_up_locked(sight);
    bool has_picture = sight->has_picture;
    if (has_picture) {
        *width_px = sight->picture->width;
        *height_px = sight->picture->height;
    }
    g_mutex_unlock(&sight->decoder_lock);
    return has_picture ? 0 : -EAGAIN;
}

static void write_ppm(const AVFrame *picture, FILE *file) {
    fprintf(file, "P6\n%d %d\n255\n", picture->width, picture->height);
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++) {
            struct rgb c =
                media_colour_from_yuv(picture->data[0][y * picture->linesize[0] + x],
                                      picture->data[1][y / 2 * picture->linesize[1] + x / 2],
                                      picture->data[2][y / 2 * picture->linesize[2] + x / 2]);
            uint8_t pixel[3] = {(uint8_t)c.r, (uint8_t)c.g, (uint8_t)c.b};
            fwrite(pixel, 1, sizeof(pixel), file);
        }
}

int sight_save(struct sight *sight, const char *path) {
    g_mutex_lock(&sight->decoder_lock);
    catch_up_locked(sight);
    FILE *file = sight->has_picture ? fopen(path, "wb") : NULL;
    if (file)
        write_ppm(sight->picture, file);
    int result = file ? 0 : -EAGAIN;
    if (file && fclose(file) != 0)
        result = -errno;
    g_mutex_unlock(&sight->decoder_lock);
    return result;
}

uint64_t sight_broken_count(struct sight *sight) {
    g_mutex_lock(&sight->decoder_lock);
    uint64_t count = sight->broken;
    g_mutex_unlock(&sight->decoder_lock);
    return count;
}

uint64_t sight_decoded_count(struct sight *sight) {
    g_mutex_lock(&sight->decoder_lock);
    catch_up_locked(sight);
    uint64_t count = sight->decoded;
    g_mutex_unlock(&sight->decoder_lock);
    return count;
}
