// SPDX-License-Identifier: MIT
// Thrifty listeners at a whole desk: who shares an encode, and what a listener hears in a row while
// it changes between 20 and 60 ms, and between the shared mix and its own.
#include "mixer/audio/desk.h"
#include "tests/unit/tone.h"

#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAME = DESK_FRAME_SAMPLES, EARS_MAX = 6, TICKS_MAX = 3000, PER_SECOND = 50 };
// 310 Hz: a frame too few or too many turns the phase by a fifth.
enum { TONE_HZ = 310 };
#define TICK_NS (20 * TONE_MS)

// One member: says a tone, and keeps what it hears at the place in time where its packet says.
struct ear {
    struct desk_channel *channel;
    OpusEncoder *encoder;
    OpusDecoder *decoder;
    double hz, amplitude;
    bool is_voice; // vowels in place of the tone
    int64_t said;
    int packets, long_packets, filled_to; // ticks
    int64_t bytes, longest_wait_ns, last_at_ns;
    uint8_t covered[TICKS_MAX];
    float sound[TICKS_MAX * FRAME];
};

static struct room {
    struct desk *desk;
    struct ear ears[EARS_MAX];
    int count, ticks;
    int64_t now_ns;
} room;

static void on_audio(void *user, struct packet *packet) {
    struct ear *ear = user;
    float pcm[5760];
    int made = opus_decode_float(ear->decoder, packet->data, (int)packet->size_bytes, pcm, 5760, 0);
    int frames = (int)(packet->duration_ns / TICK_NS), at = (int)(packet->pts_ns / TICK_NS) - 1;
    assert_int_equal(made, frames * FRAME);
    assert_true(frames == 1 || frames == 3);
    assert_int_equal(packet->pts_ns % TICK_NS, 0);
    assert_int_equal(at + frames - 1, room.ticks); // sent by the tick that completes it
    assert_true(at >= ear->filled_to);
    ear->filled_to = at + frames;
    for (int i = 0; i < frames; i++)
        ear->covered[at + i]++;
    memcpy(ear->sound + (size_t)at * FRAME, pcm, (size_t)made * sizeof(float));
    int64_t wait_ns = ear->last_at_ns ? room.now_ns - ear->last_at_ns : 0;
    ear->longest_wait_ns = wait_ns > ear->longest_wait_ns ? wait_ns : ear->longest_wait_ns;
    ear->last_at_ns = room.now_ns;
    ear->packets++;
    ear->long_packets += frames == 3;
    ear->bytes += (int64_t)packet->size_bytes;
}

static const struct desk_channel_ops ops = {on_audio, NULL};

static void room_open_with(int thrifty_kbps, int loudest) {
    struct desk_config config = {.kbps = 32,
                                 .thrifty_kbps = thrifty_kbps,
                                 .loudest = loudest,
                                 .playout_min_ns = 20 * TONE_MS,
                                 .playout_max_ns = 120 * TONE_MS};
    memset(&room, 0, sizeof(room));
    room.desk = desk_create(&config);
    assert_non_null(room.desk);
}

static void room_open(int thrifty_kbps) {
    room_open_with(thrifty_kbps, 3);
}

static struct ear *room_join(double hz, double amplitude, bool is_thrifty) {
    struct ear *ear = &room.ears[room.count++];
    ear->hz = hz;
    ear->amplitude = amplitude;
    ear->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    ear->decoder = opus_decoder_create(48000, 1, NULL);
    opus_encoder_ctl(ear->encoder, OPUS_SET_BITRATE(64000));
    ear->channel = desk_add(room.desk, "ear", &ops, ear);
    assert_non_null(ear->channel);
    desk_set_listening(ear->channel, true);
    desk_set_thrifty(ear->channel, is_thrifty);
    return ear;
}

static void room_close(void) {
    for (int i = 0; i < room.count; i++) {
        desk_remove(room.desk, room.ears[i].channel);
        opus_encoder_destroy(room.ears[i].encoder);
        opus_decoder_destroy(room.ears[i].decoder);
    }
    desk_destroy(room.desk);
}

static void ear_say(struct ear *ear) {
    float pcm[FRAME];
    unsigned char data[1500];
    if (ear->hz <= 0)
        return;
    if (ear->is_voice)
        tone_fill_voice(pcm, FRAME, ear->amplitude, ear->said);
    else
        tone_fill(pcm, FRAME, ear->hz, ear->amplitude, ear->said);
    ear->said += FRAME;
    int size = opus_encode_float(ear->encoder, pcm, FRAME, data, sizeof(data));
    assert_true(size > 0);
    assert_int_equal(desk_push(ear->channel, data, (size_t)size, room.now_ns, room.now_ns), 0);
}

