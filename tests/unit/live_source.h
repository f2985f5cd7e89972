// SPDX-License-Identifier: MIT
// What a room sends, for the tests of what is made of it: flat pictures as VP8 of three layers,
// from the composite's own encoder, and sound as Opus.
#ifndef TESTS_UNIT_LIVE_SOURCE_H
#define TESTS_UNIT_LIVE_SOURCE_H

#include "mixer/video/encoder.h"
#include "tests/unit/footage.h"
#include "tests/unit/tone.h"

#include <opus/opus.h>

enum { LIVE_FPS = 30, LIVE_FRAME_SAMPLES = 960, LIVE_HZ = 1000, LIVE_DARK = 40, LIVE_BRIGHT = 200 };

struct live_source {
    struct encoder *encoder;
    OpusEncoder *opus;
    AVFrame *canvas;
    int64_t said;
};

static inline void live_source_open(struct live_source *source, int width_px, int height_px) {
    struct encoder_config config = {.width_px = width_px,
                                    .height_px = height_px,
                                    .fps = LIVE_FPS,
                                    .kbps = 600,
                                    .cpu_used = -8,
                                    .threads = 1,
                                    .has_layers = true};
    *source =
        (struct live_source){.canvas = footage_blank(AV_PIX_FMT_YUV420P, width_px, height_px)};
    source->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    if (encoder_create(&config, &source->encoder) || !source->opus)
        abort();
    opus_encoder_ctl(source->opus, OPUS_SET_COMPLEXITY(1));
}

static inline void live_source_close(struct live_source *source) {
    encoder_destroy(source->encoder);
    opus_encoder_destroy(source->opus);
    av_frame_free(&source->canvas);
}

// What is on the canvas; NULL if the encoder left it out. The caller's reference, as of the others.
static inline struct packet *live_source_canvas(struct live_source *source, bool is_keyframe,
                                                int64_t pts_ns) {
    struct packet *packet = NULL;
    if (encoder_encode(source->encoder, source->canvas, NULL, is_keyframe, pts_ns, &packet))
        abort();
    return packet;
}

static inline struct packet *live_source_picture(struct live_source *source, int luma,
                                                 bool is_keyframe, int64_t pts_ns) {
    footage_fill(source->canvas, luma, 128, 128);
    struct packet *packet = live_source_canvas(source, is_keyframe, pts_ns);
    if (!packet)
        abort();
    return packet;
}

static inline struct packet *live_source_sound(struct live_source *source, double amplitude,
                                               int64_t pts_ns) {
    float samples[LIVE_FRAME_SAMPLES];
    uint8_t data[1500];
    tone_fill(samples, LIVE_FRAME_SAMPLES, LIVE_HZ, amplitude, source->said);
    source->said += LIVE_FRAME_SAMPLES;
    int size =
        opus_encode_float(source->opus, samples, LIVE_FRAME_SAMPLES, data, (int)sizeof(data));
    struct packet *packet = size > 0 ? packet_create(PACKET_AUDIO, data, (size_t)size) : NULL;
    if (!packet)
        abort();
    packet->pts_ns = pts_ns;
    packet->duration_ns = 20 * TONE_MS;
    return packet;
}

#endif
