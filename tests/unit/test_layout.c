// SPDX-License-Identifier: MIT
#include "mixer/video/layout.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    int width, height;
} CANVASES[] = {{1280, 720}, {1920, 1088}, {640, 368}, {320, 192},  {720, 1280}, {1088, 1920},
                {368, 640},  {192, 320},   {640, 640}, {2048, 320}, {320, 1920}, {64, 48}};
enum { CANVAS_COUNT = sizeof(CANVASES) / sizeof(CANVASES[0]) };

static bool overlap(struct rect a, struct rect b) {
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

static int area(struct rect rect) {
    return rect.width * rect.height;
}

static void for_each_layout(void (*check)(enum layout_kind kind, int width, int height, int count,
                                          const struct rect *cells, int placed)) {
    for (int kind = LAYOUT_GRID; kind <= LAYOUT_SPOTLIGHT; kind++)
        for (int i = 0; i < CANVAS_COUNT; i++)
            for (int count = 1; count <= LAYOUT_CELLS_MAX; count++) {
                struct rect cells[LAYOUT_CELLS_MAX];
                int placed = layout_place((enum layout_kind)kind, CANVASES[i].width,
                                          CANVASES[i].height, count, cells);
                check((enum layout_kind)kind, CANVASES[i].width, CANVASES[i].height, count, cells,
                      placed);
            }
}

static void check_geometry(enum layout_kind kind, int width, int height, int count,
                           const struct rect *cells, int placed) {
    assert_in_range(placed, 1, count);
    for (int i = 0; i < placed; i++) {
        struct rect cell = cells[i];
        assert_int_equal((cell.x | cell.y | cell.width | cell.height) % 16, 0);
        assert_true(cell.x >= 0 && cell.y >= 0 && cell.width > 0 && cell.height > 0);
        assert_true(cell.x + cell.width <= width && cell.y + cell.height <= height);
        for (int j = 0; j < i; j++)
            assert_false(overlap(cell, cells[j]));
    }
}

static void test_cells_never_overlap_and_lie_inside_on_macroblocks(void **state) {
    for_each_layout(check_geometry);
}

static void check_sizes(enum layout_kind kind, int width, int height, int count,
                        const struct rect *cells, int placed) {
    int first = kind == LAYOUT_GRID ? 0 : 1;
    for (int i = first; i < placed; i++) {
        assert_int_equal(cells[i].width, cells[first].width);
        assert_int_equal(cells[i].height, cells[first].height);
    }
    if (placed == 1)
        return;
    for (int i = 0; i < placed; i++) {
        assert_true(cells[i].width >= 64 && cells[i].height >= 48);
        // 4:3 to 16:9, the latter but for the rounding to blocks.
        assert_true(cells[i].width * 3 >= cells[i].height * 4);
        assert_true((cells[i].width - 16) * 9 <= cells[i].height * 16);
    }
}

static void test_tiles_are_equal_and_shaped_like_a_camera(void **state) {
    for_each_layout(check_sizes);
}

static void check_rows(enum layout_kind kind, int width, int height, int count,
                       const struct rect *cells, int placed) {
    if (kind != LAYOUT_GRID)
        return;
    int above = cells[0].y, below = height - cells[placed - 1].y - cells[placed - 1].height;
    assert_in_range(below - above, 0, 16);
    for (int i = 0, row = 0; i < placed; i = row) {
        while (row < placed && cells[row].y == cells[i].y)
            row++;
        // Each row without a hole, all but the last of one length, all centred.
        for (int j = i + 1; j < row; j++)
            assert_int_equal(cells[j].x, cells[j - 1].x + cells[j - 1].width);
        int left = cells[i].x, right = width - cells[row - 1].x - cells[row - 1].width;
        assert_in_range(right - left, 0, 16);
        if (row < placed) {
            assert_int_equal(cells[row].y, cells[i].y + cells[i].height);
            assert_int_equal(left, cells[0].x);
        }
    }
}

static void test_rows_are_centred_the_last_one_too(void **state) {
    for_each_layout(check_rows);
}

static void test_tiles_never_grow_with_the_count(void **state) {
    for (int kind = LAYOUT_GRID; kind <= LAYOUT_SPOTLIGHT; kind++)
        for (int i = 0; i < CANVAS_COUNT; i++) {
            int last = INT32_MAX, last_large = INT32_MAX, last_placed = 0;
            for (int count = 1; count <= LAYOUT_CELLS_MAX; count++) {
                struct rect cells[LAYOUT_CELLS_MAX];
                int placed = layout_place((enum layout_kind)kind, CANVASES[i].width,
                                          CANVASES[i].height, count, cells);
                int now = area(cells[placed - 1]);
                assert_true(now <= last && area(cells[0]) <= last_large && placed >= last_placed);
                last = now;
                last_large = area(cells[0]);
                last_placed = placed;
            }
        }
}

// The plain twin: tries every split.
static int best_area(int width, int height, int count) {
    int best = 0;
    for (int columns = 1; columns <= count; columns++)
        for (int rows = 1; rows <= count; rows++) {
            if (columns * rows < count)
                continue;
            for (int w = 16; w * columns <= width; w += 16)
                for (int h = 16; h * rows <= height; h += 16)
                    if (w * 3 >= h * 4 && (w - 16) * 9 < h * 16 && w * h > best)
                        best = w * h;
        }
    return best;
}

static void test_grid_takes_the_split_with_the_largest_tiles(void **state) {
    for (int i = 0; i < 8; i++)
        for (int count = 2; count <= LAYOUT_CELLS_MAX; count += 3) {
            struct rect cells[LAYOUT_CELLS_MAX];
            int placed =
                layout_place(LAYOUT_GRID, CANVASES[i].width, CANVASES[i].height, count, cells);
            assert_int_equal(area(cells[0]),
                             best_area(CANVASES[i].width, CANVASES[i].height, placed));
        }
}

static void assert_rect(struct rect rect, int x, int y, int width, int height) {
    assert_int_equal(rect.x, x);
    assert_int_equal(rect.y, y);
    assert_int_equal(rect.width, width);
    assert_int_equal(rect.height, height);
}

static void test_one_alone_has_the_whole_canvas(void **state) {
    struct rect cells[LAYOUT_CELLS_MAX];
    for (int kind = LAYOUT_GRID; kind <= LAYOUT_SPOTLIGHT; kind++) {
        assert_int_equal(layout_place((enum layout_kind)kind, 1280, 720, 1, cells), 1);
        assert_rect(cells[0], 0, 0, 1280, 720);
    }
}

static void test_two_stand_side_by_side_or_one_above_the_other(void **state) {
    struct rect cells[LAYOUT_CELLS_MAX];
    layout_place(LAYOUT_GRID, 1280, 720, 2, cells);
    assert_rect(cells[0], 0, 112, 640, 480);
    assert_rect(cells[1], 640, 112, 640, 480);
    layout_place(LAYOUT_GRID, 720, 1280, 2, cells);
    assert_rect(cells[0], 0, 112, 720, 528);
    assert_rect(cells[1], 0, 640, 720, 528);
}

static void check_large(enum layout_kind kind, int width, int height, int count,
                        const struct rect *cells, int placed) {
    if (kind == LAYOUT_GRID || placed == 1)
        return;
    for (int i = 1; i < placed; i++)
        assert_true(area(cells[0]) >= 4 * area(cells[i]) || width < 256 || height < 192);
    struct rect other[LAYOUT_CELLS_MAX];
    layout_place(kind, width, height, 2, other);
    assert_memory_equal(&cells[0], &other[0], sizeof(struct rect));
}

static void test_the_large_tile_is_large_and_keeps_its_place(void **state) {
    for_each_layout(check_large);
}

static void test_a_screen_is_larger_than_a_speaker(void **state) {
    struct rect speaker[LAYOUT_CELLS_MAX], screen[LAYOUT_CELLS_MAX];
    assert_int_equal(layout_place(LAYOUT_SPEAKER, 1280, 720, 6, speaker), 6);
    assert_int_equal(layout_place(LAYOUT_SCREEN, 1280, 720, 6, screen), 6);
    assert_true(area(screen[0]) > area(speaker[0]));
    assert_rect(speaker[0], 0, 0, 1024, 720);
    assert_rect(speaker[5], 1024, 576, 256, 144);
}

static void test_odd_requests_place_what_fits(void **state) {
    struct rect cells[LAYOUT_CELLS_MAX + 1];
    memset(cells, 0x5a, sizeof(cells));
    for (int kind = LAYOUT_GRID; kind <= LAYOUT_SPOTLIGHT; kind++) {
        assert_int_equal(layout_place((enum layout_kind)kind, 1280, 720, 0, cells), 0);
        assert_int_equal(layout_place((enum layout_kind)kind, 1280, 720, -3, cells), 0);
        assert_int_equal(layout_place((enum layout_kind)kind, 0, 720, 3, cells), 0);
        assert_int_equal(layout_place((enum layout_kind)kind, 1280, -720, 3, cells), 0);
        assert_int_equal(layout_place((enum layout_kind)kind, 16, 16, 9, cells), 1);
        assert_rect(cells[0], 0, 0, 16, 16);
        assert_in_range(layout_place((enum layout_kind)kind, 1920, 1088, INT32_MAX, cells), 1,
                        LAYOUT_CELLS_MAX);
    }
    assert_int_equal(cells[LAYOUT_CELLS_MAX].x, 0x5a5a5a5a);
}

static void test_a_sidebar_holds_a_column_of_few(void **state) {
    struct rect cells[LAYOUT_CELLS_MAX];
    assert_int_equal(layout_place(LAYOUT_SIDEBAR, 1280, 720, 3, cells), 3);
    assert_int_equal(layout_place(LAYOUT_SIDEBAR, 1280, 720, 30, cells), 5);
    assert_rect(cells[0], 0, 0, 960, 720);
    for (int i = 1; i < 5; i++)
        assert_rect(cells[i], 960, 176 * (i - 1), 320, 176);
    assert_int_equal(layout_place(LAYOUT_SIDEBAR, 720, 1280, 30, cells), 5);
}

static void test_in_the_spotlight_the_chosen_share_the_large_part(void **state) {
    for (int i = 0; i < CANVAS_COUNT; i++)
        for (int large = 0; large <= LAYOUT_CELLS_MAX; large++)
            for (int count = large > 0 ? large : 1; count <= LAYOUT_CELLS_MAX; count += 3) {
                struct rect cells[LAYOUT_CELLS_MAX];
                int width = CANVASES[i].width, height = CANVASES[i].height, shown = -1;
                int placed = layout_place_spotlight(width, height, large, count, cells, &shown);
                assert_in_range(placed, 1, count);
                assert_in_range(shown, 1, placed);
                assert_true(shown <= (large > 1 ? large : 1));
                for (int j = 0; j < placed; j++) {
                    assert_int_equal(
                        (cells[j].x | cells[j].y | cells[j].width | cells[j].height) % 16, 0);
                    assert_true(cells[j].x >= 0 && cells[j].y >= 0 && area(cells[j]) > 0);
                    assert_true(cells[j].x + cells[j].width <= width);
                    assert_true(cells[j].y + cells[j].height <= height);
                    for (int k = j + 1; k < placed; k++)
                        assert_false(overlap(cells[j], cells[k]));
                    if (width < 256 || height < 192)
                        continue;
                    if (j > 0 && j < shown)
                        assert_int_equal(area(cells[j]), area(cells[0]));
                    if (j >= shown)
                        assert_true(area(cells[j]) <= area(cells[0]));
                }
            }
}

static void test_the_chosen_keep_their_places_when_others_come_and_go(void **state) {
    struct rect few[LAYOUT_CELLS_MAX], many[LAYOUT_CELLS_MAX];
    int large;
    assert_int_equal(layout_place_spotlight(1280, 720, 2, 3, few, &large), 3);
    assert_int_equal(large, 2);
    assert_int_equal(layout_place_spotlight(1280, 720, 2, 9, many, &large), 9);
    assert_memory_equal(few, many, 2 * sizeof(few[0]));
    assert_true(area(many[0]) > 2 * area(many[2]));
}

static void test_percents_become_macroblocks_that_still_touch(void **state) {
    assert_rect(layout_round((struct layout_percent){0, 0, 100, 100}, 1280, 720), 0, 0, 1280, 720);
    struct rect a = layout_round((struct layout_percent){0, 0, 33.3, 50}, 1280, 720);
    struct rect b = layout_round((struct layout_percent){33.3, 0, 33.4, 50}, 1280, 720);
    struct rect c = layout_round((struct layout_percent){66.7, 50, 33.3, 50}, 1280, 720);
    assert_rect(a, 0, 0, 432, 368);
    assert_int_equal(b.x, a.x + a.width);
    assert_int_equal(c.x, b.x + b.width);
    assert_int_equal(c.y, a.y + a.height);
    assert_int_equal(c.x + c.width, 1280);
    assert_int_equal(c.y + c.height, 720);
}

static void test_absurd_percents_stay_inside(void **state) {
    static const double VALUES[] = {-1e300, -50, -0.0,  0,   0.01,     99.99,
                                    100,    250, 1e300, NAN, INFINITY, -INFINITY};
    enum { COUNT = sizeof(VALUES) / sizeof(VALUES[0]) };
    for (int i = 0; i < COUNT * COUNT; i++) {
        struct layout_percent at = {VALUES[i / COUNT], VALUES[i % COUNT], VALUES[i % COUNT],
                                    VALUES[i / COUNT]};
        struct rect rect = layout_round(at, 320, 192);
        assert_int_equal((rect.x | rect.y | rect.width | rect.height) % 16, 0);
        assert_true(rect.x >= 0 && rect.y >= 0 && rect.width >= 16 && rect.height >= 16);
        assert_true(rect.x + rect.width <= 320 && rect.y + rect.height <= 192);
    }
}

static void test_names_go_there_and_back(void **state) {
    for (int kind = LAYOUT_GRID; kind <= LAYOUT_CUSTOM; kind++) {
        enum layout_kind back = (enum layout_kind) - 1;
        assert_int_equal(layout_from_name(layout_name((enum layout_kind)kind), &back), 0);
        assert_int_equal(back, kind);
    }
    enum layout_kind untouched = LAYOUT_SCREEN;
    assert_int_equal(layout_from_name("mosaic", &untouched), -EINVAL);
    assert_int_equal(layout_from_name("", &untouched), -EINVAL);
    assert_int_equal(layout_from_name(NULL, &untouched), -EINVAL);
    assert_int_equal(untouched, LAYOUT_SCREEN);
    assert_non_null(layout_name((enum layout_kind)99));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_never_overlap_and_lie_inside_on_macroblocks),
        cmocka_unit_test(test_tiles_are_equal_and_shaped_like_a_camera),
        cmocka_unit_test(test_rows_are_centred_the_last_one_too),
        cmocka_unit_test(test_tiles_never_grow_with_the_count),
        cmocka_unit_test(test_grid_takes_the_split_with_the_largest_tiles),
        cmocka_unit_test(test_one_alone_has_the_whole_canvas),
        cmocka_unit_test(test_two_stand_side_by_side_or_one_above_the_other),
        cmocka_unit_test(test_the_large_tile_is_large_and_keeps_its_place),
        cmocka_unit_test(test_a_screen_is_larger_than_a_speaker),
        cmocka_unit_test(test_odd_requests_place_what_fits),
        cmocka_unit_test(test_a_sidebar_holds_a_column_of_few),
        cmocka_unit_test(test_in_the_spotlight_the_chosen_share_the_large_part),
        cmocka_unit_test(test_the_chosen_keep_their_places_when_others_come_and_go),
        cmocka_unit_test(test_percents_become_macroblocks_that_still_touch),
        cmocka_unit_test(test_absurd_percents_stay_inside),
        cmocka_unit_test(test_names_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
