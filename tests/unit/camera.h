// SPDX-License-Identifier: MIT
// A camera for tests: VP8 frames of one flat colour each, from the mixer's own encoder.
#ifndef TESTS_UNIT_CAMERA_H
#define TESTS_UNIT_CAMERA_H

#include "mixer/video/encoder.h"
#include "mixer/video/overlay.h"

#include <stdlib.h>
#include <string.h>

struct camera {
    struct encoder *encoder;
    AVFrame *frame;
    int64_t pts_ns;
};

static inline struct camera camera_open(int width_px, int height_px) {
    struct camera camera = {.frame = av_frame_alloc()};
    struct encoder_config config = {
        .width_px = width_px,
        .height_px = height_px,
        .fps = 30,
        .kbps = 800,
        .cpu_used = -8,
        .threads = 1,
    };
    camera.frame->format = AV_PIX_FMT_YUV420P;
    camera.frame->width = width_px;
    camera.frame->height = height_px;
    if (encoder_create(&config, &camera.encoder) || av_frame_get_buffer(camera.frame, 0))
        abort();
    return camera;
}

static inline struct packet *camera_shoot(struct camera *camera, struct yuv colour,
                                          bool is_keyframe) {
    uint8_t value[3] = {colour.y, colour.u, colour.v};
    for (int i = 0; i < 3; i++)
        memset(camera->frame->data[i], value[i],
               (size_t)camera->frame->linesize[i] * (camera->frame->height >> (i > 0)));
    struct packet *packet = NULL;
    camera->pts_ns += 33333333;
    if (encoder_encode(camera->encoder, camera->frame, NULL, is_keyframe, camera->pts_ns,
                       &packet) ||
        !packet)
        abort();
    return packet;
}

static inline void camera_close(struct camera *camera) {
    encoder_destroy(camera->encoder);
    av_frame_free(&camera->frame);
}

// A keyframe of this colour from a camera of its own.
static inline struct packet *camera_still(int width_px, int height_px, struct yuv colour) {
    struct camera camera = camera_open(width_px, height_px);
    struct packet *packet = camera_shoot(&camera, colour, true);
    camera_close(&camera);
    return packet;
}

#endif
