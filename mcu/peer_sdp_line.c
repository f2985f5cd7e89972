// SPDX-License-Identifier: MIT
// One m-line of an offer: what it is to us, and the one codec that we choose of it.
#include "mcu/peer_sdp_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sdp_refuse(struct sdp_reading *reading, const char *code, const char *what) {
    return refusal_set(reading->refusal, 422, code, "%s", what);
}

// ---- small readers ----

bool sdp_has_only(const char *text, const char *chars, size_t min, size_t max) {
    size_t length = text ? strlen(text) : 0;
    return length >= min && length <= max && strspn(text, chars) == length;
}

const char *sdp_media_value(const GstSDPMedia *media, const char *key) {
    return gst_sdp_media_get_attribute_val(media, key);
}

static bool has_attribute(const GstSDPMedia *media, const char *key) {
    return sdp_media_value(media, key) != NULL;
}

static bool is_media(const GstSDPMedia *media, const char *name) {
    return strcmp(gst_sdp_media_get_media(media), name) == 0;
}

const char *sdp_value_after_number(const char *value, int number) {
    char *end;
    errno = 0;
    long found = strtol(value, &end, 10);
    if (end == value || errno || found != number || *end != ' ')
        return NULL;
    return end + 1;
}

const char *sdp_payload_value(const GstSDPMedia *media, const char *key, int payload_type) {
    const char *value;
    for (unsigned i = 0; (value = gst_sdp_media_get_attribute_val_n(media, key, i)); i++) {
        const char *rest = sdp_value_after_number(value, payload_type);
        if (rest)
            return rest;
    }
    return NULL;
}

int sdp_format_payload_type(const GstSDPMedia *media, unsigned index) {
    const char *format = gst_sdp_media_get_format(media, index);
    if (!sdp_has_only(format, "0123456789", 1, 3))
        return -1;
    int payload_type = atoi(format);
    return payload_type < SDP_PAYLOAD_TYPES ? payload_type : -1;
}

// "VP8/90000" or "opus/48000/2".
bool sdp_parse_rtpmap(const char *value, char name[static SDP_NAME_MAX], int *clock_hz) {
    const char *slash = value ? strchr(value, '/') : NULL;
    if (!slash || slash == value || slash - value > 20)
        return false;
    memcpy(name, value, slash - value);
    name[slash - value] = '\0';
    if (!sdp_has_only(name, SDP_TOKEN_CHARS, 1, 20))
        return false;
    long clock = strtol(slash + 1, NULL, 10);
    if (clock < 8000 || clock > 192000)
        return false;
    *clock_hz = (int)clock;
    return true;
}

long sdp_fmtp_number(const char *fmtp, const char *key, int base, long fallback) {
    size_t length = strlen(key);
    while (fmtp && *fmtp) {
        fmtp += strspn(fmtp, " ;");
        if (strncasecmp(fmtp, key, length) == 0 && fmtp[length] == '=')
            return strtol(fmtp + length + 1, NULL, base);
        fmtp = strchr(fmtp, ';');
    }
    return fallback;
}

// ---- codecs ----

// How much we want a codec: 0 best, negative not at all.
static int rank_video(const char *name, const char *fmtp, enum video_codec *codec) {
    if (strcasecmp(name, "VP8") == 0) {
        *codec = VIDEO_VP8;
        return 0;
    }
    if (strcasecmp(name, "VP9") == 0 && sdp_fmtp_number(fmtp, "profile-id", 10, 0) == 0) {
        *codec = VIDEO_VP9;
        return 1;
    }
    if (strcasecmp(name, "H264") == 0) {
        *codec = VIDEO_H264;
        return sdp_fmtp_number(fmtp, "packetization-mode", 10, 0) == 1 ? 2 : 3;
    }
    return -1; // GStreamer 1.22 in C has no depayloader for AV1
}

static int rank_codec(const struct sdp_line *line, const char *name, int clock_hz, const char *fmtp,
                      enum video_codec *codec) {
    if (line->kind == SDP_AUDIO)
        return strcasecmp(name, "opus") == 0 && clock_hz == 48000 ? 0 : -1;
    return clock_hz == 90000 ? rank_video(name, fmtp, codec) : -1;
}

