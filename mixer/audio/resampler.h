// SPDX-License-Identifier: MIT
// A queue of samples that can be read a little faster or slower than they were written: 48 kHz mono
// through a 16-tap windowed sinc at any fractional speed near 1. A plain value; one thread.
#ifndef MIXER_AUDIO_RESAMPLER_H
#define MIXER_AUDIO_RESAMPLER_H

enum { RESAMPLER_TAPS = 16, RESAMPLER_MAX = 8192 };

struct resampler {
    double at; // where the next output sample lies in samples[]
    int count;
    float samples[RESAMPLER_MAX];
};

void resampler_init(struct resampler *resampler);
// How many samples must still be written before count can be read at this speed; 0 or less: none.
int resampler_missing(const struct resampler *resampler, int count, double speed);
// Where to write, and for how many samples there is room.
float *resampler_space(struct resampler *resampler, int *room);
void resampler_wrote(struct resampler *resampler, int count);
// Reads count samples; out NULL: passes over them. They must be there (resampler_missing).
void resampler_read(struct resampler *resampler, int count, double speed, float *out);
// Written and not yet read.
double resampler_ahead(const struct resampler *resampler);

#endif
