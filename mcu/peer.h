// SPDX-License-Identifier: MIT
// One client's WebRTC connection: a GStreamer pipeline around webrtcbin. Transport only: it hands
// out whole encoded frames and Opus packets, takes the room's, and knows no room. It is the only
// file family (peer*.c) that includes GStreamer.
//
// Create, offer, candidate, close: control loop; none of them blocks (the work is done on a thread
// of the peer's own). peer_send_*: the tick threads. Callbacks come from the threads named below,
// without a lock held, until release().
#ifndef MCU_PEER_H
#define MCU_PEER_H

#include "mcu/config.h"
#include "mcu/refusal.h"
#include "mixer/packet.h"
#include "mixer/video/stage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

enum peer_state { PEER_NEW, PEER_CONNECTING, PEER_CONNECTED, PEER_CLOSED };

// What the accepted offer carries.
struct peer_media {
    bool receives_video, receives_audio; // we send them
    bool sends_camera, sends_audio, sends_screen, has_channel;
};

// One packet that we sent, as the client's transport-wide feedback tells of it.
struct peer_packet_report {
    int64_t sent_ns;     // room clock
    int64_t received_ns; // the client's clock, whatever its epoch; -1: lost
    int size_bytes;
};

struct peer_ops {
    // The answer is ready (the peer's worker thread).
    void (*on_answer)(void *user, const char *sdp, const struct peer_media *media);
    void (*on_candidate)(void *user, const char *candidate, const char *mid, int mline_index);
    // ICE and DTLS are up, media may flow (worker thread).
    void (*on_connected)(void *user);
    // The data channel opened (any thread); what it brought (any thread; text is not
    // NUL-terminated).
    void (*on_channel_open)(void *user);
    void (*on_message)(void *user, const char *text, size_t size_bytes);
    // Streaming threads; one at a time per role. Times on the room clock; rotation is what to
    // apply.
    void (*on_video)(void *user, enum video_role role, enum video_codec codec, const void *data,
                     size_t size_bytes, int64_t pts_ns, int64_t arrival_ns, int rotation);
    void (*on_video_lost)(void *user, enum video_role role);
    void (*on_audio)(void *user, const void *data, size_t size_bytes, int64_t pts_ns,
                     int64_t arrival_ns);
    void (*on_audio_lost)(void *user, int64_t pts_ns, int64_t duration_ns);
    // The client asks for a keyframe (PLI or FIR; any thread).
    void (*on_keyframe_request)(void *user);
    // Transport-wide feedback, in the order of sending (the session's receiving thread; about ten
    // times a second). Borrows.
    void (*on_feedback)(void *user, const struct peer_packet_report *packets, int count);
    // The offer cannot be answered (refusal), or the connection ended (refusal is NULL: DTLS
    // closed, ICE failed, a pipeline error; reason says which). At most once; then only release()
    // follows a peer_close().
    void (*on_failed)(void *user, const struct refusal *refusal, const char *reason);
    // After peer_close(), when no callback can come any more (worker thread, its last act).
    void (*release)(void *user);
};

struct peer_stats {
    enum peer_state state;
    uint64_t packets_received, bytes_received, packets_sent, bytes_sent;
    uint64_t nacks_received, retransmissions_sent, retransmissions_refused, keyframes_requested;
    double loss_fraction; // of what we send, newest receiver report
    int64_t rtt_ns;       // 0 unknown
    int64_t jitter_ns;
    int64_t pace_queue_ns; // how long a frame would wait here before it leaves
};

// Loads GStreamer and its plugins and makes one peer in vain, so that the first caller does not
// wait. Once, before any other function. 0 or negative errno.
int peer_init(void);
// Waits (at most timeout_ms) until every closed peer is torn down. Returns how many were not.
int peer_drain(int timeout_ms);
int peer_count(void); // living, any thread

// object is for the log ("ada/m1"). Borrows config. NULL when out of memory or threads.
struct peer *peer_create(const struct config *config, const char *object,
                         const struct peer_ops *ops, void *user);
// Once per peer. Answers through on_answer or on_failed. sdp is copied.
void peer_offer(struct peer *peer, const char *sdp);
// Any number, before or after the answer; garbage is dropped with a debug line. Strings are copied.
void peer_add_candidate(struct peer *peer, const char *candidate, int mline_index);
// Takes the peer; returns at once, the peer's own thread tears it down.
void peer_close(struct peer *peer);

// Tick threads. Frames before the connection is up, and video before the first keyframe, are
// dropped. True if it went out. Borrows the packet.
bool peer_send_video(struct peer *peer, struct packet *packet);
bool peer_send_audio(struct peer *peer, struct packet *packet);

// Any thread. What the link can take: a frame's packets are spread so that they leave at no more
// than this much (and some more, so that nothing queues up here for long), and retransmissions keep
// to their share of it. 0: not known, all at once.
void peer_set_pace(struct peer *peer, int kbps);
// Any thread. Sends at kbps for duration_ms on top of nothing: what the media leaves free is filled
// with packets sent before, as retransmissions that the client throws away; their feedback tells
// what the link can take. Without a packet sent before, or without RTX agreed, nothing.
void peer_send_probe(struct peer *peer, int kbps, int duration_ms);
// Any thread. REMB: what the client's camera and screen may send together; 0: no limit is told.
void peer_set_uplink_kbps(struct peer *peer, int kbps);
// Any thread. 0; -ENOTCONN without an open channel; -EMSGSIZE over 60 KiB; -EAGAIN when the client
// does not read what it was sent before; never sends an empty string.
int peer_send_message(struct peer *peer, const char *text, size_t size_bytes);
// Asks the client for a keyframe of this role (PLI). Any thread.
void peer_request_keyframe(struct peer *peer, enum video_role role);
// When the last packet of any kind came, room clock: liveness. Any thread.
int64_t peer_last_heard_ns(struct peer *peer);
void peer_get_stats(struct peer *peer, struct peer_stats *out);

#endif
