// SPDX-License-Identifier: MIT
#include "mixer/video/label.h"
#include "mixer/video/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const NAMES[] = {"Ada Lovelace", "王小明", "محمد عبد الله", "🦊🚀"};
enum { NAME_COUNT = sizeof(NAMES) / sizeof(NAMES[0]), TYPE_PX = 16, MAX_WIDTH_PX = 300 };
#define UNASSIGNED "\u0378" // no font has it

static struct overlay *draw(struct label_kit *kit, const char *name) {
    struct label_caption caption = {.name = name, .type_px = TYPE_PX, .max_width_px = MAX_WIDTH_PX};
    struct overlay *overlay = label_draw_caption(kit, &caption);
    assert_non_null(overlay);
    return overlay;
}

static bool is_same(const struct overlay *a, const struct overlay *b) {
    return a->width_px == b->width_px && a->height_px == b->height_px &&
           memcmp(a->y, b->y, (size_t)a->width_px * a->height_px) == 0;
}

// Samples that are clearly brighter than the bar can be.
static int count_ink(const struct overlay *overlay) {
    int count = 0;
    for (int i = 0; i < overlay->width_px * overlay->height_px; i++)
        count += overlay->y[i] > 120;
    return count;
}

static int count_colourful(const struct overlay *overlay) {
    int count = 0;
    for (int i = 0; i < overlay->width_px * overlay->height_px / 4; i++) {
        int neutral = 128 * (255 - overlay->keep_uv[i]) / 255; // premultiplied
        count += abs(overlay->u[i] - neutral) > 25 || abs(overlay->v[i] - neutral) > 25;
    }
    return count;
}

static int open_kit(void **state) {
    *state = label_kit_create();
    return *state ? 0 : -1;
}

static int close_kit(void **state) {
    label_kit_destroy(*state);
    return 0;
}

static void test_fonts_have_every_script(void **state) {
    for (int i = 0; i < NAME_COUNT; i++)
        assert_int_equal(label_count_unknown(*state, NAMES[i]), 0);
    assert_int_equal(label_count_unknown(*state, "Владимир Zoë 김민준 山田 नरेन्द्र สมชาย אברהם"), 0);
    // So that the count above can be something else than zero.
    assert_int_equal(label_count_unknown(*state, "a" UNASSIGNED "b"), 1);
}

static void test_names_in_four_scripts_are_drawn_and_differ(void **state) {
    struct overlay *drawn[NAME_COUNT];
    for (int i = 0; i < NAME_COUNT; i++) {
        drawn[i] = draw(*state, NAMES[i]);
        assert_true(count_ink(drawn[i]) > 40);
        assert_true(drawn[i]->width_px <= MAX_WIDTH_PX);
        for (int j = 0; j < i; j++)
            assert_false(is_same(drawn[i], drawn[j]));
    }
    struct overlay *boxes = draw(*state, UNASSIGNED UNASSIGNED UNASSIGNED);
    struct overlay *same = draw(*state, NAMES[1]);
    assert_true(is_same(same, drawn[1]));
    for (int i = 0; i < NAME_COUNT; i++) {
        assert_false(is_same(boxes, drawn[i]));
        overlay_destroy(drawn[i]);
    }
    overlay_destroy(boxes);
    overlay_destroy(same);
}

// Two signs of one script differ: they are not both the same box.
static void test_signs_of_one_script_differ(void **state) {
    static const char *const pairs[][2] = {{"a", "e"}, {"王", "李"}, {"م", "ع"}, {"🦊", "🐻"}};
    for (int i = 0; i < 4; i++) {
        struct overlay *left = draw(*state, pairs[i][0]), *right = draw(*state, pairs[i][1]);
        assert_false(is_same(left, right));
        overlay_destroy(left);
        overlay_destroy(right);
    }
}

static void test_emoji_keep_their_colour(void **state) {
    struct overlay *fox = draw(*state, "🦊"), *latin = draw(*state, "Ada");
    assert_true(count_colourful(fox) > 10);
    assert_int_equal(count_colourful(latin), 0);
    overlay_destroy(fox);
    overlay_destroy(latin);
}

