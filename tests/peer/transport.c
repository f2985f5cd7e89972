// SPDX-License-Identifier: MIT
//   our src pad -> rtpvp8pay / rtpopuspay -> webrtcbin -> rtpvp8depay / rtpopusdepay -> our sink
//   pad
// The pads are pushed and chained directly: no appsrc, no appsink, no thread of their own.
#define GST_USE_UNSTABLE_API
#include "tests/peer/transport.h"

#include <errno.h>
#include <gst/gst.h>
#include <gst/rtp/rtp.h>
#include <gst/sdp/sdp.h>
#include <gst/video/video.h>
#include <gst/webrtc/webrtc.h>
#include <openssl/crypto.h>
#include <string.h>

#define TWCC_URI "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
enum { TWCC_ID = 3, TWCC_INTERVAL_MS = 100, LATENCY_MS = 60, MLINES_MAX = TRANSPORT_ROLES + 1 };

struct port {
    struct transport *transport;
    enum transport_role role;
    GstPad *source; // pushes into the payloader
    GstPad *sink;   // takes from the depayloader
    // Its streaming thread only: of the RTP packet that came last.
    uint16_t sequence;
    uint32_t rtp_time;
};

struct transport {
    // Immutable after transport_create().
    struct transport_options options;
    struct transport_ops ops;
    void *user;
    GstElement *pipeline, *webrtc;
    GstWebRTCDataChannel *channel;
    // Written by transport_offer(), read by GStreamer's threads after it.
    char *mids[MLINES_MAX];
    // sink: the streaming thread that makes it, then transport_destroy().
    struct port ports[TRANSPORT_ROLES];
    // Any thread, atomic.
    int is_connected, is_channel_open;
};

static const struct {
    const char *payloader, *depayloader, *frame_caps, *media, *encoding, *parameters;
    int payload, clock_hz;
} formats[TRANSPORT_ROLES] = {
    {"rtpopuspay", "rtpopusdepay", "audio/x-opus,channel-mapping-family=0,channels=2", "audio",
     "OPUS", "encoding-params=(string)2", 111, 48000},
    {"rtpvp8pay", "rtpvp8depay", "video/x-vp8,width=640,height=360", "video", "VP8", NULL, 96,
     90000},
    {"rtpvp8pay", "rtpvp8depay", "video/x-vp8,width=640,height=360", "video", "VP8", NULL, 97,
     90000},
};

static GstCaps *rtp_caps(enum transport_role role) {
    GstCaps *caps = gst_caps_new_simple(
        "application/x-rtp", "media", G_TYPE_STRING, formats[role].media, "encoding-name",
        G_TYPE_STRING, formats[role].encoding, "clock-rate", G_TYPE_INT, formats[role].clock_hz,
        "payload", G_TYPE_INT, formats[role].payload, NULL);
    if (role == TRANSPORT_AUDIO)
        gst_caps_set_simple(caps, "encoding-params", G_TYPE_STRING, "2", "useinbandfec",
                            G_TYPE_STRING, "1", NULL);
    return caps;
}

// --- sending ---

static gboolean on_source_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    struct port *port = gst_pad_get_element_private(pad);
    if (gst_video_event_is_force_key_unit(event))
        port->transport->ops.on_keyframe_request(port->transport->user, port->role);
    gst_event_unref(event);
    return TRUE;
}

static void announce(struct port *port) {
    char id[32];
    g_snprintf(id, sizeof(id), "role-%d", port->role);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    GstCaps *caps = gst_caps_from_string(formats[port->role].frame_caps);
    gst_pad_push_event(port->source, gst_event_new_stream_start(id));
    gst_pad_push_event(port->source, gst_event_new_caps(caps));
    gst_pad_push_event(port->source, gst_event_new_segment(&segment));
    gst_caps_unref(caps);
}

