// SPDX-License-Identifier: MIT
// What mixer.c (the tick threads) and mixer_member.c (who takes part) share; of nobody else.
#ifndef MIXER_MIXER_INTERNAL_H
#define MIXER_MIXER_INTERNAL_H

#include "mixer/mixer.h"

#include <pthread.h>
#include <stdatomic.h>

// A packet on its way to a member, with a reference to the member.
struct mixer_delivery {
    struct mixer_member *member;
    struct packet *packet; // borrowed
};

struct mixer {
    // Immutable.
    char name[16];
    struct mixer_ops ops;
    void *user;
    struct stage *stage;
    struct desk *desk;
    pthread_t video_thread, audio_thread;

    atomic_int references; // one of mixer_create(), one of each member that is not taken out yet

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping;
    int video_receivers, audio_receivers;
    struct mixer_member **members;
    size_t member_count, member_capacity;

    atomic_int_fast64_t frame_ns; // from one picture to the next
    struct histogram video_lateness;

    // The v thread's alone.
    struct mixer_delivery *deliveries;
    size_t delivery_capacity;

    atomic_uint_fast64_t video_ticks, video_ticks_late, video_ticks_skipped, audio_ticks_late;
    struct histogram audio_lateness;
};

struct mixer_member {
    // Immutable until taken out.
    struct mixer *mixer;
    struct stage_seat *seat;
    struct desk_channel *channel;
    struct mixer_member_ops ops;
    void *user;

    atomic_int references; // the owner's, the seat's, the channel's, the tick's
    atomic_int gate;       // pushes inside, and that it is removed
    atomic_flag is_taken_out;

    // Protected by the mixer's lock.
    struct mixer_reception wanted;
    int tier;            // whose packets it gets; -1: none before a keyframe
    int layers;          // how many of its layers
    bool needs_keyframe; // of the wanted tier, and the stage was not told yet
};

void mixer_unref(struct mixer *mixer);

// What follows is called on the tick threads.

// Which tiers somebody gets or waits for, as bits. Tells the stage what their encoders are to aim
// at, and which must send a keyframe.
unsigned mixer_member_choose_tiers(struct mixer *mixer);
// To each who receives video the packet that is theirs, if any. Borrows the packets.
void mixer_member_deliver(struct mixer *mixer, struct packet *const packets[STAGE_TIERS]);
void mixer_member_keep_lip_sync(struct mixer *mixer);

#endif
