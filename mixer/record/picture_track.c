// SPDX-License-Identifier: MIT
// Owns a decoder, a letterbox and an encoder:
//
//   VP8 --decoder--> picture --letterbox--> shown --encoder--> held --> H.264
//                                             |       ^
//                                             +-------+ again, when nothing came for long
//
// One frame is held back: fragments of MP4 must say how long their last one is shown.
#include "mixer/record/picture_track.h"

#include "mixer/record/letterbox.h"
#include "mixer/video/decoder.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <stdlib.h>

enum {
    LOG_OFFSET = 100, // the mixer never logs
    NS_PER_S = 1000000000,
    STEP_NS = 1000000, // FLV counts in milliseconds
    GOP_ENDLESS = 1 << 20,
};

struct picture_track {
    struct picture_track_config config;
    picture_track_out *out;
    void *user;
    struct decoder *decoder;
    struct letterbox *letterbox;
    AVCodecContext *encoder;
    AVPacket *packet;
    AVPacket *held;   // encoded last, until it is known how long it is shown; of size 0: none
    AVFrame *shown;   // NULL before the first
    int64_t first_ns; // the encoder's times count from here
    int64_t last_ns;  // of the frame encoded last
    int64_t next_key_ns;
};

static void choose_rate(AVCodecContext *context, int kbps) {
    if (kbps <= 0) {
        av_opt_set(context->priv_data, "crf", "23", 0);
        return;
    }
    context->bit_rate = kbps * INT64_C(1000);
    context->rc_max_rate = context->bit_rate;
    context->rc_buffer_size = (int)(2 * context->bit_rate);
}

// One thread: a frame in is a frame out, and a recording never takes more than its core.
static AVCodecContext *open_encoder(const struct picture_track_config *config,
                                    const AVCodec *codec) {
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context)
        return NULL;
    context->log_level_offset = LOG_OFFSET;
    context->width = config->width_px;
    context->height = config->height_px;
    context->pix_fmt = AV_PIX_FMT_YUV420P;
    context->time_base = (AVRational){1, NS_PER_S};
    context->framerate = (AVRational){config->fps, 1};
    context->color_range = AVCOL_RANGE_MPEG; // RFC 6386 9.2: what VP8 carries
    context->colorspace = AVCOL_SPC_SMPTE170M;
    context->gop_size = GOP_ENDLESS; // keyframes come by time, see is_keyframe_due()
    context->max_b_frames = 0;
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    choose_rate(context, config->kbps);
    av_opt_set(context->priv_data, "preset", "veryfast", 0);
    av_opt_set(context->priv_data, "tune", "zerolatency", 0);
    av_opt_set(context->priv_data, "profile", "high", 0);
    av_opt_set(context->priv_data, "forced-idr", "1", 0);
    av_opt_set(context->priv_data, "sc_threshold", "0", 0);
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static bool is_config_sane(const struct picture_track_config *config) {
    return config->width_px > 0 && config->height_px > 0 && config->width_px % 2 == 0 &&
           config->height_px % 2 == 0 && config->width_px <= DECODER_SIDE_MAX_PX &&
           config->height_px <= DECODER_SIDE_MAX_PX && config->fps > 0 && config->fps <= 120 &&
           config->kbps >= 0 && config->kbps <= 100000 && config->keyframe_ns >= STEP_NS &&
           (config->repeat_ns == 0 || config->repeat_ns >= STEP_NS);
}

int picture_track_create(const struct picture_track_config *config, picture_track_out *out,
                         void *user, struct picture_track **made) {
    if (!is_config_sane(config))
        return -EINVAL;
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (!codec)
        return -ENOSYS;
    struct picture_track *track = calloc(1, sizeof(*track));
    if (!track)
        return -ENOMEM;
    track->config = *config;
    track->out = out;
    track->user = user;
    track->decoder = decoder_create();
    track->letterbox = letterbox_create(config->width_px, config->height_px);
    track->packet = av_packet_alloc();
    track->held = av_packet_alloc();
    track->encoder = open_encoder(config, codec);
    if (!track->decoder || !track->letterbox || !track->packet || !track->held || !track->encoder) {
        picture_track_destroy(track);
        return -ENOMEM;
    }
    *made = track;
    return 0;
}