static GstElement *make_payloader(struct transport *transport, enum transport_role role) {
    GstElement *pay = gst_element_factory_make(formats[role].payloader, NULL);
    if (!pay || !gst_bin_add(GST_BIN(transport->pipeline), pay))
        return NULL;
    g_object_set(pay, "pt", formats[role].payload, "mtu", 1200, NULL);
    if (role != TRANSPORT_AUDIO)
        g_object_set(pay, "picture-id-mode", 2, NULL);
    GstRTPHeaderExtension *twcc = gst_rtp_header_extension_create_from_uri(TWCC_URI);
    if (twcc) {
        gst_rtp_header_extension_set_id(twcc, TWCC_ID);
        g_signal_emit_by_name(pay, "add-extension", twcc);
        gst_object_unref(twcc);
    }
    return pay;
}

static int set_direction(GstPad *pad, enum transport_role role, enum transport_flow flow) {
    GstWebRTCRTPTransceiver *transceiver = NULL;
    g_object_get(pad, "transceiver", &transceiver, NULL);
    if (!transceiver)
        return -EINVAL;
    g_object_set(transceiver, "do-nack", role != TRANSPORT_AUDIO, "direction",
                 flow == FLOW_SEND ? GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY
                                   : GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV,
                 NULL);
    gst_object_unref(transceiver);
    return 0;
}

static int add_sender(struct transport *transport, enum transport_role role, int mline_index) {
    struct port *port = &transport->ports[role];
    char name[16];
    g_snprintf(name, sizeof(name), "sink_%d", mline_index);
    GstCaps *caps = rtp_caps(role);
    GstPadTemplate *template =
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(transport->webrtc), "sink_%u");
    GstPad *pad = gst_element_request_pad(transport->webrtc, template, name, caps);
    gst_caps_unref(caps);
    GstElement *pay = make_payloader(transport, role);
    if (!pad || !pay)
        return -EINVAL;
    GstPad *pay_source = gst_element_get_static_pad(pay, "src"),
           *pay_sink = gst_element_get_static_pad(pay, "sink");
    port->source = gst_pad_new("source", GST_PAD_SRC);
    gst_pad_set_element_private(port->source, port);
    gst_pad_set_event_function(port->source, on_source_event);
    gst_pad_set_active(port->source, TRUE);
    bool is_linked = gst_pad_link(pay_source, pad) == GST_PAD_LINK_OK &&
                     gst_pad_link(port->source, pay_sink) == GST_PAD_LINK_OK;
    gst_object_unref(pay_source);
    gst_object_unref(pay_sink);
    int result = is_linked ? set_direction(pad, role, transport->options.flows[role]) : -EINVAL;
    gst_object_unref(pad);
    return result;
}

static void add_receiver(struct transport *transport, enum transport_role role) {
    GstCaps *caps = rtp_caps(role);
    GstWebRTCRTPTransceiver *transceiver = NULL;
    g_signal_emit_by_name(transport->webrtc, "add-transceiver",
                          GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps, &transceiver);
    gst_caps_unref(caps);
    if (!transceiver)
        return;
    g_object_set(transceiver, "do-nack", role != TRANSPORT_AUDIO, NULL);
    gst_object_unref(transceiver);
}

void transport_push(struct transport *transport, enum transport_role role, const void *data,
                    size_t size_bytes, int64_t pts_ns) {
    GstPad *source = transport->ports[role].source;
    if (!source || !g_atomic_int_get(&transport->is_connected))
        return;
    GstBuffer *buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, (gpointer)data,
                                                    size_bytes, 0, size_bytes, NULL, NULL);
    GST_BUFFER_PTS(buffer) = (GstClockTime)pts_ns;
    gst_pad_push(source, buffer);
}

// --- receiving ---

static GstFlowReturn on_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
    struct port *port = gst_pad_get_element_private(pad);
    struct transport_media media = {
        .arrival_ns = g_get_monotonic_time() * 1000,
        .pts_ns = GST_BUFFER_PTS_IS_VALID(buffer) ? (int64_t)GST_BUFFER_PTS(buffer) : 0,
        .sequence = port->sequence,
        .rtp_time = port->rtp_time,
    };
    GstMapInfo map;
    if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        media.data = map.data;
        media.size_bytes = map.size;
        port->transport->ops.on_media(port->transport->user, port->role, &media);
        gst_buffer_unmap(buffer, &map);
    }
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
}

