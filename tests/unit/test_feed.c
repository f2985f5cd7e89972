// SPDX-License-Identifier: MIT
#include "mixer/video/feed.h"
#include "tests/unit/camera.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MS_NS     INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)
#define START_NS  (100 * SECOND_NS)

static const struct yuv RED = {81, 90, 240};

struct fixture {
    struct feed *feed;
    struct camera camera;
};

static int open_fixture(void **state) {
    static struct fixture fixture;
    fixture.feed = feed_create();
    fixture.camera = camera_open(64, 48);
    feed_set_wanted(fixture.feed, true, START_NS);
    *state = &fixture;
    return 0;
}

static int close_fixture(void **state) {
    struct fixture *fixture = *state;
    feed_destroy(fixture->feed);
    camera_close(&fixture->camera);
    return 0;
}

static enum feed_outcome push_data(struct feed *feed, const void *data, size_t size_bytes,
                                   int64_t pts_ns, int64_t arrival_ns, bool *asks) {
    struct feed_frame frame = {VIDEO_VP8, data, size_bytes, pts_ns, arrival_ns, 0};
    return feed_push(feed, &frame, true, asks);
}

// Shoots and pushes one frame of the given brightness.
static enum feed_outcome push(struct fixture *fixture, uint8_t luma, bool is_keyframe,
                              int64_t pts_ns, int64_t arrival_ns, bool *asks) {
    struct packet *packet =
        camera_shoot(&fixture->camera, (struct yuv){luma, RED.u, RED.v}, is_keyframe);
    enum feed_outcome outcome =
        push_data(fixture->feed, packet->data, packet->size_bytes, pts_ns, arrival_ns, asks);
    packet_unref(packet);
    return outcome;
}

// The brightness of the picture that is due now, or -1.
static int take(struct fixture *fixture, int64_t now_ns) {
    struct feed_picture picture;
    if (!feed_take(fixture->feed, now_ns, &picture))
        return -1;
    int luma = picture.frame->data[0][0];
    av_frame_free(&picture.frame);
    return luma;
}

static void assert_luma(int luma, int expected) {
    assert_in_range(luma, expected - 4, expected + 4);
}

static void test_without_hold_the_newest_is_shown_at_once(void **state) {
    bool asks;
    assert_int_equal(push(*state, 60, true, START_NS, START_NS, &asks), FEED_DECODED);
    assert_int_equal(push(*state, 160, false, START_NS, START_NS, &asks), FEED_DECODED);
    assert_luma(take(*state, START_NS - MS_NS), 160);
    assert_int_equal(take(*state, START_NS + SECOND_NS), -1);
    assert_false(asks);
}

static void test_a_held_picture_is_shown_at_its_time(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    feed_set_hold_ns(fixture->feed, 200 * MS_NS);
    push(fixture, 60, true, START_NS, START_NS + 50 * MS_NS, &asks);
    push(fixture, 110, true, START_NS + 33 * MS_NS, START_NS + 83 * MS_NS, &asks);
    push(fixture, 160, true, START_NS + 66 * MS_NS, START_NS + 116 * MS_NS, &asks);
    assert_int_equal(take(fixture, START_NS + 199 * MS_NS), -1);
    assert_luma(take(fixture, START_NS + 200 * MS_NS), 60);
    assert_int_equal(take(fixture, START_NS + 232 * MS_NS), -1);
    assert_luma(take(fixture, START_NS + 266 * MS_NS), 160);
    assert_int_equal(take(fixture, START_NS + SECOND_NS), -1);
}

static void test_nonsense_pts_fall_back_on_arrival(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    feed_set_hold_ns(fixture->feed, 100 * MS_NS);
    const int64_t pts[] = {START_NS - 3 * SECOND_NS, START_NS + 3 * SECOND_NS,
                           START_NS + 100 * MS_NS, INT64_MAX - 9 * SECOND_NS, INT64_MIN};
    for (int i = 0; i < 5; i++) {
        int64_t arrival_ns = START_NS + i * SECOND_NS;
        push(fixture, 60, true, pts[i] + i * SECOND_NS, arrival_ns, &asks);
        assert_int_equal(take(fixture, arrival_ns + 99 * MS_NS), -1);
        assert_luma(take(fixture, arrival_ns + 100 * MS_NS), 60);
    }
}

