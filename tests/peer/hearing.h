// SPDX-License-Identifier: MIT
// What a client hears: the newest two seconds of Opus packets, decoded only when somebody listens.
// Any thread; one mutex inside.
#ifndef TESTS_PEER_HEARING_H
#define TESTS_PEER_HEARING_H

#include <stddef.h>
#include <stdint.h>

struct hearing;

struct hearing *hearing_create(void);
void hearing_destroy(struct hearing *hearing); // NULL is allowed

void hearing_push(struct hearing *hearing, const void *data, size_t size_bytes);
void hearing_forget(struct hearing *hearing); // what came so far

// The level of one frequency over the newest half second, of a sine in dBFS. 0, or -EAGAIN when
// less than that was heard.
int hearing_tone_dbfs(struct hearing *hearing, int hz, double *out);
// The level of everything, RMS. As above.
int hearing_level_dbfs(struct hearing *hearing, double *out);

// Plain Goertzel: the amplitude (0..1 of full scale) of hz in count samples.
double hearing_goertzel(const int16_t *samples, int count, double hz, double rate_hz);
// The same at 48 kHz, in short pieces: a mixer that steers its playout by resampling moves a pitch
// by a percent or two, and one long look would be too sharp to see the tone there.
double hearing_amplitude(const int16_t *samples, int count, double hz);

#endif
