// SPDX-License-Identifier: MIT
// The estimate and the choice that follows from it, over simulated links: each scenario with
// several seeds, minutes of it in milliseconds.
#include "tests/unit/weak_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SEEDS = 8, SECOND_MS = 1000, MINUTE_MS = 60000 };
#define START_BPS 1000000

static struct weak *weak_at(int kbps, uint64_t seed) {
    return weak_create(kbps * 1000, START_BPS, seed);
}

static void run_watched(struct weak *weak, int64_t span_ms) {
    weak_watch(weak);
    weak_run(weak, span_ms);
}

// What holds on every link: a change upwards comes ten seconds after any other at the earliest.
static void finish(struct weak *weak) {
    assert_true(weak->raise_gap_ms >= 10000);
    weak_destroy(weak);
}

static void test_bandwidth_150_kbps_in_all_is_steady_in_ten_seconds(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(150, seed);
        weak_run(weak, 10 * SECOND_MS);
        run_watched(weak, 2 * MINUTE_MS);
        assert_int_equal(weak->tier_changes, 0);
        assert_true(weak->had_video_always);
        assert_int_equal(weak->downlink.choice.tier, 2);
        assert_true(weak->layers_min >= 2); // 15 frames a second
        assert_true(weak->downlink.choice.is_thrifty);
        assert_true(weak->queue_max_ms < 300);
        assert_true(weak_kbps(weak) > 100);
        finish(weak);
    }
}

// From an estimate that is far too low, with few packets and large ones.
static void test_bandwidth_finds_150_kbps_from_below(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_create(150000, 70000, seed);
        weak->probe_packet_bytes = 1150;
        run_watched(weak, 20 * SECOND_MS);
        assert_true(weak->downlink.choice.has_video);
        run_watched(weak, MINUTE_MS);
        assert_true(weak->had_video_always);
        assert_true(weak->layers_min >= 2);
        assert_true(weak->queue_max_ms < 350); // a probe on top of a large frame
        finish(weak);
    }
}

static void test_bandwidth_300_kbps_gives_a_moving_picture_without_a_queue(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(300, seed);
        weak_run(weak, 10 * SECOND_MS);
        run_watched(weak, 2 * MINUTE_MS);
        assert_int_equal(weak->tier_changes, 0);
        assert_true(weak->had_video_always);
        assert_int_equal(weak->layers_min, weak->downlink.choice.tier == 2 ? 3 : 2);
        assert_true(weak->queue_max_ms < 300);
        assert_true(weak_kbps(weak) > 200);
        finish(weak);
    }
}

static void test_bandwidth_follows_a_sudden_drop_and_comes_back(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak_run(weak, 20 * SECOND_MS);
        assert_true(weak_is_at_top(weak));
        weak->rate_bps = 300000;
        weak_run(weak, 4 * SECOND_MS);
        run_watched(weak, 30 * SECOND_MS);
        assert_true(weak->queue_max_ms < 300);
        assert_true(weak->had_video_always);
        assert_true(weak->estimate_max_bps < 360000);
        assert_int_equal(weak->tier_changes, 0);
        weak->rate_bps = 2000000;
        run_watched(weak, 30 * SECOND_MS);
        assert_true(weak_is_at_top(weak));
        assert_true(weak->tier_changes <= 2);
        finish(weak);
    }
}

static void test_bandwidth_gives_way_to_a_slow_squeeze(void **state) {
    (void)state;
    int sum_ms = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak_run(weak, 20 * SECOND_MS);
        weak_watch(weak);
        for (int i = 0; i < 60; i++) {
            weak->rate_bps -= 30000;
            weak_run(weak, SECOND_MS);
        }
        assert_int_equal(weak->rate_bps, 200000);
        assert_true(weak->queue_max_ms < 700); // at the end it shrinks by a seventh a second
        assert_int_equal(weak->tier_ups, 0);
        assert_int_equal(weak->tier_changes, 2);
        assert_true(weak->had_video_always);
        sum_ms += weak->queue_max_ms;
        weak_run(weak, 5 * SECOND_MS);
        run_watched(weak, 30 * SECOND_MS);
        assert_true(weak->queue_max_ms < 300);
        finish(weak);
    }
    assert_true(sum_ms / SEEDS < 450);
}

