// SPDX-License-Identifier: MIT
// Opus packets, their holes, and what is no Opus.
#include "mixer/audio/sound_decoder.h"
#include "tests/unit/tone.h"

#include <errno.h>
#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAME = 960, HZ = 300 };
#define STEEPEST (2 * M_PI * HZ / TONE_RATE * 0.3)

struct rig {
    OpusEncoder *encoder;
    struct sound_decoder *decoder;
    int64_t said;
    float out[SOUND_SAMPLES_MAX];
    float last;
    double jump;
    struct playout_step step;
};

static void rig_open(struct rig *rig, int application, bool with_fec) {
    memset(rig, 0, sizeof(*rig));
    rig->encoder = opus_encoder_create(48000, 1, application, NULL);
    opus_encoder_ctl(rig->encoder, OPUS_SET_BITRATE(40000));
    opus_encoder_ctl(rig->encoder, OPUS_SET_INBAND_FEC(with_fec));
    opus_encoder_ctl(rig->encoder, OPUS_SET_PACKET_LOSS_PERC(with_fec ? 20 : 0));
    rig->decoder = sound_decoder_create();
    assert_non_null(rig->decoder);
}

static void rig_close(struct rig *rig) {
    opus_encoder_destroy(rig->encoder);
    sound_decoder_destroy(rig->decoder);
}

static void encode(struct rig *rig, bool is_voice) {
    float pcm[FRAME];
    if (is_voice)
        tone_fill_voice(pcm, FRAME, 0.2, rig->said);
    else
        tone_fill(pcm, FRAME, HZ, 0.3, rig->said);
    rig->said += FRAME;
    int size = opus_encode_float(rig->encoder, pcm, FRAME, rig->step.data, PLAYOUT_PACKET_MAX);
    assert_true(size > 0);
    rig->step.size_bytes = (size_t)size;
}

static void run(struct rig *rig, enum playout_kind kind, int samples, float noise_rms) {
    rig->step.kind = kind;
    rig->step.samples = samples;
    int made = sound_decoder_run(rig->decoder, &rig->step, noise_rms, rig->out);
    assert_int_equal(made, samples - rig->step.skip_samples);
    for (int i = 0; i < made; i++) {
        rig->jump = fmax(rig->jump, fabs(rig->out[i] - rig->last));
        rig->last = rig->out[i];
    }
}

static void say(struct rig *rig, int frames) {
    for (int i = 0; i < frames; i++) {
        encode(rig, false);
        run(rig, PLAYOUT_PACKET, FRAME, 0);
    }
}

static void test_sound_decoder_conceals_in_pieces_as_in_one(void **state) {
    (void)state;
    struct rig whole, pieces;
    rig_open(&whole, OPUS_APPLICATION_VOIP, false);
    rig_open(&pieces, OPUS_APPLICATION_VOIP, false);
    say(&whole, 50);
    say(&pieces, 50);
    run(&whole, PLAYOUT_CONCEAL, 2 * FRAME, 0);
    static const int samples[] = {120, 360, 480, 120, 600, 240};
    for (int i = 0, done = 0; i < 6; done += samples[i++]) {
        run(&pieces, PLAYOUT_CONCEAL, samples[i], 0);
        assert_memory_equal(pieces.out, whole.out + done, (size_t)samples[i] * sizeof(float));
    }
    rig_close(&whole);
    rig_close(&pieces);
}

// A packet that was only just late: 2.5 ms were concealed, then it comes after all.
static void test_sound_decoder_crosses_over_into_the_packet(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, OPUS_APPLICATION_VOIP, false);
    say(&rig, 50);
    rig.jump = 0;
    for (int i = 0; i < 40; i++) {
        run(&rig, PLAYOUT_CONCEAL, 120 * (1 + i % 4), 0);
        say(&rig, 6);
    }
    assert_true(rig.jump < 2.2 * STEEPEST);
    rig_close(&rig);
}

static void test_sound_decoder_fades_a_long_hole_to_comfort(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, OPUS_APPLICATION_AUDIO, false);
    say(&rig, 50);
    rig.jump = 0;
    for (int i = 0; i < 9; i++) // 180 ms
        run(&rig, PLAYOUT_CONCEAL, FRAME, 0.001f);
    run(&rig, PLAYOUT_CONCEAL, FRAME, 0.001f);
    double comfort_rms = tone_rms(rig.out, FRAME);
    assert_true(comfort_rms > 0.0003 && comfort_rms < 0.003);
    run(&rig, PLAYOUT_CONCEAL, FRAME, 0);
    assert_true(tone_rms(rig.out, FRAME) == 0);
    assert_true(rig.jump < 2 * STEEPEST);
    // And back.
    say(&rig, 10);
    assert_true(rig.jump < 2 * STEEPEST);
    assert_true(fabs(tone_rms(rig.out, FRAME) - 0.3 / sqrt(2)) < 0.02);
    rig_close(&rig);
}

