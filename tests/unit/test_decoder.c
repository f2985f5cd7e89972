// SPDX-License-Identifier: MIT
#include "mixer/video/decoder.h"
#include "tests/unit/footage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { WIDTH = 160, HEIGHT = 96 };

static const enum video_codec CODECS[] = {VIDEO_VP8, VIDEO_VP9, VIDEO_H264, VIDEO_AV1};
static const char *const CODEC_NAMES[] = {"VP8", "VP9", "H.264", "AV1"};
enum { CODEC_COUNT = sizeof(CODECS) / sizeof(CODECS[0]) };

struct bytes {
    uint8_t *data;
    size_t size;
};

// The encoded frames of a clip, of one codec and size.
struct clip {
    enum video_codec codec;
    int count;
    struct bytes frames[16];
};

static struct bytes copy_of(const AVPacket *packet) {
    struct bytes bytes = {malloc((size_t)packet->size), (size_t)packet->size};
    if (!bytes.data)
        abort();
    memcpy(bytes.data, packet->data, bytes.size);
    return bytes;
}

// A keyframe every eighth frame. False if there is no encoder.
static bool clip_make(struct clip *clip, enum video_codec codec, int width, int height, int count) {
    struct footage_stream stream;
    *clip = (struct clip){.codec = codec};
    if (!footage_open(&stream, codec, width, height)) {
        print_message("no encoder for %s here: not tested\n", CODEC_NAMES[codec]);
        return false;
    }
    for (; clip->count < count; clip->count++)
        clip->frames[clip->count] = copy_of(footage_next(&stream, NULL, clip->count % 8 == 0));
    footage_close(&stream);
    return true;
}

static void clip_free(struct clip *clip) {
    for (int i = 0; i < clip->count; i++)
        free(clip->frames[i].data);
}

static int push(struct decoder *decoder, const struct clip *clip, int index, AVFrame **out) {
    *out = NULL;
    return decoder_decode(decoder, clip->codec, clip->frames[index].data, clip->frames[index].size,
                          index * 1000, out);
}

static void assert_shows(struct decoder *decoder, const struct clip *clip, int index, int width,
                         int height) {
    AVFrame *frame;
    assert_int_equal(push(decoder, clip, index, &frame), 0);
    assert_non_null(frame);
    assert_int_equal(frame->width, width);
    assert_int_equal(frame->height, height);
    assert_int_equal(frame->pts, index * 1000);
    AVFrame *source = footage_picture(width, height, index);
    assert_true(footage_psnr(source, frame) > 28);
    av_frame_free(&source);
    av_frame_free(&frame);
}

static void test_each_codec_shows_every_frame_at_once(void **state) {
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct clip clip;
        if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 12))
            continue;
        struct decoder *decoder = decoder_create();
        for (int i = 0; i < clip.count; i++)
            assert_shows(decoder, &clip, i, WIDTH, HEIGHT);
        decoder_destroy(decoder);
        clip_free(&clip);
    }
}

static void test_keyframes_are_told_from_their_first_bytes(void **state) {
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct clip clip;
        if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 12))
            continue;
        for (int i = 0; i < clip.count; i++)
            assert_int_equal(
                decoder_is_keyframe(clip.codec, clip.frames[i].data, clip.frames[i].size),
                i % 8 == 0);
        for (size_t size = 0; size < 3; size++)
            assert_false(decoder_is_keyframe(clip.codec, clip.frames[0].data, size));
        clip_free(&clip);
    }
}

static void test_nothing_is_decoded_before_a_keyframe(void **state) {
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct clip clip;
        if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 12))
            continue;
        struct decoder *decoder = decoder_create();
        AVFrame *frame;
        assert_int_equal(push(decoder, &clip, 1, &frame), -EAGAIN);
        assert_shows(decoder, &clip, 0, WIDTH, HEIGHT);
        assert_shows(decoder, &clip, 1, WIDTH, HEIGHT);
        decoder_reset(decoder);
        assert_int_equal(push(decoder, &clip, 2, &frame), -EAGAIN);
        assert_int_equal(push(decoder, &clip, 3, &frame), -EAGAIN);
        assert_null(frame);
        assert_shows(decoder, &clip, 8, WIDTH, HEIGHT);
        decoder_destroy(decoder);
        clip_free(&clip);
    }
}

static void test_size_changes_in_mid_stream(void **state) {
    static const int SIZES[][2] = {{160, 96}, {64, 48}, {322, 182}, {16, 16}, {160, 96}};
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct decoder *decoder = decoder_create();
        for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
            struct clip clip;
            if (!clip_make(&clip, CODECS[c], SIZES[i][0], SIZES[i][1], 3))
                break;
            for (int j = 0; j < clip.count; j++)
                assert_shows(decoder, &clip, j, SIZES[i][0], SIZES[i][1]);
            clip_free(&clip);
        }
        decoder_destroy(decoder);
    }
}

