// SPDX-License-Identifier: MIT
// What the client sends, as whole frames and packets with times on the room clock.
//
//   webrtcbin's src pad -> depayloader -> own sink pad -> ops.on_video | on_audio
//
// One chain for each stream; it lives until the pipeline has stopped. All of it runs on the
// stream's jitter buffer thread. The guard sees to it that a role has one live stream at a time.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAME_BYTES_MAX = 4 << 20 };
static const int64_t keyframe_interval_ns = 200 * 1000000LL;
// A stream that brings packets but no whole frame for so long lacks a keyframe.
static const int64_t frameless_ns = 700 * 1000000LL;

struct peer_chain {
    struct peer_chain *next; // protected by the peer's lock
    struct peer *peer;
    const struct sdp_line *line; // NULL: what comes is thrown away
    enum video_role role;
    GstPad *sink;
    // Streaming thread only.
    GstSegment segment;
    int rotation;
    size_t pending_bytes; // since the last whole frame
    int64_t frame_ns;     // when that was
};

static int64_t running_time_ns(const struct peer_chain *chain, GstClockTime time,
                               int64_t fallback_ns) {
    guint64 running = gst_segment_to_running_time(&chain->segment, GST_FORMAT_TIME, time);
    return GST_CLOCK_TIME_IS_VALID(running) ? (int64_t)running : fallback_ns;
}

// ---- out of the depayloader ----

static void deliver(struct peer_chain *chain, const GstMapInfo *map, int64_t pts_ns,
                    int64_t now_ns) {
    struct peer *peer = chain->peer;
    if (!atomic_load(&peer->is_genuine) || !peer_enter(peer))
        return;
    if (chain->line->kind == SDP_AUDIO)
        peer->ops.on_audio(peer->user, map->data, map->size, pts_ns, now_ns);
    else
        peer->ops.on_video(peer->user, chain->role, chain->line->codec, map->data, map->size,
                           pts_ns, now_ns, chain->rotation);
    peer_leave(peer);
}

// The jitter buffer notes with each packet when the client says it was captured, once it has said
// so.
static int64_t sync_pts(struct peer_chain *chain, GstBuffer *buffer, int64_t pts_ns) {
    struct peer *peer = chain->peer;
    GstReferenceTimestampMeta *meta = gst_buffer_get_reference_timestamp_meta(buffer, NULL);
    if (!meta || meta->timestamp > INT64_MAX)
        return pts_ns;
    pthread_mutex_lock(&peer->lock);
    if (chain->line->kind == SDP_AUDIO)
        peer_sync_note_audio(&peer->sync, pts_ns, (int64_t)meta->timestamp);
    else
        pts_ns = peer_sync_video_pts(&peer->sync, pts_ns, (int64_t)meta->timestamp);
    pthread_mutex_unlock(&peer->lock);
    return pts_ns;
}

static GstFlowReturn on_frame(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
    struct peer_chain *chain = gst_pad_get_element_private(pad);
    int64_t now_ns = peer_now_ns();
    chain->pending_bytes = 0;
    chain->frame_ns = now_ns;
    GstMapInfo map;
    if (chain->line && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        int64_t pts_ns = running_time_ns(chain, GST_BUFFER_PTS(buffer), now_ns);
        if (map.size > 0)
            deliver(chain, &map, sync_pts(chain, buffer, pts_ns), now_ns);
        gst_buffer_unmap(buffer, &map);
    }
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
}

static void deliver_gap(struct peer_chain *chain, GstEvent *event) {
    struct peer *peer = chain->peer;
    GstClockTime pts, duration;
    gst_event_parse_gap(event, &pts, &duration);
    if (!chain->line || !peer_enter(peer))
        return;
    if (chain->line->kind != SDP_AUDIO)
        peer->ops.on_video_lost(peer->user, chain->role);
    else if (GST_CLOCK_TIME_IS_VALID(duration) && duration > 0)
        peer->ops.on_audio_lost(peer->user, running_time_ns(chain, pts, peer_now_ns()),
                                (int64_t)duration);
    peer_leave(peer);
}

