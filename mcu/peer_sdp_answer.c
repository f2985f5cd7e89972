// SPDX-License-Identifier: MIT
// Our side of the negotiation: the answer on its way to the client, candidates in both directions,
// and whether the certificate that came over DTLS is the offer's.
#include "mcu/peer_sdp.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_attribute(const GstSDPMessage *message, const char *key) {
    for (unsigned i = 0; i < gst_sdp_message_attributes_len(message); i++)
        if (strcmp(gst_sdp_message_get_attribute(message, i)->key, key) == 0)
            return (int)i;
    return -1;
}

// The group as the client ordered it: webrtcbin was given another order (see session_line).
static void restore_bundle(const struct sdp_offer *offer, GstSDPMessage *answer) {
    char *value = g_strconcat("BUNDLE", offer->bundle, NULL);
    int index = find_attribute(answer, "group");
    if (index >= 0)
        gst_sdp_message_remove_attribute(answer, index);
    gst_sdp_message_add_attribute(answer, "group", value);
    g_free(value);
}

// RFC 7587 6.1: who is silent need not send fifty packets a second.
static void allow_silence(GstSDPMedia *media, int payload_type) {
    char *prefix = g_strdup_printf("%d ", payload_type);
    char *value = NULL;
    unsigned count = gst_sdp_media_attributes_len(media), at = 0;
    for (; at < count; at++) {
        const GstSDPAttribute *attribute = gst_sdp_media_get_attribute(media, at);
        if (strcmp(attribute->key, "fmtp") == 0 && g_str_has_prefix(attribute->value, prefix))
            break;
    }
    if (at < count) {
        const GstSDPAttribute *old = gst_sdp_media_get_attribute(media, at);
        if (!strstr(old->value, "usedtx="))
            value = g_strconcat(old->value, ";usedtx=1", NULL);
        if (value)
            gst_sdp_media_remove_attribute(media, at);
    } else {
        value = g_strconcat(prefix, "usedtx=1", NULL);
    }
    if (value)
        gst_sdp_media_add_attribute(media, "fmtp", value);
    g_free(value);
    g_free(prefix);
}

char *sdp_answer_write(const struct sdp_offer *offer, GstSDPMessage *answer, int video_kbps) {
    if (gst_sdp_message_medias_len(answer) != (unsigned)offer->line_count)
        return NULL;
    restore_bundle(offer, answer);
    for (int i = 0; i < offer->line_count; i++) {
        const struct sdp_line *line = &offer->lines[i];
        GstSDPMedia *media = (GstSDPMedia *)gst_sdp_message_get_media(answer, i);
        if (line->is_refused_by_client)
            gst_sdp_media_set_port_info(media, 0, 1);
        else if (line->kind == SDP_AUDIO && line->receives)
            allow_silence(media, line->payload_type);
        else if ((line->kind == SDP_CAMERA || line->kind == SDP_SCREEN) && line->receives &&
                 video_kbps > 0)
            gst_sdp_media_add_bandwidth(media, "AS", video_kbps);
    }
    return gst_sdp_message_as_text(answer);
}

// RFC 8839 5.1, as far as we look at it.
struct candidate {
    char foundation[33], transport[8], address[64], type[8];
    unsigned component, priority, port;
    int address_at, address_end; // where the address stands in the text
};

static bool parse_candidate(const char *text, struct candidate *out) {
    if (strnlen(text, SDP_CANDIDATE_BYTES_MAX + 1) > SDP_CANDIDATE_BYTES_MAX)
        return false;
    for (const char *c = text; *c; c++)
        if (!isprint((unsigned char)*c))
            return false;
    return sscanf(text, "candidate:%32s %3u %7s %10u %n%63s%n %5u typ %7s", out->foundation,
                  &out->component, out->transport, &out->priority, &out->address_at, out->address,
                  &out->address_end, &out->port, out->type) == 7;
}

static int family_of(const char *address) {
    unsigned char bytes[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, address, bytes) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, address, bytes) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool sdp_candidate_is_usable(const char *text) {
    struct candidate candidate;
    return parse_candidate(text, &candidate) && candidate.component == 1 &&
           strcasecmp(candidate.transport, "udp") == 0 && candidate.port > 0 &&
           candidate.port <= 65535 && family_of(candidate.address) != AF_UNSPEC;
}

char *sdp_candidate_rewrite(const char *text, const char *public_address) {
    struct candidate candidate;
    if (!parse_candidate(text, &candidate))
        return NULL;
    if (!public_address || !*public_address || strcmp(candidate.type, "host") != 0 ||
        family_of(candidate.address) != family_of(public_address))
        return g_strdup(text);
    return g_strdup_printf("%.*s%s%s", candidate.address_at, text, public_address,
                           text + candidate.address_end);
}

// "-----BEGIN CERTIFICATE-----\n<base64>\n-----END CERTIFICATE-----\n" -> DER.
static guchar *pem_decode(const char *pem, size_t *size_bytes) {
    const char *begin = strstr(pem, "-----BEGIN CERTIFICATE-----");
    const char *end = begin ? strstr(begin, "-----END CERTIFICATE-----") : NULL;
    if (!end)
        return NULL;
    begin += strlen("-----BEGIN CERTIFICATE-----");
    char *base64 = g_strndup(begin, end - begin);
    guchar *der = g_base64_decode(base64, size_bytes);
    g_free(base64);
    return der;
}

bool sdp_offer_vouches(const struct sdp_offer *offer, const char *pem) {
    GChecksumType type = strcmp(offer->fingerprint_kind, "sha-256") == 0   ? G_CHECKSUM_SHA256
                         : strcmp(offer->fingerprint_kind, "sha-384") == 0 ? G_CHECKSUM_SHA384
                                                                           : G_CHECKSUM_SHA512;
    size_t size_bytes = 0;
    guchar *der = pem ? pem_decode(pem, &size_bytes) : NULL;
    if (!der)
        return false;
    char *digest = g_compute_checksum_for_data(type, der, size_bytes);
    g_free(der);
    // The digest has no colons: "abcd" against "AB:CD".
    const char *expected = offer->fingerprint;
    bool is_equal = true;
    for (const char *c = digest; *c && is_equal; c++) {
        expected += *expected == ':';
        is_equal = *expected++ == toupper((unsigned char)*c);
    }
    is_equal &= *expected == '\0';
    g_free(digest);
    return is_equal;
}