static void test_a_full_queue_still_shows_something_in_time(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    feed_set_hold_ns(fixture->feed, 500 * MS_NS);
    int shown = 0;
    for (int i = 0; i < 600; i++) { // 200 frames a second: three times what the queue holds
        int64_t now_ns = START_NS + i * 5 * MS_NS;
        push(fixture, 60, i == 0, now_ns, now_ns, &asks);
        if (i % 6 == 0)
            shown += take(fixture, now_ns) >= 0;
    }
    assert_in_range(shown, 40, 84);
}

static void test_a_hidden_feed_decodes_nothing_and_returns_with_a_keyframe(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    push(fixture, 60, true, START_NS, START_NS, &asks);
    feed_set_wanted(fixture->feed, false, START_NS);
    assert_int_equal(take(fixture, START_NS), -1);
    assert_false(feed_is_live(fixture->feed, START_NS, SECOND_NS));
    int64_t now_ns = START_NS + SECOND_NS;
    assert_int_equal(push(fixture, 60, false, now_ns, now_ns, &asks), FEED_SKIPPED);
    assert_false(asks);
    feed_set_wanted(fixture->feed, true, now_ns);
    assert_true(feed_wants_keyframe(fixture->feed, now_ns));
    assert_int_equal(push(fixture, 60, false, now_ns, now_ns, &asks), FEED_WAITING);
    assert_false(asks); // just asked
    assert_int_equal(take(fixture, now_ns), -1);
    assert_int_equal(push(fixture, 90, true, now_ns, now_ns, &asks), FEED_DECODED);
    assert_luma(take(fixture, now_ns), 90);
    assert_false(feed_wants_keyframe(fixture->feed, now_ns + SECOND_NS));
}

static void test_asks_come_every_300_ms_until_a_keyframe_is_there(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    int count = 0;
    struct packet *first = camera_shoot(&fixture->camera, RED, true);
    packet_unref(first); // lost on the way
    for (int i = 0; i < 90; i++) {
        int64_t now_ns = START_NS + i * 33 * MS_NS;
        assert_int_equal(push(fixture, 60, false, now_ns, now_ns, &asks), FEED_WAITING);
        count += asks;
        count += feed_wants_keyframe(fixture->feed, now_ns);
    }
    assert_int_equal(count, 9); // in 2.97 s, at 33 ms steps
    int64_t now_ns = START_NS + 3 * SECOND_NS;
    assert_int_equal(push(fixture, 60, true, now_ns, now_ns, &asks), FEED_DECODED);
    for (int i = 0; i < 30; i++) {
        now_ns += 33 * MS_NS;
        push(fixture, 60, false, now_ns, now_ns, &asks);
        assert_false(asks);
        assert_false(feed_wants_keyframe(fixture->feed, now_ns));
    }
}

static void test_a_silent_sender_is_not_asked_for_ever(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    for (int i = 0; i < 100; i++) // never sent: nothing to ask for
        assert_false(feed_wants_keyframe(fixture->feed, START_NS + i * 100 * MS_NS));
    int64_t begun_ns = START_NS + 20 * SECOND_NS;
    push(fixture, 60, true, begun_ns, begun_ns, &asks);
    int count = 0;
    for (int i = 0; i < 600; i++)
        count += feed_wants_keyframe(fixture->feed, begun_ns + i * 100 * MS_NS);
    assert_in_range(count, 1, 10); // for some seconds it might only have paused
}