static gboolean on_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    struct peer_chain *chain = gst_pad_get_element_private(pad);
    if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment(event, &chain->segment);
    else if (GST_EVENT_TYPE(event) == GST_EVENT_GAP)
        deliver_gap(chain, event);
    gst_event_unref(event);
    return TRUE;
}

// ---- into the depayloader ----

// 3GPP TS 26.114 7.4.5: the low two bits are quarter turns. Sent on a frame's last packet, with
// every frame that is turned and when it ends to be.
static void read_rotation(struct peer_chain *chain, GstBuffer *buffer) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    if (!gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
        return;
    gpointer data;
    guint size;
    if (gst_rtp_buffer_get_extension_onebyte_header(&rtp, chain->line->rotation_id, 0, &data,
                                                    &size) &&
        size >= 1)
        chain->rotation = (*(guint8 *)data & 3) * 90;
    gst_rtp_buffer_unmap(&rtp);
}

static GstPadProbeReturn on_packet(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct peer_chain *chain = gst_pad_get_element_private(pad);
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    if (chain->line->rotation_id)
        read_rotation(chain, buffer);
    chain->pending_bytes += gst_buffer_get_size(buffer);
    if (chain->pending_bytes > FRAME_BYTES_MAX) {
        peer_post(chain->peer, JOB_FAILED, 0, "the client sends a frame without end");
        return GST_PAD_PROBE_DROP;
    }
    int64_t now_ns = peer_now_ns();
    if (now_ns - chain->frame_ns > frameless_ns) {
        chain->frame_ns = now_ns;
        peer_request_keyframe(chain->peer, chain->role);
    }
    return GST_PAD_PROBE_OK;
}

// ---- building ----

static const char *depayloader_of(const struct sdp_line *line, const char **caps) {
    *caps = "ANY";
    if (!line)
        return NULL;
    if (line->kind == SDP_AUDIO)
        return "rtpopusdepay";
    switch (line->codec) {
    case VIDEO_VP8: return "rtpvp8depay";
    case VIDEO_VP9: return "rtpvp9depay";
    default:
        // What libavcodec reads without being told parameters first.
        *caps = "video/x-h264,stream-format=(string)byte-stream,alignment=(string)au";
        return "rtph264depay";
    }
}

static GstPad *make_sink(struct peer_chain *chain, const char *caps_text) {
    GstCaps *caps = gst_caps_from_string(caps_text);
    GstPadTemplate *template = gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps);
    gst_caps_unref(caps);
    gst_object_ref_sink(template);
    GstPad *pad = gst_pad_new_from_template(template, NULL);
    gst_object_unref(template);
    gst_object_ref_sink(pad);
    gst_pad_set_element_private(pad, chain);
    gst_pad_set_chain_function(pad, on_frame);
    gst_pad_set_event_function(pad, on_event);
    gst_pad_set_active(pad, TRUE);
    return pad;
}

static void watch_packets(struct peer_chain *chain, GstPad *sink) {
    struct peer *peer = chain->peer;
    gst_pad_set_element_private(sink, chain);
    gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, on_packet, NULL, NULL);
    pthread_mutex_lock(&peer->lock);
    GstPad *former = peer->depayloader_sinks[chain->role];
    peer->depayloader_sinks[chain->role] = gst_object_ref(sink);
    pthread_mutex_unlock(&peer->lock);
    if (former)
        gst_object_unref(former);
}

// Links pad through the depayloader to our sink. What stays unlinked would stop all that comes in.
static bool link_chain(struct peer_chain *chain, GstPad *pad, const char *name) {
    GstElement *depayloader = gst_element_factory_make(name, NULL);
    if (!depayloader || !gst_bin_add(GST_BIN(chain->peer->pipeline), depayloader))
        return false;
    bool is_video = chain->line->kind != SDP_AUDIO;
    if (is_video)
        g_object_set(depayloader, "wait-for-keyframe", TRUE, NULL);
    GstPad *in = gst_element_get_static_pad(depayloader, "sink");
    GstPad *out = gst_element_get_static_pad(depayloader, "src");
    if (is_video)
        watch_packets(chain, in);
    bool is_linked = gst_pad_link(out, chain->sink) == GST_PAD_LINK_OK &&
                     gst_element_sync_state_with_parent(depayloader) &&
                     gst_pad_link(pad, in) == GST_PAD_LINK_OK;
    gst_object_unref(in);
    gst_object_unref(out);
    return is_linked;
}