static void test_codec_changes_in_mid_stream(void **state) {
    struct decoder *decoder = decoder_create();
    for (int round = 0; round < 2; round++)
        for (int c = 0; c < CODEC_COUNT; c++) {
            struct clip clip;
            if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 3))
                continue;
            AVFrame *frame;
            assert_int_equal(push(decoder, &clip, 1, &frame), -EAGAIN);
            for (int i = 0; i < clip.count; i++)
                assert_shows(decoder, &clip, i, WIDTH, HEIGHT);
            clip_free(&clip);
        }
    decoder_destroy(decoder);
}

static void test_the_widest_allowed_is_decoded(void **state) {
    struct clip clip;
    assert_true(clip_make(&clip, VIDEO_VP8, DECODER_SIDE_MAX_PX, 16, 2));
    struct decoder *decoder = decoder_create();
    assert_shows(decoder, &clip, 0, DECODER_SIDE_MAX_PX, 16);
    assert_shows(decoder, &clip, 1, DECODER_SIDE_MAX_PX, 16);
    decoder_destroy(decoder);
    clip_free(&clip);
}

static void test_larger_than_allowed_is_refused_by_every_codec(void **state) {
    static const int SIZES[][2] = {{DECODER_SIDE_MAX_PX + 16, 32}, {32, DECODER_SIDE_MAX_PX + 16}};
    for (int c = 0; c < CODEC_COUNT; c++)
        for (int i = 0; i < 2; i++) {
            struct clip clip;
            if (!clip_make(&clip, CODECS[c], SIZES[i][0], SIZES[i][1], 1))
                continue;
            struct decoder *decoder = decoder_create();
            AVFrame *frame;
            assert_int_equal(push(decoder, &clip, 0, &frame), -EINVAL);
            assert_null(frame);
            decoder_destroy(decoder);
            clip_free(&clip);
        }
}

// A frame of a few bytes that claims to be as large as the format can say.
static void test_vp8_that_lies_about_its_size_is_refused(void **state) {
    struct clip clip;
    assert_true(clip_make(&clip, VIDEO_VP8, WIDTH, HEIGHT, 9));
    static const uint16_t SIZES[][2] = {{0x3fff, 0x3fff}, {0, 0}, {0, 96}, {160, 0}, {4096, 4096}};
    struct decoder *decoder = decoder_create();
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        uint8_t *lie = malloc(clip.frames[0].size);
        memcpy(lie, clip.frames[0].data, clip.frames[0].size);
        for (int j = 0; j < 2; j++) {
            lie[6 + 2 * j] = SIZES[i][j] & 0xff;
            lie[7 + 2 * j] = SIZES[i][j] >> 8;
        }
        AVFrame *frame = NULL;
        assert_int_equal(decoder_decode(decoder, VIDEO_VP8, lie, clip.frames[0].size, 0, &frame),
                         -EINVAL);
        free(lie);
        assert_int_equal(push(decoder, &clip, 1, &frame), -EAGAIN);
        assert_shows(decoder, &clip, 0, WIDTH, HEIGHT);
    }
    decoder_destroy(decoder);
    clip_free(&clip);
}

static void test_empty_and_huge_frames_are_broken(void **state) {
    struct clip clip;
    assert_true(clip_make(&clip, VIDEO_VP8, WIDTH, HEIGHT, 2));
    struct decoder *decoder = decoder_create();
    AVFrame *frame = NULL;
    assert_int_equal(decoder_decode(decoder, VIDEO_VP8, NULL, 0, 0, &frame), -EAGAIN);
    assert_shows(decoder, &clip, 0, WIDTH, HEIGHT);
    assert_int_equal(decoder_decode(decoder, VIDEO_VP8, "", 0, 0, &frame), -EINVAL);
    assert_int_equal(push(decoder, &clip, 1, &frame), -EAGAIN);
    size_t huge_bytes = (size_t)64 << 20;
    uint8_t *huge = calloc(1, huge_bytes);
    memcpy(huge, clip.frames[0].data, clip.frames[0].size);
    assert_int_equal(decoder_decode(decoder, VIDEO_VP8, huge, huge_bytes, 0, &frame), -EINVAL);
    assert_null(frame);
    free(huge);
    decoder_destroy(decoder);
    clip_free(&clip);
}

