// SPDX-License-Identifier: MIT
// The playout buffer on made-up clocks.
#include "tests/unit/player.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PER_SECOND = 50 };

struct scene {
    struct player player;
    struct network network;
    int64_t now_ns, sent; // ticks start at now_ns; packets sent so far
    int64_t transit_ns, jitter_ns, pts_shift_ns;
    float out[PLAYER_FRAME];
};

static void scene_open(struct scene *scene, int64_t phase_ns) {
    memset(scene, 0, sizeof(*scene));
    player_init(&scene->player);
    scene->now_ns = 1000 * TONE_MS + phase_ns;
    scene->transit_ns = 7 * TONE_MS;
}

static void scene_close(struct scene *scene) {
    player_finish(&scene->player);
}

static int64_t pts_of(const struct scene *scene, int64_t number) {
    return 1000 * TONE_MS + number * 20 * TONE_MS + scene->pts_shift_ns;
}

static void send_one(struct scene *scene, int64_t extra_ns, bool is_loss) {
    int64_t true_ns = 1000 * TONE_MS + scene->sent * 20 * TONE_MS;
    int64_t arrival_ns = true_ns + scene->transit_ns + extra_ns +
                         (int64_t)(tone_random() * (double)scene->jitter_ns) -
                         is_loss; // told before what waited behind it
    network_send(&scene->network, (struct air){.is_loss = is_loss,
                                               .pts_ns = pts_of(scene, scene->sent),
                                               .arrival_ns = arrival_ns,
                                               .first_sample = scene->sent * 960,
                                               .samples = 960});
    scene->sent++;
}

static void tick(struct scene *scene) {
    network_deliver(&scene->network, &scene->player, scene->now_ns);
    player_tick(&scene->player, scene->now_ns, scene->out);
    scene->now_ns += 20 * TONE_MS;
}

static void run(struct scene *scene, int ticks) {
    for (int i = 0; i < ticks; i++) {
        send_one(scene, 0, false);
        tick(scene);
    }
}

static double hold_ms(const struct scene *scene) {
    return (double)playout_hold_ns(scene->player.playout) * 1e-6;
}

static void test_playout_without_jitter_holds_no_more_than_the_phase_asks(void **state) {
    (void)state;
    double sum_ms = 0;
    for (int phase = 0; phase < 20; phase++) {
        struct scene scene;
        scene_open(&scene, phase * TONE_MS);
        run(&scene, 5);
        int conceals = scene.player.conceals;
        run(&scene, 60 * PER_SECOND);
        struct playout_counts counts = playout_counts(scene.player.playout);
        assert_int_equal(scene.player.conceals, conceals);
        assert_int_equal(counts.late + counts.concealed + counts.lost, 0);
        assert_int_equal(scene.player.skipped_samples, 0);
        assert_in_range((int)hold_ms(&scene), 1, 25);
        sum_ms += hold_ms(&scene);
        assert_true(scene.sent - scene.player.packets <= 3);
        scene_close(&scene);
    }
    // A hold for any phase would be 22 ms at each.
    assert_true(sum_ms / 20 < 15);
}

static void check_uniform_jitter(int jitter_ms, double late_share_max) {
    struct scene scene;
    scene_open(&scene, 3 * TONE_MS);
    scene.jitter_ns = jitter_ms * TONE_MS;
    run(&scene, 10 * PER_SECOND);
    struct playout_counts before = playout_counts(scene.player.playout);
    run(&scene, 120 * PER_SECOND);
    struct playout_counts after = playout_counts(scene.player.playout);
    assert_true((double)(after.late - before.late) <= late_share_max * 120 * PER_SECOND);
    assert_true(hold_ms(&scene) < jitter_ms + 30);
    assert_true(hold_ms(&scene) < 135);
    assert_int_equal(scene.player.out_of_order, 0);
    assert_int_equal(scene.player.breaks, 0);

    // The path gets good again: so does the delay, but slowly.
    scene.jitter_ns = 0;
    double high_ms = hold_ms(&scene);
    run(&scene, 2 * PER_SECOND);
    if (high_ms > 60)
        assert_true(hold_ms(&scene) > 40);
    int conceals = scene.player.conceals;
    run(&scene, 45 * PER_SECOND);
    assert_true(hold_ms(&scene) < 30);
    assert_int_equal(scene.player.conceals, conceals);
    assert_int_equal(scene.player.breaks, 0);
    scene_close(&scene);
}

