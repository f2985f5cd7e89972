// SPDX-License-Identifier: MIT
// The whole desk: the mix, the network, who speaks, threads.
#include "tests/unit/desk_call.h"

#include <errno.h>
#include <opus/opus.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// ---- the mix

static void test_desk_member_never_hears_itself(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    static const double hz[] = {500, 800, 1300};
    for (int i = 0; i < 3; i++)
        call_join(&call, hz[i], 0.2);
    call_join(&call, 0, 0); // listens only
    call_run(&call, 2 * PER_SECOND);
    for (int i = 0; i < 3; i++) {
        const struct member *member = &call.members[i];
        double own = heard_db(member, hz[i]);
        for (int other = 0; other < 3; other++) {
            if (other == i)
                continue;
            assert_true(fabs(heard_db(member, hz[other]) - 20 * log10(0.2)) < 2);
            assert_true(own < heard_db(member, hz[other]) - 35);
        }
        assert_true(fabs(heard_db(&call.members[3], hz[i]) - 20 * log10(0.2)) < 2);
    }
    call_close(&call);
}

static void test_desk_mixes_the_loudest_only(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    for (int i = 0; i < 6; i++)
        call_join(&call, 400 + 300 * i, 0.03 * pow(1.5, i));
    // All speak from the start; the seats go to the loudest of them.
    call_run(&call, 4 * PER_SECOND);
    const struct member *listener = call_join(&call, 0, 0);
    call_run(&call, 2 * PER_SECOND);
    for (int i = 0; i < 6; i++) {
        double expected = 20 * log10(0.03 * pow(1.5, i));
        if (i >= 3)
            assert_true(fabs(heard_db(listener, 400 + 300 * i) - expected) < 2.5);
        else
            assert_true(heard_db(listener, 400 + 300 * i) < expected - 20);
    }
    call_close(&call);
}

static void test_desk_encodes_once_for_all_and_once_for_each_in_the_mix(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    for (int i = 0; i < 8; i++)
        call_join(&call, 400 + 150 * i, 0.1);
    call_run(&call, PER_SECOND);
    uint64_t before = encodes(&call);
    call_run(&call, 2 * PER_SECOND);
    assert_int_equal(encodes(&call) - before, 2 * PER_SECOND * 4);

    // One speaks: one encode for it, one for the seven others.
    for (int i = 1; i < 8; i++)
        call.members[i].amplitude = 0;
    call_run(&call, 4 * PER_SECOND);
    before = encodes(&call);
    forget(&call);
    call_run(&call, PER_SECOND);
    assert_true(encodes(&call) - before <= PER_SECOND + 5); // its own mix is silent
    for (int i = 1; i < 8; i++)
        assert_int_equal(call.members[i].packets, PER_SECOND);
    call_close(&call);
}

static void test_desk_does_nothing_for_nobody(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    for (int i = 0; i < 3; i++)
        desk_set_listening(call_join(&call, 500 + 100 * i, 0.2)->channel, false);
    call_run(&call, 2 * PER_SECOND);
    assert_int_equal(encodes(&call), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call.members[i].packets, 0);
    // Who comes later hears what is said now, not what has waited.
    desk_set_listening(call.members[0].channel, true);
    call_run(&call, PER_SECOND);
    assert_true(desk_delay_ns(call.members[1].channel) < 45 * TONE_MS);
    assert_true(heard_db(&call.members[0], 600) > -20);
    call_close(&call);
}

static void test_desk_sends_little_in_silence_but_never_starves(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    call.members[0].amplitude = 0;
    call_run(&call, 3 * PER_SECOND);
    forget(&call);
    call_run(&call, 10 * PER_SECOND);
    assert_in_range(listener->packets, 25, 60); // of 500
    assert_true(listener->longest_gap_ns <= 400 * TONE_MS);
    call_close(&call);
}

static void test_desk_tells_when_the_newest_sound_came(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    call.delay_ns = 0;
    call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    assert_true(listener->last_source_ns <= call.now_ns);
    assert_true(listener->last_source_ns > call.now_ns - 60 * TONE_MS);
    assert_int_equal(call.members[0].last_source_ns, 0); // nothing in its mix
    assert_in_range((int)(desk_delay_ns(call.members[0].channel) / TONE_MS), 18, 45);
    call_close(&call);
}

// ---- clicks

