// SPDX-License-Identifier: MIT
#include "mcu/peer_rtx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS    1000000LL
#define START (1000 * MS)

static void test_a_few_losses_are_all_repaired(void **state) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, START);
    // 5 % of 150 packets a second, for ten seconds.
    for (uint32_t i = 0; i < 75; i++)
        assert_true(peer_rtx_allows(&rtx, 1, i * 20, START + i * 133 * MS));
}

static void test_the_same_packet_is_not_sent_twice_at_once(void **state) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, START);
    assert_true(peer_rtx_allows(&rtx, 1, 7, START));
    assert_false(peer_rtx_allows(&rtx, 1, 7, START + 79 * MS));
    assert_true(peer_rtx_allows(&rtx, 2, 7, START + 79 * MS)); // another stream's
    assert_true(peer_rtx_allows(&rtx, 1, 8, START + 79 * MS));
    assert_true(peer_rtx_allows(&rtx, 1, 7, START + 160 * MS)); // lost as well
}

static void test_the_first_packet_of_all_may_be_number_0(void **state) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, 0);
    assert_true(peer_rtx_allows(&rtx, 0, 0, 1));
}

static int64_t storm_bits(int sent_kbps, int seconds) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, sent_kbps, START);
    int64_t bits = 0;
    for (uint32_t i = 0; i < (uint32_t)seconds * 10000; i++) // 96 Mbit/s of requests
        if (peer_rtx_allows(&rtx, 1, i, START + i * MS / 10))
            bits += 1200 * 8;
    return bits;
}

static void test_a_storm_is_held_to_the_allowance(void **state) {
    assert_in_range(storm_bits(1500, 4), 4 * 290000, 4 * 300000 + 75000);
    assert_in_range(storm_bits(4000, 4), 4 * 780000, 4 * 800000 + 200000);
    assert_in_range(storm_bits(0, 4), 4 * 290000, 4 * 300000 + 75000);
}

static int64_t paced_storm_bits(int pace_kbps) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, START);
    peer_rtx_set_pace(&rtx, pace_kbps);
    int64_t bits = 0;
    for (uint32_t i = 0; i < 40000; i++)
        if (peer_rtx_allows(&rtx, 1, i, START + i * MS / 10))
            bits += 1200 * 8;
    return bits;
}

static void test_the_allowance_follows_the_link(void **state) {
    assert_in_range(paced_storm_bits(3000), 4 * 590000, 4 * 600000 + 150000);
    assert_in_range(paced_storm_bits(500), 4 * 95000, 4 * 100000 + 75000);
    assert_in_range(paced_storm_bits(60), 4 * 45000, 4 * 50000 + 75000);
    assert_in_range(paced_storm_bits(0), 4 * 290000, 4 * 300000 + 75000); // not known
}

static void test_a_keyframe_on_a_bad_slow_link_is_repaired(void **state) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, START);
    peer_rtx_set_pace(&rtx, 150);
    for (uint32_t i = 0; i < 5; i++) // a third of 15 packets
        assert_true(peer_rtx_allows(&rtx, 1, i * 3, START));
}

static void test_the_same_packet_is_sent_three_times_again_at_most(void **state) {
    struct peer_rtx rtx;
    peer_rtx_init(&rtx, 1500, START);
    for (int i = 0; i < 3; i++)
        assert_true(peer_rtx_allows(&rtx, 1, 7, START + i * 200 * MS));
    assert_false(peer_rtx_allows(&rtx, 1, 7, START + 800 * MS));
    assert_true(peer_rtx_allows(&rtx, 1, 8, START + 800 * MS));
    // The numbers came round.
    assert_true(peer_rtx_allows(&rtx, 1, 7, START + 300000 * MS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_few_losses_are_all_repaired),
        cmocka_unit_test(test_the_same_packet_is_not_sent_twice_at_once),
        cmocka_unit_test(test_the_first_packet_of_all_may_be_number_0),
        cmocka_unit_test(test_a_storm_is_held_to_the_allowance),
        cmocka_unit_test(test_the_allowance_follows_the_link),
        cmocka_unit_test(test_a_keyframe_on_a_bad_slow_link_is_repaired),
        cmocka_unit_test(test_the_same_packet_is_sent_three_times_again_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