static void room_run(int ticks) {
    for (int t = 0; t < ticks; t++, room.ticks++) {
        for (int i = 0; i < room.count; i++)
            ear_say(&room.ears[i]);
        room.now_ns += TICK_NS;
        assert_int_equal(desk_tick(room.desk, room.now_ns), 0);
    }
}

static uint64_t encodes(void) {
    struct desk_stats stats;
    desk_get_stats(room.desk, &stats);
    return stats.encodes;
}

// ---- who shares

static uint64_t encodes_in(int ticks) {
    uint64_t before = encodes();
    room_run(ticks);
    return encodes() - before;
}

static void test_thrift_listeners_share_one_encode(void **state) {
    (void)state;
    room_open(0);
    const struct ear *speaker = room_join(TONE_HZ, 0.2, false);
    struct ear *thrifty = room_join(0, 0, true);
    room_join(0, 0, true);
    room_join(0, 0, true);
    room_run(2 * PER_SECOND);
    // The speaker's own mix rests. Nobody listens in the usual way, so nothing is made so.
    assert_in_range(encodes_in(150), 50, 50 + 9);
    assert_int_equal(speaker->long_packets, 0);
    struct ear *plain = room_join(0, 0, false);
    int before = plain->packets, before_thrifty = thrifty->packets;
    assert_in_range(encodes_in(150), 200, 200 + 9);
    assert_int_equal(plain->packets - before, 150);
    assert_int_equal(thrifty->packets - before_thrifty, 50);
    for (int i = 1; i < 4; i++)
        desk_set_listening(room.ears[i].channel, false);
    assert_in_range(encodes_in(150), 150, 150 + 9);
    room_close();
}

static double kbps_in_6_s(const struct ear *ear) {
    int64_t before = ear->bytes;
    room_run(5 * 60);
    return (double)(ear->bytes - before) * 8 / 6000;
}

static void test_thrift_costs_its_kbps(void **state) {
    (void)state;
    static const int kbps[] = {0, 6, 14, 40};
    for (int k = 0; k < 4; k++) {
        room_open(kbps[k]);
        room_join(TONE_HZ, 0.2, false);
        const struct ear *thrifty = room_join(0, 0, true);
        room_run(PER_SECOND);
        double spent = kbps_in_6_s(thrifty);
        double asked = kbps[k] ? kbps[k] : 14;
        assert_true(spent < 1.15 * asked);
        room_close();
    }
}

static void test_thrift_fec_is_for_the_worst_off(void **state) {
    (void)state;
    room_open(0);
    room_join(1, 0.2, false)->is_voice = true;
    struct ear *good = room_join(0, 0, true), *bad = room_join(0, 0, true);
    struct ear *plain = room_join(0, 0, false);
    desk_set_loss_percent(plain->channel, 20); // hears another outlet
    room_run(2 * PER_SECOND);
    double without = kbps_in_6_s(good);
    desk_set_loss_percent(bad->channel, 8);
    desk_set_loss_percent(good->channel, 1);
    double with = kbps_in_6_s(good);
    assert_true(with > 1.15 * without);
    desk_set_thrifty(bad->channel, false);
    assert_true(kbps_in_6_s(good) < 1.08 * without);
    room_close();
}

static void test_thrift_in_the_mix_never_hears_itself(void **state) {
    (void)state;
    room_open(0);
    const struct ear *other = room_join(TONE_HZ, 0.2, false);
    const struct ear *both[] = {room_join(1130, 0.2, true), room_join(1730, 0.2, true)};
    room_run(2 * PER_SECOND);
    uint64_t made = encodes_in(150);
    assert_int_equal(made, 150 + 50 + 50);
    for (int i = 0; i < 2; i++) {
        const float *sound = both[i]->sound + (size_t)100 * FRAME;
        double own = tone_amplitude(sound, 100 * FRAME, both[i]->hz);
        assert_true(tone_amplitude(sound, 100 * FRAME, other->hz) > 0.15);
        assert_true(tone_amplitude(sound, 100 * FRAME, both[1 - i]->hz) > 0.12);
        assert_true(own < 0.005);
    }
    room_close();
}

// ---- changing

struct steadiness {
    double weakest, strongest; // amplitude of the tone in any 20 ms
    double turn;               // largest step of its phase between neighbours, radians
    double drift; // of its phase in the end, against that of a listener who never changes
    double self;  // strongest of its own voice
    double jump;  // largest step between two samples
};

