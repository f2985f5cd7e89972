// SPDX-License-Identifier: MIT
// A peer against a real client: a small offering webrtcbin in this process, over 127.0.0.1, with
// ICE, DTLS, SRTP, RTCP and SCTP as they are.
#include "mcu/peer.h"
#include "mixer/video/encoder.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <gst/gst.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <opus/opus.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>

#include <cmocka.h>

enum { WAIT_MAX_MS = 30000, ROTATION_ID = 4, CLIPS = 8, OPUS_BYTES_MAX = 400, LARGE_BYTES = 30000 };

#define URI_TWCC     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define URI_ROTATION "urn:3gpp:video-orientation"

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct config config = {.sdp_bytes_max = 131072, .video_kbps = 1500};

// ---- media: made once ----

static struct packet *video_packets[CLIPS]; // the first is a keyframe
static struct packet *audio_packet;
static struct packet *large_packet; // begins like a keyframe

static void make_video(void) {
    struct encoder_config settings = {
        .width_px = 320, .height_px = 192, .fps = 30, .kbps = 300, .cpu_used = -8, .threads = 1};
    struct encoder *encoder;
    assert_int_equal(encoder_create(&settings, &encoder), 0);
    AVFrame *canvas = av_frame_alloc();
    canvas->format = AV_PIX_FMT_YUV420P;
    canvas->width = settings.width_px;
    canvas->height = settings.height_px;
    assert_int_equal(av_frame_get_buffer(canvas, 32), 0);
    for (int i = 0; i < CLIPS; i++) {
        memset(canvas->data[0], 40 + 20 * i, (size_t)canvas->linesize[0] * settings.height_px);
        memset(canvas->data[1], 90, (size_t)canvas->linesize[1] * settings.height_px / 2);
        memset(canvas->data[2], 150, (size_t)canvas->linesize[2] * settings.height_px / 2);
        assert_int_equal(
            encoder_encode(encoder, canvas, NULL, i == 0, (int64_t)i * 33333333, &video_packets[i]),
            0);
        assert_non_null(video_packets[i]);
    }
    assert_true(video_packets[0]->is_keyframe);
    av_frame_free(&canvas);
    encoder_destroy(encoder);
}

static void make_audio(void) {
    int error;
    OpusEncoder *encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
    opus_int16 samples[960];
    unsigned char bytes[OPUS_BYTES_MAX];
    for (int i = 0; i < 960; i++)
        samples[i] = (opus_int16)(8000 * ((i / 48) % 2 ? 1 : -1));
    int size = opus_encode(encoder, samples, 960, bytes, sizeof(bytes));
    assert_true(size > 0);
    audio_packet = packet_create(PACKET_AUDIO, bytes, (size_t)size);
    opus_encoder_destroy(encoder);
}

// The last partition of a frame is as long as the frame is: only a decoder would notice.
static void make_large(void) {
    unsigned char *bytes = malloc(LARGE_BYTES);
    for (int i = 0; i < LARGE_BYTES; i++)
        bytes[i] = (unsigned char)(i * 7919 >> 3);
    memcpy(bytes, video_packets[0]->data, video_packets[0]->size_bytes);
    large_packet = packet_create(PACKET_VIDEO, bytes, LARGE_BYTES);
    large_packet->is_keyframe = true;
    free(bytes);
}

// The same pictures and sound again and again; each time a packet of its own with the time of now.
static struct packet *copy_packet(const struct packet *source) {
    struct packet *copy = packet_create(source->kind, source->data, source->size_bytes);
    copy->is_keyframe = source->is_keyframe;
    copy->pts_ns = now_ns();
    copy->duration_ns = source->kind == PACKET_VIDEO ? 33333333 : 20000000;
    return copy;
}

// ---- one call: the peer under test and its client ----

struct call {
    // Immutable once made.
    struct peer *peer;
    GstElement *pipeline, *webrtc, *camera, *screen, *microphone, *dtls_encoder;
    GstWebRTCDataChannel *channel;
    pthread_t pump;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Protected by lock.
    char *answer, *candidate, *reason, *refusal_code, *message, *client_message;
    struct peer_media media;
    bool is_connected, is_released, is_channel_open, is_client_open;
    int camera_frames, screen_frames, audio_packets, keyframe_requests, failures;
    int camera_lost;
    int last_rotation;
    size_t last_camera_bytes;
    int64_t audio_pts_ns, camera_pts_ns, camera_arrival_ns;
    int client_video_frames, client_audio_packets, client_keyframe_requests;
    size_t client_first_bytes;
    bool client_first_is_keyframe;
    int sources, sources_ready;
    int reports, reports_lost, reports_prompt;
    struct peer_packet_report *history; // of all packets reported
    int64_t burst_first_ns, burst_last_ns;
    guint32 burst_timestamp;
    guint16 burst_sequence;
    int burst_packets, burst_holes, burst_audio;
    bool is_burst_whole; // every byte of it
    int64_t remb_bps;
    int remb_ssrcs, remb_count;

    atomic_bool has_no_pictures; // of ours, from the pump
    atomic_bool pumps, is_mute, is_lossy, sends_screen, is_turned, is_scattering, has_no_keyframes;
    atomic_uint datagrams; // both ways, to lose every twentieth
};

static void notify_locked(struct call *call) {
    pthread_cond_broadcast(&call->changed);
}

#define LOCKED(call, statement)                                                                    \
    do {                                                                                           \
        pthread_mutex_lock(&(call)->lock);                                                         \
        statement;                                                                                 \
        notify_locked(call);                                                                       \
        pthread_mutex_unlock(&(call)->lock);                                                       \
    } while (0)

static int read_count(struct call *call, const int *count) {
    pthread_mutex_lock(&call->lock);
    int value = *count;
    pthread_mutex_unlock(&call->lock);
    return value;
}

static void deadline(struct timespec *until, int timeout_ms) {
    int64_t at_ns = now_ns() + (int64_t)timeout_ms * 1000000;
    until->tv_sec = at_ns / 1000000000;
    until->tv_nsec = at_ns % 1000000000;
}