static void test_playout_fits_its_delay_to_the_jitter(void **state) {
    (void)state;
    check_uniform_jitter(0, 0);
    check_uniform_jitter(20, 0.02);
    check_uniform_jitter(60, 0.02);
    check_uniform_jitter(100, 0.04);
}

static void test_playout_grows_at_once(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 11 * TONE_MS);
    run(&scene, 10 * PER_SECOND);
    scene.jitter_ns = 80 * TONE_MS;
    run(&scene, PER_SECOND);
    assert_true(hold_ms(&scene) > 60);
    scene_close(&scene);
}

static void test_playout_plays_the_end_of_a_burst_after_a_pause(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    // 500 ms in which nothing comes through, then all of it together.
    for (int i = 0; i < 25; i++) {
        send_one(&scene, (25 - i) * 20 * TONE_MS, false);
        tick(&scene);
    }
    int packets = scene.player.packets;
    run(&scene, PER_SECOND);
    assert_true(scene.player.packets - packets >= 45);
    assert_true(playout_delay_ns(scene.player.playout) < 150 * TONE_MS);
    assert_true(playout_counts(scene.player.playout).late >= 15);
    assert_true(playout_counts(scene.player.playout).concealed > 0);
    run(&scene, 60 * PER_SECOND);
    assert_true(hold_ms(&scene) < 30);
    scene_close(&scene);
}

// A sender does not wait for its connection: what it sent before comes when it is up.
static void test_playout_starts_with_the_newest_of_a_burst(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    for (int i = 0; i < 10; i++)
        send_one(&scene, (10 - i) * 20 * TONE_MS, false);
    for (int i = 0; i < 10; i++)
        tick(&scene);
    run(&scene, 10);
    assert_true(hold_ms(&scene) < 30);
    int conceals = scene.player.conceals;
    run(&scene, 10 * PER_SECOND);
    assert_true(hold_ms(&scene) < 30);
    assert_int_equal(scene.player.conceals, conceals);
    scene_close(&scene);
}

static void check_path_jump(int64_t transit_ns, int64_t pts_shift_ns) {
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    scene.transit_ns += transit_ns;
    scene.pts_shift_ns += pts_shift_ns;
    run(&scene, 2 * PER_SECOND);
    int packets = scene.player.packets, conceals = scene.player.conceals;
    run(&scene, 10 * PER_SECOND);
    assert_in_range(scene.player.packets - packets, 10 * PER_SECOND - 8, 10 * PER_SECOND + 8);
    assert_int_equal(scene.player.conceals, conceals);
    run(&scene, 60 * PER_SECOND);
    assert_true(hold_ms(&scene) < 30);
    assert_true(playout_queued_ns(scene.player.playout) < 200 * TONE_MS);
    scene_close(&scene);
}

static void test_playout_follows_a_jump_of_path_or_clock(void **state) {
    (void)state;
    check_path_jump(500 * TONE_MS, 0);
    check_path_jump(60 * TONE_MS, 0);
    check_path_jump(0, 300 * TONE_MS);
    check_path_jump(0, -300 * TONE_MS);
    check_path_jump(0, 10000 * TONE_MS);
    check_path_jump(0, -10000 * TONE_MS);
}

static void test_playout_plays_reordered_and_doubled_packets_once_in_order(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    scene.jitter_ns = 45 * TONE_MS; // more than two packets: they overtake each other
    run(&scene, 10 * PER_SECOND);
    int packets = scene.player.packets;
    for (int i = 0; i < 20 * PER_SECOND; i++) {
        send_one(&scene, 0, false);
        scene.sent--;
        send_one(&scene, 30 * TONE_MS, false);
        tick(&scene);
    }
    assert_int_equal(scene.player.out_of_order, 0);
    assert_true(scene.player.packets - packets <= 20 * PER_SECOND + 8);
    assert_true(scene.player.packets - packets >= 20 * PER_SECOND * 98 / 100);
    scene_close(&scene);
}

static void test_playout_fills_a_lost_packet_from_the_next_ones_fec(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    scene.jitter_ns = 30 * TONE_MS;
    run(&scene, 10 * PER_SECOND);
    scene.jitter_ns = 0;
    int losses = 0;
    int conceals = scene.player.conceals;
    struct playout_counts before = playout_counts(scene.player.playout);
    for (int i = 0; i < 4 * PER_SECOND; i++) {
        losses += i % 10 == 9;
        send_one(&scene, 0, i % 10 == 9);
        tick(&scene);
    }
    run(&scene, 10);
    struct playout_counts after = playout_counts(scene.player.playout);
    assert_int_equal(after.lost - before.lost, losses);
    assert_int_equal(after.recovered_by_fec - before.recovered_by_fec, losses);
    assert_int_equal(after.concealed, before.concealed);
    assert_int_equal(scene.player.conceals, conceals);
    scene_close(&scene);
}

