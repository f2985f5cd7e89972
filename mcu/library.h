// SPDX-License-Identifier: MIT
// All recordings of this server, finished or not: rows in the store, files in a directory each
// (<dir>/<id>/): the media, poster.jpg, sheet.jpg, chapters.vtt, chat.vtt, details.json. Repairs at
// the start what a crash has left, and whenever there is room for it what a full disk has; deletes
// by age and by size. Any thread; what takes long is done on a thread of its own. Nothing here
// waits for the disk but library_make_place().
//
// library.c: its life, and recordings while they run. library_tend.c: what its thread does.
// library_mend.c: what a full disk has left unfinished. library_disk.c: how the disk is.
// library_read.c: who may see what. library_files.c: names and directories. library_details.c:
// details.json, read back.
#ifndef MCU_LIBRARY_H
#define MCU_LIBRARY_H

#include "mcu/config.h"
#include "mcu/events.h"
#include "mcu/permission.h"
#include "mcu/refusal.h"
#include "mcu/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct library;

enum { LIBRARY_ID_MAX = RECORDING_ID_MAX, LIBRARY_PATH_MAX = 1024 };

// Borrows all, which must outlive it. Begins to repair, and looks at the disk (for half a second at
// most). NULL when out of memory or threads.
struct library *library_create(const struct config *config, struct store *store,
                               struct events *events);
// Waits for what its threads do; for a repair or a disk at most some 2 s, then they are left behind
// (with what they stand on: false) and the next start does it again. NULL is allowed (true).
bool library_destroy(struct library *library);

// Could a recording begin, as the disk was when last looked at, a second ago or before it stalled?
// 0, -ENOSPC (below recordings.floor_mb), or why nothing can be written.
int library_check_disk(struct library *library);
// Control loop (room_record.c): a recording begins. id and dir are filled in.
struct library_entry {
    const char *room, *title, *container; // title NULL: none
    bool has_video;
    int64_t owner, call, started_unix_ms;
};
int library_begin(struct library *library, const struct library_entry *entry,
                  char id[LIBRARY_ID_MAX], char dir[LIBRARY_PATH_MAX]); // 0 or negative errno
// Makes its directory, and takes as long as the disk does. 0 or negative errno.
int library_make_place(struct library *library, const char *id);
// It did not begin after all: soon nothing is left of it.
void library_cancel(struct library *library, const char *id);

// How far it is. Any thread.
struct library_figures {
    const char *state;  // a literal: "recording", "paused", "finishing", "finished" or "failed"
    const char *reason; // a literal, or NULL
    int64_t duration_ns, gap_ns;
    uint64_t bytes;
    int segments, gaps, kbps;
};
void library_note(struct library *library, const char *id, const struct library_figures *figures);
// It ended; side files are there already. Poster and contact sheet follow.
void library_end(struct library *library, const char *id, const struct library_figures *figures);

// JSON as assets/openapi.yaml says. 0, or -1 and *refusal. The key sees all; a user those of their
// rooms; a moderator (CALLER_ROOM) those of that room; a ticket its own. What is somebody else's
// does not exist (404 recording-not-found). room NULL: of all rooms. cursor NULL: from the newest
// on.
int library_list(struct library *library, const struct caller *caller, const char *room,
                 const char *cursor, int limit, json_t **out, struct refusal *refusal);
int library_get(struct library *library, const struct caller *caller, const char *id, json_t **out,
                struct refusal *refusal);
// The same whoever asks, for events. A new reference, or NULL.
json_t *library_show(struct library *library, const char *id);
// The room it is (or was) of. False: there is no such recording.
bool library_find_room(struct library *library, const char *id, char room[ROOM_NAME_MAX]);
// 409 recording-running until it is whole. Its files go soon.
int library_remove(struct library *library, const struct caller *caller, const char *id,
                   struct refusal *refusal);
// The file for HTTP to send; 409 recording-finishing for the media of one that is not whole yet: it
// is rewritten at its beginning, or replaced. name: "media" (segment 1 on), "poster.jpg",
// "sheet.jpg", "chapters.vtt", "chat.vtt", "details.json". *type is a literal. It may not be there
// (yet): whoever opens it says so. 503 not-ready: the disk stalls.
int library_find_file(struct library *library, const struct caller *caller, const char *id,
                      const char *name, int segment, char path[LIBRARY_PATH_MAX], const char **type,
                      struct refusal *refusal);

// Somebody was deleted: what was theirs is deleted soon.
void library_tidy(struct library *library); // NULL is allowed

// Bytes and count of all, and how many run, for the metrics. ever: written since the start.
struct library_totals {
    uint64_t bytes, bytes_ever;
    int count, running;
};
void library_get_totals(struct library *library, struct library_totals *out);

#endif
