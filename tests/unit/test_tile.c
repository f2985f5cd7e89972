// SPDX-License-Identifier: MIT
#include "mixer/video/tile.h"
#include "tests/unit/footage.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static AVFrame *render(struct tile *tile, const AVFrame *picture, int rotation, enum tile_fit fit,
                       int width, int height) {
    AVFrame *out = NULL;
    assert_int_equal(tile_render(tile, picture, rotation, fit, width, height, &out), 0);
    assert_non_null(out);
    assert_int_equal(out->format, AV_PIX_FMT_YUV420P);
    assert_int_equal(out->width, width);
    assert_int_equal(out->height, height);
    return out;
}

static int luma_at(const AVFrame *frame, int x, int y) {
    return frame->data[0][y * frame->linesize[0] + x];
}

static void assert_near(int value, int wanted, int tolerance) {
    if (abs(value - wanted) > tolerance)
        assert_int_equal(value, wanted); // says both
}

// Four quarters of brightness 40, 90 / 140, 190: they tell every turn from every other.
static AVFrame *quarters(int width, int height) {
    AVFrame *frame = footage_blank(AV_PIX_FMT_YUV420P, width, height);
    footage_fill(frame, 0, 128, 128);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            frame->data[0][y * frame->linesize[0] + x] =
                (uint8_t)(40 + (x >= width / 2) * 50 + (y >= height / 2) * 100);
    return frame;
}

static void assert_quarters(const AVFrame *frame, int top_left, int top_right, int bottom_left,
                            int bottom_right) {
    int x = frame->width / 4, y = frame->height / 4;
    assert_near(luma_at(frame, x, y), top_left, 2);
    assert_near(luma_at(frame, 3 * x, y), top_right, 2);
    assert_near(luma_at(frame, x, 3 * y), bottom_left, 2);
    assert_near(luma_at(frame, 3 * x, 3 * y), bottom_right, 2);
}

