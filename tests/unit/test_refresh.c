// SPDX-License-Identifier: MIT
#include "mixer/video/refresh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BLOCKS = 12 };
#define FRAME_NS  INT64_C(33333333)
#define SECOND_NS INT64_C(1000000000)

static int open_refresh(void **state) {
    static struct refresh refresh;
    *state = &refresh;
    return refresh_init(&refresh, BLOCKS);
}

static int close_refresh(void **state) {
    refresh_finish(*state);
    return 0;
}

static void mark(struct refresh *refresh, int block) {
    uint8_t dirty[BLOCKS] = {0};
    dirty[block] = 1;
    refresh_mark(refresh, dirty);
}

static int count_changed(const struct refresh *refresh) {
    int count = 0;
    for (int i = 0; i < BLOCKS; i++)
        count += refresh->changed[i];
    return count;
}

// Frames that are sent from one time to another.
static int run(struct refresh *refresh, bool is_settled, int64_t from_ns, int64_t to_ns) {
    int frames = 0;
    for (int64_t now_ns = from_ns; now_ns < to_ns; now_ns += FRAME_NS) {
        if (!refresh_is_due(refresh, is_settled, now_ns))
            continue;
        frames++;
        refresh_note_sent(refresh, now_ns);
    }
    return frames;
}

static void test_what_was_painted_is_due_until_it_is_sent(void **state) {
    struct refresh *refresh = *state;
    refresh_note_sent(refresh, 10 * SECOND_NS);
    assert_false(refresh_is_due(refresh, true, 10 * SECOND_NS + FRAME_NS));
    mark(refresh, 3);
    assert_true(refresh_is_due(refresh, true, 10 * SECOND_NS + 2 * FRAME_NS));
    mark(refresh, 7); // the frame before was left out
    assert_true(refresh_is_due(refresh, true, 10 * SECOND_NS + 3 * FRAME_NS));
    assert_int_equal(count_changed(refresh), 2);
    assert_int_equal(refresh->changed[3] + refresh->changed[7], 2);
    refresh_note_sent(refresh, 10 * SECOND_NS + 3 * FRAME_NS);
    assert_int_equal(count_changed(refresh), 0);
    assert_false(refresh_is_due(refresh, true, 10 * SECOND_NS + 4 * FRAME_NS));
}

static void test_an_unsettled_encoder_is_served_at_a_quarter_of_the_rate(void **state) {
    struct refresh *refresh = *state;
    refresh_note_sent(refresh, 10 * SECOND_NS);
    assert_int_equal(run(refresh, false, 10 * SECOND_NS + FRAME_NS, 12 * SECOND_NS), 15);
    assert_int_equal(run(refresh, true, 12 * SECOND_NS, 13 * SECOND_NS), 0);
}

static void test_a_settled_canvas_sends_an_empty_frame_every_two_seconds(void **state) {
    struct refresh *refresh = *state;
    refresh_note_sent(refresh, 10 * SECOND_NS);
    assert_int_equal(run(refresh, true, 10 * SECOND_NS + FRAME_NS, 21 * SECOND_NS), 5);
    assert_int_equal(count_changed(refresh), 0);
}

#define WITH_REFRESH(test) cmocka_unit_test_setup_teardown(test, open_refresh, close_refresh)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_REFRESH(test_what_was_painted_is_due_until_it_is_sent),
        WITH_REFRESH(test_an_unsettled_encoder_is_served_at_a_quarter_of_the_rate),
        WITH_REFRESH(test_a_settled_canvas_sends_an_empty_frame_every_two_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
