// SPDX-License-Identifier: MIT
// Packet by packet from the old file into a new one, with the muxer's own way to end it.
#include "mixer/record/repair.h"

#include "mixer/record/durable.h"
#include "mixer/record/source.h"

#include <errno.h>
#include <libavutil/avstring.h>
#include <libavutil/mem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHAPTERS_MAX = 2000, LOOK_EVERY_BYTES = 8 << 20 };

static const AVRational NANOSECONDS = {1, 1000000000};

struct remux {
    struct source source;
    AVFormatContext *to;
    bool has_header, has_keyframe;
    int video, audio; // streams of `to`
    int64_t last_dts[2];
    int64_t end_ns;
    int64_t packets;
    const struct repair_config *config;
    int64_t looked_bytes; // at the free space
};

// ---- opening ----

static int copy_stream(struct remux *remux, int from, int *to) {
    *to = -1;
    if (from < 0)
        return 0;
    const AVStream *old = remux->source.format->streams[from];
    AVStream *stream = avformat_new_stream(remux->to, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, old->codecpar) < 0)
        return -ENOMEM;
    stream->codecpar->codec_tag = 0; // each format has its own
    stream->time_base = old->time_base;
    *to = stream->index;
    remux->last_dts[stream->index] = INT64_MIN;
    return 0;
}

// Returns one to be filled in, or NULL. (libavformat has no public way to add one to an output, but
// says that they may be.)
static AVChapter *add_chapter(AVFormatContext *to) {
    AVChapter **chapters = av_realloc_array(to->chapters, to->nb_chapters + 1, sizeof(AVChapter *));
    if (!chapters)
        return NULL;
    to->chapters = chapters;
    AVChapter *chapter = av_mallocz(sizeof(*chapter));
    if (!chapter)
        return NULL;
    chapter->id = (int64_t)to->nb_chapters + 1;
    to->chapters[to->nb_chapters++] = chapter;
    return chapter;
}

// A file that was finished has them.
static int copy_chapters(struct remux *remux) {
    const AVFormatContext *from = remux->source.format;
    for (unsigned i = 0; i < from->nb_chapters; i++) {
        const AVChapter *old = from->chapters[i];
        AVChapter *chapter = add_chapter(remux->to);
        if (!chapter)
            return -ENOMEM;
        chapter->time_base = old->time_base;
        chapter->start = old->start;
        chapter->end = old->end;
        av_dict_copy(&chapter->metadata, old->metadata, 0);
    }
    return 0;
}

static int give_chapter(struct remux *remux, int64_t from_ns, int64_t to_ns, const char *title) {
    AVChapter *chapter = add_chapter(remux->to);
    if (!chapter)
        return -ENOMEM;
    chapter->time_base = (AVRational){1, 1000};
    chapter->start = from_ns / 1000000;
    chapter->end = to_ns / 1000000;
    av_dict_set(&chapter->metadata, "title", title, 0);
    return 0;
}

// Those that others know of. Before the trailer: where the file ends is known only then. In MP4
// they are a track of its own, which begins at 0 whatever it says, so something must be there, and
// of two at one moment it has the later.
static int give_chapters(struct remux *remux) {
    const struct repair_config *config = remux->config;
    const AVFormatContext *to = remux->to;
    const AVDictionaryEntry *title = av_dict_get(to->metadata, "title", NULL, 0);
    bool is_mp4 = strcmp(to->oformat->name, "mp4") == 0;
    int result = 0;
    for (int i = 0; i < config->chapter_count && i < CHAPTERS_MAX && result == 0; i++) {
        const struct repair_chapter *given = &config->chapters[i];
        bool is_last = i + 1 == config->chapter_count || given[1].at_ns > remux->end_ns;
        int64_t to_ns = is_last ? remux->end_ns : given[1].at_ns;
        if (given->at_ns < 0 || given->at_ns >= remux->end_ns ||
            to_ns < given->at_ns + (is_mp4 ? 1000000 : 0))
            continue;
        if (is_mp4 && to->nb_chapters == 0 && given->at_ns > 0)
            result = give_chapter(remux, 0, given->at_ns, title ? title->value : "");
        if (result == 0)
            result = give_chapter(remux, given->at_ns, to_ns, given->title);
    }
    return result;
}

