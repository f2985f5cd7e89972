// SPDX-License-Identifier: MIT
// The pipeline around webrtcbin and the negotiation with it. The worker's thread only.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <errno.h>
#include <string.h>

// How long a hole in what arrives waits for its retransmission. What is in order does not wait.
enum { HOLE_WAIT_MS = 60 };

// ---- what webrtcbin's threads tell ----

static void on_our_candidate(GstElement *webrtc, guint mline_index, const char *candidate,
                             struct peer *peer) {
    peer_post(peer, JOB_OUR_CANDIDATE, (int)mline_index, candidate);
}

static void on_connection_state(GstElement *webrtc, GParamSpec *spec, struct peer *peer) {
    GstWebRTCPeerConnectionState state;
    g_object_get(webrtc, "connection-state", &state, NULL);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED)
        peer_post(peer, JOB_CONNECTED, 0, NULL);
    else if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED)
        peer_post(peer, JOB_FAILED, 0, "the network path failed");
}

static void on_ice_state(GstElement *webrtc, GParamSpec *spec, struct peer *peer) {
    GstWebRTCICEConnectionState state;
    g_object_get(webrtc, "ice-connection-state", &state, NULL);
    if (state == GST_WEBRTC_ICE_CONNECTION_STATE_FAILED)
        peer_post(peer, JOB_FAILED, 0, "the network path failed");
}

// webrtcbin 1.22 does not compare (RFC 8827 5.1): without this, whoever sits between could pose as
// the client.
bool peer_pipeline_check_client(struct peer *peer) {
    char *pem = NULL;
    pthread_mutex_lock(&peer->lock);
    GstWebRTCDTLSTransport *dtls = peer->dtls ? g_object_ref(peer->dtls) : NULL;
    pthread_mutex_unlock(&peer->lock);
    if (dtls)
        g_object_get(dtls, "remote-certificate", &pem, NULL);
    g_clear_object(&dtls);
    if (pem && sdp_offer_vouches(&peer->offer, pem))
        atomic_store(&peer->is_genuine, true);
    g_free(pem);
    return atomic_load(&peer->is_genuine);
}

// Runs on the thread that brought the last of the handshake, before it brings anything else. A
// client's pc.close() shows here at once, and only here: connection-state stays "connected".
static void on_dtls_state(GstWebRTCDTLSTransport *dtls, GParamSpec *spec, struct peer *peer) {
    GstWebRTCDTLSTransportState state;
    g_object_get(dtls, "state", &state, NULL);
    if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CONNECTED && !peer_pipeline_check_client(peer))
        peer_post(peer, JOB_FAILED, 0, "the certificate is not the one of the offer");
    else if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_CLOSED)
        peer_post(peer, JOB_FAILED, 0, "closed by the client");
    else if (state == GST_WEBRTC_DTLS_TRANSPORT_STATE_FAILED)
        peer_post(peer, JOB_FAILED, 0, "DTLS failed");
}

// Also sctpenc's way of saying that the client has closed.
static GstBusSyncReply on_bus_message(GstBus *bus, GstMessage *message, gpointer user) {
    struct peer *peer = user;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error = NULL;
        gst_message_parse_error(message, &error, NULL);
        const char *source = GST_MESSAGE_SRC(message) ? GST_MESSAGE_SRC_NAME(message) : "?";
        bool is_sctp = g_str_has_prefix(source, "sctp");
        log_debug(peer->object, "%s: %s", source, error->message);
        peer_post(peer, JOB_FAILED, 0, is_sctp ? "closed by the client" : error->message);
        g_error_free(error);
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

// ---- building ----

static void configure_ice_interfaces(struct peer *peer, GObject *ice) {
    if (!peer->config->ice_interfaces || !*peer->config->ice_interfaces)
        return;
    char **addresses = g_strsplit_set(peer->config->ice_interfaces, " ,", -1);
    for (char **address = addresses; *address; address++) {
        gboolean is_added = TRUE;
        if (**address)
            g_signal_emit_by_name(ice, "add-local-ip-address", *address, &is_added);
        if (!is_added)
            log_warn(peer->object, "ice.interfaces: %s is not an address", *address);
    }
    g_strfreev(addresses);
}

static void configure_ice(struct peer *peer) {
    GObject *ice = NULL, *agent = NULL;
    g_object_get(peer->webrtc, "ice-agent", &ice, NULL);
    if (!ice)
        return;
    g_object_set(ice, "ice-tcp", FALSE, NULL);
    if (peer->config->udp_port_min > 0 && peer->config->udp_port_max > 0)
        g_object_set(ice, "min-rtp-port", (guint)peer->config->udp_port_min, "max-rtp-port",
                     (guint)peer->config->udp_port_max, NULL);
    configure_ice_interfaces(peer, ice);
    g_object_get(ice, "agent", &agent, NULL);
    if (agent) {
        g_object_set(agent, "upnp", FALSE, "keepalive-conncheck", TRUE, NULL);
        g_object_unref(agent);
    }
    g_object_unref(ice);
}

static GstCaps *caps_of_line(const struct sdp_line *line) {
    const char *name = line->kind == SDP_AUDIO    ? "OPUS"
                       : line->codec == VIDEO_VP8 ? "VP8"
                       : line->codec == VIDEO_VP9 ? "VP9"
                                                  : "H264";
    return gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING,
                               line->kind == SDP_AUDIO ? "audio" : "video", "encoding-name",
                               G_TYPE_STRING, name, "clock-rate", G_TYPE_INT, line->clock_hz,
                               "payload", G_TYPE_INT, line->payload_type, NULL);
}

