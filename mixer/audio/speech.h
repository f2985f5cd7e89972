// SPDX-License-Identifier: MIT
// Is this member speaking, how loudly, and a gate that keeps a quiet room out of the mix. Frames of
// 20 ms at 48 kHz. A plain value; one thread.
#ifndef MIXER_AUDIO_SPEECH_H
#define MIXER_AUDIO_SPEECH_H

#include <stdbool.h>

enum { SPEECH_FRAME = 960 };
#define SPEECH_SILENT_DBFS (-127.0)

struct speech {
    double level_dbfs;    // RMS of the last frame, of full scale, without what lies below the voice
    double loudness_dbfs; // the same, smoothed as one would judge it: up fast, down slowly
    double floor_dbfs;    // the room's noise
    bool is_open;         // the gate lets something through
    bool is_speaking;     // for showing: a cough does not count, nor does a breath end it

    // Its own.
    float rumble; // the high-pass's memory
    float gain;   // of the gate, where the last frame ended
    double low_dbfs[2];
    int low_frames, hang_frames, voiced_frames, shown_frames;
};

void speech_init(struct speech *speech);
// Judges one frame and gates it in place.
void speech_process(struct speech *speech, float pcm[SPEECH_FRAME]);
// A frame without any signal (muted, or nobody listens).
void speech_pass(struct speech *speech);

#endif
