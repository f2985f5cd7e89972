// SPDX-License-Identifier: MIT
// What the desk adds of its own: a clip into everybody's mix, and how loud each one is.
#include "tests/unit/desk_call.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

// A clip that says one tone.
static struct clip *make_clip(double hz, double amplitude, int ticks) {
    struct clip *clip = calloc(1, sizeof(*clip));
    clip->count = (size_t)ticks * FRAME;
    clip->samples = calloc(clip->count, sizeof(float));
    tone_fill(clip->samples, (int)clip->count, hz, amplitude, 0);
    return clip;
}

static bool is_heard_at(const struct member *member, double hz, double amplitude) {
    return fabs(heard_db(member, hz) - 20 * log10(amplitude)) < 3;
}

// ---- the clip

static void test_desk_play_is_heard_by_speakers_and_listeners_besides_the_others(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    call_join(&call, 500, 0.1);
    call_join(&call, 800, 0.1);
    call_join(&call, 0, 0);
    struct member *thrifty = call_join(&call, 0, 0);
    thrifty->is_thrifty = true;
    desk_set_thrifty(thrifty->channel, true);
    call_run(&call, 2 * PER_SECOND);
    desk_play(call.desk, make_clip(1300, 0.1, 3 * PER_SECOND), 1);
    call_run(&call, PER_SECOND / 2);
    forget(&call);
    call_run(&call, PER_SECOND);
    for (int i = 0; i < 3; i++)
        assert_true(is_heard_at(&call.members[i], 1300, 0.1));
    assert_true(heard_db(thrifty, 1300) > 20 * log10(0.1) - 6); // three tones in 14 kbit/s
    assert_true(is_heard_at(&call.members[0], 800, 0.1));
    assert_true(is_heard_at(&call.members[1], 500, 0.1));
    assert_true(is_heard_at(&call.members[2], 500, 0.1));
    assert_true(heard_db(&call.members[0], 500) < -55); // still not itself
    call_close(&call);
}

static void test_desk_play_is_sent_in_a_silent_room_from_its_first_tick(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *listener = call_join(&call, 0, 0);
    call_join(&call, 500, 0);
    call_run(&call, 3 * PER_SECOND); // packets are left out by now
    forget(&call);
    uint64_t before = encodes(&call);
    desk_play(call.desk, make_clip(700, 0.2, PER_SECOND), 1);
    call_run(&call, PER_SECOND);
    assert_int_equal(listener->packets, PER_SECOND);
    assert_int_equal(encodes(&call) - before, PER_SECOND); // one for both
    assert_true(is_heard_at(listener, 700, 0.2));
    assert_false(desk_is_playing(call.desk));
    call_run(&call, 3 * PER_SECOND);
    forget(&call);
    call_run(&call, 10 * PER_SECOND);
    assert_in_range(listener->packets, 25, 60); // and rests again
    assert_true(tone_rms(listener->sound, listener->heard) < 1e-4);
    call_close(&call);
}

static void test_desk_play_counts_to_no_speaker(void **state) {
    (void)state;
    struct call call;
    struct desk_speaking speaking;
    call_open(&call);
    call_join(&call, 500, 0);
    call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    desk_play(call.desk, make_clip(700, 0.5, 2 * PER_SECOND), 1);
    call_run(&call, 2 * PER_SECOND);
    assert_false(desk_take_speaking(call.desk, &speaking));
    assert_int_equal(speaking.count, 0);
    assert_string_equal(speaking.main_id, "");
    call_close(&call);
}

static void test_desk_play_ends_and_begins_without_a_click(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    for (int i = 0; i < 8; i++) {
        // A cosine that begins and ends at its peak; cut in the middle every second time.
        struct clip *clip = make_clip(300, 0.3, 20);
        for (size_t s = 0; s < clip->count; s++)
            clip->samples[s] = (float)(0.3 * cos(2 * M_PI * 300 * (double)s / TONE_RATE));
        clip->count -= (size_t)(i * 37);
        forget(&call);
        desk_play(call.desk, clip, 1);
        call_run(&call, i % 2 ? 30 : 7 + i);
        if (i % 2 == 0) {
            assert_true(desk_is_playing(call.desk));
            desk_play(call.desk, NULL, 0);
            call_run(&call, 10);
        }
        assert_false(desk_is_playing(call.desk));
        // The fade of 2 ms at the beginning is itself as steep as this.
        assert_true(listener->jump < 2 * steepest(300, 0.3, 0, 0));
        assert_true(tone_rms(listener->sound + listener->heard - 2 * FRAME, 2 * FRAME) < 1e-3);
    }
    call_close(&call);
}

static void test_desk_play_replaces_what_plays(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *listener = call_join(&call, 0, 0);
    desk_play(call.desk, make_clip(2000, 0.2, 100), 1); // never heard: dropped before its tick
    desk_play(call.desk, make_clip(400, 0.2, 500), 1);
    call_run(&call, PER_SECOND);
    desk_play(call.desk, make_clip(900, 0.2, 500), 1);
    call_run(&call, 5);
    forget(&call);
    call_run(&call, PER_SECOND);
    assert_true(is_heard_at(listener, 900, 0.2));
    assert_true(heard_db(listener, 400) < -55);
    assert_true(heard_db(listener, 2000) < -55);
    assert_true(desk_is_playing(call.desk));
    call_close(&call); // in the middle: freed with the desk
}

