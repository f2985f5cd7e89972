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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
