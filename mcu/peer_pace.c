// SPDX-License-Identifier: MIT
// Large frames on their way out, spread. A keyframe sent in one burst fills the queue before a slow
// link, where sound then waits behind it, or is lost with it.
//
//   payloader -> (what fits now) ------------------------> capsfilter -> webrtcbin
//            \-> queue -> timers' thread, bit by bit ---/
//
// Only video comes this way. Its order holds: while something is queued or being sent by the
// timers' thread, what comes queues up behind it. No push is made under the lock.
#include "mcu/peer_internal.h"

#include <gst/rtp/rtp.h>

enum {
    CHUNK_MAX = 32,
    FRAME_OUT_MS = 250,         // no frame takes longer, whatever the pace
    ALLOWANCE_MS = 15,          // may leave at once after a pause
    ALLOWANCE_BITS_MIN = 38400, // four packets
    MS_NS = 1000000,
};
// Faster than the link goes in the long run: what queues up here is late for certain.
static const double haste = 2.5;
static const int64_t step_ns = 5 * MS_NS;

static double rate_locked(const struct peer_pace *pace) {
    double bps = pace->kbps * 1000.0 * haste;
    return bps > pace->frame_bps ? bps : pace->frame_bps;
}

static void refill_locked(struct peer_pace *pace, int64_t now_ns) {
    double bps = rate_locked(pace), most = bps * ALLOWANCE_MS / 1000;
    if (most < ALLOWANCE_BITS_MIN)
        most = ALLOWANCE_BITS_MIN;
    pace->credit_bits += bps * (double)(now_ns - pace->refilled_ns) / 1e9;
    if (pace->credit_bits > most || pace->kbps == 0)
        pace->credit_bits = most;
    pace->refilled_ns = now_ns;
}

static int64_t bits_of(GstBuffer *buffer) {
    return (int64_t)(gst_buffer_get_size(buffer) + PEER_OVERHEAD_BYTES) * 8;
}

// ---- what has left, for probes ----

static void note_sent_locked(struct peer_pace *pace, GstBuffer *buffer) {
    guint8 header[12]; // RFC 3550 5.1
    if (gst_buffer_extract(buffer, 0, header, sizeof(header)) != sizeof(header))
        return;
    uint16_t sequence = GST_READ_UINT16_BE(header + 2);
    pace->ssrc = GST_READ_UINT32_BE(header + 8);
    pace->recent[pace->recent_count++ % PEER_RECENT_PACKETS] =
        (struct peer_recent){.sequence = sequence, .bits = (int)bits_of(buffer)};
    atomic_fetch_add_explicit(&pace->sent_bits, (uint64_t)bits_of(buffer), memory_order_relaxed);
}

static gboolean note_each_locked(GstBuffer **buffer, guint index, gpointer user) {
    note_sent_locked(user, *buffer);
    return TRUE;
}

// ---- the payloader's side: the v thread ----

static void append_locked(struct peer_pace *pace, GstBuffer *buffer) {
    pace->queue[(pace->first + pace->count++) % PEER_PACE_PACKETS] = gst_buffer_ref(buffer);
    pace->queued_bits += bits_of(buffer);
}

static gboolean append_each_locked(GstBuffer **buffer, guint index, gpointer user) {
    append_locked(user, *buffer);
    return TRUE;
}

static gboolean add_bits(GstBuffer **buffer, guint index, gpointer user) {
    *(int64_t *)user += bits_of(*buffer);
    return TRUE;
}

enum verdict { PASS, QUEUED, NO_ROOM };

static enum verdict judge_locked(struct peer_pace *pace, int64_t frame_bits, int packets,
                                 int64_t now_ns) {
    bool is_idle = pace->count == 0 && !pace->is_sending;
    if (is_idle)
        pace->frame_bps = 0;
    refill_locked(pace, now_ns);
    if (is_idle && (pace->kbps == 0 || (double)frame_bits <= pace->credit_bits ||
                    packets > PEER_PACE_PACKETS)) {
        pace->credit_bits -= (double)frame_bits;
        return PASS;
    }
    if (pace->count + packets > PEER_PACE_PACKETS)
        return NO_ROOM;
    double frame_bps = (double)frame_bits * 1000 / FRAME_OUT_MS;
    if (frame_bps > pace->frame_bps)
        pace->frame_bps = frame_bps;
    return QUEUED;
}