static void test_long_names_end_in_an_ellipsis_within_the_tile(void **state) {
    char name[NAME_SIZE_BYTES];
    memset(name, 'W', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct label_caption caption = {
        .name = name, .is_muted = true, .type_px = TYPE_PX, .max_width_px = 100};
    struct overlay *cut = label_draw_caption(*state, &caption);
    assert_in_range(cut->width_px, 60, 100);
    caption.name = "اسم طويل جدا جدا لا يتسع له المكان أبدا هنا";
    struct overlay *arabic = label_draw_caption(*state, &caption);
    assert_in_range(arabic->width_px, 60, 100);
    assert_true(count_ink(arabic) > 40);
    overlay_destroy(cut);
    overlay_destroy(arabic);
}

static void test_muted_mark_is_drawn_with_and_without_a_name(void **state) {
    struct label_caption caption = {
        .name = "Ada", .type_px = TYPE_PX, .max_width_px = MAX_WIDTH_PX};
    struct overlay *plain = label_draw_caption(*state, &caption);
    caption.is_muted = true;
    struct overlay *muted = label_draw_caption(*state, &caption);
    caption.name = "";
    struct overlay *mark = label_draw_caption(*state, &caption);
    assert_true(muted->width_px > plain->width_px);
    assert_true(mark->width_px < plain->width_px);
    assert_true(count_colourful(muted) > 10);
    assert_true(count_colourful(mark) > 10);
    overlay_destroy(plain);
    overlay_destroy(muted);
    overlay_destroy(mark);
}

static void test_a_stack_of_marks_stays_in_the_caption(void **state) {
    char name[300] = "Z", clean[NAME_SIZE_BYTES];
    for (int i = 0; i < 60; i++)
        strcat(name, "\u0316\u0317");
    strcat(name, "\u202e");
    name_clean(name, clean);
    struct overlay *overlay = draw(*state, clean), *plain = draw(*state, "Z");
    assert_int_equal(overlay->height_px, plain->height_px);
    overlay_destroy(overlay);
    overlay_destroy(plain);
    overlay = label_draw_avatar(*state, clean, 0x4f6bd8, 96, false);
    assert_int_equal(overlay->width_px, 96);
    overlay_destroy(overlay);
}

static void test_avatar_is_a_circle_in_its_colour(void **state) {
    struct overlay *avatar = label_draw_avatar(*state, "Ada", 0x2f8f5b, 100, false);
    struct overlay *awaited = label_draw_avatar(*state, "Ada", 0x2f8f5b, 100, true);
    struct overlay *unnamed = label_draw_avatar(*state, "", 0x2f8f5b, 100, false);
    struct yuv colour = overlay_colour(0x2f8f5b);
    assert_int_equal(avatar->keep_y[0], 255);           // the corner is clear
    assert_int_equal(avatar->keep_y[50 * 100 + 10], 0); // inside it is not
    assert_int_equal(avatar->y[50 * 100 + 10], colour.y);
    assert_int_equal(avatar->u[25 * 50 + 5], colour.u);
    assert_false(is_same(avatar, awaited));
    assert_true(count_ink(avatar) > 100);
    assert_true(count_ink(unnamed) > 50); // a question mark
    overlay_destroy(avatar);
    overlay_destroy(awaited);
    overlay_destroy(unnamed);
}

static void test_initials_are_whole_signs(void **state) {
    static const char *const expected[][2] = {
        {"Ada Lovelace", "AL"},
        {"ada", "A"},
        {"Ada King of Lovelace", "AL"},
        {"王小明", "王"},
        {"محمد عبد الله", "م"},
        {"Ünal Øst", "ÜØ"},
        {"e\u0301mile zola", "E\u0301Z"},
        {"👩🏽‍🚀 Sally", "👩🏽‍🚀"},
        {"🇩🇪 Team", "🇩🇪"},
        {"한지민", "한"},
        {"(bob) @ross", "BR"},
        {"Ada 🚀", "A"},
        {"ß", "ß"},
        {"...", "."},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char initials[NAME_INITIALS_SIZE_BYTES];
        name_initials(expected[i][0], initials);
        assert_string_equal(initials, expected[i][1]);
    }
}

static void test_names_are_cleaned(void **state) {
    static const char *const expected[][2] = {
        {"  Ada \t\n Lovelace  ", "Ada Lovelace"},
        {"A\x01\x7f\xc2\x85z", "A z"},
        {"\u202eevil\u202c", "evil"},
        {"a\u2066b\u2069", "ab"},
        {"\xff\xfe", "\ufffd\ufffd"},
        {"👩🏽‍🚀", "👩🏽‍🚀"},
        {"", ""},
    };
    char clean[NAME_SIZE_BYTES];
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        name_clean(expected[i][0], clean);
        assert_string_equal(clean, expected[i][1]);
    }
    name_clean(NULL, clean);
    assert_string_equal(clean, "");
}