static void test_sound_decoder_breaks_off_softly(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig, OPUS_APPLICATION_VOIP, false);
    say(&rig, 50);
    rig.jump = 0;
    run(&rig, PLAYOUT_BREAK, 240, 0);
    assert_true(fabs(rig.last) < 0.01);
    for (int i = 0; i < 7; i++) // these are cut out
        encode(&rig, false);
    say(&rig, 10);
    assert_true(rig.jump < 2 * STEEPEST);
    rig_close(&rig);
}

static int packets_with_fec(int application, bool with_fec) {
    struct rig rig;
    struct playout_packet packet;
    rig_open(&rig, application, with_fec);
    int found = 0;
    for (int i = 0; i < 100; i++) {
        encode(&rig, true);
        assert_int_equal(sound_packet_parse(rig.step.data, rig.step.size_bytes, &packet), 0);
        assert_int_equal(packet.samples, FRAME);
        assert_int_equal(packet.frame_samples, FRAME);
        found += packet.has_fec;
    }
    rig_close(&rig);
    return found;
}

static void test_sound_decoder_knows_which_packets_carry_fec(void **state) {
    (void)state;
    assert_true(packets_with_fec(OPUS_APPLICATION_VOIP, true) > 50);
    assert_int_equal(packets_with_fec(OPUS_APPLICATION_VOIP, false), 0);
    assert_int_equal(packets_with_fec(OPUS_APPLICATION_RESTRICTED_LOWDELAY, true), 0);
}

static void test_sound_decoder_refuses_what_is_no_opus(void **state) {
    (void)state;
    struct playout_packet packet;
    static const unsigned char five_frames_too_long[] = {0x1b, 0x05, 0, 0, 0, 0, 0, 0};
    static const unsigned char no_count[] = {0x03};
    static unsigned char huge[PLAYOUT_PACKET_MAX + 1] = {0x78};
    assert_int_equal(sound_packet_parse(NULL, 5, &packet), -EINVAL);
    assert_int_equal(sound_packet_parse("", 0, &packet), -EINVAL);
    assert_int_equal(sound_packet_parse(no_count, 1, &packet), -EINVAL);
    assert_int_equal(
        sound_packet_parse(five_frames_too_long, sizeof(five_frames_too_long), &packet), -EINVAL);
    assert_int_equal(sound_packet_parse(huge, sizeof(huge), &packet), -EINVAL);
    // A lone header is the sender's silence.
    assert_int_equal(sound_packet_parse("\x78", 1, &packet), 0);
    assert_int_equal(packet.samples, FRAME);
}

static void test_sound_decoder_makes_finite_sound_of_anything(void **state) {
    (void)state;
    struct rig rig;
    struct playout_packet packet;
    rig_open(&rig, OPUS_APPLICATION_VOIP, false);
    int decoded = 0;
    for (int i = 0; i < 3000; i++) {
        size_t size = 1 + (size_t)(tone_random() * 300);
        for (size_t b = 0; b < size; b++)
            rig.step.data[b] = (uint8_t)(256 * tone_random());
        if (sound_packet_parse(rig.step.data, size, &packet))
            continue;
        rig.step.size_bytes = size;
        rig.step.skip_samples = i % 3 == 0 ? packet.samples / 2 : 0;
        run(&rig, PLAYOUT_PACKET, packet.samples, 0);
        for (int s = 0; s < packet.samples - rig.step.skip_samples; s++)
            assert_true(fabs(rig.out[s]) <= 2);
        decoded++;
    }
    assert_true(decoded > 500);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_decoder_conceals_in_pieces_as_in_one),
        cmocka_unit_test(test_sound_decoder_crosses_over_into_the_packet),
        cmocka_unit_test(test_sound_decoder_fades_a_long_hole_to_comfort),
        cmocka_unit_test(test_sound_decoder_breaks_off_softly),
        cmocka_unit_test(test_sound_decoder_knows_which_packets_carry_fec),
        cmocka_unit_test(test_sound_decoder_refuses_what_is_no_opus),
        cmocka_unit_test(test_sound_decoder_makes_finite_sound_of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
