// SPDX-License-Identifier: MIT
// What we let through of a client's offer, and what we put into our answer. webrtcbin trusts what
// it is given (it asserts on some of it), so the offer is not patched but written anew: only lines
// that we know, with values that were checked. Pure functions; any thread.
#ifndef MCU_PEER_SDP_H
#define MCU_PEER_SDP_H

#include "mcu/peer.h"

#include <gst/sdp/sdp.h>

enum { SDP_LINES_MAX = 8, SDP_MID_MAX = 16, SDP_SSRCS_MAX = 4, SDP_CANDIDATE_BYTES_MAX = 400 };

// The header extensions that we agree to.
#define SDP_URI_TWCC     "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define SDP_URI_MID      "urn:ietf:params:rtp-hdrext:sdes:mid"
#define SDP_URI_ROTATION "urn:3gpp:video-orientation"

// What an m-line is to us. Unused: kept because an answer has as many m-lines as its offer,
// inactive.
enum sdp_line_kind { SDP_UNUSED, SDP_AUDIO, SDP_CAMERA, SDP_SCREEN, SDP_CHANNEL };

struct sdp_line {
    enum sdp_line_kind kind;
    bool is_refused_by_client; // port 0 without bundle-only
    bool sends, receives;      // our side of it
    char mid[SDP_MID_MAX + 1];
    // Of audio and video; 0 is "not agreed".
    enum video_codec codec; // video only
    int payload_type, rtx_payload_type;
    int clock_hz;
    int twcc_id, mid_id, rotation_id;
    uint32_t ssrcs[SDP_SSRCS_MAX]; // announced by the client
    int ssrc_count;
};

struct sdp_offer {
    GstSDPMessage *filtered; // for webrtcbin
    struct sdp_line lines[SDP_LINES_MAX];
    int line_count;
    // The m-line that webrtcbin binds the one transport to, and with it the RTP session's number:
    // the first audio or video line, since 1.22 looks packets of unknown origin up there without
    // asking whether it is a media line.
    int session_line;
    int tag_line; // the same to the client: the first of its BUNDLE group
    char bundle[SDP_LINES_MAX * (SDP_MID_MAX + 1)]; // its mids, " " before each
    char fingerprint_kind[8];                       // "sha-256" …
    char fingerprint[200];                          // "AB:CD:…", upper case
    struct peer_media media;
};

// Reads and checks a client's offer. 0 and *out (to be freed with sdp_offer_finish()), or -1 and
// *refusal in words for a person.
int sdp_offer_init(struct sdp_offer *out, const char *text, size_t bytes_max,
                   struct refusal *refusal);
void sdp_offer_finish(struct sdp_offer *offer);

// Finishes webrtcbin's answer for this client, in place, and returns it as text (g_free), or NULL.
// video_kbps: the most that each of the client's videos may cost (b=AS); 0 says nothing about it.
char *sdp_answer_write(const struct sdp_offer *offer, GstSDPMessage *answer, int video_kbps);

// A client's candidate that is worth an attempt: UDP, with an address in figures. Names are
// refused, .local ones too: libnice resolves them with blocking look-ups, and the client's own
// checks reach us anyway.
bool sdp_candidate_is_usable(const char *candidate);
// One of ours on its way out: behind a 1:1 NAT, public_address takes the place of the host's (same
// family). public_address NULL or "": unchanged. Returns new text (g_free), or NULL if it is none.
char *sdp_candidate_rewrite(const char *candidate, const char *public_address);

// Whether a certificate (PEM) is the one that the offer vouches for.
bool sdp_offer_vouches(const struct sdp_offer *offer, const char *pem);

#endif
