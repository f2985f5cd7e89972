// SPDX-License-Identifier: MIT
// A line of samples, counted from the beginning: each packet is put where its timestamp says, and
// every 1024 samples make an AAC frame. An encoder's first frame only primes the decoder; it lies
// before the beginning and is not given out, so no player needs to be told to skip it.
#include "mixer/record/sound_track.h"

#include "mixer/audio/sound_decoder.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    NS_PER_S = 1000000000,
    LOG_OFFSET = 100, // the mixer never logs
    // Ticks come a little early or late; sound that joins on without a seam is worth more.
    TOLERANCE_SAMPLES = RATE_HZ / 100,
};

struct sound_track {
    sound_track_out *out;
    void *user;
    struct sound_decoder *decoder;
    AVCodecContext *encoder;
    AVFrame *frame; // filled from the front
    AVPacket *packet;
    int64_t begin_ns;
    int64_t taken; // samples, since the beginning
    int filled;    // samples of the frame
    struct playout_step step;
    float samples[SOUND_SAMPLES_MAX];
};

static AVCodecContext *open_encoder(const AVCodec *codec, int kbps) {
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context)
        return NULL;
    context->log_level_offset = LOG_OFFSET;
    context->sample_rate = RATE_HZ;
    context->sample_fmt = AV_SAMPLE_FMT_FLTP;
    context->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    context->time_base = (AVRational){1, RATE_HZ};
    context->bit_rate = kbps * INT64_C(1000);
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

static AVFrame *create_frame(const AVCodecContext *encoder) {
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = encoder->sample_fmt;
    frame->sample_rate = RATE_HZ;
    frame->nb_samples = encoder->frame_size;
    frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

int sound_track_create(int kbps, sound_track_out *out, void *user, struct sound_track **made) {
    if (kbps < 16 || kbps > 256)
        return -EINVAL;
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    if (!codec)
        return -ENOSYS;
    struct sound_track *track = calloc(1, sizeof(*track));
    if (!track)
        return -ENOMEM;
    track->out = out;
    track->user = user;
    track->decoder = sound_decoder_create();
    track->packet = av_packet_alloc();
    track->encoder = open_encoder(codec, kbps);
    track->frame = track->encoder ? create_frame(track->encoder) : NULL;
    if (!track->decoder || !track->packet || !track->frame) {
        sound_track_destroy(track);
        return -ENOMEM;
    }
    *made = track;
    return 0;
}

void sound_track_destroy(struct sound_track *track) {
    if (!track)
        return;
    av_frame_free(&track->frame);
    av_packet_free(&track->packet);
    avcodec_free_context(&track->encoder);
    sound_decoder_destroy(track->decoder);
    free(track);
}

void sound_track_describe(const struct sound_track *track, struct muxer_track *out) {
    *out = (struct muxer_track){
        .codec = MUXER_AAC,
        .extradata = track->encoder->extradata,
        .extradata_bytes = (size_t)track->encoder->extradata_size,
    };
}

void sound_track_begin(struct sound_track *track, int64_t begin_ns) {
    track->begin_ns = begin_ns;
}

static int64_t sample_at(const struct sound_track *track, int64_t time_ns) {
    return av_rescale(time_ns - track->begin_ns, RATE_HZ, NS_PER_S);
}

static int64_t time_of(const struct sound_track *track, int64_t sample) {
    return track->begin_ns + av_rescale(sample, NS_PER_S, RATE_HZ);
}

static int give_out(struct sound_track *track) {
    for (;;) {
        int result = avcodec_receive_packet(track->encoder, track->packet);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return 0;
        if (result < 0)
            return -EIO;
        int64_t from_ns = time_of(track, track->packet->pts);
        int64_t to_ns = time_of(track, track->packet->pts + track->encoder->frame_size);
        if (track->packet->pts >= 0)
            track->out(track->user, from_ns, to_ns - from_ns, track->packet->data,
                       (size_t)track->packet->size);
        av_packet_unref(track->packet);
    }
}

static int encode_frame(struct sound_track *track) {
    track->frame->pts = track->taken - track->filled;
    track->filled = 0;
    if (avcodec_send_frame(track->encoder, track->frame) < 0)
        return -EIO;
    return give_out(track);
}

static int append(struct sound_track *track, const float *samples, int count) {
    while (count > 0) {
        if (track->filled == 0 && av_frame_make_writable(track->frame) < 0)
            return -ENOMEM;
        int room = track->encoder->frame_size - track->filled, part = count < room ? count : room;
        memcpy((float *)track->frame->data[0] + track->filled, samples,
               (size_t)part * sizeof(*samples));
        track->filled += part;
        track->taken += part;
        samples += part;
        count -= part;
        if (track->filled == track->encoder->frame_size) {
            int rc = encode_frame(track);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int conceal_until(struct sound_track *track, int64_t sample) {
    while (track->taken < sample) {
        int64_t missing = sample - track->taken;
        track->step.kind = PLAYOUT_CONCEAL;
        track->step.samples = missing < SOUND_SAMPLES_MAX ? (int)missing : SOUND_SAMPLES_MAX;
        int made = sound_decoder_run(track->decoder, &track->step, 0, track->samples);
        int rc = append(track, track->samples, made);
        if (rc)
            return rc;
    }
    return 0;
}

static int decode(struct sound_track *track, const void *data, size_t size_bytes) {
    struct playout_packet packet;
    int rc = sound_packet_parse(data, size_bytes, &packet);
    if (rc)
        return rc;
    track->step.kind = PLAYOUT_PACKET;
    track->step.samples = packet.samples;
    track->step.size_bytes = size_bytes;
    memcpy(track->step.data, data, size_bytes);
    return sound_decoder_run(track->decoder, &track->step, 0, track->samples);
}

int sound_track_push(struct sound_track *track, int64_t pts_ns, const void *data,
                     size_t size_bytes) {
    int64_t from = sample_at(track, pts_ns);
    if (from > track->taken + TOLERANCE_SAMPLES) {
        int rc = conceal_until(track, from);
        if (rc)
            return rc;
    }
    int made = decode(track, data, size_bytes);
    if (made < 0)
        return made;
    int64_t passed = track->taken - from;
    if (passed <= TOLERANCE_SAMPLES)
        passed = 0;
    if (passed >= made)
        return 0;
    return append(track, track->samples + passed, made - (int)passed);
}

int sound_track_reach(struct sound_track *track, int64_t now_ns) {
    return conceal_until(track, sample_at(track, now_ns));
}

int sound_track_finish(struct sound_track *track, int64_t end_ns) {
    int rc = sound_track_reach(track, end_ns);
    // Sound that stops within a frame goes on in silence to its end.
    if (rc == 0 && track->filled > 0)
        rc = conceal_until(track, track->taken + track->encoder->frame_size - track->filled);
    if (rc == 0 && avcodec_send_frame(track->encoder, NULL) < 0)
        rc = -EIO;
    return rc ? rc : give_out(track);
}
