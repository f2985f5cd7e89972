// SPDX-License-Identifier: MIT
// The limiter after the sum.
#include "mixer/audio/limiter.h"
#include "tests/unit/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PER_SECOND = 50 };

static double peak(const float *pcm) {
    double most = 0;
    for (int i = 0; i < LIMITER_FRAME; i++)
        most = fmax(most, fabs(pcm[i]));
    return most;
}

static void test_limiter_leaves_what_fits_untouched(void **state) {
    (void)state;
    struct limiter limiter;
    float pcm[LIMITER_FRAME], before[LIMITER_FRAME];
    limiter_init(&limiter);
    for (int f = 0; f < PER_SECOND; f++) {
        tone_fill(pcm, LIMITER_FRAME, 300, 0.88, (int64_t)f * LIMITER_FRAME);
        memcpy(before, pcm, sizeof(pcm));
        limiter_process(&limiter, pcm);
        assert_memory_equal(before, pcm, sizeof(pcm));
    }
}

static void test_limiter_is_never_exceeded(void **state) {
    (void)state;
    struct limiter limiter;
    float pcm[LIMITER_FRAME];
    limiter_init(&limiter);
    for (int f = 0; f < 200 * PER_SECOND; f++) {
        double amplitude = tone_random() < 0.5 ? 0.3 : 16 * tone_random();
        int from = tone_random() < 0.3 ? 0 : (int)(tone_random() * LIMITER_FRAME);
        for (int i = 0; i < LIMITER_FRAME; i++)
            pcm[i] = i < from ? 0.1f : (float)(amplitude * 2 * (tone_random() - 0.5));
        limiter_process(&limiter, pcm);
        assert_true(peak(pcm) <= LIMITER_CEILING + 1e-6);
    }
}

// Three loud voices: turned down by one steady gain, so that the sum stays what it is.
static void test_limiter_does_not_pump(void **state) {
    (void)state;
    struct limiter limiter;
    float pcm[LIMITER_FRAME], part[LIMITER_FRAME];
    static const double hz[] = {110, 443, 1290};
    double low = 2, high = 0;
    limiter_init(&limiter);
    for (int f = 0; f < 20 * PER_SECOND; f++) {
        memset(pcm, 0, sizeof(pcm));
        for (int t = 0; t < 3; t++) {
            tone_fill(part, LIMITER_FRAME, hz[t], 0.6, (int64_t)f * LIMITER_FRAME);
            for (int i = 0; i < LIMITER_FRAME; i++)
                pcm[i] += part[i];
        }
        limiter_process(&limiter, pcm);
        if (f < PER_SECOND)
            continue;
        low = fmin(low, limiter.gain);
        high = fmax(high, limiter.gain);
    }
    assert_true(low > 0.45);
    assert_true(20 * log10(high / low) < 1);
}

static void test_limiter_comes_back_slowly_and_wholly(void **state) {
    (void)state;
    struct limiter limiter;
    float pcm[LIMITER_FRAME];
    limiter_init(&limiter);
    tone_fill(pcm, LIMITER_FRAME, 440, 2, 0);
    limiter_process(&limiter, pcm);
    assert_true(fabs(limiter.gain - LIMITER_CEILING / 2) < 0.01);
    int frames = 0;
    for (; limiter.gain < 1 && frames < 200; frames++) {
        float before = limiter.gain;
        tone_fill(pcm, LIMITER_FRAME, 440, 0.1, (int64_t)frames * LIMITER_FRAME);
        limiter_process(&limiter, pcm);
        assert_true(limiter.gain >= before && limiter.gain - before < 0.06);
    }
    assert_in_range(frames, 20, 130);
}

static void test_limiter_makes_no_click_of_an_onset(void **state) {
    (void)state;
    struct limiter limiter;
    float pcm[LIMITER_FRAME], last[2] = {0};
    limiter_init(&limiter);
    double steepest = 2 * M_PI * 440 / TONE_RATE * 1.5, worst = 0;
    for (int f = 0; f < PER_SECOND; f++) {
        tone_fill(pcm, LIMITER_FRAME, 440, f % 10 < 5 ? 0.3 : 1.5, (int64_t)f * LIMITER_FRAME);
        limiter_process(&limiter, pcm);
        for (int i = 0; i < LIMITER_FRAME; i++) {
            worst = fmax(worst, fabs(pcm[i] - last[0]));
            last[0] = pcm[i];
        }
    }
    assert_true(worst < steepest * 1.05);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limiter_leaves_what_fits_untouched),
        cmocka_unit_test(test_limiter_is_never_exceeded),
        cmocka_unit_test(test_limiter_does_not_pump),
        cmocka_unit_test(test_limiter_comes_back_slowly_and_wholly),
        cmocka_unit_test(test_limiter_makes_no_click_of_an_onset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