static void test_after_a_broken_frame_it_waits_for_a_keyframe(void **state) {
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct clip clip;
        if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 9))
            continue;
        struct decoder *decoder = decoder_create();
        assert_shows(decoder, &clip, 0, WIDTH, HEIGHT);
        AVFrame *frame = NULL;
        // The beginning of a keyframe, and no more of it.
        assert_int_equal(decoder_decode(decoder, clip.codec, clip.frames[0].data, 24, 0, &frame),
                         -EINVAL);
        assert_null(frame);
        assert_int_equal(push(decoder, &clip, 1, &frame), -EAGAIN);
        assert_shows(decoder, &clip, 8, WIDTH, HEIGHT);
        decoder_destroy(decoder);
        clip_free(&clip);
    }
}

static void mutate(struct bytes *bytes, uint32_t *seed) {
    uint32_t kind = footage_random(seed) % 4;
    if (kind == 0)
        bytes->size = footage_random(seed) % (bytes->size + 1);
    uint32_t flips = kind == 0 ? 0 : kind == 1 ? 1 : 1 + footage_random(seed) % 40;
    for (uint32_t i = 0; i < flips && bytes->size > 0; i++) {
        // Mostly where the headers are.
        size_t range = kind == 3 && bytes->size > 32 ? 32 : bytes->size;
        bytes->data[footage_random(seed) % range] = (uint8_t)footage_random(seed);
    }
}

static void decode_mutated(struct decoder *decoder, const struct clip *clip, uint32_t *seed) {
    for (int i = 0; i < clip->count; i++) {
        struct bytes bytes = {malloc(clip->frames[i].size), clip->frames[i].size};
        memcpy(bytes.data, clip->frames[i].data, bytes.size);
        if (footage_random(seed) % 3 == 0)
            mutate(&bytes, seed);
        AVFrame *frame = NULL;
        int result = decoder_decode(decoder, clip->codec, bytes.data, bytes.size, i * 1000, &frame);
        assert_true(result == 0 || result == -EAGAIN || result == -EINVAL);
        assert_true(result == 0 || !frame);
        if (frame)
            assert_true(frame->width <= DECODER_SIDE_MAX_PX &&
                        frame->height <= DECODER_SIDE_MAX_PX);
        av_frame_free(&frame);
        free(bytes.data);
    }
}

static void test_mutated_streams_never_harm_it(void **state) {
    for (int c = 0; c < CODEC_COUNT; c++) {
        struct clip clip;
        if (!clip_make(&clip, CODECS[c], WIDTH, HEIGHT, 12))
            continue;
        struct decoder *decoder = decoder_create();
        uint32_t seed = 1;
        for (int round = 0; round < 60; round++)
            decode_mutated(decoder, &clip, &seed);
        // And it still works.
        assert_shows(decoder, &clip, 0, WIDTH, HEIGHT);
        assert_shows(decoder, &clip, 1, WIDTH, HEIGHT);
        decoder_destroy(decoder);
        clip_free(&clip);
    }
}

static void test_noise_is_never_a_picture(void **state) {
    struct decoder *decoder = decoder_create();
    uint32_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        uint8_t noise[64];
        for (size_t j = 0; j < sizeof(noise); j++)
            noise[j] = (uint8_t)footage_random(&seed);
        AVFrame *frame = NULL;
        assert_int_not_equal(decoder_decode(decoder, CODECS[i % CODEC_COUNT], noise,
                                            footage_random(&seed) % sizeof(noise), i, &frame),
                             0);
        assert_null(frame);
    }
    decoder_destroy(decoder);
}

static void test_vp8_is_of_the_limited_range_whatever_its_clamping(void **state) {
    struct clip clip;
    assert_true(clip_make(&clip, VIDEO_VP8, WIDTH, HEIGHT, 1));
    struct decoder *decoder = decoder_create();
    AVFrame *frame;
    assert_int_equal(push(decoder, &clip, 0, &frame), 0);
    assert_int_equal(frame->color_range, AVCOL_RANGE_MPEG);
    av_frame_free(&frame);
    decoder_destroy(decoder);
    decoder_destroy(NULL);
    clip_free(&clip);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_codec_shows_every_frame_at_once),
        cmocka_unit_test(test_keyframes_are_told_from_their_first_bytes),
        cmocka_unit_test(test_nothing_is_decoded_before_a_keyframe),
        cmocka_unit_test(test_size_changes_in_mid_stream),
        cmocka_unit_test(test_codec_changes_in_mid_stream),
        cmocka_unit_test(test_the_widest_allowed_is_decoded),
        cmocka_unit_test(test_larger_than_allowed_is_refused_by_every_codec),
        cmocka_unit_test(test_vp8_that_lies_about_its_size_is_refused),
        cmocka_unit_test(test_empty_and_huge_frames_are_broken),
        cmocka_unit_test(test_after_a_broken_frame_it_waits_for_a_keyframe),
        cmocka_unit_test(test_mutated_streams_never_harm_it),
        cmocka_unit_test(test_noise_is_never_a_picture),
        cmocka_unit_test(test_vp8_is_of_the_limited_range_whatever_its_clamping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
