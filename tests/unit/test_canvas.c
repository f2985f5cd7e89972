// SPDX-License-Identifier: MIT
#include "mixer/video/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct yuv GREY = {40, 128, 128}, GREEN = {145, 54, 34};

static struct canvas open_clean(int width_px, int height_px) {
    struct canvas canvas;
    assert_int_equal(canvas_init(&canvas, width_px, height_px, GREY), 0);
    canvas_clean(&canvas);
    return canvas;
}

static uint8_t luma(const struct canvas *canvas, int x, int y) {
    return canvas->frame->data[0][y * canvas->frame->linesize[0] + x];
}

static uint8_t chroma(const struct canvas *canvas, int plane, int x, int y) {
    return canvas->frame->data[plane][y / 2 * canvas->frame->linesize[plane] + x / 2];
}

// A drawing of one colour and opacity, premultiplied as cairo has it.
static struct overlay *flat_overlay(int width_px, int height_px, uint32_t rgb, unsigned alpha) {
    uint32_t *argb = malloc((size_t)width_px * height_px * 4);
    uint32_t pixel = (uint32_t)alpha << 24;
    for (int shift = 0; shift < 24; shift += 8)
        pixel |= (((rgb >> shift) & 255) * alpha + 127) / 255 << shift;
    for (int i = 0; i < width_px * height_px; i++)
        argb[i] = pixel;
    struct overlay *overlay =
        overlay_create((const uint8_t *)argb, width_px * 4, width_px, height_px);
    free(argb);
    assert_non_null(overlay);
    return overlay;
}

static int count_dirty(const struct canvas *canvas) {
    int count = 0;
    for (int i = 0; i < canvas->columns * canvas->rows; i++)
        count += canvas->dirty[i];
    return count;
}

static void test_new_canvas_is_background_and_dirty(void **state) {
    struct canvas canvas;
    assert_int_equal(canvas_init(&canvas, 320, 192, GREY), 0);
    assert_int_equal(count_dirty(&canvas), 20 * 12);
    assert_int_equal(luma(&canvas, 319, 191), GREY.y);
    canvas_clean(&canvas);
    assert_int_equal(count_dirty(&canvas), 0);
    assert_false(canvas.is_dirty);
    canvas_finish(&canvas);
}

static void test_fill_marks_the_macroblocks_it_touches(void **state) {
    struct canvas canvas = open_clean(320, 192);
    canvas_fill(&canvas, (struct rect){30, 16, 4, 18}, GREEN); // columns 1-2, rows 1-2
    assert_int_equal(count_dirty(&canvas), 4);
    assert_int_equal(canvas.dirty[1 * 20 + 1] + canvas.dirty[1 * 20 + 2] +
                         canvas.dirty[2 * 20 + 1] + canvas.dirty[2 * 20 + 2],
                     4);
    assert_int_equal(luma(&canvas, 30, 16), GREEN.y);
    assert_int_equal(luma(&canvas, 33, 33), GREEN.y);
    assert_int_equal(luma(&canvas, 29, 16), GREY.y);
    assert_int_equal(luma(&canvas, 34, 16), GREY.y);
    assert_int_equal(luma(&canvas, 30, 34), GREY.y);
    assert_int_equal(chroma(&canvas, 1, 30, 16), GREEN.u);
    assert_int_equal(chroma(&canvas, 2, 33, 33), GREEN.v);
    assert_int_equal(chroma(&canvas, 2, 34, 33), GREY.v);
    canvas_finish(&canvas);
}