static double phase_of(const float *sound, int64_t first_sample, double hz, double *amplitude) {
    double re = 0, im = 0, weight = 0;
    for (int i = 0; i < FRAME; i++) {
        double hann = 0.5 - 0.5 * cos(2 * M_PI * i / FRAME);
        double turn = 2 * M_PI * hz * (double)(first_sample + i) / TONE_RATE;
        re += hann * sound[i] * cos(turn);
        im += hann * sound[i] * sin(turn);
        weight += hann;
    }
    *amplitude = 2 * sqrt(re * re + im * im) / weight;
    return atan2(im, re);
}

// Steps of a quarter of a frame, so that every border lies inside a window.
static struct steadiness measure(const struct ear *ear, const struct ear *reference, int from_tick,
                                 int to_tick, double hz) {
    struct steadiness found = {.weakest = 9};
    double last = 0;
    for (int64_t at = (int64_t)from_tick * FRAME; at + FRAME <= (int64_t)to_tick * FRAME;
         at += FRAME / 4) {
        double amplitude, self, phase = phase_of(ear->sound + at, at, hz, &amplitude);
        if (at == (int64_t)from_tick * FRAME)
            last = phase;
        found.turn = fmax(found.turn, fabs(remainder(phase - last, 2 * M_PI)));
        last = phase;
        found.weakest = fmin(found.weakest, amplitude);
        found.strongest = fmax(found.strongest, amplitude);
        if (reference) {
            double truth = phase_of(reference->sound + at, at, hz, &amplitude);
            found.drift = fabs(remainder(phase - truth, 2 * M_PI));
        }
        if (ear->hz > 0) {
            phase_of(ear->sound + at, at, ear->hz, &self);
            found.self = fmax(found.self, self);
        }
    }
    for (int64_t i = (int64_t)from_tick * FRAME + 1; i < (int64_t)to_tick * FRAME; i++)
        found.jump = fmax(found.jump, fabs(ear->sound[i] - ear->sound[i - 1]));
    return found;
}

static void assert_steady(const struct ear *ear, const struct ear *reference, int from_tick) {
    int to_tick = ear->filled_to;
    double hz = TONE_HZ;
    for (int t = from_tick; t < to_tick; t++)
        assert_int_equal(ear->covered[t], 1);
    struct steadiness found = measure(ear, reference, from_tick, to_tick, hz);
    if (getenv("TESSERA_TEST_FIGURES"))
        print_message("0.2 is %.3f .. %.3f, turn %.3f, drift %.3f, self %.4f, jump %.2f\n",
                      found.weakest, found.strongest, found.turn, found.drift, found.self,
                      found.jump / (2 * M_PI / TONE_RATE * hz * 0.2));
    assert_true(found.weakest > 0.13);
    assert_true(found.strongest < 0.25);
    assert_true(found.turn < 0.2);
    assert_true(found.drift < 0.3);
    assert_true(found.self < 0.02);
    assert_true(found.jump < 2 * 2 * M_PI / TONE_RATE * hz * 0.2);
}

static void test_thrift_comes_and_goes_without_a_gap(void **state) {
    (void)state;
    room_open(0);
    room_join(TONE_HZ, 0.2, false);
    struct ear *listener = room_join(0, 0, false);
    const struct ear *reference = room_join(0, 0, false);
    room_join(0, 0, true); // both shared outlets go on without the listener
    room_run(2 * PER_SECOND);
    for (int i = 0; i < 40; i++) {
        desk_set_thrifty(listener->channel, i % 2 == 0);
        room_run(7 + i % 5);
    }
    assert_in_range(listener->long_packets, 40, 90);
    assert_steady(listener, reference, PER_SECOND);
    assert_true(room.ticks - listener->filled_to < 3);
    room_close();
}

static void test_thrift_alone_comes_and_goes_without_a_gap(void **state) {
    (void)state;
    room_open(0);
    room_join(TONE_HZ, 0.2, false);
    struct ear *listener = room_join(0, 0, false);
    room_run(2 * PER_SECOND);
    for (int i = 0; i < 40; i++) {
        desk_set_thrifty(listener->channel, i % 2 == 0);
        room_run(7 + i % 5);
    }
    assert_steady(listener, NULL, PER_SECOND);
    room_close();
}

// It says a word now and then, beginning and ending at every place in a packet.
static void say_words(struct ear *listener, int flips) {
    for (int word = 0; word < 9; word++) {
        listener->amplitude = 0.2;
        for (int i = 0; i < 3; i++) {
            if (flips > 1)
                desk_set_thrifty(listener->channel, i % 2 == 0);
            room_run(7);
        }
        listener->amplitude = 0;
        room_run(140 + word % 3);
        if (flips > 0)
            desk_set_thrifty(listener->channel, word % 2 == 0);
    }
}