static void test_bandwidth_ignores_losses_that_come_without_a_queue(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak->loss = 0.1;
        weak->jitter_ms = 40;
        weak_run(weak, 20 * SECOND_MS);
        run_watched(weak, 2 * MINUTE_MS);
        assert_true(weak_is_at_top(weak));
        assert_int_equal(weak->changes, 0);
        assert_true(weak->estimate_min_bps > 1645000); // what the top takes
        finish(weak);
    }
}

static void test_bandwidth_takes_no_jitter_for_a_queue(void **state) {
    (void)state;
    for (int jitter_ms = 20; jitter_ms <= 160; jitter_ms *= 2) {
        struct weak *weak = weak_at(2000, (uint64_t)jitter_ms);
        weak->jitter_ms = jitter_ms;
        weak_run(weak, 20 * SECOND_MS);
        run_watched(weak, 2 * MINUTE_MS);
        assert_true(weak_is_at_top(weak));
        assert_int_equal(weak->changes, 0);
        finish(weak);
    }
}

static void test_bandwidth_survives_heavy_chance(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak_run(weak, 20 * SECOND_MS);
        weak->loss = 0.3;
        run_watched(weak, 10 * SECOND_MS);
        assert_true(weak->estimate_min_bps > weak_kbps(weak) * 1000 * 7 / 10 / 2);
        assert_true(weak->had_video_always);
        weak->loss = 0;
        weak_run(weak, 30 * SECOND_MS);
        assert_true(weak_is_at_top(weak));
        finish(weak);
    }
}

// A policer: 60 ms of queue, then it drops.
static void test_bandwidth_follows_what_a_short_queue_lets_through(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak->buffer_ms = 60;
        weak_run(weak, 20 * SECOND_MS);
        weak->rate_bps = 400000;
        weak_run(weak, 5 * SECOND_MS);
        run_watched(weak, MINUTE_MS);
        assert_int_equal(weak->tier_changes, 0);
        assert_int_equal(weak->downlink.choice.tier, 1);
        assert_true(weak->estimate_max_bps < 1000000); // such a queue hides short probes' losses
        assert_true(weak_kbps(weak) > 280);
        finish(weak);
    }
}

static void test_bandwidth_keeps_its_part_beside_a_greedy_flow(void **state) {
    (void)state;
    static const struct {
        int kbps, buffer_ms, delay_ms;
    } links[] = {{2000, 400, 50}, {2000, 1000, 20}, {2000, 200, 20}, {1000, 400, 10}};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct weak *weak = weak_at(links[i].kbps, seed);
            weak->buffer_ms = links[i].buffer_ms;
            weak->delay_ms = links[i].delay_ms;
            weak_run(weak, 20 * SECOND_MS);
            weak->rival.is_on = true;
            weak->rival.window = 10;
            run_watched(weak, MINUTE_MS);
            assert_true(weak->tier_changes <= 3);
            run_watched(weak, MINUTE_MS);
            assert_true(weak_kbps(weak) * 100 > 15 * links[i].kbps);
            assert_true(weak->rival.bytes * 8 / MINUTE_MS * 100 > 15 * (int64_t)links[i].kbps);
            assert_true(weak->tier_changes <= 2);
            weak->rival.is_on = false;
            weak_run(weak, 40 * SECOND_MS);
            assert_true(weak->downlink.choice.has_video);
            assert_true(weak->downlink.choice.tier <= (links[i].kbps == 2000 ? 0 : 1));
            finish(weak);
        }
    }
}

static void test_bandwidth_copes_with_a_long_way(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(2000, seed);
        weak->delay_ms = 300;
        run_watched(weak, 20 * SECOND_MS);
        assert_true(weak_is_at_top(weak));
        weak->rate_bps = 500000;
        weak_run(weak, 6 * SECOND_MS);
        run_watched(weak, MINUTE_MS);
        assert_true(weak->queue_max_ms < 400);
        assert_true(weak->tier_changes <= 1);
        assert_true(weak->had_video_always);
        assert_true(weak_kbps(weak) > 200);
        finish(weak);
    }
}

static void test_bandwidth_takes_no_drift_for_a_queue(void **state) {
    (void)state;
    for (int ppm = -200; ppm <= 200; ppm += 400) {
        struct weak *weak = weak_at(2000, 1);
        weak->drift_ppm = ppm;
        weak_run(weak, 20 * SECOND_MS);
        run_watched(weak, 10 * MINUTE_MS);
        assert_int_equal(weak->changes, 0);
        assert_true(weak_is_at_top(weak));
        assert_true(weak->queue_seen_max_ms < 40);
        finish(weak);
    }
}

