// SPDX-License-Identifier: MIT
// Level against an adaptive floor. The floor is the quietest frame of the last two to four seconds:
// speech has pauses in that time. It comes down at once, rises by 2 dB a second, and never above
// FLOOR_MAX: a steady tone, music or a fan next to the microphone must not gate itself away.
#include "mixer/audio/speech.h"

#include <math.h>
#include <string.h>

#define FLOOR_MAX_DBFS     (-48.0)
#define FLOOR_START_DBFS   (-56.0)
#define FLOOR_MIN_DBFS     (-62.0)
#define NO_SIGNAL_DBFS     (-75.0) // DTX or a hole: says nothing about the room
#define FLOOR_RISE_DB      (2.0 / 50)
#define OPEN_ABOVE_DB      9.0
#define STAY_ABOVE_DB      6.0
#define OPEN_MIN_DBFS      (-55.0) // below, nobody would hear it anyway
#define RELEASE_PER_SAMPLE (1.0f / 2400)
#define ATTACK_PER_SAMPLE  (1.0f / 240)

enum {
    LOW_FRAMES = 100, // 2 s
    HANG_FRAMES = 20, // 400 ms
    SHOW_AFTER_FRAMES = 4,
};

void speech_init(struct speech *speech) {
    memset(speech, 0, sizeof(*speech));
    speech->level_dbfs = speech->loudness_dbfs = SPEECH_SILENT_DBFS;
    speech->floor_dbfs = FLOOR_START_DBFS;
    speech->low_dbfs[0] = speech->low_dbfs[1] = 0;
}

// Without what lies below 80 Hz: hum, wind, a hand on the desk.
static double measure_dbfs(struct speech *speech, const float *pcm) {
    const float share = 0.0104f; // 1 - exp(-2 pi 80 / 48000)
    float rumble = speech->rumble;
    double energy = 0;
    for (int i = 0; i < SPEECH_FRAME; i++) {
        rumble += share * (pcm[i] - rumble);
        float rest = pcm[i] - rumble;
        energy += (double)(rest * rest);
    }
    speech->rumble = fabsf(rumble) < 1e-12f ? 0 : rumble; // no denormals in a silent room
    return fmax(SPEECH_SILENT_DBFS, 10 * log10(energy / SPEECH_FRAME + 1e-13));
}

static void track_floor(struct speech *speech) {
    if (speech->level_dbfs < NO_SIGNAL_DBFS)
        return;
    speech->low_dbfs[0] = fmin(speech->low_dbfs[0], speech->level_dbfs);
    if (++speech->low_frames >= LOW_FRAMES) {
        speech->low_frames = 0;
        speech->low_dbfs[1] = speech->low_dbfs[0];
        speech->low_dbfs[0] = speech->level_dbfs;
    }
    double lowest_dbfs = fmin(speech->low_dbfs[0], speech->low_dbfs[1]);
    lowest_dbfs = fmax(FLOOR_MIN_DBFS, fmin(FLOOR_MAX_DBFS, lowest_dbfs));
    speech->floor_dbfs = fmin(lowest_dbfs, speech->floor_dbfs + FLOOR_RISE_DB);
}

static bool is_voiced(const struct speech *speech) {
    bool is_running = speech->hang_frames > 0;
    double above_db = is_running ? STAY_ABOVE_DB : OPEN_ABOVE_DB;
    return speech->level_dbfs > fmax(OPEN_MIN_DBFS, speech->floor_dbfs + above_db);
}

static void judge(struct speech *speech) {
    double toward = speech->level_dbfs > speech->loudness_dbfs ? 0.5 : 0.06;
    speech->loudness_dbfs += toward * (speech->level_dbfs - speech->loudness_dbfs);
    if (is_voiced(speech)) {
        speech->hang_frames = HANG_FRAMES;
        speech->voiced_frames++;
    } else {
        speech->voiced_frames = speech->voiced_frames > 0 ? speech->voiced_frames - 1 : 0;
        if (speech->hang_frames > 0)
            speech->hang_frames--;
    }
    if (speech->hang_frames == 0)
        speech->voiced_frames = 0;
    if (speech->voiced_frames > 2 * SHOW_AFTER_FRAMES)
        speech->voiced_frames = 2 * SHOW_AFTER_FRAMES;
    if (speech->voiced_frames >= SHOW_AFTER_FRAMES)
        speech->is_speaking = true;
    else if (speech->hang_frames == 0)
        speech->is_speaking = false;
}

// Opens within 5 ms, so that no syllable loses its head, and closes within 50.
static void gate(struct speech *speech, float *pcm) {
    float gain = speech->gain, aim = speech->hang_frames > 0 ? 1 : 0;
    speech->is_open = gain > 0 || aim > 0;
    if (gain == aim) {
        if (aim == 0)
            memset(pcm, 0, SPEECH_FRAME * sizeof(float));
        return;
    }
    for (int i = 0; i < SPEECH_FRAME; i++) {
        gain = aim > gain ? fminf(aim, gain + ATTACK_PER_SAMPLE)
                          : fmaxf(aim, gain - RELEASE_PER_SAMPLE);
        pcm[i] *= gain;
    }
    speech->gain = gain;
}

void speech_process(struct speech *speech, float pcm[SPEECH_FRAME]) {
    speech->level_dbfs = measure_dbfs(speech, pcm);
    track_floor(speech);
    judge(speech);
    gate(speech, pcm);
}

void speech_pass(struct speech *speech) {
    speech->level_dbfs = speech->loudness_dbfs = SPEECH_SILENT_DBFS;
    speech->rumble = speech->gain = 0;
    speech->hang_frames = speech->voiced_frames = 0;
    speech->is_open = speech->is_speaking = false;
}
