// SPDX-License-Identifier: MIT
// The ladder: which step each estimate gives, and how fast it is climbed.
#include "mcu/downlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

static const struct downlink_config defaults = {
    .tier_kbps = {1500, 500, 150}, .audio_kbps = 32, .thrifty_kbps = 14};

static bool update(struct downlink *downlink, int kbps, int64_t now_ns) {
    struct downlink_link link = {.estimate_bps = kbps * INT64_C(1000)};
    return downlink_update(downlink, &link, now_ns);
}

// Ten times a second for a while; returns the time after.
static int64_t hold(struct downlink *downlink, int kbps, int64_t now_ns, int64_t span_ns) {
    for (int64_t end_ns = now_ns + span_ns; now_ns < end_ns; now_ns += 100 * MS)
        update(downlink, kbps, now_ns);
    return now_ns;
}

static void check_step(const struct downlink *downlink, int tier, int layers) {
    assert_true(downlink->choice.has_video);
    assert_int_equal(downlink->choice.tier, tier);
    assert_int_equal(downlink->choice.layers, layers);
}

static void start(struct downlink *downlink, int kbps) {
    downlink_init(downlink, &defaults);
    update(downlink, kbps, 0);
}

// As start(), but long enough ago that nothing is quicker for being the beginning.
static int64_t settle(struct downlink *downlink, int kbps) {
    start(downlink, kbps);
    return hold(downlink, kbps, 100 * MS, 6 * SECOND);
}

static void test_downlink_gives_all_while_nothing_is_known(void **state) {
    (void)state;
    struct downlink downlink;
    downlink_init(&downlink, &defaults);
    check_step(&downlink, 0, 3);
    assert_false(update(&downlink, 0, SECOND));
    check_step(&downlink, 0, 3);
    assert_int_equal(downlink.choice.video_kbps, 0);
    assert_int_equal(downlink.choice.reason, DOWNLINK_BY_START);
    assert_in_range(downlink_next_bps(&downlink), 1645000, 1800000);
}

static void test_downlink_starts_at_what_fits(void **state) {
    (void)state;
    static const struct {
        int kbps, tier, layers;
        bool is_thrifty;
    } cases[] = {
        {3000, 0, 3, false}, {1646, 0, 3, false}, {1644, 0, 2, false}, {1010, 0, 2, false},
        {1000, 1, 3, false}, {590, 1, 3, false},  {580, 1, 2, false},  {380, 1, 2, false},
        {370, 2, 3, false},  {190, 2, 3, true},   {180, 2, 2, true},   {120, 2, 2, true},
        {116, 2, 1, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct downlink downlink;
        start(&downlink, cases[i].kbps);
        check_step(&downlink, cases[i].tier, cases[i].layers);
        assert_int_equal(downlink.choice.is_thrifty, cases[i].is_thrifty);
    }
}

static void test_downlink_leaves_the_sound_its_part(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 150);
    assert_in_range(downlink.choice.video_kbps, 115, 122); // (150 - 22) / 1.06
    start(&downlink, 1000);
    assert_in_range(downlink.choice.video_kbps, 885, 895); // (1000 - 55) / 1.06
}

static void test_downlink_falls_at_once_as_far_as_it_must(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 3000);
    assert_true(update(&downlink, 250, 100 * MS));
    check_step(&downlink, 2, 3);
    assert_int_equal(downlink.choice.reason, DOWNLINK_BY_LINK);
    assert_true(update(&downlink, 40, 200 * MS));
    assert_false(downlink.choice.has_video);
    assert_true(downlink.choice.is_thrifty);
}

static void test_downlink_holds_a_step_with_three_quarters(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 1700);
    assert_false(update(&downlink, 1260, 100 * MS));
    check_step(&downlink, 0, 3);
    update(&downlink, 1230, 200 * MS);
    check_step(&downlink, 0, 2);
    start(&downlink, 190);
    hold(&downlink, 145, 0, 20 * SECOND);
    check_step(&downlink, 2, 3);
    hold(&downlink, 135, 20 * SECOND, SECOND);
    check_step(&downlink, 2, 2);
}

static void test_downlink_raises_a_layer_after_three_seconds(void **state) {
    (void)state;
    struct downlink downlink;
    int64_t now_ns = settle(&downlink, 1100);
    now_ns = hold(&downlink, 1700, now_ns, 3 * SECOND);
    check_step(&downlink, 0, 2);
    hold(&downlink, 1700, now_ns, 300 * MS);
    check_step(&downlink, 0, 3);
}