static gboolean on_sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    gst_event_unref(event);
    return TRUE;
}

static GstPadProbeReturn on_rtp(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct port *port = user;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (gst_rtp_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), GST_MAP_READ, &rtp)) {
        port->sequence = gst_rtp_buffer_get_seq(&rtp);
        port->rtp_time = gst_rtp_buffer_get_timestamp(&rtp);
        gst_rtp_buffer_unmap(&rtp);
    }
    return GST_PAD_PROBE_OK;
}

// Not from the caps: a pad that comes while all goes down has none any more.
static enum transport_role role_of_pad(GstPad *pad) {
    GstWebRTCRTPTransceiver *transceiver = NULL;
    GstWebRTCKind kind = GST_WEBRTC_KIND_UNKNOWN;
    g_object_get(pad, "transceiver", &transceiver, NULL);
    g_object_get(transceiver, "kind", &kind, NULL);
    g_object_unref(transceiver);
    return kind == GST_WEBRTC_KIND_AUDIO ? TRANSPORT_AUDIO : TRANSPORT_CAMERA;
}

static void on_pad_added(GstElement *webrtc, GstPad *pad, gpointer user) {
    struct transport *transport = user;
    if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
        return;
    struct port *port = &transport->ports[role_of_pad(pad)];
    GstElement *depay = gst_element_factory_make(formats[port->role].depayloader, NULL);
    if (port->sink || !depay || !gst_bin_add(GST_BIN(transport->pipeline), depay))
        return;
    if (port->role != TRANSPORT_AUDIO)
        g_object_set(depay, "request-keyframe", TRUE, "wait-for-keyframe", TRUE, NULL);
    // A pad without a template takes no other picture size than its first.
    GstPadTemplate *template =
        gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_CAPS_ANY);
    port->sink = gst_pad_new_from_template(template, "sink");
    gst_object_unref(template);
    gst_pad_set_element_private(port->sink, port);
    gst_pad_set_chain_function(port->sink, on_chain);
    gst_pad_set_event_function(port->sink, on_sink_event);
    // Else it takes only what it took first, and a picture of another size would end all.
    GST_PAD_SET_ACCEPT_TEMPLATE(port->sink);
    gst_pad_set_active(port->sink, TRUE);
    GstPad *depay_source = gst_element_get_static_pad(depay, "src"),
           *depay_sink = gst_element_get_static_pad(depay, "sink");
    gst_pad_add_probe(depay_sink, GST_PAD_PROBE_TYPE_BUFFER, on_rtp, port, NULL);
    gst_pad_link(depay_source, port->sink);
    gst_element_sync_state_with_parent(depay);
    gst_pad_link(pad, depay_sink);
    gst_object_unref(depay_source);
    gst_object_unref(depay_sink);
}

void transport_request_keyframe(struct transport *transport) {
    GstPad *sink = transport->ports[TRANSPORT_CAMERA].sink;
    if (sink)
        gst_pad_push_event(
            sink, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
}

// --- connection and data channel ---

static void on_connection_state(GstElement *webrtc, GParamSpec *spec, gpointer user) {
    struct transport *transport = user;
    GstWebRTCPeerConnectionState state;
    g_object_get(webrtc, "connection-state", &state, NULL);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED &&
        g_atomic_int_compare_and_exchange(&transport->is_connected, 0, 1))
        transport->ops.on_connected(transport->user);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED ||
        state == GST_WEBRTC_PEER_CONNECTION_STATE_CLOSED)
        transport->ops.on_closed(transport->user);
}

static void on_ice_candidate(GstElement *webrtc, guint mline_index, char *candidate,
                             gpointer user) {
    struct transport *transport = user;
    const char *mid = mline_index < MLINES_MAX ? transport->mids[mline_index] : NULL;
    transport->ops.on_candidate(transport->user, candidate, mid, (int)mline_index);
}

