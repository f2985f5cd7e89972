// SPDX-License-Identifier: MIT
#include "tests/bench/floor.h"

#include "mixer/video/layout.h"

#include <errno.h>
#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <opus.h>
#include <string.h>
#include <time.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum {
    WIDTH_PX = 1280,
    HEIGHT_PX = 720,
    FPS = 30,
    KBPS = 1500,
    RATE_HZ = 48000,
    PACKET_SAMPLES = 960,
    MIXES_MAX = 4, // three who are heard, and all the others
    MIX_KBPS = 32,
    MIX_COMPLEXITY = 5,
    BUFFER_MS = 600,
};

struct source {
    const struct media *clip;
    AVCodecContext *decoder;
    AVFrame *picture;
    struct SwsContext *scaler;
    OpusDecoder *opus;
};

struct bare {
    int members, next_packet;
    struct source *sources;
    const struct media *sound;
    struct rect tiles[LAYOUT_CELLS_MAX];
    vpx_codec_ctx_t vpx;
    vpx_image_t *canvas;
    OpusEncoder *mixes[MIXES_MAX];
    int16_t pcm[MIXES_MAX][PACKET_SAMPLES];
};

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// --- build ---

static int source_open(struct source *source, const struct media *clip, const struct rect *tile) {
    int error;
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_VP8);
    source->clip = clip;
    source->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    source->picture = av_frame_alloc();
    source->opus = opus_decoder_create(RATE_HZ, 1, &error);
    source->scaler =
        sws_getContext(clip->width_px, clip->height_px, AV_PIX_FMT_YUV420P, tile->width,
                       tile->height, AV_PIX_FMT_YUV420P, SWS_FAST_BILINEAR, NULL, NULL, NULL);
    if (!source->decoder || !source->picture || !source->opus || !source->scaler)
        return -ENOMEM;
    source->decoder->thread_count = 1;
    return avcodec_open2(source->decoder, codec, NULL) < 0 ? -EINVAL : 0;
}

static int encoder_open(struct bare *bare) {
    vpx_codec_enc_cfg_t config;
    vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0);
    config.g_w = WIDTH_PX;
    config.g_h = HEIGHT_PX;
    config.g_timebase = (vpx_rational_t){1, FPS};
    config.g_threads = 1;
    config.g_lag_in_frames = 0;
    config.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    config.rc_end_usage = VPX_CBR;
    config.rc_target_bitrate = KBPS;
    config.rc_buf_sz = BUFFER_MS;
    config.kf_mode = VPX_KF_DISABLED;
    if (vpx_codec_enc_init(&bare->vpx, vpx_codec_vp8_cx(), &config, 0))
        return -EINVAL;
    vpx_codec_control(&bare->vpx, VP8E_SET_CPUUSED, -8);
    bare->canvas = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, WIDTH_PX, HEIGHT_PX, 32);
    if (!bare->canvas)
        return -ENOMEM;
    for (int p = 0; p < 3; p++)
        memset(bare->canvas->planes[p], p ? 128 : 16,
               (size_t)bare->canvas->stride[p] * (p ? HEIGHT_PX / 2 : HEIGHT_PX));
    return 0;
}

static int mixes_open(struct bare *bare) {
    int error;
    for (int i = 0; i < MIN(bare->members, MIXES_MAX); i++) {
        bare->mixes[i] = opus_encoder_create(RATE_HZ, 1, OPUS_APPLICATION_VOIP, &error);
        if (!bare->mixes[i])
            return -ENOMEM;
        opus_encoder_ctl(bare->mixes[i], OPUS_SET_BITRATE(MIX_KBPS * 1000));
        opus_encoder_ctl(bare->mixes[i], OPUS_SET_COMPLEXITY(MIX_COMPLEXITY));
        opus_encoder_ctl(bare->mixes[i], OPUS_SET_INBAND_FEC(1));
    }
    return 0;
}

static void bare_finish(struct bare *bare) {
    for (int i = 0; i < bare->members; i++) {
        struct source *source = &bare->sources[i];
        avcodec_free_context(&source->decoder);
        av_frame_free(&source->picture);
        sws_freeContext(source->scaler);
        if (source->opus)
            opus_decoder_destroy(source->opus);
    }
    for (int i = 0; i < MIXES_MAX; i++)
        if (bare->mixes[i])
            opus_encoder_destroy(bare->mixes[i]);
    vpx_codec_destroy(&bare->vpx); // harmless on one that was never opened
    vpx_img_free(bare->canvas);
    g_free(bare->sources);
}

// --- one frame ---