// As soon as the probes have found what there is: the whole picture within two seconds.
static void test_downlink_climbs_at_once_in_the_beginning(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 300);
    int64_t now_ns = hold(&downlink, 900, 100 * MS, 500 * MS);
    check_step(&downlink, 2, 3);
    now_ns = hold(&downlink, 2000, now_ns, 600 * MS); // higher yet: it waits for the end of that
    check_step(&downlink, 2, 3);
    hold(&downlink, 2000, now_ns, 300 * MS);
    check_step(&downlink, 0, 3);
    start(&downlink, 300);
    now_ns = hold(&downlink, 900, 100 * MS, SECOND);
    check_step(&downlink, 1, 3);
    hold(&downlink, 2000, now_ns, 8 * SECOND); // once
    check_step(&downlink, 1, 3);
}

static void test_downlink_begins_to_wait_again_after_a_dip(void **state) {
    (void)state;
    struct downlink downlink;
    int64_t now_ns = settle(&downlink, 1100);
    for (int i = 0; i < 20; i++) {
        now_ns = hold(&downlink, 1700, now_ns, 2500 * MS);
        now_ns = hold(&downlink, 1500, now_ns, 100 * MS);
    }
    check_step(&downlink, 0, 2);
}

static void test_downlink_changes_tier_once_in_ten_seconds_upwards(void **state) {
    (void)state;
    struct downlink downlink;
    int64_t now_ns = settle(&downlink, 300);
    check_step(&downlink, 2, 3);
    now_ns = hold(&downlink, 600, now_ns, 4 * SECOND);
    check_step(&downlink, 1, 2);
    now_ns = hold(&downlink, 3000, now_ns, 4 * SECOND);
    check_step(&downlink, 1, 3); // a layer may
    now_ns = hold(&downlink, 3000, now_ns, 5 * SECOND);
    check_step(&downlink, 1, 3);
    now_ns = hold(&downlink, 3000, now_ns, SECOND);
    check_step(&downlink, 0, 3); // and steps are skipped
    now_ns = hold(&downlink, 600, now_ns, 100 * MS);
    check_step(&downlink, 1, 3);
    now_ns = hold(&downlink, 3000, now_ns, 9500 * MS);
    check_step(&downlink, 1, 3); // ten seconds from a fall, too
    hold(&downlink, 3000, now_ns, SECOND);
    check_step(&downlink, 0, 3);
}

static void test_downlink_needs_more_to_enter_a_tier_than_to_hold_it(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 300);
    int64_t now_ns = hold(&downlink, 415, 100 * MS, 30 * SECOND);
    check_step(&downlink, 2, 3);
    now_ns = hold(&downlink, 425, now_ns, 4 * SECOND);
    check_step(&downlink, 1, 2);
    hold(&downlink, 300, now_ns, 30 * SECOND);
    check_step(&downlink, 1, 2);
}

static void test_downlink_does_not_oscillate_on_a_noisy_estimate(void **state) {
    (void)state;
    struct downlink downlink;
    uint64_t seed = 7;
    for (int kbps = 60; kbps < 2200; kbps += 20) {
        start(&downlink, kbps);
        int tiers = 0;
        for (int i = 1; i < 3000; i++) { // five minutes, 15 % to and fro
            struct downlink_choice before = downlink.choice;
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            update(&downlink, kbps * (85 + (int)(seed >> 40) % 31) / 100, i * 100 * MS);
            tiers += before.has_video != downlink.choice.has_video ||
                     before.tier != downlink.choice.tier;
        }
        assert_true(tiers <= 2);
    }
}

static void test_downlink_stops_the_picture_and_resumes_with_room(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 120);
    update(&downlink, 81, 100 * MS);
    assert_true(downlink.choice.has_video);
    int64_t now_ns = hold(&downlink, 80, 200 * MS, 1500 * MS); // a dip
    check_step(&downlink, 2, 1);
    now_ns = hold(&downlink, 81, now_ns, 100 * MS);
    now_ns = hold(&downlink, 80, now_ns, 1500 * MS);
    check_step(&downlink, 2, 1);
    now_ns = hold(&downlink, 80, now_ns, 200 * MS);
    assert_false(downlink.choice.has_video);
    now_ns = hold(&downlink, 95, now_ns, 30 * SECOND);
    assert_false(downlink.choice.has_video);
    now_ns = hold(&downlink, 105, now_ns, 600 * MS);
    assert_false(downlink.choice.has_video);
    now_ns = hold(&downlink, 105, now_ns, 300 * MS);
    assert_true(downlink.choice.has_video);
    update(&downlink, 40, now_ns); // in vain: not so soon again
    assert_false(downlink.choice.has_video);
    now_ns = hold(&downlink, 105, now_ns + 100 * MS, 2500 * MS);
    assert_false(downlink.choice.has_video);
    hold(&downlink, 105, now_ns, SECOND);
    assert_true(downlink.choice.has_video);
}

