// SPDX-License-Identifier: MIT
#include "mixer/video/seat.h"

#include <stdio.h>
#include <stdlib.h>

struct stage_seat *seat_create(const char *id, const struct stage_seat_ops *ops, void *user) {
    struct stage_seat *seat = calloc(1, sizeof(*seat));
    if (!seat)
        return NULL;
    snprintf(seat->id, sizeof(seat->id), "%s", id);
    seat->ops = *ops;
    seat->user = user;
    atomic_init(&seat->references, 1);
    for (int i = 0; i < SEAT_ROLES; i++) {
        seat->feeds[i] = feed_create();
        if (!seat->feeds[i]) {
            seat_destroy(seat);
            return NULL;
        }
    }
    return seat;
}

void seat_destroy(struct stage_seat *seat) {
    if (!seat)
        return;
    for (int i = 0; i < SEAT_ROLES; i++)
        feed_destroy(seat->feeds[i]);
    free(seat);
}

void seat_ask_keyframe(struct stage_seat *seat, enum video_role role) {
    if (seat->ops.on_keyframe_wanted)
        seat->ops.on_keyframe_wanted(seat->user, role);
}
