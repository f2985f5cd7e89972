// SPDX-License-Identifier: MIT
// The offer as webrtcbin gets it: only what was understood.
#include "mcu/peer_sdp_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CANDIDATES_MAX = 32 };

__attribute__((format(printf, 3, 4))) static void add(GstSDPMedia *media, const char *key,
                                                      const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *value = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    gst_sdp_media_add_attribute(media, key, value);
    g_free(value);
}

static void add_format(GstSDPMedia *media, int payload_type) {
    char text[12];
    snprintf(text, sizeof(text), "%d", payload_type);
    gst_sdp_media_add_format(media, text);
}

// The feedback that is offered and that we use.
static void write_feedback(GstSDPMedia *media, const struct sdp_line *line,
                           const GstSDPMedia *source) {
    const char *const ours[] = {"nack", "nack pli", "ccm fir", "transport-cc", NULL};
    const char *value;
    for (const char *const *mode = ours; *mode; mode++)
        for (unsigned i = 0; (value = gst_sdp_media_get_attribute_val_n(source, "rtcp-fb", i));
             i++) {
            const char *rest = value[0] == '*' && value[1] == ' '
                                   ? value + 2
                                   : sdp_value_after_number(value, line->payload_type);
            if (rest && strcmp(rest, *mode) == 0) {
                add(media, "rtcp-fb", "%d %s", line->payload_type, *mode);
                break;
            }
        }
}

// What is repeated in the answer tells the client what WE want to receive.
static void write_fmtp(GstSDPMedia *media, const struct sdp_line *line, const GstSDPMedia *source) {
    int payload_type = line->payload_type;
    const char *offered = sdp_payload_value(source, "fmtp", payload_type);
    if (line->kind == SDP_AUDIO) {
        add(media, "fmtp", "%d minptime=10;useinbandfec=1", payload_type);
    } else if (line->codec == VIDEO_H264) {
        add(media, "fmtp",
            "%d level-asymmetry-allowed=1;packetization-mode=%d;profile-level-id=%06lx",
            payload_type, sdp_fmtp_number(offered, "packetization-mode", 10, 0) == 1,
            (unsigned long)sdp_fmtp_number(offered, "profile-level-id", 16, 0x42e01f) & 0xffffff);
    } else if (line->codec == VIDEO_VP9) {
        add(media, "fmtp", "%d profile-id=0", payload_type);
    }
}

static void write_codecs(GstSDPMedia *media, const struct sdp_line *line,
                         const GstSDPMedia *source) {
    const char *channels = line->kind == SDP_AUDIO ? "/2" : "";
    add_format(media, line->payload_type);
    add(media, "rtpmap", "%d %s/%d%s", line->payload_type, sdp_codec_name(line), line->clock_hz,
        channels);
    write_fmtp(media, line, source);
    write_feedback(media, line, source);
    if (line->rtx_payload_type) {
        add_format(media, line->rtx_payload_type);
        add(media, "rtpmap", "%d rtx/%d", line->rtx_payload_type, line->clock_hz);
        add(media, "fmtp", "%d apt=%d", line->rtx_payload_type, line->payload_type);
    }
    for (int i = 0; i < line->ssrc_count; i++)
        add(media, "ssrc", "%u cname:client", line->ssrcs[i]);
    if (line->twcc_id)
        add(media, "extmap", "%d " SDP_URI_TWCC, line->twcc_id);
    if (line->mid_id)
        add(media, "extmap", "%d " SDP_URI_MID, line->mid_id);
    if (line->rotation_id)
        add(media, "extmap", "%d " SDP_URI_ROTATION, line->rotation_id);
}

// What the client does not want will be answered with port 0; webrtcbin wants to see a codec
// anyway.
static void write_refused(struct sdp_reading *reading, GstSDPMedia *media) {
    int payload_type = SDP_PAYLOAD_TYPES - 1;
    while (payload_type > 0 && !sdp_claim_payload_type(reading, payload_type, "none"))
        payload_type--;
    add_format(media, payload_type);
    add(media, "rtpmap", "%d none/90000", payload_type);
}