static void test_each_rotation_turns_clockwise(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(160, 96);
    static const int WANTED[4][4] = {
        {40, 90, 140, 190}, {140, 40, 190, 90}, {190, 140, 90, 40}, {90, 190, 40, 140}};
    for (int turn = 0; turn < 4; turn++) {
        bool is_upright = turn % 2 == 0;
        AVFrame *out = render(tile, picture, turn * 90, TILE_COVER, is_upright ? 80 : 48,
                              is_upright ? 48 : 80);
        assert_quarters(out, WANTED[turn][0], WANTED[turn][1], WANTED[turn][2], WANTED[turn][3]);
        av_frame_free(&out);
    }
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_a_picture_that_fits_passes_by_reference(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(160, 96);
    for (enum tile_fit fit = TILE_COVER; fit <= TILE_CONTAIN; fit++) {
        AVFrame *out = render(tile, picture, 0, fit, 160, 96);
        assert_ptr_equal(out->data[0], picture->data[0]);
        av_frame_free(&out);
    }
    // But not one in full range, which only looks as if it fitted.
    picture->color_range = AVCOL_RANGE_JPEG;
    AVFrame *out = render(tile, picture, 0, TILE_COVER, 160, 96);
    assert_ptr_not_equal(out->data[0], picture->data[0]);
    av_frame_free(&out);
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_the_callers_picture_stays_his(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(160, 96);
    for (int i = 0; i < 3; i++) {
        AVFrame *out = render(tile, picture, 90, TILE_COVER, 64, 48);
        av_frame_free(&out);
    }
    assert_quarters(picture, 40, 90, 140, 190);
    assert_int_equal(av_buffer_get_ref_count(picture->buf[0]), 1);
    av_frame_free(&picture);
    tile_destroy(tile);
}

static bool is_bar(const AVFrame *frame, int x, int y) {
    return luma_at(frame, x, y) == TILE_BAR_LUMA &&
           frame->data[1][y / 2 * frame->linesize[1] + x / 2] == 128 &&
           frame->data[2][y / 2 * frame->linesize[2] + x / 2] == 128;
}

// Columns and rows of bar, seen from the middle lines.
static void count_bars(const AVFrame *frame, int *columns, int *rows) {
    *columns = *rows = 0;
    for (int x = 0; x < frame->width; x++)
        *columns += is_bar(frame, x, frame->height / 2);
    for (int y = 0; y < frame->height; y++)
        *rows += is_bar(frame, frame->width / 2, y);
}

static void test_cover_fills_the_place_from_the_middle(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(640, 360);
    static const int PLACES[][2] = {{416, 240}, {640, 480}, {320, 176}, {1280, 720}, {720, 528}};
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        AVFrame *out = render(tile, picture, 0, TILE_COVER, PLACES[i][0], PLACES[i][1]);
        int columns, rows;
        count_bars(out, &columns, &rows);
        assert_int_equal(columns + rows, 0);
        assert_quarters(out, 40, 90, 140, 190);
        av_frame_free(&out);
    }
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_cover_cuts_a_third_at_most(void **state) {
    struct tile *tile = tile_create();
    // 9:16 in a 16:9 place: two thirds of its height are kept, 360 x 426, and shown at 134 x 160.
    AVFrame *picture = quarters(360, 640);
    AVFrame *out = render(tile, picture, 0, TILE_COVER, 288, 160);
    int columns, rows;
    count_bars(out, &columns, &rows);
    assert_near(columns, 288 - 135, 3);
    assert_int_equal(rows, 0);
    assert_near(luma_at(out, 288 / 2 - 30, 20), 40, 2);
    assert_near(luma_at(out, 288 / 2 + 30, 140), 190, 2);
    av_frame_free(&out);
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_contain_shows_all_between_even_bars(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(640, 360);
    AVFrame *out = render(tile, picture, 0, TILE_CONTAIN, 320, 320);
    int columns, rows;
    count_bars(out, &columns, &rows);
    assert_int_equal(columns, 0);
    assert_int_equal(rows, 320 - 180);
    assert_true(is_bar(out, 0, 0) && is_bar(out, 319, 69) && is_bar(out, 0, 250));
    assert_near(luma_at(out, 2, 72), 40, 2);
    assert_near(luma_at(out, 317, 247), 190, 2);
    av_frame_free(&out);
    out = render(tile, picture, 90, TILE_CONTAIN, 320, 320);
    count_bars(out, &columns, &rows);
    assert_int_equal(columns, 320 - 180);
    assert_int_equal(rows, 0);
    av_frame_free(&out);
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_full_range_becomes_limited(void **state) {
    struct tile *tile = tile_create();
    static const struct {
        int format;
        enum AVColorRange range;
        int white, black;
    } CASES[] = {{AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_UNSPECIFIED, 235, 16},
                 {AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, 235, 16},
                 {AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 255, 0},
                 {AV_PIX_FMT_YUV420P, AVCOL_RANGE_UNSPECIFIED, 255, 0}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        AVFrame *picture = footage_blank(CASES[i].format, 64, 48);
        picture->color_range = CASES[i].range;
        footage_fill(picture, 255, 128, 128);
        AVFrame *out = render(tile, picture, 0, TILE_COVER, 64, 48);
        assert_near(luma_at(out, 32, 24), CASES[i].white, 1);
        av_frame_free(&out);
        footage_fill(picture, 0, 128, 128);
        out = render(tile, picture, 0, TILE_COVER, 32, 24);
        assert_near(luma_at(out, 16, 12), CASES[i].black, 1);
        av_frame_free(&out);
        av_frame_free(&picture);
    }
    tile_destroy(tile);
}

static AVFrame *converted(const AVFrame *source, int format) {
    AVFrame *frame = footage_blank(format, source->width, source->height);
    struct SwsContext *scaler =
        sws_getContext(source->width, source->height, source->format, frame->width, frame->height,
                       format, SWS_POINT, NULL, NULL, NULL);
    assert_non_null(scaler);
    sws_scale(scaler, (const uint8_t *const *)source->data, source->linesize, 0, source->height,
              frame->data, frame->linesize);
    sws_freeContext(scaler);
    return frame;
}

static void test_every_pixel_format_of_the_decoders_is_taken(void **state) {
    static const int FORMATS[] = {
        AV_PIX_FMT_NV12,        AV_PIX_FMT_YUV422P,     AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_YUV440P,     AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV422P10LE,
        AV_PIX_FMT_YUV444P12LE, AV_PIX_FMT_GBRP,        AV_PIX_FMT_YUVA420P};
    struct tile *tile = tile_create();
    AVFrame *source = quarters(160, 96);
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
        AVFrame *picture = converted(source, FORMATS[i]);
        AVFrame *out = render(tile, picture, 0, TILE_COVER, 80, 48);
        assert_quarters(out, 40, 90, 140, 190);
        assert_near(out->data[1][10], 128, 1);
        assert_near(out->data[2][10], 128, 1);
        av_frame_free(&out);
        av_frame_free(&picture);
    }
    av_frame_free(&source);
    tile_destroy(tile);
}

static void test_a_picture_without_colour_is_grey(void **state) {
    struct tile *tile = tile_create();
    AVFrame *source = quarters(160, 96);
    AVFrame *picture = footage_blank(AV_PIX_FMT_GRAY8, 160, 96);
    for (int y = 0; y < 96; y++)
        memcpy(picture->data[0] + y * picture->linesize[0],
               source->data[0] + y * source->linesize[0], 160);
    AVFrame *out = render(tile, picture, 0, TILE_COVER, 80, 48);
    assert_quarters(out, 40, 90, 140, 190);
    assert_near(out->data[1][10], 128, 1);
    av_frame_free(&out);
    av_frame_free(&picture);
    av_frame_free(&source);
    tile_destroy(tile);
}

static void test_odd_tiny_and_wide_pictures_are_rendered(void **state) {
    static const int SIZES[][2] = {{321, 241}, {16, 16}, {4096, 16}, {16, 4096},
                                   {17, 33},   {3, 3},   {2, 2},     {641, 359}};
    struct tile *tile = tile_create();
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
        for (int turn = 0; turn < 4; turn++)
            for (enum tile_fit fit = TILE_COVER; fit <= TILE_CONTAIN; fit++) {
                AVFrame *picture = footage_blank(AV_PIX_FMT_YUV420P, SIZES[i][0], SIZES[i][1]);
                footage_fill(picture, 200, 90, 160);
                AVFrame *out = render(tile, picture, turn * 90, fit, 176, 96);
                assert_near(luma_at(out, 87, 47), 200, 2);
                av_frame_free(&out);
                av_frame_free(&picture);
            }
    tile_destroy(tile);
}

static void test_changes_in_mid_stream_are_followed(void **state) {
    struct tile *tile = tile_create();
    uint32_t seed = 3;
    for (int i = 0; i < 100; i++) {
        int width = 16 + (int)(footage_random(&seed) % 200);
        int height = 16 + (int)(footage_random(&seed) % 200);
        AVFrame *picture = footage_blank(AV_PIX_FMT_YUV420P, width, height);
        int luma = 30 + (int)(footage_random(&seed) % 200);
        footage_fill(picture, luma, 128, 128);
        AVFrame *out = render(tile, picture, (int)(footage_random(&seed) % 4) * 90,
                              footage_random(&seed) % 2 ? TILE_COVER : TILE_CONTAIN,
                              16 + (int)(footage_random(&seed) % 12) * 16, 64);
        assert_near(luma_at(out, out->width / 2 - 1, 31), luma, 1);
        av_frame_free(&out);
        av_frame_free(&picture);
    }
    tile_destroy(tile);
}

static void test_scaling_keeps_the_picture(void **state) {
    static const int PLACES[][2] = {{320, 180}, {416, 234}, {160, 90}, {1280, 720}};
    struct tile *tile = tile_create();
    AVFrame *picture = footage_picture(640, 360, 0);
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        AVFrame *out = render(tile, picture, 0, TILE_COVER, PLACES[i][0], PLACES[i][1]);
        AVFrame *twin = footage_blank(AV_PIX_FMT_YUV420P, PLACES[i][0], PLACES[i][1]);
        struct SwsContext *scaler =
            sws_getContext(640, 360, AV_PIX_FMT_YUV420P, twin->width, twin->height,
                           AV_PIX_FMT_YUV420P, SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
        sws_scale(scaler, (const uint8_t *const *)picture->data, picture->linesize, 0, 360,
                  twin->data, twin->linesize);
        sws_freeContext(scaler);
        assert_true(footage_psnr(out, twin) > 38);
        av_frame_free(&twin);
        av_frame_free(&out);
    }
    av_frame_free(&picture);
    tile_destroy(tile);
}

static void test_nonsense_is_refused_and_harms_nothing(void **state) {
    struct tile *tile = tile_create();
    AVFrame *picture = quarters(160, 96), *out = NULL;
    assert_int_equal(tile_render(tile, picture, 45, TILE_COVER, 64, 48, &out), -EINVAL);
    assert_int_equal(tile_render(tile, picture, 360, TILE_COVER, 64, 48, &out), -EINVAL);
    assert_int_equal(tile_render(tile, picture, -90, TILE_COVER, 64, 48, &out), -EINVAL);
    assert_int_equal(tile_render(tile, picture, 0, TILE_COVER, 0, 48, &out), -EINVAL);
    assert_int_equal(tile_render(tile, picture, 0, TILE_COVER, 63, 48, &out), -EINVAL);
    AVFrame *empty = av_frame_alloc();
    assert_int_equal(tile_render(tile, empty, 0, TILE_COVER, 64, 48, &out), -EINVAL);
    assert_null(out);
    av_frame_free(&empty);
    out = render(tile, picture, 0, TILE_COVER, 64, 48);
    av_frame_free(&out);
    av_frame_free(&picture);
    tile_destroy(tile);
    tile_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rotation_turns_clockwise),
        cmocka_unit_test(test_a_picture_that_fits_passes_by_reference),
        cmocka_unit_test(test_the_callers_picture_stays_his),
        cmocka_unit_test(test_cover_fills_the_place_from_the_middle),
        cmocka_unit_test(test_cover_cuts_a_third_at_most),
        cmocka_unit_test(test_contain_shows_all_between_even_bars),
        cmocka_unit_test(test_full_range_becomes_limited),
        cmocka_unit_test(test_every_pixel_format_of_the_decoders_is_taken),
        cmocka_unit_test(test_a_picture_without_colour_is_grey),
        cmocka_unit_test(test_odd_tiny_and_wide_pictures_are_rendered),
        cmocka_unit_test(test_changes_in_mid_stream_are_followed),
        cmocka_unit_test(test_scaling_keeps_the_picture),
        cmocka_unit_test(test_nonsense_is_refused_and_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
