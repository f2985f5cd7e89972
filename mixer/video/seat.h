// SPDX-License-Identifier: MIT
// One member on the stage: how they look, and their two feeds. Counted: the stage's list holds one
// reference, and each push and tick that runs holds one.
#ifndef MIXER_VIDEO_SEAT_H
#define MIXER_VIDEO_SEAT_H

#include "mixer/video/feed.h"
#include "mixer/video/name.h"
#include "mixer/video/stage.h"

#include <stdatomic.h>

enum { SEAT_ROLES = 2 };

struct stage_seat {
    // Immutable.
    struct stage *stage;
    uint64_t serial; // never used again after it
    char id[STAGE_ID_MAX];
    struct stage_seat_ops ops;
    void *user;
    struct feed *feeds[SEAT_ROLES]; // have locks of their own

    atomic_int references;

    // Protected by the stage's lock.
    char name[NAME_SIZE_BYTES];
    bool audio_muted, video_muted, hand, is_hidden;
    bool is_wanted[SEAT_ROLES], has_been_told; // what the feeds were told last
    uint64_t screen_sequence;                  // 0: shares none
    bool is_speaking;
    int64_t spoke_ns;
};

// With one reference. NULL when out of memory.
struct stage_seat *seat_create(const char *id, const struct stage_seat_ops *ops, void *user);
// Without any more: frees it; release is called by who dropped the last reference.
void seat_destroy(struct stage_seat *seat); // NULL is allowed

void seat_ask_keyframe(struct stage_seat *seat, enum video_role role); // no lock held

#endif
