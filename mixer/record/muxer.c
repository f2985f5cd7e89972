// SPDX-License-Identifier: MIT
// Owns one AVFormatContext.
//
//   muxer_write --> [interleaving] --> libavformat --> AVIOContext --> muxer_io, a file or a URL
//
// What a crash may cost is decided here: libavformat gathers a cluster (fragment, page) in memory,
// so it is told to end it before half a second of media is in it, and hands all of it on at once.
#include "mixer/record/muxer.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

enum {
    IO_BUFFER_BYTES = 64 * 1024,
    SOUND_HZ = 48000,
    OPUS_HEAD_BYTES = 19,
    // What libopus looks ahead at 48 kHz: what its decoder gives out is so much late.
    OPUS_PRESKIP = 312,
    OPUS_PREROLL = 3840, // RFC 7845 4.6: 80 ms until a decoder that begins anywhere is right
    INTERLEAVE_MAX_US = 200000,
    FRAGMENT_US = 400000,
    NETWORK_TIMEOUT_US = 10000000,
    SEGMENTS_KEPT = 6,
    CHAPTERS_MAX = 2000,
};
#define CLUSTER_NS INT64_C(400000000)
#define SEGMENT_NS INT64_C(2000000000)

static const AVRational NANOSECONDS = {1, 1000000000};

struct muxer {
    AVFormatContext *format;
    AVPacket *packet;
    enum muxer_codec codecs[MUXER_TRACKS_MAX];
    int64_t last[MUXER_TRACKS_MAX]; // in the track's time base
    bool interleaves, has_header, owns_url;

    struct muxer_io io;
    int64_t at_bytes, end_bytes; // of io
    uint64_t payload_bytes;      // where libavformat opens its files by itself
    int64_t flushed_ns;
    int error; // the first there was

    bool (*is_over)(void *user);
    void *user;
};

static bool is_format(const struct muxer *muxer, const char *name) {
    return strcmp(muxer->format->oformat->name, name) == 0;
}

static bool is_matroska(const struct muxer *muxer) {
    return is_format(muxer, "webm") || is_format(muxer, "matroska");
}

static int fail(struct muxer *muxer, int error) {
    if (!muxer->error)
        muxer->error = error == AVERROR_EXIT ? -ECANCELED
                       : error < -4096       ? -EIO // libavutil's own codes are above all errnos
                                             : error;
    return muxer->error;
}

// ---- bytes ----

static int on_write(void *user, uint8_t *data, int size_bytes) {
    struct muxer *muxer = user;
    int done = 0;
    while (done < size_bytes) {
        ssize_t written = muxer->io.write(muxer->io.user, data + done, (size_t)(size_bytes - done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(muxer, written < 0 && errno ? -errno : -EIO);
        done += (int)written;
        muxer->at_bytes += written;
        if (muxer->at_bytes > muxer->end_bytes)
            muxer->end_bytes = muxer->at_bytes;
    }
    return done;
}

static int64_t on_seek(void *user, int64_t offset_bytes, int whence) {
    struct muxer *muxer = user;
    if (whence == AVSEEK_SIZE)
        return muxer->end_bytes;
    if (whence != SEEK_SET)
        return AVERROR(EINVAL);
    int64_t at = muxer->io.seek(muxer->io.user, offset_bytes);
    if (at < 0)
        return fail(muxer, -errno);
    muxer->at_bytes = at;
    return at;
}

static int open_io(struct muxer *muxer, const struct muxer_io *io) {
    muxer->io = *io;
    uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
    if (!buffer)
        return -ENOMEM;
    muxer->format->pb = avio_alloc_context(buffer, IO_BUFFER_BYTES, 1, muxer, NULL, on_write,
                                           io->seek ? on_seek : NULL);
    if (!muxer->format->pb) {
        av_free(buffer);
        return -ENOMEM;
    }
    muxer->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    return 0;
}

static int open_url(struct muxer *muxer, const char *target, const char *ca_file) {
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "rw_timeout", NETWORK_TIMEOUT_US, 0);
    av_dict_set_int(&options, "tls_verify", 1, 0); // of rtmps: a key is for one server alone
    if (ca_file)
        av_dict_set(&options, "ca_file", ca_file, 0);
    int result = avio_open2(&muxer->format->pb, target, AVIO_FLAG_WRITE,
                            &muxer->format->interrupt_callback, &options);
    av_dict_free(&options);
    muxer->owns_url = result >= 0;
    return result < 0 ? result : 0;
}

static void close_bytes(struct muxer *muxer) {
    AVIOContext *pb = muxer->format->pb;
    if (muxer->owns_url) {
        int result = avio_closep(&muxer->format->pb);
        if (result < 0)
            fail(muxer, result);
    } else if (pb && (muxer->format->flags & AVFMT_FLAG_CUSTOM_IO)) {
        av_freep((void *)&pb->buffer);
        avio_context_free(&muxer->format->pb);
    }
}

static int on_interrupt(void *user) {
    const struct muxer *muxer = user;
    return muxer->is_over && muxer->is_over(muxer->user);
}

// ---- tracks ----

static int set_extradata(AVCodecParameters *parameters, const uint8_t *data, size_t size_bytes) {
    parameters->extradata = av_mallocz(size_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata)
        return -ENOMEM;
    memcpy(parameters->extradata, data, size_bytes);
    parameters->extradata_size = (int)size_bytes;
    return 0;
}

// RFC 7845 5.1.
static int set_opus_head(AVCodecParameters *parameters) {
    uint8_t head[OPUS_HEAD_BYTES] = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 1};
    AV_WL16(head + 10, OPUS_PRESKIP);
    AV_WL32(head + 12, SOUND_HZ);
    parameters->initial_padding = OPUS_PRESKIP;
    parameters->seek_preroll = OPUS_PREROLL;
    return set_extradata(parameters, head, sizeof(head));
}

