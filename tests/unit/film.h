// SPDX-License-Identifier: MIT
// For the tests of recordings: a directory of a test's own, packets to record, and files read back
// by libavformat, which knows nothing of how they came about. Include once per program, after
// cmocka.h.
#ifndef TESTS_UNIT_FILM_H
#define TESTS_UNIT_FILM_H

#include "mixer/packet.h"

#include <dirent.h>
#include <libavformat/avformat.h>
#include <opus/opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILM_MAYBE    __attribute__((unused))
#define FILM_MS       INT64_C(1000000)
#define FILM_S        INT64_C(1000000000)
#define FILM_FRAME_NS INT64_C(33333334) // no more than 30 in a second

enum { FILM_WIDTH = 320, FILM_HEIGHT = 192, FILM_FPS = 30 };

// ---- a place ----

struct film_place {
    char dir[64];
};

FILM_MAYBE static int film_place_make(void **state) {
    struct film_place *place = calloc(1, sizeof(*place));
    strcpy(place->dir, "/tmp/test_film_XXXXXX");
    *state = place;
    return place && mkdtemp(place->dir) ? 0 : -1;
}

FILM_MAYBE static int film_place_remove(void **state) {
    struct film_place *place = *state;
    DIR *dir = opendir(place->dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", place->dir, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(place->dir);
    free(place);
    return 0;
}

// Up to four of them at a time.
FILM_MAYBE static const char *film_path(void **state, const char *name) {
    static char paths[4][400];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, 400, "%s/%s", ((struct film_place *)*state)->dir, name);
    return path;
}

// ---- packets ----

// Looks like VP8 as far as the header goes (RFC 6386 9.1).
FILM_MAYBE static struct packet *film_picture_of(int64_t pts_ns, bool is_keyframe,
                                                 size_t size_bytes, int width_px, int height_px) {
    uint8_t *data = calloc(1, size_bytes);
    data[0] = is_keyframe ? 0x10 : 0x11;
    if (is_keyframe) {
        uint8_t start[] = {0x9d,
                           0x01,
                           0x2a,
                           width_px & 255,
                           (uint8_t)(width_px >> 8),
                           height_px & 255,
                           (uint8_t)(height_px >> 8)};
        memcpy(data + 3, start, sizeof(start));
    }
    struct packet *packet = packet_create(PACKET_VIDEO, data, size_bytes);
    free(data);
    packet->pts_ns = pts_ns;
    packet->duration_ns = FILM_FRAME_NS;
    packet->is_keyframe = is_keyframe;
    return packet;
}

FILM_MAYBE static struct packet *film_picture(int64_t pts_ns, bool is_keyframe) {
    return film_picture_of(pts_ns, is_keyframe, is_keyframe ? 400 : 60, FILM_WIDTH, FILM_HEIGHT);
}

FILM_MAYBE static struct packet *film_sound(int64_t pts_ns) {
    static const uint8_t SILENCE[] = {0xf8, 0xff, 0xfe};
    struct packet *packet = packet_create(PACKET_AUDIO, SILENCE, sizeof(SILENCE));
    packet->pts_ns = pts_ns;
    packet->duration_ns = 20 * FILM_MS;
    return packet;
}

// ---- files ----

struct film_track {
    int count, keyframes;
    int64_t first_ns, last_ns, end_ns;
    int64_t widest_ns; // the longest time from one packet to the next
    bool rises;
};

struct film {
    struct film_track video, audio;
    int64_t duration_ns; // as the file tells; 0: it does not
    int chapters, width_px, height_px;
    int64_t chapter_ns[16];
    char chapter_titles[16][32];
    char title[32];
    int64_t latest_ns, disorder_ns; // how far back it goes at most, from track to track
    bool is_broken;                 // the reader met an error before the end
};

