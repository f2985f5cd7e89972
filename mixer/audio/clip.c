// SPDX-License-Identifier: MIT
//   bytes --AVIO--> demuxer --packets of its one sound--> decoder --> resampler --> samples
//
// What a hostile file could try, and what stands against it: to have another file or address opened
// (no protocol, and a context that opens nothing); to reach code that no sound file needs (lists of
// formats and codecs); to decode for ever (the length is checked as it grows, no packets but those
// that its bytes can make, a budget for reading); to take all memory by a header that promises
// billions of samples (one allocation of libav's has a limit).
#include "mixer/audio/clip.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_HZ = 48000,
    RATE_MIN_HZ = 4000,
    RATE_MAX_HZ = 384000,
    CHANNELS_MAX = 16,
    SAMPLES_MAX = CLIP_SECONDS_MAX * RATE_HZ,
    FIRST_SAMPLES = 65536,
    BUFFER_BYTES = 32768,
    ALLOCATION_BYTES_MAX = 128 << 20, // far more than a picture or five minutes of sound take
    PROBE_BYTES = 1 << 20,
    READ_TIMES = 64, // each byte may be read so often: indexes at the end, seeks, probes
    SPARE_BYTES = 1 << 16,
    STREAMS_MAX = 4, // each may have an index of one allocation's size
};

static const char formats[] = "wav,ogg,flac,mp3,matroska,webm,mov,mp4,m4a,aac";
static const char codecs[] =
    "pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_f64le,pcm_s16be,pcm_s24be,pcm_alaw,"
    "pcm_mulaw,opus,vorbis,flac,alac,mp3,mp3float,aac";

// The file, as libavformat reads it.
struct source {
    const uint8_t *data;
    size_t size_bytes, at;
    uint64_t budget_bytes;
};

struct decoding {
    struct source source;
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *codec;
    SwrContext *resampler;
    AVChannelLayout layout; // what the resampler was made for, with the two below
    int rate_hz, sample_format;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    uint64_t packet_bytes;
    int decoded, broken; // packets
    struct clip *clip;
    size_t room; // samples
};

// ---- the file ----

static int on_read(void *user, uint8_t *buffer, int size_bytes) {
    struct source *source = user;
    size_t left = source->size_bytes - source->at;
    size_t bytes = (size_t)size_bytes < left ? (size_t)size_bytes : left;
    if (bytes == 0)
        return AVERROR_EOF;
    if (bytes > source->budget_bytes)
        return AVERROR_EXIT;
    source->budget_bytes -= bytes;
    memcpy(buffer, source->data + source->at, bytes);
    source->at += bytes;
    return (int)bytes;
}

static int64_t on_seek(void *user, int64_t offset, int whence) {
    struct source *source = user;
    int64_t size = (int64_t)source->size_bytes;
    if (whence & AVSEEK_SIZE)
        return size;
    switch (whence & ~AVSEEK_FORCE) {
    case SEEK_SET: break;
    case SEEK_CUR: offset += (int64_t)source->at; break;
    case SEEK_END: offset += size; break;
    default: return AVERROR(EINVAL);
    }
    if (offset < 0 || offset > size)
        return AVERROR(EINVAL);
    source->at = (size_t)offset;
    return offset;
}

static int on_open_refused(AVFormatContext *format, AVIOContext **out, const char *url, int flags,
                           AVDictionary **options) {
    return AVERROR(EACCES);
}

// For the whole process; mixer/ never logs.
static void tame_libav(void) {
    av_max_alloc(ALLOCATION_BYTES_MAX);
    av_log_set_level(AV_LOG_QUIET);
}

