// SPDX-License-Identifier: MIT
// The WebRTC half of a client: webrtcbin as the one who offers. Create, offer, answer, candidate
// and destroy belong to one thread at a time and may block for some milliseconds; the others are
// for any thread. Callbacks come from GStreamer's threads, until transport_destroy() returns.
#ifndef TESTS_PEER_TRANSPORT_H
#define TESTS_PEER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport;

enum transport_role { TRANSPORT_AUDIO, TRANSPORT_CAMERA, TRANSPORT_SCREEN, TRANSPORT_ROLES };
enum transport_flow { FLOW_NONE, FLOW_SEND, FLOW_RECEIVE, FLOW_BOTH };

// What the offer carries, in the order of the roles, the data channel last.
struct transport_options {
    enum transport_flow flows[TRANSPORT_ROLES];
    bool has_channel;
    int video_latency_ms; // how long pictures wait for one that is being resent; 0: 60
};

// A whole frame or packet, in its order. Borrowed.
struct transport_media {
    const void *data;
    size_t size_bytes;
    int64_t arrival_ns; // CLOCK_MONOTONIC
    int64_t pts_ns;     // when it was made, as far as sender reports tell; sound and picture alike
    uint16_t sequence;  // of its last RTP packet
    uint32_t rtp_time;
};

struct transport_ops {
    void (*on_candidate)(void *user, const char *candidate, const char *mid, int mline_index);
    void (*on_connected)(void *user);
    void (*on_closed)(void *user); // the other side ended DTLS, or ICE failed
    void (*on_channel_open)(void *user);
    void (*on_message)(void *user, const char *text);
    void (*on_media)(void *user, enum transport_role role, const struct transport_media *media);
    void (*on_keyframe_request)(void *user, enum transport_role role);
};

// NULL when GStreamer cannot do it.
struct transport *transport_create(const struct transport_options *options,
                                   const struct transport_ops *ops, void *user);
// Nobody may be pushing any more. NULL is allowed. Not from a callback.
void transport_destroy(struct transport *transport);

// The offer's SDP, to be freed with g_free(), or NULL. Candidates follow through on_candidate.
char *transport_offer(struct transport *transport);
int transport_set_answer(struct transport *transport, const char *sdp); // 0 or -EINVAL
void transport_add_candidate(struct transport *transport, const char *candidate, int mline_index);

// Sends one frame. Dropped before the connection is up. pts_ns: CLOCK_MONOTONIC, not in the future.
// Borrows data, which must live as long as the process may resend it.
void transport_push(struct transport *transport, enum transport_role role, const void *data,
                    size_t size_bytes, int64_t pts_ns);
int64_t transport_round_trip_ns(struct transport *transport); // 0: not known
void transport_request_keyframe(struct transport *transport); // a PLI for the composite
// 0 or -ENOTCONN. Never empty: an empty string closes the channel.
int transport_send_message(struct transport *transport, const char *text);

#endif
