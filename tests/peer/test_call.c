// SPDX-License-Identifier: MIT
// Nine members in a call with the real server: who sees whom where, who hears whom, who comes late.
#include "tests/peer/scene.h"
#include "tests/peer/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NINE = 9, QUIET_VOICE = 3 };

static const char room[] = "nine";
// The first three are the loudest; the fourth speaks too, but softer; the others are silent.
static const int tones_hz[NINE] = {500, 900, 1300, 1900};
static struct client *members[NINE];
static char ids[NINE][CLIENT_ID_MAX];

static const struct media *voice(int i) {
    return scene_tone(tones_hz[i], i == QUIET_VOICE ? -24 : -12);
}

static int nine_join(void **state) {
    if (scene_open(state) < 0)
        return -1;
    for (int i = 0; i < NINE; i++) {
        char name[32];
        snprintf(name, sizeof(name), "Member %d", i);
        struct client_options options = {
            .room = room, .name = name, .camera = scene_colour(i), .microphone = voice(i)};
        members[i] = scene_join(&options);
        client_id(members[i], ids[i]);
    }
    return 0;
}

static int nine_leave(void **state) {
    scene_leave_all(members, NINE);
    return scene_close(state);
}

static bool has_nine_tiles(struct client *client, void *user) {
    struct client_layout layout;
    return client_last_layout(client, &layout) && layout.count == NINE;
}

static void test_call_colours_appear_in_the_tiles_that_layout_names(void **state) {
    // Everybody gets the same composite: the first, a middle and the last one look.
    for (int watcher = 0; watcher < NINE; watcher += 4) {
        scene_expect(members[watcher], has_nine_tiles, NULL);
        for (int i = 0; i < NINE; i++)
            scene_expect_colour(members[watcher], ids[i], false, i);
        assert_int_equal(client_broken_count(members[watcher]), 0);
    }
}

static bool sees_whole_canvas(struct client *client, void *user) {
    const struct client_layout *layout = user;
    int width, height;
    return client_picture_size(client, &width, &height) == 0 && width == layout->width_px &&
           height == layout->height_px;
}

static void test_call_tiles_lie_in_the_canvas_and_apart(void **state) {
    struct client_layout layout;
    scene_expect(members[0], has_nine_tiles, NULL);
    assert_true(client_last_layout(members[0], &layout));
    assert_string_equal(layout.name, "grid");
    int width, height;
    scene_expect(members[0], sees_whole_canvas, &layout); // after a smaller one
    assert_int_equal(client_picture_size(members[0], &width, &height), 0);
    for (int i = 0; i < layout.count; i++) {
        const struct client_rect *a = &layout.tiles[i].at;
        assert_true(a->x >= 0 && a->y >= 0 && a->width > 0 && a->height > 0);
        assert_true(a->x + a->width <= width && a->y + a->height <= height);
        for (int j = 0; j < i; j++) {
            const struct client_rect *b = &layout.tiles[j].at;
            assert_true(a->x + a->width <= b->x || b->x + b->width <= a->x ||
                        a->y + a->height <= b->y || b->y + b->height <= a->y);
        }
    }
}

static void test_call_each_hears_the_others_and_never_itself(void **state) {
    for (int listener = 0; listener < NINE; listener++)
        for (int i = 0; i < QUIET_VOICE; i++)
            scene_expect_tone(members[listener], tones_hz[i], i != listener);
}

static void test_call_the_softest_of_four_is_not_in_the_mix(void **state) {
    scene_expect_tone(members[8], tones_hz[QUIET_VOICE], false);
}

static void test_call_the_fourth_voice_is_heard_when_one_mutes(void **state) {
    client_send_json(members[0], "{\"type\":\"set\",\"audio_muted\":true}");
    scene_expect_tone(members[8], tones_hz[QUIET_VOICE], true);
    scene_expect_tone(members[8], tones_hz[0], false);
    scene_expect_tone(members[QUIET_VOICE], tones_hz[QUIET_VOICE], false);
    scene_expect_tone(members[0], tones_hz[1], true);
    client_send_json(members[0], "{\"type\":\"set\",\"audio_muted\":false}");
    scene_expect_tone(members[8], tones_hz[0], true);
}