static void test_ten_kilobytes_of_name_are_cut_between_signs(void **state) {
    char name[10001], clean[NAME_SIZE_BYTES];
    for (int i = 0; i < 10000; i += 4)
        memcpy(name + i, "🦊", 4);
    name[10000] = '\0';
    name_clean(name, clean);
    assert_int_equal(strlen(clean) % 4, 0);
    assert_in_range(strlen(clean), NAME_SIZE_BYTES - 8, NAME_SIZE_BYTES - 1);
    memset(name, ' ', 10000);
    name_clean(name, clean);
    assert_string_equal(clean, "");
    char initials[NAME_INITIALS_SIZE_BYTES];
    memset(name, 0, sizeof(name));
    strcpy(name, "a");
    for (int i = 0; i < 90; i++)
        strcat(name, "\u0301"); // one sign of 181 bytes
    name_clean(name, clean);
    name_initials(clean, initials);
    assert_in_range(strlen(initials), 1, NAME_INITIALS_SIZE_BYTES - 1);
}

static void test_a_banner_s_text_is_of_two_lines_at_most_and_does_no_harm(void **state) {
    static const char *const CASES[][2] = {{"one", "one"},
                                           {" one \n\n two\nthree\t four ", "one\ntwo three four"},
                                           {"a\x01\x7f"
                                            "b",
                                            "a b"},
                                           {"\xe2\x80\xae"
                                            "turned",
                                            "turned"},
                                           {"\n\n", ""},
                                           {"أهلا\nok", "أهلا\nok"}};
    char out[512];
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        name_clean_lines(CASES[i][0], out, sizeof(out));
        assert_string_equal(out, CASES[i][1]);
    }
    char small[8];
    name_clean_lines("länger als das", small, sizeof(small));
    assert_string_equal(small, "länger");
    name_clean_lines("\xff\xfe broken \xc3", out, sizeof(out)); // ends, and is valid
    assert_true(strlen(out) < sizeof(out));
}

static void test_a_banner_grows_with_its_text_up_to_its_limit(void **state) {
    struct label_banner banner = {.text = "Short",
                                  .type_px = 20,
                                  .width_px = 640,
                                  .max_height_px = 96,
                                  .colour = 0xffffff,
                                  .background = 0x202020};
    struct overlay *one = label_draw_banner(*state, &banner);
    banner.text = "Longer, so long that it does not fit into a single line by any means and wraps";
    struct overlay *two = label_draw_banner(*state, &banner);
    banner.type_px = 90;
    struct overlay *huge = label_draw_banner(*state, &banner);
    assert_true(one && two && huge);
    assert_true(two->height_px > one->height_px);
    assert_int_equal(huge->height_px, 96);
    struct overlay *all[] = {one, two, huge};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(all[i]->width_px, 640);
        assert_int_equal(all[i]->height_px % 16, 0);
        for (int j = 0; j < all[i]->width_px * all[i]->height_px; j++)
            assert_int_equal(all[i]->keep_y[j], 0); // opaque
        overlay_destroy(all[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fonts_have_every_script),
        cmocka_unit_test(test_names_in_four_scripts_are_drawn_and_differ),
        cmocka_unit_test(test_signs_of_one_script_differ),
        cmocka_unit_test(test_emoji_keep_their_colour),
        cmocka_unit_test(test_long_names_end_in_an_ellipsis_within_the_tile),
        cmocka_unit_test(test_muted_mark_is_drawn_with_and_without_a_name),
        cmocka_unit_test(test_a_stack_of_marks_stays_in_the_caption),
        cmocka_unit_test(test_avatar_is_a_circle_in_its_colour),
        cmocka_unit_test(test_initials_are_whole_signs),
        cmocka_unit_test(test_names_are_cleaned),
        cmocka_unit_test(test_a_banner_s_text_is_of_two_lines_at_most_and_does_no_harm),
        cmocka_unit_test(test_a_banner_grows_with_its_text_up_to_its_limit),
        cmocka_unit_test(test_ten_kilobytes_of_name_are_cut_between_signs),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
