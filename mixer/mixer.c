// SPDX-License-Identifier: MIT
// One room's mixer: the two tick threads, and the members' way in and out.
//
//     push_video --> stage --(v:<room>, every frame)--> on_video of each who receives
//     push_audio --> desk  --(a:<room>, every 20 ms)--> on_audio of each who receives
//
// A thread sleeps on a condition while nobody receives its medium: such a room costs no processor.
//
// Removing a member may race with its streaming thread. Each member has a gate that counts the
// pushes which are inside; whoever comes last after the removal (remover or pusher) takes the seat
// and the channel out, so nobody waits and nobody holds a lock across a decode.
#include "mixer/mixer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GATE_REMOVED = 1 << 30 };

// Lip sync, ITU-R BT.1359: nobody notices sound up to 125 ms late or 45 ms early. Pictures are held
// back, or sound is, only for what goes beyond these, so that sync costs no delay where none is
// needed.
#define SOUND_LATE_OK_NS  INT64_C(60000000)
#define SOUND_EARLY_OK_NS INT64_C(30000000)
#define SYNC_EVERY_TICKS  25

struct mixer {
    // Immutable.
    char name[16];
    struct mixer_ops ops;
    void *user;
    struct stage *stage;
    struct desk *desk;
    int64_t frame_ns;
    pthread_t video_thread, audio_thread;

    atomic_int references; // one of mixer_create(), one of each member that is not taken out yet

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping;
    int video_receivers, audio_receivers;
    struct mixer_member **members;
    size_t member_count, member_capacity;

    // The v thread's alone.
    struct mixer_member **audience;
    size_t audience_capacity;

    atomic_uint_fast64_t video_ticks, video_ticks_late, video_ticks_skipped, audio_ticks_late;
};

struct mixer_member {
    // Immutable until taken out.
    struct mixer *mixer;
    struct stage_seat *seat;
    struct desk_channel *channel;
    struct mixer_member_ops ops;
    void *user;

    atomic_int references; // the owner's, the seat's, the channel's, the tick's
    atomic_int gate;       // pushes inside, and GATE_REMOVED
    atomic_flag is_taken_out;
    atomic_bool receives_video;
    bool receives_audio; // control loop only
};

int64_t mixer_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void mixer_unref(struct mixer *mixer) {
    if (atomic_fetch_sub(&mixer->references, 1) != 1)
        return;
    desk_destroy(mixer->desk);
    stage_destroy(mixer->stage);
    pthread_cond_destroy(&mixer->wake);
    pthread_mutex_destroy(&mixer->lock);
    free(mixer->members);
    free(mixer->audience);
    free(mixer);
}

struct mixer_member *mixer_member_ref(struct mixer_member *member) {
    atomic_fetch_add(&member->references, 1);
    return member;
}

void mixer_member_unref(struct mixer_member *member) {
    if (!member || atomic_fetch_sub(&member->references, 1) != 1)
        return;
    if (member->ops.release)
        member->ops.release(member->user);
    free(member);
}

static void take_out(struct mixer_member *member) {
    if (atomic_flag_test_and_set(&member->is_taken_out))
        return;
    struct mixer *mixer = member->mixer;
    if (member->seat)
        stage_remove(mixer->stage, member->seat);
    if (member->channel)
        desk_remove(mixer->desk, member->channel);
    mixer_unref(mixer);
}

static void gate_leave(struct mixer_member *member) {
    if (atomic_fetch_sub(&member->gate, 1) == (GATE_REMOVED | 1))
        take_out(member);
}

static bool gate_enter(struct mixer_member *member) {
    if (!(atomic_fetch_add(&member->gate, 1) & GATE_REMOVED))
        return true;
    gate_leave(member);
    return false;
}

// ---- callbacks of stage and desk ----

static void on_seat_keyframe_wanted(void *user, enum video_role role) {
    struct mixer_member *member = user;
    if (member->ops.on_keyframe_wanted)
        member->ops.on_keyframe_wanted(member->user, role);
}

static void on_channel_audio(void *user, struct packet *packet) {
    struct mixer_member *member = user;
    if (member->ops.on_audio)
        member->ops.on_audio(member->user, packet);
}

static void on_part_released(void *user) {
    mixer_member_unref(user);
}

static const struct stage_seat_ops seat_ops = {
    .on_keyframe_wanted = on_seat_keyframe_wanted,
    .release = on_part_released,
};

static const struct desk_channel_ops channel_ops = {
    .on_audio = on_channel_audio,
    .release = on_part_released,
};

// ---- tick threads ----

