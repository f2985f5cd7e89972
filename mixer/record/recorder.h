// SPDX-License-Identifier: MIT
// One recording: takes the packets that members are sent anyway, and writes them to a file on a
// thread of its own, which nothing in the mix waits for. What comes faster than the disk takes it
// waits in a bounded queue; beyond that it is left out, up to the next keyframe, and told as a gap.
//
//   v, a threads --push--> queue (bounded) --writer thread--> [transcoder] --> muxer --> file
//
// Crash safety: clusters of at most a second go to the system as they are full (and to the disk, if
// so set), so a file that was never finished plays up to its last second; up to the last but one
// if sound was late, which pictures wait for. Finishing adds cues, duration and chapters.
#ifndef MIXER_RECORD_RECORDER_H
#define MIXER_RECORD_RECORDER_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct recorder;

enum recorder_container { RECORDER_WEBM, RECORDER_MKV, RECORDER_MP4, RECORDER_OGG };
const char *recorder_container_name(enum recorder_container container); // "webm": the file's ending
bool recorder_container_from_name(const char *name, enum recorder_container *out);

enum recorder_state { RECORDER_RECORDING, RECORDER_PAUSED, RECORDER_STOPPED, RECORDER_FAILED };
const char *recorder_state_name(enum recorder_state state); // "recording", "paused", ...

// The system, or a test's stand-in for it. Return as the calls they are named after, with errno.
struct recorder_io {
    int (*open)(void *user, const char *path);
    ssize_t (*write)(void *user, int fd, const void *data, size_t size_bytes);
    int (*sync)(void *user, int fd);
    int64_t (*free_bytes)(void *user, const char *path); // of its file system; negative errno
    void *user;
};

struct recorder_config {
    const char *path;  // without the ending: segments are path.webm, path-2.webm, path-3.webm, ...
    const char *title; // or NULL
    enum recorder_container container;
    bool has_video; // RECORDER_OGG: never
    int width_px, height_px, fps;
    int64_t segment_ns;    // a new file after this long (at a keyframe); 0: one file
    int64_t segment_bytes; // likewise by size
    int keyframe_s; // asks for a keyframe this often, for seeking, while pictures come; 0: 10
    bool syncs;     // fsync each cluster
    int64_t free_floor_bytes;
    size_t queue_bytes_max;       // 0: 16 MiB
    const struct recorder_io *io; // NULL: the system's
};

// Told on the writer's thread, in order; perhaps before recorder_create() returns.
enum recorder_event {
    RECORDER_BEGAN,   // the first packet is in the file
    RECORDER_GAP,     // something had to be left out; value: ns
    RECORDER_SEGMENT, // a new file began; value: its number, from 2
    RECORDER_ENDED,   // all is written; value: negative errno if it ended by itself (-ENOSPC: below
                      // the floor, or the disk is full; whatever opening its file said), 0 if it
                      // was asked to
};
struct recorder_ops {
    void (*on_event)(void *user, enum recorder_event event, int64_t value);
    // A keyframe is needed (at the beginning, after a pause, for a new segment, every few seconds
    // for seeking). Writer's thread.
    void (*on_keyframe_wanted)(void *user);
    // Makes the directory that the first file goes to. 0, or negative errno: the recording's end.
    // Writer's thread; NULL: it is there.
    int (*prepare)(void *user);
};

struct recorder_stats {
    enum recorder_state state;
    int64_t duration_ns; // of what is recorded, pauses not counted
    uint64_t bytes, gaps;
    int64_t gap_ns;
    int segments;
    int kbps; // of the last seconds
};

// 0 or negative errno. Touches no file: that the first one cannot be made, or that the disk is
// below the floor already, is told as RECORDER_ENDED.
int recorder_create(const struct recorder_config *config, const struct recorder_ops *ops,
                    void *user, struct recorder **out);
// Any thread; never blocks; keeps a reference. Before the first keyframe nothing is kept.
void recorder_push(struct recorder *recorder, struct packet *packet, bool is_audio);
// Any thread. Times on the room clock. What was recorded before a file could begin is no recording:
// a file in which nothing is is removed.
void recorder_pause(struct recorder *recorder, int64_t now_ns);
void recorder_resume(struct recorder *recorder, int64_t now_ns);
void recorder_add_chapter(struct recorder *recorder, int64_t now_ns, const char *title);
// Ends at this time: what is on its way is still written. Returns at once; RECORDER_ENDED follows.
void recorder_stop(struct recorder *recorder, int64_t now_ns);
void recorder_get_stats(struct recorder *recorder, struct recorder_stats *out);
// Stops if need be, waits for the writer's thread, frees. NULL is allowed. Not from on_event.
void recorder_destroy(struct recorder *recorder);

#endif
