// SPDX-License-Identifier: MIT
// Makes what fuzz_repair begins with, by the muxers themselves: a recording of each container,
// finished and as a crash leaves it. Argument: the directory of its corpus.
#include "mixer/record/muxer.h"
#include "mixer/record/repair.h"
#include "mixer/record/transcoder.h"
#include "tests/unit/camera.h"
#include "tests/unit/film.h"

enum { WIDTH = 64, HEIGHT = 48, SHOTS = 12, KEYFRAME_EVERY = 6 };

static const struct seed {
    const char *ending, *format;
} SEEDS[] = {{"webm", "webm"}, {"mkv", "matroska"}, {"mp4", "mp4"}, {"ogg", "ogg"}};

static void check(int result) {
    if (result == 0)
        return;
    fprintf(stderr, "seeds: %s\n", strerror(-result));
    exit(1);
}

struct target {
    struct muxer *muxer;
    struct transcoder *transcoder; // of MP4
    bool has_video;
};

static void on_transcoded(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                          bool is_keyframe, const void *data, size_t size_bytes) {
    const struct target *target = user;
    check(muxer_write(target->muxer, codec == MUXER_AAC, pts_ns, duration_ns, is_keyframe, data,
                      size_bytes));
}

static void open_target(struct target *target, const char *path, const char *format) {
    struct muxer_config config = {.format = format, .target = path, .title = "A call"};
    target->has_video = strcmp(format, "ogg") != 0;
    if (strcmp(format, "mp4") == 0) {
        const struct transcoder_config wanted = {
            .has_video = true, .width_px = WIDTH, .height_px = HEIGHT, .fps = FILM_FPS};
        check(transcoder_create(&wanted, on_transcoded, target, &target->transcoder));
        config.track_count = transcoder_tracks(target->transcoder, config.tracks);
    } else {
        if (target->has_video)
            config.tracks[config.track_count++] =
                (struct muxer_track){.codec = MUXER_VP8, .width_px = WIDTH, .height_px = HEIGHT};
        config.tracks[config.track_count++] = (struct muxer_track){.codec = MUXER_OPUS};
    }
    check(muxer_open(&config, &target->muxer));
}

static void put(struct target *target, bool is_audio, int64_t at_ns, struct packet *packet) {
    if (target->transcoder)
        check(transcoder_push(target->transcoder, is_audio, at_ns, packet->is_keyframe,
                              packet->data, packet->size_bytes));
    else if (is_audio || target->has_video)
        check(muxer_write(target->muxer, is_audio && target->has_video, at_ns, packet->duration_ns,
                          is_audio || packet->is_keyframe, packet->data, packet->size_bytes));
    packet_unref(packet);
}

static void close_target(struct target *target, bool is_finished) {
    int64_t end_ns = SHOTS * FILM_FRAME_NS;
    if (target->transcoder)
        check(transcoder_finish(target->transcoder, end_ns));
    if (is_finished)
        muxer_add_chapter(target->muxer, 0, end_ns, "Anna joins");
    else
        check(muxer_flush(target->muxer));
    check(muxer_close(target->muxer, !is_finished));
    transcoder_destroy(target->transcoder);
}

static void make_file(const char *path, const char *format, bool is_finished) {
    struct target target = {0};
    struct camera camera = camera_open(WIDTH, HEIGHT);
    int64_t sound_ns = 0;
    open_target(&target, path, format);
    for (int i = 0; i < SHOTS; i++) {
        int64_t at_ns = i * FILM_FRAME_NS;
        struct yuv colour = {(uint8_t)(60 + 10 * i), 90, 200};
        put(&target, false, at_ns, camera_shoot(&camera, colour, i % KEYFRAME_EVERY == 0));
        for (; sound_ns < at_ns + FILM_FRAME_NS; sound_ns += 20 * FILM_MS)
            put(&target, true, sound_ns, film_sound(sound_ns));
    }
    close_target(&target, is_finished);
    camera_close(&camera);
    // What is finished of MP4 is the plain one.
    const struct repair_chapter chapter = {0, "Anna joins"};
    const struct repair_config config = {.chapters = &chapter, .chapter_count = 1};
    struct repair_outcome outcome;
    if (is_finished && target.transcoder)
        check(repair_file(path, &config, &outcome));
}

// As the target reads it: which name, then the file.
static void keep(const char *path, const char *to, uint8_t kind) {
    size_t size_bytes;
    uint8_t *data = film_load(path, &size_bytes);
    uint8_t *seed = malloc(size_bytes + 1);
    if (!seed)
        exit(1);
    seed[0] = kind;
    memcpy(seed + 1, data, size_bytes);
    film_store(to, seed, size_bytes + 1);
    free(seed);
    free(data);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("seeds DIRECTORY\n", stderr);
        return 2;
    }
    for (int i = 0; i < 8; i++) {
        const struct seed *seed = &SEEDS[i / 2];
        bool is_finished = i % 2;
        char path[500], to[500];
        snprintf(path, sizeof(path), "%s/making.%s", argv[1], seed->ending);
        snprintf(to, sizeof(to), "%s/seed-%s-%s", argv[1], seed->ending,
                 is_finished ? "finished" : "crashed");
        make_file(path, seed->format, is_finished);
        keep(path, to, (uint8_t)(i / 2));
        unlink(path);
    }
    return 0;
}
