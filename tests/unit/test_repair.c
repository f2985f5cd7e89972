// SPDX-License-Identifier: MIT
#include "mixer/record/repair.h"

#include "tests/unit/camera.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mixer/record/muxer.h"
#include "mixer/record/recorder.h"
#include "mixer/video/picture.h"
#include "tests/unit/film.h"

#include <libavcodec/avcodec.h>

enum { SHOTS = 60, KEYFRAME_EVERY = 15 };

static const char *const ENDINGS[] = {"webm", "mkv", "ogg"};
static const char *const FORMATS[] = {"webm", "matroska", "ogg"};

// Four colours, one after each keyframe, and silence.
static const struct yuv COLOURS[] = {
    {60, 90, 200}, {120, 60, 100}, {200, 128, 128}, {30, 200, 110}};

static struct muxer *open_file(const char *path, const char *format, bool has_video) {
    struct muxer_config config = {.format = format, .target = path, .title = "A call"};
    if (has_video)
        config.tracks[config.track_count++] = (struct muxer_track){
            .codec = MUXER_VP8, .width_px = FILM_WIDTH, .height_px = FILM_HEIGHT};
    config.tracks[config.track_count++] = (struct muxer_track){.codec = MUXER_OPUS};
    struct muxer *muxer = NULL;
    assert_int_equal(muxer_open(&config, &muxer), 0);
    return muxer;
}

static void write_packet(struct muxer *muxer, int track, int64_t pts_ns, struct packet *packet) {
    assert_int_equal(muxer_write(muxer, track, pts_ns, packet->duration_ns,
                                 packet->is_keyframe || packet->kind == PACKET_AUDIO, packet->data,
                                 packet->size_bytes),
                     0);
    packet_unref(packet);
}

// Two seconds. Left as a crash would, or finished with a chapter.
static void make_file(const char *path, const char *format, bool is_finished) {
    bool has_video = strcmp(format, "ogg") != 0;
    struct muxer *muxer = open_file(path, format, has_video);
    struct camera camera = camera_open(FILM_WIDTH, FILM_HEIGHT);
    int64_t sound_ns = 0;
    for (int i = 0; i < SHOTS; i++) {
        int64_t at_ns = i * FILM_FRAME_NS;
        if (has_video)
            write_packet(
                muxer, 0, at_ns,
                camera_shoot(&camera, COLOURS[i / KEYFRAME_EVERY], i % KEYFRAME_EVERY == 0));
        for (; sound_ns < at_ns + FILM_FRAME_NS; sound_ns += 20 * FILM_MS)
            write_packet(muxer, has_video, sound_ns, film_sound(sound_ns));
    }
    camera_close(&camera);
    if (is_finished)
        muxer_add_chapter(muxer, FILM_S, 2 * FILM_S, "Anna joins");
    else
        assert_int_equal(muxer_flush(muxer), 0);
    assert_int_equal(muxer_close(muxer, !is_finished), 0);
}

static const char *path_of(void **state, int kind) {
    char name[32];
    snprintf(name, sizeof(name), "a.%s", ENDINGS[kind]);
    return film_path(state, name);
}

static bool is_there(const char *path, const char *suffix) {
    char with_suffix[512];
    snprintf(with_suffix, sizeof(with_suffix), "%s%s", path, suffix);
    return film_size(with_suffix) >= 0;
}

static void test_repair_gives_a_crashed_file_its_duration(void **state) {
    for (int i = 0; i < 3; i++) {
        const char *path = path_of(state, i);
        make_file(path, FORMATS[i], false);
        struct film crashed, film;
        assert_true(film_read(path, &crashed));
        struct repair_outcome outcome;
        assert_int_equal(repair_file(path, NULL, &outcome), 0);
        assert_true(film_read(path, &film));
        assert_false(film.is_broken);
        assert_true(film_is_near(film.duration_ns, 2 * FILM_S, 60 * FILM_MS));
        assert_true(film_is_near(outcome.duration_ns, 2 * FILM_S, 60 * FILM_MS));
        assert_int_equal(outcome.bytes, film_size(path));
        assert_int_equal(film.video.count, crashed.video.count);
        assert_int_equal(film.video.keyframes, crashed.video.keyframes);
        assert_int_equal(film.audio.count, crashed.audio.count);
        assert_int_equal(film.video.first_ns, crashed.video.first_ns);
        assert_int_equal(film.audio.first_ns, crashed.audio.first_ns);
        assert_int_equal(film.audio.last_ns, crashed.audio.last_ns);
        assert_false(is_there(path, ".part"));
        if (i < 2) {
            assert_int_equal(crashed.duration_ns, 0);
            assert_string_equal(film.title, "A call");
        }
    }
}

