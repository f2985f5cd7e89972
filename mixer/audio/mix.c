// SPDX-License-Identifier: MIT
#include "mixer/audio/mix.h"

#include <stddef.h>
#include <string.h>

#define LOUDER_DB 6.0

enum {
    CHALLENGE_TICKS = 5, // 100 ms
    KEEP_TICKS = 100,    // 2 s: a pause for breath does not cost the seat
    ENTER_SAMPLES = 240,
};

// First what the last tick decided, then who has long been silent.
static int settle(struct mix_voice **voices, int count) {
    int seated = 0;
    for (int i = 0; i < count; i++) {
        struct mix_voice *voice = voices[i];
        voice->is_entering = false;
        voice->quiet_ticks = voice->is_open ? 0 : voice->quiet_ticks + 1;
        if (voice->is_leaving || voice->quiet_ticks > KEEP_TICKS)
            voice->is_seated = voice->is_leaving = false;
        seated += voice->is_seated;
    }
    return seated;
}

static struct mix_voice *loudest_waiting(struct mix_voice **voices, int count) {
    struct mix_voice *best = NULL;
    for (int i = 0; i < count; i++)
        if (voices[i]->is_open && !voices[i]->is_seated &&
            (!best || voices[i]->loudness_dbfs > best->loudness_dbfs))
            best = voices[i];
    return best;
}

// The seat that is given up first: the one silent for longest, else the quietest.
static struct mix_voice *weakest_seated(struct mix_voice **voices, int count) {
    struct mix_voice *weakest = NULL;
    for (int i = 0; i < count; i++) {
        struct mix_voice *voice = voices[i];
        if (!voice->is_seated)
            continue;
        if (!weakest || voice->quiet_ticks > weakest->quiet_ticks ||
            (voice->quiet_ticks == weakest->quiet_ticks &&
             voice->loudness_dbfs < weakest->loudness_dbfs))
            weakest = voice;
    }
    return weakest;
}

static void take_seat(struct mix_voice *voice) {
    voice->is_seated = voice->is_entering = true;
    voice->challenge_ticks = 0;
}

// All seats are taken. Returns whether one was free after all.
static bool contest(struct mix_voice **voices, int count, struct mix_voice *challenger) {
    struct mix_voice *weakest = weakest_seated(voices, count);
    if (!weakest->is_open) {
        weakest->is_seated = false;
        take_seat(challenger);
        return true;
    }
    bool is_louder = challenger->loudness_dbfs > weakest->loudness_dbfs + LOUDER_DB;
    challenger->challenge_ticks = is_louder ? challenger->challenge_ticks + 1 : 0;
    // It is heard to the end of this frame, fading; the seat is free in the next.
    if (challenger->challenge_ticks >= CHALLENGE_TICKS)
        weakest->is_leaving = true;
    return false;
}

int mix_choose(struct mix_voice **voices, int count, int seats) {
    int seated = settle(voices, count);
    struct mix_voice *challenger;
    while ((challenger = loudest_waiting(voices, count)) && seats > 0) {
        if (seated < seats) {
            take_seat(challenger);
            seated++;
        } else if (!contest(voices, count, challenger)) {
            break;
        }
    }
    return seated;
}

void mix_shape(struct mix_voice **voices, int count) {
    for (int i = 0; i < count; i++) {
        struct mix_voice *voice = voices[i];
        for (int s = 0; voice->is_entering && s < ENTER_SAMPLES; s++)
            voice->pcm[s] *= (float)s / ENTER_SAMPLES;
        for (int s = 0; voice->is_leaving && s < MIX_FRAME; s++)
            voice->pcm[s] *= (float)(MIX_FRAME - 1 - s) / MIX_FRAME;
    }
}

bool mix_sum(struct mix_voice *const *voices, int count, const struct mix_voice *except,
             float out[MIX_FRAME]) {
    bool has_sound = false;
    memset(out, 0, MIX_FRAME * sizeof(float));
    for (int i = 0; i < count; i++) {
        const struct mix_voice *voice = voices[i];
        if (!voice->is_seated || !voice->is_open || voice == except)
            continue;
        has_sound = true;
        for (int s = 0; s < MIX_FRAME; s++)
            out[s] += voice->pcm[s];
    }
    return has_sound;
}
