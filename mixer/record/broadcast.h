// SPDX-License-Identifier: MIT
// A room live for an audience too big for WebRTC: pushed to an RTMP(S) server, or cut into HLS
// segments on the disk for HTTP to serve. From the packets that members are sent, by the
// transcoder, on a thread of its own that nothing in the mix waits for; it connects again by
// itself.
#ifndef MIXER_RECORD_BROADCAST_H
#define MIXER_RECORD_BROADCAST_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stdint.h>

struct broadcast;

enum broadcast_kind { BROADCAST_RTMP, BROADCAST_HLS };
enum broadcast_state {
    BROADCAST_CONNECTING,
    BROADCAST_LIVE,
    BROADCAST_WAITING, // lost; tries again after a pause
    BROADCAST_STOPPED,
};
const char *broadcast_state_name(enum broadcast_state state);

struct broadcast_config {
    enum broadcast_kind kind;
    const char *target; // rtmp(s)://... with its secret key: never logged; HLS: a directory
    int width_px, height_px, fps, video_kbps;
    int64_t segment_ns; // HLS; 0: 2 s
    int segments_kept;  // HLS; 0: 6
};

struct broadcast_ops {
    void (*on_state)(void *user, enum broadcast_state state,
                     int error);            // its thread; negative errno
    void (*on_keyframe_wanted)(void *user); // its thread
};

struct broadcast_stats {
    enum broadcast_state state;
    int64_t live_ns; // since it went live last
    uint64_t bytes, frames_dropped;
    int reconnects, kbps;
};

int broadcast_create(const struct broadcast_config *config, const struct broadcast_ops *ops,
                     void *user, struct broadcast **out);
void broadcast_push(struct broadcast *broadcast, struct packet *packet,
                    bool is_audio); // never blocks
void broadcast_get_stats(struct broadcast *broadcast, struct broadcast_stats *out);
// Ends the stream, waits for its thread (at most some 2 s: what blocks is interrupted), frees. An
// HLS playlist gets its end mark. NULL is allowed.
void broadcast_destroy(struct broadcast *broadcast);

#endif
