// SPDX-License-Identifier: MIT
// Probes: what media leaves free of a rate is filled with video packets that were sent before, as
// retransmissions. The client throws them away, but its feedback tells how they arrived. libwebrtc
// probes like that. Without RTX agreed, or before the first picture, there is nothing to send.
//
//   timers' thread -> request, as if the client had asked -> rtprtxsend -> RTP session
#include "mcu/peer_internal.h"

static const int64_t step_ns = 5 * 1000000LL;
enum { STEPS_AT_ONCE = 3, KBPS_MAX = 50000, DURATION_MS_MAX = 5000 };

static void resend(GstPad *pad, uint32_t ssrc, uint16_t sequence) {
    GstStructure *request = gst_structure_new("GstRTPRetransmissionRequest", "seqnum", G_TYPE_UINT,
                                              (guint)sequence, "ssrc", G_TYPE_UINT, (guint)ssrc,
                                              PEER_PROBE_FIELD, G_TYPE_BOOLEAN, TRUE, NULL);
    gst_pad_send_event(pad, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, request));
}

// The next of the recent ones, from the newest backwards and round again. False: none.
static bool pick_locked(struct peer_pace *pace, struct peer_recent *out) {
    unsigned known =
        pace->recent_count < PEER_RECENT_PACKETS ? pace->recent_count : PEER_RECENT_PACKETS;
    if (known == 0)
        return false;
    unsigned back = 1 + pace->probe.cursor++ % known;
    *out = pace->recent[(pace->recent_count - back) % PEER_RECENT_PACKETS];
    return true;
}

// What is missing up to now; never more than a few steps' worth at once.
static int64_t missing_bits_locked(const struct peer_pace *pace, int64_t now_ns) {
    const struct peer_probing *probe = &pace->probe;
    int64_t due_bits = (now_ns - probe->begun_ns) / 1000 * probe->kbps / 1000;
    int64_t sent_bits = (int64_t)(atomic_load_explicit(&pace->sent_bits, memory_order_relaxed) -
                                  probe->sent_bits_before);
    int64_t most_bits = step_ns / 1000 * probe->kbps / 1000 * STEPS_AT_ONCE;
    int64_t missing_bits = due_bits - sent_bits;
    return missing_bits < most_bits ? missing_bits : most_bits;
}

static int64_t on_timer(struct peer *peer, int64_t now_ns) {
    struct peer_pace *pace = &peer->pace;
    struct peer_recent recent;
    pthread_mutex_lock(&pace->lock);
    int64_t missing_bits = missing_bits_locked(pace, now_ns);
    bool is_over = now_ns >= pace->probe.until_ns || pace->recent_count == 0;
    GstPad *pad = peer->rtx_pad ? gst_object_ref(peer->rtx_pad) : NULL;
    uint32_t ssrc = pace->ssrc;
    pthread_mutex_unlock(&pace->lock);
    while (pad && !is_over && missing_bits > 0) {
        pthread_mutex_lock(&pace->lock);
        bool has_one = pick_locked(pace, &recent);
        pthread_mutex_unlock(&pace->lock);
        if (!has_one)
            break;
        resend(pad, ssrc, recent.sequence);
        missing_bits -= recent.bits;
        atomic_fetch_add_explicit(&pace->sent_bits, (uint64_t)recent.bits, memory_order_relaxed);
    }
    is_over |= !pad;
    gst_clear_object(&pad);
    return is_over ? -1 : now_ns + step_ns;
}

void peer_probe_init(struct peer *peer) {
    peer->pace.probe.timer = (struct peer_timer){.peer = peer, .run = on_timer};
}

void peer_probe_set_pad(struct peer *peer, GstPad *pad) {
    pthread_mutex_lock(&peer->pace.lock);
    gst_object_replace((GstObject **)&peer->rtx_pad, (GstObject *)pad);
    pthread_mutex_unlock(&peer->pace.lock);
}

void peer_probe_finish(struct peer *peer) {
    peer_timer_cancel(&peer->pace.probe.timer);
    peer_probe_set_pad(peer, NULL);
}

void peer_send_probe(struct peer *peer, int kbps, int duration_ms) {
    if (kbps <= 0 || duration_ms <= 0 || atomic_load(&peer->state) != PEER_CONNECTED ||
        !peer_enter(peer))
        return;
    struct peer_pace *pace = &peer->pace;
    struct peer_probing *probe = &pace->probe;
    int64_t now_ns = peer_now_ns();
    pthread_mutex_lock(&pace->lock);
    bool is_possible = pace->has_rtx && pace->recent_count > 0;
    probe->kbps = kbps < KBPS_MAX ? kbps : KBPS_MAX;
    probe->begun_ns = now_ns;
    probe->until_ns =
        now_ns + (duration_ms < DURATION_MS_MAX ? duration_ms : DURATION_MS_MAX) * 1000000LL;
    probe->sent_bits_before = atomic_load_explicit(&pace->sent_bits, memory_order_relaxed);
    pthread_mutex_unlock(&pace->lock);
    if (is_possible)
        peer_timer_set(&probe->timer, now_ns);
    peer_leave(peer);
}
