// SPDX-License-Identifier: MIT
// RTP and RTCP: what webrtcbin's parts must be told so that losses are repaired quickly but not at
// any price, what is heard of the client, and the statistics.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <string.h>

enum {
    // How long a hole in a picture waits for its retransmission: two round trips of a mobile link.
    // Shorter, and a keyframe is asked for, which takes as long and costs more. Audio waits less
    // (peer_pipeline.c): there a hole can be concealed, and what waits behind it comes too late.
    VIDEO_HOLE_WAIT_MS = 200,
    SESSION_BPS_MIN = 2000000, // RTCP may take 5 % of it; less, and NACKs come hundreds of ms late
    TWCC_INTERVAL_MS = 100,    // the default is one report a frame, none for audio alone
};

// ---- what comes in ----

static void note_heard(struct peer *peer, gsize size_bytes, unsigned packets) {
    atomic_store_explicit(&peer->heard_ns, peer_now_ns(), memory_order_relaxed);
    atomic_fetch_add_explicit(&peer->packets_received, packets, memory_order_relaxed);
    atomic_fetch_add_explicit(&peer->bytes_received, size_bytes, memory_order_relaxed);
}

static GstPadProbeReturn on_datagram(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
        note_heard(user, gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info)), 1);
    } else {
        GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
        note_heard(user, gst_buffer_list_calculate_size(list), gst_buffer_list_length(list));
    }
    return GST_PAD_PROBE_OK;
}

// ---- retransmissions ----

// The events come from the session's receiving thread, one at a time.
static GstPadProbeReturn on_rtx_request(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct peer *peer = user;
    const GstStructure *request = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
    guint sequence, ssrc = 0;
    if (!request || !gst_structure_has_name(request, "GstRTPRetransmissionRequest") ||
        !gst_structure_get_uint(request, "seqnum", &sequence) ||
        gst_structure_has_field(request, PEER_PROBE_FIELD))
        return GST_PAD_PROBE_OK;
    gst_structure_get_uint(request, "ssrc", &ssrc);
    peer_rtx_set_pace(&peer->rtx, atomic_load(&peer->pace_kbps));
    bool is_allowed = peer_rtx_allows(&peer->rtx, ssrc, sequence, peer_now_ns());
    atomic_fetch_add(is_allowed ? &peer->retransmissions_sent : &peer->retransmissions_refused, 1);
    return is_allowed ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

// ---- webrtcbin's parts, as they appear ----

static void watch_pad(struct peer *peer, GstElement *element, const char *pad_name,
                      GstPadProbeType type, GstPadProbeCallback probe) {
    GstPad *pad = gst_element_get_static_pad(element, pad_name);
    if (!pad)
        return;
    peer_probe(peer, pad, type, probe);
    gst_object_unref(pad);
}

static void watch_rtx(struct peer *peer, GstElement *rtx) {
    GstPad *pad = gst_element_get_static_pad(rtx, "src");
    if (!pad)
        return;
    peer_probe(peer, pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_rtx_request);
    peer_probe_set_pad(peer, pad);
    gst_object_unref(pad);
}

static void on_element(GstBin *bin, GstBin *where, GstElement *element, struct peer *peer) {
    GstElementFactory *factory = gst_element_get_factory(element);
    const char *name = factory ? GST_OBJECT_NAME(factory) : "";
    if (strcmp(name, "nicesrc") == 0)
        watch_pad(peer, element, "src", GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
                  on_datagram);
    else if (strcmp(name, "rtprtxsend") == 0)
        watch_rtx(peer, element);
    else if (strcmp(name, "rtpsession") == 0)
        peer_feedback_watch(peer, element);
    else if (strcmp(name, "rtpssrcdemux") == 0)
        peer_guard_watch(peer, element);
    else
        peer_channel_limit(peer, element, name);
}

// webrtcbin decides on retransmission by what it knows of the stream, which may be nothing (see
// peer_guard.c). Guessing when the next packet is due, the buffer would give a merely late frame up
// for lost and cost the picture up to the next keyframe: it waits for holes in the numbers only.
static void on_jitter_buffer(GstElement *rtpbin, GstElement *buffer, guint session, guint ssrc,
                             struct peer *peer) {
    g_object_set(buffer, "do-retransmission", TRUE, "add-reference-timestamp-meta", TRUE,
                 "rtx-next-seqnum", FALSE, NULL);
    int line = peer_guard_line(peer, ssrc);
    if (line >= 0 && peer->offer.lines[line].kind != SDP_AUDIO)
        g_object_set(buffer, "latency", VIDEO_HOLE_WAIT_MS, NULL);
}

void peer_rtp_watch(struct peer *peer) {
    peer_rtx_init(&peer->rtx, peer->config->video_kbps, peer_now_ns());
    peer_connect(peer, peer->webrtc, "deep-element-added", G_CALLBACK(on_element));
    GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(peer->webrtc), "rtpbin");
    if (!rtpbin)
        return;
    // Sender reports shall tell when a picture was taken, not when it was sent: lip sync.
    // What rtpbin would do for the other direction shifts audio by leaps; peer_sync.c does it.
    g_object_set(rtpbin, "rtcp-sync-send-time", FALSE, "max-ts-offset", (gint64)1, NULL);
    peer_connect(peer, rtpbin, "new-jitterbuffer", G_CALLBACK(on_jitter_buffer));
    gst_object_unref(rtpbin);
}