static void add_receiving_transceiver(struct peer *peer, const struct sdp_line *line) {
    GstCaps *caps = caps_of_line(line);
    GstWebRTCRTPTransceiver *transceiver = NULL;
    g_signal_emit_by_name(peer->webrtc, "add-transceiver",
                          GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps, &transceiver);
    gst_caps_unref(caps);
    if (!transceiver)
        return;
    g_object_set(transceiver, "do-nack", line->kind != SDP_AUDIO, "fec-type",
                 GST_WEBRTC_FEC_TYPE_NONE, NULL);
    gst_object_unref(transceiver);
}

// In the order of the m-lines: webrtcbin gives each the first transceiver that fits.
static int build_lines(struct peer *peer) {
    for (int i = 0; i < peer->offer.line_count; i++) {
        const struct sdp_line *line = &peer->offer.lines[i];
        if (line->kind == SDP_UNUSED || line->kind == SDP_CHANNEL)
            continue;
        if (line->sends && peer_send_build(peer, i) < 0)
            return -EIO;
        if (!line->sends && line->receives)
            add_receiving_transceiver(peer, line);
    }
    return 0;
}

static void watch_bus(struct peer *peer) {
    GstBus *bus = gst_element_get_bus(peer->pipeline);
    gst_bus_set_sync_handler(bus, on_bus_message, peer_ref(peer), (GDestroyNotify)peer_unref);
    gst_object_unref(bus);
}

