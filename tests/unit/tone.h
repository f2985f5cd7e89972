// SPDX-License-Identifier: MIT
// Known sounds and how to find them again. For the audio tests; include once per program.
#ifndef TESTS_UNIT_TONE_H
#define TESTS_UNIT_TONE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TONE_RATE 48000.0
#define TONE_MS   INT64_C(1000000)

__attribute__((unused)) static uint32_t tone_seed = 1;

// 0 .. 1, the same in every run.
__attribute__((unused)) static double tone_random(void) {
    tone_seed = tone_seed * 1664525u + 1013904223u;
    return (tone_seed >> 8) / 16777216.0;
}

__attribute__((unused)) static void tone_fill(float *out, int count, double hz, double amplitude,
                                              int64_t first_sample) {
    for (int i = 0; i < count; i++)
        out[i] = (float)(amplitude * sin(2 * M_PI * hz * (double)(first_sample + i) / TONE_RATE));
}

// Something that Opus's voice detector takes for speech, which it does not a steady tone: vowels of
// harmonics, four a second, their pitch moving.
__attribute__((unused)) static void tone_fill_voice(float *out, int count, double amplitude,
                                                    int64_t first_sample) {
    for (int i = 0; i < count; i++) {
        double t = (double)(first_sample + i) / TONE_RATE, sum = 0;
        double turn = 2 * M_PI * (140 * t - 4 * cos(2 * M_PI * 1.3 * t));
        for (int k = 1; k <= 16; k++)
            sum += sin(k * turn) / k;
        double syllable = sin(2 * M_PI * 2 * t);
        out[i] = (float)(amplitude * sum * syllable * syllable);
    }
}

__attribute__((unused)) static double tone_rms(const float *samples, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)samples[i] * samples[i];
    return count > 0 ? sqrt(sum / count) : 0;
}

// The amplitude at this frequency (one bin, Hann window, so that neighbours do not leak in).
__attribute__((unused)) static double tone_amplitude(const float *samples, int count, double hz) {
    double re = 0, im = 0, weight = 0;
    for (int i = 0; i < count; i++) {
        double hann = 0.5 - 0.5 * cos(2 * M_PI * i / count);
        re += hann * samples[i] * cos(2 * M_PI * hz * i / TONE_RATE);
        im += hann * samples[i] * sin(2 * M_PI * hz * i / TONE_RATE);
        weight += hann;
    }
    return 2 * sqrt(re * re + im * im) / weight;
}

// Signal to rest, dB, after the best fit of a sine of this frequency.
__attribute__((unused)) static double tone_snr_db(const float *samples, int count, double hz) {
    double ss = 0, sc = 0, cc = 0, xs = 0, xc = 0;
    for (int i = 0; i < count; i++) {
        double s = sin(2 * M_PI * hz * i / TONE_RATE), c = cos(2 * M_PI * hz * i / TONE_RATE);
        ss += s * s, sc += s * c, cc += c * c, xs += samples[i] * s, xc += samples[i] * c;
    }
    double det = ss * cc - sc * sc, a = (xs * cc - xc * sc) / det, b = (xc * ss - xs * sc) / det;
    double signal = 0, rest = 0;
    for (int i = 0; i < count; i++) {
        double fit =
            a * sin(2 * M_PI * hz * i / TONE_RATE) + b * cos(2 * M_PI * hz * i / TONE_RATE);
        signal += fit * fit;
        rest += (samples[i] - fit) * (samples[i] - fit);
    }
    return 10 * log10(signal / (rest + 1e-30));
}

// A steady tone obeys x[n] = 2 cos(w) x[n-1] - x[n-2]; a click, a skip or a repeat does not. State:
// the last two samples. Returns the largest breach.
__attribute__((unused)) static double tone_breach(const float *samples, int count, double hz,
                                                  float last[2]) {
    double worst = 0, turn = 2 * cos(2 * M_PI * hz / TONE_RATE);
    for (int i = 0; i < count; i++) {
        double breach = fabs(samples[i] - (turn * last[1] - last[0]));
        worst = breach > worst ? breach : worst;
        last[0] = last[1];
        last[1] = samples[i];
    }
    return worst;
}

#endif