// False: nothing there that we speak.
static bool choose_codec(struct sdp_line *line, const GstSDPMedia *media) {
    int best = -1;
    for (unsigned i = 0; i < gst_sdp_media_formats_len(media); i++) {
        int payload_type = sdp_format_payload_type(media, i), clock_hz;
        char name[SDP_NAME_MAX];
        if (payload_type < 0 ||
            !sdp_parse_rtpmap(sdp_payload_value(media, "rtpmap", payload_type), name, &clock_hz))
            continue;
        enum video_codec codec = VIDEO_VP8;
        int rank = rank_codec(line, name, clock_hz, sdp_payload_value(media, "fmtp", payload_type),
                              &codec);
        if (rank < 0 || (best >= 0 && rank >= best))
            continue;
        best = rank;
        line->payload_type = payload_type;
        line->codec = codec;
        line->clock_hz = clock_hz;
    }
    return best >= 0;
}

static void choose_rtx(struct sdp_line *line, const GstSDPMedia *media) {
    for (unsigned i = 0; i < gst_sdp_media_formats_len(media); i++) {
        int payload_type = sdp_format_payload_type(media, i), clock_hz;
        char name[SDP_NAME_MAX];
        if (payload_type <= 0 ||
            !sdp_parse_rtpmap(sdp_payload_value(media, "rtpmap", payload_type), name, &clock_hz) ||
            strcasecmp(name, "rtx") != 0 || clock_hz != line->clock_hz)
            continue;
        long apt = sdp_fmtp_number(sdp_payload_value(media, "fmtp", payload_type), "apt", 10, -1);
        if (apt == line->payload_type) {
            line->rtx_payload_type = payload_type;
            return;
        }
    }
}

// ---- one m-line ----

static enum sdp_line_kind kind_of(struct sdp_reading *reading, const GstSDPMedia *media) {
    if (is_media(media, "audio"))
        return reading->audio_count++ == 0 ? SDP_AUDIO : SDP_UNUSED;
    if (is_media(media, "video")) {
        int order = reading->video_count++;
        return order == 0 ? SDP_CAMERA : order == 1 ? SDP_SCREEN : SDP_UNUSED;
    }
    return SDP_CHANNEL;
}

static void read_direction(struct sdp_line *line, const GstSDPMedia *media) {
    bool client_sends = true, client_receives = true;
    if (has_attribute(media, "inactive"))
        client_sends = client_receives = false;
    else if (has_attribute(media, "sendonly"))
        client_receives = false;
    else if (has_attribute(media, "recvonly"))
        client_sends = false;
    line->receives = client_sends;
    // The composite goes back on the camera's line, and it is VP8.
    line->sends = client_receives && (line->kind == SDP_AUDIO ||
                                      (line->kind == SDP_CAMERA && line->codec == VIDEO_VP8));
}

static void read_ssrcs(struct sdp_line *line, const GstSDPMedia *media) {
    const char *value;
    for (unsigned i = 0; (value = gst_sdp_media_get_attribute_val_n(media, "ssrc", i)); i++) {
        char *end;
        errno = 0;
        unsigned long long ssrc = strtoull(value, &end, 10);
        if (errno || end == value || *end != ' ' || ssrc == 0 || ssrc > UINT32_MAX)
            continue;
        bool is_known = false;
        for (int k = 0; k < line->ssrc_count; k++)
            is_known |= line->ssrcs[k] == ssrc;
        if (!is_known && line->ssrc_count < SDP_SSRCS_MAX)
            line->ssrcs[line->ssrc_count++] = (uint32_t)ssrc;
    }
}

static int *extension_slot(struct sdp_line *line, const char *uri, const char **known) {
    if (strcmp(uri, SDP_URI_TWCC) == 0)
        return *known = SDP_URI_TWCC, &line->twcc_id;
    if (strcmp(uri, SDP_URI_MID) == 0)
        return *known = SDP_URI_MID, &line->mid_id;
    if (strcmp(uri, SDP_URI_ROTATION) == 0 && line->kind != SDP_AUDIO)
        return *known = SDP_URI_ROTATION, &line->rotation_id;
    return NULL;
}

// One-byte header ids only (1 to 14), the same everywhere in the bundle.
static void read_extensions(struct sdp_reading *reading, struct sdp_line *line,
                            const GstSDPMedia *media) {
    const char *value;
    for (unsigned i = 0; (value = gst_sdp_media_get_attribute_val_n(media, "extmap", i)); i++) {
        char *end;
        long id = strtol(value, &end, 10);
        if (end == value || *end != ' ' || id < 1 || id >= SDP_EXTENSION_IDS)
            continue;
        const char *known = NULL;
        int *slot = extension_slot(line, end + 1, &known);
        if (!slot || *slot)
            continue;
        const char **uri = &reading->extension_uris[id];
        if (*uri && strcmp(*uri, known) != 0)
            continue;
        *uri = known;
        *slot = (int)id;
    }
}

