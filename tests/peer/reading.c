// SPDX-License-Identifier: MIT
#include "tests/peer/reading.h"

#include "tests/peer/hearing.h"

#include <glib/gstdio.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STREAMS_MAX = 4, PACKET_SAMPLES_MAX = 5760, NOBODY_HZ = 1337 };

struct reader {
    struct reading *out;
    AVCodecContext *video;
    OpusDecoder *audio;
    AVFrame *frame;
    int64_t last[STREAMS_MAX];
};

void reading_download(struct server *server, const char *id, char path[READING_PATH_MAX]) {
    char *from = g_strdup_printf("/api/v1/recordings/%s/media", id), *data = NULL;
    size_t size = 0;
    assert_int_equal(server_fetch(server, "GET", from, NULL, &data, &size), 200);
    g_strlcpy(path, "/tmp/test_recording_XXXXXX", READING_PATH_MAX);
    int fd = g_mkstemp(path);
    assert_true(fd >= 0);
    g_close(fd, NULL);
    assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    free(data);
    g_free(from);
}

// ---- packets ----

static void hear(struct reader *reader, const AVPacket *packet, double at_s) {
    struct reading *out = reader->out;
    int16_t pcm[PACKET_SAMPLES_MAX];
    int count = opus_decode(reader->audio, packet->data, packet->size, pcm, PACKET_SAMPLES_MAX, 0);
    if (count < 0)
        fail_msg("the sound at %.3f s cannot be decoded", at_s);
    size_t from = (size_t)(MAX(at_s, 0) * READING_RATE_HZ), to = from + (size_t)count;
    if (to > out->samples) {
        out->sound = g_realloc(out->sound, to * sizeof(int16_t));
        memset(out->sound + out->samples, 0, (to - out->samples) * sizeof(int16_t));
        out->samples = to;
    }
    memcpy(out->sound + from, pcm, (size_t)count * sizeof(int16_t));
    out->audio_end_s = at_s;
}

static void see(struct reader *reader, const AVStream *stream, const AVPacket *packet,
                double at_s) {
    if (!reader->video) {
        assert_true(packet->flags & AV_PKT_FLAG_KEY);
        reader->video = avcodec_alloc_context3(avcodec_find_decoder(stream->codecpar->codec_id));
        assert_int_equal(avcodec_open2(reader->video, NULL, NULL), 0);
    }
    if (avcodec_send_packet(reader->video, packet) != 0)
        fail_msg("the picture at %.3f s cannot be decoded", at_s);
    while (avcodec_receive_frame(reader->video, reader->frame) == 0)
        reader->out->frames++;
    reader->out->pictures++;
    reader->out->video_end_s = at_s;
}

static void keep(struct reading *out, const AVPacket *packet, double at_s, bool is_audio) {
    int64_t at_ns = (int64_t)(at_s * 1e9);
    struct client_packet kept = {.arrival_ns = at_ns,
                                 .pts_ns = at_ns,
                                 .is_audio = is_audio,
                                 .size_bytes = (size_t)packet->size,
                                 .data = g_memdup2(packet->data, (gsize)packet->size)};
    g_array_append_val(out->packets, kept);
}

static void read_packet(struct reader *reader, const AVStream *stream, const AVPacket *packet) {
    double at_s = (double)packet->pts * av_q2d(stream->time_base);
    bool is_audio = stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO;
    int64_t *last = &reader->last[packet->stream_index];
    if (packet->pts <= *last)
        fail_msg("the %s at %.3f s follows that at %.3f s", is_audio ? "sound" : "picture", at_s,
                 (double)*last * av_q2d(stream->time_base));
    *last = packet->pts;
    if (is_audio)
        hear(reader, packet, at_s);
    else
        see(reader, stream, packet, at_s);
    if (reader->out->packets)
        keep(reader->out, packet, at_s, is_audio);
}

static void read_packets(AVFormatContext *file, struct reading *out) {
    struct reader reader = {.out = out,
                            .audio = opus_decoder_create(READING_RATE_HZ, 1, NULL),
                            .frame = av_frame_alloc()};
    AVPacket *packet = av_packet_alloc();
    assert_true(file->nb_streams <= STREAMS_MAX);
    for (int i = 0; i < STREAMS_MAX; i++)
        reader.last[i] = INT64_MIN;
    while (av_read_frame(file, packet) == 0) {
        read_packet(&reader, file->streams[packet->stream_index], packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    av_frame_free(&reader.frame);
    avcodec_free_context(&reader.video);
    opus_decoder_destroy(reader.audio);
}

// Cues come at the end; their number (Matroska, 5.1.5) is no frequent word.
static bool has_cues(const char *path) {
    char *data;
    gsize size;
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    bool has = memmem(data + size / 2, size - size / 2, "\x1c\x53\xbb\x6b", 4) != NULL;
    g_free(data);
    return has;
}

static void read_file(const char *path, struct reading *out) {
    AVFormatContext *file = NULL;
    out->has_cues = has_cues(path);
    assert_int_equal(avformat_open_input(&file, path, NULL, NULL), 0);
    out->tells_duration = file->duration > 0;
    assert_true(avformat_find_stream_info(file, NULL) >= 0);
    out->duration_s = (double)file->duration / AV_TIME_BASE;
    out->chapters = (int)file->nb_chapters;
    read_packets(file, out);
    avformat_close_input(&file);
}

void reading_open(const char *path, struct reading *out) {
    memset(out, 0, sizeof(*out));
    read_file(path, out);
}

void reading_open_with_packets(const char *path, struct reading *out) {
    memset(out, 0, sizeof(*out));
    out->packets = g_array_new(FALSE, FALSE, sizeof(struct client_packet));
    read_file(path, out);
}

void reading_close(struct reading *reading) {
    for (guint i = 0; reading->packets && i < reading->packets->len; i++)
        g_free(g_array_index(reading->packets, struct client_packet, i).data);
    if (reading->packets)
        g_array_free(reading->packets, TRUE);
    g_free(reading->sound);
    memset(reading, 0, sizeof(*reading));
}

// ---- sound ----

static double amplitude(const struct reading *reading, int hz, double from_s, double to_s) {
    size_t from = (size_t)(from_s * READING_RATE_HZ);
    size_t to = MIN((size_t)(to_s * READING_RATE_HZ), reading->samples);
    assert_true(from + READING_RATE_HZ / 4 < to);
    return hearing_amplitude(reading->sound + from, (int)(to - from), hz);
}

bool reading_hears(const struct reading *reading, int hz, double from_s, double to_s) {
    return amplitude(reading, hz, from_s, to_s) > 10 * amplitude(reading, NOBODY_HZ, from_s, to_s);
}

bool reading_hears_somewhere(const struct reading *reading, int hz, double from_s) {
    bool is_heard = false;
    for (double at_s = from_s; !is_heard && at_s + 0.6 < reading->audio_end_s; at_s += 0.25)
        is_heard = reading_hears(reading, hz, at_s, at_s + 0.5);
    return is_heard;
}

bool reading_is_fainter(const struct reading *reading, int hz, double from_s, double to_s,
                        int than_hz) {
    return 4 * amplitude(reading, hz, from_s, to_s) < amplitude(reading, than_hz, from_s, to_s);
}
