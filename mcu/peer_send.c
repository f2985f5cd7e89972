// SPDX-License-Identifier: MIT
// The room's packets on their way to one client. Packets are pushed straight into the payloader
// from the tick thread: no queue and no thread in between (the next queue is rtprtxsend's).
//
//   tick thread -> own src pad -> rtpvp8pay | rtpopuspay -> (peer_pace.c) -> capsfilter ->
//   webrtcbin
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>

enum { RTP_BYTES_MAX = 1200 };
static const int64_t ask_interval_ns = 500 * 1000000LL;
// More than this waiting to be sent: what comes is stale, so it starts anew with a keyframe.
static const int64_t backlog_max_ns = 400 * 1000000LL;

// ---- building: worker ----

static void add_extension(GstElement *payloader, const char *uri, int id, const char *mid) {
    if (!id)
        return;
    GstRTPHeaderExtension *extension = gst_rtp_header_extension_create_from_uri(uri);
    if (!extension)
        return;
    gst_rtp_header_extension_set_id(extension, id);
    if (mid)
        g_object_set(extension, "mid", mid, NULL);
    g_signal_emit_by_name(payloader, "add-extension", extension);
    gst_object_unref(extension);
}

static GstElement *make_payloader(const struct sdp_line *line) {
    bool is_audio = line->kind == SDP_AUDIO;
    GstElement *payloader = gst_element_factory_make(is_audio ? "rtpopuspay" : "rtpvp8pay", NULL);
    if (!payloader)
        return NULL;
    g_object_set(payloader, "pt", line->payload_type, "mtu", RTP_BYTES_MAX, NULL);
    if (!is_audio)
        g_object_set(payloader, "picture-id-mode", 2 /* 15 bits */, NULL);
    // Without this, webrtcbin numbers nothing for congestion control on our side.
    add_extension(payloader, SDP_URI_TWCC, line->twcc_id, NULL);
    add_extension(payloader, SDP_URI_MID, line->mid_id, line->mid);
    return payloader;
}

static GstElement *make_filter(const struct sdp_line *line) {
    GstElement *filter = gst_element_factory_make("capsfilter", NULL);
    bool is_audio = line->kind == SDP_AUDIO;
    GstCaps *caps = gst_caps_new_simple(
        "application/x-rtp", "media", G_TYPE_STRING, is_audio ? "audio" : "video", "encoding-name",
        G_TYPE_STRING, is_audio ? "OPUS" : "VP8", "clock-rate", G_TYPE_INT, line->clock_hz,
        "payload", G_TYPE_INT, line->payload_type, NULL);
    if (filter)
        g_object_set(filter, "caps", caps, NULL);
    gst_caps_unref(caps);
    return filter;
}

// Named after the m-line: that ties it to it.
static GstPad *request_webrtc_pad(struct peer *peer, int line_index, GstElement *filter) {
    GstPadTemplate *template =
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(peer->webrtc), "sink_%u");
    GstCaps *caps = NULL;
    g_object_get(filter, "caps", &caps, NULL);
    char name[16];
    g_snprintf(name, sizeof(name), "sink_%d", line_index);
    GstPad *pad = gst_element_request_pad(peer->webrtc, template, name, caps);
    gst_caps_unref(caps);
    if (!pad)
        return NULL;
    GObject *transceiver = NULL;
    g_object_get(pad, "transceiver", &transceiver, NULL);
    g_object_set(transceiver, "do-nack", peer->offer.lines[line_index].kind != SDP_AUDIO,
                 "fec-type", GST_WEBRTC_FEC_TYPE_NONE, "direction",
                 GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV, NULL);
    g_object_unref(transceiver);
    // One stream id for both tracks: the browser plays them in step.
    g_object_set(pad, "msid", "room", NULL);
    return pad;
}

// PLI and FIR come up here as the same event.
static gboolean on_event_from_client(GstPad *pad, GstObject *parent, GstEvent *event) {
    struct peer *peer = gst_pad_get_element_private(pad);
    if (gst_video_event_is_force_key_unit(event) && peer_enter(peer)) {
        peer->ops.on_keyframe_request(peer->user);
        peer_leave(peer);
    }
    gst_event_unref(event);
    return TRUE;
}

static GstPad *make_own_pad(struct peer *peer, GstElement *payloader) {
    GstPad *pad = gst_pad_new("src", GST_PAD_SRC);
    gst_object_ref_sink(pad);
    gst_pad_set_element_private(pad, peer);
    gst_pad_set_event_function(pad, on_event_from_client);
    gst_pad_set_active(pad, TRUE);
    GstPad *sink = gst_element_get_static_pad(payloader, "sink");
    bool is_linked = gst_pad_link(pad, sink) == GST_PAD_LINK_OK;
    gst_object_unref(sink);
    if (is_linked)
        return pad;
    gst_object_unref(pad);
    return NULL;
}

static void watch_pace(struct peer *peer, GstElement *payloader, GstElement *filter) {
    GstPad *from = gst_element_get_static_pad(payloader, "src");
    GstPad *to = gst_element_get_static_pad(filter, "sink");
    peer_pace_watch(peer, from, to);
    gst_object_unref(from);
    gst_object_unref(to);
}