static void test_a_hole_is_asked_for_and_not_decoded_over(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    push(fixture, 60, true, START_NS, START_NS, &asks);
    take(fixture, START_NS);
    feed_lost(fixture->feed, &asks);
    assert_true(asks);
    assert_int_equal(push(fixture, 90, false, START_NS, START_NS, &asks), FEED_WAITING);
    assert_int_equal(take(fixture, START_NS), -1);
    assert_int_equal(push(fixture, 90, true, START_NS, START_NS, &asks), FEED_DECODED);
    assert_luma(take(fixture, START_NS), 90);
}

static void test_garbage_is_broken_and_asked_for(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    uint8_t garbage[500];
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * 97 + 1);
    push(fixture, 60, true, START_NS, START_NS, &asks);
    struct packet *packet = camera_shoot(&fixture->camera, RED, true);
    enum feed_outcome outcome =
        push_data(fixture->feed, packet->data, 9, START_NS, START_NS, &asks); // cut off
    assert_true(outcome == FEED_BROKEN || outcome == FEED_WAITING);
    assert_true(asks);
    packet_unref(packet);
    for (int i = 0; i < 50; i++)
        push_data(fixture->feed, garbage + i, sizeof(garbage) - (size_t)i * 10, START_NS, START_NS,
                  &asks);
    push_data(fixture->feed, garbage, 0, START_NS, START_NS, &asks);
    assert_int_equal(push(fixture, 90, true, START_NS, START_NS, &asks), FEED_DECODED);
}

static void test_lateness_is_the_95th_percentile_of_what_arrives(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    assert_int_equal(feed_lateness_ns(fixture->feed), 0);
    for (int i = 0; i < 200; i++) {
        int64_t arrival_ns = START_NS + i * 33 * MS_NS;
        int64_t late_ms = i % 10 == 0 ? 120 : 30;
        push(fixture, 60, i == 0, arrival_ns - late_ms * MS_NS, arrival_ns, &asks);
    }
    assert_int_equal(feed_lateness_ns(fixture->feed), 120 * MS_NS);
    for (int i = 200; i < 350; i++) {
        int64_t arrival_ns = START_NS + i * 33 * MS_NS;
        push(fixture, 60, false, arrival_ns - 20 * MS_NS, arrival_ns, &asks);
    }
    assert_int_equal(feed_lateness_ns(fixture->feed), 20 * MS_NS);
    // The video stopped: sound need not wait for it.
    take(fixture, START_NS + 30 * SECOND_NS);
    assert_int_equal(feed_lateness_ns(fixture->feed), 0);
}

static void test_lateness_leaves_out_what_came_all_at_once_at_the_start(void **state) {
    struct fixture *fixture = *state;
    bool asks;
    int64_t begun_ns = START_NS + 8 * 33 * MS_NS;
    for (int i = 0; i < 8; i++)
        push(fixture, 60, i == 0, START_NS + i * 33 * MS_NS, begun_ns + i * MS_NS, &asks);
    for (int i = 9; i < 20; i++) {
        int64_t arrival_ns = START_NS + i * 33 * MS_NS;
        push(fixture, 60, false, arrival_ns - 20 * MS_NS, arrival_ns, &asks);
    }
    assert_int_equal(feed_lateness_ns(fixture->feed), 20 * MS_NS);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_without_hold_the_newest_is_shown_at_once),
        WITH_FIXTURE(test_a_held_picture_is_shown_at_its_time),
        WITH_FIXTURE(test_nonsense_pts_fall_back_on_arrival),
        WITH_FIXTURE(test_a_full_queue_still_shows_something_in_time),
        WITH_FIXTURE(test_a_hidden_feed_decodes_nothing_and_returns_with_a_keyframe),
        WITH_FIXTURE(test_asks_come_every_300_ms_until_a_keyframe_is_there),
        WITH_FIXTURE(test_a_silent_sender_is_not_asked_for_ever),
        WITH_FIXTURE(test_a_hole_is_asked_for_and_not_decoded_over),
        WITH_FIXTURE(test_garbage_is_broken_and_asked_for),
        WITH_FIXTURE(test_lateness_is_the_95th_percentile_of_what_arrives),
        WITH_FIXTURE(test_lateness_leaves_out_what_came_all_at_once_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