// Players go to a time by its cues: after a repair they find the keyframe before it.
static void test_repair_makes_a_file_seekable(void **state) {
    const char *path = path_of(state, 0);
    make_file(path, "webm", false);
    struct repair_outcome outcome;
    assert_int_equal(repair_file(path, NULL, &outcome), 0);
    size_t size_bytes;
    uint8_t *data = film_load(path, &size_bytes);
    static const uint8_t CUES[] = {0x1c, 0x53, 0xbb, 0x6b};
    assert_non_null(memmem(data + size_bytes / 2, size_bytes / 2, CUES, sizeof(CUES)));
    free(data);
}

static void test_repair_of_a_whole_file_changes_nothing_in_it(void **state) {
    const char *path = path_of(state, 0);
    make_file(path, "webm", true);
    struct film before, after;
    assert_true(film_read(path, &before));
    struct repair_outcome outcome;
    for (int i = 0; i < 2; i++)
        assert_int_equal(repair_file(path, NULL, &outcome), 0);
    assert_true(film_read(path, &after));
    assert_int_equal(after.video.count, before.video.count);
    assert_int_equal(after.audio.count, before.audio.count);
    assert_int_equal(after.audio.first_ns, before.audio.first_ns);
    assert_int_equal(after.audio.last_ns, before.audio.last_ns);
    assert_true(film_is_near(after.duration_ns, before.duration_ns, 40 * FILM_MS));
    assert_int_equal(after.chapters, 1);
    assert_string_equal(after.chapter_titles[0], "Anna joins");
}

static void test_repair_tells_what_was_not_finished(void **state) {
    for (int i = 0; i < 2; i++) {
        const char *path = path_of(state, i);
        struct repair_outcome look = {.bytes = 7}, measured;
        make_file(path, FORMATS[i], false);
        int64_t size_bytes = film_size(path);
        assert_false(repair_is_whole(path, &look));
        assert_int_equal(look.bytes, 7);
        assert_int_equal(repair_measure(path, &measured), 0);
        assert_true(film_is_near(measured.duration_ns, 2 * FILM_S, 60 * FILM_MS));
        assert_int_equal(measured.bytes, size_bytes);
        assert_int_equal(film_size(path), size_bytes);
        assert_int_equal(repair_file(path, NULL, &measured), 0);
        assert_true(repair_is_whole(path, &look));
        assert_int_equal(look.bytes, film_size(path));
        assert_true(film_is_near(look.duration_ns, measured.duration_ns, 40 * FILM_MS));
    }
    struct repair_outcome outcome;
    film_store(film_path(state, "bad.webm"), (const uint8_t *)"bad", 3);
    assert_false(repair_is_whole(film_path(state, "bad.webm"), &outcome));
    assert_int_equal(repair_measure(film_path(state, "bad.webm"), &outcome), -ENODATA);
}

static void test_repair_gives_chapters_to_a_file_that_has_none(void **state) {
    const struct repair_chapter chapters[] = {
        {-FILM_S, "before"}, {0, "one"}, {FILM_S, "two"}, {9 * FILM_S, "after"}};
    const struct repair_config config = {.chapters = chapters, .chapter_count = 4};
    struct repair_outcome outcome;
    struct film film;
    for (int i = 0; i < 2; i++) {
        const char *path = path_of(state, i);
        make_file(path, FORMATS[i], false);
        assert_int_equal(repair_file(path, &config, &outcome), 0);
        assert_true(film_read(path, &film));
        assert_int_equal(film.chapters, 2);
        assert_int_equal(film.chapter_ns[1], FILM_S);
        assert_string_equal(film.chapter_titles[0], "one");
        assert_string_equal(film.chapter_titles[1], "two");
    }
    const char *path = path_of(state, 0);
    make_file(path, "webm", true);
    assert_int_equal(repair_file(path, &config, &outcome), 0);
    assert_true(film_read(path, &film));
    assert_int_equal(film.chapters, 1); // its own
}