static void test_desk_switching_encoders_does_not_click(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 300, 0.2);
    struct member *listener = call_join(&call, 450, 0);
    call_join(&call, 0, 0);
    (void)speaker;
    call_run(&call, 2 * PER_SECOND);
    forget(&call);
    call_run(&call, PER_SECOND);
    double undisturbed = listener->jump;
    // It says a word now and then, and moves between the shared outlet and its own.
    for (int word = 0; word < 6; word++) {
        listener->amplitude = 0.2;
        call_run(&call, 20);
        listener->amplitude = 0;
        call_run(&call, 140);
    }
    assert_true(undisturbed < 1.2 * steepest(300, 0.2, 0, 0));
    assert_true(listener->jump < 1.6 * steepest(300, 0.2, 0, 0));
    call_close(&call);
}

static void test_desk_mute_fades(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 300, 0.3);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    forget(&call);
    for (int i = 0; i < 8; i++) {
        desk_set_muted(speaker->channel, i % 2 == 0);
        call_run(&call, 37);
        if (i % 2 == 0) {
            struct desk_channel_stats stats;
            desk_get_channel_stats(speaker->channel, &stats);
            assert_false(stats.is_speaking);
            assert_true(tone_rms(listener->sound + listener->heard - 3 * FRAME, 3 * FRAME) < 1e-3);
        } else {
            assert_true(tone_rms(listener->sound + listener->heard - 3 * FRAME, 3 * FRAME) > 0.15);
        }
    }
    assert_true(listener->jump < 2 * steepest(300, 0.3, 0, 0));
    call_close(&call);
}

static void test_desk_who_leaves_in_a_word_does_not_click(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *listener = call_join(&call, 0, 0);
    for (int i = 0; i < 5; i++) {
        struct member *speaker = call_join(&call, 300, 0.3);
        call_run(&call, PER_SECOND + i);
        forget(&call);
        member_leave(&call, speaker);
        call_run(&call, 10);
        assert_true(listener->jump < 2 * steepest(300, 0.3, 0, 0));
        assert_true(tone_rms(listener->sound + listener->heard - FRAME, FRAME) < 1e-3);
    }
    call_close(&call);
}

// ---- the network

static struct desk_channel_stats channel_stats(const struct member *member) {
    struct desk_channel_stats stats;
    desk_get_channel_stats(member->channel, &stats);
    return stats;
}

// Runs the same speech over a lossy path and a clean one. Returns how far what is heard strays from
// the clean, relative to it, dB.
static double stray_db(double loss, bool with_fec, struct desk_channel_stats *out) {
    enum { SECONDS = 10 };
    struct call calls[2];
    double clean = 0, stray = 0;
    for (int c = 0; c < 2; c++) {
        call_open(&calls[c]);
        struct member *speaker = call_join(&calls[c], 1, 0.2);
        speaker->is_voice = true;
        opus_encoder_ctl(speaker->encoder, OPUS_SET_INBAND_FEC(with_fec));
        call_join(&calls[c], 0, 0);
        // Enough delay that a packet's successor is there when the hole comes up.
        desk_set_min_delay_ns(speaker->channel, 60 * TONE_MS);
        call_run(&calls[c], 3 * PER_SECOND);
    }
    struct desk_channel_stats before = channel_stats(&calls[0].members[0]);
    calls[0].loss = loss;
    for (int second = 0; second < SECONDS; second++) {
        forget(&calls[0]);
        forget(&calls[1]);
        call_run(&calls[0], PER_SECOND);
        call_run(&calls[1], PER_SECOND);
        const struct member *lossy = &calls[0].members[1], *whole = &calls[1].members[1];
        assert_int_equal(lossy->heard, whole->heard);
        for (int i = 0; i < whole->heard; i++) {
            clean += (double)whole->sound[i] * whole->sound[i];
            stray += pow(whole->sound[i] - lossy->sound[i], 2);
        }
    }
    calls[0].loss = 0;
    call_run(&calls[0], 10);
    *out = channel_stats(&calls[0].members[0]);
    out->lost -= before.lost;
    out->concealed -= before.concealed;
    out->recovered_by_fec -= before.recovered_by_fec;
    assert_true(fabs((double)out->lost / (SECONDS * PER_SECOND) - loss) < loss / 2);
    assert_true(fabs((double)(out->recovered_by_fec + out->concealed) - (double)out->lost) <= 2);
    for (int c = 0; c < 2; c++)
        call_close(&calls[c]);
    return 10 * log10(stray / clean);
}