static void test_playout_conceals_what_no_fec_reaches(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    scene.jitter_ns = 60 * TONE_MS;
    run(&scene, 10 * PER_SECOND);
    scene.jitter_ns = 0;
    run(&scene, PER_SECOND);
    struct playout_counts before = playout_counts(scene.player.playout);
    for (int i = 0; i < 3; i++) { // three in a row: the third comes back
        send_one(&scene, 0, true);
        tick(&scene);
    }
    run(&scene, 20);
    struct playout_counts after = playout_counts(scene.player.playout);
    assert_int_equal(after.lost - before.lost, 3);
    assert_int_equal(after.recovered_by_fec - before.recovered_by_fec, 1);
    assert_int_equal(after.concealed - before.concealed, 2);
    scene_close(&scene);
}

static void test_playout_takes_a_gap_without_loss_for_silence(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    int packets = scene.player.packets, skipped = scene.player.skipped_samples;
    int sent = 0;
    for (int gap = 1; gap <= 20; gap++) { // 20 .. 400 ms of DTX, then 400 ms of talk
        for (int i = 0; i < gap; i++) {
            scene.sent++;
            tick(&scene);
        }
        run(&scene, 20);
        sent += 20;
    }
    struct playout_counts counts = playout_counts(scene.player.playout);
    assert_int_equal(counts.concealed, 0);
    assert_int_equal(counts.late, 0);
    // Each spurt is heard from its first sample.
    assert_int_equal(scene.player.skipped_samples, skipped);
    assert_in_range(scene.player.packets - packets, sent - 3, sent + 3);
    assert_true(hold_ms(&scene) < 40);
    scene_close(&scene);
}

static void test_playout_delays_for_lip_sync_and_comes_back(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    playout_set_min_delay_ns(scene.player.playout, 180 * TONE_MS);
    run(&scene, 30 * PER_SECOND);
    int64_t delay_ns = playout_delay_ns(scene.player.playout);
    assert_in_range((int)(delay_ns / TONE_MS), 174, 186);
    playout_set_min_delay_ns(scene.player.playout, 0);
    run(&scene, 60 * PER_SECOND);
    assert_true(hold_ms(&scene) < 30);
    playout_set_min_delay_ns(scene.player.playout, INT64_MAX);
    run(&scene, 60 * PER_SECOND);
    assert_true(playout_delay_ns(scene.player.playout) <= 510 * TONE_MS);
    assert_int_equal(playout_counts(scene.player.playout).late, 0);
    scene_close(&scene);
}

static void test_playout_moves_at_once_while_nobody_hears_it(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    scene.player.is_quiet = true;
    playout_set_min_delay_ns(scene.player.playout, 200 * TONE_MS);
    run(&scene, 15);
    assert_in_range((int)(playout_delay_ns(scene.player.playout) / TONE_MS), 160, 206);
    playout_set_min_delay_ns(scene.player.playout, 0);
    run(&scene, 5);
    assert_true(playout_delay_ns(scene.player.playout) < 80 * TONE_MS);
    scene_close(&scene);
}

// What webrtcbin does at a loss: its jitter buffer waits 60 ms, then gives up the packet and hands
// over all that came after it.
static void test_playout_rides_out_a_transport_that_waits_for_holes(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    int packets = scene.player.packets;
    int losses = 0;
    for (int i = 0; i < 60 * PER_SECOND; i++) {
        int since = i % 100; // a loss every two seconds
        losses += since == 0;
        int64_t held_ns = since <= 3 ? (60 - 20 * since) * TONE_MS : 0;
        send_one(&scene, held_ns, since == 0);
        tick(&scene);
    }
    run(&scene, 10);
    struct playout_counts counts = playout_counts(scene.player.playout);
    assert_int_equal(counts.lost, losses);
    // The first finds no buffer, the others one that has grown: little more is missing than was
    // lost.
    assert_in_range(counts.concealed + counts.recovered_by_fec, losses, losses + losses / 2);
    assert_true(scene.player.packets - packets >= 60 * PER_SECOND - losses - 6);
    assert_true(hold_ms(&scene) < 110);
    assert_int_equal(scene.player.out_of_order + scene.player.breaks, 0);
    scene_close(&scene);
}