static int decode_all(struct bare *bare, int frame) {
    for (int i = 0; i < bare->members; i++) {
        struct source *source = &bare->sources[i];
        const struct media_frame *from = &source->clip->frames[frame % source->clip->count];
        AVPacket *packet = av_packet_alloc();
        if (!packet || av_new_packet(packet, (int)from->size_bytes) < 0)
            return -ENOMEM;
        memcpy(packet->data, from->data, from->size_bytes);
        int result = avcodec_send_packet(source->decoder, packet);
        av_packet_free(&packet);
        if (result < 0 || avcodec_receive_frame(source->decoder, source->picture) < 0)
            return -EINVAL;
    }
    return 0;
}

static void scale_all(struct bare *bare) {
    for (int i = 0; i < bare->members; i++) {
        const struct source *source = &bare->sources[i];
        const struct rect *tile = &bare->tiles[i];
        uint8_t *planes[3];
        for (int p = 0; p < 3; p++) {
            int shift = p > 0;
            planes[p] = bare->canvas->planes[p] + (tile->y >> shift) * bare->canvas->stride[p] +
                        (tile->x >> shift);
        }
        sws_scale(source->scaler, (const uint8_t *const *)source->picture->data,
                  source->picture->linesize, 0, source->clip->height_px, planes,
                  bare->canvas->stride);
    }
}

static int encode_canvas(struct bare *bare, int frame) {
    if (vpx_codec_encode(&bare->vpx, bare->canvas, frame, 1, 0, VPX_DL_REALTIME))
        return -EINVAL;
    vpx_codec_iter_t iter = NULL;
    while (vpx_codec_get_cx_data(&bare->vpx, &iter))
        ;
    return 0;
}

// 20 ms of sound: sums are next to nothing beside the codecs, and left out.
static int mix_packet(struct bare *bare) {
    uint8_t packet[1500];
    int16_t unheard[PACKET_SAMPLES * 6];
    for (int i = 0; i < bare->members; i++) {
        const struct media_frame *from =
            &bare->sound->frames[(bare->next_packet + i * 100) % bare->sound->count];
        int16_t *into = i < MIXES_MAX ? bare->pcm[i] : unheard;
        if (opus_decode(bare->sources[i].opus, from->data, (opus_int32)from->size_bytes, into,
                        PACKET_SAMPLES, 0) < 0)
            return -EINVAL;
    }
    for (int i = 0; i < MIXES_MAX && bare->mixes[i]; i++)
        if (opus_encode(bare->mixes[i], bare->pcm[i], PACKET_SAMPLES, packet, sizeof(packet)) < 0)
            return -EINVAL;
    bare->next_packet++;
    return 0;
}

static int run_frame(struct bare *bare, int frame, struct floor_cost *sums) {
    double begin_s = cpu_s();
    int result = decode_all(bare, frame);
    double decoded_s = cpu_s();
    if (result == 0)
        scale_all(bare);
    double scaled_s = cpu_s();
    if (result == 0)
        result = encode_canvas(bare, frame);
    double encoded_s = cpu_s();
    // 50 packets and 30 frames a second.
    while (result == 0 && bare->next_packet * FPS < (frame + 1) * 50)
        result = mix_packet(bare);
    sums->decode_ms += 1e3 * (decoded_s - begin_s);
    sums->scale_ms += 1e3 * (scaled_s - decoded_s);
    sums->encode_ms += 1e3 * (encoded_s - scaled_s);
    sums->opus_ms += 1e3 * (cpu_s() - encoded_s);
    return result;
}

int floor_measure(int members, const struct media *const *clips, int clip_count,
                  const struct media *sound, int frames, struct floor_cost *out) {
    struct bare bare = {.members = members, .sound = sound};
    struct floor_cost sums = {0, 0, 0, 0, 0};
    bare.sources = g_new0(struct source, (gsize)members);
    int result = encoder_open(&bare);
    if (layout_place(LAYOUT_GRID, WIDTH_PX, HEIGHT_PX, members, bare.tiles) != members)
        result = -EINVAL;
    for (int i = 0; i < members && result == 0; i++)
        result = source_open(&bare.sources[i], clips[i % clip_count], &bare.tiles[i]);
    if (result == 0)
        result = mixes_open(&bare);
    for (int frame = 0; frame < frames && result == 0; frame++)
        result = run_frame(&bare, frame, &sums);
    bare_finish(&bare);
    if (result < 0)
        return result;
    *out = (struct floor_cost){(sums.decode_ms + sums.scale_ms + sums.encode_ms + sums.opus_ms) /
                                   frames * FPS / 1e3,
                               sums.decode_ms / frames, sums.scale_ms / frames,
                               sums.encode_ms / frames, sums.opus_ms / frames};
    return 0;
}