static void on_channel_open(GstWebRTCDataChannel *channel, gpointer user) {
    struct transport *transport = user;
    if (g_atomic_int_compare_and_exchange(&transport->is_channel_open, 0, 1))
        transport->ops.on_channel_open(transport->user);
}

static void on_channel_message(GstWebRTCDataChannel *channel, char *text, gpointer user) {
    struct transport *transport = user;
    if (text)
        transport->ops.on_message(transport->user, text);
}

int transport_send_message(struct transport *transport, const char *text) {
    if (!g_atomic_int_get(&transport->is_channel_open) || !*text)
        return -ENOTCONN;
    return gst_webrtc_data_channel_send_string_full(transport->channel, text, NULL) ? 0 : -ENOTCONN;
}

static int add_channel(struct transport *transport) {
    g_signal_emit_by_name(transport->webrtc, "create-data-channel", "tessera", NULL,
                          &transport->channel);
    if (!transport->channel)
        return -EINVAL;
    g_signal_connect(transport->channel, "on-open", G_CALLBACK(on_channel_open), transport);
    g_signal_connect(transport->channel, "on-message-string", G_CALLBACK(on_channel_message),
                     transport);
    return 0;
}

// --- life ---

static GstBusSyncReply on_bus_message(GstBus *bus, GstMessage *message, gpointer user) {
    gst_message_unref(message);
    return GST_BUS_DROP;
}

// Sound does not wait for what is resent, as in a browser; pictures have to.
static GstPadProbeReturn on_first_packet(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct transport *transport = user;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    bool is_audio = false;
    if (gst_rtp_buffer_map(GST_PAD_PROBE_INFO_BUFFER(info), GST_MAP_READ, &rtp)) {
        is_audio = gst_rtp_buffer_get_payload_type(&rtp) == formats[TRANSPORT_AUDIO].payload;
        gst_rtp_buffer_unmap(&rtp);
    }
    GstElement *buffer = gst_pad_get_parent_element(pad);
    if (buffer && !is_audio)
        g_object_set(buffer, "latency", (guint)transport->options.video_latency_ms, NULL);
    gst_clear_object(&buffer);
    return GST_PAD_PROBE_REMOVE;
}

static void wait_for_pictures(struct transport *transport, GstElement *buffer) {
    GstPad *sink = gst_element_get_static_pad(buffer, "sink");
    if (sink && transport->options.video_latency_ms > 0)
        gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, on_first_packet, transport, NULL);
    gst_clear_object(&sink);
}

// rtpjitterbuffer guesses when the next packet is due, and gives it up for lost when it is late: a
// frame that a busy machine delays by more than the latency would cost the whole picture up to the
// next keyframe.
static void on_deep_element_added(GstBin *bin, GstBin *sub_bin, GstElement *element,
                                  gpointer user) {
    GstElementFactory *factory = gst_element_get_factory(element);
    if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), "rtpjitterbuffer"))
        return;
    g_object_set(element, "rtx-next-seqnum", FALSE, NULL);
    wait_for_pictures(user, element);
}

// Reports tell when a frame was due, as a browser's do, not when webrtcbin let it go.
static void date_reports_by_capture(GstElement *webrtc) {
    GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(webrtc), "rtpbin");
    if (rtpbin)
        g_object_set(rtpbin, "rtcp-sync-send-time", FALSE, NULL);
    gst_clear_object(&rtpbin);
}

