// SPDX-License-Identifier: MIT
// Inside the reading of an offer: what the peer_sdp*.c files share. Nobody else includes this.
#ifndef MCU_PEER_SDP_INTERNAL_H
#define MCU_PEER_SDP_INTERNAL_H

#include "mcu/peer_sdp.h"

enum { SDP_PAYLOAD_TYPES = 128, SDP_EXTENSION_IDS = 15, SDP_NAME_MAX = 24 };

#define SDP_TOKEN_CHARS                                                                            \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`{|}~"

// One reading of one offer.
struct sdp_reading {
    const GstSDPMessage *message;
    struct sdp_offer *offer;
    struct refusal *refusal;
    const char *ufrag, *password, *setup; // of the tagged m-line
    int audio_count, video_count, channel_count;
    // In one bundle a number means one thing everywhere (RFC 8843 9).
    char payload_names[SDP_PAYLOAD_TYPES][SDP_NAME_MAX];
    const char *extension_uris[SDP_EXTENSION_IDS];
    GstSDPMessage *out;
};

// ---- peer_sdp_line.c ----
int sdp_refuse(struct sdp_reading *reading, const char *code, const char *what); // -1
// Between min and max of these characters and no others. NULL is allowed, and has none.
bool sdp_has_only(const char *text, const char *chars, size_t min, size_t max);
const char *sdp_media_value(const GstSDPMedia *media, const char *key);
// "96 VP8/90000": what stands after the number, if it is this one.
const char *sdp_value_after_number(const char *value, int number);
// The same of the first such attribute of a payload type.
const char *sdp_payload_value(const GstSDPMedia *media, const char *key, int payload_type);
int sdp_format_payload_type(const GstSDPMedia *media, unsigned index); // -1: no number
bool sdp_parse_rtpmap(const char *value, char name[static SDP_NAME_MAX], int *clock_hz);
// A parameter of an fmtp line, as a number in that base; fallback if it is not there.
long sdp_fmtp_number(const char *fmtp, const char *key, int base, long fallback);
// False if this payload type already means something else.
bool sdp_claim_payload_type(struct sdp_reading *reading, int payload_type, const char *name);
const char *sdp_codec_name(const struct sdp_line *line);
int sdp_line_read(struct sdp_reading *reading, struct sdp_line *line, const GstSDPMedia *media);

// ---- peer_sdp_write.c ----
int sdp_message_write(struct sdp_reading *reading); // what was read, into reading->out

#endif
