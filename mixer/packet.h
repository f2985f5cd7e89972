// SPDX-License-Identifier: MIT
// One encoded frame on its way out: made once, read by many, freed by the last.
// Immutable after packet_create(); the reference count is atomic, so any thread may hold one.
#ifndef MIXER_PACKET_H
#define MIXER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_kind { PACKET_AUDIO, PACKET_VIDEO };

struct packet {
    enum packet_kind kind;
    bool is_keyframe;
    uint8_t tier;           // of the composite: STAGE_TIERS of them, 0 the full canvas
    uint8_t temporal_layer; // 0 is the base; members below a layer never get its packets
    int64_t pts_ns;         // room clock: CLOCK_MONOTONIC
    int64_t duration_ns;
    int64_t source_ns; // arrival of the newest source frame in it; 0 if none: what delay is
                       // measured from
    size_t size_bytes;
    uint8_t data[];
};

// Copies data. Returns a new reference, or NULL when out of memory.
struct packet *packet_create(enum packet_kind kind, const void *data, size_t size_bytes);

// Returns a new reference to the same packet.
struct packet *packet_ref(struct packet *packet);

// Takes the reference. NULL is allowed.
void packet_unref(struct packet *packet);

#endif
