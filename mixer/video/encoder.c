// SPDX-License-Identifier: MIT
// The composite's encoder. Owns one libvpx VP8 encoder; the v thread's alone.
//
//   canvas, active map --> layering (which layer), settling (what to look at)
//                      --> quantiser's floor --> libvpx --> packet
//
// The rate control is libvpx's; what it lacks is written at choose_floor(). LAST is always the last
// frame of layer 0, and GOLDEN the last one of layer 1; a macroblock outside the active map is a
// copy of LAST.
#include "mixer/video/encoder.h"

#include "mixer/video/layering.h"
#include "mixer/video/settling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum {
    BLOCK_PX = 16,
    PTS_HZ = 90000,
    // The rate control takes the frame rate from the time between two frames. After a pause it
    // would spend all that was saved on one frame, which then stands in every receiver's way; and
    // one step of next to nothing leaves it at its coarsest for good. So it is shown steps from
    // half a frame to a fifth of a second.
    PTS_STEP_MAX = PTS_HZ / 5,
    KBPS_MIN = 30,
    KBPS_MAX = 50000,
    FPS_MAX = 120,
    QUANTISER_MIN = 8, // of 63: about 45 dB
    QUANTISER_MAX = 56,
    QUANTISER_COARSEST = 63,
    // What a keyframe may cost, in average frames; libvpx counts in those of layer 0 where there
    // are layers, and these are 1.6 times as large.
    KEYFRAME_PCT = 600,
    KEYFRAME_LAYERED_PCT = 375,
    BURST_FRAMES = 5,
    FLOOR_STEP = 4,
    LAYERS = 3,
    LAYERED_PACE = 2,
    // When so much wakes up at once after long (one in so many macroblocks), it is coded once, in
    // layer 0, rather than anew in each frame until the next of those.
    WAKES_BASE = 8,
};

// Cumulative percent of the bits.
static const int LAYER_SHARES[LAYERS] = {40, 60, 100};
static const unsigned LAYER_DECIMATORS[LAYERS] = {4, 2, 1};

struct encoder {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t config;
    bool is_open;
    int blocks_wide, blocks_high;
    struct settling settling;
    bool has_layers;
    int layer_percent[LAYERS];
    struct layering layering;
    bool has_pts;
    int64_t last_pts_ns;
    vpx_codec_pts_t vpx_pts;
    int64_t frame_pts, frame_ns; // one frame's time in PTS_HZ and in nanoseconds
};

static bool is_sane(const struct encoder_config *config) {
    return config->width_px >= BLOCK_PX && config->width_px <= 4096 &&
           config->height_px >= BLOCK_PX && config->height_px <= 4096 &&
           config->width_px % 2 == 0 && config->height_px % 2 == 0 && config->quantiser_max >= 0 &&
           config->layer_percent[0] >= 0 && config->layer_percent[0] <= 100 &&
           config->layer_percent[1] >= 0 && config->layer_percent[1] <= 100 &&
           config->quantiser_max <= QUANTISER_COARSEST && config->fps >= 1 &&
           config->fps <= FPS_MAX && config->cpu_used >= -16 && config->cpu_used <= 16;
}

static unsigned clamp_kbps(int kbps) {
    return kbps < KBPS_MIN ? KBPS_MIN : kbps > KBPS_MAX ? KBPS_MAX : (unsigned)kbps;
}

static int choose_threads(int threads) {
    return threads < 1 ? 1 : threads > 8 ? 8 : threads;
}

static void choose_shares(const struct encoder_config *config, int percent[LAYERS]) {
    memcpy(percent, LAYER_SHARES, sizeof(LAYER_SHARES));
    for (int i = 0; i < LAYERS - 1; i++)
        if (config->layer_percent[i] > 0)
            percent[i] = config->layer_percent[i];
}

static void fill_bitrate(vpx_codec_enc_cfg_t *vpx, const int percent[LAYERS], unsigned kbps) {
    vpx->rc_target_bitrate = kbps;
    for (unsigned i = 0; i < vpx->ts_number_layers && vpx->ts_number_layers == LAYERS; i++)
        vpx->ts_target_bitrate[i] = kbps * (unsigned)percent[i] / 100;
}

static void fill_layers(vpx_codec_enc_cfg_t *vpx) {
    vpx->ts_number_layers = LAYERS;
    vpx->ts_periodicity = LAYERING_PERIOD;
    memcpy(vpx->ts_rate_decimator, LAYER_DECIMATORS, sizeof(LAYER_DECIMATORS));
    static const unsigned PATTERN[LAYERING_PERIOD] = {0, 2, 1, 2};
    memcpy(vpx->ts_layer_id, PATTERN, sizeof(PATTERN)); // it is told of each frame anyway
}

