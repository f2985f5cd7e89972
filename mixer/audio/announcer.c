// SPDX-License-Identifier: MIT
// A clip that is ended early still has its last 5 ms in the tick in which it ends, fading; the one
// that takes its place begins in the same tick.
#include "mixer/audio/announcer.h"

#include <string.h>

enum { BEGIN_SAMPLES = 96, END_SAMPLES = 240 }; // 2 ms, so that a drum stays a drum, and 5 ms

void announcer_init(struct announcer *announcer) {
    memset(announcer, 0, sizeof(*announcer));
    pthread_mutex_init(&announcer->lock, NULL);
}

void announcer_finish(struct announcer *announcer) {
    clip_destroy(announcer->waiting);
    clip_destroy(announcer->clip);
    pthread_mutex_destroy(&announcer->lock);
}

void announcer_play(struct announcer *announcer, struct clip *clip, double volume) {
    if (clip && clip->count == 0) {
        clip_destroy(clip);
        clip = NULL;
    }
    pthread_mutex_lock(&announcer->lock);
    struct clip *dropped = announcer->waiting;
    announcer->waiting = clip;
    announcer->waiting_volume = (float)(volume > ANNOUNCER_VOLUME_MAX ? ANNOUNCER_VOLUME_MAX
                                        : volume > 0                  ? volume
                                                                      : 0);
    announcer->has_news = true;
    atomic_store(&announcer->is_playing, clip != NULL);
    pthread_mutex_unlock(&announcer->lock);
    clip_destroy(dropped);
}

// The gain of a clip's own ends.
static float gain_at(size_t at, size_t count) {
    size_t left = count - at;
    float gain = 1;
    if (at < BEGIN_SAMPLES)
        gain = (float)at / BEGIN_SAMPLES;
    if (left <= END_SAMPLES)
        gain *= (float)(left - 1) / END_SAMPLES;
    return gain;
}

// Adds the next samples to this tick's; is_last: they fade, and no more will come.
static void play(struct announcer *announcer, bool is_last) {
    const struct clip *clip = announcer->clip;
    size_t left = clip->count - announcer->at, most = is_last ? END_SAMPLES : MIX_FRAME;
    size_t count = left < most ? left : most;
    for (size_t i = 0; i < count; i++) {
        size_t at = announcer->at + i;
        float gain = announcer->volume * gain_at(at, clip->count);
        if (is_last)
            gain *= (float)(END_SAMPLES - 1 - i) / END_SAMPLES;
        announcer->sound[i] += clip->samples[at] * gain;
    }
    announcer->at += count;
    announcer->is_sounding = true;
}

static void drop(struct announcer *announcer) {
    clip_destroy(announcer->clip);
    announcer->clip = NULL;
}

static void take_news(struct announcer *announcer) {
    pthread_mutex_lock(&announcer->lock);
    bool has_news = announcer->has_news;
    struct clip *clip = announcer->waiting;
    float volume = announcer->waiting_volume;
    announcer->waiting = NULL;
    announcer->has_news = false;
    pthread_mutex_unlock(&announcer->lock);
    if (!has_news)
        return;
    if (announcer->clip)
        play(announcer, true);
    drop(announcer);
    announcer->clip = clip;
    announcer->volume = volume;
    announcer->at = 0;
}

// Over, unless another one was given meanwhile.
static void end(struct announcer *announcer) {
    drop(announcer);
    pthread_mutex_lock(&announcer->lock);
    if (!announcer->has_news)
        atomic_store(&announcer->is_playing, false);
    pthread_mutex_unlock(&announcer->lock);
}

void announcer_advance(struct announcer *announcer) {
    if (announcer->is_sounding)
        memset(announcer->sound, 0, sizeof(announcer->sound));
    announcer->is_sounding = false;
    take_news(announcer);
    if (!announcer->clip)
        return;
    play(announcer, false);
    if (announcer->at == announcer->clip->count)
        end(announcer);
}

void announcer_add(const struct announcer *announcer, float out[MIX_FRAME]) {
    for (int s = 0; announcer->is_sounding && s < MIX_FRAME; s++)
        out[s] += announcer->sound[s];
}