int peer_pipeline_build(struct peer *peer) {
    peer->pipeline = gst_pipeline_new(NULL);
    peer->webrtc = gst_element_factory_make("webrtcbin", NULL);
    if (!peer->webrtc || !gst_bin_add(GST_BIN(peer->pipeline), peer->webrtc))
        return -EIO;
    // Running time is the room clock: the system clock is CLOCK_MONOTONIC, counted from 0.
    GstClock *clock = gst_system_clock_obtain();
    gst_pipeline_use_clock(GST_PIPELINE(peer->pipeline), clock);
    gst_object_unref(clock);
    gst_element_set_start_time(peer->pipeline, GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(peer->pipeline, 0);
    g_object_set(peer->webrtc, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, "latency",
                 HOLE_WAIT_MS, NULL);
    peer->association_id = peer_channel_take_association();
    configure_ice(peer);
    watch_bus(peer);
    peer_rtp_watch(peer);
    peer_receive_watch(peer);
    peer_channel_watch(peer);
    peer_connect(peer, peer->webrtc, "on-ice-candidate", G_CALLBACK(on_our_candidate));
    peer_connect(peer, peer->webrtc, "notify::connection-state", G_CALLBACK(on_connection_state));
    peer_connect(peer, peer->webrtc, "notify::ice-connection-state", G_CALLBACK(on_ice_state));
    if (build_lines(peer) < 0)
        return -EIO;
    if (gst_element_set_state(peer->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        return -EIO;
    peer_send_start(peer);
    return 0;
}

// ---- negotiation ----

// Takes the promise; returns it when it was kept, or NULL and why not.
static GstPromise *wait_for(GstPromise *promise, char **reason) {
    bool is_sound = gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED;
    const GstStructure *reply = is_sound ? gst_promise_get_reply(promise) : NULL;
    if (is_sound && !(reply && gst_structure_has_field(reply, "error")))
        return promise;
    GError *error = NULL;
    if (reply)
        gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL);
    *reason = g_strdup(error ? error->message : "webrtcbin did not reply");
    g_clear_error(&error);
    gst_promise_unref(promise);
    return NULL;
}

static int set_description(struct peer *peer, const char *signal, GstWebRTCSDPType type,
                           const GstSDPMessage *sdp, char **reason) {
    GstSDPMessage *copy = NULL;
    gst_sdp_message_copy(sdp, &copy);
    GstWebRTCSessionDescription *description = gst_webrtc_session_description_new(type, copy);
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(peer->webrtc, signal, description, promise);
    gst_webrtc_session_description_free(description);
    promise = wait_for(promise, reason);
    if (!promise)
        return -EIO;
    gst_promise_unref(promise);
    return 0;
}

static int create_answer(struct peer *peer, GstWebRTCSessionDescription **out, char **reason) {
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(peer->webrtc, "create-answer", NULL, promise);
    promise = wait_for(promise, reason);
    if (!promise)
        return -EIO;
    GstWebRTCSessionDescription *answer = NULL;
    const GstStructure *reply = gst_promise_get_reply(promise);
    if (reply)
        gst_structure_get(reply, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &answer, NULL);
    gst_promise_unref(promise);
    if (!answer) {
        *reason = g_strdup("webrtcbin gave no answer");
        return -EIO;
    }
    *out = answer;
    return 0;
}

static GstWebRTCDTLSTransport *find_media_dtls(struct peer *peer) {
    GArray *transceivers = NULL;
    GstWebRTCDTLSTransport *dtls = NULL;
    g_signal_emit_by_name(peer->webrtc, "get-transceivers", &transceivers);
    for (guint i = 0; transceivers && i < transceivers->len && !dtls; i++) {
        GstWebRTCRTPTransceiver *transceiver =
            g_array_index(transceivers, GstWebRTCRTPTransceiver *, i);
        GObject *sender = NULL;
        g_object_get(transceiver, "sender", &sender, NULL);
        if (sender) {
            g_object_get(sender, "transport", &dtls, NULL);
            g_object_unref(sender);
        }
    }
    if (transceivers)
        g_array_unref(transceivers);
    return dtls;
}

static GstWebRTCDTLSTransport *find_channel_dtls(struct peer *peer) {
    GObject *sctp = NULL;
    GstWebRTCDTLSTransport *dtls = NULL;
    g_object_get(peer->webrtc, "sctp-transport", &sctp, NULL);
    if (sctp)
        g_object_get(sctp, "transport", &dtls, NULL);
    g_clear_object(&sctp);
    return dtls;
}

// Before the client has our answer: the handshake cannot have begun.
static void watch_dtls(struct peer *peer) {
    GstWebRTCDTLSTransport *dtls = find_media_dtls(peer);
    if (!dtls)
        dtls = find_channel_dtls(peer);
    pthread_mutex_lock(&peer->lock);
    peer->dtls = dtls;
    pthread_mutex_unlock(&peer->lock);
    if (dtls)
        peer_connect(peer, dtls, "notify::state", G_CALLBACK(on_dtls_state));
}

int peer_pipeline_answer(struct peer *peer, char **answer, char **reason) {
    if (set_description(peer, "set-remote-description", GST_WEBRTC_SDP_TYPE_OFFER,
                        peer->offer.filtered, reason) < 0)
        return -EIO;
    GstWebRTCSessionDescription *description;
    if (create_answer(peer, &description, reason) < 0)
        return -EIO;
    int outcome = set_description(peer, "set-local-description", GST_WEBRTC_SDP_TYPE_ANSWER,
                                  description->sdp, reason);
    if (outcome == 0) {
        watch_dtls(peer);
        peer_rtp_tune_session(peer);
        *answer = sdp_answer_write(&peer->offer, description->sdp, peer->config->video_kbps);
        if (!*answer) {
            *reason = g_strdup("webrtcbin's answer has other lines than the offer");
            outcome = -EIO;
        }
    }
    gst_webrtc_session_description_free(description);
    return outcome;
}

void peer_pipeline_add_candidate(struct peer *peer, const char *candidate) {
    if (peer->webrtc)
        g_signal_emit_by_name(peer->webrtc, "add-ice-candidate", (guint)peer->offer.session_line,
                              candidate);
}

static void release_dtls(struct peer *peer) {
    pthread_mutex_lock(&peer->lock);
    GstWebRTCDTLSTransport *dtls = peer->dtls;
    peer->dtls = NULL;
    pthread_mutex_unlock(&peer->lock);
    if (dtls)
        g_signal_handlers_disconnect_by_data(dtls, peer);
    g_clear_object(&dtls);
}

// Copes with one that is half built or was never.
void peer_pipeline_destroy(struct peer *peer) {
    if (!peer->pipeline)
        return;
    gst_element_set_state(peer->pipeline, GST_STATE_NULL);
    peer_send_finish(peer);
    peer_receive_finish(peer);
    peer_channel_finish(peer);
    peer_rtp_finish(peer);
    release_dtls(peer);
    if (peer->webrtc)
        g_signal_handlers_disconnect_by_data(peer->webrtc, peer);
    GstBus *bus = gst_element_get_bus(peer->pipeline);
    gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
    gst_object_unref(bus);
    gst_object_unref(peer->pipeline);
    peer->pipeline = peer->webrtc = NULL;
    peer_channel_give_association(peer->association_id);
}