static void test_what_stands_over_the_edge_is_cut(void **state) {
    struct canvas canvas = open_clean(320, 192);
    struct canvas picture = open_clean(64, 64);
    canvas_fill(&picture, (struct rect){0, 0, 64, 64}, GREEN);
    canvas_paint(&canvas, (struct rect){-32, -32, 64, 64}, picture.frame);
    canvas_paint(&canvas, (struct rect){288, 160, 64, 64}, picture.frame);
    canvas_fill(&canvas, (struct rect){400, 0, 16, 16}, GREEN);
    canvas_fill(&canvas, (struct rect){0, 500, 16, 16}, GREEN);
    struct overlay *overlay = flat_overlay(40, 40, 0xffffff, 255);
    canvas_blend(&canvas, overlay, -20, 172);
    canvas_blend(&canvas, overlay, 300, -20);
    canvas_blend(&canvas, overlay, 320, 192);
    assert_int_equal(luma(&canvas, 31, 31), GREEN.y);
    assert_int_equal(luma(&canvas, 32, 31), GREY.y);
    assert_int_equal(luma(&canvas, 319, 191), GREEN.y);
    assert_int_equal(luma(&canvas, 19, 172), 235);
    assert_int_equal(luma(&canvas, 20, 172), GREY.y);
    assert_int_equal(luma(&canvas, 300, 19), 235);
    assert_int_equal(luma(&canvas, 300, 20), GREY.y);
    overlay_destroy(overlay);
    canvas_finish(&picture);
    canvas_finish(&canvas);
}

static void test_paint_copies_the_picture_and_nothing_else(void **state) {
    struct canvas canvas = open_clean(320, 192), picture = open_clean(64, 48);
    for (int plane = 0; plane < 3; plane++)
        for (int i = 0; i < picture.frame->linesize[plane] * (48 >> (plane > 0)); i++)
            picture.frame->data[plane][i] = (uint8_t)(rand() % 256);
    canvas_paint(&canvas, (struct rect){96, 64, 64, 48}, picture.frame);
    for (int y = 0; y < 192; y++) {
        for (int x = 0; x < 320; x++) {
            bool is_inside = x >= 96 && x < 160 && y >= 64 && y < 112;
            int expected = is_inside ? luma(&picture, x - 96, y - 64) : GREY.y;
            assert_int_equal(luma(&canvas, x, y), expected);
            expected = is_inside ? chroma(&picture, 1, x - 96, y - 64) : GREY.u;
            assert_int_equal(chroma(&canvas, 1, x, y), expected);
        }
    }
    assert_int_equal(count_dirty(&canvas), 4 * 3);
    canvas_finish(&picture);
    canvas_finish(&canvas);
}

static void test_blend_row_equals_its_plain_twin(void **state) {
    uint8_t to[100], add[100], keep[100], expected[100];
    for (int round = 0; round < 2000; round++) {
        int count = rand() % 100;
        for (int i = 0; i < 100; i++) {
            keep[i] = (uint8_t)(rand() % 256);
            add[i] = (uint8_t)(rand() % (256 - keep[i])); // premultiplied: at most its opacity
            to[i] = (uint8_t)(rand() % 256);
            double exact = add[i] + to[i] * keep[i] / 255.0;
            expected[i] = i < count ? (uint8_t)(exact + 0.5) : to[i];
        }
        overlay_blend_row(to, add, keep, count);
        assert_memory_equal(to, expected, sizeof(to));
    }
}

static int clamp_round(double value) {
    return value < 0 ? 0 : value > 255 ? 255 : (int)(value + 0.5);
}

static void assert_near(int value, int expected, int tolerance) {
    assert_in_range(value + 1000, expected + 1000 - tolerance, expected + 1000 + tolerance);
}

static void test_colours_are_bt601_limited_range(void **state) {
    for (int i = 0; i < 2000; i++) {
        int r = rand() % 256, g = rand() % 256, b = rand() % 256;
        struct yuv colour = overlay_colour((uint32_t)(r << 16 | g << 8 | b));
        assert_near(colour.y, clamp_round(16 + 0.25679 * r + 0.50413 * g + 0.09791 * b), 1);
        assert_near(colour.u, clamp_round(128 - 0.14822 * r - 0.29099 * g + 0.43922 * b), 1);
        assert_near(colour.v, clamp_round(128 + 0.43922 * r - 0.36779 * g - 0.07143 * b), 1);
    }
}

