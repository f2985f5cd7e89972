// SPDX-License-Identifier: MIT
// The offer: read, checked, and written anew for webrtcbin. The other direction is in
// peer_sdp_answer.c.
//
//     text -> GstSDPMessage -> struct sdp_line[] (what we understood) -> GstSDPMessage (only that)
//                              peer_sdp_line.c                           peer_sdp_write.c
#include "mcu/peer_sdp_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ICE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"

// Transport attributes may stand once for all m-lines (Firefox: fingerprint).
static const char *either_value(const struct sdp_reading *reading, const GstSDPMedia *media,
                                const char *key) {
    const char *value = sdp_media_value(media, key);
    return value ? value : gst_sdp_message_get_attribute_val(reading->message, key);
}

// ---- the bundle and its transport ----

static int line_of_mid(const struct sdp_offer *offer, const char *mid) {
    for (int i = 0; i < offer->line_count; i++)
        if (strcmp(offer->lines[i].mid, mid) == 0)
            return i;
    return -1;
}

static int read_bundle(struct sdp_reading *reading) {
    struct sdp_offer *offer = reading->offer;
    const char *group = gst_sdp_message_get_attribute_val(reading->message, "group");
    if (!group || !g_str_has_prefix(group, "BUNDLE ") || strlen(group) > 400)
        return sdp_refuse(reading, "bundle-required",
                          "The offer must bundle all media on one transport (BUNDLE).");
    char **mids = g_strsplit(group + strlen("BUNDLE "), " ", SDP_LINES_MAX + 1);
    unsigned bundled = 0;
    bool is_sound = true;
    offer->tag_line = -1;
    for (char **mid = mids; *mid && is_sound; mid++) {
        if (!**mid)
            continue;
        int line = line_of_mid(offer, *mid);
        is_sound = line >= 0 && !(bundled & 1u << line) && !offer->lines[line].is_refused_by_client;
        if (!is_sound)
            break;
        bundled |= 1u << line;
        if (offer->tag_line < 0)
            offer->tag_line = line;
        g_strlcat(offer->bundle, " ", sizeof(offer->bundle));
        g_strlcat(offer->bundle, *mid, sizeof(offer->bundle));
    }
    g_strfreev(mids);
    for (int i = 0; i < offer->line_count; i++)
        is_sound &= offer->lines[i].is_refused_by_client || (bundled & 1u << i);
    if (!is_sound || offer->tag_line < 0)
        return sdp_refuse(reading, "bundle-required",
                          "The offer must bundle all media on one transport (BUNDLE).");
    return 0;
}

static int read_fingerprint(struct sdp_reading *reading, const GstSDPMedia *tag) {
    struct sdp_offer *offer = reading->offer;
    const char *value = either_value(reading, tag, "fingerprint");
    const char *space = value ? strchr(value, ' ') : NULL;
    size_t digest_bytes = 0;
    if (space && space - value < (long)sizeof(offer->fingerprint_kind)) {
        for (int i = 0; i < space - value; i++)
            offer->fingerprint_kind[i] = (char)tolower((unsigned char)value[i]);
        digest_bytes = strcmp(offer->fingerprint_kind, "sha-256") == 0   ? 32
                       : strcmp(offer->fingerprint_kind, "sha-384") == 0 ? 48
                       : strcmp(offer->fingerprint_kind, "sha-512") == 0 ? 64
                                                                         : 0;
    }
    if (!digest_bytes || strlen(space + 1) != digest_bytes * 3 - 1)
        return sdp_refuse(reading, "bad-offer", "The offer has no usable fingerprint.");
    for (size_t i = 0; i < digest_bytes * 3 - 1; i++) {
        char c = space[1 + i];
        if (i % 3 == 2 ? c != ':' : !isxdigit((unsigned char)c))
            return sdp_refuse(reading, "bad-offer", "The offer has no usable fingerprint.");
        offer->fingerprint[i] = (char)toupper((unsigned char)c);
    }
    return 0;
}

