// SPDX-License-Identifier: MIT
// The speech detector and its gate.
#include "mixer/audio/speech.h"
#include "tests/unit/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PER_SECOND = 50 };

struct ear {
    struct speech speech;
    int64_t at;
    float pcm[SPEECH_FRAME];
    float last;  // sample before this frame
    double jump; // the largest step from one sample to the next so far
};

static void listen(struct ear *ear) {
    speech_process(&ear->speech, ear->pcm);
    for (int i = 0; i < SPEECH_FRAME; i++) {
        ear->jump = fmax(ear->jump, fabs(ear->pcm[i] - ear->last));
        ear->last = ear->pcm[i];
    }
    ear->at += SPEECH_FRAME;
}

static double amplitude_of(double dbfs) {
    return sqrt(2) * pow(10, dbfs / 20);
}

static void hear_tone(struct ear *ear, double dbfs) {
    tone_fill(ear->pcm, SPEECH_FRAME, 440, amplitude_of(dbfs), ear->at);
    listen(ear);
}

static void hear_noise(struct ear *ear, double dbfs) {
    for (int i = 0; i < SPEECH_FRAME; i++)
        ear->pcm[i] = (float)((tone_random() - 0.5) * sqrt(12) * pow(10, dbfs / 20));
    listen(ear);
}

static double out_rms(const struct ear *ear) {
    return tone_rms(ear->pcm, SPEECH_FRAME);
}

static void test_speech_measures_the_level(void **state) {
    (void)state;
    for (double dbfs = -60; dbfs <= -6; dbfs += 6) {
        struct ear ear = {0};
        speech_init(&ear.speech);
        for (int i = 0; i < 10; i++)
            hear_tone(&ear, dbfs);
        assert_true(fabs(ear.speech.level_dbfs - dbfs) < 0.5);
    }
}

static void test_speech_passes_nothing_of_silence(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 10 * PER_SECOND; i++) {
        memset(ear.pcm, 0, sizeof(ear.pcm));
        listen(&ear);
        assert_false(ear.speech.is_open);
        assert_false(ear.speech.is_speaking);
        assert_true(ear.speech.level_dbfs <= -120);
    }
}

// From the first frame on, and after speech.
static void test_speech_keeps_room_noise_out(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 20 * PER_SECOND; i++) {
        hear_noise(&ear, -54);
        assert_false(ear.speech.is_open);
        assert_true(out_rms(&ear) == 0);
    }
    for (int i = 0; i < 3 * PER_SECOND; i++)
        hear_tone(&ear, -25);
    assert_true(ear.speech.is_open);
    for (int i = 0; i < PER_SECOND; i++)
        hear_noise(&ear, -54);
    for (int i = 0; i < 5 * PER_SECOND; i++) {
        hear_noise(&ear, -54);
        assert_true(out_rms(&ear) == 0);
    }
}

static void test_speech_learns_a_loud_room(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 20 * PER_SECOND; i++)
        hear_noise(&ear, -45);
    assert_false(ear.speech.is_open);
    hear_tone(&ear, -28);
    assert_true(ear.speech.is_open);
}

static void test_speech_hears_a_steady_tone_for_ever(void **state) {
    (void)state;
    static const double levels[] = {-36, -30, -20, -9};
    for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
        struct ear ear = {0};
        speech_init(&ear.speech);
        for (int i = 0; i < 120 * PER_SECOND; i++) {
            hear_tone(&ear, levels[l]);
            if (i > 5) {
                assert_true(ear.speech.is_speaking);
                assert_true(fabs(20 * log10(out_rms(&ear)) - levels[l]) < 0.1);
            }
        }
        assert_true(ear.speech.floor_dbfs <= -45);
    }
}

static void test_speech_hears_a_quiet_voice_in_a_quiet_room(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 5 * PER_SECOND; i++)
        hear_noise(&ear, -68);
    hear_tone(&ear, -50);
    assert_true(ear.speech.is_open);
}

static void test_speech_loses_no_first_syllable(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 5 * PER_SECOND; i++)
        hear_noise(&ear, -65);
    hear_tone(&ear, -25);
    // The very first frame gets through, but for a ramp of 5 ms.
    assert_true(out_rms(&ear) > 0.85 * pow(10, -25.0 / 20));
    assert_true(fabs(tone_rms(ear.pcm + 240, SPEECH_FRAME - 240) - pow(10, -25.0 / 20)) < 0.01);
}

static void test_speech_bridges_the_gap_between_words(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int word = 0; word < 20; word++) {
        for (int i = 0; i < 20; i++)
            hear_tone(&ear, -25);
        for (int i = 0; i < 15; i++) { // 300 ms
            hear_noise(&ear, -65);
            assert_true(ear.speech.is_speaking);
            assert_true(out_rms(&ear) > 0);
        }
    }
    for (int i = 0; i < 25; i++) // half a second: over
        hear_noise(&ear, -65);
    assert_false(ear.speech.is_speaking);
    assert_true(out_rms(&ear) == 0);
}

static void test_speech_takes_no_knock_for_a_word(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < 20 * PER_SECOND; i++) {
        if (i % 40 == 39)
            hear_tone(&ear, -20);
        else
            hear_noise(&ear, -65);
        assert_false(ear.speech.is_speaking);
    }
}

static void test_speech_gate_does_not_click(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    double steepest = 2 * M_PI * 440 / TONE_RATE * amplitude_of(-50);
    // A hum that is let in and out with the voice: neither edge is steeper than the hum itself.
    for (int i = 0; i < 10 * PER_SECOND; i++) {
        ear.speech.hang_frames = i % 100 < 50 ? 20 : 0;
        hear_tone(&ear, -57);
    }
    assert_true(ear.jump < steepest);
}

static void test_speech_forgets_when_passed_over(void **state) {
    (void)state;
    struct ear ear = {0};
    speech_init(&ear.speech);
    for (int i = 0; i < PER_SECOND; i++)
        hear_tone(&ear, -20);
    assert_true(ear.speech.is_speaking);
    speech_pass(&ear.speech);
    assert_false(ear.speech.is_speaking);
    assert_false(ear.speech.is_open);
    assert_true(ear.speech.level_dbfs == SPEECH_SILENT_DBFS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speech_measures_the_level),
        cmocka_unit_test(test_speech_passes_nothing_of_silence),
        cmocka_unit_test(test_speech_keeps_room_noise_out),
        cmocka_unit_test(test_speech_learns_a_loud_room),
        cmocka_unit_test(test_speech_hears_a_steady_tone_for_ever),
        cmocka_unit_test(test_speech_hears_a_quiet_voice_in_a_quiet_room),
        cmocka_unit_test(test_speech_loses_no_first_syllable),
        cmocka_unit_test(test_speech_bridges_the_gap_between_words),
        cmocka_unit_test(test_speech_takes_no_knock_for_a_word),
        cmocka_unit_test(test_speech_gate_does_not_click),
        cmocka_unit_test(test_speech_forgets_when_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