static void test_opaque_covers_clear_leaves_and_half_mixes(void **state) {
    struct canvas canvas = open_clean(320, 192);
    struct yuv orange = overlay_colour(0xf2b84b);
    struct overlay *opaque = flat_overlay(34, 20, 0xf2b84b, 255);
    struct overlay *half = flat_overlay(34, 20, 0xf2b84b, 128);
    struct overlay *clear = flat_overlay(34, 20, 0xf2b84b, 0);
    canvas_blend(&canvas, opaque, 0, 0);
    canvas_blend(&canvas, half, 64, 0);
    canvas_blend(&canvas, clear, 128, 0);
    assert_int_equal(luma(&canvas, 33, 19), orange.y);
    assert_int_equal(chroma(&canvas, 1, 33, 19), orange.u);
    assert_int_equal(chroma(&canvas, 2, 33, 19), orange.v);
    assert_near(luma(&canvas, 80, 10), (orange.y + GREY.y) / 2, 2);
    assert_near(chroma(&canvas, 1, 80, 10), (orange.u + GREY.u) / 2, 2);
    assert_near(chroma(&canvas, 2, 80, 10), (orange.v + GREY.v) / 2, 2);
    assert_int_equal(luma(&canvas, 140, 10), GREY.y);
    overlay_destroy(opaque);
    overlay_destroy(half);
    overlay_destroy(clear);
    canvas_finish(&canvas);
}

static void test_odd_drawings_grow_by_a_clear_line(void **state) {
    struct overlay *overlay = flat_overlay(5, 3, 0xffffff, 255);
    assert_int_equal(overlay->width_px, 6);
    assert_int_equal(overlay->height_px, 4);
    assert_int_equal(overlay->keep_y[4], 0);
    assert_int_equal(overlay->keep_y[5], 255);
    assert_int_equal(overlay->keep_y[3 * 6], 255);
    overlay_destroy(overlay);
}

static void test_copy_is_of_its_own(void **state) {
    struct canvas canvas = open_clean(320, 192);
    AVFrame *copy = canvas_copy(&canvas);
    assert_non_null(copy);
    canvas_fill(&canvas, (struct rect){0, 0, 320, 192}, GREEN);
    assert_int_equal(copy->data[0][0], GREY.y);
    av_frame_free(&copy);
    canvas_finish(&canvas);
}

// Each sample tells where it is.
static struct canvas open_gradient(int width_px, int height_px) {
    struct canvas canvas = open_clean(width_px, height_px);
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < height_px >> (plane > 0); y++)
            for (int x = 0; x < width_px >> (plane > 0); x++)
                canvas.frame->data[plane][y * canvas.frame->linesize[plane] + x] =
                    (uint8_t)(x / 2 + y / 3 + plane * 7);
    return canvas;
}

static void test_nothing_is_painted_outside_of_the_clip(void **state) {
    struct canvas from = open_gradient(320, 192);
    struct overlay *overlay = flat_overlay(320, 192, 0xff0000, 128);
    for (int way = 0; way < 6; way++) {
        struct canvas canvas = open_clean(320, 192);
        struct rect all = {0, 0, 320, 192};
        canvas_set_clip(&canvas, &(struct rect){32, 48, 64, 32});
        assert_false(canvas_narrow_clip(&canvas, (struct rect){96, 48, 10, 10}));
        assert_true(canvas_narrow_clip(&canvas, (struct rect){64, 0, 320, 192}));
        switch (way) {
        case 0: canvas_fill(&canvas, all, GREEN); break;
        case 1: canvas_paint(&canvas, all, from.frame); break;
        case 2: canvas_blend(&canvas, overlay, 0, 0); break;
        case 3: canvas_restore(&canvas, all, from.frame); break;
        case 4: canvas_restore_through(&canvas, overlay, 0, 0, from.frame); break;
        default: canvas_stretch(&canvas, all, from.frame, 160, 96); break;
        }
        for (int y = 0; y < 192; y++)
            for (int x = 0; x < 320; x++)
                if (x < 64 || x >= 96 || y < 48 || y >= 80)
                    assert_int_equal(luma(&canvas, x, y), GREY.y);
        assert_int_equal(count_dirty(&canvas), 4);
        // The whole canvas again.
        canvas_set_clip(&canvas, NULL);
        canvas_fill(&canvas, all, GREEN);
        assert_int_equal(count_dirty(&canvas), 20 * 12);
        canvas_finish(&canvas);
    }
    overlay_destroy(overlay);
    canvas_finish(&from);
}