static int add_sound(AVStream *stream, const struct muxer_track *track) {
    AVCodecParameters *parameters = stream->codecpar;
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = track->codec == MUXER_OPUS ? AV_CODEC_ID_OPUS : AV_CODEC_ID_AAC;
    parameters->sample_rate = SOUND_HZ;
    parameters->frame_size = track->codec == MUXER_OPUS ? 960 : 1024;
    av_channel_layout_default(&parameters->ch_layout, 1);
    stream->time_base = (AVRational){1, SOUND_HZ};
    return track->codec == MUXER_OPUS ? set_opus_head(parameters) : 0;
}

static void add_picture(const struct muxer *muxer, AVStream *stream,
                        const struct muxer_track *track) {
    AVCodecParameters *parameters = stream->codecpar;
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = track->codec == MUXER_VP8 ? AV_CODEC_ID_VP8 : AV_CODEC_ID_H264;
    parameters->format = AV_PIX_FMT_YUV420P;
    parameters->width = track->width_px;
    parameters->height = track->height_px;
    stream->time_base = (AVRational){1, 90000};
    // Matroska would call it constant, which it is not.
    if (muxer->interleaves && track->fps > 0)
        stream->avg_frame_rate = (AVRational){track->fps, 1};
}

static int add_track(struct muxer *muxer, int index, const struct muxer_track *track) {
    AVStream *stream = avformat_new_stream(muxer->format, NULL);
    if (!stream)
        return -ENOMEM;
    muxer->codecs[index] = track->codec;
    muxer->last[index] = INT64_MIN;
    int result = 0;
    if (track->codec == MUXER_OPUS || track->codec == MUXER_AAC)
        result = add_sound(stream, track);
    else
        add_picture(muxer, stream, track);
    if (result == 0 && track->extradata_bytes > 0 && track->codec != MUXER_OPUS)
        result = set_extradata(stream->codecpar, track->extradata, track->extradata_bytes);
    return result;
}

// ---- opening ----

// Segments and the first one's header lie beside the playlist.
static void set_hls_options(const struct muxer_config *config, AVDictionary **options) {
    int64_t segment_ns = config->segment_ns > 0 ? config->segment_ns : SEGMENT_NS;
    const char *slash = strrchr(config->target, '/');
    char *names = av_asprintf("%.*ssegment-%%05d.m4s",
                              slash ? (int)(slash - config->target) + 1 : 0, config->target);
    char *seconds = av_asprintf("%.3f", (double)segment_ns / 1e9);
    av_dict_set(options, "hls_segment_type", "fmp4", 0);
    av_dict_set(options, "hls_time", seconds, AV_DICT_DONT_STRDUP_VAL);
    av_dict_set_int(options, "hls_list_size",
                    config->segments_kept > 0 ? config->segments_kept : SEGMENTS_KEPT, 0);
    // Who reads a segment just before it leaves the list must still find it.
    av_dict_set_int(options, "hls_delete_threshold", 3, 0);
    av_dict_set(options, "hls_flags", "delete_segments+independent_segments+temp_file", 0);
    av_dict_set(options, "hls_fmp4_init_filename", "init.mp4", 0);
    av_dict_set(options, "hls_segment_filename", names, AV_DICT_DONT_STRDUP_VAL);
}

