// SPDX-License-Identifier: MIT
// One member at the desk: from its packets to a gated frame per tick. Private to mixer/audio; what
// others may do with a channel stands in desk.h. Counted: the desk's list holds one reference, a
// tick or push that runs another; the last gives it back to its owner (release).
#ifndef MIXER_AUDIO_CHANNEL_H
#define MIXER_AUDIO_CHANNEL_H

#include "mixer/audio/desk.h"
#include "mixer/audio/drift.h"
#include "mixer/audio/mix.h"
#include "mixer/audio/outlet.h"
#include "mixer/audio/playout.h"
#include "mixer/audio/resampler.h"
#include "mixer/audio/sound_decoder.h"
#include "mixer/audio/speech.h"

#include <pthread.h>
#include <stdatomic.h>

struct desk_channel {
    // Immutable.
    struct desk_channel_ops ops;
    void *user;
    char id[DESK_ID_MAX];
    uint64_t serial; // never used twice at one desk, never 0

    // Any thread.
    atomic_int references;
    atomic_bool is_muted, is_listening, is_thrifty, is_removed;
    atomic_int loss_percent;
    _Atomic float volume;

    // Protected by lock, which is held for no codec's work.
    pthread_mutex_t lock;
    struct playout *playout;
    struct desk_channel_stats published; // without playout's own counts
    int64_t delay_ns;

    // The tick thread's.
    struct playout_step step;
    struct sound_decoder *decoder;
    struct resampler resampler;
    int sounding; // how many of the resampler's samples may be other than zero
    struct drift drift;
    struct speech speech;
    struct mix_voice voice;
    float mute_gain;
    float gain; // of the volume, where the last frame ended
    bool was_live;
    int64_t hold_ns;                  // of the playout buffer
    int64_t newest_ns;                // arrival of the newest packet that was used
    struct outlet *own, *own_thrifty; // made when first needed
    struct outlet *heard;             // last tick
    float pcm[DESK_FRAME_SAMPLES];
};

// Returns a new reference, or NULL when out of memory. The owner's user is released with the last
// one.
struct desk_channel *channel_create(const char *id, uint64_t serial,
                                    const struct desk_config *config,
                                    const struct desk_channel_ops *ops, void *user);
void channel_ref(struct desk_channel *channel);
void channel_unref(struct desk_channel *channel);

// Tick thread. Makes pcm, speech and voice of this tick. is_wanted: somebody may hear it; else time
// passes without decoding.
void channel_pull(struct desk_channel *channel, int64_t now_ns, bool is_wanted);

#endif