static void test_playout_is_bounded_when_nobody_takes(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 0);
    for (int i = 0; i < 20000; i++) {
        int64_t at_ns = i * 5 * TONE_MS / 2;
        player_push(&scene.player, i * 120, 120, at_ns, at_ns);
        assert_true(playout_queued_ns(scene.player.playout) <= 1010 * TONE_MS);
    }
    scene_close(&scene);
}

static void check_packet_length(int samples) {
    struct scene scene;
    scene_open(&scene, 9 * TONE_MS);
    int64_t length_ns = samples * TONE_MS / 48, end_ns = scene.now_ns + 20000 * TONE_MS;
    int64_t pts_ns = scene.now_ns, first = 0;
    int conceals = -1;
    while (scene.now_ns < end_ns) {
        for (; pts_ns <= scene.now_ns; pts_ns += length_ns, first += samples)
            player_push(&scene.player, first, samples, pts_ns, pts_ns + length_ns);
        tick(&scene);
        if (conceals < 0 && scene.now_ns > end_ns - 15000 * TONE_MS)
            conceals = scene.player.conceals;
    }
    assert_int_equal(scene.player.conceals, conceals);
    assert_int_equal(scene.player.out_of_order, 0);
    assert_true(playout_delay_ns(scene.player.playout) < length_ns + 40 * TONE_MS);
    scene_close(&scene);
}

static void test_playout_takes_every_length_of_packet(void **state) {
    (void)state;
    static const int samples[] = {120, 240, 480, 960, 1920, 2880, 3840, 5760};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        check_packet_length(samples[i]);
}

static void test_playout_survives_a_spike_now_and_then(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene, 5 * TONE_MS);
    run(&scene, 5 * PER_SECOND);
    int packets = scene.player.packets;
    for (int i = 0; i < 60 * PER_SECOND; i++) {
        send_one(&scene, i % 400 == 0 ? 90 * TONE_MS : 0, false);
        tick(&scene);
    }
    // One packet in eight seconds is not worth 90 ms of everybody's time.
    assert_true(hold_ms(&scene) < 60);
    assert_true(scene.player.packets - packets >= 60 * PER_SECOND - 12);
    assert_int_equal(scene.player.breaks, 0);
    scene_close(&scene);
}

static void test_playout_refuses_times_that_cannot_be(void **state) {
    (void)state;
    struct player player;
    player_init(&player);
    assert_int_equal(player_push(&player, 0, 960, INT64_MAX, 0), -EINVAL);
    assert_int_equal(player_push(&player, 0, 960, INT64_MIN, 0), -EINVAL);
    assert_int_equal(player_push(&player, 0, 960, 0, INT64_MIN), -EINVAL);
    assert_int_equal(player_push(&player, 0, 0, 0, 0), -EINVAL);
    playout_push_lost(player.playout, INT64_MIN, INT64_MAX);
    playout_push_lost(player.playout, 0, INT64_MAX);
    playout_push_lost(player.playout, 0, INT64_MIN);
    assert_true(playout_queued_ns(player.playout) <= 1010 * TONE_MS);
    assert_int_equal(playout_delay_ns(player.playout), 0);
    player_finish(&player);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_playout_without_jitter_holds_no_more_than_the_phase_asks),
        cmocka_unit_test(test_playout_fits_its_delay_to_the_jitter),
        cmocka_unit_test(test_playout_grows_at_once),
        cmocka_unit_test(test_playout_starts_with_the_newest_of_a_burst),
        cmocka_unit_test(test_playout_plays_the_end_of_a_burst_after_a_pause),
        cmocka_unit_test(test_playout_follows_a_jump_of_path_or_clock),
        cmocka_unit_test(test_playout_plays_reordered_and_doubled_packets_once_in_order),
        cmocka_unit_test(test_playout_fills_a_lost_packet_from_the_next_ones_fec),
        cmocka_unit_test(test_playout_conceals_what_no_fec_reaches),
        cmocka_unit_test(test_playout_takes_a_gap_without_loss_for_silence),
        cmocka_unit_test(test_playout_delays_for_lip_sync_and_comes_back),
        cmocka_unit_test(test_playout_moves_at_once_while_nobody_hears_it),
        cmocka_unit_test(test_playout_rides_out_a_transport_that_waits_for_holes),
        cmocka_unit_test(test_playout_is_bounded_when_nobody_takes),
        cmocka_unit_test(test_playout_takes_every_length_of_packet),
        cmocka_unit_test(test_playout_survives_a_spike_now_and_then),
        cmocka_unit_test(test_playout_refuses_times_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
