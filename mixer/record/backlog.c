// SPDX-License-Identifier: MIT
#include "mixer/record/backlog.h"

#include <string.h>

#define SPAN_MAX_NS (BACKLOG_SECONDS_MAX * INT64_C(1000000000))

void backlog_init(struct backlog *backlog) {
    memset(backlog, 0, sizeof(*backlog));
    backlog->awaits_keyframe = true;
}

static void let_go(struct backlog *backlog, bool counts) {
    struct packet *packet;
    while ((packet = backlog_take(backlog))) {
        backlog->dropped += counts && packet->kind == PACKET_VIDEO;
        packet_unref(packet);
    }
}

void backlog_clear(struct backlog *backlog) {
    let_go(backlog, false);
    backlog->has_begun = false;
    backlog->awaits_keyframe = true;
}

static bool is_full(const struct backlog *backlog, const struct packet *packet) {
    return backlog->count == BACKLOG_MAX ||
           backlog->bytes + packet->size_bytes > BACKLOG_BYTES_MAX ||
           (backlog->count > 0 &&
            packet->pts_ns - backlog->packets[backlog->first]->pts_ns > SPAN_MAX_NS);
}

static bool is_wanted(struct backlog *backlog, const struct packet *packet) {
    if (packet->kind == PACKET_AUDIO)
        return backlog->has_begun;
    if (packet->is_keyframe) {
        backlog->has_begun = true;
        backlog->awaits_keyframe = false;
    }
    if (backlog->awaits_keyframe)
        backlog->dropped += backlog->has_begun;
    return !backlog->awaits_keyframe;
}

bool backlog_push(struct backlog *backlog, struct packet *packet) {
    if (packet->size_bytes > BACKLOG_BYTES_MAX)
        return false;
    if (is_full(backlog, packet)) {
        let_go(backlog, true);
        backlog->awaits_keyframe = true;
    }
    if (!is_wanted(backlog, packet))
        return false;
    backlog->packets[(backlog->first + backlog->count) % BACKLOG_MAX] = packet_ref(packet);
    backlog->count++;
    backlog->bytes += packet->size_bytes;
    return true;
}

struct packet *backlog_take(struct backlog *backlog) {
    if (backlog->count == 0)
        return NULL;
    struct packet *packet = backlog->packets[backlog->first];
    backlog->first = (backlog->first + 1) % BACKLOG_MAX;
    backlog->count--;
    backlog->bytes -= packet->size_bytes;
    return packet;
}