// Waits until the condition holds; the lock is held while it is looked at. Looks again every 50 ms,
// for conditions that time alone fulfils.
#define wait_until(call, condition)                                                                \
    do {                                                                                           \
        int64_t end_ns_ = now_ns() + (int64_t)WAIT_MAX_MS * 1000000;                               \
        pthread_mutex_lock(&(call)->lock);                                                         \
        bool holds_;                                                                               \
        while (!(holds_ = (condition)) && now_ns() < end_ns_) {                                    \
            struct timespec until_;                                                                \
            deadline(&until_, 50);                                                                 \
            pthread_cond_timedwait(&(call)->changed, &(call)->lock, &until_);                      \
        }                                                                                          \
        const char *reason_ = (call)->reason;                                                      \
        pthread_mutex_unlock(&(call)->lock);                                                       \
        if (!holds_)                                                                               \
            fail_msg("never: %s (%s)", #condition, reason_ ? reason_ : "no failure");              \
    } while (0)

// ---- the peer's callbacks ----

static void on_answer(void *user, const char *sdp, const struct peer_media *media) {
    struct call *call = user;
    LOCKED(call, (assert(!call->candidate), call->answer = strdup(sdp), call->media = *media));
}

static void on_candidate(void *user, const char *candidate, const char *mid, int mline_index) {
    struct call *call = user;
    LOCKED(call, (assert(call->answer), free(call->candidate), // the answer comes first
                  call->candidate = strdup(candidate)));
    if (call->webrtc)
        g_signal_emit_by_name(call->webrtc, "add-ice-candidate", (guint)mline_index, candidate);
}

static void on_connected(void *user) {
    struct call *call = user;
    LOCKED(call, call->is_connected = true);
}

static void on_channel_open(void *user) {
    struct call *call = user;
    LOCKED(call, call->is_channel_open = true);
}

static void on_message(void *user, const char *text, size_t size_bytes) {
    struct call *call = user;
    LOCKED(call, (free(call->message), call->message = strndup(text, size_bytes)));
}

static void on_video(void *user, enum video_role role, enum video_codec codec, const void *data,
                     size_t size_bytes, int64_t pts_ns, int64_t arrival_ns, int rotation) {
    struct call *call = user;
    pthread_mutex_lock(&call->lock);
    if (codec == VIDEO_VP8 && role == VIDEO_CAMERA) {
        call->camera_frames++;
        call->last_rotation = rotation;
        call->last_camera_bytes = size_bytes;
        call->camera_pts_ns = pts_ns;
        call->camera_arrival_ns = arrival_ns;
    } else if (codec == VIDEO_VP8) {
        call->screen_frames++;
    }
    notify_locked(call);
    pthread_mutex_unlock(&call->lock);
}

static void on_video_lost(void *user, enum video_role role) {
    struct call *call = user;
    LOCKED(call, call->camera_lost++);
}

static void on_audio(void *user, const void *data, size_t size_bytes, int64_t pts_ns,
                     int64_t arrival_ns) {
    struct call *call = user;
    bool is_whole =
        size_bytes == audio_packet->size_bytes && memcmp(data, audio_packet->data, size_bytes) == 0;
    LOCKED(call, (call->audio_packets += is_whole, call->audio_pts_ns = pts_ns));
}

static void on_audio_lost(void *user, int64_t pts_ns, int64_t duration_ns) {}

static void on_keyframe_request(void *user) {
    struct call *call = user;
    LOCKED(call, call->keyframe_requests++);
}

static void on_failed(void *user, const struct refusal *refusal, const char *reason) {
    struct call *call = user;
    LOCKED(call, (call->failures++, call->reason = strdup(reason),
                  call->refusal_code = refusal ? strdup(refusal->code) : NULL));
}

static void on_release(void *user) {
    struct call *call = user;
    LOCKED(call, call->is_released = true);
}

enum { HISTORY = 20000 };
// A transport-wide feedback's clock: 24 bits of 64 ms. Here it is the same as ours.
static const int64_t feedback_wrap_ns = (1LL << 24) * 64000000;

static void on_feedback(void *user, const struct peer_packet_report *packets, int count) {
    struct call *call = user;
    pthread_mutex_lock(&call->lock);
    for (int i = 0; i < count && call->reports < HISTORY; i++) {
        int64_t way_ns = (packets[i].received_ns - packets[i].sent_ns) % feedback_wrap_ns;
        call->history[call->reports++] = packets[i];
        call->reports_lost += packets[i].received_ns < 0;
        call->reports_prompt +=
            packets[i].received_ns >= 0 && way_ns > -5000000 && way_ns < 50000000;
        if (i > 0)
            assert(packets[i].sent_ns >= packets[i - 1].sent_ns);
    }
    notify_locked(call);
    pthread_mutex_unlock(&call->lock);
}

static const struct peer_ops ops = {
    .on_answer = on_answer,
    .on_candidate = on_candidate,
    .on_connected = on_connected,
    .on_channel_open = on_channel_open,
    .on_message = on_message,
    .on_video = on_video,
    .on_video_lost = on_video_lost,
    .on_audio = on_audio,
    .on_audio_lost = on_audio_lost,
    .on_keyframe_request = on_keyframe_request,
    .on_feedback = on_feedback,
    .on_failed = on_failed,
    .release = on_release,
};

// ---- the client ----

static void on_client_candidate(GstElement *webrtc, guint line, const char *candidate,
                                struct call *call) {
    peer_add_candidate(call->peer, candidate, (int)line);
}

static GstPadProbeReturn on_client_frame(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    GstCaps *caps = gst_pad_get_current_caps(pad);
    if (!caps)
        return GST_PAD_PROBE_OK; // it is being closed
    bool is_video = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-vp8");
    gst_caps_unref(caps);
    pthread_mutex_lock(&call->lock);
    if (is_video && call->client_video_frames++ == 0) {
        guint8 first = 1;
        gst_buffer_extract(buffer, 0, &first, 1);
        call->client_first_is_keyframe = !(first & 1); // RFC 6386 9.1
        call->client_first_bytes = gst_buffer_get_size(buffer);
    }
    if (is_video && large_packet && gst_buffer_get_size(buffer) == large_packet->size_bytes &&
        gst_buffer_memcmp(buffer, 0, large_packet->data, large_packet->size_bytes) == 0)
        call->is_burst_whole = true;
    call->client_audio_packets += !is_video;
    notify_locked(call);
    pthread_mutex_unlock(&call->lock);
    return GST_PAD_PROBE_OK;
}

// A large frame on its way in: when its packets come, and how much sound between them.
static GstPadProbeReturn on_client_packet(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    guint8 header[12];
    gst_buffer_extract(GST_PAD_PROBE_INFO_BUFFER(info), 0, header, sizeof(header));
    guint16 sequence = GST_READ_UINT16_BE(header + 2);
    guint32 timestamp = GST_READ_UINT32_BE(header + 4);
    bool is_full = gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info)) > 1100;
    pthread_mutex_lock(&call->lock);
    if (is_full && call->burst_packets == 0) {
        call->burst_timestamp = timestamp;
        call->burst_first_ns = now_ns();
        call->burst_audio = -call->client_audio_packets;
        call->burst_sequence = sequence;
    }
    if ((is_full || call->burst_packets > 0) && call->burst_timestamp == timestamp) {
        call->burst_packets++;
        call->burst_holes += sequence != call->burst_sequence++;
        if (header[1] & 0x80) { // the frame's last
            call->burst_last_ns = now_ns();
            call->burst_audio += call->client_audio_packets;
        }
    }
    pthread_mutex_unlock(&call->lock);
    return GST_PAD_PROBE_OK;
}

