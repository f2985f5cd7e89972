// SPDX-License-Identifier: MIT
// What waits for a recording's writer: packets, and marks of what was asked for at which time.
// Bounded: what finds it full is left out, and pictures after it up to the next keyframe, for they
// could not be decoded. Any thread may push, one takes. Nobody waits but the one who takes.
#ifndef MIXER_RECORD_INTAKE_H
#define MIXER_RECORD_INTAKE_H

#include "mixer/packet.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// At the same time they are handled in this order.
enum intake_kind {
    INTAKE_PAUSE,
    INTAKE_RESUME,
    INTAKE_CHAPTER,
    INTAKE_STOP,
    INTAKE_VIDEO,
    INTAKE_SOUND,
};

struct intake_entry {
    enum intake_kind kind;
    int64_t at_ns;         // room clock
    int64_t gap_ns;        // so much was left out before it; 0: nothing
    struct packet *packet; // of INTAKE_VIDEO and INTAKE_SOUND
    char *title;           // of INTAKE_CHAPTER
};
void intake_entry_finish(struct intake_entry *entry); // frees what is in it

struct intake {
    // Constant.
    size_t bytes_max;
    bool has_video;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct intake_entry *entries; // a ring
    int first, count, capacity;
    int marks;
    size_t bytes;
    bool is_closed, is_dropping;
    int64_t gap_from_ns; // while dropping
    int64_t newest_ns;   // the end of the newest packet pushed, kept or not
};

// 0 or negative errno.
int intake_init(struct intake *intake, size_t bytes_max, bool has_video);
void intake_finish(struct intake *intake);

void intake_push(struct intake *intake, struct packet *packet,
                 bool is_audio); // keeps a reference
// Copies title; NULL is allowed. False: there are too many, or no memory.
bool intake_mark(struct intake *intake, enum intake_kind kind, int64_t at_ns, const char *title);
// The same, at the end of the newest packet.
bool intake_mark_stop(struct intake *intake);
// The caller gets the entry, to finish it. False: nothing came within that time.
bool intake_pop(struct intake *intake, int64_t timeout_ns, struct intake_entry *out);
// Drops all there is, and from now on all that is pushed.
void intake_close(struct intake *intake);

// True: things are left out, and there would be room for a keyframe now.
bool intake_lacks_keyframe(struct intake *intake);
int64_t intake_newest_ns(struct intake *intake);

#endif