static void test_desk_play_takes_every_clip_and_volume(void **state) {
    (void)state;
    static const struct {
        double volume, amplitude;
    } cases[] = {{0.5, 0.1}, {2, 0.4}, {100, 0.4}, {-1, 0}, {NAN, 0}};
    struct call call;
    call_open(&call);
    struct member *listener = call_join(&call, 0, 0);
    for (int c = 0; c < 5; c++) {
        desk_play(call.desk, make_clip(700, 0.2, 2 * PER_SECOND), cases[c].volume);
        call_run(&call, 5);
        forget(&call);
        call_run(&call, PER_SECOND);
        if (cases[c].amplitude > 0)
            assert_true(is_heard_at(listener, 700, cases[c].amplitude));
        else
            assert_true(tone_rms(listener->sound, listener->heard) < 1e-3);
    }
    desk_play(call.desk, calloc(1, sizeof(struct clip)), 1); // of no samples
    assert_false(desk_is_playing(call.desk));
    struct clip *one = make_clip(700, 1, 1);
    one->count = 1;
    desk_play(call.desk, one, 1);
    call_run(&call, 2);
    assert_false(desk_is_playing(call.desk));
    call_close(&call);
}

static void test_desk_play_passes_while_nobody_listens(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *member = call_join(&call, 0, 0);
    desk_set_listening(member->channel, false);
    desk_play(call.desk, make_clip(700, 0.2, PER_SECOND), 1);
    call_run(&call, PER_SECOND - 1);
    assert_true(desk_is_playing(call.desk));
    call_run(&call, 1);
    assert_false(desk_is_playing(call.desk));
    assert_int_equal(encodes(&call), 0);
    call_close(&call);
}

static void test_desk_play_keeps_the_sum_below_full_scale(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    call_join(&call, 500, 0.8);
    struct member *listener = call_join(&call, 0, 0);
    desk_set_volume(call.members[0].channel, 2);
    call_run(&call, PER_SECOND);
    desk_play(call.desk, make_clip(900, 0.9, 3 * PER_SECOND), 2);
    call_run(&call, PER_SECOND);
    forget(&call);
    call_run(&call, PER_SECOND);
    // Opus overshoots what the limiter lets through (0.89) a little; unlimited it would be 3.4.
    for (int i = 0; i < listener->heard; i++)
        assert_true(fabs(listener->sound[i]) < 1.1);
    call_close(&call);
}

// ---- volume

static void test_desk_volume_scales_a_voice_for_the_others(void **state) {
    (void)state;
    static const double volumes[] = {0.5, 2, 0.1, 1}, too_much = 7;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 500, 0.15);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    for (int v = 0; v < 4; v++) {
        desk_set_volume(speaker->channel, volumes[v]);
        call_run(&call, 5);
        forget(&call);
        call_run(&call, PER_SECOND);
        assert_true(is_heard_at(listener, 500, 0.15 * volumes[v]));
    }
    desk_set_volume(speaker->channel, too_much);
    call_run(&call, 5);
    forget(&call);
    call_run(&call, PER_SECOND);
    assert_true(is_heard_at(listener, 500, 0.3));
    call_close(&call);
}

static void test_desk_volume_changes_without_a_click(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 300, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, 2 * PER_SECOND);
    forget(&call);
    static const double volumes[] = {2, 0.1, 1.5, 0, 2, 0, 0.3, 2, 0};
    for (int i = 0; i < 9; i++) {
        desk_set_volume(speaker->channel, volumes[i]);
        call_run(&call, 23);
    }
    // At its loudest it is twice the tone.
    assert_true(listener->jump < 1.6 * steepest(300, 0.4, 0, 0));
    assert_true(tone_rms(listener->sound + listener->heard - 3 * FRAME, 3 * FRAME) < 1e-3);
    call_close(&call);
}

// As loud as all the others together at the microphone, and turned down: it keeps nobody out.
static void test_desk_volume_counts_for_the_seats_and_the_floor(void **state) {
    (void)state;
    struct call call;
    struct desk_speaking speaking;
    call_open_with(&call, 1);
    struct member *loud = call_join(&call, 500, 0.5);
    call_join(&call, 900, 0.1);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, 2 * PER_SECOND);
    assert_true(heard_db(listener, 500) > heard_db(listener, 900) + 20);
    desk_take_speaking(call.desk, &speaking);
    assert_string_equal(speaking.main_id, "m1");
    desk_set_volume(loud->channel, 0.02);
    call_run(&call, 3 * PER_SECOND);
    forget(&call);
    call_run(&call, PER_SECOND);
    assert_true(is_heard_at(listener, 900, 0.1));
    desk_take_speaking(call.desk, &speaking);
    assert_string_equal(speaking.main_id, "m2");
    assert_int_equal(speaking.count, 2); // but it speaks, as all can see
    call_close(&call);
}

