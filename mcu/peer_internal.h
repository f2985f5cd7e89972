// SPDX-License-Identifier: MIT
// Inside a peer: what the peer_*.c files share. Nobody else includes this.
//
//   control loop --jobs--> worker (one thread a peer): builds, negotiates, tells, tears down
//   tick threads --peer_send.c--> own src pads -> payloaders -> webrtcbin -> network
//   large frames --peer_pace.c--> timers' thread (one for all peers) -> webrtcbin
//   network -> webrtcbin -> guard (peer_guard.c) -> jitter buffers -> depayloaders ->
//   peer_receive.c
//
// GStreamer's threads never call the worker's GStreamer functions nor wait for it; they count
// themselves in as visitors while they are in a callback, and the teardown waits for the last of
// them. Lock order: none is taken while another is held, and none is held across a call out of the
// peer.
#ifndef MCU_PEER_INTERNAL_H
#define MCU_PEER_INTERNAL_H

#include "mcu/peer_rtx.h"
#include "mcu/peer_sdp.h"
#include "mcu/peer_sync.h"
#include "mcu/peer_timer.h"

#include <gst/gst.h>
#define GST_USE_UNSTABLE_API
#include <gst/webrtc/webrtc.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    PEER_STREAMS_MAX = 16,     // SSRCs in a connection's life; each costs two threads in GStreamer
    PEER_CHANNELS_MAX = 4,     // data channels likewise
    PEER_CANDIDATES_MAX = 200, // that one client may send
    PEER_PACE_PACKETS = 512,   // that wait to be sent
    PEER_RECENT_PACKETS = 64,  // that a probe sends again
    PEER_RTP_BYTES = 24,       // header and the two extensions
    PEER_OVERHEAD_BYTES = 38,  // around it: IPv4, UDP, SRTP's tag
};

#define PEER_PROBE_FIELD "tessera-probe" // in a request for retransmission: it is our own

enum peer_job_kind {
    JOB_OFFER,
    JOB_CLIENT_CANDIDATE,
    JOB_OUR_CANDIDATE,
    JOB_CONNECTED,
    JOB_FAILED,
};

struct peer_job {
    struct peer_job *next;
    enum peer_job_kind kind;
    int mline_index;
    char text[];
};

struct peer_sender {
    GstPad *pad; // ours, linked to the payloader; NULL: not sent
    // Video, the v thread only.
    bool has_keyframe; // since then the client can decode
    int64_t asked_ns;  // when we last asked the room for one
};

// One SSRC of the client.
struct peer_stream {
    uint32_t ssrc;
    int line;
    int64_t last_ns;
};

struct peer_recent {
    uint16_t sequence;
    int bits;
};

struct peer_probing {
    struct peer_timer timer;
    // Protected by the pace's lock.
    int kbps;
    int64_t begun_ns, until_ns;
    uint64_t sent_bits_before;
    unsigned cursor;
};

struct peer_pace {
    GstPad *out; // the filter's; immutable once built
    bool has_rtx;
    struct peer_timer timer;
    _Atomic uint64_t sent_bits; // of all media; about
    struct peer_probing probe;

    // Protected by lock; no other is taken under it.
    pthread_mutex_t lock;
    int kbps;           // 0: all at once
    double frame_bps;   // what the largest that waits needs to be out in time
    double credit_bits; // what may leave now; may fall below 0
    int64_t refilled_ns, queued_bits;
    GstBuffer *queue[PEER_PACE_PACKETS]; // a ring
    int first, count;
    bool is_sending; // the timers' thread is at it
    uint32_t ssrc;
    struct peer_recent recent[PEER_RECENT_PACKETS]; // a ring
    unsigned recent_count;                          // ever
};

struct peer_chain;

struct peer {
    // Immutable after peer_create().
    const struct config *config;
    char object[64];
    struct peer_ops ops;
    void *user;

    atomic_int references; // the worker's, and one for each signal handler and probe
    atomic_int state;      // enum peer_state
    // The certificate that came over DTLS is the one of the offer: before that, nothing that came
    // is believed.
    atomic_bool is_genuine;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct peer_job *first_job, *last_job;
    int candidate_count;
    bool has_offer, is_closing, has_told_channel;
    int visitors;
    GstWebRTCDataChannel *channel;                // open, or NULL
    GstWebRTCDTLSTransport *dtls;                 // the one transport
    GstPad *depayloader_sinks[2];                 // by role; where keyframe requests start
    int64_t keyframe_requested_ns[2];             // by role
    struct peer_stream streams[PEER_STREAMS_MAX]; // in the order they came
    uint32_t line_ssrcs[SDP_LINES_MAX]; // the one stream of each m-line that is listened to
    int stream_count, channel_count;
    struct peer_sync sync;
    struct peer_chain *chains; // what is received
    GObject *rtp_session;      // RTPSession, for statistics

