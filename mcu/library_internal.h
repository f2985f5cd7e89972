// SPDX-License-Identifier: MIT
// What the files of library share. Part of library.
#ifndef MCU_LIBRARY_INTERNAL_H
#define MCU_LIBRARY_INTERNAL_H

#include "mcu/library.h"
#include "mcu/store_recordings.h"
#include "mixer/record/repair.h"

#include <glib.h>
#include <pthread.h>

struct library_disk {
    bool has_looked;
    int error; // why nothing can be written there: negative errno
    int64_t free_bytes;
    int64_t since_us; // looks again since then; 0: it does not
};

struct library {
    // Immutable.
    const struct config *config;
    struct store *store;
    struct events *events;
    char *dir;
    GThread *thread, *watcher;

    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GHashTable *running;    // id (owned) -> struct library_figures (owned)
    GQueue pictures;        // ids (owned) of those that wait for poster and sheet
    uint64_t bytes_ever;    // of those that have ended
    bool is_over, is_ended; // asked to end; has ended
    bool is_slow;           // repairs or draws: may take long
    bool is_abandoned;      // in the middle of that: touches nothing any more
    bool wants_tidying;
    struct library_disk disk; // as it was seen last
    bool is_blind;            // nobody looks any more

    // Its thread only.
    GArray *torn;       // struct torn: what is still to be made whole; library_mend.c
    int64_t sweep_at_s; // of the monotonic clock
};

gpointer library_tend(gpointer library);  // its thread
gpointer library_watch(gpointer library); // its other one
void library_await_first_look(struct library *library);
// Does the disk not answer? Then nobody who has others to serve should ask it anything.
bool library_is_stalled(struct library *library);

// ---- for its thread: library_tend.c ----

// A row of the store, kept while something is done with it.
struct library_row {
    char id[LIBRARY_ID_MAX], container[8], state[16], reason[16];
    int64_t bytes, started_unix_ms, ended_unix_ms, duration_ms, gap_ms;
    int segments, gaps;
    bool has_video;
};
void library_copy_row(void *rows, const struct store_recording *recording); // into a GArray of them

// What may take as long as reading a whole file stands between these two. End: false if the library
// has been given up meanwhile: nothing of it may be touched then.
void library_begin_slow(struct library *library);
bool library_end_slow(struct library *library);
bool library_is_over(struct library *library);
bool library_remove_gone(struct library *library); // false: given up
void library_ask_for_pictures(struct library *library, const char *id);

// ---- what a full disk has left unfinished: library_mend.c. Its thread. ----

void library_mend_init(struct library *library);
void library_mend_finish(struct library *library);
// Is there something to be made whole in what has ended? Then it waits for its turn. False: given
// up.
bool library_mend_consider(struct library *library, const char *id);
bool library_mend_consider_all(struct library *library); // at the start
// Tries what is due. False: given up.
bool library_mend(struct library *library);
int64_t library_mend_due_s(const struct library *library); // monotonic clock; INT64_MAX: never

// ---- details.json, read back: library_details.c. Any thread. ----

struct library_details {
    json_t *json; // NULL: there is none
    int gaps;
    int64_t gap_ms;
    struct repair_chapter *chapters; // titles are json's
    int chapter_count;
};
void library_details_read(const char *dir, const char *id, struct library_details *out);
void library_details_finish(struct library_details *details);
// The next file of the recording begins so much later: its chapters are told from there.
void library_details_skip(struct library_details *details, int64_t duration_ns);
// Writes it anew as one of this length, and chapters.vtt with it. Nothing where there was none.
void library_details_write(const char *dir, const char *id, const struct library_details *details,
                           int64_t duration_ns);
// How the pictures of sheet.jpg lie in it.
void library_details_add_sheet(const char *dir, const char *id, json_t *sheet); // takes sheet

json_t *library_to_json(struct library *library, const struct store_recording *recording);
// False: it does not run. figures NULL: not wanted.
bool library_is_running(struct library *library, const char *id, struct library_figures *figures);

// ---- names and directories: library_files.c ----

enum { LIBRARY_SEGMENTS_MAX = 100000 };

void library_make_id(int64_t unix_ms, char id[LIBRARY_ID_MAX]); // rises with time
bool library_is_id(const char *id);                             // [a-z0-9-], not empty
// <dir>/<id>, and a file in it; false: too long, or a name that is none of ours.
bool library_path(const char *dir, const char *id, char out[LIBRARY_PATH_MAX]);
bool library_media_path(const char *dir, const char *id, const char *container, int segment,
                        char out[LIBRARY_PATH_MAX]);
bool library_side_path(const char *dir, const char *id, const char *name,
                       char out[LIBRARY_PATH_MAX]);
const char *library_media_type(const char *container, bool has_video);
const char *library_side_type(const char *name); // NULL: no such name
// Makes <dir>/<id>, and dir, for the owner alone. 0 or negative errno.
int library_make_dir(const char *dir, const char *id);
// With the files in it; links are not followed. 0 (also when there is none) or negative errno.
int library_remove_dir(const char *dir, const char *id);
// A new file that takes the place of the old one when all of it is there. 0 or negative errno.
int library_write_file(const char *path, const void *data, size_t size_bytes);

#endif