static void fill_rate_control(vpx_codec_enc_cfg_t *vpx, const struct encoder_config *config) {
    int percent[LAYERS];
    choose_shares(config, percent);
    vpx->rc_end_usage = VPX_CBR;
    fill_bitrate(vpx, percent, clamp_kbps(config->kbps));
    vpx->rc_dropframe_thresh = 0; // skipping is the stage's business
    vpx->rc_resize_allowed = 0;
    vpx->rc_min_quantizer = QUANTISER_MIN;
    vpx->rc_max_quantizer = config->quantiser_max ? (unsigned)config->quantiser_max : QUANTISER_MAX;
    vpx->rc_undershoot_pct = 100;
    vpx->rc_overshoot_pct = 15;
    // Milliseconds of bitrate that may wait in the network: small, for it is all delay.
    vpx->rc_buf_sz = 600;
    vpx->rc_buf_initial_sz = 400;
    vpx->rc_buf_optimal_sz = 400;
}

static int fill_config(vpx_codec_enc_cfg_t *vpx, const struct encoder_config *config) {
    if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), vpx, 0) != VPX_CODEC_OK)
        return -ENOSYS;
    vpx->g_w = (unsigned)config->width_px;
    vpx->g_h = (unsigned)config->height_px;
    vpx->g_threads = (unsigned)choose_threads(config->threads);
    vpx->g_timebase = (vpx_rational_t){1, PTS_HZ};
    vpx->g_pass = VPX_RC_ONE_PASS;
    vpx->g_lag_in_frames = 0;
    vpx->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    vpx->kf_mode = VPX_KF_DISABLED; // on request only
    if (config->has_layers)
        fill_layers(vpx);
    fill_rate_control(vpx, config);
    return 0;
}

static int set_controls(struct encoder *encoder, const struct encoder_config *config) {
    vpx_codec_ctx_t *codec = &encoder->codec;
    int partitions = encoder->config.g_threads >= 4   ? VP8_FOUR_TOKENPARTITION
                     : encoder->config.g_threads >= 2 ? VP8_TWO_TOKENPARTITION
                                                      : VP8_ONE_TOKENPARTITION;
    // The static threshold and content mode are measured: 200 saves a tenth of the time where
    // little moves and costs no quality up to 300, and content mode 1 or 2 costs time and gains
    // nothing.
    if (vpx_codec_control(codec, VP8E_SET_CPUUSED, config->cpu_used) ||
        vpx_codec_control(codec, VP8E_SET_TOKEN_PARTITIONS, partitions) ||
        vpx_codec_control(codec, VP8E_SET_STATIC_THRESHOLD, 200u) ||
        vpx_codec_control(codec, VP8E_SET_NOISE_SENSITIVITY, 0u) ||
        vpx_codec_control(codec, VP8E_SET_SCREEN_CONTENT_MODE, 2u) ||
        vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                          config->has_layers ? KEYFRAME_LAYERED_PCT : KEYFRAME_PCT))
        return -EINVAL;
    return 0;
}

int encoder_create(const struct encoder_config *config, struct encoder **out) {
    if (!is_sane(config))
        return -EINVAL;
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        return -ENOMEM;
    encoder->blocks_wide = (config->width_px + BLOCK_PX - 1) / BLOCK_PX;
    encoder->blocks_high = (config->height_px + BLOCK_PX - 1) / BLOCK_PX;
    encoder->has_layers = config->has_layers;
    choose_shares(config, encoder->layer_percent);
    layering_init(&encoder->layering);
    encoder->frame_pts = PTS_HZ / config->fps;
    encoder->frame_ns = 1000000000 / config->fps;
    int blocks = encoder->blocks_wide * encoder->blocks_high;
    int result = settling_init(&encoder->settling, blocks, config->has_layers ? LAYERED_PACE : 1);
    if (result == 0)
        result = fill_config(&encoder->config, config);
    if (result == 0 && vpx_codec_enc_init(&encoder->codec, vpx_codec_vp8_cx(), &encoder->config, 0))
        result = -ENOMEM;
    if (result)
        goto fail;
    encoder->is_open = true;
    result = set_controls(encoder, config);
    if (result)
        goto fail;
    *out = encoder;
    return 0;

fail:
    encoder_destroy(encoder);
    return result;
}

void encoder_destroy(struct encoder *encoder) {
    if (!encoder)
        return;
    if (encoder->is_open)
        vpx_codec_destroy(&encoder->codec);
    settling_finish(&encoder->settling);
    free(encoder);
}

static int apply_config(struct encoder *encoder, const vpx_codec_enc_cfg_t *config) {
    if (vpx_codec_enc_config_set(&encoder->codec, config))
        return -EINVAL;
    encoder->config = *config;
    return 0;
}

