// SPDX-License-Identifier: MIT
// Which of the client's RTP streams get in, and which m-line each belongs to. It stands before the
// demultiplexer, where a stream still costs nothing: behind it, each has a jitter buffer with two
// threads, for as long as the connection lives. webrtcbin 1.22 knows streams by a=ssrc only and
// forgets them after a pause; here the MID header extension counts too, and nothing is forgotten.
#include "mcu/peer_internal.h"

#include "mcu/log.h"

#include <gst/rtp/rtp.h>
#include <string.h>

enum { RTP_HEADER_BYTES = 12 };
// A second stream on one m-line may take over when the first has been silent for so long.
static const int64_t silence_ns = 1000 * 1000000LL;

struct header {
    uint32_t ssrc;
    int payload_type;
};

static bool read_header(GstBuffer *buffer, struct header *out) {
    guint8 bytes[RTP_HEADER_BYTES];
    if (gst_buffer_extract(buffer, 0, bytes, sizeof(bytes)) != sizeof(bytes))
        return false;
    out->payload_type = bytes[1] & 0x7f;
    out->ssrc = GST_READ_UINT32_BE(bytes + 8);
    return true;
}

static bool line_takes(const struct sdp_line *line, int payload_type) {
    return line->kind != SDP_UNUSED && line->kind != SDP_CHANNEL && line->receives &&
           line->payload_type == payload_type;
}

static int line_of_announced(const struct sdp_offer *offer, uint32_t ssrc) {
    for (int i = 0; i < offer->line_count; i++)
        for (int k = 0; k < offer->lines[i].ssrc_count; k++)
            if (offer->lines[i].ssrcs[k] == ssrc)
                return i;
    return -1;
}

static int line_of_mid(const struct sdp_offer *offer, GstBuffer *buffer) {
    int id = 0, found = -1;
    for (int i = 0; i < offer->line_count; i++)
        id = id ? id : offer->lines[i].mid_id;
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gpointer data;
    guint size;
    if (!id || !gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp))
        return -1;
    if (gst_rtp_buffer_get_extension_onebyte_header(&rtp, id, 0, &data, &size))
        for (int i = 0; i < offer->line_count && found < 0; i++)
            if (strlen(offer->lines[i].mid) == size && !memcmp(offer->lines[i].mid, data, size))
                found = i;
    gst_rtp_buffer_unmap(&rtp);
    return found;
}

// Announced, else by what the packet says itself, else the first line with this payload type.
static int find_line(const struct sdp_offer *offer, GstBuffer *buffer,
                     const struct header *header) {
    int line = line_of_announced(offer, header->ssrc);
    if (line < 0)
        line = line_of_mid(offer, buffer);
    for (int i = 0; i < offer->line_count && line < 0; i++)
        if (line_takes(&offer->lines[i], header->payload_type))
            line = i;
    return line >= 0 && line_takes(&offer->lines[line], header->payload_type) ? line : -1;
}

static struct peer_stream *find_stream_locked(struct peer *peer, uint32_t ssrc) {
    for (int i = 0; i < peer->stream_count; i++)
        if (peer->streams[i].ssrc == ssrc)
            return &peer->streams[i];
    return NULL;
}

static bool may_take_over_locked(struct peer *peer, int line, uint32_t ssrc, int64_t now_ns) {
    uint32_t holder = peer->line_ssrcs[line];
    if (holder == ssrc)
        return true;
    struct peer_stream *stream = find_stream_locked(peer, holder);
    return !stream || now_ns - stream->last_ns > silence_ns;
}

static bool admit_known_locked(struct peer *peer, struct peer_stream *stream, int64_t now_ns) {
    if (!may_take_over_locked(peer, stream->line, stream->ssrc, now_ns))
        return false;
    peer->line_ssrcs[stream->line] = stream->ssrc;
    stream->last_ns = now_ns;
    return true;
}

static bool admit_new(struct peer *peer, GstBuffer *buffer, const struct header *header,
                      int64_t now_ns) {
    int line = find_line(&peer->offer, buffer, header);
    if (line < 0)
        return false;
    bool is_admitted = false;
    pthread_mutex_lock(&peer->lock);
    bool is_one_too_many = peer->stream_count >= PEER_STREAMS_MAX;
    if (!is_one_too_many && may_take_over_locked(peer, line, header->ssrc, now_ns)) {
        struct peer_stream *stream = &peer->streams[peer->stream_count++];
        *stream = (struct peer_stream){.ssrc = header->ssrc, .line = line};
        is_admitted = admit_known_locked(peer, stream, now_ns);
    }
    pthread_mutex_unlock(&peer->lock);
    if (is_one_too_many)
        peer_post(peer, JOB_FAILED, 0, "too many streams");
    return is_admitted;
}

static bool admits(struct peer *peer, GstBuffer *buffer) {
    struct header header;
    if (!read_header(buffer, &header))
        return false;
    int64_t now_ns = peer_now_ns();
    bool is_admitted = false;
    pthread_mutex_lock(&peer->lock);
    struct peer_stream *stream = find_stream_locked(peer, header.ssrc);
    if (stream)
        is_admitted = line_takes(&peer->offer.lines[stream->line], header.payload_type) &&
                      admit_known_locked(peer, stream, now_ns);
    pthread_mutex_unlock(&peer->lock);
    return stream ? is_admitted : admit_new(peer, buffer, &header, now_ns);
}

static gboolean keep_if_admitted(GstBuffer **buffer, guint index, gpointer user) {
    if (!admits(user, *buffer))
        gst_clear_buffer(buffer);
    return TRUE;
}

static GstPadProbeReturn on_packets(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
        return admits(user, GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_OK
                                                             : GST_PAD_PROBE_DROP;
    GstBufferList *list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
    info->data = list;
    gst_buffer_list_foreach(list, keep_if_admitted, user);
    return GST_PAD_PROBE_OK;
}

// The session has dealt with the report; here it is to time a stream. One that names a stream which
// did not get in would make room for it all the same.
static GstPadProbeReturn on_report(GstPad *pad, GstPadProbeInfo *info, gpointer user) {
    guint8 bytes[8]; // RFC 3550 6.4.1
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    bool is_known = gst_buffer_extract(buffer, 0, bytes, sizeof(bytes)) == sizeof(bytes) &&
                    peer_guard_line(user, GST_READ_UINT32_BE(bytes + 4)) >= 0;
    return is_known ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

void peer_guard_watch(struct peer *peer, GstElement *demultiplexer) {
    GstPad *packets = gst_element_get_static_pad(demultiplexer, "sink");
    GstPad *reports = gst_element_get_static_pad(demultiplexer, "rtcp_sink");
    g_object_set(demultiplexer, "max-streams", (guint)PEER_STREAMS_MAX, NULL);
    if (packets)
        peer_probe(peer, packets, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
                   on_packets);
    if (reports)
        peer_probe(peer, reports, GST_PAD_PROBE_TYPE_BUFFER, on_report);
    gst_clear_object(&packets);
    gst_clear_object(&reports);
}

int peer_guard_line(struct peer *peer, uint32_t ssrc) {
    pthread_mutex_lock(&peer->lock);
    struct peer_stream *stream = find_stream_locked(peer, ssrc);
    int line = stream ? stream->line : -1;
    pthread_mutex_unlock(&peer->lock);
    return line;
}