static void test_bandwidth_stops_the_picture_on_a_thin_link_and_brings_it_back(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(80, seed);
        weak_run(weak, 15 * SECOND_MS);
        weak->rate_bps = 60000;
        weak_run(weak, 5 * SECOND_MS);
        run_watched(weak, 40 * SECOND_MS);
        assert_false(weak->had_video_ever);
        assert_true(weak->queue_max_ms < 300);
        assert_true(weak_kbps(weak) > 20); // the sound
        weak->rate_bps = 500000;
        run_watched(weak, 30 * SECOND_MS);
        assert_true(weak->downlink.choice.has_video);
        assert_true(weak->tier_changes <= 2);
        finish(weak);
    }
}

static void test_bandwidth_finds_a_wide_link(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        for (int start_kbps = 300; start_kbps <= 1000; start_kbps += 700) {
            struct weak *weak = weak_create(10000000, start_kbps * 1000, seed);
            run_watched(weak, 15 * SECOND_MS);
            assert_true(weak_is_at_top(weak));
            assert_true(weak->probes <= 5);
            run_watched(weak, MINUTE_MS);
            assert_int_equal(weak->changes, 0);
            assert_int_equal(weak->probes, 0); // there is nothing more to want
            finish(weak);
        }
    }
}

static void test_bandwidth_outlives_a_hole_in_the_feedback(void **state) {
    (void)state;
    struct weak *weak = weak_at(2000, 1);
    weak_run(weak, 20 * SECOND_MS);
    weak->is_silent = true;
    run_watched(weak, 4 * SECOND_MS);
    assert_true(weak->estimate_min_bps < 500000);
    weak->is_silent = false;
    weak_run(weak, 30 * SECOND_MS);
    assert_true(weak_is_at_top(weak));
    finish(weak);
}

static void test_bandwidth_accepts_another_way_with_more_delay(void **state) {
    (void)state;
    struct weak *weak = weak_at(2000, 1);
    weak_run(weak, 20 * SECOND_MS);
    weak->delay_ms += 100;
    weak_run(weak, 40 * SECOND_MS);
    run_watched(weak, MINUTE_MS);
    assert_true(weak_is_at_top(weak));
    assert_int_equal(weak->changes, 0);
    finish(weak);
}

// ---- by hand
// ---------------------------------------------------------------------------------------

#define MS WEAK_MS

// A second of `kbps` over an empty link, ten reports.
static void feed_second(struct bandwidth *bandwidth, int64_t *now_ns, int kbps) {
    for (int report = 0; report < 10; report++) {
        struct bandwidth_packet packets[20];
        for (int i = 0; i < 20; i++) {
            int64_t sent_ns = *now_ns + i * 5 * MS;
            packets[i] = (struct bandwidth_packet){sent_ns, sent_ns + 50 * MS, kbps * 5 / 8};
        }
        *now_ns += 100 * MS;
        bandwidth_add(bandwidth, packets, 20, *now_ns);
    }
}

static int64_t estimate_of(const struct bandwidth *bandwidth) {
    struct bandwidth_view view;
    bandwidth_get(bandwidth, &view);
    return view.estimate_bps;
}

static void test_bandwidth_is_not_raised_by_a_wish(void **state) {
    (void)state;
    struct bandwidth *bandwidth = bandwidth_create(500000, 30000, 10000000);
    int64_t now_ns = 1000 * MS;
    for (int i = 0; i < 20; i++)
        feed_second(bandwidth, &now_ns, 250);
    assert_int_equal(estimate_of(bandwidth), 500000);
    for (int i = 0; i < 3; i++)
        feed_second(bandwidth, &now_ns, 800);
    assert_in_range(estimate_of(bandwidth), 780000, 820000);
    bandwidth_destroy(bandwidth);
}

static void test_bandwidth_probes_no_more_than_is_wanted(void **state) {
    (void)state;
    struct bandwidth *bandwidth = bandwidth_create(500000, 30000, 10000000);
    int64_t now_ns = 1000 * MS;
    for (int i = 0; i < 3; i++)
        feed_second(bandwidth, &now_ns, 450);
    assert_int_equal(bandwidth_take_probe(bandwidth, 0, now_ns).kbps, 0);
    assert_int_equal(bandwidth_take_probe(bandwidth, 400000, now_ns).kbps, 0);
    struct bandwidth_probe probe = bandwidth_take_probe(bandwidth, 700000, now_ns);
    assert_in_range(probe.kbps, 600, 700);
    assert_in_range((probe.kbps - 500) * probe.duration_ms / 500, 20,
                    150); // the queue it may leave
    assert_int_equal(bandwidth_take_probe(bandwidth, 700000, now_ns).kbps, 0); // told once
    for (int i = 0; i < 3; i++)
        feed_second(bandwidth, &now_ns, 450);
    assert_in_range(bandwidth_take_probe(bandwidth, 520000, now_ns).kbps, 500, 520);
    bandwidth_destroy(bandwidth);
}