    // Worker; the streaming threads read them from the day they start.
    GstElement *pipeline, *webrtc;
    struct sdp_offer offer;
    bool has_failed;
    int association_id; // SCTP's

    // The v thread and the a thread; set up by the worker before the state is PEER_CONNECTED.
    struct peer_sender video, audio;

    struct peer_pace pace; // as it says
    GstPad *rtx_pad;       // rtprtxsend's, or NULL; protected by the pace's lock

    // The RTP session's receiving thread only, once it runs.
    struct peer_rtx rtx;

    // The RTP session's RTCP thread only.
    int remb_kbps; // the last that was sent
    int64_t remb_ns;

    // Any thread.
    atomic_int pace_kbps, uplink_kbps; // 0: not known, no limit
    _Atomic int64_t heard_ns;
    _Atomic uint64_t packets_received, bytes_received;
    _Atomic uint64_t retransmissions_sent, retransmissions_refused, keyframes_requested;
};

int64_t peer_now_ns(void); // the room clock, which is GStreamer's running time here

// ---- peer.c ----
struct peer *peer_ref(struct peer *peer);
void peer_unref(struct peer *peer);
// Any thread: work for the worker. text may be NULL. Dropped when closing.
void peer_post(struct peer *peer, enum peer_job_kind kind, int mline_index, const char *text);
// A foreign thread comes in to call back or to push. False: too late, keep out.
bool peer_enter(struct peer *peer);
void peer_leave(struct peer *peer);
// g_signal_connect() that keeps a reference to the peer for the handler.
void peer_connect(struct peer *peer, gpointer object, const char *signal, GCallback handler);
gulong peer_probe(struct peer *peer, GstPad *pad, GstPadProbeType type, GstPadProbeCallback probe);

// ---- peer_pipeline.c: worker only ----
int peer_pipeline_build(struct peer *peer);
// 0 and *answer, or negative and *reason for the log (g_free both).
int peer_pipeline_answer(struct peer *peer, char **answer, char **reason);
void peer_pipeline_add_candidate(struct peer *peer, const char *candidate);
bool peer_pipeline_check_client(struct peer *peer); // any thread; sets is_genuine
void peer_pipeline_destroy(struct peer *peer);

// ---- peer_send.c: worker ----
int peer_send_build(struct peer *peer, int line_index);
void peer_send_start(struct peer *peer);
void peer_send_finish(struct peer *peer);

// ---- peer_pace.c ----
void peer_pace_init(struct peer *peer);
void peer_pace_watch(struct peer *peer, GstPad *payloader_src, GstPad *filter_sink); // worker
void peer_pace_finish(struct peer *peer);      // worker, when no visitor is left
int64_t peer_pace_queue_ns(struct peer *peer); // any thread: how long the last packet will wait

// ---- peer_probe.c ----
void peer_probe_init(struct peer *peer);
void peer_probe_set_pad(struct peer *peer, GstPad *pad); // keeps a reference; NULL for none
void peer_probe_finish(struct peer *peer);               // worker, when no visitor is left

// ---- peer_feedback.c, peer_remb.c: worker ----
void peer_feedback_watch(struct peer *peer, GstElement *session); // while the parts appear
void peer_remb_watch(struct peer *peer, GObject *session);        // after the answer

// ---- peer_receive.c ----
void peer_receive_watch(struct peer *peer);  // worker, before the pipeline plays
void peer_receive_finish(struct peer *peer); // worker, when it has stopped

// ---- peer_guard.c ----
void peer_guard_watch(struct peer *peer, GstElement *demultiplexer);
int peer_guard_line(struct peer *peer, uint32_t ssrc); // -1 unknown

// ---- peer_rtp.c ----
void peer_rtp_watch(struct peer *peer);        // worker, before the pipeline plays
void peer_rtp_tune_session(struct peer *peer); // worker, after the answer
void peer_rtp_finish(struct peer *peer);

// ---- peer_channel.c ----
void peer_channel_watch(struct peer *peer); // worker, before the pipeline plays
void peer_channel_tell(struct peer *peer);  // any thread: that it is open, once it may be told
void peer_channel_limit(struct peer *peer, GstElement *element, const char *factory);
void peer_channel_finish(struct peer *peer);
int peer_channel_take_association(void);
void peer_channel_give_association(int id);

// ---- peer_reaper.c ----
void peer_reaper_born(void); // counts the peer
void peer_reaper_died(void); // counts it out: after its teardown

#endif