static void test_downlink_keeps_below_wish_and_ceiling(void **state) {
    (void)state;
    static const struct {
        enum downlink_wish wish, ceiling;
        int tier;
        enum downlink_reason reason;
    } cases[] = {
        {DOWNLINK_AUTO, DOWNLINK_AUTO, 0, DOWNLINK_BY_LINK},
        {DOWNLINK_HIGH, DOWNLINK_AUTO, 0, DOWNLINK_BY_LINK},
        {DOWNLINK_MEDIUM, DOWNLINK_AUTO, 1, DOWNLINK_BY_WISH},
        {DOWNLINK_HIGH, DOWNLINK_LOW, 2, DOWNLINK_BY_CEILING},
        {DOWNLINK_LOW, DOWNLINK_MEDIUM, 2, DOWNLINK_BY_WISH},
        {DOWNLINK_AUDIO, DOWNLINK_MEDIUM, -1, DOWNLINK_BY_WISH},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct downlink downlink;
        start(&downlink, 3000);
        downlink_set_wish(&downlink, cases[i].wish);
        downlink_set_ceiling(&downlink, cases[i].ceiling);
        update(&downlink, 3000, 100 * MS);
        assert_int_equal(downlink.choice.has_video, cases[i].tier >= 0);
        if (cases[i].tier >= 0)
            check_step(&downlink, cases[i].tier, 3);
        assert_int_equal(downlink.choice.reason, cases[i].reason);
        static const int64_t most_bps[] = {1800000, 650000, 240000};
        int64_t next_bps = downlink_next_bps(&downlink); // nothing beyond what it has
        assert_true(next_bps <= (cases[i].tier >= 0 ? most_bps[cases[i].tier] : 0));
    }
}

static void test_downlink_obeys_a_wish_at_once_both_ways(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 3000);
    downlink_set_wish(&downlink, DOWNLINK_AUDIO);
    assert_true(update(&downlink, 3000, 100 * MS));
    assert_false(downlink.choice.has_video);
    downlink_set_wish(&downlink, DOWNLINK_AUTO);
    assert_true(update(&downlink, 3000, 200 * MS));
    check_step(&downlink, 0, 3);
    downlink_set_wish(&downlink, DOWNLINK_LOW);
    update(&downlink, 200, 300 * MS);
    downlink_set_wish(&downlink, DOWNLINK_AUTO);
    update(&downlink, 200, 400 * MS); // but not more than fits
    check_step(&downlink, 2, 3);
}

static void test_downlink_is_thrifty_with_hysteresis(void **state) {
    (void)state;
    struct downlink downlink;
    start(&downlink, 210);
    assert_false(downlink.choice.is_thrifty);
    assert_true(update(&downlink, 195, 100 * MS));
    assert_true(downlink.choice.is_thrifty);
    update(&downlink, 250, 200 * MS);
    assert_true(downlink.choice.is_thrifty);
    update(&downlink, 270, 300 * MS);
    assert_false(downlink.choice.is_thrifty);
}

static void test_downlink_is_thrifty_under_heavy_loss_on_a_weak_link(void **state) {
    (void)state;
    struct downlink downlink;
    struct downlink_link link = {.estimate_bps = 400000, .loss = 0.2};
    start(&downlink, 400);
    downlink_update(&downlink, &link, 100 * MS);
    assert_true(downlink.choice.is_thrifty);
    link.loss = 0.1;
    downlink_update(&downlink, &link, 200 * MS);
    assert_true(downlink.choice.is_thrifty);
    link.loss = 0.05;
    downlink_update(&downlink, &link, 300 * MS);
    assert_false(downlink.choice.is_thrifty);
    link = (struct downlink_link){.estimate_bps = 900000, .loss = 0.3};
    downlink_update(&downlink, &link, 400 * MS);
    assert_false(downlink.choice.is_thrifty);
}

static void test_downlink_tells_a_fall_by_loss(void **state) {
    (void)state;
    struct downlink downlink;
    struct downlink_link link = {.estimate_bps = 300000, .loss = 0.3};
    start(&downlink, 3000);
    assert_true(downlink_update(&downlink, &link, 100 * MS));
    assert_int_equal(downlink.choice.reason, DOWNLINK_BY_LOSS);
    downlink_update(&downlink, &link, 200 * MS);
    assert_int_equal(downlink.choice.reason, DOWNLINK_BY_LOSS);
}