// A fan's noise behind a closed gate does not become a voice by being turned up.
static void test_desk_volume_does_not_fool_the_speech_detector(void **state) {
    (void)state;
    struct call call;
    struct desk_speaking speaking;
    call_open(&call);
    struct member *quiet = call_join(&call, 500, 0.0008); // -62 dBFS
    call_join(&call, 0, 0);
    desk_set_volume(quiet->channel, 2);
    call_run(&call, 3 * PER_SECOND);
    assert_false(desk_take_speaking(call.desk, &speaking));
    quiet->amplitude = 0.2;
    desk_set_volume(quiet->channel, 0);
    call_run(&call, 2 * PER_SECOND);
    assert_false(desk_take_speaking(call.desk, &speaking)); // 0 is muted
    desk_set_volume(quiet->channel, 0.05);
    call_run(&call, PER_SECOND);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_int_equal(speaking.count, 1);
    call_close(&call);
}

// ---- figures

static void test_desk_counts_the_playout_delay_of_who_sounds_once_a_second(void **state) {
    (void)state;
    struct call call;
    struct desk_stats stats;
    call_open(&call);
    call_join(&call, 500, 0.2);
    call_join(&call, 800, 0.2);
    call_join(&call, 300, 0); // says nothing
    call_run(&call, 10 * PER_SECOND);
    desk_get_stats(call.desk, &stats);
    uint64_t count = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        count += stats.playout_delay.counts[i];
    assert_in_range(count, 2 * 9, 2 * 10);
    double mean_ms = (double)stats.playout_delay.sum_ns / 1e6 / (double)count;
    assert_true(mean_ms > 3 && mean_ms < 60);
    struct desk_stats again;
    desk_get_stats(call.desk, &again); // no sum of sums
    assert_memory_equal(&again.playout_delay, &stats.playout_delay, sizeof(stats.playout_delay));
    call_close(&call);
}

// ---- threads

struct storm {
    struct desk *desk;
    struct desk_channel *channel;
    atomic_bool is_over;
};

static void *storm_ticks(void *user) {
    struct storm *storm = user;
    for (int64_t t = 1; !atomic_load(&storm->is_over); t++)
        desk_tick(storm->desk, t * 20 * TONE_MS);
    return NULL;
}

static void *storm_clips(void *user) {
    struct storm *storm = user;
    for (int i = 0; i < 300; i++) {
        desk_play(storm->desk, i % 5 ? make_clip(500, 0.2, 1 + i % 7) : NULL, i % 3);
        desk_set_volume(storm->channel, i % 4 * 0.5);
        while (i % 2 && desk_is_playing(storm->desk))
            sched_yield();
    }
    return NULL;
}

static void test_desk_clips_come_and_go_under_the_tick(void **state) {
    (void)state;
    struct desk_config config = {
        .kbps = 32, .loudest = 3, .playout_min_ns = 20 * TONE_MS, .playout_max_ns = 120 * TONE_MS};
    static const struct desk_channel_ops ops;
    struct storm storm = {.desk = desk_create(&config)};
    storm.channel = desk_add(storm.desk, "m1", &ops, NULL);
    desk_set_listening(storm.channel, true);
    pthread_t ticker, players[2];
    pthread_create(&ticker, NULL, storm_ticks, &storm);
    for (int i = 0; i < 2; i++)
        pthread_create(&players[i], NULL, storm_clips, &storm);
    for (int i = 0; i < 2; i++)
        pthread_join(players[i], NULL);
    atomic_store(&storm.is_over, true);
    pthread_join(ticker, NULL);
    desk_remove(storm.desk, storm.channel);
    desk_destroy(storm.desk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_desk_play_is_heard_by_speakers_and_listeners_besides_the_others),
        cmocka_unit_test(test_desk_play_is_sent_in_a_silent_room_from_its_first_tick),
        cmocka_unit_test(test_desk_play_counts_to_no_speaker),
        cmocka_unit_test(test_desk_play_ends_and_begins_without_a_click),
        cmocka_unit_test(test_desk_play_replaces_what_plays),
        cmocka_unit_test(test_desk_play_takes_every_clip_and_volume),
        cmocka_unit_test(test_desk_play_passes_while_nobody_listens),
        cmocka_unit_test(test_desk_play_keeps_the_sum_below_full_scale),
        cmocka_unit_test(test_desk_volume_scales_a_voice_for_the_others),
        cmocka_unit_test(test_desk_volume_changes_without_a_click),
        cmocka_unit_test(test_desk_volume_counts_for_the_seats_and_the_floor),
        cmocka_unit_test(test_desk_volume_does_not_fool_the_speech_detector),
        cmocka_unit_test(test_desk_counts_the_playout_delay_of_who_sounds_once_a_second),
        cmocka_unit_test(test_desk_clips_come_and_go_under_the_tick),
    };
    // As in test_desk.c: under ThreadSanitizer only threads matter.
    if (getenv("TESSERA_TEST_SHORT"))
        cmocka_set_test_filter("*under_the_tick");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