static void sleep_until_ns(int64_t at_ns) {
    struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

// Parks the thread while *receivers is zero. False: the mixer stops. *has_parked tells that the
// schedule must start anew.
static bool wait_for_receivers(struct mixer *mixer, const int *receivers, bool *has_parked) {
    pthread_mutex_lock(&mixer->lock);
    while (!mixer->is_stopping && *receivers == 0) {
        *has_parked = true;
        pthread_cond_wait(&mixer->wake, &mixer->lock);
    }
    bool goes_on = !mixer->is_stopping;
    pthread_mutex_unlock(&mixer->lock);
    return goes_on;
}

// The members that receive video, each with a reference. Returns how many.
static size_t collect_audience(struct mixer *mixer) {
    size_t count = 0;
    pthread_mutex_lock(&mixer->lock);
    if (mixer->audience_capacity < mixer->member_count) {
        size_t capacity = mixer->member_capacity;
        void *bigger = realloc(mixer->audience, capacity * sizeof(*mixer->audience));
        if (bigger) {
            mixer->audience = bigger;
            mixer->audience_capacity = capacity;
        }
    }
    for (size_t i = 0; i < mixer->member_count && count < mixer->audience_capacity; i++)
        if (atomic_load(&mixer->members[i]->receives_video))
            mixer->audience[count++] = mixer_member_ref(mixer->members[i]);
    pthread_mutex_unlock(&mixer->lock);
    return count;
}

static void fan_out_video(struct mixer *mixer, struct packet *packet) {
    size_t count = collect_audience(mixer);
    for (size_t i = 0; i < count; i++) {
        struct mixer_member *member = mixer->audience[i];
        if (member->ops.on_video)
            member->ops.on_video(member->user, packet);
        mixer_member_unref(member);
    }
}

static void tick_video(struct mixer *mixer, int64_t now_ns) {
    struct packet *packet = NULL;
    struct packet *packets[STAGE_TIERS];
    stage_tick(mixer->stage, now_ns, 1, packets);
    packet = packets[0];
    atomic_fetch_add(&mixer->video_ticks, 1);
    struct stage_view view;
    if (stage_take_view(mixer->stage, &view) && mixer->ops.on_view)
        mixer->ops.on_view(mixer->user, &view);
    if (packet) {
        fan_out_video(mixer, packet);
        packet_unref(packet);
    }
}

// One tick of the schedule: sleeps until it is due; what was overslept by whole periods is skipped.
// Returns how many were skipped; *late says whether this one started more than half a period late.
static uint64_t keep_schedule(int64_t *next_ns, int64_t period_ns, bool *late) {
    sleep_until_ns(*next_ns);
    int64_t late_ns = mixer_now_ns() - *next_ns;
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
        uint64_t skipped = keep_schedule(&next_ns, mixer->frame_ns, &late);
        atomic_fetch_add(&mixer->video_ticks_skipped, skipped);
        atomic_fetch_add(&mixer->video_ticks_late, late);
        tick_video(mixer, next_ns);
        next_ns += mixer->frame_ns;
    }
    return NULL;
}

// The later of a member's picture and sound sets the pace, as far as people would notice.
static void keep_lip_sync(struct mixer_member *member) {
    if (!gate_enter(member))
        return;
    int64_t sound_ns = desk_delay_ns(member->channel);
    int64_t picture_ns = stage_lateness_ns(member->seat);
    int64_t hold_ns = sound_ns > SOUND_LATE_OK_NS ? sound_ns - SOUND_LATE_OK_NS : 0;
    int64_t min_delay_ns = picture_ns > SOUND_EARLY_OK_NS ? picture_ns - SOUND_EARLY_OK_NS : 0;
    stage_set_hold_ns(member->seat, hold_ns);
    desk_set_min_delay_ns(member->channel, min_delay_ns);
    gate_leave(member);
}

static void keep_lip_sync_of_all(struct mixer *mixer) {
    struct mixer_member *member = NULL;
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&mixer->lock);
        member = i < mixer->member_count ? mixer_member_ref(mixer->members[i]) : NULL;
        pthread_mutex_unlock(&mixer->lock);
        if (!member)
            return;
        keep_lip_sync(member);
        mixer_member_unref(member);
    }
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
        keep_lip_sync_of_all(mixer);
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
        if (mixer_now_ns() - next_ns > DESK_FRAME_NS / 2)
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
    mixer->frame_ns = 1000000000 / config->video.fps;
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

static int list_member(struct mixer *mixer, struct mixer_member *member) {
    int error = 0;
    pthread_mutex_lock(&mixer->lock);
    if (mixer->member_count == mixer->member_capacity) {
        size_t capacity = mixer->member_capacity ? mixer->member_capacity * 2 : 16;
        void *bigger = realloc(mixer->members, capacity * sizeof(struct mixer_member *));
        if (bigger) {
            mixer->members = bigger;
            mixer->member_capacity = capacity;
        } else {
            error = -ENOMEM;
        }
    }
    if (!error)
        mixer->members[mixer->member_count++] = member;
    pthread_mutex_unlock(&mixer->lock);
    return error;
}

static void unlist_member(struct mixer *mixer, struct mixer_member *member) {
    pthread_mutex_lock(&mixer->lock);
    for (size_t i = 0; i < mixer->member_count; i++) {
        if (mixer->members[i] != member)
            continue;
        mixer->members[i] = mixer->members[--mixer->member_count];
        break;
    }
    pthread_mutex_unlock(&mixer->lock);
}