int peer_send_build(struct peer *peer, int line_index) {
    const struct sdp_line *line = &peer->offer.lines[line_index];
    GstElement *payloader = make_payloader(line), *filter = make_filter(line);
    if (!payloader || !filter)
        return -ENOMEM;
    if (!gst_bin_add(GST_BIN(peer->pipeline), payloader) ||
        !gst_bin_add(GST_BIN(peer->pipeline), filter) || !gst_element_link(payloader, filter))
        return -EIO;
    GstPad *webrtc_pad = request_webrtc_pad(peer, line_index, filter);
    if (!webrtc_pad)
        return -EIO;
    GstPad *filter_pad = gst_element_get_static_pad(filter, "src");
    bool is_linked = gst_pad_link(filter_pad, webrtc_pad) == GST_PAD_LINK_OK;
    gst_object_unref(filter_pad);
    gst_object_unref(webrtc_pad);
    if (!is_linked)
        return -EIO;
    if (line->kind != SDP_AUDIO) {
        watch_pace(peer, payloader, filter);
        peer->pace.has_rtx = line->rtx_payload_type > 0;
    }
    struct peer_sender *sender = line->kind == SDP_AUDIO ? &peer->audio : &peer->video;
    sender->pad = make_own_pad(peer, payloader);
    return sender->pad ? 0 : -EIO;
}

// webrtcbin wants to see caps before it negotiates.
static void start(struct peer_sender *sender, const char *stream_id, const char *caps_text) {
    if (!sender->pad)
        return;
    gst_pad_push_event(sender->pad, gst_event_new_stream_start(stream_id));
    GstCaps *caps = gst_caps_from_string(caps_text);
    gst_pad_push_event(sender->pad, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(sender->pad, gst_event_new_segment(&segment));
}

void peer_send_start(struct peer *peer) {
    start(&peer->video, "video", "video/x-vp8");
    start(&peer->audio, "audio", "audio/x-opus,rate=48000,channels=2,channel-mapping-family=0");
}

void peer_send_finish(struct peer *peer) {
    struct peer_sender *const senders[] = {&peer->video, &peer->audio};
    for (size_t i = 0; i < G_N_ELEMENTS(senders); i++) {
        if (!senders[i]->pad)
            continue;
        gst_pad_set_active(senders[i]->pad, FALSE);
        gst_clear_object(&senders[i]->pad);
    }
    peer_pace_finish(peer);
    peer_probe_finish(peer);
}

// ---- sending: tick threads ----

static GstBuffer *wrap(struct packet *packet) {
    GstBuffer *buffer = gst_buffer_new_wrapped_full(
        GST_MEMORY_FLAG_READONLY, packet->data, packet->size_bytes, 0, packet->size_bytes,
        packet_ref(packet), (GDestroyNotify)packet_unref);
    // webrtcbin sleeps until a buffer's time has come, so it must not lie ahead.
    int64_t now_ns = peer_now_ns();
    GST_BUFFER_PTS(buffer) = packet->pts_ns < now_ns ? packet->pts_ns : now_ns;
    GST_BUFFER_DURATION(buffer) = packet->duration_ns;
    if (packet->kind == PACKET_VIDEO && !packet->is_keyframe)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    return buffer;
}

// Before the connection is up webrtcbin's pads are blocked and a push would hang.
static bool push(struct peer *peer, struct peer_sender *sender, struct packet *packet) {
    if (atomic_load(&peer->state) != PEER_CONNECTED || !sender->pad || packet->size_bytes == 0 ||
        !peer_enter(peer))
        return false;
    bool is_sent = gst_pad_push(sender->pad, wrap(packet)) == GST_FLOW_OK;
    peer_leave(peer);
    return is_sent;
}

// The room sends keyframes when somebody asks. Who asks for a client that has none yet? We do.
static void want_keyframe(struct peer *peer) {
    int64_t now_ns = peer_now_ns();
    if (atomic_load(&peer->state) != PEER_CONNECTED || !peer->video.pad ||
        now_ns - peer->video.asked_ns < ask_interval_ns || !peer_enter(peer))
        return;
    peer->video.asked_ns = now_ns;
    peer->ops.on_keyframe_request(peer->user);
    peer_leave(peer);
}

bool peer_send_video(struct peer *peer, struct packet *packet) {
    bool is_late = peer_pace_queue_ns(peer) > backlog_max_ns;
    if (is_late || (!packet->is_keyframe && !peer->video.has_keyframe)) {
        peer->video.has_keyframe = false;
        want_keyframe(peer);
        return false;
    }
    // What follows a hole would show as rubbish until the next keyframe.
    peer->video.has_keyframe = push(peer, &peer->video, packet);
    return peer->video.has_keyframe;
}

bool peer_send_audio(struct peer *peer, struct packet *packet) {
    bool is_sent = push(peer, &peer->audio, packet);
    if (is_sent)
        atomic_fetch_add_explicit(&peer->pace.sent_bits,
                                  (packet->size_bytes + PEER_RTP_BYTES + PEER_OVERHEAD_BYTES) * 8,
                                  memory_order_relaxed);
    return is_sent;
}
