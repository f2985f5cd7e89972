// SPDX-License-Identifier: MIT
// Packets on their way from the mix to a thread that may be slower, or blocked. Bounded; where more
// comes, all that waits is thrown away, and pictures up to the next keyframe: what is live must not
// lag behind. Plain values; the caller serialises.
#ifndef MIXER_RECORD_BACKLOG_H
#define MIXER_RECORD_BACKLOG_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKLOG_MAX = 512, BACKLOG_BYTES_MAX = 8 << 20, BACKLOG_SECONDS_MAX = 4 };

struct backlog {
    int first, count;
    size_t bytes;
    bool has_begun;                      // with a keyframe; before that nothing is taken
    bool awaits_keyframe;                // pictures are left out until then
    uint64_t dropped;                    // pictures, since it has begun
    struct packet *packets[BACKLOG_MAX]; // a ring
};

void backlog_init(struct backlog *backlog);
// Lets go of what waits, and begins anew.
void backlog_clear(struct backlog *backlog);
// Keeps a reference, if it takes it at all: true.
bool backlog_push(struct backlog *backlog, struct packet *packet);
// Returns the reference, or NULL when it is empty.
struct packet *backlog_take(struct backlog *backlog);

#endif