static void test_desk_restores_losses_from_fec(void **state) {
    (void)state;
    static const double losses[] = {0.05, 0.10};
    for (int l = 0; l < 2; l++) {
        struct desk_channel_stats with, without;
        double with_db = stray_db(losses[l], true, &with);
        double without_db = stray_db(losses[l], false, &without);
        assert_int_equal(without.recovered_by_fec, 0);
        assert_true(with.recovered_by_fec > 0.6 * (double)with.lost);
        assert_true(with_db < without_db - 3);
    }
}

static void test_desk_conceals_without_fec(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    opus_encoder_ctl(speaker->encoder, OPUS_SET_INBAND_FEC(0));
    desk_set_min_delay_ns(speaker->channel, 60 * TONE_MS);
    call_run(&call, 5 * PER_SECOND);
    forget(&call);
    call.loss = 0.05;
    call_run(&call, 20 * PER_SECOND);
    assert_true(channel_stats(speaker).concealed > 20);
    // A steady tone goes through single holes as if they were not there.
    assert_true(heard_db(listener, 500) > 20 * log10(0.2) - 3);
    assert_true(listener->jump < 3 * steepest(500, 0.2, 0, 0));
    call_close(&call);
}

static void test_desk_takes_dtx_for_silence(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    for (int spurt = 0; spurt < 10; spurt++) {
        speaker->is_sending = true;
        call_run(&call, 30);
        speaker->is_sending = false; // stops without a word, for 400 ms and more
        call_run(&call, 20 + spurt);
    }
    struct desk_channel_stats stats = channel_stats(speaker);
    assert_int_equal(stats.concealed, 0);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.late, 0);
    assert_true(listener->packets > 0);
    call_close(&call);
}

static void test_desk_fades_out_who_falls_silent(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    call_run(&call, PER_SECOND);
    forget(&call);
    speaker->is_sending = false;
    call_run(&call, PER_SECOND); // no drone
    assert_true(tone_rms(listener->sound + listener->heard - 3 * FRAME, 3 * FRAME) < 1e-3);
    assert_false(channel_stats(speaker).is_speaking);
    assert_true(listener->jump < 2 * steepest(500, 0.2, 0, 0));
    // And from its first frame on it is heard again.
    speaker->is_sending = true;
    call_run(&call, 6);
    assert_true(tone_rms(listener->sound + listener->heard - 2 * FRAME, 2 * FRAME) > 0.1);
    call_close(&call);
}

static void test_desk_takes_stereo_and_long_packets(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 0, 0);
    struct member *listener = call_join(&call, 0, 0);
    speaker->is_sending = false;
    OpusEncoder *stereo = opus_encoder_create(48000, 2, OPUS_APPLICATION_AUDIO, NULL);
    float mono[2880], both[2 * 2880];
    unsigned char data[1500];
    for (int p = 0; p < 60; p++) {
        tone_fill(mono, 2880, 500, 0.2, p * 2880);
        for (int i = 0; i < 2880; i++)
            both[2 * i] = both[2 * i + 1] = mono[i];
        int size = opus_encode_float(stereo, both, 2880, data, sizeof(data));
        assert_true(size > 0);
        assert_int_equal(desk_push(speaker->channel, data, (size_t)size, call.now_ns, call.now_ns),
                         0);
        call_run(&call, 3);
    }
    opus_encoder_destroy(stereo);
    assert_true(fabs(heard_db(listener, 500) - 20 * log10(0.2)) < 2);
    assert_int_equal(channel_stats(speaker).late, 0);
    call_close(&call);
}