static void on_client_pad(GstElement *webrtc, GstPad *pad, struct call *call) {
    if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
        return;
    // This thread is GLib's: the lock shows ThreadSanitizer that the pipeline was there before.
    GstElement *pipeline;
    LOCKED(call, pipeline = call->pipeline);
    // Not from the caps: a pad that comes while all goes down has none any more.
    GstWebRTCRTPTransceiver *transceiver = NULL;
    GstWebRTCKind kind = GST_WEBRTC_KIND_UNKNOWN;
    g_object_get(pad, "transceiver", &transceiver, NULL);
    g_object_get(transceiver, "kind", &kind, NULL);
    g_object_unref(transceiver);
    bool is_video = kind == GST_WEBRTC_KIND_VIDEO;
    GstElement *depayloader = is_video ? gst_element_factory_make("rtpvp8depay", "composite")
                                       : gst_element_factory_make("rtpopusdepay", NULL);
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, NULL);
    gst_bin_add_many(GST_BIN(pipeline), depayloader, sink, NULL);
    gst_element_link(depayloader, sink);
    GstPad *out = gst_element_get_static_pad(depayloader, "src");
    gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, on_client_frame, call, NULL);
    gst_object_unref(out);
    gst_element_sync_state_with_parent(sink);
    gst_element_sync_state_with_parent(depayloader);
    GstPad *in = gst_element_get_static_pad(depayloader, "sink");
    if (is_video)
        gst_pad_add_probe(in, GST_PAD_PROBE_TYPE_BUFFER, on_client_packet, call, NULL);
    gst_pad_link(pad, in);
    gst_object_unref(in);
}

static GstPadProbeReturn lose(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    bool is_lost = atomic_load(&call->is_lossy) && atomic_fetch_add(&call->datagrams, 1) % 20 == 0;
    return is_lost || atomic_load(&call->is_mute) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void on_client_element(GstBin *bin, GstBin *where, GstElement *element, struct call *call) {
    GstElementFactory *factory = gst_element_get_factory(element);
    const char *name = factory ? GST_OBJECT_NAME(factory) : "";
    static atomic_int associations = 60000;
    static _Thread_local guint association;
    if (strcmp(name, "nicesink") == 0 || strcmp(name, "nicesrc") == 0) {
        GstPad *pad = gst_element_get_static_pad(element, strcmp(name, "nicesrc") ? "sink" : "src");
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, lose,
                          call, NULL);
        gst_object_unref(pad);
    } else if (strcmp(name, "dtlsenc") == 0) {
        call->dtls_encoder = element;
    } else if (strcmp(name, "sctpdec") == 0) { // added before its sctpenc, by the same thread
        association = (guint)atomic_fetch_add(&associations, 1);
        g_object_set(element, "sctp-association-id", association, NULL);
    } else if (strcmp(name, "sctpenc") == 0) {
        g_object_set(element, "sctp-association-id", association, NULL);
    }
}

static GstPadProbeReturn on_client_event(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    if (gst_video_event_is_force_key_unit(GST_PAD_PROBE_INFO_EVENT(info)))
        LOCKED(call, call->client_keyframe_requests++);
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn turn_frame(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    guint8 quarter_turns = atomic_load(&call->is_turned) ? 3 : 0;
    GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    info->data = buffer;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (gst_rtp_buffer_map(buffer, GST_MAP_READWRITE, &rtp)) {
        if (gst_rtp_buffer_get_marker(&rtp))
            gst_rtp_buffer_add_extension_onebyte_header(&rtp, ROTATION_ID, &quarter_turns, 1);
        if (atomic_load(&call->is_scattering))
            gst_rtp_buffer_set_ssrc(&rtp, g_random_int());
        gst_rtp_buffer_unmap(&rtp);
    }
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn note_ready(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct call *call = user;
    LOCKED(call, call->sources_ready++);
    return GST_PAD_PROBE_REMOVE;
}

// appsrc -> payloader -> capsfilter -> webrtcbin. Returns the appsrc.
static GstElement *add_source(struct call *call, bool is_video, int line, bool is_sending_only) {
    GstElement *source = gst_element_factory_make("appsrc", NULL);
    GstElement *payloader = gst_element_factory_make(is_video ? "rtpvp8pay" : "rtpopuspay", NULL);
    GstElement *filter = gst_element_factory_make("capsfilter", NULL);
    GstCaps *caps = gst_caps_from_string(
        is_video ? "video/x-vp8" : "audio/x-opus,rate=48000,channels=2,channel-mapping-family=0");
    g_object_set(source, "caps", caps, "format", GST_FORMAT_TIME, "is-live", TRUE, NULL);
    gst_caps_unref(caps);
    g_object_set(payloader, "pt", is_video ? 96 : 111, NULL);
    if (is_video)
        g_object_set(payloader, "picture-id-mode", 2, NULL);
    GstRTPHeaderExtension *twcc = gst_rtp_header_extension_create_from_uri(URI_TWCC);
    gst_rtp_header_extension_set_id(twcc, 3);
    g_signal_emit_by_name(payloader, "add-extension", twcc);
    gst_object_unref(twcc);
    caps = gst_caps_from_string(
        is_video ? "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96,"
                   "extmap-4=(string)\"" URI_ROTATION "\""
                 : "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111");
    g_object_set(filter, "caps", caps, NULL);
    gst_bin_add_many(GST_BIN(call->pipeline), source, payloader, filter, NULL);
    gst_element_link_many(source, payloader, filter, NULL);
    GstPad *out = gst_element_get_static_pad(filter, "src");
    if (is_video)
        gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, turn_frame, call, NULL);
    gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, note_ready, call, NULL);
    call->sources++;
    char name[16];
    snprintf(name, sizeof(name), "sink_%d", line);
    GstPad *in = gst_element_request_pad(
        call->webrtc,
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(call->webrtc), "sink_%u"), name,
        caps);
    gst_caps_unref(caps);
    assert_non_null(in);
    GObject *transceiver = NULL;
    g_object_get(in, "transceiver", &transceiver, NULL);
    g_object_set(transceiver, "do-nack", is_video, "direction",
                 is_sending_only ? GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY
                                 : GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV,
                 NULL);
    g_object_unref(transceiver);
    assert_int_equal(gst_pad_link(out, in), GST_PAD_LINK_OK);
    gst_object_unref(out);
    gst_object_unref(in);
    out = gst_element_get_static_pad(source, "src");
    gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_client_event, call, NULL);
    gst_object_unref(out);
    return source;
}

static void on_client_text(GstWebRTCDataChannel *channel, const char *text, struct call *call) {
    LOCKED(call, (free(call->client_message), call->client_message = strdup(text)));
}

static void on_client_open(GstWebRTCDataChannel *channel, struct call *call) {
    LOCKED(call, call->is_client_open = true);
}