static bool is_told_speaking(struct client *client, void *user) {
    return client_hears_as_speaking(client, user);
}

static void test_call_who_makes_a_sound_is_told_as_speaking(void **state) {
    scene_expect(members[8], is_told_speaking, ids[0]);
    assert_false(client_hears_as_speaking(members[8], ids[7]));
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The middle one of three, since this machine may have been busy with something else once.
static void test_call_a_late_joiner_sees_a_picture_within_a_second(void **state) {
    int64_t waits_ns[3];
    for (int i = 0; i < 3; i++) {
        struct client *late = scene_member(room, "Late", 9, 0);
        assert_true(client_wait_picture(late, client_slow(SCENE_PATIENCE_MS)));
        struct client_stream video;
        client_video(late, &video);
        waits_ns[i] = video.first_ns - client_connected_ns(late);
        int width, height;
        assert_int_equal(client_picture_size(late, &width, &height), 0);
        scene_expect_colour(late, ids[1], false, 1);
        client_destroy(late);
        scene_expect_members(members[0], NINE);
    }
    qsort(waits_ns, 3, sizeof(waits_ns[0]), by_size);
    print_message("late joiners waited %.0f, %.0f and %.0f ms\n", (double)waits_ns[0] / 1e6,
                  (double)waits_ns[1] / 1e6, (double)waits_ns[2] / 1e6);
    assert_true(waits_ns[1] <= client_slow(1000) * INT64_C(1000000));
}

static void test_call_nobodys_stream_pauses_when_others_come_and_go(void **state) {
    struct client *guests[2];
    scene_begin_no_gap(members, NINE);
    for (int i = 0; i < 2; i++)
        guests[i] = scene_member(room, "Guest", 10, 0);
    scene_expect_members(members[0], NINE + 2);
    scene_leave_all(guests, 2);
    scene_expect_members(members[0], NINE);
    scene_end_no_gap(members, NINE);
}

static void test_call_rest_tells_the_same_members(void **state) {
    json_t *answer = NULL;
    assert_int_equal(
        server_request(scene_server(), "GET", "/api/v1/rooms/nine/members", NULL, &answer), 200);
    json_t *list = json_object_get(answer, "members");
    assert_int_equal(json_array_size(list), NINE);
    for (size_t i = 0; i < NINE; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "id")),
                            ids[i]);
    json_decref(answer);
}

static void test_call_the_snapshot_is_a_jpeg(void **state) {
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(
        server_fetch(scene_server(), "GET", "/api/v1/rooms/nine/snapshot.jpg", NULL, &data, &size),
        200);
    assert_true(size > 1000);
    assert_memory_equal(data, "\xff\xd8\xff", 3);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call_colours_appear_in_the_tiles_that_layout_names),
        cmocka_unit_test(test_call_tiles_lie_in_the_canvas_and_apart),
        cmocka_unit_test(test_call_each_hears_the_others_and_never_itself),
        cmocka_unit_test(test_call_the_softest_of_four_is_not_in_the_mix),
        cmocka_unit_test(test_call_the_fourth_voice_is_heard_when_one_mutes),
        cmocka_unit_test(test_call_who_makes_a_sound_is_told_as_speaking),
        cmocka_unit_test(test_call_a_late_joiner_sees_a_picture_within_a_second),
        cmocka_unit_test(test_call_nobodys_stream_pauses_when_others_come_and_go),
        cmocka_unit_test(test_call_rest_tells_the_same_members),
        cmocka_unit_test(test_call_the_snapshot_is_a_jpeg),
    };
    return cmocka_run_group_tests(tests, nine_join, nine_leave);
}