static void set_options(struct muxer *muxer, const struct muxer_config *config,
                        AVDictionary **options) {
    AVFormatContext *format = muxer->format;
    if (is_matroska(muxer)) {
        av_dict_set_int(options, "cluster_time_limit", 1000, 0);
        av_dict_set_int(options, "cluster_size_limit", 1 << 20, 0);
    } else if (is_format(muxer, "ogg")) {
        av_dict_set_int(options, "page_duration", FRAGMENT_US, 0);
    } else if (is_format(muxer, "mp4")) {
        av_dict_set(options, "movflags", "frag_keyframe+empty_moov+default_base_moof", 0);
        av_dict_set_int(options, "frag_duration", FRAGMENT_US, 0);
    } else if (is_format(muxer, "flv")) {
        av_dict_set(options, "flvflags", "no_duration_filesize", 0);
    } else {
        set_hls_options(config, options);
    }
    if (muxer->interleaves)
        format->max_interleave_delta = INTERLEAVE_MAX_US;
    else
        format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED; // Opus' begins 6.5 ms before 0
    format->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    format->flush_packets = 1;
    if (config->title)
        av_dict_set(&format->metadata, "title", config->title, 0);
}

static bool is_known(const char *format) {
    static const char *const KNOWN[] = {"webm", "matroska", "mp4", "ogg", "flv", "hls"};
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++)
        if (strcmp(format, KNOWN[i]) == 0)
            return true;
    return false;
}

static int write_header(struct muxer *muxer, const struct muxer_config *config) {
    AVDictionary *options = NULL;
    set_options(muxer, config, &options);
    int result = avformat_write_header(muxer->format, &options);
    av_dict_free(&options);
    if (result < 0)
        return result;
    muxer->has_header = true;
    if (muxer->format->pb)
        avio_flush(muxer->format->pb);
    return muxer->error;
}

static int open_all(struct muxer *muxer, const struct muxer_config *config) {
    int result =
        avformat_alloc_output_context2(&muxer->format, NULL, config->format, config->target);
    if (result < 0)
        return result;
    muxer->interleaves =
        is_format(muxer, "mp4") || is_format(muxer, "flv") || is_format(muxer, "hls");
    muxer->format->interrupt_callback = (AVIOInterruptCB){on_interrupt, muxer};
    muxer->packet = av_packet_alloc();
    if (!muxer->packet)
        return -ENOMEM;
    result = 0;
    for (int i = 0; i < config->track_count && result == 0; i++)
        result = add_track(muxer, i, &config->tracks[i]);
    if (result == 0 && config->io)
        result = open_io(muxer, config->io);
    else if (result == 0 && !(muxer->format->oformat->flags & AVFMT_NOFILE))
        result = open_url(muxer, config->target, config->ca_file);
    return result ? result : write_header(muxer, config);
}

int muxer_open(const struct muxer_config *config, struct muxer **out) {
    if (!is_known(config->format) || (!config->io && !config->target) || config->track_count < 1 ||
        config->track_count > MUXER_TRACKS_MAX)
        return -EINVAL;
    struct muxer *muxer = calloc(1, sizeof(*muxer));
    if (!muxer)
        return -ENOMEM;
    av_log_set_level(AV_LOG_QUIET); // what goes wrong is an answer, not a log line
    muxer->is_over = config->is_over;
    muxer->user = config->user;
    int result = open_all(muxer, config);
    if (result) {
        result = fail(muxer, result);
        muxer_close(muxer, true);
        return result;
    }
    *out = muxer;
    return 0;
}

// ---- writing ----