// An unused line still names a codec, or the answer could not: the first that has a sound name and
// a number of its own.
static int write_unused(struct sdp_reading *reading, GstSDPMedia *media,
                        const GstSDPMedia *source) {
    for (unsigned i = 0; i < gst_sdp_media_formats_len(source); i++) {
        int payload_type = sdp_format_payload_type(source, i), clock_hz;
        char name[SDP_NAME_MAX];
        if (payload_type < 0 ||
            !sdp_parse_rtpmap(sdp_payload_value(source, "rtpmap", payload_type), name, &clock_hz) ||
            !sdp_claim_payload_type(reading, payload_type, name))
            continue;
        add_format(media, payload_type);
        add(media, "rtpmap", "%d %s/%d", payload_type, name, clock_hz);
        return 0;
    }
    return sdp_refuse(reading, "bad-offer", "A line of the offer names no codec.");
}

static const char *direction_of(const struct sdp_line *line) {
    if (line->kind == SDP_UNUSED || line->is_refused_by_client)
        return "inactive";
    return line->sends ? (line->receives ? "sendrecv" : "recvonly")
                       : (line->receives ? "sendonly" : "inactive");
}

// Candidates that came inside the offer, all of them on the one transport.
static void write_candidates(struct sdp_reading *reading, GstSDPMedia *media) {
    int count = 0;
    for (int line = 0; line < reading->offer->line_count; line++) {
        const GstSDPMedia *source = gst_sdp_message_get_media(reading->message, line);
        const char *value;
        for (unsigned i = 0; (value = gst_sdp_media_get_attribute_val_n(source, "candidate", i));
             i++) {
            char *candidate = g_strdup_printf("candidate:%.*s", SDP_CANDIDATE_BYTES_MAX, value);
            if (sdp_candidate_is_usable(candidate) && count++ < CANDIDATES_MAX)
                add(media, "candidate", "%s", value);
            g_free(candidate);
        }
    }
}

static int write_line(struct sdp_reading *reading, int index) {
    const struct sdp_line *line = &reading->offer->lines[index];
    const GstSDPMedia *source = gst_sdp_message_get_media(reading->message, index);
    GstSDPMedia *media;
    gst_sdp_media_new(&media);
    gst_sdp_media_set_media(media, gst_sdp_media_get_media(source));
    gst_sdp_media_set_port_info(media, 9, 1);
    gst_sdp_media_set_proto(media,
                            line->kind == SDP_CHANNEL ? "UDP/DTLS/SCTP" : "UDP/TLS/RTP/SAVPF");
    gst_sdp_media_add_connection(media, "IN", "IP4", "0.0.0.0", 0, 0);
    add(media, "mid", "%s", line->mid);
    add(media, "ice-ufrag", "%s", reading->ufrag);
    add(media, "ice-pwd", "%s", reading->password);
    add(media, "fingerprint", "%s %s", reading->offer->fingerprint_kind,
        reading->offer->fingerprint);
    add(media, "setup", "%s", reading->setup);
    int outcome = 0;
    if (line->kind == SDP_CHANNEL) {
        gst_sdp_media_add_format(media, "webrtc-datachannel");
        gst_sdp_media_add_attribute(media, "sctp-port", "5000");
    } else {
        gst_sdp_media_add_attribute(media, "rtcp-mux", "");
        gst_sdp_media_add_attribute(media, direction_of(line), "");
        if (line->is_refused_by_client)
            write_refused(reading, media);
        else if (line->kind == SDP_UNUSED)
            outcome = write_unused(reading, media, source);
        else
            write_codecs(media, line, source);
    }
    if (index == reading->offer->session_line)
        write_candidates(reading, media);
    gst_sdp_message_add_media(reading->out, media);
    gst_sdp_media_free(media);
    return outcome;
}

int sdp_message_write(struct sdp_reading *reading) {
    const struct sdp_offer *offer = reading->offer;
    gst_sdp_message_set_version(reading->out, "0");
    gst_sdp_message_set_origin(reading->out, "-", "1", "1", "IN", "IP4", "0.0.0.0");
    gst_sdp_message_set_session_name(reading->out, "-");
    gst_sdp_message_add_attribute(reading->out, "ice-options", "trickle");
    GString *group = g_string_new("BUNDLE");
    g_string_append_printf(group, " %s", offer->lines[offer->session_line].mid);
    for (int i = 0; i < offer->line_count; i++)
        if (i != offer->session_line)
            g_string_append_printf(group, " %s", offer->lines[i].mid);
    gst_sdp_message_add_attribute(reading->out, "group", group->str);
    g_string_free(group, TRUE);
    for (int i = 0; i < offer->line_count; i++)
        if (write_line(reading, i) < 0)
            return -1;
    return 0;
}