static void push(GstElement *source, const struct packet *packet) {
    GstBuffer *buffer = gst_buffer_new_memdup(packet->data, packet->size_bytes);
    GST_BUFFER_PTS(buffer) = (GstClockTime)now_ns();
    GstFlowReturn flow;
    g_signal_emit_by_name(source, "push-buffer", buffer, &flow);
    gst_buffer_unref(buffer);
}

// Both directions at the pace of a call: 50 sounds and 25 pictures a second.
static void *pump_run(void *user) {
    struct call *call = user;
    int64_t next_ns = now_ns();
    for (int i = 0; atomic_load(&call->pumps); i++) {
        next_ns += 20000000;
        struct timespec until = {next_ns / 1000000000, next_ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        const struct packet *picture = video_packets[i / 2 % CLIPS];
        struct packet *sound = copy_packet(audio_packet);
        if (call->microphone)
            push(call->microphone, audio_packet);
        peer_send_audio(call->peer, sound);
        packet_unref(sound);
        if (i % 2)
            continue;
        if (call->camera)
            push(call->camera, picture);
        if (call->screen && atomic_load(&call->sends_screen))
            push(call->screen, picture);
        if ((picture->is_keyframe && atomic_load(&call->has_no_keyframes)) ||
            atomic_load(&call->has_no_pictures))
            continue;
        struct packet *composite = copy_packet(picture);
        peer_send_video(call->peer, composite);
        packet_unref(composite);
    }
    return NULL;
}

static GstBusSyncReply drop_message(GstBus *bus, GstMessage *message, gpointer user) {
    gst_message_unref(message);
    return GST_BUS_DROP;
}

static struct call *call_create(void) {
    struct call *call = calloc(1, sizeof(*call));
    pthread_mutex_init(&call->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&call->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    call->history = calloc(HISTORY, sizeof(*call->history));
    call->peer = peer_create(&config, "test", &ops, call);
    assert_non_null(call->peer);
    return call;
}

static void client_create(struct call *call) {
    call->pipeline = gst_pipeline_new(NULL);
    call->webrtc = gst_element_factory_make("webrtcbin", NULL);
    gst_bin_add(GST_BIN(call->pipeline), call->webrtc);
    GstClock *clock = gst_system_clock_obtain();
    gst_pipeline_use_clock(GST_PIPELINE(call->pipeline), clock);
    gst_object_unref(clock);
    gst_element_set_start_time(call->pipeline, GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(call->pipeline, 0);
    g_object_set(call->webrtc, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, NULL);
    GObject *ice = NULL;
    gboolean is_added = FALSE;
    g_object_get(call->webrtc, "ice-agent", &ice, NULL);
    g_object_set(ice, "ice-tcp", FALSE, NULL);
    g_signal_emit_by_name(ice, "add-local-ip-address", "127.0.0.1", &is_added);
    GObject *agent = NULL;
    g_object_get(ice, "agent", &agent, NULL);
    g_object_set(agent, "upnp", FALSE, NULL);
    g_object_unref(agent);
    g_object_unref(ice);
    GstBus *bus = gst_element_get_bus(call->pipeline);
    gst_bus_set_sync_handler(bus, drop_message, NULL, NULL);
    gst_object_unref(bus);
    g_signal_connect(call->webrtc, "deep-element-added", G_CALLBACK(on_client_element), call);
    g_signal_connect(call->webrtc, "on-ice-candidate", G_CALLBACK(on_client_candidate), call);
    g_signal_connect(call->webrtc, "pad-added", G_CALLBACK(on_client_pad), call);
}

// webrtcbin must have seen every source's caps before: they come with the first packets.
static GstWebRTCSessionDescription *client_make_offer(struct call *call) {
    wait_until(call, call->sources_ready == call->sources);
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(call->webrtc, "create-offer", NULL, promise);
    assert_int_equal(gst_promise_wait(promise), GST_PROMISE_RESULT_REPLIED);
    GstWebRTCSessionDescription *offer = NULL;
    gst_structure_get(gst_promise_get_reply(promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                      &offer, NULL);
    gst_promise_unref(promise);
    assert_non_null(offer);
    return offer;
}

static void client_set(struct call *call, const char *signal,
                       GstWebRTCSessionDescription *description) {
    GstPromise *promise = gst_promise_new();
    g_signal_emit_by_name(call->webrtc, signal, description, promise);
    assert_int_equal(gst_promise_wait(promise), GST_PROMISE_RESULT_REPLIED);
    const GstStructure *reply = gst_promise_get_reply(promise);
    assert_false(reply && gst_structure_has_field(reply, "error"));
    gst_promise_unref(promise);
}

static void client_negotiate(struct call *call) {
    GstWebRTCSessionDescription *offer = client_make_offer(call);
    char *text = gst_sdp_message_as_text(offer->sdp);
    peer_offer(call->peer, text);
    g_free(text);
    client_set(call, "set-local-description", offer);
    gst_webrtc_session_description_free(offer);
    wait_until(call, call->answer || call->failures);
    assert_non_null(call->answer);
    GstSDPMessage *sdp;
    gst_sdp_message_new_from_text(call->answer, &sdp);
    GstWebRTCSessionDescription *answer =
        gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
    client_set(call, "set-remote-description", answer);
    gst_webrtc_session_description_free(answer);
}

enum {
    WITH_AUDIO = 1,
    WITH_CAMERA = 2,
    WITH_SCREEN = 4,
    WITH_CHANNEL = 8,
    ALL = 15,
    WITHOUT_KEYFRAMES = 16 // of ours, at first
};

static struct call *call_start(int parts) {
    struct call *call = call_create();
    client_create(call);
    int line = 0;
    if (parts & WITH_AUDIO)
        call->microphone = add_source(call, false, line++, false);
    if (parts & WITH_CAMERA)
        call->camera = add_source(call, true, line++, false);
    if (parts & WITH_SCREEN)
        call->screen = add_source(call, true, line++, true);
    gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
    if (parts & WITH_CHANNEL) {
        g_signal_emit_by_name(call->webrtc, "create-data-channel", "tessera", NULL, &call->channel);
        assert_non_null(call->channel);
        g_signal_connect(call->channel, "on-message-string", G_CALLBACK(on_client_text), call);
        g_signal_connect(call->channel, "on-open", G_CALLBACK(on_client_open), call);
    }
    atomic_store(&call->pumps, true);
    atomic_store(&call->sends_screen, parts & WITH_SCREEN);
    atomic_store(&call->has_no_keyframes, parts & WITHOUT_KEYFRAMES);
    pthread_create(&call->pump, NULL, pump_run, call);
    client_negotiate(call);
    wait_until(call, call->is_connected || call->failures);
    assert_int_equal(call->failures, 0);
    return call;
}

// What pc.close() does in a browser: DTLS close_notify.
static void client_say_goodbye(struct call *call) {
    GList *pads = call->dtls_encoder->sinkpads;
    assert_non_null(pads);
    gst_pad_send_event(pads->data, gst_event_new_eos());
}

static void client_destroy(struct call *call) {
    if (!call->pipeline)
        return;
    gst_element_set_state(call->pipeline, GST_STATE_NULL);
    g_clear_object(&call->channel);
    gst_object_unref(call->pipeline);
    call->pipeline = call->webrtc = NULL;
}

static void stop_pump(struct call *call) {
    if (atomic_exchange(&call->pumps, false))
        pthread_join(call->pump, NULL);
}

static void call_free(struct call *call) {
    free(call->history);
    free(call->answer);
    free(call->candidate);
    free(call->reason);
    free(call->refusal_code);
    free(call->message);
    free(call->client_message);
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static void call_end(struct call *call) {
    stop_pump(call);
    peer_close(call->peer);
    wait_until(call, call->is_released);
    client_destroy(call);
    assert_int_equal(peer_drain(WAIT_MAX_MS), 0);
    call_free(call);
}

// ---- tests ----

static int count_entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void test_peer_carries_media_both_ways(void **state) {
    struct call *call = call_start(ALL);
    assert_true(call->media.receives_video && call->media.receives_audio);
    assert_true(call->media.sends_camera && call->media.sends_audio && call->media.sends_screen &&
                call->media.has_channel);
    wait_until(call, call->camera_frames > 30 && call->screen_frames > 30);
    wait_until(call, call->audio_packets > 50);
    wait_until(call, call->client_video_frames > 30 && call->client_audio_packets > 50);
    // Whatever was sent before, the client was given a keyframe first, and untouched.
    assert_true(call->client_first_is_keyframe);
    assert_int_equal(call->client_first_bytes, video_packets[0]->size_bytes);
    struct peer_stats stats;
    peer_get_stats(call->peer, &stats);
    assert_int_equal(stats.state, PEER_CONNECTED);
    assert_true(stats.packets_received > 100 && stats.bytes_received > 5000);
    assert_true(stats.packets_sent > 60 && stats.bytes_sent > 1000);
    call_end(call);
}

static void test_peer_tells_times_on_the_room_clock(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->camera_frames > 20 && call->audio_packets > 50);
    pthread_mutex_lock(&call->lock);
    int64_t camera_ns = call->camera_pts_ns, arrival_ns = call->camera_arrival_ns;
    int64_t audio_ns = call->audio_pts_ns;
    pthread_mutex_unlock(&call->lock);
    int64_t moment_ns = now_ns();
    // Of this second, on this clock: not of a pipeline's own beginning.
    assert_in_range(moment_ns - arrival_ns, 0, 2000000000LL);
    assert_true(llabs(arrival_ns - camera_ns) < 2000000000LL);
    assert_true(llabs(audio_ns - camera_ns) < 2000000000LL);
    call_end(call);
}

static void test_peer_passes_rotation_on(void **state) {
    struct call *call = call_start(WITH_CAMERA);
    wait_until(call, call->camera_frames > 5 && call->last_rotation == 0);
    atomic_store(&call->is_turned, true);
    wait_until(call, call->last_rotation == 270);
    atomic_store(&call->is_turned, false);
    wait_until(call, call->last_rotation == 0);
    call_end(call);
}

static void test_peer_passes_keyframe_requests_both_ways(void **state) {
    struct call *call = call_start(ALL);
    wait_until(call, call->camera_frames > 5 && call->client_video_frames > 5);
    LOCKED(call, call->client_keyframe_requests = 0);
    peer_request_keyframe(call->peer, VIDEO_CAMERA);
    wait_until(call, call->client_keyframe_requests > 0);

    int before = call->keyframe_requests;
    GstElement *depayloader = gst_bin_get_by_name(GST_BIN(call->pipeline), "composite");
    GstPad *sink = gst_element_get_static_pad(depayloader, "sink");
    gst_pad_push_event(sink,
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
    gst_object_unref(sink);
    gst_object_unref(depayloader);
    wait_until(call, call->keyframe_requests > before);
    call_end(call);
}

static void test_peer_keeps_to_its_ports_and_address(void **state) {
    static char address[] = "203.0.113.9";
    config.udp_port_min = 42000;
    config.udp_port_max = 42200;
    config.public_address = address;
    struct call *call = call_create();
    client_create(call);
    call->microphone = add_source(call, false, 0, false);
    gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
    push(call->microphone, audio_packet);
    client_negotiate(call);
    wait_until(call, call->candidate);
    config.udp_port_min = config.udp_port_max = 0;
    config.public_address = NULL;
    unsigned port = 0;
    assert_int_equal(
        sscanf(call->candidate, "candidate:%*s 1 UDP %*u 203.0.113.9 %u typ host", &port), 1);
    assert_in_range(port, 42000, 42200);
    call_end(call);
}

static void test_peer_asks_for_the_first_keyframe(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA | WITHOUT_KEYFRAMES);
    wait_until(call, call->keyframe_requests > 1 && call->client_audio_packets > 20);
    assert_int_equal(call->client_video_frames, 0);
    atomic_store(&call->has_no_keyframes, false);
    wait_until(call, call->client_video_frames > 10);
    assert_true(call->client_first_is_keyframe);
    call_end(call);
}

static void test_peer_data_channel_carries_text_both_ways(void **state) {
    struct call *call = call_start(WITH_CHANNEL);
    wait_until(call, call->is_channel_open && call->is_client_open);
    g_signal_emit_by_name(call->channel, "send-string", "{\"type\":\"ping\"}");
    wait_until(call, call->message && strcmp(call->message, "{\"type\":\"ping\"}") == 0);
    assert_int_equal(peer_send_message(call->peer, "{\"type\":\"pong\"}xx", 15), 0);
    wait_until(call,
               call->client_message && strcmp(call->client_message, "{\"type\":\"pong\"}") == 0);
    // An empty one would close the channel: it is swallowed, and the next goes through.
    assert_int_equal(peer_send_message(call->peer, "", 0), 0);
    assert_int_equal(peer_send_message(call->peer, "still", 5), 0);
    wait_until(call, strcmp(call->client_message, "still") == 0);
    char *large = calloc(1, 60 * 1024 + 1);
    assert_int_equal(peer_send_message(call->peer, large, 60 * 1024 + 1), -EMSGSIZE);
    free(large);
    call_end(call);
}

static void test_peer_without_channel_says_so(void **state) {
    struct call *call = call_start(WITH_AUDIO);
    assert_false(call->media.has_channel || call->media.receives_video);
    assert_int_equal(peer_send_message(call->peer, "hello", 5), -ENOTCONN);
    wait_until(call, call->audio_packets > 10 && call->client_audio_packets > 10);
    call_end(call);
}

static void test_peer_notices_that_the_client_closes(void **state) {
    struct call *call = call_start(ALL);
    wait_until(call, call->camera_frames > 5);
    client_say_goodbye(call);
    wait_until(call, call->failures == 1);
    assert_string_equal(call->reason, "closed by the client");
    assert_null(call->refusal_code);
    call_end(call);
}

static void test_peer_shows_silence(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->audio_packets > 10);
    int64_t heard_ns = peer_last_heard_ns(call->peer);
    wait_until(call, peer_last_heard_ns(call->peer) > heard_ns);
    atomic_store(&call->is_mute, true); // as if it were killed: not even a goodbye
    int audio = call->audio_packets;
    wait_until(call, now_ns() - peer_last_heard_ns(call->peer) > 500000000LL);
    assert_true(call->audio_packets - audio < 20);
    assert_int_equal(call->failures, 0);
    atomic_store(&call->is_mute, false);
    wait_until(call, call->audio_packets > audio + 20);
    call_end(call);
}

static void test_peer_repairs_losses_both_ways(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->camera_frames > 10 && call->client_video_frames > 10);
    int camera = call->camera_frames, client = call->client_video_frames, lost = call->camera_lost;
    atomic_store(&call->is_lossy, true);
    wait_until(call,
               call->camera_frames > camera + 100 && call->client_video_frames > client + 100);
    struct peer_stats stats;
    peer_get_stats(call->peer, &stats);
    assert_true(stats.nacks_received > 0 && stats.retransmissions_sent > 0);
    // About one frame in ten was hit; of those, most came again.
    assert_true(call->camera_lost - lost < 8);
    call_end(call);
}

// ---- what the transport tells and is told of the link ----

static uint64_t packets_sent(struct call *call) {
    struct peer_stats stats;
    peer_get_stats(call->peer, &stats);
    return stats.packets_sent;
}

static void test_peer_tells_the_fate_of_every_packet(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->client_video_frames > 75 && call->client_audio_packets > 150);
    stop_pump(call);
    int sent = (int)packets_sent(call); // two thirds of it sound
    wait_until(call, call->reports >= sent * 95 / 100);
    pthread_mutex_lock(&call->lock);
    assert_true(sent > 200 && call->reports <= sent);
    assert_int_equal(call->reports_lost, 0);
    // Sent when we say, by the clock of the one who received it: it is the same machine.
    assert_true(call->reports_prompt > call->reports * 9 / 10);
    int64_t way_bytes = 0;
    for (int i = 0; i < call->reports; i++)
        way_bytes += call->history[i].size_bytes;
    assert_in_range(way_bytes / call->reports, 80, 1300);
    pthread_mutex_unlock(&call->lock);
    call_end(call);
}

static void test_peer_tells_which_packets_were_lost(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->reports > 50);
    int before = read_count(call, &call->reports);
    assert_int_equal(read_count(call, &call->reports_lost), 0);
    atomic_store(&call->is_lossy, true);
    wait_until(call, call->reports > before + 400);
    pthread_mutex_lock(&call->lock);
    int reports = call->reports - before, lost = call->reports_lost;
    pthread_mutex_unlock(&call->lock);
    assert_in_range(lost * 1000 / reports, 10, 150); // one in twenty, of all datagrams both ways
    call_end(call);
}

