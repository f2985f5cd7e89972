// SPDX-License-Identifier: MIT
// Clocks that run apart: the drift loop, the resampler, and half an hour of both with a playout
// buffer.
#include "tests/unit/player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MINUTE_TICKS = 60 * 50, LEARN_TICKS = 2 * MINUTE_TICKS, CHUNK = 9600 };

static double resampled_snr_db(double hz, double speed) {
    static float out[CHUNK];
    struct resampler resampler;
    resampler_init(&resampler);
    int64_t written = 0;
    int made = 0;
    while (made < CHUNK) {
        int room, missing;
        while ((missing = resampler_missing(&resampler, 960, speed)) > 0) {
            float *space = resampler_space(&resampler, &room);
            assert_true(room >= 480);
            tone_fill(space, 480, hz, 0.5, written);
            resampler_wrote(&resampler, 480);
            written += 480;
        }
        resampler_read(&resampler, 960, speed, out + made);
        made += 960;
    }
    return tone_snr_db(out + 960, CHUNK - 960, hz * speed);
}

static void test_resampler_keeps_a_tone_clean_at_any_speed(void **state) {
    (void)state;
    static const double speeds[] = {0.97, 0.9998, 1.0, 1.0002, 1.003, 1.03};
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        assert_true(resampled_snr_db(1000, speeds[i]) > 75);
        assert_true(resampled_snr_db(200, speeds[i]) > 75);
        assert_true(resampled_snr_db(8000, speeds[i]) > 60);
        assert_true(resampled_snr_db(12000, speeds[i]) > 50);
    }
}

static void test_resampler_passes_over_as_it_reads(void **state) {
    (void)state;
    struct resampler heard, passed;
    float out[2][960];
    resampler_init(&heard);
    resampler_init(&passed);
    for (int i = 0; i < 50; i++) {
        int room;
        tone_fill(resampler_space(&heard, &room), 1000, 440, 0.5, i * 1000);
        tone_fill(resampler_space(&passed, &room), 1000, 440, 0.5, i * 1000);
        resampler_wrote(&heard, 1000);
        resampler_wrote(&passed, 1000);
        resampler_read(&heard, 960, 1.01, out[0]);
        resampler_read(&passed, 960, 1.01, i == 49 ? out[1] : NULL);
    }
    assert_memory_equal(out[0], out[1], sizeof(out[0]));
}

// The sender's clock runs at 1 + ppm; its packets' times are either on our clock, as a jitter
// buffer that follows the skew gives them, or simply its own clock's.
static void check_minutes(int minutes, double ppm, bool has_times_on_our_clock, int64_t jitter_ns) {
    struct player player;
    struct network network = {0};
    float out[PLAYER_FRAME], last[2] = {0};
    player_init(&player);
    double breach = 0, speed_sum = 0, hold_max_ms = 0, hold_min_ms = 1000;
    int64_t number = 0, now_ns = 1000 * TONE_MS + 4 * TONE_MS;
    int conceals = 0;
    for (int tick = 0; tick < minutes * MINUTE_TICKS; tick++, now_ns += 20 * TONE_MS) {
        for (;; number++) {
            double own_ns = (double)(number * 20 * TONE_MS);
            int64_t true_ns = 1000 * TONE_MS + (int64_t)(own_ns / (1 + ppm * 1e-6));
            if (true_ns > now_ns)
                break;
            int64_t pts_ns = has_times_on_our_clock ? true_ns : 1000 * TONE_MS + (int64_t)own_ns;
            int64_t late_ns = (int64_t)(tone_random() * (double)jitter_ns);
            network_send(&network, (struct air){.pts_ns = pts_ns,
                                                .arrival_ns = true_ns + 5 * TONE_MS + late_ns,
                                                .first_sample = number * 960,
                                                .samples = 960});
        }
        network_deliver(&network, &player, now_ns);
        player_tick(&player, now_ns, out);
        double one = tone_breach(out, PLAYER_FRAME, PLAYER_HZ, last);
        if (tick < LEARN_TICKS) {
            conceals = player.conceals;
            continue;
        }
        speed_sum += player.drift.speed;
        double hold_ms = (double)playout_hold_ns(player.playout) * 1e-6;
        breach = fmax(breach, one);
        hold_max_ms = fmax(hold_max_ms, hold_ms);
        hold_min_ms = fmin(hold_min_ms, hold_ms);
    }
    assert_int_equal(player.conceals, conceals);
    assert_int_equal(player.skipped_samples + player.breaks + player.fecs, 0);
    assert_int_equal(player.out_of_order, 0);
    assert_true(number - player.packets <= 10); // what waits at the end, and not one more
    assert_true(breach < 2e-3);                 // a skip of one sample would be 0.03
    assert_true(hold_min_ms > 1);
    assert_true(hold_max_ms < 34 + (double)jitter_ns * 1e-6);
    assert_true(fabs(speed_sum * 1e6 / (minutes * MINUTE_TICKS - LEARN_TICKS) - ppm) <
                (jitter_ns ? 60 : 20));
    player_finish(&player);
}

static void test_drift_of_a_fast_clock_is_resampled_for_half_an_hour(void **state) {
    (void)state;
    check_minutes(30, 200, true, 0);
    check_minutes(30, 200, false, 0);
}

static void test_drift_of_a_slow_clock_is_resampled_for_half_an_hour(void **state) {
    (void)state;
    check_minutes(30, -200, true, 0);
    check_minutes(30, -200, false, 0);
}

static void test_drift_is_told_from_jitter(void **state) {
    (void)state;
    check_minutes(10, 300, false, 4 * TONE_MS);
    check_minutes(10, -1000, true, 4 * TONE_MS);
    check_minutes(10, 0, true, 4 * TONE_MS);
}

static void test_drift_never_leaves_what_the_ear_allows(void **state) {
    (void)state;
    struct drift drift = {0};
    double before = 1;
    for (int i = 0; i < 20000; i++) {
        int64_t error_ns = (int64_t)((tone_random() - 0.5) * 1e9);
        double speed = drift_update(&drift, error_ns, i % 7 ? 0 : 1000000, 20 * TONE_MS);
        assert_true(fabs(speed - 1) <= 0.034);
        assert_true(fabs(speed - before) <= 0.0021);
        before = speed;
    }
    double learned = drift.learned;
    for (int i = 0; i < 100; i++)
        before = drift_idle(&drift);
    assert_true(fabs(before - 1 - learned) < 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resampler_keeps_a_tone_clean_at_any_speed),
        cmocka_unit_test(test_resampler_passes_over_as_it_reads),
        cmocka_unit_test(test_drift_of_a_fast_clock_is_resampled_for_half_an_hour),
        cmocka_unit_test(test_drift_of_a_slow_clock_is_resampled_for_half_an_hour),
        cmocka_unit_test(test_drift_is_told_from_jitter),
        cmocka_unit_test(test_drift_never_leaves_what_the_ear_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
