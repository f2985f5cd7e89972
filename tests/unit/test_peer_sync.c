// SPDX-License-Identifier: MIT
#include "mcu/peer_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000000LL
// An NTP time of today, in ns since 1900, as a client dates its packets.
#define CLIENT 3900000000000000000LL

static void test_video_without_audio_keeps_its_time(void **state) {
    struct peer_sync sync = {0};
    assert_true(peer_sync_video_pts(&sync, 500 * MS, CLIENT) == 500 * MS);
}

static void test_what_was_captured_together_gets_the_same_time(void **state) {
    struct peer_sync sync = {0};
    // Video came 80 ms later than the sound of the same moment.
    for (int i = 0; i < 50; i++)
        peer_sync_note_audio(&sync, (1000 + 20 * i) * MS, CLIENT + 20 * i * MS);
    assert_true(peer_sync_video_pts(&sync, (1400 + 80) * MS, CLIENT + 400 * MS) == 1400 * MS);
}

static void test_jitter_of_audio_hardly_moves_video(void **state) {
    struct peer_sync sync = {0};
    int64_t former = 0, largest = 0;
    for (int i = 0; i < 500; i++) {
        int64_t noise = (i * 7919 % 11 - 5) * MS;
        peer_sync_note_audio(&sync, (1000 + 20 * i) * MS + noise, CLIENT + 20 * i * MS);
        int64_t shift = peer_sync_video_pts(&sync, (1000 + 20 * i) * MS, CLIENT + 20 * i * MS) -
                        (1000 + 20 * i) * MS;
        if (i > 200 && llabs(shift - former) > largest)
            largest = llabs(shift - former);
        former = shift;
    }
    assert_true(largest < MS);
}

static void test_a_clock_that_is_set_is_followed_at_once(void **state) {
    struct peer_sync sync = {0};
    peer_sync_note_audio(&sync, 1000 * MS, CLIENT);
    peer_sync_note_audio(&sync, 1020 * MS, CLIENT + 3600000 * MS);
    assert_true(peer_sync_video_pts(&sync, 1030 * MS, CLIENT + 3600000 * MS) == 1020 * MS);
}

static void test_clocks_far_apart_are_not_believed(void **state) {
    struct peer_sync sync = {0};
    peer_sync_note_audio(&sync, 1000 * MS, CLIENT);
    assert_true(peer_sync_video_pts(&sync, 1000 * MS, CLIENT + 5000 * MS) == 1000 * MS);
    assert_true(peer_sync_video_pts(&sync, 1000 * MS, 0) == 1000 * MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_video_without_audio_keeps_its_time),
        cmocka_unit_test(test_what_was_captured_together_gets_the_same_time),
        cmocka_unit_test(test_jitter_of_audio_hardly_moves_video),
        cmocka_unit_test(test_a_clock_that_is_set_is_followed_at_once),
        cmocka_unit_test(test_clocks_far_apart_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