static int open_output(struct remux *remux, const char *path, const char *format) {
    char *url = av_asprintf("file:%s", path);
    if (!url)
        return -ENOMEM;
    int result = avformat_alloc_output_context2(&remux->to, NULL, format, url);
    if (result >= 0)
        result = avio_open(&remux->to->pb, url, AVIO_FLAG_WRITE);
    av_free(url);
    return result < 0 ? result : 0;
}

static int write_header(struct remux *remux) {
    int result = copy_stream(remux, remux->source.video, &remux->video);
    if (result == 0)
        result = copy_stream(remux, remux->source.audio, &remux->audio);
    if (result == 0)
        result = copy_chapters(remux);
    if (result)
        return result;
    const AVDictionaryEntry *title = av_dict_get(remux->source.format->metadata, "title", NULL, 0);
    if (title)
        av_dict_set(&remux->to->metadata, "title", title->value, 0);
    // Opus begins 6.5 ms before 0; all times stay as they were.
    if (strcmp(remux->to->oformat->name, "mp4") != 0)
        remux->to->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    // The index in front: a player on the network need not look for it at the end. It costs to
    // write the file twice.
    AVDictionary *options = NULL;
    if (strcmp(remux->to->oformat->name, "mp4") == 0)
        av_dict_set(&options, "movflags", "faststart", 0);
    result = avformat_write_header(remux->to, &options);
    av_dict_free(&options);
    remux->has_header = result >= 0;
    // It does not take what the old one claims to hold.
    return result == AVERROR(ENOMEM) || result == AVERROR(ENOSPC) ? result
           : result < 0                                           ? -ENODATA
                                                                  : 0;
}

// ---- copying ----

// Below the floor nothing is made whole: what runs needs it.
static int check_room(struct remux *remux) {
    struct statvfs about;
    int64_t floor_bytes = remux->config->free_floor_bytes, at_bytes = avio_tell(remux->to->pb);
    if (floor_bytes <= 0 || at_bytes - remux->looked_bytes < LOOK_EVERY_BYTES)
        return 0;
    remux->looked_bytes = at_bytes;
    if (statvfs(remux->to->url + strlen("file:"), &about))
        return 0;
    return (int64_t)about.f_bavail * (int64_t)about.f_frsize < floor_bytes ? -ENOSPC : 0;
}

static void reach(struct remux *remux, const AVPacket *packet, AVRational base) {
    int64_t duration = packet->duration > 0 ? packet->duration : 0;
    int64_t end_ns = av_rescale_q(packet->pts + duration, base, NANOSECONDS);
    remux->end_ns = end_ns > remux->end_ns ? end_ns : remux->end_ns;
}

// Packets from before the first keyframe, and those that go back in time, are of no use.
static bool is_usable(struct remux *remux, const AVPacket *packet, bool is_video) {
    if (is_video && !remux->has_keyframe && !(packet->flags & AV_PKT_FLAG_KEY))
        return false;
    remux->has_keyframe |= is_video;
    return packet->dts == AV_NOPTS_VALUE || packet->dts <= packet->pts;
}

// What libavformat takes from the times of Opus when it reads Matroska, it does not add when it
// writes.
static int64_t delay_of(const struct remux *remux, int to) {
    const AVStream *stream = remux->to->streams[to];
    bool is_matroska = strcmp(remux->to->oformat->name, "webm") == 0 ||
                       strcmp(remux->to->oformat->name, "matroska") == 0;
    if (!is_matroska || stream->codecpar->codec_id != AV_CODEC_ID_OPUS)
        return 0;
    return av_rescale_q(stream->codecpar->initial_padding, (AVRational){1, 48000},
                        stream->time_base);
}