int mixer_add_member(struct mixer *mixer, const char *id, const struct stage_look *look,
                     const struct mixer_member_ops *ops, void *user, struct mixer_member **out) {
    struct mixer_member *member = calloc(1, sizeof(*member));
    if (!member)
        return -ENOMEM;
    member->mixer = mixer;
    atomic_fetch_add(&mixer->references, 1);
    atomic_init(&member->references, 1);
    member->ops = *ops;
    member->ops.release = NULL; // follows on success: a failure must not release user
    member->user = user;
    member->seat = stage_add(mixer->stage, id, look, &seat_ops, mixer_member_ref(member));
    if (!member->seat)
        mixer_member_unref(member);
    member->channel = desk_add(mixer->desk, id, &channel_ops, mixer_member_ref(member));
    if (!member->channel)
        mixer_member_unref(member);
    if (!member->seat || !member->channel || list_member(mixer, member)) {
        take_out(member);
        mixer_member_unref(member);
        return -ENOMEM;
    }
    member->ops.release = ops->release;
    desk_set_muted(member->channel, look->audio_muted);
    *out = member;
    return 0;
}

void mixer_remove_member(struct mixer_member *member) {
    mixer_set_reception(member, &(struct mixer_reception){0});
    unlist_member(member->mixer, member);
    if (!(atomic_fetch_or(&member->gate, GATE_REMOVED) & ~GATE_REMOVED))
        take_out(member);
    mixer_member_unref(member);
}

// ---- control ----

void mixer_set_look(struct mixer_member *member, const struct stage_look *look) {
    stage_set_look(member->seat, look);
    desk_set_muted(member->channel, look->audio_muted);
}

void mixer_set_reception(struct mixer_member *member, const struct mixer_reception *reception) {
    bool video = reception->video, audio = reception->audio;
    struct mixer *mixer = member->mixer;
    bool had_video = atomic_exchange(&member->receives_video, video);
    bool had_audio = member->receives_audio;
    member->receives_audio = audio;
    if (audio != had_audio)
        desk_set_listening(member->channel, audio);
    pthread_mutex_lock(&mixer->lock);
    mixer->video_receivers += video - had_video;
    mixer->audio_receivers += audio - had_audio;
    pthread_cond_broadcast(&mixer->wake);
    pthread_mutex_unlock(&mixer->lock);
    if (video && !had_video)
        stage_request_keyframe(mixer->stage, 0);
}

void mixer_set_layout(struct mixer *mixer, enum layout_kind kind) {
    stage_set_layout(mixer->stage, kind);
}

// ---- media in ----

int mixer_push_video(struct mixer_member *member, enum video_role role, enum video_codec codec,
                     const void *data, size_t size_bytes, int64_t pts_ns, int64_t arrival_ns,
                     int rotation) {
    if (!gate_enter(member))
        return -ESTALE;
    int result =
        stage_push(member->seat, role, codec, data, size_bytes, pts_ns, arrival_ns, rotation);
    gate_leave(member);
    return result;
}

void mixer_push_video_lost(struct mixer_member *member, enum video_role role) {
    if (!gate_enter(member))
        return;
    stage_push_lost(member->seat, role);
    gate_leave(member);
}

int mixer_push_audio(struct mixer_member *member, const void *data, size_t size_bytes,
                     int64_t pts_ns, int64_t arrival_ns) {
    if (!gate_enter(member))
        return -ESTALE;
    int result = desk_push(member->channel, data, size_bytes, pts_ns, arrival_ns);
    gate_leave(member);
    return result;
}

void mixer_push_audio_lost(struct mixer_member *member, int64_t pts_ns, int64_t duration_ns) {
    if (!gate_enter(member))
        return;
    desk_push_lost(member->channel, pts_ns, duration_ns);
    gate_leave(member);
}

// ---- questions ----

void mixer_request_keyframe(struct mixer_member *member) {
    if (!gate_enter(member))
        return;
    stage_request_keyframe(member->mixer->stage, 0);
    gate_leave(member);
}

int mixer_snapshot(struct mixer *mixer, int width_px, uint8_t **jpeg, size_t *size_bytes) {
    return stage_snapshot(mixer->stage, mixer_now_ns(), width_px, jpeg, size_bytes);
}

void mixer_get_stats(struct mixer *mixer, struct mixer_stats *out) {
    stage_get_stats(mixer->stage, &out->video);
    desk_get_stats(mixer->desk, &out->audio);
    out->video_ticks = atomic_load(&mixer->video_ticks);
    out->video_ticks_late = atomic_load(&mixer->video_ticks_late);
    out->video_ticks_skipped = atomic_load(&mixer->video_ticks_skipped);
    out->audio_ticks_late = atomic_load(&mixer->audio_ticks_late);
}

void mixer_get_member_audio_stats(struct mixer_member *member, struct desk_channel_stats *out) {
    memset(out, 0, sizeof(*out));
    if (!gate_enter(member))
        return;
    desk_get_channel_stats(member->channel, out);
    gate_leave(member);
}