// ---- the session ----

void peer_rtp_tune_session(struct peer *peer) {
    GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(peer->webrtc), "rtpbin");
    GObject *session = NULL, *internal = NULL;
    if (rtpbin)
        g_signal_emit_by_name(rtpbin, "get-session", (guint)peer->offer.session_line, &session);
    g_clear_pointer(&rtpbin, gst_object_unref);
    if (!session)
        return; // a data channel alone
    g_object_get(session, "internal-session", &internal, NULL);
    g_object_unref(session);
    if (!internal)
        return;
    double bps = peer->config->video_kbps * 2000.0;
    g_object_set(internal, "bandwidth", bps > SESSION_BPS_MIN ? bps : (double)SESSION_BPS_MIN,
                 "twcc-feedback-interval", (guint64)TWCC_INTERVAL_MS * GST_MSECOND, NULL);
    peer_remb_watch(peer, internal);
    pthread_mutex_lock(&peer->lock);
    peer->rtp_session = internal;
    pthread_mutex_unlock(&peer->lock);
}

void peer_rtp_finish(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    GObject *internal = peer->rtp_session;
    peer->rtp_session = NULL;
    pthread_mutex_unlock(&peer->lock);
    g_clear_object(&internal);
}

// ---- statistics ----

static guint uint_of(const GstStructure *stats, const char *key) {
    guint value = 0;
    gst_structure_get_uint(stats, key, &value);
    return value;
}

static uint64_t uint64_of(const GstStructure *stats, const char *key) {
    guint64 value = 0;
    gst_structure_get_uint64(stats, key, &value);
    return value;
}

// What the client says of one of our streams, and how one of its streams arrives.
static void add_client_source(struct peer *peer, const GstStructure *source,
                              struct peer_stats *out) {
    gboolean has_report = FALSE, is_sender = FALSE;
    gst_structure_get_boolean(source, "have-rb", &has_report);
    gst_structure_get_boolean(source, "is-sender", &is_sender);
    if (has_report) {
        double loss = uint_of(source, "rb-fractionlost") / 256.0;
        int64_t rtt_ns = (int64_t)uint_of(source, "rb-round-trip") * 1000000000 / 65536;
        out->loss_fraction = loss > out->loss_fraction ? loss : out->loss_fraction;
        out->rtt_ns = rtt_ns > out->rtt_ns ? rtt_ns : out->rtt_ns;
    }
    gint clock_hz = 0;
    bool is_media = peer_guard_line(peer, uint_of(source, "ssrc")) >= 0; // not a retransmission's
    if (is_sender && is_media && gst_structure_get_int(source, "clock-rate", &clock_hz) &&
        clock_hz > 0) {
        int64_t jitter_ns = (int64_t)uint_of(source, "jitter") * 1000000000 / clock_hz;
        out->jitter_ns = jitter_ns > out->jitter_ns ? jitter_ns : out->jitter_ns;
    }
}

static void add_source(struct peer *peer, const GstStructure *source, struct peer_stats *out) {
    gboolean is_internal = FALSE;
    gst_structure_get_boolean(source, "internal", &is_internal);
    if (!is_internal) {
        add_client_source(peer, source, out);
        return;
    }
    out->packets_sent += uint64_of(source, "packets-sent");
    out->bytes_sent += uint64_of(source, "octets-sent");
    out->nacks_received += uint_of(source, "recv-nack-count");
}

static void add_session(struct peer *peer, GObject *session, struct peer_stats *out) {
    GstStructure *stats = NULL;
    g_object_get(session, "stats", &stats, NULL);
    if (!stats)
        return;
    const GValue *sources = gst_structure_get_value(stats, "source-stats");
    GValueArray *array = sources ? g_value_get_boxed(sources) : NULL;
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    for (guint i = 0; array && i < array->n_values; i++)
        add_source(peer, g_value_get_boxed(g_value_array_get_nth(array, i)), out);
    G_GNUC_END_IGNORE_DEPRECATIONS
    gst_structure_free(stats);
}

void peer_get_stats(struct peer *peer, struct peer_stats *out) {
    *out = (struct peer_stats){
        .state = atomic_load(&peer->state),
        .packets_received = atomic_load(&peer->packets_received),
        .bytes_received = atomic_load(&peer->bytes_received),
        .retransmissions_sent = atomic_load(&peer->retransmissions_sent),
        .retransmissions_refused = atomic_load(&peer->retransmissions_refused),
        .keyframes_requested = atomic_load(&peer->keyframes_requested),
        .pace_queue_ns = peer_pace_queue_ns(peer),
    };
    pthread_mutex_lock(&peer->lock);
    GObject *session = peer->rtp_session ? g_object_ref(peer->rtp_session) : NULL;
    pthread_mutex_unlock(&peer->lock);
    if (session)
        add_session(peer, session, out);
    g_clear_object(&session);
}
