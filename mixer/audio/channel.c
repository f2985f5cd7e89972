// SPDX-License-Identifier: MIT
//   desk_push -> playout -> decoder -> resampler -> mute -> speech and gate -> volume -> pcm
//                (lock)                   ^
//                  `--- delay's error --- drift
#include "mixer/audio/channel.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMFORT_MAX_DBFS (-58.0)
#define VOLUME_MAX       2.0f

static void channel_free(struct desk_channel *channel) {
    sound_decoder_destroy(channel->decoder);
    playout_destroy(channel->playout);
    outlet_destroy(channel->own);
    outlet_destroy(channel->own_thrifty);
    pthread_mutex_destroy(&channel->lock);
    free(channel);
}

struct desk_channel *channel_create(const char *id, uint64_t serial,
                                    const struct desk_config *config,
                                    const struct desk_channel_ops *ops, void *user) {
    struct desk_channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        return NULL;
    pthread_mutex_init(&channel->lock, NULL);
    channel->decoder = sound_decoder_create();
    channel->playout = playout_create(config->playout_min_ns, config->playout_max_ns);
    if (!channel->decoder || !channel->playout) {
        channel_free(channel);
        return NULL;
    }
    channel->ops = *ops;
    channel->user = user;
    channel->serial = serial;
    snprintf(channel->id, sizeof(channel->id), "%s", id);
    atomic_init(&channel->references, 1);
    resampler_init(&channel->resampler);
    speech_init(&channel->speech);
    channel->published.level_dbfs = SPEECH_SILENT_DBFS;
    channel->voice.pcm = channel->pcm;
    channel->mute_gain = channel->gain = 1;
    atomic_init(&channel->volume, 1);
    return channel;
}

void channel_ref(struct desk_channel *channel) {
    atomic_fetch_add_explicit(&channel->references, 1, memory_order_relaxed);
}

void channel_unref(struct desk_channel *channel) {
    if (atomic_fetch_sub_explicit(&channel->references, 1, memory_order_acq_rel) != 1)
        return;
    struct desk_channel_ops ops = channel->ops;
    void *user = channel->user;
    channel_free(channel);
    if (ops.release)
        ops.release(user);
}

// ---- any thread

void desk_set_muted(struct desk_channel *channel, bool is_muted) {
    atomic_store(&channel->is_muted, is_muted);
}

void desk_set_listening(struct desk_channel *channel, bool is_listening) {
    atomic_store(&channel->is_listening, is_listening);
}

void desk_set_thrifty(struct desk_channel *channel, bool is_thrifty) {
    atomic_store(&channel->is_thrifty, is_thrifty);
}

void desk_set_volume(struct desk_channel *channel, double volume) {
    float value = volume > 0 ? (float)volume : 0; // no number counts as 0
    atomic_store(&channel->volume, value < VOLUME_MAX ? value : VOLUME_MAX);
}

void desk_set_loss_percent(struct desk_channel *channel, int percent) {
    atomic_store(&channel->loss_percent, percent);
}

void desk_set_min_delay_ns(struct desk_channel *channel, int64_t delay_ns) {
    pthread_mutex_lock(&channel->lock);
    playout_set_min_delay_ns(channel->playout, delay_ns);
    pthread_mutex_unlock(&channel->lock);
}

int desk_push(struct desk_channel *channel, const void *data, size_t size_bytes, int64_t pts_ns,
              int64_t arrival_ns) {
    struct playout_packet packet;
    int rc = sound_packet_parse(data, size_bytes, &packet);
    if (rc)
        return rc;
    channel_ref(channel);
    pthread_mutex_lock(&channel->lock);
    rc = playout_push(channel->playout, &packet, pts_ns, arrival_ns);
    pthread_mutex_unlock(&channel->lock);
    channel_unref(channel);
    // Duplicate, late, too many: the network's doing, counted where it matters.
    return rc == -EINVAL ? rc : 0;
}

void desk_push_lost(struct desk_channel *channel, int64_t pts_ns, int64_t duration_ns) {
    channel_ref(channel);
    pthread_mutex_lock(&channel->lock);
    playout_push_lost(channel->playout, pts_ns, duration_ns);
    pthread_mutex_unlock(&channel->lock);
    channel_unref(channel);
}

int64_t desk_delay_ns(struct desk_channel *channel) {
    pthread_mutex_lock(&channel->lock);
    int64_t delay_ns = channel->delay_ns;
    pthread_mutex_unlock(&channel->lock);
    return delay_ns;
}

void desk_get_channel_stats(struct desk_channel *channel, struct desk_channel_stats *out) {
    pthread_mutex_lock(&channel->lock);
    struct playout_counts counts = playout_counts(channel->playout);
    *out = channel->published;
    out->jitter_ns = playout_jitter_ns(channel->playout);
    pthread_mutex_unlock(&channel->lock);
    out->packets = counts.packets;
    out->late = counts.late;
    out->lost = counts.lost;
    out->concealed = counts.concealed;
    out->recovered_by_fec = counts.recovered_by_fec;
}

// ---- tick thread

static int64_t ahead_ns(const struct desk_channel *channel) {
    return (int64_t)(resampler_ahead(&channel->resampler) * (1e9 / DESK_RATE_HZ));
}