static void test_desk_survives_garbage(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *bad = call_join(&call, 0, 0);
    struct member *good = call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    bad->is_sending = false;
    static unsigned char data[9000];
    assert_int_equal(desk_push(bad->channel, NULL, 0, call.now_ns, call.now_ns), -EINVAL);
    assert_int_equal(desk_push(bad->channel, data, 0, call.now_ns, call.now_ns), -EINVAL);
    assert_int_equal(desk_push(bad->channel, data, sizeof(data), call.now_ns, call.now_ns),
                     -EINVAL);
    assert_int_equal(desk_push(bad->channel, "\x03", 1, call.now_ns, call.now_ns), -EINVAL);
    assert_int_equal(desk_push(bad->channel, "\xff", 1, INT64_MIN, INT64_MAX), -EINVAL);
    for (int t = 0; t < 10 * PER_SECOND; t++) {
        for (int n = 0; n < 4; n++) {
            size_t size = (size_t)(tone_random() * 400);
            for (size_t i = 0; i < size; i++)
                data[i] = (unsigned char)(256 * tone_random());
            int64_t pts_ns = call.now_ns + (int64_t)((tone_random() - 0.5) * 4e9);
            desk_push(bad->channel, data, size, pts_ns, call.now_ns);
            desk_push_lost(bad->channel, pts_ns, (int64_t)((tone_random() - 0.1) * 1e9));
        }
        call_run(&call, 1);
    }
    assert_true(channel_stats(bad).packets > 100);
    // Limited before the encoder; noise may overshoot in the decoder.
    for (int i = 0; i < listener->heard; i++)
        assert_true(fabs(listener->sound[i]) < 3);
    // The others notice nothing once it stops.
    call_run(&call, 2 * PER_SECOND);
    assert_true(fabs(heard_db(listener, good->hz) - 20 * log10(0.2)) < 2);
    call_close(&call);
}

static void test_desk_tick_may_be_late_or_left_out(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct member *speaker = call_join(&call, 500, 0.2);
    struct member *listener = call_join(&call, 0, 0);
    for (int t = 0; t < 20 * PER_SECOND; t++) {
        member_say(&call, speaker);
        call.now_ns += 20 * TONE_MS;
        if (t % 100 != 99)
            desk_tick(call.desk, call.now_ns);
    }
    assert_true(desk_delay_ns(speaker->channel) < 80 * TONE_MS);
    assert_true(tone_rms(listener->sound, listener->heard) > 0.12); // the pitch bends meanwhile
    call_close(&call);
}

// ---- who speaks

static void test_desk_tells_who_speaks(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    struct desk_speaking speaking;
    for (int i = 0; i < 3; i++)
        call_join(&call, 400 + 200 * i, 0);
    call_run(&call, PER_SECOND);
    assert_false(desk_take_speaking(call.desk, &speaking));
    assert_string_equal(speaking.main_id, "");
    call.members[1].amplitude = 0.1;
    call_run(&call, PER_SECOND / 2);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_int_equal(speaking.count, 1);
    assert_string_equal(speaking.ids[0], "m2");
    assert_string_equal(speaking.main_id, "m2");
    assert_false(desk_take_speaking(call.desk, &speaking));

    // Two at once; the louder takes the floor, but not at once.
    call.members[0].amplitude = 0.4;
    call_run(&call, 12);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_int_equal(speaking.count, 2);
    assert_string_equal(speaking.main_id, "m2");
    call_run(&call, 2 * PER_SECOND);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_string_equal(speaking.main_id, "m1");

    // All silent: nobody speaks, the floor stays. A muted member speaks never.
    call.members[0].amplitude = call.members[1].amplitude = 0;
    desk_set_muted(call.members[2].channel, true);
    call.members[2].amplitude = 0.4;
    call_run(&call, 2 * PER_SECOND);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_int_equal(speaking.count, 0);
    assert_string_equal(speaking.main_id, "m1");
    member_leave(&call, &call.members[0]);
    call_run(&call, 1);
    assert_true(desk_take_speaking(call.desk, &speaking));
    assert_string_equal(speaking.main_id, "");
    call_close(&call);
}

// ---- threads

struct storm {
    struct desk *desk;
    atomic_bool is_over;
    atomic_int added, released;
    unsigned char data[400];
    size_t size;
};

static void on_storm_audio(void *user, struct packet *packet) {
    (void)user;
    packet_unref(packet_ref(packet));
}

static void on_storm_release(void *user) {
    atomic_fetch_add(&((struct storm *)user)->released, 1);
}

static const struct desk_channel_ops storm_ops = {on_storm_audio, on_storm_release};

static uint64_t storm_ticks_done(const struct storm *storm) {
    struct desk_stats stats;
    desk_get_stats(storm->desk, &stats);
    return stats.ticks;
}

