// SPDX-License-Identifier: MIT
// What the client's transport-wide feedback tells of each packet. The RTP session sends an event
// up from its sink, once per feedback and before the paths of the streams part: it is taken there,
// and goes no further.
#include "mcu/peer_internal.h"

#include <stdlib.h>
#include <string.h>

// The session forgets what was reported only, and finds packets by 16 bits: after a long silence it
// mistakes one for another.
static const int64_t believable_ns = 10 * 1000000000LL;

// False: it was not found among those sent.
static bool read_report(const GstStructure *packet, int64_t now_ns,
                        struct peer_packet_report *out) {
    guint64 sent_ns = GST_CLOCK_TIME_NONE, received_ns = GST_CLOCK_TIME_NONE;
    guint payload_bytes = 0;
    gboolean is_lost = FALSE;
    gst_structure_get_uint64(packet, "local-ts", &sent_ns);
    gst_structure_get_uint64(packet, "remote-ts", &received_ns);
    gst_structure_get_uint(packet, "size", &payload_bytes);
    gst_structure_get_boolean(packet, "lost", &is_lost);
    if (!GST_CLOCK_TIME_IS_VALID(sent_ns) || now_ns - (int64_t)sent_ns > believable_ns)
        return false;
    // The session takes its times from the system clock, which is the room's.
    out->sent_ns = (int64_t)sent_ns;
    out->received_ns = is_lost || !GST_CLOCK_TIME_IS_VALID(received_ns) ? -1 : (int64_t)received_ns;
    out->size_bytes = (int)payload_bytes + PEER_RTP_BYTES + PEER_OVERHEAD_BYTES;
    return true;
}

static void tell(struct peer *peer, const GValueArray *packets) {
    struct peer_packet_report *reports = calloc(packets->n_values, sizeof(*reports));
    int64_t now_ns = peer_now_ns();
    int count = 0;
    for (guint i = 0; reports && i < packets->n_values; i++)
        count += read_report(g_value_get_boxed(&packets->values[i]), now_ns, &reports[count]);
    if (count > 0 && peer_enter(peer)) {
        peer->ops.on_feedback(peer->user, reports, count);
        peer_leave(peer);
    }
    free(reports);
}

// The session's receiving thread.
static GstPadProbeReturn on_event(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    struct peer *peer = user;
    const GstStructure *feedback = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
    if (!feedback || !gst_structure_has_name(feedback, "RTPTWCCPackets"))
        return GST_PAD_PROBE_OK;
    const GValue *packets = gst_structure_get_value(feedback, "packets");
    GValueArray *array = packets ? g_value_get_boxed(packets) : NULL;
    if (array && array->n_values > 0 && peer->ops.on_feedback && atomic_load(&peer->is_genuine))
        tell(peer, array);
    return GST_PAD_PROBE_DROP;
}

static void on_session_pad(GstElement *session, GstPad *pad, struct peer *peer) {
    if (strcmp(GST_PAD_NAME(pad), "send_rtp_sink") == 0)
        peer_probe(peer, pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_event);
}

void peer_feedback_watch(struct peer *peer, GstElement *session) {
    peer_connect(peer, session, "pad-added", G_CALLBACK(on_session_pad));
}