int encoder_set_kbps(struct encoder *encoder, int kbps) {
    unsigned wanted = clamp_kbps(kbps);
    if (wanted == encoder->config.rc_target_bitrate)
        return 0;
    vpx_codec_enc_cfg_t config = encoder->config;
    fill_bitrate(&config, encoder->layer_percent, wanted);
    return apply_config(encoder, &config);
}

// Of the frame that the settling was just told of.
static int choose_layer(const struct encoder *encoder, bool is_keyframe) {
    const struct settling *settling = &encoder->settling;
    if (!encoder->has_layers)
        return 0;
    return layering_choose(&encoder->layering, is_keyframe || settling->changed == 0 ||
                                                   settling->roused * WAKES_BASE > settling->count);
}

static int set_layer(struct encoder *encoder, int layer) {
    settling_pick(&encoder->settling, layer == 0);
    vpx_active_map_t map = {encoder->settling.active, (unsigned)encoder->blocks_high,
                            (unsigned)encoder->blocks_wide};
    if (vpx_codec_control(&encoder->codec, VP8E_SET_ACTIVEMAP, &map))
        return -EINVAL;
    if (encoder->has_layers &&
        vpx_codec_control(&encoder->codec, VP8E_SET_TEMPORAL_LAYER_ID, layer))
        return -EINVAL;
    return 0;
}

// What a frame may be predicted from, and what may be predicted from it. Symbol statistics that it
// gathers are for those that get it: what comes after does not count on them.
static vpx_enc_frame_flags_t layer_flags(const struct encoder *encoder, int layer) {
    if (!encoder->has_layers)
        return 0;
    switch (layer) {
    case 0:
        return VP8_EFLAG_NO_REF_GF | VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_GF |
               VP8_EFLAG_NO_UPD_ARF;
    case 1:
        return VP8_EFLAG_NO_REF_GF | VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_LAST |
               VP8_EFLAG_NO_UPD_ARF | VP8_EFLAG_NO_UPD_ENTROPY;
    default:
        return (encoder->layering.has_middle ? 0 : VP8_EFLAG_NO_REF_GF) | VP8_EFLAG_NO_REF_ARF |
               VP8_EFLAG_NO_UPD_LAST | VP8_EFLAG_NO_UPD_GF | VP8_EFLAG_NO_UPD_ARF |
               VP8_EFLAG_NO_UPD_ENTROPY;
    }
}

bool encoder_is_settled(const struct encoder *encoder) {
    return settling_is_over(&encoder->settling);
}

// After a rest the quantiser is low, for there was nothing to spend bits on. When much begins to
// move at once, libvpx would code the first frame with it: 117 kB at 1.5 Mbit/s, most of a second
// for the receiver. The floor holds that frame near BURST_FRAMES average ones, and gives way
// slowly, for the frame after it would only make up for it.
static int choose_floor(const struct encoder *encoder) {
    static const struct {
        // Of a macroblock coded anew: one and a half times what camera footage costs, for some
        // costs more.
        int bits, quantiser;
    } COSTS[] = {{400, 10}, {300, 14}, {255, 18},         {180, 26},
                 {130, 36}, {90, 46},  {0, QUANTISER_MAX}};
    int floor = (int)encoder->config.rc_min_quantizer - FLOOR_STEP;
    floor = floor < QUANTISER_MIN ? QUANTISER_MIN : floor;
    int woken = encoder->settling.woken;
    if (woken == 0)
        return floor;
    int64_t bits_per_frame = encoder->config.rc_target_bitrate * encoder->frame_ns / 1000000;
    int64_t budget = bits_per_frame * BURST_FRAMES / woken;
    if (budget >= COSTS[0].bits)
        return floor;
    int i = 0;
    while (budget < COSTS[i].bits)
        i++;
    return COSTS[i].quantiser > floor ? COSTS[i].quantiser : floor;
}

static int set_floor(struct encoder *encoder, int floor) {
    if ((int)encoder->config.rc_min_quantizer == floor)
        return 0;
    vpx_codec_enc_cfg_t config = encoder->config;
    config.rc_min_quantizer = (unsigned)floor;
    return apply_config(encoder, &config);
}

static void note_made(struct encoder *encoder, int layer) {
    int quantiser = QUANTISER_MAX;
    vpx_codec_control(&encoder->codec, VP8E_GET_LAST_QUANTIZER_64, &quantiser);
    settling_note_coded(&encoder->settling, layer == 0, quantiser);
    layering_note_sent(&encoder->layering, layer);
}

