// SPDX-License-Identifier: MIT
// What a room hears besides its members: one clip at a time, faded at both ends so that neither
// clicks. Any thread gives it a clip; the tick thread takes it, plays it and frees it.
#ifndef MIXER_AUDIO_ANNOUNCER_H
#define MIXER_AUDIO_ANNOUNCER_H

#include "mixer/audio/clip.h"
#include "mixer/audio/mix.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define ANNOUNCER_VOLUME_MAX 2.0

struct announcer {
    // Protected by lock.
    pthread_mutex_t lock;
    struct clip *waiting; // what plays from the next tick on
    float waiting_volume;
    bool has_news;

    atomic_bool is_playing; // written under lock, read by any thread

    // The tick thread's.
    struct clip *clip;
    size_t at; // samples
    float volume;
    bool is_sounding; // sound[] is of this tick
    float sound[MIX_FRAME];
};

void announcer_init(struct announcer *announcer);
void announcer_finish(struct announcer *announcer); // nobody may use it any more

// Any thread. Takes clip, which takes the place of one that plays; NULL ends that one.
void announcer_play(struct announcer *announcer, struct clip *clip, double volume);

// Tick thread, once a tick: makes the next 20 ms.
void announcer_advance(struct announcer *announcer);
void announcer_add(const struct announcer *announcer, float out[MIX_FRAME]); // to a sum

#endif
