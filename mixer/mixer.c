// SPDX-License-Identifier: MIT
// One room's mixer: the two tick threads. Who takes part is in mixer_member.c.
//
//     push_video --> stage --(v:<room>, every frame)--> on_video of each who receives
//     push_audio --> desk  --(a:<room>, every 20 ms)--> on_audio of each who receives
//
// A thread sleeps on a condition while nobody receives its medium: such a room costs no processor.
#include "mixer/mixer_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SYNC_EVERY_TICKS 25

int64_t mixer_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void mixer_unref(struct mixer *mixer) {
    if (atomic_fetch_sub(&mixer->references, 1) != 1)
        return;
    desk_destroy(mixer->desk);
    stage_destroy(mixer->stage);
    pthread_cond_destroy(&mixer->wake);
    pthread_mutex_destroy(&mixer->lock);
    free(mixer->members);
    free(mixer->deliveries);
    free(mixer);
}

// ---- tick threads ----

static void sleep_until_ns(int64_t at_ns) {
    struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

// A clip's time passes whether somebody hears it or not, or it would be kept for ever.
static bool is_wanted(struct mixer *mixer, const int *receivers) {
    return *receivers > 0 || (receivers == &mixer->audio_receivers && desk_is_playing(mixer->desk));
}

// Parks the thread while nobody wants its ticks. False: the mixer stops. *has_parked tells that the
// schedule must start anew.
static bool wait_for_receivers(struct mixer *mixer, const int *receivers, bool *has_parked) {
    pthread_mutex_lock(&mixer->lock);
    while (!mixer->is_stopping && !is_wanted(mixer, receivers)) {
        *has_parked = true;
        pthread_cond_wait(&mixer->wake, &mixer->lock);
    }
    bool goes_on = !mixer->is_stopping;
    pthread_mutex_unlock(&mixer->lock);
    return goes_on;
}

static void tick_video(struct mixer *mixer, int64_t now_ns) {
    struct packet *packets[STAGE_TIERS];
    stage_tick(mixer->stage, now_ns, mixer_member_choose_tiers(mixer), packets);
    atomic_fetch_add(&mixer->video_ticks, 1);
    struct stage_view view;
    if (stage_take_view(mixer->stage, &view) && mixer->ops.on_view)
        mixer->ops.on_view(mixer->user, &view);
    mixer_member_deliver(mixer, packets);
    for (int i = 0; i < STAGE_TIERS; i++)
        packet_unref(packets[i]);
}

// One tick of the schedule: sleeps until it is due; what was overslept by whole periods is skipped.
// Returns how many were skipped; *late says whether this one started more than half a period late.
static uint64_t keep_schedule(int64_t *next_ns, int64_t period_ns, struct histogram *lateness,
                              bool *late) {
    sleep_until_ns(*next_ns);
    int64_t late_ns = mixer_now_ns() - *next_ns;
    histogram_add(lateness, late_ns);
    uint64_t skipped = late_ns >= period_ns ? (uint64_t)(late_ns / period_ns) : 0;
    *next_ns += (int64_t)skipped * period_ns;
    *late = late_ns > period_ns / 2;
    return skipped;
}

static void *run_video(void *argument) {
    struct mixer *mixer = argument;
    bool has_parked = true;
    int64_t next_ns = 0;
    while (wait_for_receivers(mixer, &mixer->video_receivers, &has_parked)) {
        if (has_parked)
            next_ns = mixer_now_ns();
        has_parked = false;
        bool late;
        int64_t frame_ns = atomic_load(&mixer->frame_ns);
        uint64_t skipped = keep_schedule(&next_ns, frame_ns, &mixer->video_lateness, &late);
        atomic_fetch_add(&mixer->video_ticks_skipped, skipped);
        atomic_fetch_add(&mixer->video_ticks_late, late);
        tick_video(mixer, next_ns);
        next_ns += frame_ns;
    }
    return NULL;
}

static void tick_audio(struct mixer *mixer, int64_t now_ns, unsigned tick) {
    desk_tick(mixer->desk, now_ns);
    struct desk_speaking speaking;
    if (desk_take_speaking(mixer->desk, &speaking)) {
        const char *ids[DESK_SPEAKING_MAX];
        for (int i = 0; i < speaking.count; i++)
            ids[i] = speaking.ids[i];
        stage_set_speaking(mixer->stage, ids, speaking.count, speaking.main_id);
        if (mixer->ops.on_speaking)
            mixer->ops.on_speaking(mixer->user, &speaking);
    }
    if (tick % SYNC_EVERY_TICKS == 0)
        mixer_member_keep_lip_sync(mixer);
}

// Unlike pictures, missed sound ticks are caught up one after another: every 20 ms must be played.
// After a whole second (the machine slept) the schedule starts anew.
static void *run_audio(void *argument) {
    struct mixer *mixer = argument;
    bool has_parked = true;
    int64_t next_ns = 0;
    for (unsigned tick = 0; wait_for_receivers(mixer, &mixer->audio_receivers, &has_parked);
         tick++) {
        if (has_parked || mixer_now_ns() - next_ns > 1000000000)
            next_ns = mixer_now_ns();
        has_parked = false;
        sleep_until_ns(next_ns);
        int64_t late_ns = mixer_now_ns() - next_ns;
        histogram_add(&mixer->audio_lateness, late_ns);
        if (late_ns > DESK_FRAME_NS / 2)
            atomic_fetch_add(&mixer->audio_ticks_late, 1);
        tick_audio(mixer, next_ns, tick);
        next_ns += DESK_FRAME_NS;
    }
    return NULL;
}

// ---- life ----

static int start_thread(pthread_t *thread, void *(*run)(void *), struct mixer *mixer, char medium) {
    int error = pthread_create(thread, NULL, run, mixer);
    if (error)
        return -error;
    char name[16]; // the kernel's limit
    snprintf(name, sizeof(name), "%c:%.13s", medium, mixer->name);
    pthread_setname_np(*thread, name);
    return 0;
}

static void stop_threads(struct mixer *mixer, bool has_video, bool has_audio) {
    pthread_mutex_lock(&mixer->lock);
    mixer->is_stopping = true;
    pthread_cond_broadcast(&mixer->wake);
    pthread_mutex_unlock(&mixer->lock);
    if (has_video)
        pthread_join(mixer->video_thread, NULL);
    if (has_audio)
        pthread_join(mixer->audio_thread, NULL);
}

int mixer_create(const char *name, const struct mixer_config *config, const struct mixer_ops *ops,
                 void *user, struct mixer **out) {
    struct mixer *mixer = calloc(1, sizeof(*mixer));
    if (!mixer)
        return -ENOMEM;
    snprintf(mixer->name, sizeof(mixer->name), "%.15s", name);
    mixer->ops = *ops;
    mixer->user = user;
    atomic_init(&mixer->frame_ns, 1000000000 / config->video.fps);
    atomic_init(&mixer->references, 1);
    pthread_mutex_init(&mixer->lock, NULL);
    pthread_cond_init(&mixer->wake, NULL);
    mixer->stage = stage_create(&config->video);
    mixer->desk = desk_create(&config->audio);
    int error = mixer->stage && mixer->desk ? 0 : -ENOMEM;
    bool has_video = false, has_audio = false;
    if (!error)
        has_video = !(error = start_thread(&mixer->video_thread, run_video, mixer, 'v'));
    if (!error)
        has_audio = !(error = start_thread(&mixer->audio_thread, run_audio, mixer, 'a'));
    if (error) {
        stop_threads(mixer, has_video, has_audio);
        mixer_unref(mixer);
        return error;
    }
    *out = mixer;
    return 0;
}

void mixer_destroy(struct mixer *mixer) {
    if (!mixer)
        return;
    stop_threads(mixer, true, true);
    mixer_unref(mixer);
}

// ---- control ----

void mixer_set_layout(struct mixer *mixer, const struct stage_layout *layout) {
    stage_set_layout(mixer->stage, layout);
}

void mixer_set_background(struct mixer *mixer, uint32_t rgb) {
    stage_set_background(mixer->stage, rgb);
}

void mixer_set_picture(struct mixer *mixer, enum stage_picture slot, struct picture *picture) {
    stage_set_picture(mixer->stage, slot, picture);
}

void mixer_set_banner(struct mixer *mixer, const struct stage_banner *banner) {
    stage_set_banner(mixer->stage, banner);
}

void mixer_set_recording(struct mixer *mixer, bool is_recording) {
    stage_set_recording(mixer->stage, is_recording);
}

int mixer_set_canvas(struct mixer *mixer, const struct stage_config *config) {
    int error = stage_set_canvas(mixer->stage, config);
    if (!error)
        atomic_store(&mixer->frame_ns, 1000000000 / config->fps);
    return error;
}

void mixer_set_volume(struct mixer_member *member, double volume) {
    desk_set_volume(member->channel, volume);
}

void mixer_play(struct mixer *mixer, struct clip *clip, double volume) {
    desk_play(mixer->desk, clip, volume);
    pthread_mutex_lock(&mixer->lock);
    pthread_cond_broadcast(&mixer->wake);
    pthread_mutex_unlock(&mixer->lock);
}

void mixer_stop_playing(struct mixer *mixer) {
    desk_play(mixer->desk, NULL, 0);
}

bool mixer_is_playing(struct mixer *mixer) {
    return desk_is_playing(mixer->desk);
}

// ---- questions ----

int mixer_snapshot(struct mixer *mixer, int width_px, enum picture_format format, uint8_t **file,
                   size_t *size_bytes) {
    return stage_snapshot(mixer->stage, mixer_now_ns(), width_px, format, file, size_bytes);
}

void mixer_get_stats(struct mixer *mixer, struct mixer_stats *out) {
    stage_get_stats(mixer->stage, &out->video);
    desk_get_stats(mixer->desk, &out->audio);
    out->video_lateness = (struct histogram_counts){0};
    histogram_sum(&mixer->video_lateness, &out->video_lateness);
    out->video_ticks = atomic_load(&mixer->video_ticks);
    out->video_ticks_late = atomic_load(&mixer->video_ticks_late);
    out->video_ticks_skipped = atomic_load(&mixer->video_ticks_skipped);
    out->audio_ticks_late = atomic_load(&mixer->audio_ticks_late);
    out->audio_lateness = (struct histogram_counts){.sum_ns = 0};
    histogram_sum(&mixer->audio_lateness, &out->audio_lateness);
}