static void test_downlink_wants_what_would_raise_it(void **state) {
    (void)state;
    for (int kbps = 85; kbps < 1640; kbps += 35) {
        struct downlink downlink;
        start(&downlink, kbps);
        int64_t next_bps = downlink_next_bps(&downlink);
        assert_true(next_bps > kbps * 1000);
        int tier = downlink.choice.has_video ? downlink.choice.tier : 3;
        hold(&downlink, (int)(next_bps / 1000), 100 * MS, 14 * SECOND);
        check_step(&downlink, 0, 3);
        assert_true(tier >= downlink.choice.tier);
    }
}

static void test_downlink_counts_with_the_layers_shares(void **state) {
    (void)state;
    struct downlink_config config = {{1500, 500, 150}, {40, 60}, 32, 14};
    struct downlink_link link = {.estimate_bps = 1100000};
    struct downlink usual, dear;
    downlink_init(&usual, &config);
    config.layer_percent[1] = 90; // half of the frames for nearly all of the bits
    downlink_init(&dear, &config);
    downlink_update(&usual, &link, 1000000000);
    downlink_update(&dear, &link, 1000000000);
    assert_int_equal(usual.choice.tier, 0);
    assert_int_equal(usual.choice.layers, 2);
    assert_int_equal(dear.choice.tier, 1);
}

static void test_downlink_takes_any_settings(void **state) {
    (void)state;
    static const struct downlink_config odd[] = {{{0, 0, 0}, {0}, 0, 0},
                                                 {{150, 500, 1500}, {90, 20}, 32, 14},
                                                 {{-5, 7, 100000}, {-7, 60}, 510, 6}};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct downlink downlink;
        downlink_init(&downlink, &odd[i]);
        for (int k = 0; k < 400; k++) {
            struct downlink_link link = {.estimate_bps = k % 7 ? (int64_t)1 << (k % 63) : INT64_MIN,
                                         .loss = k % 11 / 10.0};
            downlink_update(&downlink, &link, k % 5 ? k * SECOND : (k % 2 ? INT64_MAX : INT64_MIN));
            assert_in_range(downlink.choice.tier, 0, STAGE_TIERS - 1);
            assert_in_range(downlink.choice.layers, downlink.choice.has_video, STAGE_LAYERS);
            assert_true(downlink.choice.video_kbps >= 0);
            assert_true(downlink_next_bps(&downlink) >= 0);
        }
    }
}

static void test_downlink_knows_its_names(void **state) {
    (void)state;
    enum downlink_wish wish = DOWNLINK_LOW;
    for (int i = 0; i < DOWNLINK_WISHES; i++) {
        assert_true(downlink_wish_of(downlink_wish_name(i), &wish));
        assert_int_equal(wish, i);
    }
    assert_false(downlink_wish_of("", &wish));
    assert_false(downlink_wish_of("all", &wish));
    assert_false(downlink_wish_of(NULL, &wish));
    assert_int_equal(wish, DOWNLINK_AUDIO);
    assert_string_equal(downlink_reason_name(DOWNLINK_BY_CEILING), "ceiling");
    assert_string_equal(downlink_reason_name(DOWNLINK_REASONS), "");
    assert_string_equal(downlink_wish_name(DOWNLINK_WISHES), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_downlink_gives_all_while_nothing_is_known),
        cmocka_unit_test(test_downlink_starts_at_what_fits),
        cmocka_unit_test(test_downlink_leaves_the_sound_its_part),
        cmocka_unit_test(test_downlink_falls_at_once_as_far_as_it_must),
        cmocka_unit_test(test_downlink_holds_a_step_with_three_quarters),
        cmocka_unit_test(test_downlink_raises_a_layer_after_three_seconds),
        cmocka_unit_test(test_downlink_climbs_at_once_in_the_beginning),
        cmocka_unit_test(test_downlink_begins_to_wait_again_after_a_dip),
        cmocka_unit_test(test_downlink_changes_tier_once_in_ten_seconds_upwards),
        cmocka_unit_test(test_downlink_needs_more_to_enter_a_tier_than_to_hold_it),
        cmocka_unit_test(test_downlink_does_not_oscillate_on_a_noisy_estimate),
        cmocka_unit_test(test_downlink_stops_the_picture_and_resumes_with_room),
        cmocka_unit_test(test_downlink_keeps_below_wish_and_ceiling),
        cmocka_unit_test(test_downlink_obeys_a_wish_at_once_both_ways),
        cmocka_unit_test(test_downlink_is_thrifty_with_hysteresis),
        cmocka_unit_test(test_downlink_is_thrifty_under_heavy_loss_on_a_weak_link),
        cmocka_unit_test(test_downlink_tells_a_fall_by_loss),
        cmocka_unit_test(test_downlink_wants_what_would_raise_it),
        cmocka_unit_test(test_downlink_counts_with_the_layers_shares),
        cmocka_unit_test(test_downlink_takes_any_settings),
        cmocka_unit_test(test_downlink_knows_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
