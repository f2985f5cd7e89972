// SPDX-License-Identifier: MIT
// The one thread of a process that feeds all clients' media, each frame at its own time on the
// absolute clock. All functions: any thread but sender_remove(), which must not be called from a
// push.
#ifndef TESTS_PEER_SENDER_H
#define TESTS_PEER_SENDER_H

#include "tests/peer/media.h"

struct sender_stream;

// Sender thread. due_ns: CLOCK_MONOTONIC, not in the future. Borrows the frame, which lives as long
// as its media.
typedef void (*sender_push)(void *user, const struct media_frame *frame, int index, int64_t due_ns);

// Begins at once, from frame 0, at a phase of its own. Borrows media. NULL when out of memory.
struct sender_stream *sender_add(const struct media *media, sender_push push, void *user);
// Likewise, but by the clock: frame 0 falls on whole multiples of the loop's length, so that two
// media of one length stay side by side, and a rewind has no effect.
struct sender_stream *sender_add_by_clock(const struct media *media, sender_push push, void *user);
// Waits for a push that runs; none comes after. NULL is allowed.
void sender_remove(struct sender_stream *stream);
// The next frame is the first keyframe again: what a client does when asked for one.
void sender_rewind(struct sender_stream *stream);
void sender_set_media(struct sender_stream *stream, const struct media *media);
void sender_set_paused(struct sender_stream *stream, bool is_paused);

int64_t sender_now_ns(void);      // CLOCK_MONOTONIC
uint64_t sender_late_count(void); // frames skipped because this process did not get to run
// The longest that a frame was sent after its time since the last call: how long the machine let us
// wait.
int64_t sender_take_worst_delay_ns(void);

#endif
