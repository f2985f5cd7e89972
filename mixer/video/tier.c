// SPDX-License-Identifier: MIT
#include "mixer/video/tier.h"

#include <string.h>

int tier_init(struct tier *tier, const struct encoder_config *config) {
    memset(tier, 0, sizeof(*tier));
    tier->config = *config;
    keyframe_gate_init(&tier->gate, TIER_KEYFRAME_INTERVAL_NS);
    int columns = (config->width_px + CANVAS_BLOCK_PX - 1) / CANVAS_BLOCK_PX;
    int rows = (config->height_px + CANVAS_BLOCK_PX - 1) / CANVAS_BLOCK_PX;
    return refresh_init(&tier->refresh, columns * rows);
}

void tier_rest(struct tier *tier) {
    encoder_destroy(tier->encoder);
    tier->encoder = NULL;
    tier->source_ns = 0;
}

void tier_finish(struct tier *tier) {
    tier_rest(tier);
    refresh_finish(&tier->refresh);
}

void tier_request_keyframe(struct tier *tier) {
    keyframe_gate_request(&tier->gate);
}

int tier_set_kbps(struct tier *tier, int kbps) {
    tier->config.kbps = kbps;
    return tier->encoder ? encoder_set_kbps(tier->encoder, kbps) : 0;
}

void tier_mark(struct tier *tier, const struct canvas *canvas, int64_t source_ns) {
    if (canvas->is_dirty)
        refresh_mark(&tier->refresh, canvas->dirty);
    if (source_ns > tier->source_ns)
        tier->source_ns = source_ns;
}

// A new encoder begins with a keyframe whenever the last one was: nobody could read it else.
static int wake(struct tier *tier) {
    if (tier->encoder)
        return 0;
    int error = encoder_create(&tier->config, &tier->encoder);
    if (error)
        return error;
    keyframe_gate_init(&tier->gate, TIER_KEYFRAME_INTERVAL_NS);
    keyframe_gate_request(&tier->gate);
    return 0;
}

int tier_encode(struct tier *tier, const struct canvas *canvas, int64_t now_ns,
                struct packet **out) {
    *out = NULL;
    int error = wake(tier);
    if (error)
        return error;
    bool is_due = refresh_is_due(&tier->refresh, encoder_is_settled(tier->encoder), now_ns);
    bool wants_keyframe = keyframe_gate_take(&tier->gate, now_ns);
    if (!is_due && !wants_keyframe)
        return 0;
    struct packet *packet = NULL;
    error = encoder_encode(tier->encoder, canvas->frame, tier->refresh.changed, wants_keyframe,
                           now_ns, &packet);
    if (error || !packet) { // the rate control may leave a frame out: all of it stays to be done
        if (wants_keyframe)
            keyframe_gate_request(&tier->gate);
        return error;
    }
    refresh_note_sent(&tier->refresh, now_ns);
    packet->source_ns = tier->source_ns;
    tier->source_ns = 0;
    *out = packet;
    return 0;
}