static int build_pipeline(struct transport *transport) {
    transport->pipeline = gst_pipeline_new(NULL);
    transport->webrtc = gst_element_factory_make("webrtcbin", NULL);
    if (!transport->webrtc || !gst_bin_add(GST_BIN(transport->pipeline), transport->webrtc))
        return -EINVAL;
    date_reports_by_capture(transport->webrtc);
    GstBus *bus = gst_element_get_bus(transport->pipeline);
    gst_bus_set_sync_handler(bus, on_bus_message, NULL, NULL);
    gst_object_unref(bus);
    // Running time is CLOCK_MONOTONIC, in every pipeline.
    GstClock *clock = gst_system_clock_obtain();
    gst_pipeline_use_clock(GST_PIPELINE(transport->pipeline), clock);
    gst_object_unref(clock);
    gst_element_set_start_time(transport->pipeline, GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(transport->pipeline, 0);
    gst_util_set_object_arg(G_OBJECT(transport->webrtc), "bundle-policy", "max-bundle");
    g_object_set(transport->webrtc, "latency", LATENCY_MS, NULL);
    GObject *ice = NULL;
    g_object_get(transport->webrtc, "ice-agent", &ice, NULL);
    if (ice) {
        g_object_set(ice, "ice-tcp", FALSE, NULL);
        g_object_unref(ice);
    }
    g_signal_connect(transport->webrtc, "deep-element-added", G_CALLBACK(on_deep_element_added),
                     transport);
    g_signal_connect(transport->webrtc, "pad-added", G_CALLBACK(on_pad_added), transport);
    g_signal_connect(transport->webrtc, "notify::connection-state", G_CALLBACK(on_connection_state),
                     transport);
    g_signal_connect(transport->webrtc, "on-ice-candidate", G_CALLBACK(on_ice_candidate),
                     transport);
    return 0;
}

static int add_mlines(struct transport *transport) {
    int mline_index = 0, result = 0;
    for (int role = 0; role < TRANSPORT_ROLES && result == 0; role++) {
        enum transport_flow flow = transport->options.flows[role];
        if (flow == FLOW_RECEIVE)
            add_receiver(transport, role);
        else if (flow != FLOW_NONE)
            result = add_sender(transport, role, mline_index);
        mline_index += flow != FLOW_NONE;
    }
    return result;
}

// Before libcurl's first use of it: see peer_init() for the reason.
__attribute__((constructor)) static void keep_openssl(void) {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

struct transport *transport_create(const struct transport_options *options,
                                   const struct transport_ops *ops, void *user) {
    static GMutex init_lock;
    g_mutex_lock(&init_lock);
    bool has_gst = gst_init_check(NULL, NULL, NULL);
    g_mutex_unlock(&init_lock);
    if (!has_gst)
        return NULL;
    struct transport *transport = g_new0(struct transport, 1);
    transport->options = *options;
    transport->ops = *ops;
    transport->user = user;
    for (int role = 0; role < TRANSPORT_ROLES; role++)
        transport->ports[role] = (struct port){.transport = transport, .role = role};
    if (build_pipeline(transport) < 0 || add_mlines(transport) < 0)
        goto fail;
    if (gst_element_set_state(transport->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
        goto fail;
    if (options->has_channel && add_channel(transport) < 0)
        goto fail;
    for (int role = 0; role < TRANSPORT_ROLES; role++)
        if (transport->ports[role].source)
            announce(&transport->ports[role]);
    return transport;
fail:
    transport_destroy(transport);
    return NULL;
}

void transport_destroy(struct transport *transport) {
    if (!transport)
        return;
    if (transport->channel)
        g_signal_handlers_disconnect_by_data(transport->channel, transport);
    gst_element_set_state(transport->pipeline, GST_STATE_NULL);
    for (int role = 0; role < TRANSPORT_ROLES; role++) {
        struct port *port = &transport->ports[role];
        for (int side = 0; side < 2; side++) {
            GstPad *pad = side ? port->sink : port->source;
            if (pad)
                gst_pad_set_active(pad, FALSE);
            gst_clear_object(side ? &port->sink : &port->source);
        }
    }
    g_clear_object(&transport->channel);
    gst_clear_object(&transport->pipeline);
    for (int i = 0; i < MLINES_MAX; i++)
        g_free(transport->mids[i]);
    g_free(transport);
}

// --- offer and answer ---

static GstStructure *ask(struct transport *transport, const char *signal,
                         GstWebRTCSessionDescription *description) {
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(transport->webrtc, signal, description, promise);
    GstStructure *reply = NULL;
    if (gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED && gst_promise_get_reply(promise))
        reply = gst_structure_copy(gst_promise_get_reply(promise));
    gst_promise_unref(promise);
    return reply;
}

static int apply(struct transport *transport, const char *signal,
                 GstWebRTCSessionDescription *description) {
    GstStructure *reply = ask(transport, signal, description);
    int result = reply && gst_structure_has_field(reply, "error") ? -EINVAL : 0;
    if (reply)
        gst_structure_free(reply);
    return result;
}

static void note_mids(struct transport *transport, const GstSDPMessage *sdp) {
    for (guint i = 0; i < gst_sdp_message_medias_len(sdp) && i < MLINES_MAX; i++) {
        g_free(transport->mids[i]);
        transport->mids[i] =
            g_strdup(gst_sdp_media_get_attribute_val(gst_sdp_message_get_media(sdp, i), "mid"));
    }
}

// The RTPSession behind all m-lines, a new reference; NULL before there is one.
static GObject *get_session(struct transport *transport) {
    GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(transport->webrtc), "rtpbin");
    GObject *session = NULL, *internal = NULL;
    if (rtpbin)
        g_signal_emit_by_name(rtpbin, "get-session", 0, &session);
    if (session)
        g_object_get(session, "internal-session", &internal, NULL);
    g_clear_object(&session);
    gst_clear_object(&rtpbin);
    return internal;
}

// By default RTCP may take little, and a NACK leaves some 100 ms after the loss; a browser's leaves
// at once. Feedback of each packet's arrival comes ten times a second, also without pictures.
static void hasten_feedback(struct transport *transport) {
    GObject *session = get_session(transport);
    if (session)
        g_object_set(session, "bandwidth", 4e6, "twcc-feedback-interval",
                     (guint64)TWCC_INTERVAL_MS * GST_MSECOND, NULL);
    g_clear_object(&session);
}

static int64_t round_trip_of(const GstStructure *source) {
    gboolean is_internal = TRUE, has_block = FALSE;
    guint units = 0; // of 1/65536 s
    gst_structure_get(source, "internal", G_TYPE_BOOLEAN, &is_internal, "have-rb", G_TYPE_BOOLEAN,
                      &has_block, "rb-round-trip", G_TYPE_UINT, &units, NULL);
    return !is_internal && has_block ? (int64_t)units * INT64_C(1000000000) / 65536 : 0;
}

int64_t transport_round_trip_ns(struct transport *transport) {
    GObject *session = get_session(transport);
    GstStructure *stats = NULL;
    int64_t round_trip_ns = 0;
    if (session)
        g_object_get(session, "stats", &stats, NULL);
    const GValue *value = stats ? gst_structure_get_value(stats, "source-stats") : NULL;
    GValueArray *sources = value ? g_value_get_boxed(value) : NULL;
    for (guint i = 0; sources && i < sources->n_values && round_trip_ns == 0; i++)
        round_trip_ns = round_trip_of(g_value_get_boxed(&sources->values[i]));
    if (stats)
        gst_structure_free(stats);
    g_clear_object(&session);
    return round_trip_ns;
}

char *transport_offer(struct transport *transport) {
    GstWebRTCSessionDescription *offer = NULL;
    GstStructure *reply = ask(transport, "create-offer", NULL);
    if (reply) {
        gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
        gst_structure_free(reply);
    }
    if (!offer)
        return NULL;
    note_mids(transport, offer->sdp);
    char *text = NULL;
    if (apply(transport, "set-local-description", offer) == 0)
        text = gst_sdp_message_as_text(offer->sdp);
    hasten_feedback(transport);
    gst_webrtc_session_description_free(offer);
    return text;
}

int transport_set_answer(struct transport *transport, const char *sdp) {
    GstSDPMessage *message;
    if (gst_sdp_message_new_from_text(sdp, &message) != GST_SDP_OK)
        return -EINVAL;
    GstWebRTCSessionDescription *answer =
        gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, message);
    int result = apply(transport, "set-remote-description", answer);
    gst_webrtc_session_description_free(answer);
    return result;
}

void transport_add_candidate(struct transport *transport, const char *candidate, int mline_index) {
    g_signal_emit_by_name(transport->webrtc, "add-ice-candidate", (guint)mline_index, candidate);
}