static int open_format(struct decoding *decoding) {
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (buffer)
        decoding->io =
            avio_alloc_context(buffer, BUFFER_BYTES, 0, &decoding->source, on_read, NULL, on_seek);
    if (!decoding->io) {
        av_free(buffer);
        return -ENOMEM;
    }
    decoding->format = avformat_alloc_context();
    if (!decoding->format)
        return -ENOMEM;
    decoding->format->pb = decoding->io;
    decoding->format->io_open = on_open_refused;
    decoding->format->probesize = PROBE_BYTES;
    decoding->format->max_streams = STREAMS_MAX;
    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist", "", 0);
    av_dict_set(&options, "format_whitelist", formats, 0);
    av_dict_set(&options, "codec_whitelist", codecs, 0);
    int result = avformat_open_input(&decoding->format, NULL, NULL, &options); // frees it if not
    av_dict_free(&options);
    if (result >= 0)
        result = avformat_find_stream_info(decoding->format, NULL);
    return result >= 0 ? 0 : result == AVERROR(ENOMEM) ? -ENOMEM : -EINVAL;
}

static int open_codec(struct decoding *decoding) {
    AVFormatContext *format = decoding->format;
    const AVCodec *codec = NULL;
    decoding->stream = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (decoding->stream < 0 || !codec)
        return -EINVAL;
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != decoding->stream)
            format->streams[i]->discard = AVDISCARD_ALL;
    const AVStream *stream = format->streams[decoding->stream];
    decoding->codec = avcodec_alloc_context3(codec);
    decoding->packet = av_packet_alloc();
    decoding->frame = av_frame_alloc();
    if (!decoding->codec || !decoding->packet || !decoding->frame)
        return -ENOMEM;
    decoding->codec->thread_count = 1;
    decoding->codec->codec_whitelist = av_strdup(codecs);
    decoding->codec->pkt_timebase = stream->time_base;
    if (avcodec_parameters_to_context(decoding->codec, stream->codecpar) < 0 ||
        avcodec_open2(decoding->codec, codec, NULL) < 0)
        return -EINVAL;
    return 0;
}

// ---- samples ----

static int reserve(struct decoding *decoding, size_t more) {
    struct clip *clip = decoding->clip;
    if (clip->count + more <= decoding->room)
        return 0;
    size_t room = decoding->room ? decoding->room + decoding->room / 2 : FIRST_SAMPLES;
    room = room < clip->count + more ? clip->count + more : room;
    float *samples = realloc(clip->samples, room * sizeof(float));
    if (!samples)
        return -ENOMEM;
    clip->samples = samples;
    decoding->room = room;
    return 0;
}

// frame NULL: what the resampler still holds.
static int resample(struct decoding *decoding, const AVFrame *frame) {
    struct clip *clip = decoding->clip;
    int given = frame ? frame->nb_samples : 0;
    int made = swr_get_out_samples(decoding->resampler, given);
    if (made < 0)
        return -EINVAL;
    if (made == 0 && !frame)
        return 0;
    int result = reserve(decoding, (size_t)made);
    if (result != 0)
        return result;
    float *out = clip->samples + clip->count;
    made = swr_convert(decoding->resampler, (uint8_t **)&out, made,
                       frame ? (const uint8_t **)frame->extended_data : NULL, given);
    if (made < 0)
        return -EINVAL;
    // A file of floats may hold anything.
    for (int i = 0; i < made; i++)
        out[i] = isfinite(out[i]) ? fmaxf(-1, fminf(1, out[i])) : 0;
    clip->count += (size_t)made;
    return clip->count > SAMPLES_MAX ? -E2BIG : 0;
}

static int drain_resampler(struct decoding *decoding) {
    int result = decoding->resampler ? resample(decoding, NULL) : 0;
    swr_free(&decoding->resampler);
    return result;
}

static int make_resampler(struct decoding *decoding, const AVFrame *frame) {
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    int channels = frame->ch_layout.nb_channels;
    if (frame->sample_rate < RATE_MIN_HZ || frame->sample_rate > RATE_MAX_HZ || channels < 1 ||
        channels > CHANNELS_MAX)
        return -EINVAL;
    int result = drain_resampler(decoding);
    if (result != 0)
        return result;
    av_channel_layout_uninit(&decoding->layout);
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&decoding->layout, channels);
    else if (av_channel_layout_copy(&decoding->layout, &frame->ch_layout) < 0)
        return -ENOMEM;
    decoding->rate_hz = frame->sample_rate;
    decoding->sample_format = frame->format;
    if (swr_alloc_set_opts2(&decoding->resampler, &mono, AV_SAMPLE_FMT_FLT, RATE_HZ,
                            &decoding->layout, frame->format, frame->sample_rate, 0, NULL) < 0)
        return -EINVAL;
    // Two channels that say the same are no louder than one.
    av_opt_set_double(decoding->resampler, "rematrix_maxval", 1, 0);
    return swr_init(decoding->resampler) < 0 ? -EINVAL : 0;
}