// The stream's number stands in the name of rtpbin's pad: webrtcbin itself files a stream that it
// was not told of, or has forgotten after a pause, under the wrong m-line.
static const struct sdp_line *line_of_pad(struct peer *peer, GstPad *pad) {
    GstPad *target = GST_IS_GHOST_PAD(pad) ? gst_ghost_pad_get_target(GST_GHOST_PAD(pad)) : NULL;
    unsigned session, ssrc, payload_type;
    bool is_known = target && sscanf(GST_PAD_NAME(target), "recv_rtp_src_%u_%u_%u", &session, &ssrc,
                                     &payload_type) == 3;
    if (target)
        gst_object_unref(target);
    int line = is_known ? peer_guard_line(peer, ssrc) : -1;
    return line >= 0 ? &peer->offer.lines[line] : NULL;
}

static void keep_chain(struct peer_chain *chain) {
    struct peer *peer = chain->peer;
    pthread_mutex_lock(&peer->lock);
    chain->next = peer->chains;
    peer->chains = chain;
    pthread_mutex_unlock(&peer->lock);
}

static void on_pad_added(GstElement *webrtc, GstPad *pad, struct peer *peer) {
    if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
        return;
    struct peer_chain *chain = calloc(1, sizeof(*chain));
    if (!chain) {
        peer_post(peer, JOB_FAILED, 0, "out of memory");
        return;
    }
    chain->peer = peer;
    chain->line = line_of_pad(peer, pad);
    chain->role = chain->line && chain->line->kind == SDP_SCREEN ? VIDEO_SCREEN : VIDEO_CAMERA;
    chain->frame_ns = peer_now_ns();
    gst_segment_init(&chain->segment, GST_FORMAT_TIME);
    const char *caps, *name = depayloader_of(chain->line, &caps);
    chain->sink = make_sink(chain, caps);
    keep_chain(chain);
    bool is_linked =
        name ? link_chain(chain, pad, name) : gst_pad_link(pad, chain->sink) == GST_PAD_LINK_OK;
    if (!is_linked)
        peer_post(peer, JOB_FAILED, 0, "a stream could not be received");
}

void peer_receive_watch(struct peer *peer) {
    peer_connect(peer, peer->webrtc, "pad-added", G_CALLBACK(on_pad_added));
}

// The pipeline has stopped: nobody is in a chain any more.
void peer_receive_finish(struct peer *peer) {
    while (peer->chains) {
        struct peer_chain *chain = peer->chains;
        peer->chains = chain->next;
        gst_pad_set_active(chain->sink, FALSE);
        gst_object_unref(chain->sink);
        free(chain);
    }
    for (int role = 0; role < 2; role++)
        gst_clear_object(&peer->depayloader_sinks[role]);
}

// ---- asking for keyframes ----

void peer_request_keyframe(struct peer *peer, enum video_role role) {
    int64_t now_ns = peer_now_ns();
    GstPad *sink = NULL;
    pthread_mutex_lock(&peer->lock);
    if (!peer->is_closing && peer->depayloader_sinks[role] &&
        now_ns - peer->keyframe_requested_ns[role] >= keyframe_interval_ns) {
        peer->keyframe_requested_ns[role] = now_ns;
        sink = gst_object_ref(peer->depayloader_sinks[role]);
    }
    pthread_mutex_unlock(&peer->lock);
    if (!sink)
        return;
    // all_headers FALSE makes it a PLI, TRUE would be a FIR.
    gst_pad_push_event(sink,
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, FALSE, 0));
    gst_object_unref(sink);
    atomic_fetch_add(&peer->keyframes_requested, 1);
}
