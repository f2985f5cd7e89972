// SPDX-License-Identifier: MIT
// What a room's settings may be, and that they survive being kept.
#include "mcu/body.h"
#include "mcu/room_layout.h"
#include "mcu/room_spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct config config;

static int set_up(void **state) {
    config_init_defaults(&config);
    return 0;
}

static int tear_down(void **state) {
    config_finish(&config);
    return 0;
}

static json_t *parse(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void init(struct room_spec *spec) {
    room_spec_init(spec, &config, "ada");
}

static int read_spec(struct room_spec *spec, const char *text, bool is_new,
                     struct refusal *refusal) {
    json_t *body = parse(text);
    int result = room_spec_read(spec, &config, body, is_new, refusal);
    json_decref(body);
    return result;
}

static void test_spec_reads_every_setting(void **state) {
    struct room_spec spec;
    struct refusal refusal;
    init(&spec);
    assert_int_equal(
        read_spec(&spec,
                  "{\"id\":\"Blue-Room\",\"title\":\" The  blue\\troom \",\"layout\":\"speaker\","
                  "\"canvas\":{\"width\":1920,\"height\":1080,\"fps\":25},\"max_members\":7,"
                  "\"lobby\":true,\"locked\":true,\"pin\":\"4711\",\"linger\":0,"
                  "\"record_on_start\":true,\"expires_at\":\"2026-01-02T03:04:05.006+01:00\","
                  "\"receive\":\"low\",\"animate\":false,\"succession\":false,"
                  "\"theme\":{\"background\":\"#102030\"}}",
                  true, &refusal),
        0);
    assert_string_equal(spec.name, "blue-room");
    assert_string_equal(spec.title, "The blue room");
    assert_int_equal(spec.layout.kind, LAYOUT_SPEAKER);
    assert_false(spec.layout.is_animated);
    assert_int_equal(spec.width_px, 1920);
    assert_int_equal(spec.height_px, 1088); // whole macroblocks
    assert_int_equal(spec.fps, 25);
    assert_int_equal(spec.members_max, 7);
    assert_true(spec.has_lobby && spec.is_locked && spec.records_on_start && !spec.has_succession);
    assert_string_equal(spec.pin, "4711");
    assert_int_equal(spec.linger_s, 0);
    assert_int_equal(spec.ceiling, DOWNLINK_LOW);
    assert_int_equal(spec.background_rgb, 0x102030);
    assert_true(spec.expires_unix_ms == INT64_C(1767319445006));
}

static void test_spec_refuses_by_the_fields_name_and_changes_nothing(void **state) {
    static const struct {
        const char *body, *field;
    } wrong[] = {
        {"{\"colour\":1}", "colour"},
        {"{\"id\":\"x\"}", "id"},
        {"{\"title\":7}", "title"},
        {"{\"layout\":\"heap\"}", "layout"},
        {"{\"layout\":{\"kind\":\"custom\"}}", "tiles"},
        {"{\"canvas\":{\"width\":100}}", "width"},
        {"{\"canvas\":{\"width\":176,\"height\":176}}", "canvas"},
        {"{\"canvas\":{\"depth\":3}}", "depth"},
        {"{\"max_members\":0}", "max_members"},
        {"{\"max_members\":51}", "max_members"},
        {"{\"max_members\":3.5}", "max_members"},
        {"{\"lobby\":1}", "lobby"},
        {"{\"pin\":\"123\"}", "pin"},
        {"{\"pin\":\"12 34\"}", "pin"},
        {"{\"pin\":1234}", "pin"},
        {"{\"linger\":-1}", "linger"},
        {"{\"expires_at\":\"tomorrow\"}", "expires_at"},
        {"{\"receive\":\"everything\"}", "receive"},
        {"{\"theme\":{\"background\":\"red\"}}", "background"},
        {"{\"theme\":{\"background\":\"#12345g\"}}", "background"},
        {"{\"theme\":[]}", "theme"},
        {"{\"locked\":true,\"lobby\":\"no\"}", "lobby"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct room_spec spec, before;
        struct refusal refusal = {0};
        memset(&spec, 0, sizeof(spec));
        init(&spec);
        memcpy(&before, &spec, sizeof(spec));
        assert_int_equal(read_spec(&spec, wrong[i].body, false, &refusal), -1);
        assert_int_equal(refusal.status, 422);
        assert_string_equal(refusal.field, wrong[i].field);
        assert_memory_equal(&spec, &before, sizeof(spec));
    }
}

static void test_spec_that_was_kept_is_the_same_again(void **state) {
    struct room_spec spec, again;
    struct refusal refusal;
    init(&spec);
    assert_int_equal(
        read_spec(&spec,
                  "{\"title\":\"\\u201c<b>\\u201d\",\"pin\":\"4711\",\"lobby\":true,"
                  "\"canvas\":{\"width\":640,\"height\":360,\"fps\":15},"
                  "\"layout\":{\"kind\":\"custom\",\"animate\":true,\"members\":[\"m1\",\"m2\"],"
                  "\"tiles\":[{\"x\":33.3,\"y\":0,\"width\":33.4,\"height\":100,\"z\":-3,"
                  "\"member\":\"m7\"},{\"x\":0,\"y\":0,\"width\":20,\"height\":20,"
                  "\"source\":\"screen\"}]}}",
                  false, &refusal),
        0);
    json_t *stored = room_spec_to_stored(&spec);
    json_object_del(stored, "id");
    init(&again);
    assert_int_equal(room_spec_read(&again, &config, stored, false, &refusal), 0);
    json_decref(stored);
    json_t *one = room_spec_to_stored(&spec), *other = room_spec_to_stored(&again);
    assert_true(json_equal(one, other));
    assert_string_equal(again.layout.slots[0].member, "m7");
    assert_int_equal(again.layout.slots[1].source, SLOT_SCREEN);
    json_decref(one);
    json_decref(other);
}

static void test_spec_never_shows_the_pin(void **state) {
    struct room_spec spec;
    struct refusal refusal;
    init(&spec);
    assert_int_equal(read_spec(&spec, "{\"pin\":\"4711abc\"}", false, &refusal), 0);
    json_t *shown = room_spec_to_json(&spec);
    char *text = json_dumps(shown, 0);
    assert_null(strstr(text, "4711abc"));
    assert_true(json_is_true(json_object_get(shown, "has_pin")));
    free(text);
    json_decref(shown);
    assert_int_equal(read_spec(&spec, "{\"pin\":null}", false, &refusal), 0);
    assert_string_equal(spec.pin, "");
}

static int read_layout(struct stage_layout *layout, const char *text, struct refusal *refusal) {
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    int result = room_layout_read(json, layout, refusal);
    json_decref(json);
    return result;
}

static void test_layout_keeps_what_is_not_named(void **state) {
    struct stage_layout layout = {0};
    struct refusal refusal;
    assert_int_equal(read_layout(&layout,
                                 "{\"kind\":\"spotlight\",\"members\":[\"m2\",\"m2\",\"m1\"]}",
                                 &refusal),
                     0);
    assert_int_equal(layout.chosen_count, 2);
    assert_int_equal(read_layout(&layout, "\"grid\"", &refusal), 0);
    assert_int_equal(layout.kind, LAYOUT_GRID);
    assert_int_equal(layout.chosen_count, 2);
    room_layout_choose(&layout, "m2", false);
    assert_false(room_layout_is_chosen(&layout, "m2"));
    assert_true(room_layout_is_chosen(&layout, "m1"));
}

static void test_layout_refuses_what_lies_outside_or_is_too_much(void **state) {
    static const char *const wrong[] = {
        "{\"tiles\":[{\"x\":90,\"y\":0,\"width\":20,\"height\":20}]}",
        "{\"tiles\":[{\"x\":-1,\"y\":0,\"width\":20,\"height\":20}]}",
        "{\"tiles\":[{\"x\":0,\"y\":0,\"width\":20}]}",
        "{\"tiles\":[{\"x\":0,\"y\":0,\"width\":0,\"height\":20}]}",
        "{\"tiles\":[{\"x\":0,\"y\":0,\"width\":20,\"height\":20,\"source\":\"member\"}]}",
        "{\"tiles\":[{\"x\":0,\"y\":0,\"width\":20,\"height\":20,\"member\":"
        "\"an-id-that-is-much-too-long\"}]}",
        "{\"tiles\":[7]}",
        "{\"tiles\":{}}",
        "{\"members\":[\"\"]}",
        "{\"members\":\"m1\"}",
        "{\"kind\":\"custom\"}",
        "{\"kind\":null}",
        "7",
    };
    struct refusal refusal;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct stage_layout layout = {0};
        assert_int_equal(read_layout(&layout, wrong[i], &refusal), -1);
        assert_int_equal(refusal.status, 422);
    }
    json_t *tiles = json_array();
    for (int i = 0; i <= STAGE_TILES_MAX; i++)
        json_array_append_new(tiles, parse("{\"x\":0,\"y\":0,\"width\":20,\"height\":20}"));
    json_t *many = json_pack("{s:s, s:o}", "kind", "custom", "tiles", tiles);
    struct stage_layout layout = {0};
    assert_int_equal(room_layout_read(many, &layout, &refusal), -1);
    json_array_remove(tiles, 0);
    assert_int_equal(room_layout_read(many, &layout, &refusal), 0);
    json_decref(many);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_reads_every_setting),
        cmocka_unit_test(test_spec_refuses_by_the_fields_name_and_changes_nothing),
        cmocka_unit_test(test_spec_that_was_kept_is_the_same_again),
        cmocka_unit_test(test_spec_never_shows_the_pin),
        cmocka_unit_test(test_layout_keeps_what_is_not_named),
        cmocka_unit_test(test_layout_refuses_what_lies_outside_or_is_too_much),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
