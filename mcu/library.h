// SPDX-License-Identifier: MIT
// All recordings of this server, finished or not: rows in the store, files in a directory each
// (<dir>/<id>/): the media, poster.jpg, sheet.jpg, chapters.vtt, chat.vtt, details.json. Repairs at
// the start what a crash has left, deletes by age and by size. Any thread; what takes long is done
// on a thread of its own.
#ifndef MCU_LIBRARY_H
#define MCU_LIBRARY_H

#include "mcu/config.h"
#include "mcu/events.h"
#include "mcu/permission.h"
#include "mcu/refusal.h"
#include "mcu/store.h"

#include <jansson.h>

struct library;

enum { LIBRARY_ID_MAX = 32, LIBRARY_PATH_MAX = 1024 };

// Borrows all, which must outlive it. Begins to repair. NULL when out of memory or threads.
struct library *library_create(const struct config *config, struct store *store,
                               struct events *events);
void library_destroy(struct library *library); // NULL is allowed

// Control loop (room_record.c): a recording begins. id and dir are filled in; the directory is
// made.
struct library_entry {
    const char *room, *title, *container;
    int64_t owner, call, started_unix_ms;
};
int library_begin(struct library *library, const struct library_entry *entry,
                  char id[LIBRARY_ID_MAX], char dir[LIBRARY_PATH_MAX]); // 0 or negative errno
// Any thread: it ended. state: "finished" or "failed"; side files are there already.
void library_end(struct library *library, const char *id, const char *state, int64_t duration_ns,
                 uint64_t bytes, int segments);

// JSON as assets/openapi.yaml says. 0, or -1 and *refusal. The key sees all; a user those of their
// rooms; a moderator (CALLER_ROOM) those of that room. What is somebody else's does not exist (404
// recording-not-found).
int library_list(struct library *library, const struct caller *caller, const char *room,
                 const char *cursor, int limit, json_t **out, struct refusal *refusal);
int library_get(struct library *library, const struct caller *caller, const char *id, json_t **out,
                struct refusal *refusal);
int library_remove(struct library *library, const struct caller *caller, const char *id,
                   struct refusal *refusal); // 409 recording-running while it is
// The file for HTTP to send. name: "media" (segment 1 on), "poster.jpg", "sheet.jpg",
// "chapters.vtt", "chat.vtt", "details.json". *type is a literal.
int library_find_file(struct library *library, const struct caller *caller, const char *id,
                      const char *name, int segment, char path[LIBRARY_PATH_MAX], const char **type,
                      struct refusal *refusal);
// Bytes and count, for the metrics.
void library_get_totals(struct library *library, uint64_t *bytes, int *count);

#endif