static int64_t sent_bits(struct call *call, int64_t from_ns, int64_t to_ns) {
    int64_t bits = 0;
    for (int i = 0; i < call->reports; i++)
        if (call->history[i].sent_ns >= from_ns && call->history[i].sent_ns < to_ns)
            bits += call->history[i].size_bytes * 8;
    return bits;
}

static void test_peer_probe_fills_up_what_media_leaves_free(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->client_video_frames > 20 && call->reports > 50);
    int64_t from_ns = now_ns(), half_ns = 500000000;
    int requests = read_count(call, &call->keyframe_requests);
    peer_send_probe(call->peer, 1000, 1000);
    wait_until(call, call->history[call->reports - 1].sent_ns > from_ns + 3 * half_ns);
    pthread_mutex_lock(&call->lock);
    int64_t before = sent_bits(call, from_ns - half_ns, from_ns);
    int64_t first = sent_bits(call, from_ns, from_ns + half_ns);
    int64_t second = sent_bits(call, from_ns + half_ns, from_ns + 2 * half_ns);
    int64_t after = sent_bits(call, from_ns + 2 * half_ns, from_ns + 3 * half_ns);
    int frames = call->client_video_frames;
    pthread_mutex_unlock(&call->lock);
    assert_true(before < 150000 && after < 150000);
    assert_in_range(first, 350000, 650000);
    assert_in_range(second, 350000, 650000);
    // Nobody noticed: the pictures went on, none was asked for again.
    wait_until(call, call->client_video_frames > frames + 20);
    assert_int_equal(read_count(call, &call->keyframe_requests), requests);
    call_end(call);
}

