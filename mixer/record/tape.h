// SPDX-License-Identifier: MIT
// What a recording is made of in time: from the room clock to the time of the file, from file to
// file, with pauses cut out and holes in the sound filled. Gets the entries of a lineup, in order.
// The writer's thread alone.
//
// Silence is hardly sent: what is missing is filled in with packets of a lone Opus header (RFC 6716
// 3.1), as a sender would that knows no better, so that every player and every container keeps the
// sound where it belongs, and the file is as long as the recording was.
#ifndef MIXER_RECORD_TAPE_H
#define MIXER_RECORD_TAPE_H

#include "mixer/record/intake.h"
#include "mixer/record/recorder.h"

struct reel;

struct tape {
    const struct recorder_config *config; // borrowed
    const struct recorder_ops *ops;       // borrowed
    void *user;

    struct reel *reel;
    int number;             // of the reel, from 1
    int64_t reel_from_ns;   // on the tape
    uint64_t earlier_bytes; // of the reels before
    int width_px, height_px;

    bool has_begun, is_paused, is_ended;
    int64_t shift_ns;     // room clock - tape time
    int64_t end_ns;       // of all there is, on the tape
    int64_t floor_ns;     // nothing goes before it: where it last went on
    int64_t sound_end_ns; // on the tape
    uint8_t toc;          // of the last sound packet
    char *first_title;    // a chapter from before the beginning

    bool lacks_keyframe, wants_keyframe; // nothing goes on without it; it would be good to have
    bool has_asked;
    int64_t asked_ns;    // room clock
    int64_t keyframe_ns; // the last one's, on the tape
    int64_t newest_ns;   // room clock
    int64_t checked_ns;  // the free space, on the tape

    uint64_t gaps;
    int64_t gap_ns;
    int64_t rate_from_ns; // since when bytes are counted for the rate, on the tape
    uint64_t rate_from_bytes;
    int kbps;
};

void tape_init(struct tape *tape, const struct recorder_config *config,
               const struct recorder_ops *ops, void *user);
int tape_open(struct tape *tape); // creates the first file; 0 or negative errno
// Borrows the entry. 0 or negative errno: the end of the recording.
int tape_take(struct tape *tape, const struct intake_entry *entry);
// One to resume is on its way: the keyframe for it may be too.
void tape_expect_resume(struct tape *tape, int64_t at_ns);
int tape_idle(struct tape *tape); // nothing came for a while
// newest_ns: what was pushed last, taken or not: by it goes how often is asked for keyframes.
void tape_ask_keyframe(struct tape *tape, int64_t newest_ns);
// Finishes the file. 0 or negative errno.
int tape_finish(struct tape *tape);
uint64_t tape_bytes(const struct tape *tape);

#endif