static void test_thrift_takes_a_seat_and_leaves_it_without_a_gap(void **state) {
    (void)state;
    for (int flips = 0; flips < 3; flips++) {
        room_open(0);
        room_join(TONE_HZ, 0.2, false);
        struct ear *listener = room_join(1130, 0, true);
        const struct ear *reference = room_join(0, 0, false);
        room_join(0, 0, true);
        room_run(2 * PER_SECOND);
        say_words(listener, flips);
        assert_steady(listener, reference, PER_SECOND);
        room_close();
    }
}

// Its last words before somebody louder took its seat are in the shared packet that has begun.
static void test_thrift_losing_a_seat_never_hears_itself(void **state) {
    (void)state;
    for (int offset = 0; offset < 3; offset++) {
        room_open_with(0, 1);
        struct ear *loud = room_join(TONE_HZ, 0, false);
        const struct ear *loser = room_join(1130, 0.1, true);
        room_join(0, 0, true);
        room_run(2 * PER_SECOND + offset);
        loud->amplitude = 0.4;
        room_run(PER_SECOND);
        struct steadiness found = measure(loser, NULL, 0, loser->filled_to, TONE_HZ);
        if (getenv("TESSERA_TEST_FIGURES"))
            print_message("self %.4f\n", found.self);
        assert_true(found.strongest > 0.35);
        assert_true(found.self < 0.02);
        room_close();
    }
}

// ---- silence

static void test_thrift_rests_in_silence_but_never_starves(void **state) {
    (void)state;
    room_open(0);
    struct ear *speaker = room_join(TONE_HZ, 0.2, false);
    struct ear *listener = room_join(0, 0, true);
    room_run(PER_SECOND);
    speaker->amplitude = 0;
    room_run(3 * PER_SECOND);
    int before = listener->packets;
    room_run(10 * PER_SECOND);
    assert_in_range(listener->packets - before, 25, 60);
    // Changes in the middle of a rest are no reason to wait longer.
    for (int i = 0; i < 60; i++) {
        desk_set_thrifty(listener->channel, i % 2);
        room_run(13 + i % 11);
    }
    assert_true(listener->longest_wait_ns <= 400 * TONE_MS);
    // After the rest it goes on at its place in time: on_audio() has seen to that for every packet.
    speaker->amplitude = 0.2;
    desk_set_thrifty(listener->channel, true);
    room_run(PER_SECOND);
    assert_steady(listener, NULL, room.ticks - 30);
    room_close();
}

static void test_thrift_may_be_stopped_within_a_packet(void **state) {
    (void)state;
    room_open(0);
    room_join(TONE_HZ, 0.2, false);
    struct ear *listener = room_join(0, 0, true);
    room_run(PER_SECOND);
    for (int i = 0; i < 20; i++) {
        desk_set_listening(listener->channel, false);
        room_run(4 + i % 3);
        int from = room.ticks;
        desk_set_listening(listener->channel, true);
        room_run(20);
        // From its first tick on, and nothing from before it.
        for (int t = from; t < listener->filled_to; t++)
            assert_int_equal(listener->covered[t], 1);
        assert_int_equal(listener->covered[from - 1], 0);
        assert_true(tone_rms(listener->sound + (size_t)(from + 3) * FRAME, 9 * FRAME) > 0.12);
    }
    room_close();
}

// A desk that nobody listens to is not ticked at all.
static void test_thrift_sends_nothing_from_before_a_pause(void **state) {
    (void)state;
    room_open(0);
    room_join(TONE_HZ, 0.2, false);
    const struct ear *listener = room_join(0, 0, true);
    for (int i = 0; i < 6; i++) {
        room_run(PER_SECOND + i);
        room.ticks += 100;
        room.now_ns += 100 * TICK_NS;
        int from = room.ticks;
        room_run(PER_SECOND);
        for (int t = from; t < listener->filled_to; t++)
            assert_int_equal(listener->covered[t], 1);
    }
    room_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thrift_listeners_share_one_encode),
        cmocka_unit_test(test_thrift_costs_its_kbps),
        cmocka_unit_test(test_thrift_fec_is_for_the_worst_off),
        cmocka_unit_test(test_thrift_in_the_mix_never_hears_itself),
        cmocka_unit_test(test_thrift_comes_and_goes_without_a_gap),
        cmocka_unit_test(test_thrift_alone_comes_and_goes_without_a_gap),
        cmocka_unit_test(test_thrift_takes_a_seat_and_leaves_it_without_a_gap),
        cmocka_unit_test(test_thrift_losing_a_seat_never_hears_itself),
        cmocka_unit_test(test_thrift_rests_in_silence_but_never_starves),
        cmocka_unit_test(test_thrift_may_be_stopped_within_a_packet),
        cmocka_unit_test(test_thrift_sends_nothing_from_before_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