// At what speed to play this tick.
static double steer(struct desk_channel *channel, int64_t now_ns) {
    bool is_quiet = !channel->speech.is_open;
    pthread_mutex_lock(&channel->lock);
    struct playout_course course =
        playout_begin(channel->playout, now_ns, ahead_ns(channel), is_quiet);
    pthread_mutex_unlock(&channel->lock);
    return course.is_playing
               ? drift_update(&channel->drift, course.error_ns, course.shrink_ns, DESK_FRAME_NS)
               : drift_idle(&channel->drift);
}

static bool is_all_zero(const float *samples, int count) {
    for (int i = 0; i < count; i++)
        if (samples[i] != 0)
            return false;
    return true;
}

// Writes the next piece to the resampler. False if there is no room, which the step sizes rule out.
static bool fill(struct desk_channel *channel, int64_t now_ns, int missing, bool is_live) {
    struct playout_step *step = &channel->step;
    int room;
    float *space = resampler_space(&channel->resampler, &room);
    if (room < SOUND_SAMPLES_MAX)
        return false;
    pthread_mutex_lock(&channel->lock);
    playout_take(channel->playout, now_ns + ahead_ns(channel), missing, step);
    pthread_mutex_unlock(&channel->lock);
    if (step->arrival_ns > channel->newest_ns)
        channel->newest_ns = step->arrival_ns;

    int made = step->samples - step->skip_samples;
    if (is_live) {
        bool is_heard = channel->speech.is_open;
        double comfort_dbfs = fmin(channel->speech.floor_dbfs, COMFORT_MAX_DBFS);
        float noise_rms = is_heard ? (float)pow(10, comfort_dbfs / 20) : 0;
        made = sound_decoder_run(channel->decoder, step, noise_rms, space);
    } else if (made > 0) {
        memset(space, 0, (size_t)made * sizeof(float));
    }
    if (made <= 0)
        return true; // a packet that had passed altogether
    resampler_wrote(&channel->resampler, made);
    if (is_live && !is_all_zero(space, made))
        channel->sounding = channel->resampler.count;
    return true;
}

static void read_frame(struct desk_channel *channel, double speed, bool is_live) {
    bool is_silent = !is_live || channel->sounding <= 0;
    int count = channel->resampler.count;
    resampler_read(&channel->resampler, DESK_FRAME_SAMPLES, speed, is_silent ? NULL : channel->pcm);
    channel->sounding -= count - channel->resampler.count;
    if (is_silent)
        memset(channel->pcm, 0, sizeof(channel->pcm));
}

// From one gain to another over the frame.
static void ramp(float pcm[DESK_FRAME_SAMPLES], float from, float to) {
    if (from == 1 && to == 1)
        return;
    for (int i = 0; i < DESK_FRAME_SAMPLES; i++)
        pcm[i] *= from + (to - from) * (float)(i + 1) / DESK_FRAME_SAMPLES;
}

static void fade_mute(struct desk_channel *channel, bool is_muted) {
    float aim = is_muted ? 0 : 1;
    ramp(channel->pcm, channel->mute_gain, aim);
    channel->mute_gain = aim;
}

// Behind the speech detector, whose noise floor and thresholds are the microphone's own. While it
// is muted the gain stays: what comes back comes back at the new volume.
static void apply_volume(struct desk_channel *channel, float volume, bool is_live) {
    float aim = volume > 0 ? volume : channel->gain;
    if (is_live)
        ramp(channel->pcm, channel->gain, aim);
    channel->gain = aim;
    channel->voice.loudness_dbfs = channel->speech.loudness_dbfs + 20 * log10(fmaxf(aim, 1e-6F));
}

static void publish(struct desk_channel *channel) {
    pthread_mutex_lock(&channel->lock);
    struct desk_channel_stats *stats = &channel->published;
    stats->playout_ns = channel->hold_ns = playout_hold_ns(channel->playout);
    stats->drift_ppm = drift_ppm(&channel->drift);
    stats->level_dbfs = channel->speech.level_dbfs;
    stats->is_speaking = channel->speech.is_speaking;
    channel->delay_ns = playout_delay_ns(channel->playout);
    pthread_mutex_unlock(&channel->lock);
}

void channel_pull(struct desk_channel *channel, int64_t now_ns, bool is_wanted) {
    float volume = atomic_load(&channel->volume);
    bool is_muted = atomic_load(&channel->is_muted) || volume == 0;
    bool is_live = is_wanted && !(is_muted && channel->mute_gain == 0);
    if (is_live && !channel->was_live)
        sound_decoder_reset(channel->decoder);
    channel->was_live = is_live;

    double speed = steer(channel, now_ns);
    int missing;
    while ((missing = resampler_missing(&channel->resampler, DESK_FRAME_SAMPLES, speed)) > 0)
        if (!fill(channel, now_ns, missing, is_live))
            break;
    read_frame(channel, speed, is_live);
    if (is_live) {
        fade_mute(channel, is_muted);
        speech_process(&channel->speech, channel->pcm);
    } else {
        channel->mute_gain = is_muted ? 0 : 1;
        speech_pass(&channel->speech);
    }
    channel->voice.is_open = channel->speech.is_open;
    apply_volume(channel, volume, is_live);
    publish(channel);
}
