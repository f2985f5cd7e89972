// SPDX-License-Identifier: MIT
#include "mixer/record/source.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/avstring.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SIDE_MAX_PX = 8192,
    PACKET_MAX_BYTES = 32 << 20,
};
// What is later than this is no time that a recording has.
#define PTS_MAX_NS (INT64_C(366) * 24 * 3600 * 1000000000)

static const AVRational NANOSECONDS = {1, 1000000000};

static const struct kind {
    const char *ending, *reads, *writes;
} KINDS[] = {
    {".webm", "matroska", "webm"},
    {".mkv", "matroska", "matroska"},
    {".mp4", "mov", "mp4"},
    {".ogg", "ogg", "ogg"},
};

static const struct kind *kind_of(const char *path) {
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(KINDS) / sizeof(KINDS[0]); i++)
        if (strcmp(dot, KINDS[i].ending) == 0)
            return &KINDS[i];
    return NULL;
}

const char *source_format_of(const char *path) {
    const struct kind *kind = kind_of(path);
    return kind ? kind->writes : NULL;
}

static bool is_wanted(const AVCodecParameters *parameters) {
    switch (parameters->codec_id) {
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_H264:
        return parameters->width > 0 && parameters->height > 0 &&
               parameters->width <= SIDE_MAX_PX && parameters->height <= SIDE_MAX_PX;
    case AV_CODEC_ID_OPUS:
    case AV_CODEC_ID_AAC: return true;
    default: return false;
    }
}

static void choose_streams(struct source *source) {
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        AVStream *stream = source->format->streams[i];
        int *chosen =
            stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? &source->video : &source->audio;
        if (*chosen < 0 && is_wanted(stream->codecpar))
            *chosen = (int)i;
        else
            stream->discard = AVDISCARD_ALL;
    }
}

static int open_input(struct source *source, const char *path, const struct kind *kind) {
    char *url = av_asprintf("file:%s", path);
    source->format = avformat_alloc_context();
    if (!url || !source->format) {
        av_free(url);
        return -ENOMEM;
    }
    source->format->error_recognition = AV_EF_EXPLODE;
    source->format->max_streams = 8;
    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    int result =
        avformat_open_input(&source->format, url, av_find_input_format(kind->reads), &options);
    av_dict_free(&options);
    av_free(url);
    return result == AVERROR(ENOMEM) ? -ENOMEM : result < 0 ? -ENODATA : 0;
}

int source_open(struct source *source, const char *path) {
    *source = (struct source){.video = -1, .audio = -1};
    const struct kind *kind = kind_of(path);
    if (!kind)
        return -EINVAL;
    struct stat about;
    if (stat(path, &about))
        return -errno;
    if (!S_ISREG(about.st_mode))
        return -EINVAL;
    av_log_set_level(AV_LOG_QUIET); // what is wrong with it is an answer, not a log line
    source->packet = av_packet_alloc();
    int result = source->packet ? open_input(source, path, kind) : -ENOMEM;
    if (result == 0)
        choose_streams(source);
    if (result == 0 && source->video < 0 && source->audio < 0)
        result = -ENODATA;
    if (result)
        source_close(source);
    return result;
}

void source_close(struct source *source) {
    avformat_close_input(&source->format);
    av_packet_free(&source->packet);
}

static bool is_whole(const struct source *source) {
    const AVPacket *packet = source->packet;
    if (packet->size <= 0 || packet->size > PACKET_MAX_BYTES || packet->pts == AV_NOPTS_VALUE ||
        (packet->flags & AV_PKT_FLAG_CORRUPT))
        return false;
    AVRational base = source->format->streams[packet->stream_index]->time_base;
    int64_t pts_ns = av_rescale_q(packet->pts, base, NANOSECONDS);
    return pts_ns > -1000000000 && pts_ns < PTS_MAX_NS;
}

int source_read(struct source *source) {
    do {
        av_packet_unref(source->packet);
        if (av_read_frame(source->format, source->packet) < 0)
            return -ENODATA;
    } while (source->packet->stream_index != source->video &&
             source->packet->stream_index != source->audio);
    return is_whole(source) ? 0 : -ENODATA;
}

int64_t source_duration_ns(const struct source *source) {
    int64_t longest_ns = 0;
    if (source->format->duration != AV_NOPTS_VALUE)
        longest_ns = av_rescale_q(source->format->duration, AV_TIME_BASE_Q, NANOSECONDS);
    for (unsigned i = 0; i < source->format->nb_streams; i++) {
        const AVStream *stream = source->format->streams[i];
        if (stream->duration == AV_NOPTS_VALUE)
            continue;
        int64_t ns = av_rescale_q(stream->duration, stream->time_base, NANOSECONDS);
        longest_ns = ns > longest_ns ? ns : longest_ns;
    }
    return longest_ns > 0 && longest_ns < PTS_MAX_NS ? longest_ns : 0;
}
