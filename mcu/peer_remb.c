// SPDX-License-Identifier: MIT
// REMB (draft-alvestrand-rmcat-remb-03): how much the client's camera and screen may send together,
// for clients that do not obey the page's messages. It travels with the session's own reports.
#include "mcu/peer_internal.h"

#include <gst/rtp/gstrtcpbuffer.h>

enum { SSRCS_MAX = 2, FCI_BYTES = 8 };
static const int64_t interval_ns = 200 * 1000000LL; // a report goes out for each of our streams

static int collect_ssrcs(struct peer *peer, uint32_t *ssrcs) {
    int count = 0;
    pthread_mutex_lock(&peer->lock);
    for (int i = 0; i < peer->offer.line_count && count < SSRCS_MAX; i++) {
        enum sdp_line_kind kind = peer->offer.lines[i].kind;
        if ((kind == SDP_CAMERA || kind == SDP_SCREEN) && peer->line_ssrcs[i])
            ssrcs[count++] = peer->line_ssrcs[i];
    }
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static void write_remb(guint8 *fci, uint64_t bps, const uint32_t *ssrcs, int count) {
    int exponent = 0;
    for (; bps >> exponent > 0x3ffff; exponent++)
        ;
    GST_WRITE_UINT32_BE(fci, 0x52454d42); // "REMB"
    GST_WRITE_UINT32_BE(fci + 4, (guint32)count << 24 | (guint32)exponent << 18 |
                                     (guint32)(bps >> exponent));
    for (int i = 0; i < count; i++)
        GST_WRITE_UINT32_BE(fci + FCI_BYTES + 4 * i, ssrcs[i]);
}

// A report that a client would take as the beginning of a compound packet (RFC 3550 6.1).
static bool find_sender(GstRTCPBuffer *rtcp, guint32 *sender_ssrc) {
    GstRTCPPacket first;
    if (!gst_rtcp_buffer_get_first_packet(rtcp, &first))
        return false;
    GstRTCPType type = gst_rtcp_packet_get_type(&first);
    if (type == GST_RTCP_TYPE_SR)
        gst_rtcp_packet_sr_get_sender_info(&first, sender_ssrc, NULL, NULL, NULL, NULL);
    else if (type == GST_RTCP_TYPE_RR)
        *sender_ssrc = gst_rtcp_packet_rr_get_ssrc(&first);
    return type == GST_RTCP_TYPE_SR || type == GST_RTCP_TYPE_RR;
}

static bool add_remb(GstBuffer *buffer, uint64_t bps, const uint32_t *ssrcs, int count) {
    GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
    GstRTCPPacket packet;
    guint32 sender_ssrc = 0;
    if (!gst_rtcp_buffer_map(buffer, GST_MAP_READWRITE, &rtcp))
        return false;
    bool is_added = find_sender(&rtcp, &sender_ssrc) &&
                    gst_rtcp_buffer_add_packet(&rtcp, GST_RTCP_TYPE_PSFB, &packet);
    if (is_added) {
        gst_rtcp_packet_fb_set_type(&packet, GST_RTCP_PSFB_TYPE_AFB);
        gst_rtcp_packet_fb_set_sender_ssrc(&packet, sender_ssrc);
        gst_rtcp_packet_fb_set_media_ssrc(&packet, 0);
        is_added = gst_rtcp_packet_fb_set_fci_length(&packet, (guint16)(FCI_BYTES / 4 + count));
        if (is_added)
            write_remb(gst_rtcp_packet_fb_get_fci(&packet), bps, ssrcs, count);
        else
            gst_rtcp_packet_remove(&packet);
    }
    gst_rtcp_buffer_unmap(&rtcp);
    return is_added;
}

// The session's own RTCP thread. True: this report must not be held back.
static gboolean on_sending_rtcp(GObject *session, GstBuffer *buffer, gboolean is_early,
                                struct peer *peer) {
    int kbps = atomic_load(&peer->uplink_kbps);
    int64_t now_ns = peer_now_ns();
    bool is_news = kbps != peer->remb_kbps;
    if (kbps <= 0 || (!is_news && now_ns - peer->remb_ns < interval_ns))
        return FALSE;
    uint32_t ssrcs[SSRCS_MAX];
    int count = collect_ssrcs(peer, ssrcs);
    if (count == 0 || !add_remb(buffer, (uint64_t)kbps * 1000, ssrcs, count))
        return FALSE;
    peer->remb_kbps = kbps;
    peer->remb_ns = now_ns;
    return is_news;
}

void peer_remb_watch(struct peer *peer, GObject *session) {
    peer_connect(peer, session, "on-sending-rtcp", G_CALLBACK(on_sending_rtcp));
}

void peer_set_uplink_kbps(struct peer *peer, int kbps) {
    atomic_store(&peer->uplink_kbps, kbps > 0 ? kbps : 0);
}