static void test_peer_probe_without_pictures_sends_nothing(void **state) {
    struct call *call = call_start(WITH_AUDIO);
    wait_until(call, call->client_audio_packets > 10);
    stop_pump(call);
    uint64_t sent = packets_sent(call);
    peer_send_probe(call->peer, 1000, 300);
    int64_t end_ns = now_ns() + 400000000;
    wait_until(call, now_ns() > end_ns);
    assert_int_equal(packets_sent(call), sent);
    call_end(call);
}

static bool send_large(struct call *call) {
    struct packet *large = copy_packet(large_packet);
    large->is_keyframe = true;
    bool is_sent = peer_send_video(call->peer, large);
    packet_unref(large);
    return is_sent;
}

static int64_t pace_queue_ns(struct call *call) {
    struct peer_stats stats;
    peer_get_stats(call->peer, &stats);
    return stats.pace_queue_ns;
}

// Ours from now on only when the test says so; sound goes on.
static struct call *call_start_paced(int kbps) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->client_video_frames > 10 && call->client_audio_packets > 20);
    atomic_store(&call->has_no_pictures, true);
    int audio = read_count(call, &call->client_audio_packets);
    wait_until(call, call->client_audio_packets > audio + 5);
    peer_set_pace(call->peer, kbps);
    return call;
}

static void test_peer_spreads_a_large_frame(void **state) {
    struct call *call = call_start_paced(300);
    assert_true(send_large(call));
    wait_until(call, call->is_burst_whole);
    assert_true(call->burst_packets >= LARGE_BYTES / 1200);
    assert_int_equal(call->burst_holes, 0);
    assert_true(call->burst_last_ns - call->burst_first_ns > 100000000);
    assert_true(call->burst_audio >= 2); // sound did not wait behind it
    assert_int_equal(pace_queue_ns(call), 0);
    call_end(call);
}

static void test_peer_sends_small_frames_at_once(void **state) {
    struct call *call = call_start_paced(300);
    for (int i = 0; i < CLIPS; i++) {
        assert_true(video_packets[i]->size_bytes < 4000);
        struct packet *small = copy_packet(video_packets[i]);
        assert_true(peer_send_video(call->peer, small));
        packet_unref(small);
        assert_int_equal(pace_queue_ns(call), 0);
        int audio = read_count(call, &call->client_audio_packets);
        wait_until(call, call->client_audio_packets > audio + 1);
    }
    call_end(call);
}

