// SPDX-License-Identifier: MIT
// What outlives the process: one SQLite file (WAL, foreign keys), its schema versioned by forward
// migrations. Nothing outside store.c knows SQL. One connection under a mutex: any thread.
#ifndef MCU_STORE_H
#define MCU_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum { STORE_KEY_MAX = 64, STORE_MESSAGES_MAX = 1000 };

struct store_message {
    int64_t id;
    const char *member, *name, *text; // borrowed for the time of the callback
    int64_t at_unix_ms;
};

// Opens or creates dir/tessera.db (and dir, for the owner alone) and brings its schema up to date.
// Chat older than a day is forgotten here. 0 or negative errno (-EPROTO: the file was written by a
// newer version; -EIO: it is damaged or no database).
int store_open(const char *dir, struct store **out);
// What an error of store_open() means, for a person.
const char *store_explain(int error);
void store_close(struct store *store); // NULL is allowed

// The API key: made at random the first time (*is_new), then kept. key has room for STORE_KEY_MAX.
int store_api_key(struct store *store, char *key, bool *is_new);

// Chat. A room's messages live as long as the room, across a restart for up to a day: people come
// back to the same room within minutes. Of one room at most STORE_MESSAGES_MAX or a few more are
// kept.
int store_add_message(struct store *store, const char *room, const char *member, const char *name,
                      const char *text, int64_t at_unix_ms, int64_t *id);
// The newest max messages, oldest first. each() runs without a lock held.
int store_each_message(struct store *store, const char *room, int max,
                       void (*each)(void *user, const struct store_message *message), void *user);
int store_forget_room(struct store *store, const char *room);
int store_is_usable(struct store *store); // for /readyz: 0 or negative errno

#endif