static int read_transport(struct sdp_reading *reading) {
    const GstSDPMedia *tag = gst_sdp_message_get_media(reading->message, reading->offer->tag_line);
    reading->ufrag = either_value(reading, tag, "ice-ufrag");
    reading->password = either_value(reading, tag, "ice-pwd");
    reading->setup = either_value(reading, tag, "setup");
    // RFC 8839 5.4: 4 to 256 and 22 to 256 ice-chars.
    if (!sdp_has_only(reading->ufrag, ICE_CHARS, 4, 256) ||
        !sdp_has_only(reading->password, ICE_CHARS, 22, 256))
        return sdp_refuse(reading, "bad-offer",
                          "The offer has no usable ICE user name and password.");
    const char *const setups[] = {"actpass", "active", "passive", NULL};
    if (!reading->setup || !g_strv_contains(setups, reading->setup))
        return sdp_refuse(reading, "bad-offer", "The offer does not say who begins DTLS (setup).");
    return read_fingerprint(reading, tag);
}

static void find_session_line(struct sdp_reading *reading) {
    struct sdp_offer *offer = reading->offer;
    offer->session_line = offer->tag_line;
    for (int i = offer->line_count - 1; i >= 0; i--)
        if (offer->lines[i].kind != SDP_CHANNEL && !offer->lines[i].is_refused_by_client)
            offer->session_line = i;
}

static int read_media(struct sdp_reading *reading) {
    struct peer_media *media = &reading->offer->media;
    bool is_of_use = false;
    for (int i = 0; i < reading->offer->line_count; i++) {
        const struct sdp_line *line = &reading->offer->lines[i];
        if (line->is_refused_by_client || line->kind == SDP_UNUSED)
            continue;
        is_of_use |= line->sends || line->receives;
        media->receives_audio |= line->kind == SDP_AUDIO && line->sends;
        media->sends_audio |= line->kind == SDP_AUDIO && line->receives;
        media->receives_video |= line->kind == SDP_CAMERA && line->sends;
        media->sends_camera |= line->kind == SDP_CAMERA && line->receives;
        media->sends_screen |= line->kind == SDP_SCREEN && line->receives;
        media->has_channel |= line->kind == SDP_CHANNEL;
    }
    if (!is_of_use)
        return sdp_refuse(reading, "nothing-in-common",
                          "The offer holds no audio, video or data that this server can use.");
    return 0;
}

static int read_message(struct sdp_reading *reading) {
    struct sdp_offer *offer = reading->offer;
    unsigned count = gst_sdp_message_medias_len(reading->message);
    if (count == 0)
        return sdp_refuse(reading, "bad-offer", "The offer has no media lines.");
    if (count > SDP_LINES_MAX)
        return refusal_set(reading->refusal, 422, "too-many-lines",
                           "The offer has %u media lines; at most %d are allowed.", count,
                           SDP_LINES_MAX);
    for (unsigned i = 0; i < count; i++) {
        offer->line_count = (int)i + 1;
        if (sdp_line_read(reading, &offer->lines[i],
                          gst_sdp_message_get_media(reading->message, i)) < 0)
            return -1;
    }
    if (read_bundle(reading) < 0 || read_transport(reading) < 0)
        return -1;
    find_session_line(reading);
    return read_media(reading);
}

// ---- whole ----

static int check_text(const char *text, size_t bytes_max, struct refusal *refusal) {
    size_t size_bytes = strnlen(text, bytes_max + 1);
    if (size_bytes > bytes_max)
        return refusal_set(refusal, 413, "offer-too-large",
                           "The offer is larger than the %zu bytes allowed.", bytes_max);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\r' && *c != '\n' && *c != '\t')
            return refusal_set(refusal, 422, "bad-offer", "The offer is not plain text.");
    return 0;
}

int sdp_offer_init(struct sdp_offer *out, const char *text, size_t bytes_max,
                   struct refusal *refusal) {
    memset(out, 0, sizeof(*out));
    if (check_text(text, bytes_max, refusal) < 0)
        return -1;
    struct sdp_reading reading = {.offer = out, .refusal = refusal};
    GstSDPMessage *message;
    gst_sdp_message_new(&message);
    gst_sdp_message_new(&reading.out);
    reading.message = message;
    int outcome;
    if (!*text ||
        gst_sdp_message_parse_buffer((const guint8 *)text, strlen(text), message) != GST_SDP_OK)
        outcome = sdp_refuse(&reading, "bad-offer", "The offer is not SDP.");
    else
        outcome = read_message(&reading) < 0 ? -1 : sdp_message_write(&reading);
    gst_sdp_message_free(message);
    out->filtered = reading.out;
    if (outcome < 0)
        sdp_offer_finish(out);
    return outcome;
}

void sdp_offer_finish(struct sdp_offer *offer) {
    g_clear_pointer(&offer->filtered, gst_sdp_message_free);
}
