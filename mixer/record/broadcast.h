// SPDX-License-Identifier: MIT
// A room live for an audience too big for WebRTC: pushed to an RTMP(S) server, or cut into HLS
// segments on the disk for HTTP to serve. From the packets that members are sent, by the
// transcoder, on a thread of its own that nothing in the mix waits for; it connects again by
// itself.
#ifndef MIXER_RECORD_BROADCAST_H
#define MIXER_RECORD_BROADCAST_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

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
    // rtmp(s)://... with its secret key: never logged. HLS: a directory, made (by its thread, with
    // the one it is in) if it is not there;
    // what is in it of an earlier stream goes. The playlist is index.m3u8.
    const char *target;
    int width_px, height_px, fps; // even sizes
    int video_kbps;               // 0: by size and fps
    int64_t segment_ns;           // HLS; 0: 2 s
    int segments_kept;            // HLS: in the playlist; 0: 6
    // rtmps://: who signs certificates (PEM), besides those that the system trusts; NULL: nobody.
    // Read at each connection: while it cannot be, there is none.
    const char *ca_file;
    // A server that does not answer, or takes nothing, for so long is taken for lost (-ETIMEDOUT);
    // 0: 10 s.
    int64_t stall_ns;
};

struct broadcast_ops {
    void (*on_state)(void *user, enum broadcast_state state,
                     int error);            // its thread; negative errno
    void (*on_keyframe_wanted)(void *user); // its thread
    // May it connect to this address? Asked for each that the host's name has, before every
    // connection; one no is enough, and stats.error is -EACCES. Its thread. NULL: to any.
    bool (*may_reach)(void *user, const struct sockaddr *address);
};

struct broadcast_stats {
    enum broadcast_state state;
    int error;       // why it waits: negative errno
    int64_t live_ns; // since it went live last; 0 while it is not
    uint64_t bytes, frames_dropped;
    int reconnects; // how often it went live again
    int kbps;
    int packets_waiting; // some dozens at most, unless the processor or the target is too slow
};

// Is it a URL that a broadcast may go to: rtmp:// or rtmps://, a host, an application?
bool broadcast_is_url_allowed(const char *url);
// What may be shown of any such URL: rtmp://user:***@host/app/***. What is not surely harmless is
// left out. out is always ended.
// The host of an allowed URL, without brackets. False: it has none that fits.
bool broadcast_find_host(const char *url, char *host, size_t size_bytes);
void broadcast_mask_url(const char *url, char *out, size_t size_bytes);

// 0 or negative errno; -EINVAL: no such target or size, -ENOSYS: this libavcodec cannot. That
// nobody answers there is no error, but a state.
int broadcast_create(const struct broadcast_config *config, const struct broadcast_ops *ops,
                     void *user, struct broadcast **out);
// Any thread; never blocks; keeps a reference. What comes while it is not connected is left out.
void broadcast_push(struct broadcast *broadcast, struct packet *packet, bool is_audio);
void broadcast_get_stats(struct broadcast *broadcast, struct broadcast_stats *out);
// Ends the stream, waits for its thread (at most some 2 s: what blocks is interrupted), frees. An
// HLS playlist gets its end mark; its files stay. Nothing is told afterwards. NULL is allowed. Not
// from its own callbacks.
void broadcast_destroy(struct broadcast *broadcast);

#endif