static void test_repair_leaves_alone_what_there_is_no_room_for(void **state) {
    const char *path = path_of(state, 0);
    make_file(path, "webm", false);
    int64_t size_bytes = film_size(path);
    struct repair_outcome outcome = {.bytes = 7};
    const struct repair_config config = {.free_floor_bytes = INT64_MAX / 4};
    assert_int_equal(repair_file(path, &config, &outcome), -ENOSPC);
    assert_false(repair_has_room(path, config.free_floor_bytes));
    assert_int_equal(outcome.bytes, 7);
    assert_int_equal(film_size(path), size_bytes);
    assert_false(is_there(path, ".part"));
}

static void assert_repaired_or_untouched(const char *path, size_t size_bytes) {
    struct repair_outcome outcome = {.bytes = 7};
    int result = repair_file(path, NULL, &outcome);
    struct film film;
    if (result == 0) {
        assert_true(film_read(path, &film));
        assert_true(film.video.count + film.audio.count > 0);
        assert_true(film.audio.count == 0 || film.audio.rises);
        assert_int_equal(outcome.bytes, film_size(path));
    } else {
        assert_int_equal(result, -ENODATA);
        assert_int_equal(film_size(path), size_bytes);
        assert_int_equal(outcome.bytes, 7);
    }
    assert_false(is_there(path, ".part"));
}

static void test_repair_of_what_is_cut_off_anywhere(void **state) {
    for (int i = 0; i < 3; i++) {
        const char *path = path_of(state, i);
        make_file(path, FORMATS[i], i == 1);
        size_t size_bytes;
        uint8_t *data = film_load(path, &size_bytes);
        size_t step = size_bytes / 60 + 1;
        int64_t longest_ns = 0;
        for (size_t cut = 0; cut < size_bytes; cut += cut < 400 ? 7 : step) {
            film_store(path, data, cut);
            assert_repaired_or_untouched(path, cut);
            struct film film;
            // The more there is, the longer it plays.
            if (film_read(path, &film) && cut > size_bytes / 3) {
                assert_true(film_end_ns(&film) >= longest_ns - 40 * FILM_MS);
                longest_ns = film_end_ns(&film);
            }
        }
        assert_true(longest_ns > FILM_S);
        free(data);
    }
}

static void test_repair_of_garbage_harms_nothing(void **state) {
    srand(1);
    for (int i = 0; i < 3; i++) {
        const char *path = path_of(state, i);
        make_file(path, FORMATS[i], true);
        size_t size_bytes;
        uint8_t *data = film_load(path, &size_bytes);
        for (int round = 0; round < 60; round++) {
            uint8_t *broken = malloc(size_bytes);
            memcpy(broken, data, size_bytes);
            for (int hit = 0; hit < 1 + round / 4; hit++)
                broken[(size_t)rand() % size_bytes] = (uint8_t)rand();
            film_store(path, broken, size_bytes);
            assert_repaired_or_untouched(path, size_bytes);
            free(broken);
        }
        for (size_t at = 0; at < size_bytes; at++)
            data[at] = (uint8_t)rand();
        film_store(path, data, size_bytes);
        struct repair_outcome outcome;
        assert_int_equal(repair_file(path, NULL, &outcome), -ENODATA);
        free(data);
    }
}

// A recording's name is no way to make the server read something else.
static void test_repair_reads_no_other_format_and_follows_no_list(void **state) {
    const char *secret = film_path(state, "secret.webm");
    make_file(secret, "webm", true);
    char list[600];
    snprintf(list, sizeof(list), "ffconcat version 1.0\nfile '%s'\n", secret);
    const char *path = path_of(state, 0);
    film_store(path, (const uint8_t *)list, strlen(list));
    struct repair_outcome outcome;
    assert_int_equal(repair_file(path, NULL, &outcome), -ENODATA);
    assert_int_equal(film_size(path), strlen(list));
}

static void test_repair_refuses_what_is_no_recording(void **state) {
    struct repair_outcome outcome;
    assert_int_equal(repair_file(film_path(state, "none.webm"), NULL, &outcome), -ENOENT);
    film_store(film_path(state, "a.txt"), (const uint8_t *)"text", 4);
    assert_int_equal(repair_file(film_path(state, "a.txt"), NULL, &outcome), -EINVAL);
    assert_int_equal(repair_file("/tmp", NULL, &outcome), -EINVAL);
    film_store(film_path(state, "empty.webm"), (const uint8_t *)"", 0);
    assert_int_equal(repair_file(film_path(state, "empty.webm"), NULL, &outcome), -ENODATA);
}