static void test_bandwidth_rises_after_a_probe_that_arrived(void **state) {
    (void)state;
    struct bandwidth *bandwidth = bandwidth_create(500000, 30000, 10000000);
    struct bandwidth_view view;
    int64_t now_ns = 1000 * MS;
    for (int i = 0; i < 3; i++)
        feed_second(bandwidth, &now_ns, 450);
    assert_true(bandwidth_take_probe(bandwidth, 2000000, now_ns).kbps > 900);
    feed_second(bandwidth, &now_ns, 1000);
    bandwidth_get(bandwidth, &view);
    assert_in_range(view.estimate_bps, 950000, 1010000);
    assert_int_equal(view.reason, BANDWIDTH_PROBE);
    bandwidth_destroy(bandwidth);
}

static void test_bandwidth_probe_on_a_full_link_costs_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct weak *weak = weak_at(300, seed);
        weak_run(weak, 20 * SECOND_MS);
        run_watched(weak, MINUTE_MS);
        assert_in_range(weak->probes, 3, 8); // it backs off
        assert_true(weak->estimate_min_bps > 255000);
        finish(weak);
    }
}

static void test_bandwidth_halves_in_silence_down_to_the_least(void **state) {
    (void)state;
    struct bandwidth *bandwidth = bandwidth_create(800000, 90000, 10000000);
    int64_t now_ns = 1000 * MS;
    for (int i = 0; i < 20; i++) // nobody has ever told anything: no silence
        bandwidth_tick(bandwidth, now_ns += 200 * MS);
    assert_int_equal(estimate_of(bandwidth), 800000);
    feed_second(bandwidth, &now_ns, 100);
    for (int i = 0; i < 6; i++)
        bandwidth_tick(bandwidth, now_ns += 200 * MS);
    assert_int_equal(estimate_of(bandwidth), 400000);
    for (int i = 0; i < 5; i++)
        bandwidth_tick(bandwidth, now_ns += 200 * MS);
    assert_int_equal(estimate_of(bandwidth), 200000);
    for (int i = 0; i < 50; i++)
        bandwidth_tick(bandwidth, now_ns += 200 * MS);
    assert_int_equal(estimate_of(bandwidth), 90000);
    bandwidth_destroy(bandwidth);
}

static void test_bandwidth_counts_a_packet_once(void **state) {
    (void)state;
    struct bandwidth *bandwidth = bandwidth_create(500000, 30000, 10000000);
    struct bandwidth_packet packets[100];
    struct bandwidth_view view;
    int64_t now_ns = 1000 * MS;
    for (int i = 0; i < 100; i++) {
        int64_t sent_ns = now_ns + i * 10 * MS;
        packets[i] = (struct bandwidth_packet){sent_ns, i % 2 ? -1 : sent_ns + 50 * MS, 500};
    }
    now_ns += 1000 * MS;
    bandwidth_add(bandwidth, packets, 100, now_ns);
    bandwidth_get(bandwidth, &view);
    assert_true(view.loss > 0.49 && view.loss < 0.51);
    assert_in_range(view.received_bps, 190000, 210000);
    for (int i = 0; i < 100; i++) // told again, and the other half came after all
        packets[i].received_ns = packets[i].sent_ns + 50 * MS;
    bandwidth_add(bandwidth, packets, 100, now_ns);
    bandwidth_get(bandwidth, &view);
    assert_true(view.loss < 0.01);
    assert_in_range(view.received_bps, 390000, 410000);
    bandwidth_destroy(bandwidth);
}

static int64_t wild(uint64_t *seed) {
    static const int64_t some[] = {0, -1, 1, INT64_MIN, INT64_MAX, 1000000000, -5};
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    uint64_t bits = *seed >> 16;
    if (bits % 4 == 0)
        return some[bits / 4 % 7];
    int64_t value = (int64_t)(*seed >> (1 + bits % 50));
    return bits % 3 ? value : -value;
}