void picture_track_destroy(struct picture_track *track) {
    if (!track)
        return;
    av_frame_free(&track->shown);
    av_packet_free(&track->packet);
    av_packet_free(&track->held);
    avcodec_free_context(&track->encoder);
    letterbox_destroy(track->letterbox);
    decoder_destroy(track->decoder);
    free(track);
}

void picture_track_describe(const struct picture_track *track, struct muxer_track *out) {
    *out = (struct muxer_track){
        .codec = MUXER_H264,
        .width_px = track->config.width_px,
        .height_px = track->config.height_px,
        .fps = track->config.fps,
        .extradata = track->encoder->extradata,
        .extradata_bytes = (size_t)track->encoder->extradata_size,
    };
}

// What is held goes out: it was shown until then.
static void give_out_held(struct picture_track *track, int64_t until_ns) {
    AVPacket *held = track->held;
    if (held->size == 0)
        return;
    int64_t pts_ns = track->first_ns + held->pts;
    track->out(track->user, pts_ns, until_ns - pts_ns, held->flags & AV_PKT_FLAG_KEY, held->data,
               (size_t)held->size);
    av_packet_unref(held);
}

static int give_out(struct picture_track *track) {
    for (;;) {
        int result = avcodec_receive_packet(track->encoder, track->packet);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return 0;
        if (result < 0)
            return -EIO;
        give_out_held(track, track->first_ns + track->packet->pts);
        av_packet_move_ref(track->held, track->packet);
    }
}

// On a fixed grid, so that segments which are cut there do not grow longer and longer.
static bool is_keyframe_due(struct picture_track *track, int64_t pts_ns) {
    if (pts_ns < track->next_key_ns)
        return false;
    int64_t steps = (pts_ns - track->next_key_ns) / track->config.keyframe_ns + 1;
    track->next_key_ns += steps * track->config.keyframe_ns;
    return true;
}

static int encode_shown(struct picture_track *track, int64_t pts_ns) {
    AVFrame *frame = av_frame_clone(track->shown);
    if (!frame)
        return -ENOMEM;
    frame->pts = pts_ns - track->first_ns;
    frame->pict_type = is_keyframe_due(track, pts_ns) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    track->last_ns = pts_ns;
    int result = avcodec_send_frame(track->encoder, frame);
    av_frame_free(&frame);
    return result < 0 ? -EIO : give_out(track);
}

static void show(struct picture_track *track, AVFrame *picture, int64_t pts_ns) {
    if (!track->shown) {
        track->first_ns = track->next_key_ns = pts_ns;
        track->last_ns = pts_ns - STEP_NS;
    }
    av_frame_free(&track->shown);
    track->shown = picture;
}

int picture_track_push(struct picture_track *track, int64_t pts_ns, const void *data,
                       size_t size_bytes) {
    AVFrame *picture = NULL, *fitted = NULL;
    int rc = decoder_decode(track->decoder, VIDEO_VP8, data, size_bytes, pts_ns, &picture);
    if (rc || !picture)
        return rc;
    rc = letterbox_fit(track->letterbox, picture, &fitted);
    av_frame_free(&picture);
    if (rc)
        return rc;
    show(track, fitted, pts_ns);
    int64_t soonest_ns = track->last_ns + STEP_NS;
    return encode_shown(track, pts_ns > soonest_ns ? pts_ns : soonest_ns);
}

static int64_t next_repeat_ns(const struct picture_track *track) {
    int64_t due_ns = track->next_key_ns, soonest_ns = track->last_ns + STEP_NS;
    if (track->config.repeat_ns > 0 && track->last_ns + track->config.repeat_ns < due_ns)
        due_ns = track->last_ns + track->config.repeat_ns;
    return due_ns > soonest_ns ? due_ns : soonest_ns;
}

int picture_track_reach(struct picture_track *track, int64_t now_ns) {
    int rc = 0;
    while (rc == 0 && track->shown && next_repeat_ns(track) < now_ns)
        rc = encode_shown(track, next_repeat_ns(track));
    return rc;
}

int picture_track_finish(struct picture_track *track, int64_t end_ns) {
    int64_t soonest_ns = track->last_ns + NS_PER_S / track->config.fps;
    int rc = picture_track_reach(track, end_ns);
    if (rc == 0 && avcodec_send_frame(track->encoder, NULL) < 0)
        rc = -EIO;
    if (rc == 0)
        rc = give_out(track);
    if (rc == 0)
        give_out_held(track, end_ns > soonest_ns ? end_ns : soonest_ns);
    return rc;
}