// ---- pictures ----

static AVFrame *decode_jpeg(const uint8_t *jpeg, size_t size_bytes) {
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(av_new_packet(packet, (int)size_bytes), 0);
    memcpy(packet->data, jpeg, size_bytes);
    assert_int_equal(avcodec_open2(context, context->codec, NULL), 0);
    assert_int_equal(avcodec_send_packet(context, packet), 0);
    assert_int_equal(avcodec_receive_frame(context, frame), 0);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return frame;
}

// JPEG's range is the full one.
static void assert_colour_at(const AVFrame *frame, int x, int y, struct yuv colour) {
    int luma = ((colour.y - 16) * 255 + 109) / 219;
    assert_in_range(frame->data[0][y * frame->linesize[0] + x], luma - 8, luma + 8);
    int u = 128 + (colour.u - 128) * 255 / 224;
    assert_in_range(frame->data[1][y / 2 * frame->linesize[1] + x / 2], u - 8, u + 8);
}

static void test_repair_makes_a_poster_of_that_moment(void **state) {
    const char *path = path_of(state, 0);
    for (int is_finished = 0; is_finished < 2; is_finished++) {
        make_file(path, "webm", is_finished);
        for (int i = 0; i < 4; i++) {
            uint8_t *jpeg = NULL;
            size_t size_bytes = 0;
            int64_t at_ns = i * KEYFRAME_EVERY * FILM_FRAME_NS + 100 * FILM_MS;
            assert_int_equal(repair_make_poster(path, at_ns, 160, &jpeg, &size_bytes), 0);
            AVFrame *frame = decode_jpeg(jpeg, size_bytes);
            assert_int_equal(frame->width, 160);
            assert_int_equal(frame->height, 96);
            assert_colour_at(frame, 80, 48, COLOURS[i]);
            av_frame_free(&frame);
            free(jpeg);
        }
    }
}

static void test_repair_makes_a_contact_sheet(void **state) {
    const char *path = path_of(state, 0);
    make_file(path, "webm", true);
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    assert_int_equal(repair_make_sheet(path, 2, 2, 320, &jpeg, &size_bytes), 0);
    AVFrame *frame = decode_jpeg(jpeg, size_bytes);
    assert_int_equal(frame->width, 320);
    assert_int_equal(frame->height, 192);
    for (int i = 0; i < 4; i++)
        assert_colour_at(frame, 80 + i % 2 * 160, 48 + i / 2 * 96, COLOURS[i]);
    av_frame_free(&frame);
    free(jpeg);
}

static void test_repair_makes_no_pictures_of_nothing(void **state) {
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    const char *sound = path_of(state, 2);
    make_file(sound, "ogg", true);
    assert_int_equal(repair_make_poster(sound, 0, 160, &jpeg, &size_bytes), -ENODATA);
    assert_int_equal(repair_make_sheet(sound, 2, 2, 160, &jpeg, &size_bytes), -ENODATA);
    const char *path = path_of(state, 0);
    make_file(path, "webm", true);
    assert_int_equal(repair_make_poster(path, 0, 0, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(repair_make_poster(path, 0, 100000, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(repair_make_sheet(path, 0, 2, 160, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(repair_make_sheet(path, 1000, 1000, 160, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(repair_make_sheet(path, 20, 1, 100, &jpeg, &size_bytes), -EINVAL);
    assert_null(jpeg);
}

#define test(name) cmocka_unit_test_setup_teardown(name, film_place_make, film_place_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(test_repair_gives_a_crashed_file_its_duration),
        test(test_repair_makes_a_file_seekable),
        test(test_repair_of_a_whole_file_changes_nothing_in_it),
        test(test_repair_tells_what_was_not_finished),
        test(test_repair_gives_chapters_to_a_file_that_has_none),
        test(test_repair_leaves_alone_what_there_is_no_room_for),
        test(test_repair_of_what_is_cut_off_anywhere),
        test(test_repair_of_garbage_harms_nothing),
        test(test_repair_reads_no_other_format_and_follows_no_list),
        test(test_repair_refuses_what_is_no_recording),
        test(test_repair_makes_a_poster_of_that_moment),
        test(test_repair_makes_a_contact_sheet),
        test(test_repair_makes_no_pictures_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
