// SPDX-License-Identifier: MIT
// The composite's VP8 encoder, on libvpx's own API: realtime, CBR, error resilient, active map. Not
// locked: the v thread's alone. It reads no clock.
#ifndef MIXER_VIDEO_ENCODER_H
#define MIXER_VIDEO_ENCODER_H

#include "mixer/packet.h"

#include <libavutil/frame.h>

struct encoder;

struct encoder_config {
    int width_px, height_px; // even; a last macroblock may be half outside
    int fps;
    int kbps;
    int cpu_used; // -8: fastest of the predictable ones (see README, bench)
    int threads;
    // Three temporal layers: a quarter, half and all of the frames. Whoever leaves out the layers
    // above one still has a whole stream. A keyframe is layer 0.
    bool has_layers;
    int layer_percent[2]; // of the bits: for a quarter, and for half of the frames; 0: 40 and 60
    int quantiser_max;    // the coarsest, up to 63: for thin links; 0: 56
};

// 0 or negative errno.
int encoder_create(const struct encoder_config *config, struct encoder **out);
void encoder_destroy(struct encoder *encoder); // NULL is allowed

// Encodes canvas (yuv420p, the configured size). active: one byte per macroblock, row by row,
// width/16 by height/16 of them, rounded up; 0 = unchanged since the last frame encoded; NULL =
// look at all, nothing is known. A keyframe looks at all. *out is a new reference, or NULL if the
// encoder dropped the frame. -EINVAL: the canvas does not fit. With layers, a frame in which
// nothing changed belongs to the base.
int encoder_encode(struct encoder *encoder, const AVFrame *canvas, const uint8_t *active,
                   bool wants_keyframe, int64_t pts_ns, struct packet **out);
// False while encoding the same picture again (active all 0) would still make it finer: for about
// the first second after a change.
bool encoder_is_settled(const struct encoder *encoder);
int encoder_set_kbps(struct encoder *encoder, int kbps);

// When keyframes are due: any number of requests become one keyframe, not sooner than
// min_interval_ns after the last. Pure; the first frame of an encoder is one anyway.
struct keyframe_gate {
    int64_t min_interval_ns, last_ns;
    bool is_wanted, has_sent;
};
void keyframe_gate_init(struct keyframe_gate *gate, int64_t min_interval_ns);
void keyframe_gate_request(struct keyframe_gate *gate);
// True: encode a keyframe now (and it is noted as sent).
bool keyframe_gate_take(struct keyframe_gate *gate, int64_t now_ns);

#endif