static void test_peer_without_pace_sends_all_at_once(void **state) {
    struct call *call = call_start_paced(0);
    assert_true(send_large(call));
    assert_int_equal(pace_queue_ns(call), 0);
    wait_until(call, call->is_burst_whole);
    // What was queued when the pace went is on its way at once, and in order.
    LOCKED(call, (call->is_burst_whole = false, call->burst_packets = 0));
    peer_set_pace(call->peer, 20);
    assert_true(send_large(call));
    assert_true(pace_queue_ns(call) > 0);
    peer_set_pace(call->peer, 0);
    wait_until(call, call->is_burst_whole);
    assert_int_equal(call->burst_holes, 0);
    call_end(call);
}

static void test_peer_backlog_ends_with_a_keyframe(void **state) {
    struct call *call = call_start_paced(100);
    int sent = 0;
    while (sent < 10 && send_large(call))
        sent++;
    assert_true(sent < 10);
    struct packet *delta = copy_packet(video_packets[1]);
    assert_false(peer_send_video(call->peer, delta));
    packet_unref(delta);
    assert_true(call->keyframe_requests > 0);
    assert_true(pace_queue_ns(call) < 1000000000);
    wait_until(call, pace_queue_ns(call) == 0);
    delta = copy_packet(video_packets[1]);
    assert_false(peer_send_video(call->peer, delta)); // its reference is missing
    packet_unref(delta);
    assert_true(send_large(call));
    wait_until(call, call->is_burst_whole && pace_queue_ns(call) == 0);
    call_end(call);
}

static void test_peer_closed_amid_a_burst_is_released(void **state) {
    int rounds = getenv("TESSERA_TEST_SHORT") ? 8 : 20;
    for (int i = 0; i < rounds; i++) {
        struct call *call = call_start_paced(100);
        peer_send_probe(call->peer, 2000, 1000);
        send_large(call);
        wait_until(call, call->burst_packets > i % 8);
        call_end(call);
    }
}

static void on_client_feedback(GObject *session, guint type, guint format, guint sender,
                               guint media, GstBuffer *fci, struct call *call) {
    guint8 bytes[8];
    if (type != 206 || format != 15 ||
        gst_buffer_extract(fci, 0, bytes, sizeof(bytes)) != sizeof(bytes) ||
        memcmp(bytes, "REMB", 4) != 0)
        return;
    guint32 word = GST_READ_UINT32_BE(bytes + 4);
    LOCKED(call, (call->remb_bps = (int64_t)(word & 0x3ffff) << (word >> 18 & 0x3f),
                  call->remb_ssrcs = (int)(word >> 24), call->remb_count++));
}

static void test_peer_tells_the_uplink_limit(void **state) {
    struct call *call = call_start(ALL);
    GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(call->webrtc), "rtpbin");
    GObject *session = NULL;
    g_signal_emit_by_name(rtpbin, "get-internal-session", 0, &session);
    g_signal_connect(session, "on-feedback-rtcp", G_CALLBACK(on_client_feedback), call);
    g_object_unref(session);
    gst_object_unref(rtpbin);
    wait_until(call, call->camera_frames > 10 && call->screen_frames > 10);
    assert_int_equal(read_count(call, &call->remb_count), 0);
    peer_set_uplink_kbps(call->peer, 345);
    wait_until(call, call->remb_bps == 345000);
    assert_int_equal(read_count(call, &call->remb_ssrcs), 2);
    peer_set_uplink_kbps(call->peer, 2500); // more than the 18 bits hold
    wait_until(call, call->remb_bps == 2500000);
    int count = read_count(call, &call->remb_count);
    wait_until(call, call->remb_count > count + 1);
    call_end(call);
}

static void test_peer_ends_a_client_that_opens_channel_after_channel(void **state) {
    struct call *call = call_start(WITH_CHANNEL);
    wait_until(call, call->is_channel_open && call->is_client_open);
    for (int i = 0; i < 8; i++) {
        GstWebRTCDataChannel *channel = NULL;
        g_signal_emit_by_name(call->webrtc, "create-data-channel", "another", NULL, &channel);
        g_clear_object(&channel);
    }
    wait_until(call, call->failures == 1);
    assert_string_equal(call->reason, "too many data channels");
    call_end(call);
}

static void test_peer_survives_a_flood_of_streams(void **state) {
    struct call *call = call_start(WITH_AUDIO | WITH_CAMERA);
    wait_until(call, call->camera_frames > 10 && call->audio_packets > 10);
    wait_until(call, call->client_video_frames > 10 && call->client_audio_packets > 10);
    int threads = count_entries("/proc/self/task");
    atomic_store(&call->is_scattering, true); // each packet a stream of its own
    int audio = call->audio_packets;
    wait_until(call, call->audio_packets > audio + 100);
    // Each stream that got in would have brought two threads, by its packets or by its reports.
    assert_true(count_entries("/proc/self/task") < threads + 20);
    atomic_store(&call->is_scattering, false);
    int camera = call->camera_frames;
    wait_until(call, call->camera_frames > camera + 10);
    assert_int_equal(call->failures, 0);
    call_end(call);
}

static void test_peer_late_screen_comes_as_screen(void **state) {
    struct call *call = call_create();
    client_create(call);
    call->microphone = add_source(call, false, 0, false);
    call->camera = add_source(call, true, 1, false);
    call->screen = add_source(call, true, 2, true);
    gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
    push(call->screen, video_packets[0]); // for its caps
    atomic_store(&call->pumps, true);
    pthread_create(&call->pump, NULL, pump_run, call);
    client_negotiate(call);
    wait_until(call, call->camera_frames > 10 && call->audio_packets > 10);
    atomic_store(&call->sends_screen, true);
    int screen = call->screen_frames;
    wait_until(call, call->screen_frames > screen + 10);
    call_end(call);
}