static void test_restore_copies_the_same_place_as_far_as_the_mask_is_dense(void **state) {
    struct canvas canvas = open_clean(320, 192), from = open_gradient(320, 192);
    struct overlay *opaque = flat_overlay(16, 16, 0, 255), *half = flat_overlay(16, 16, 0, 128);
    canvas_restore(&canvas, (struct rect){100, 60, 20, 10}, from.frame);
    canvas_restore_through(&canvas, opaque, 200, 100, from.frame);
    canvas_restore_through(&canvas, half, 240, 100, from.frame);
    assert_int_equal(luma(&canvas, 110, 65), luma(&from, 110, 65));
    assert_int_equal(chroma(&canvas, 1, 110, 65), chroma(&from, 1, 110, 65));
    assert_int_equal(luma(&canvas, 99, 65), GREY.y);
    assert_int_equal(luma(&canvas, 207, 107), luma(&from, 207, 107));
    assert_int_equal(chroma(&canvas, 2, 207, 107), chroma(&from, 2, 207, 107));
    assert_int_equal(luma(&canvas, 216, 107), GREY.y);
    assert_in_range(luma(&canvas, 247, 107), (luma(&from, 247, 107) + GREY.y) / 2 - 2,
                    (luma(&from, 247, 107) + GREY.y) / 2 + 2);
    overlay_destroy(opaque);
    overlay_destroy(half);
    canvas_finish(&canvas);
    canvas_finish(&from);
}

static void test_a_stretched_picture_keeps_its_corners_and_its_slope(void **state) {
    struct canvas from = open_gradient(160, 96);
    static const int SIZES[][2] = {{160, 96}, {320, 192}, {80, 48}, {64, 96}, {2, 2}, {318, 30}};
    for (int i = 0; i < 6; i++) {
        struct canvas canvas = open_clean(320, 192);
        int width = SIZES[i][0], height = SIZES[i][1];
        canvas_stretch(&canvas, (struct rect){0, 0, width, height}, from.frame, 160, 96);
        for (int y = 0; y < height; y += 3)
            for (int x = 0; x < width; x += 5) {
                int wanted =
                    luma(&from, (2 * x + 1) * 160 / (2 * width), (2 * y + 1) * 96 / (2 * height));
                assert_in_range(luma(&canvas, x, y), wanted > 1 ? wanted - 1 : 0, wanted + 1);
            }
        if (width < 320)
            assert_int_equal(luma(&canvas, width, 0), GREY.y);
        // Cut, it is the same picture.
        struct canvas cut = open_clean(320, 192);
        canvas_set_clip(&cut, &(struct rect){16, 16, 48, 32});
        canvas_stretch(&cut, (struct rect){0, 0, width, height}, from.frame, 160, 96);
        if (width > 32 && height > 20)
            assert_int_equal(luma(&cut, 30, 18), luma(&canvas, 30, 18));
        canvas_finish(&cut);
        canvas_finish(&canvas);
    }
    canvas_finish(&from);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_canvas_is_background_and_dirty),
        cmocka_unit_test(test_fill_marks_the_macroblocks_it_touches),
        cmocka_unit_test(test_what_stands_over_the_edge_is_cut),
        cmocka_unit_test(test_paint_copies_the_picture_and_nothing_else),
        cmocka_unit_test(test_blend_row_equals_its_plain_twin),
        cmocka_unit_test(test_colours_are_bt601_limited_range),
        cmocka_unit_test(test_opaque_covers_clear_leaves_and_half_mixes),
        cmocka_unit_test(test_odd_drawings_grow_by_a_clear_line),
        cmocka_unit_test(test_copy_is_of_its_own),
        cmocka_unit_test(test_nothing_is_painted_outside_of_the_clip),
        cmocka_unit_test(test_restore_copies_the_same_place_as_far_as_the_mask_is_dense),
        cmocka_unit_test(test_a_stretched_picture_keeps_its_corners_and_its_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