// A member's life, again and again: join, speak, be asked and changed through some ticks, leave.
static void *storm_member(void *user) {
    struct storm *storm = user;
    for (int life = 0; life < 20; life++) {
        struct desk_channel *channel = desk_add(storm->desk, "storm", &storm_ops, storm);
        atomic_fetch_add(&storm->added, 1);
        uint64_t born = storm_ticks_done(storm);
        for (int p = 0; storm_ticks_done(storm) < born + 8; p++) {
            struct desk_channel_stats stats;
            int64_t at_ns = (int64_t)(storm_ticks_done(storm) * 20 * TONE_MS);
            desk_push(channel, storm->data, storm->size, at_ns, at_ns);
            desk_push_lost(channel, at_ns + 20 * TONE_MS, 20 * TONE_MS);
            desk_set_listening(channel, p % 8 != 0);
            desk_set_muted(channel, p % 16 == 5);
            desk_set_thrifty(channel, p % 11 < 5);
            desk_set_loss_percent(channel, p % 40);
            desk_set_min_delay_ns(channel, p % 40 * TONE_MS);
            desk_get_channel_stats(channel, &stats);
            desk_delay_ns(channel);
            sched_yield();
        }
        desk_remove(storm->desk, channel);
    }
    return NULL;
}

static void *storm_ticks(void *user) {
    struct storm *storm = user;
    struct desk_speaking speaking;
    for (int64_t t = 1; !atomic_load(&storm->is_over); t++) {
        desk_tick(storm->desk, t * 20 * TONE_MS);
        desk_take_speaking(storm->desk, &speaking);
    }
    return NULL;
}

static void test_desk_channels_come_and_go_under_the_tick(void **state) {
    (void)state;
    struct desk_config config = {
        .kbps = 32, .loudest = 3, .playout_min_ns = 20 * TONE_MS, .playout_max_ns = 120 * TONE_MS};
    struct storm storm = {.desk = desk_create(&config)};
    OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    float pcm[FRAME];
    tone_fill(pcm, FRAME, 440, 0.3, 0);
    storm.size = (size_t)opus_encode_float(encoder, pcm, FRAME, storm.data, sizeof(storm.data));
    opus_encoder_destroy(encoder);
    pthread_t ticker, members[3];
    pthread_create(&ticker, NULL, storm_ticks, &storm);
    for (int i = 0; i < 3; i++)
        pthread_create(&members[i], NULL, storm_member, &storm);
    for (int i = 0; i < 3; i++)
        pthread_join(members[i], NULL);
    atomic_store(&storm.is_over, true);
    pthread_join(ticker, NULL);
    assert_int_equal(storm.released, storm.added);
    assert_int_equal(storm.added, 60);
    struct desk_stats stats;
    desk_get_stats(storm.desk, &stats);
    assert_true(stats.ticks > 0);
    desk_destroy(storm.desk);
}

static void test_desk_releases_once_and_destroys_empty(void **state) {
    (void)state;
    struct call call;
    call_open(&call);
    call_join(&call, 500, 0.2);
    call_join(&call, 600, 0.2);
    call_run(&call, 10);
    member_leave(&call, &call.members[0]);
    call_run(&call, 10);
    assert_int_equal(call.members[0].released, 1);
    call_close(&call);
    desk_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_desk_member_never_hears_itself),
        cmocka_unit_test(test_desk_mixes_the_loudest_only),
        cmocka_unit_test(test_desk_encodes_once_for_all_and_once_for_each_in_the_mix),
        cmocka_unit_test(test_desk_does_nothing_for_nobody),
        cmocka_unit_test(test_desk_sends_little_in_silence_but_never_starves),
        cmocka_unit_test(test_desk_tells_when_the_newest_sound_came),
        cmocka_unit_test(test_desk_switching_encoders_does_not_click),
        cmocka_unit_test(test_desk_mute_fades),
        cmocka_unit_test(test_desk_who_leaves_in_a_word_does_not_click),
        cmocka_unit_test(test_desk_restores_losses_from_fec),
        cmocka_unit_test(test_desk_conceals_without_fec),
        cmocka_unit_test(test_desk_takes_dtx_for_silence),
        cmocka_unit_test(test_desk_fades_out_who_falls_silent),
        cmocka_unit_test(test_desk_takes_stereo_and_long_packets),
        cmocka_unit_test(test_desk_survives_garbage),
        cmocka_unit_test(test_desk_tick_may_be_late_or_left_out),
        cmocka_unit_test(test_desk_tells_who_speaks),
        cmocka_unit_test(test_desk_channels_come_and_go_under_the_tick),
        cmocka_unit_test(test_desk_releases_once_and_destroys_empty),
    };
    // Under ThreadSanitizer only threads matter; the hours of made-up clocks would take real ones.
    if (getenv("TESSERA_TEST_SHORT"))
        cmocka_set_test_filter("*under_the_tick");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
