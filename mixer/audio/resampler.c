// SPDX-License-Identifier: MIT
// The filter's phases are tabulated once for the process; between two of them it interpolates,
// which leaves errors far below what Opus leaves.
#include "mixer/audio/resampler.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { PHASES = 256, BEFORE = RESAMPLER_TAPS / 2 - 1, AFTER = RESAMPLER_TAPS / 2 };

#define CUTOFF      0.92 // of the Nyquist frequency: Opus ends at 20 kHz
#define KAISER_BETA 7.0

typedef float lanes __attribute__((vector_size(16)));

static lanes table[PHASES + 1][RESAMPLER_TAPS / 4];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 30; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double kernel(double t) {
    double edge = t / (RESAMPLER_TAPS / 2.0);
    if (fabs(edge) >= 1)
        return 0;
    double window = bessel_i0(KAISER_BETA * sqrt(1 - edge * edge)) / bessel_i0(KAISER_BETA);
    double x = M_PI * CUTOFF * t;
    return window * CUTOFF * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
}

static void table_fill(void) {
    for (int phase = 0; phase <= PHASES; phase++) {
        double taps[RESAMPLER_TAPS], sum = 0;
        for (int k = 0; k < RESAMPLER_TAPS; k++)
            sum += taps[k] = kernel(k - BEFORE - (double)phase / PHASES);
        for (int k = 0; k < RESAMPLER_TAPS; k++)
            table[phase][k / 4][k % 4] = (float)(taps[k] / sum);
    }
}

void resampler_init(struct resampler *resampler) {
    pthread_once(&table_once, table_fill);
    memset(resampler->samples, 0, BEFORE * sizeof(float));
    resampler->at = resampler->count = BEFORE;
}

int resampler_missing(const struct resampler *resampler, int count, double speed) {
    int last = (int)(resampler->at + count * speed) + 1; // one to spare for rounding
    return last + AFTER + 1 - resampler->count;
}

float *resampler_space(struct resampler *resampler, int *room) {
    *room = RESAMPLER_MAX - resampler->count;
    return resampler->samples + resampler->count;
}

void resampler_wrote(struct resampler *resampler, int count) {
    resampler->count += count;
}

static float sample_at(const float *samples, double at) {
    int whole = (int)at;
    float phase = (float)(at - whole) * PHASES;
    int low = (int)phase;
    if (low >= PHASES)
        low = PHASES - 1;
    lanes between = {phase - (float)low, phase - (float)low, phase - (float)low,
                     phase - (float)low};
    lanes sum = {0};
    for (int k = 0; k < RESAMPLER_TAPS / 4; k++) {
        lanes part;
        memcpy(&part, samples + whole - BEFORE + 4 * k, sizeof(part));
        sum += part * (table[low][k] + between * (table[low + 1][k] - table[low][k]));
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void resampler_read(struct resampler *resampler, int count, double speed, float *out) {
    for (int i = 0; out && i < count; i++)
        out[i] = sample_at(resampler->samples, resampler->at + i * speed);
    resampler->at += count * speed;
    int done = (int)resampler->at - BEFORE;
    resampler->count -= done;
    resampler->at -= done;
    memmove(resampler->samples, resampler->samples + done,
            (size_t)resampler->count * sizeof(float));
}

double resampler_ahead(const struct resampler *resampler) {
    return resampler->count - resampler->at;
}
