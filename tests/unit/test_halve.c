// SPDX-License-Identifier: MIT
#include "mixer/video/halve.h"

#include "tests/unit/footage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct yuv BLACK = {16, 128, 128};

struct pair {
    struct canvas large, small;
    uint32_t seed;
};

static void scatter(struct pair *pair) {
    AVFrame *frame = pair->large.frame;
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < frame->height >> (plane > 0); y++)
            for (int x = 0; x < frame->width >> (plane > 0); x++)
                frame->data[plane][y * frame->linesize[plane] + x] =
                    (uint8_t)footage_random(&pair->seed);
}

static void open_pair(struct pair *pair, int width_px, int height_px) {
    *pair = (struct pair){.seed = 7};
    assert_int_equal(canvas_init(&pair->large, width_px, height_px, BLACK), 0);
    assert_int_equal(canvas_init(&pair->small, width_px / 2, height_px / 2, BLACK), 0);
    scatter(pair);
    canvas_clean(&pair->small);
}

static void close_pair(struct pair *pair) {
    canvas_finish(&pair->large);
    canvas_finish(&pair->small);
}

// The plain twin, of one sample.
static int mean_of(const struct pair *pair, int plane, int x, int y) {
    const AVFrame *frame = pair->large.frame;
    int sum = 2;
    for (int i = 0; i < 4; i++)
        sum += frame->data[plane][(2 * y + i / 2) * frame->linesize[plane] + 2 * x + i % 2];
    return sum / 4;
}

// Each sample is the mean of its four, or still black, as the larger canvas' block is dirty.
static void assert_halved(const struct pair *pair) {
    const AVFrame *frame = pair->small.frame;
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < frame->height >> (plane > 0); y++)
            for (int x = 0; x < frame->width >> (plane > 0); x++) {
                int block_px = plane > 0 ? 4 : 8;
                bool is_dirty =
                    pair->large.dirty[y / block_px * pair->large.columns + x / block_px];
                int wanted = is_dirty ? mean_of(pair, plane, x, y) : plane > 0 ? 128 : 16;
                assert_int_equal(frame->data[plane][y * frame->linesize[plane] + x], wanted);
            }
}

static void assert_marked(const struct pair *pair) {
    const struct canvas *small = &pair->small, *large = &pair->large;
    for (int row = 0; row < small->rows; row++)
        for (int column = 0; column < small->columns; column++) {
            bool is_wanted = false;
            for (int y = 2 * row; y < 2 * row + 2 && y < large->rows; y++)
                for (int x = 2 * column; x < 2 * column + 2 && x < large->columns; x++)
                    is_wanted |= large->dirty[y * large->columns + x];
            assert_int_equal(small->dirty[row * small->columns + column], is_wanted);
        }
}

static const int SIZES[][2] = {{1280, 720}, {720, 1280}, {640, 360},
                               {336, 176},  {320, 184},  {160, 88}};
enum { SIZE_COUNT = sizeof(SIZES) / sizeof(SIZES[0]) };

static void test_all_of_it_is_the_mean_of_four(void **state) {
    for (int i = 0; i < SIZE_COUNT; i++) {
        struct pair pair;
        open_pair(&pair, SIZES[i][0], SIZES[i][1]);
        halve_all(&pair.large, &pair.small);
        assert_halved(&pair); // a new canvas is all dirty
        assert_marked(&pair);
        assert_true(pair.small.is_dirty);
        close_pair(&pair);
    }
}

static void test_only_what_changed_is_done_again(void **state) {
    for (int i = 0; i < SIZE_COUNT; i++) {
        struct pair pair;
        open_pair(&pair, SIZES[i][0], SIZES[i][1]);
        canvas_clean(&pair.large);
        halve_changed(&pair.large, &pair.small);
        assert_false(pair.small.is_dirty);
        assert_halved(&pair);
        int blocks = pair.large.columns * pair.large.rows;
        for (int j = 0; j < blocks; j++)
            pair.large.dirty[j] = footage_random(&pair.seed) % 3 == 0;
        pair.large.dirty[blocks - 1] = 1;
        pair.large.is_dirty = true;
        halve_changed(&pair.large, &pair.small);
        assert_halved(&pair);
        assert_marked(&pair);
        assert_true(pair.small.is_dirty);
        close_pair(&pair);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_is_the_mean_of_four),
        cmocka_unit_test(test_only_what_changed_is_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
