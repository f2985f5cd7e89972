// SPDX-License-Identifier: MIT
// What the files of room_record share. Control loop only, but for what says otherwise.
#ifndef MCU_ROOM_RECORD_INTERNAL_H
#define MCU_ROOM_RECORD_INTERNAL_H

#include "mcu/library.h"
#include "mcu/room_internal.h"
#include "mcu/room_record.h"
#include "mcu/room_record_notes.h"
#include "mcu/room_tap.h"

struct recording {
    // Immutable while it runs.
    struct room *room; // a reference
    char id[LIBRARY_ID_MAX], dir[LIBRARY_PATH_MAX];
    char title[ROOM_TITLE_MAX];
    enum recorder_container container;
    bool has_video;
    int64_t started_unix_ms;
    struct recorder *recorder;
    struct tap *tap;
    struct record_notes *notes;

    // Control loop only; then its last thread's.
    const char *reason; // why it ends, a literal; NULL: it does not yet
    bool is_paused;
    int error;                      // it ended by itself: negative errno
    int64_t written_ns, speaker_ns; // when last
    char speaker[STAGE_ID_MAX];
};

// Any thread.
void record_get_figures(struct recording *recording, struct library_figures *out);
void record_note_figures(struct recording *recording); // for the library to show
void record_write_side_files(const struct recording *recording, int64_t end_ns, bool is_last);
void record_event(struct recording *recording, const char *type,
                  json_t *more); // takes more, or NULL

void record_begin_notes(struct recording *recording); // who is there, what is shown
void record_add_pause(struct recording *recording, bool is_paused);
// All are told how far everything is, and the picture is marked, or not.
void record_tell(struct room *room);
// Likewise, with the one that has just ended, and why: it is in no list any more.
void record_tell_end(const struct recording *recording);

// Counts them, for room_records_unfinished(). Any thread.
void record_count_unfinished(int change);

#endif