FILM_MAYBE static void film_note(struct film_track *track, const AVPacket *packet,
                                 AVRational base) {
    AVRational ns = {1, 1000000000};
    int64_t pts_ns = av_rescale_q(packet->pts, base, ns);
    int64_t duration_ns = av_rescale_q(packet->duration, base, ns);
    if (track->count == 0) {
        track->first_ns = pts_ns;
        track->rises = true;
    } else {
        track->rises &= pts_ns > track->last_ns;
        if (pts_ns - track->last_ns > track->widest_ns)
            track->widest_ns = pts_ns - track->last_ns;
    }
    track->count++;
    track->keyframes += (packet->flags & AV_PKT_FLAG_KEY) != 0;
    track->last_ns = pts_ns;
    track->end_ns = pts_ns + duration_ns;
}

FILM_MAYBE static void film_note_header(struct film *film, AVFormatContext *format) {
    const AVDictionaryEntry *title = av_dict_get(format->metadata, "title", NULL, 0);
    snprintf(film->title, sizeof(film->title), "%s", title ? title->value : "");
    film->duration_ns = format->duration > 0 ? format->duration * 1000 : 0;
    for (unsigned i = 0; i < format->nb_streams && film->duration_ns == 0; i++)
        if (format->streams[i]->duration > 0)
            film->duration_ns =
                av_rescale_q(format->streams[i]->duration, format->streams[i]->time_base,
                             (AVRational){1, 1000000000});
    film->chapters = (int)format->nb_chapters;
    for (int i = 0; i < film->chapters && i < 16; i++) {
        const AVChapter *chapter = format->chapters[i];
        const AVDictionaryEntry *name = av_dict_get(chapter->metadata, "title", NULL, 0);
        film->chapter_ns[i] =
            av_rescale_q(chapter->start, chapter->time_base, (AVRational){1, 1000000000});
        snprintf(film->chapter_titles[i], 32, "%s", name ? name->value : "");
    }
}

// False: nothing can be read there.
FILM_MAYBE static bool film_read(const char *path, struct film *film) {
    *film = (struct film){0};
    av_log_set_level(AV_LOG_QUIET);
    AVFormatContext *format = NULL;
    if (avformat_open_input(&format, path, NULL, NULL) < 0)
        return false;
    film_note_header(film, format);
    AVPacket *packet = av_packet_alloc();
    int result;
    while ((result = av_read_frame(format, packet)) >= 0) {
        const AVStream *stream = format->streams[packet->stream_index];
        bool is_video = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        if (is_video) {
            film->width_px = stream->codecpar->width;
            film->height_px = stream->codecpar->height;
        }
        struct film_track *track = is_video ? &film->video : &film->audio;
        film_note(track, packet, stream->time_base);
        if (film->latest_ns - track->last_ns > film->disorder_ns)
            film->disorder_ns = film->latest_ns - track->last_ns;
        if (track->last_ns > film->latest_ns)
            film->latest_ns = track->last_ns;
        av_packet_unref(packet);
    }
    film->is_broken = result != AVERROR_EOF;
    av_packet_free(&packet);
    avformat_close_input(&format);
    return true;
}

FILM_MAYBE static int64_t film_end_ns(const struct film *film) {
    return film->video.end_ns > film->audio.end_ns ? film->video.end_ns : film->audio.end_ns;
}

FILM_MAYBE static int64_t film_size(const char *path) {
    struct stat about;
    return stat(path, &about) ? -1 : about.st_size;
}

FILM_MAYBE static uint8_t *film_load(const char *path, size_t *size_bytes) {
    FILE *file = fopen(path, "rb");
    *size_bytes = (size_t)film_size(path);
    uint8_t *data = malloc(*size_bytes + 1);
    if (!file || !data || fread(data, 1, *size_bytes, file) != *size_bytes)
        abort();
    fclose(file);
    return data;
}

FILM_MAYBE static void film_store(const char *path, const uint8_t *data, size_t size_bytes) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size_bytes, file) != size_bytes)
        abort();
    fclose(file);
}

FILM_MAYBE static bool film_is_near(int64_t a_ns, int64_t b_ns, int64_t within_ns) {
    bool is_near = a_ns - b_ns <= within_ns && b_ns - a_ns <= within_ns;
    if (!is_near)
        fprintf(stderr, "%.3f s is not near %.3f s\n", (double)a_ns / 1e9, (double)b_ns / 1e9);
    return is_near;
}

#endif