// One frame: a packet or a list of them.
static GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct peer *peer = user;
    struct peer_pace *pace = &peer->pace;
    bool is_list = info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST;
    GstBufferList *list = is_list ? GST_PAD_PROBE_INFO_BUFFER_LIST(info) : NULL;
    GstBuffer *buffer = is_list ? NULL : GST_PAD_PROBE_INFO_BUFFER(info);
    int64_t frame_bits = 0;
    if (list)
        gst_buffer_list_foreach(list, add_bits, &frame_bits);
    else
        frame_bits = bits_of(buffer);
    int packets = list ? (int)gst_buffer_list_length(list) : 1;
    pthread_mutex_lock(&pace->lock);
    enum verdict verdict = judge_locked(pace, frame_bits, packets, peer_now_ns());
    if (verdict == PASS && list)
        gst_buffer_list_foreach(list, note_each_locked, pace);
    else if (verdict == PASS)
        note_sent_locked(pace, buffer);
    else if (verdict == QUEUED && list)
        gst_buffer_list_foreach(list, append_each_locked, pace);
    else if (verdict == QUEUED)
        append_locked(pace, buffer);
    pthread_mutex_unlock(&pace->lock);
    if (verdict == PASS)
        return GST_PAD_PROBE_OK;
    if (verdict == QUEUED) {
        peer_timer_set(&pace->timer, peer_now_ns());
        return GST_PAD_PROBE_DROP;
    }
    // A hole in the stream: the payloader hands this on to whoever pushed.
    gst_mini_object_unref(info->data);
    info->data = NULL;
    GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_CUSTOM_ERROR;
    return GST_PAD_PROBE_HANDLED;
}

// ---- the timers' thread ----

static int take_locked(struct peer_pace *pace, GstBuffer **chunk) {
    int taken = 0;
    while (pace->count > 0 && taken < CHUNK_MAX && (pace->credit_bits > 0 || pace->kbps == 0)) {
        GstBuffer *buffer = pace->queue[pace->first];
        pace->first = (pace->first + 1) % PEER_PACE_PACKETS;
        pace->count--;
        pace->queued_bits -= bits_of(buffer);
        pace->credit_bits -= (double)bits_of(buffer);
        note_sent_locked(pace, buffer);
        chunk[taken++] = buffer;
    }
    return taken;
}

// Straight into the filter: its pad's own lock keeps the v thread's pushes out meanwhile.
static void push_chunk(GstPad *pad, GstBuffer **chunk, int count) {
    if (count == 1) {
        gst_pad_chain(pad, chunk[0]);
        return;
    }
    GstBufferList *list = gst_buffer_list_new_sized((guint)count);
    for (int i = 0; i < count; i++)
        gst_buffer_list_add(list, chunk[i]);
    gst_pad_chain_list(pad, list);
}

static int64_t next_due_locked(const struct peer_pace *pace, int64_t now_ns) {
    if (pace->count == 0)
        return -1;
    if (pace->credit_bits > 0 || pace->kbps == 0)
        return now_ns;
    int64_t wait_ns = (int64_t)(-pace->credit_bits / rate_locked(pace) * 1e9);
    return now_ns + (wait_ns > step_ns ? wait_ns : step_ns);
}

static int64_t on_timer(struct peer *peer, int64_t now_ns) {
    struct peer_pace *pace = &peer->pace;
    GstBuffer *chunk[CHUNK_MAX];
    pthread_mutex_lock(&pace->lock);
    refill_locked(pace, now_ns);
    int count = take_locked(pace, chunk);
    pace->is_sending = count > 0;
    pthread_mutex_unlock(&pace->lock);
    if (count > 0)
        push_chunk(pace->out, chunk, count);
    pthread_mutex_lock(&pace->lock);
    pace->is_sending = false;
    int64_t due_ns = next_due_locked(pace, now_ns);
    pthread_mutex_unlock(&pace->lock);
    return due_ns;
}

// ---- for the rest of the peer ----

void peer_pace_init(struct peer *peer) {
    pthread_mutex_init(&peer->pace.lock, NULL);
    peer->pace.timer = (struct peer_timer){.peer = peer, .run = on_timer};
    peer->pace.refilled_ns = peer_now_ns();
}

void peer_pace_watch(struct peer *peer, GstPad *payloader_src, GstPad *filter_sink) {
    peer->pace.out = gst_object_ref(filter_sink);
    peer_probe(peer, payloader_src, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
               on_frame);
}

void peer_pace_finish(struct peer *peer) {
    struct peer_pace *pace = &peer->pace;
    peer_timer_cancel(&pace->timer);
    for (; pace->count > 0; pace->count--) {
        gst_buffer_unref(pace->queue[pace->first]);
        pace->first = (pace->first + 1) % PEER_PACE_PACKETS;
    }
    gst_clear_object(&pace->out);
}

int64_t peer_pace_queue_ns(struct peer *peer) {
    struct peer_pace *pace = &peer->pace;
    pthread_mutex_lock(&pace->lock);
    double bps = rate_locked(pace);
    int64_t queue_ns = bps > 0 ? (int64_t)((double)pace->queued_bits / bps * 1e9) : 0;
    pthread_mutex_unlock(&pace->lock);
    return queue_ns;
}

void peer_set_pace(struct peer *peer, int kbps) {
    struct peer_pace *pace = &peer->pace;
    int64_t now_ns = peer_now_ns();
    pthread_mutex_lock(&pace->lock);
    refill_locked(pace, now_ns);
    pace->kbps = kbps > 0 ? kbps : 0;
    bool has_queue = pace->count > 0;
    pthread_mutex_unlock(&pace->lock);
    atomic_store(&peer->pace_kbps, kbps > 0 ? kbps : 0);
    if (has_queue)
        peer_timer_set(&pace->timer, now_ns);
}
