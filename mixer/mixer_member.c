// SPDX-License-Identifier: MIT
// Who takes part in a mixer: their way in and out, their media, and what each of them receives.
//
// Removing a member may race with its streaming thread. Each member has a gate that counts the
// pushes which are inside; whoever comes last after the removal (remover or pusher) takes the seat
// and the channel out, so nobody waits and nobody holds a lock across a decode.
#include "mixer/mixer_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { GATE_REMOVED = 1 << 30, NO_TIER = -1 };

// Lip sync, ITU-R BT.1359: nobody notices sound up to 125 ms late or 45 ms early. Pictures are held
// back, or sound is, only for what goes beyond these, so that sync costs no delay where none is
// needed. A picture may wait for the tick as long again as a frame lasts: less is left for early.
#define SOUND_LATE_OK_NS  INT64_C(60000000)
#define SOUND_EARLY_OK_NS INT64_C(10000000)

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

// ---- life ----

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
    member->tier = NO_TIER;
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

// ---- what a member receives ----

void mixer_set_look(struct mixer_member *member, const struct stage_look *look) {
    stage_set_look(member->seat, look);
    desk_set_muted(member->channel, look->audio_muted);
}

static int clamp(int value, int min, int max) {
    return value < min ? min : value > max ? max : value;
}

// A member who begins to receive, or changes tier, waits for a keyframe.
static void want_locked(struct mixer_member *member, const struct mixer_reception *reception) {
    member->wanted = *reception;
    member->wanted.tier = clamp(reception->tier, 0, STAGE_TIERS - 1);
    member->wanted.layers = clamp(reception->layers, 1, STAGE_LAYERS);
    if (!reception->video)
        member->tier = NO_TIER;
    member->needs_keyframe = reception->video && member->tier != member->wanted.tier;
}

void mixer_set_reception(struct mixer_member *member, const struct mixer_reception *reception) {
    struct mixer *mixer = member->mixer;
    pthread_mutex_lock(&mixer->lock);
    bool had_video = member->wanted.video, had_audio = member->wanted.audio;
    want_locked(member, reception);
    mixer->video_receivers += reception->video - had_video;
    mixer->audio_receivers += reception->audio - had_audio;
    pthread_cond_broadcast(&mixer->wake);
    pthread_mutex_unlock(&mixer->lock);
    if (reception->audio != had_audio)
        desk_set_listening(member->channel, reception->audio);
    desk_set_thrifty(member->channel, reception->is_thrifty);
    desk_set_loss_percent(member->channel, reception->audio_loss_percent);
}

void mixer_request_keyframe(struct mixer_member *member) {
    if (!gate_enter(member))
        return;
    struct mixer *mixer = member->mixer;
    pthread_mutex_lock(&mixer->lock);
    int wanted = member->wanted.video ? member->wanted.tier : NO_TIER, current = member->tier;
    pthread_mutex_unlock(&mixer->lock);
    if (wanted != NO_TIER)
        stage_request_keyframe(mixer->stage, wanted);
    if (current != NO_TIER && current != wanted)
        stage_request_keyframe(mixer->stage, current);
    gate_leave(member);
}

// ---- fan-out ----

struct tier_needs {
    bool is_watched, needs_keyframe;
    int kbps; // what the best of its members can take
};

static void add_needs_locked(const struct mixer_member *member, int tier,
                             struct tier_needs needs[STAGE_TIERS]) {
    if (tier == NO_TIER)
        return;
    int kbps = member->wanted.video_kbps > 0 ? member->wanted.video_kbps : INT_MAX;
    needs[tier].is_watched = true;
    if (needs[tier].kbps < kbps)
        needs[tier].kbps = kbps;
}

static void collect_needs(struct mixer *mixer, struct tier_needs needs[STAGE_TIERS]) {
    pthread_mutex_lock(&mixer->lock);
    for (size_t i = 0; i < mixer->member_count; i++) {
        struct mixer_member *member = mixer->members[i];
        if (!member->wanted.video)
            continue;
        add_needs_locked(member, member->tier, needs);
        add_needs_locked(member, member->wanted.tier, needs);
        if (member->needs_keyframe)
            needs[member->wanted.tier].needs_keyframe = true;
        member->needs_keyframe = false;
    }
    pthread_mutex_unlock(&mixer->lock);
}

unsigned mixer_member_choose_tiers(struct mixer *mixer) {
    struct tier_needs needs[STAGE_TIERS] = {0};
    unsigned watched = 0;
    collect_needs(mixer, needs);
    for (int i = 0; i < STAGE_TIERS; i++) {
        if (!needs[i].is_watched)
            continue;
        watched |= 1U << i;
        stage_set_tier_kbps(mixer->stage, i, needs[i].kbps);
        if (needs[i].needs_keyframe)
            stage_request_keyframe(mixer->stage, i);
    }
    return watched;
}

// What of these packets is the member's. A change of tier happens at a keyframe of the new one, and
// more layers begin at a frame of layer 0, for no frame is predicted from beyond the last of those.
static struct packet *choose_packet_locked(struct mixer_member *member,
                                           struct packet *const packets[STAGE_TIERS]) {
    const struct mixer_reception *wanted = &member->wanted;
    struct packet *packet = packets[wanted->tier];
    if (member->tier != wanted->tier && packet && packet->is_keyframe) {
        member->tier = wanted->tier;
        member->needs_keyframe = false;
    }
    packet = member->tier == NO_TIER ? NULL : packets[member->tier];
    if (!packet)
        return NULL;
    if (packet->temporal_layer == 0 || wanted->layers < member->layers)
        member->layers = wanted->layers;
    return packet->temporal_layer < member->layers ? packet : NULL;
}

static void grow_deliveries_locked(struct mixer *mixer) {
    if (mixer->delivery_capacity >= mixer->member_count)
        return;
    size_t capacity = mixer->member_capacity;
    void *bigger = realloc(mixer->deliveries, capacity * sizeof(*mixer->deliveries));
    if (!bigger)
        return;
    mixer->deliveries = bigger;
    mixer->delivery_capacity = capacity;
}

static size_t collect_deliveries(struct mixer *mixer, struct packet *const packets[STAGE_TIERS]) {
    size_t count = 0;
    pthread_mutex_lock(&mixer->lock);
    grow_deliveries_locked(mixer);
    for (size_t i = 0; i < mixer->member_count && count < mixer->delivery_capacity; i++) {
        struct mixer_member *member = mixer->members[i];
        struct packet *packet = member->wanted.video ? choose_packet_locked(member, packets) : NULL;
        if (packet)
            mixer->deliveries[count++] = (struct mixer_delivery){mixer_member_ref(member), packet};
    }
    pthread_mutex_unlock(&mixer->lock);
    return count;
}

void mixer_member_deliver(struct mixer *mixer, struct packet *const packets[STAGE_TIERS]) {
    size_t count = collect_deliveries(mixer, packets);
    for (size_t i = 0; i < count; i++) {
        struct mixer_member *member = mixer->deliveries[i].member;
        if (member->ops.on_video)
            member->ops.on_video(member->user, mixer->deliveries[i].packet);
        mixer_member_unref(member);
    }
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

void mixer_member_keep_lip_sync(struct mixer *mixer) {
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

void mixer_get_member_audio_stats(struct mixer_member *member, struct desk_channel_stats *out) {
    memset(out, 0, sizeof(*out));
    if (!gate_enter(member))
        return;
    desk_get_channel_stats(member->channel, out);
    gate_leave(member);
}