static int64_t to_track_time(struct muxer *muxer, int track, int64_t pts_ns) {
    AVRational base = muxer->format->streams[track]->time_base;
    int64_t time = av_rescale_q(pts_ns, NANOSECONDS, base);
    // Matroska tells the delay beside the times, the others in them.
    if (muxer->codecs[track] == MUXER_OPUS && !is_matroska(muxer))
        time -= av_rescale_q(OPUS_PRESKIP, (AVRational){1, SOUND_HZ}, base);
    // Two within one step of the clock.
    if (muxer->last[track] != INT64_MIN && time <= muxer->last[track])
        time = muxer->last[track] + 1;
    muxer->last[track] = time;
    return time;
}

int muxer_write(struct muxer *muxer, int track, int64_t pts_ns, int64_t duration_ns,
                bool is_keyframe, const void *data, size_t size_bytes) {
    if (muxer->error)
        return muxer->error;
    if (track < 0 || track >= (int)muxer->format->nb_streams || size_bytes == 0 ||
        size_bytes > INT_MAX / 2)
        return -EINVAL;
    AVPacket *packet = muxer->packet;
    // Not reference counted: libavformat copies what it keeps, and changes nothing.
    packet->data = (uint8_t *)(uintptr_t)data;
    packet->size = (int)size_bytes;
    packet->stream_index = track;
    packet->pts = packet->dts = to_track_time(muxer, track, pts_ns);
    packet->duration =
        av_rescale_q(duration_ns, NANOSECONDS, muxer->format->streams[track]->time_base);
    packet->flags = is_keyframe ? AV_PKT_FLAG_KEY : 0;
    muxer->payload_bytes += size_bytes;
    int result = muxer->interleaves ? av_interleaved_write_frame(muxer->format, packet)
                                    : av_write_frame(muxer->format, packet);
    av_packet_unref(packet);
    if (result < 0)
        fail(muxer, result);
    if (!muxer->interleaves && pts_ns - muxer->flushed_ns >= CLUSTER_NS) {
        muxer->flushed_ns = pts_ns;
        return muxer_flush(muxer);
    }
    return muxer->error;
}

int muxer_flush(struct muxer *muxer) {
    int result = 0;
    if (!muxer->error && muxer->interleaves)
        result = av_interleaved_write_frame(muxer->format, NULL);
    if (!muxer->error && result >= 0 && !is_format(muxer, "hls"))
        result = av_write_frame(muxer->format, NULL);
    if (result >= 0 && !muxer->error && muxer->format->pb) {
        avio_flush(muxer->format->pb);
        result = muxer->format->pb->error;
    }
    return result < 0 ? fail(muxer, result) : muxer->error;
}

// libavformat has no public way to add one to an output, but says that they may be.
void muxer_add_chapter(struct muxer *muxer, int64_t from_ns, int64_t to_ns, const char *title) {
    AVFormatContext *format = muxer->format;
    if (format->nb_chapters >= CHAPTERS_MAX || to_ns < from_ns)
        return;
    AVChapter **chapters =
        av_realloc_array(format->chapters, format->nb_chapters + 1, sizeof(AVChapter *));
    if (!chapters)
        return;
    format->chapters = chapters;
    AVChapter *chapter = av_mallocz(sizeof(*chapter));
    if (!chapter)
        return;
    chapter->id = (int64_t)format->nb_chapters + 1;
    chapter->time_base = (AVRational){1, 1000};
    chapter->start = from_ns / 1000000;
    chapter->end = to_ns / 1000000;
    av_dict_set(&chapter->metadata, "title", title, 0);
    format->chapters[format->nb_chapters++] = chapter;
}

uint64_t muxer_bytes(const struct muxer *muxer) {
    if (muxer->io.write)
        return (uint64_t)muxer->end_bytes;
    int64_t told = muxer->format->pb ? avio_tell(muxer->format->pb) : -1;
    return told > 0 ? (uint64_t)told : muxer->payload_bytes;
}

int muxer_close(struct muxer *muxer, bool is_abandoned) {
    if (!muxer)
        return 0;
    if (muxer->format && muxer->has_header && !is_abandoned && !muxer->error) {
        int result = av_write_trailer(muxer->format);
        if (result < 0)
            fail(muxer, result);
        if (muxer->format->pb && muxer->format->pb->error < 0)
            fail(muxer, muxer->format->pb->error);
    }
    if (muxer->format)
        close_bytes(muxer);
    avformat_free_context(muxer->format);
    av_packet_free(&muxer->packet);
    int error = muxer->error;
    free(muxer);
    return error;
}