// With layers, libvpx is shown the full rate always: it is layering_choose() that keeps the pace of
// layer 0, so what a frame of each layer may cost does not depend on how many there are.
static void advance_pts(struct encoder *encoder, int64_t pts_ns) {
    int64_t least = encoder->frame_pts / 2, step = encoder->frame_pts, slots = 1;
    if (encoder->has_pts) {
        int64_t delta_ns = pts_ns - encoder->last_pts_ns;
        step = delta_ns >= 1000000000 ? PTS_STEP_MAX : delta_ns * 9 / 100000;
        step = step < least ? least : step > PTS_STEP_MAX ? PTS_STEP_MAX : step;
        slots = (delta_ns + encoder->frame_ns / 2) / encoder->frame_ns;
    }
    encoder->has_pts = true;
    encoder->last_pts_ns = pts_ns;
    encoder->vpx_pts += encoder->has_layers ? encoder->frame_pts : step;
    layering_advance(&encoder->layering, slots);
}

// Frames are read where they are.
static void wrap_canvas(vpx_image_t *image, const struct encoder *encoder, const AVFrame *canvas) {
    vpx_img_wrap(image, VPX_IMG_FMT_I420, encoder->config.g_w, encoder->config.g_h, 1,
                 canvas->data[0]);
    for (int i = 0; i < 3; i++) {
        image->planes[i] = canvas->data[i];
        image->stride[i] = canvas->linesize[i];
    }
}

// One frame in gives one packet at most: there is no lag and no output by partitions.
static int take_packet(struct encoder *encoder, int64_t pts_ns, struct packet **out) {
    vpx_codec_iter_t iter = NULL;
    const vpx_codec_cx_pkt_t *coded;
    struct packet *packet = NULL;
    while (!packet && (coded = vpx_codec_get_cx_data(&encoder->codec, &iter))) {
        if (coded->kind != VPX_CODEC_CX_FRAME_PKT || coded->data.frame.sz == 0)
            continue;
        packet = packet_create(PACKET_VIDEO, coded->data.frame.buf, coded->data.frame.sz);
        if (!packet)
            return -ENOMEM;
        packet->is_keyframe = coded->data.frame.flags & VPX_FRAME_IS_KEY;
        packet->pts_ns = pts_ns;
        packet->duration_ns = encoder->frame_ns;
    }
    *out = packet;
    return 0;
}

static bool fits(const struct encoder *encoder, const AVFrame *canvas) {
    return canvas && canvas->format == AV_PIX_FMT_YUV420P &&
           canvas->width == (int)encoder->config.g_w && canvas->height == (int)encoder->config.g_h;
}

static int encode_once(struct encoder *encoder, const vpx_image_t *image,
                       vpx_enc_frame_flags_t flags, int64_t pts_ns, struct packet **out) {
    if (vpx_codec_encode(&encoder->codec, image, encoder->vpx_pts,
                         (unsigned long)encoder->frame_pts, flags, VPX_DL_REALTIME))
        return -EIO;
    return take_packet(encoder, pts_ns, out);
}

static int encode_layer(struct encoder *encoder, const vpx_image_t *image, int layer,
                        bool is_keyframe, int64_t pts_ns, struct packet **out) {
    vpx_enc_frame_flags_t flags = is_keyframe ? VPX_EFLAG_FORCE_KF : layer_flags(encoder, layer);
    int result = encode_once(encoder, image, flags, pts_ns, out);
    // Content mode 2: libvpx refuses a frame that is wholly new and would be far too large, and
    // codes the next one coarsely. That shall be this one, for the canvas may then stand still.
    if (result == 0 && !*out) {
        encoder->vpx_pts += encoder->frame_pts;
        result = encode_once(encoder, image, flags, pts_ns, out);
    }
    if (result == 0 && *out) {
        (*out)->temporal_layer = (uint8_t)layer;
        note_made(encoder, layer);
    }
    return result;
}

int encoder_encode(struct encoder *encoder, const AVFrame *canvas, const uint8_t *active,
                   bool wants_keyframe, int64_t pts_ns, struct packet **out) {
    if (!fits(encoder, canvas))
        return -EINVAL;
    bool is_keyframe = wants_keyframe || !encoder->has_pts;
    advance_pts(encoder, pts_ns);
    settling_update(&encoder->settling, active, is_keyframe);
    int layer = choose_layer(encoder, is_keyframe);
    int result = set_layer(encoder, layer);
    if (result == 0)
        result = set_floor(encoder, is_keyframe ? QUANTISER_MIN : choose_floor(encoder));
    if (result)
        return result;
    vpx_image_t image;
    wrap_canvas(&image, encoder, canvas);
    struct packet *packet = NULL;
    result = encode_layer(encoder, &image, layer, is_keyframe, pts_ns, &packet);
    if (result == 0)
        *out = packet;
    return result;
}