static bool fits_resampler(const struct decoding *decoding, const AVFrame *frame) {
    return decoding->resampler && decoding->rate_hz == frame->sample_rate &&
           decoding->sample_format == frame->format &&
           decoding->layout.nb_channels == frame->ch_layout.nb_channels &&
           (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC ||
            av_channel_layout_compare(&decoding->layout, &frame->ch_layout) == 0);
}

static int take_frame(struct decoding *decoding) {
    const AVFrame *frame = decoding->frame;
    int result = fits_resampler(decoding, frame) ? 0 : make_resampler(decoding, frame);
    return result ? result : resample(decoding, frame);
}

// packet NULL: the end.
static int decode(struct decoding *decoding, const AVPacket *packet) {
    int result = 0;
    bool is_whole = avcodec_send_packet(decoding->codec, packet) >= 0;
    for (;;) {
        int received = avcodec_receive_frame(decoding->codec, decoding->frame);
        if (received == AVERROR(EAGAIN) || received == AVERROR_EOF)
            break;
        if (received < 0) {
            is_whole = false;
            break;
        }
        result = take_frame(decoding);
        av_frame_unref(decoding->frame);
        if (result != 0)
            return result;
    }
    decoding->decoded += packet && is_whole;
    decoding->broken += packet && !is_whole;
    return 0;
}

// No file has more bytes in its packets than it has: whoever lets them overlap wants our time.
static int take_packet(struct decoding *decoding) {
    const AVPacket *packet = decoding->packet;
    if (packet->stream_index != decoding->stream)
        return 0;
    decoding->packet_bytes += (uint64_t)packet->size + 1;
    if (decoding->packet_bytes > 2 * (uint64_t)decoding->source.size_bytes + SPARE_BYTES)
        return -EINVAL;
    return decode(decoding, packet);
}

// A file that was cut off is taken as far as it goes, one of mostly broken packets is not.
static int decode_all(struct decoding *decoding) {
    int result = 0;
    while (result == 0 && av_read_frame(decoding->format, decoding->packet) >= 0) {
        result = take_packet(decoding);
        av_packet_unref(decoding->packet);
    }
    if (result == 0)
        result = decode(decoding, NULL);
    if (result == 0)
        result = drain_resampler(decoding);
    if (result != 0)
        return result;
    return decoding->clip->count == 0 || decoding->broken > decoding->decoded ? -EINVAL : 0;
}

static void finish(struct decoding *decoding) {
    av_frame_free(&decoding->frame);
    av_packet_free(&decoding->packet);
    swr_free(&decoding->resampler);
    av_channel_layout_uninit(&decoding->layout);
    avcodec_free_context(&decoding->codec);
    avformat_close_input(&decoding->format);
    if (decoding->io)
        av_freep(&decoding->io->buffer);
    avio_context_free(&decoding->io);
    clip_destroy(decoding->clip);
}

int clip_decode(const void *data, size_t size_bytes, struct clip **out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, tame_libav);
    struct decoding decoding = {
        .source = {.data = data,
                   .size_bytes = size_bytes,
                   .budget_bytes = READ_TIMES * (uint64_t)size_bytes + PROBE_BYTES},
        .clip = calloc(1, sizeof(struct clip)),
    };
    int result = decoding.clip ? 0 : -ENOMEM;
    if (result == 0)
        result = open_format(&decoding);
    if (result == 0)
        result = open_codec(&decoding);
    if (result == 0)
        result = decode_all(&decoding);
    if (result == 0) {
        *out = decoding.clip;
        decoding.clip = NULL;
    }
    finish(&decoding);
    return result;
}

void clip_destroy(struct clip *clip) {
    if (!clip)
        return;
    free(clip->samples);
    free(clip);
}