static void test_bandwidth_holds_its_bounds_whatever_it_is_told(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int run = 0; run < 40; run++) {
        int64_t min_bps = 30000, max_bps = 5000000, now_ns = 0;
        struct bandwidth *bandwidth = bandwidth_create(wild(&seed), min_bps, max_bps);
        bool is_near = run % 2; // garbage that looks like packets
        for (int round = 0; round < 300; round++) {
            struct bandwidth_packet packets[30];
            int count = (int)(wild(&seed) & 31) % 31;
            now_ns = is_near ? now_ns + (wild(&seed) & 0xfffffff) : wild(&seed);
            for (int i = 0; i < count; i++) {
                packets[i].sent_ns = is_near ? now_ns - (wild(&seed) & 0xffffffff) : wild(&seed);
                packets[i].received_ns = is_near ? wild(&seed) & 0xffffffffff : wild(&seed);
                packets[i].size_bytes = (int)(wild(&seed) & (is_near ? 0xffff : 0x7fffffff)) - 9;
            }
            bandwidth_add(bandwidth, packets, count, now_ns);
            bandwidth_set_rtt_ns(bandwidth, wild(&seed));
            bandwidth_tick(bandwidth, is_near ? now_ns : wild(&seed));
            struct bandwidth_probe probe =
                bandwidth_take_probe(bandwidth, wild(&seed), is_near ? now_ns : wild(&seed));
            struct bandwidth_view view;
            bandwidth_get(bandwidth, &view);
            assert_true(view.estimate_bps >= min_bps && view.estimate_bps <= max_bps);
            assert_true(view.loss >= 0 && view.loss <= 1); // false for NaN
            assert_true(view.queue_ns >= 0 && view.received_bps >= 0 && view.sent_bps >= 0);
            assert_true(probe.kbps >= 0 && probe.kbps <= max_bps / 1000);
            assert_true(probe.duration_ms >= 0 && probe.duration_ms <= 400);
        }
        bandwidth_destroy(bandwidth);
    }
    bandwidth_destroy(NULL);
}

static void test_bandwidth_names_its_reasons(void **state) {
    (void)state;
    for (int reason = 0; reason < BANDWIDTH_REASONS; reason++)
        assert_true(strlen(bandwidth_reason_name(reason)) > 3);
    assert_string_equal(bandwidth_reason_name(BANDWIDTH_SILENCE), "silence");
    assert_string_equal(bandwidth_reason_name(BANDWIDTH_REASONS), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bandwidth_150_kbps_in_all_is_steady_in_ten_seconds),
        cmocka_unit_test(test_bandwidth_finds_150_kbps_from_below),
        cmocka_unit_test(test_bandwidth_300_kbps_gives_a_moving_picture_without_a_queue),
        cmocka_unit_test(test_bandwidth_follows_a_sudden_drop_and_comes_back),
        cmocka_unit_test(test_bandwidth_gives_way_to_a_slow_squeeze),
        cmocka_unit_test(test_bandwidth_ignores_losses_that_come_without_a_queue),
        cmocka_unit_test(test_bandwidth_takes_no_jitter_for_a_queue),
        cmocka_unit_test(test_bandwidth_survives_heavy_chance),
        cmocka_unit_test(test_bandwidth_follows_what_a_short_queue_lets_through),
        cmocka_unit_test(test_bandwidth_keeps_its_part_beside_a_greedy_flow),
        cmocka_unit_test(test_bandwidth_copes_with_a_long_way),
        cmocka_unit_test(test_bandwidth_takes_no_drift_for_a_queue),
        cmocka_unit_test(test_bandwidth_stops_the_picture_on_a_thin_link_and_brings_it_back),
        cmocka_unit_test(test_bandwidth_finds_a_wide_link),
        cmocka_unit_test(test_bandwidth_outlives_a_hole_in_the_feedback),
        cmocka_unit_test(test_bandwidth_accepts_another_way_with_more_delay),
        cmocka_unit_test(test_bandwidth_is_not_raised_by_a_wish),
        cmocka_unit_test(test_bandwidth_probes_no_more_than_is_wanted),
        cmocka_unit_test(test_bandwidth_rises_after_a_probe_that_arrived),
        cmocka_unit_test(test_bandwidth_probe_on_a_full_link_costs_nothing),
        cmocka_unit_test(test_bandwidth_halves_in_silence_down_to_the_least),
        cmocka_unit_test(test_bandwidth_counts_a_packet_once),
        cmocka_unit_test(test_bandwidth_holds_its_bounds_whatever_it_is_told),
        cmocka_unit_test(test_bandwidth_names_its_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