bool sdp_claim_payload_type(struct sdp_reading *reading, int payload_type, const char *name) {
    char *claimed = reading->payload_names[payload_type];
    if (claimed[0])
        return strcasecmp(claimed, name) == 0;
    g_strlcpy(claimed, name, sizeof(reading->payload_names[0]));
    return true;
}

const char *sdp_codec_name(const struct sdp_line *line) {
    if (line->kind == SDP_AUDIO)
        return "OPUS";
    return line->codec == VIDEO_VP8 ? "VP8" : line->codec == VIDEO_VP9 ? "VP9" : "H264";
}

static int read_codecs(struct sdp_reading *reading, struct sdp_line *line,
                       const GstSDPMedia *media) {
    if (!choose_codec(line, media)) {
        line->kind = SDP_UNUSED;
        return 0;
    }
    choose_rtx(line, media);
    char rtx_name[SDP_NAME_MAX];
    snprintf(rtx_name, sizeof(rtx_name), "rtx of %d", line->payload_type);
    if (!sdp_claim_payload_type(reading, line->payload_type, sdp_codec_name(line)) ||
        (line->rtx_payload_type &&
         !sdp_claim_payload_type(reading, line->rtx_payload_type, rtx_name)))
        return sdp_refuse(reading, "bad-offer", "The offer gives one payload type two meanings.");
    read_direction(line, media);
    read_ssrcs(line, media);
    read_extensions(reading, line, media);
    return 0;
}

static int read_channel(struct sdp_reading *reading, struct sdp_line *line,
                        const GstSDPMedia *media) {
    if (!is_media(media, "application") || !strstr(gst_sdp_media_get_proto(media), "DTLS/SCTP") ||
        gst_sdp_media_formats_len(media) != 1 ||
        strcmp(gst_sdp_media_get_format(media, 0), "webrtc-datachannel") != 0)
        return sdp_refuse(reading, "bad-offer",
                          "The offer has a line that is not audio, video or data.");
    if (line->is_refused_by_client)
        return 0;
    const char *port = sdp_media_value(media, "sctp-port");
    if (reading->channel_count++ > 0 || !sdp_has_only(port, "0123456789", 1, 5) ||
        atoi(port) != 5000)
        return sdp_refuse(reading, "bad-offer", "The offer's data line is not usable.");
    line->sends = line->receives = true;
    return 0;
}

static int read_mid(struct sdp_reading *reading, struct sdp_line *line, const GstSDPMedia *media) {
    const char *mid = sdp_media_value(media, "mid");
    if (!sdp_has_only(mid, SDP_TOKEN_CHARS, 1, SDP_MID_MAX))
        return sdp_refuse(reading, "bad-offer", "A line of the offer has no usable mid.");
    for (struct sdp_line *other = reading->offer->lines; other < line; other++)
        if (strcmp(other->mid, mid) == 0)
            return sdp_refuse(reading, "bad-offer", "Two lines of the offer have the same mid.");
    g_strlcpy(line->mid, mid, sizeof(line->mid));
    return 0;
}

int sdp_line_read(struct sdp_reading *reading, struct sdp_line *line, const GstSDPMedia *media) {
    if (gst_sdp_media_formats_len(media) == 0 || !gst_sdp_media_get_media(media) ||
        !gst_sdp_media_get_proto(media))
        return sdp_refuse(reading, "bad-offer", "A line of the offer is empty.");
    line->is_refused_by_client =
        gst_sdp_media_get_port(media) == 0 && !has_attribute(media, "bundle-only");
    if (read_mid(reading, line, media) < 0)
        return -1;
    bool is_av = is_media(media, "audio") || is_media(media, "video");
    if (!is_av || !line->is_refused_by_client)
        line->kind = kind_of(reading, media);
    if (!is_av)
        return read_channel(reading, line, media);
    if (!g_str_has_suffix(gst_sdp_media_get_proto(media), "TLS/RTP/SAVPF"))
        return sdp_refuse(reading, "bad-offer", "The offer asks for media without DTLS-SRTP.");
    return line->kind == SDP_UNUSED ? 0 : read_codecs(reading, line, media);
}