static void test_peer_refuses_garbage(void **state) {
    static const struct {
        const char *sdp, *code;
    } cases[] = {
        {"", "bad-offer"},
        {"hello", "bad-offer"},
        {"v=0\r\n", "bad-offer"},
        {"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
         "a=mid:0\r\na=rtpmap:111 opus/48000/2\r\n",
         "bundle-required"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct call *call = call_create();
        peer_offer(call->peer, cases[i].sdp);
        peer_add_candidate(call->peer, "candidate:1 1 UDP 1 127.0.0.1 9 typ host", 0);
        wait_until(call, call->failures == 1);
        assert_non_null(call->refusal_code);
        assert_string_equal(call->refusal_code, cases[i].code);
        assert_null(call->answer);
        call_end(call);
    }
}

static void test_peer_survives_garbage_candidates(void **state) {
    struct call *call = call_start(WITH_AUDIO);
    static const char *const garbage[] = {"",
                                          "x",
                                          "candidate:",
                                          "candidate:1 1 UDP 1 somewhere.local 9 typ host",
                                          "candidate:1 1 UDP 99999999999 127.0.0.1 9 typ host",
                                          "candidate:1 1 UDP 1 127.0.0.1 70000 typ host",
                                          "candidate:1 1 TCP 1 127.0.0.1 9 typ host",
                                          "candidate:1 7 UDP 1 127.0.0.1 9 typ host",
                                          "candidate:1 1 UDP 1 127.0.0.1 9 typ \x01\x02",
                                          "candidate:%s%n%n 1 UDP 1 127.0.0.1 9 typ host"};
    for (size_t i = 0; i < G_N_ELEMENTS(garbage); i++)
        for (int line = -1; line < 100; line += 50)
            peer_add_candidate(call->peer, garbage[i], line);
    char *large = malloc(100000);
    memset(large, 'a', 99999);
    large[99999] = '\0';
    peer_add_candidate(call->peer, large, 0);
    free(large);
    for (int i = 0; i < 1000; i++)
        peer_add_candidate(call->peer, "candidate:9 1 UDP 1 127.0.0.1 9 typ host", 0);
    int audio = call->audio_packets;
    wait_until(call, call->audio_packets > audio + 20);
    assert_int_equal(call->failures, 0);
    call_end(call);
}

static void test_peer_refuses_another_certificate(void **state) {
    struct call *call = call_create();
    client_create(call);
    call->microphone = add_source(call, false, 0, false);
    gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
    push(call->microphone, audio_packet);
    GstWebRTCSessionDescription *offer = client_make_offer(call);
    char *text = gst_sdp_message_as_text(offer->sdp);
    char *fingerprint = strstr(text, "a=fingerprint:");
    char *first = fingerprint ? strchr(fingerprint, ' ') + 1 : NULL;
    assert_non_null(first);
    *first = *first == 'A' ? 'B' : 'A';
    peer_offer(call->peer, text);
    g_free(text);
    client_set(call, "set-local-description", offer);
    gst_webrtc_session_description_free(offer);
    wait_until(call, call->answer);
    GstSDPMessage *sdp;
    gst_sdp_message_new_from_text(call->answer, &sdp);
    GstWebRTCSessionDescription *answer =
        gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
    client_set(call, "set-remote-description", answer);
    gst_webrtc_session_description_free(answer);
    wait_until(call, call->failures == 1);
    assert_string_equal(call->reason, "the certificate is not the one of the offer");
    assert_false(call->is_connected);
    assert_int_equal(call->audio_packets, 0);
    call_end(call);
}

static void test_peer_closed_at_any_moment_is_released(void **state) {
    for (int i = 0; i < 8; i++) {
        struct call *call = call_create();
        client_create(call);
        call->microphone = add_source(call, false, 0, false);
        gst_element_set_state(call->pipeline, GST_STATE_PLAYING);
        push(call->microphone, audio_packet);
        GstWebRTCSessionDescription *offer = client_make_offer(call);
        char *text = gst_sdp_message_as_text(offer->sdp);
        gst_webrtc_session_description_free(offer);
        if (i > 0)
            peer_offer(call->peer, text);
        g_free(text);
        if (i > 3)
            wait_until(call, call->answer);
        if (i > 5)
            wait_until(call, call->candidate);
        call_end(call);
    }
}

static void test_peer_leaves_no_threads_and_descriptors(void **state) {
    call_end(call_start(ALL));               // what GLib and GStreamer keep once they have it
    g_thread_pool_set_max_unused_threads(0); // else GLib keeps them for a quarter of a minute
    int descriptors = count_entries("/proc/self/fd");
    int threads = count_entries("/proc/self/task");
    for (int i = 0; i < 20; i++) {
        struct call *call = call_start(ALL);
        wait_until(call, call->camera_frames > 0);
        call_end(call);
    }
    assert_int_equal(peer_count(), 0);
    // Pooled threads end a little later.
    int64_t until_ns = now_ns() + (int64_t)WAIT_MAX_MS * 1000000;
    while (count_entries("/proc/self/task") > threads + 2 && now_ns() < until_ns)
        g_usleep(10000);
    assert_true(count_entries("/proc/self/task") <= threads + 2);
    assert_true(count_entries("/proc/self/fd") <= descriptors);
}

static int set_up(void **state) {
    static char loopback[] = "127.0.0.1";
    config.ice_interfaces = loopback;
    make_video();
    make_audio();
    make_large();
    return peer_init();
}

static int tear_down(void **state) {
    for (int i = 0; i < CLIPS; i++)
        packet_unref(video_packets[i]);
    packet_unref(audio_packet);
    packet_unref(large_packet);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_carries_media_both_ways),
        cmocka_unit_test(test_peer_tells_times_on_the_room_clock),
        cmocka_unit_test(test_peer_passes_rotation_on),
        cmocka_unit_test(test_peer_passes_keyframe_requests_both_ways),
        cmocka_unit_test(test_peer_asks_for_the_first_keyframe),
        cmocka_unit_test(test_peer_keeps_to_its_ports_and_address),
        cmocka_unit_test(test_peer_data_channel_carries_text_both_ways),
        cmocka_unit_test(test_peer_without_channel_says_so),
        cmocka_unit_test(test_peer_notices_that_the_client_closes),
        cmocka_unit_test(test_peer_shows_silence),
        cmocka_unit_test(test_peer_repairs_losses_both_ways),
        cmocka_unit_test(test_peer_tells_the_fate_of_every_packet),
        cmocka_unit_test(test_peer_tells_which_packets_were_lost),
        cmocka_unit_test(test_peer_probe_fills_up_what_media_leaves_free),
        cmocka_unit_test(test_peer_probe_without_pictures_sends_nothing),
        cmocka_unit_test(test_peer_spreads_a_large_frame),
        cmocka_unit_test(test_peer_sends_small_frames_at_once),
        cmocka_unit_test(test_peer_without_pace_sends_all_at_once),
        cmocka_unit_test(test_peer_backlog_ends_with_a_keyframe),
        cmocka_unit_test(test_peer_closed_amid_a_burst_is_released),
        cmocka_unit_test(test_peer_tells_the_uplink_limit),
        cmocka_unit_test(test_peer_ends_a_client_that_opens_channel_after_channel),
        cmocka_unit_test(test_peer_survives_a_flood_of_streams),
        cmocka_unit_test(test_peer_late_screen_comes_as_screen),
        cmocka_unit_test(test_peer_refuses_garbage),
        cmocka_unit_test(test_peer_survives_garbage_candidates),
        cmocka_unit_test(test_peer_refuses_another_certificate),
        cmocka_unit_test(test_peer_closed_at_any_moment_is_released),
        cmocka_unit_test(test_peer_leaves_no_threads_and_descriptors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