// 0, or the target's error.
static int copy_packet(struct remux *remux) {
    AVPacket *packet = remux->source.packet;
    bool is_video = packet->stream_index == remux->source.video;
    if (!is_usable(remux, packet, is_video))
        return 0;
    AVRational base = remux->source.format->streams[packet->stream_index]->time_base;
    int to = is_video ? remux->video : remux->audio;
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    reach(remux, packet, base);
    av_packet_rescale_ts(packet, base, remux->to->streams[to]->time_base);
    int64_t delay = delay_of(remux, to);
    packet->pts += delay;
    packet->dts += delay;
    if (packet->dts <= remux->last_dts[to])
        return 0;
    remux->last_dts[to] = packet->dts;
    packet->stream_index = to;
    packet->pos = -1;
    int result = av_write_frame(remux->to, packet);
    remux->packets += result >= 0;
    int error = remux->to->pb->error;
    // What the muxer does not take is broken; what the disk does not take is the end.
    return error < 0 ? error : result == AVERROR(ENOMEM) ? -ENOMEM : 0;
}

static int copy_all(struct remux *remux) {
    int result = 0;
    while (result == 0 && source_read(&remux->source) == 0) {
        result = copy_packet(remux);
        if (result == 0)
            result = check_room(remux);
    }
    if (result)
        return result;
    if (remux->packets == 0)
        return -ENODATA;
    result = remux->to->nb_chapters == 0 ? give_chapters(remux) : 0;
    if (result)
        return result;
    result = av_write_trailer(remux->to);
    remux->has_header = false;
    return result < 0 ? result : 0;
}

static int close_output(struct remux *remux, int result) {
    if (!remux->to)
        return result;
    int closed = avio_closep(&remux->to->pb);
    avformat_free_context(remux->to);
    return result == 0 && closed < 0 ? closed : result;
}

static int write_new(const char *path, const char *part, const struct repair_config *config,
                     struct repair_outcome *out) {
    struct remux remux = {.config = config};
    int result = source_open(&remux.source, path);
    if (result)
        return result;
    result = open_output(&remux, part, source_format_of(path));
    if (result == 0)
        result = write_header(&remux);
    if (result == 0)
        result = copy_all(&remux);
    result = close_output(&remux, result);
    source_close(&remux.source);
    out->duration_ns = remux.end_ns;
    return result < -4096 ? -EIO : result; // libavutil's own codes
}

// ---- taking its place ----

static int take_place(const char *part, const char *path, struct repair_outcome *out) {
    struct stat old, made;
    if (stat(path, &old) || chmod(part, old.st_mode & 0777) || stat(part, &made))
        return -errno;
    int result = durable_sync_file(part);
    if (result)
        return result;
    if (rename(part, path))
        return -errno;
    durable_sync_name(path); // if this fails, the old one comes back: no worse than it was
    out->bytes = (uint64_t)made.st_size;
    return 0;
}

static char *make_part_path(const char *path) {
    char *part = NULL;
    return asprintf(&part, "%s.part", path) < 0 ? NULL : part;
}

void repair_forget(const char *path) {
    char *part = make_part_path(path);
    if (part)
        unlink(part);
    free(part);
}

int repair_file(const char *path, const struct repair_config *config, struct repair_outcome *out) {
    static const struct repair_config NOTHING;
    config = config ? config : &NOTHING;
    if (!source_format_of(path))
        return -EINVAL;
    if (config->free_floor_bytes > 0 && !repair_has_room(path, config->free_floor_bytes))
        return -ENOSPC;
    char *part = make_part_path(path);
    if (!part)
        return -ENOMEM;
    struct repair_outcome outcome = {0};
    int result = write_new(path, part, config, &outcome);
    if (result == 0)
        result = take_place(part, path, &outcome);
    if (result)
        unlink(part);
    else
        *out = outcome;
    free(part);
    return result;
}
