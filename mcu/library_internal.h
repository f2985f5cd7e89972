// SPDX-License-Identifier: MIT
// What the files of library share. Part of library.
#ifndef MCU_LIBRARY_INTERNAL_H
#define MCU_LIBRARY_INTERNAL_H

#include "mcu/library.h"
#include "mcu/store_recordings.h"

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
};

gpointer library_tend(gpointer library);  // its thread
gpointer library_watch(gpointer library); // its other one
void library_await_first_look(struct library *library);
// Does the disk not answer? Then nobody who has others to serve should ask it anything.
bool library_is_stalled(struct library *library);

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
