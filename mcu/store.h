// SPDX-License-Identifier: MIT
// What outlives the process: one SQLite file (WAL, foreign keys), its schema versioned by forward
// migrations. Nothing outside store_sql.c knows SQL. One connection under a mutex: any thread.
// People are in store_users.h, meetings and the history of calls in store_meetings.h.
//
// Every function gives 0 or negative errno: -EBUSY (another process holds the file; nothing waits
// longer than 200 ms for it), -ENOSPC, -EROFS, -EIO, -ENOMEM, and what stands beside it.
#ifndef MCU_STORE_H
#define MCU_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum { STORE_KEY_MAX = 64, STORE_MESSAGES_MAX = 1000, STORE_PRESENCES_MAX = 2000 };

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
// kept. What is added while a call with an owner is on in the room stays in that call's history:
// messages that are for one member alone do not belong here.
int store_add_message(struct store *store, const char *room, const char *member, const char *name,
                      const char *text, int64_t at_unix_ms, int64_t *id);
// The newest max messages, oldest first. each() runs without a lock held.
int store_each_message(struct store *store, const char *room, int max,
                       void (*each)(void *user, const struct store_message *message), void *user);
// At the end of the room.
int store_forget_room(struct store *store, const char *room);

// Secrets made once and kept, as the API key: name "token_secret". value has room for
// STORE_KEY_MAX.
int store_secret(struct store *store, const char *name, char *value, bool *is_new);

// Rooms and seats, so that a restart in the middle of a call loses neither. What the texts say is
// the room's affair.
struct store_room {
    const char *name, *spec;        // borrowed for the time of the callback
    int64_t created_unix_ms, owner; // owner: a user's id; 0: nobody's
    bool is_live;                   // was not ended; else only its settings are kept
};
// Puts or replaces it; its seats stay, unless it is not live any more. A room with an owner that is
// not live keeps its settings until its owner goes. An owner who has gone already is none.
int store_put_room(struct store *store, const struct store_room *room);
int store_remove_room(struct store *store, const char *name); // with its seats
// -ENOENT: not known. each() is called once, without a lock held.
int store_get_room(struct store *store, const char *name,
                   void (*each)(void *user, const struct store_room *room), void *user);
int store_each_live_room(struct store *store,
                         void (*each)(void *user, const struct store_room *room), void *user);
// Whose room is it? A user's personal room (their login), that of a meeting, or one that was put
// with an owner. 0 and *owner (0: nobody's), or negative errno.
int store_get_room_owner(struct store *store, const char *name, int64_t *owner);

struct store_seat {
    const char *room, *member, *resume, *json; // resume: the secret that gives it back
};
int store_put_seat(struct store *store, const struct store_seat *seat); // -ENOENT: no such room
int store_remove_seat(struct store *store, const char *room, const char *member);
int store_each_seat(struct store *store, const char *room,
                    void (*each)(void *user, const struct store_seat *seat), void *user);

// Calls: from the first member's coming to the end of the room; one at a time in a room, so that an
// earlier one ends. Chat of a call that has an owner is kept with it. A presence in a call that has
// gone is -ENOENT, one too many -EDQUOT; to end what has gone or ended is 0.
int store_begin_call(struct store *store, const char *room, int64_t owner, const char *title,
                     int64_t at_unix_ms, int64_t *call);
int store_end_call(struct store *store, int64_t call,
                   int64_t at_unix_ms); // and all presences in it
int store_begin_presence(struct store *store, int64_t call, const char *name, int64_t user,
                         int64_t at_unix_ms, int64_t *presence);
int store_end_presence(struct store *store, int64_t presence, int64_t at_unix_ms);

// A single-use token: 0 the first time, -EEXIST afterwards. Forgotten when it has expired anyway.
int store_use_token(struct store *store, const char *id, int64_t expires_s);

// Idempotent creation: what was answered to this key, for 24 hours. key: whatever tells callers,
// routes and keys apart; request: a hash of what was asked.
struct store_answer {
    const char *request, *body, *location; // borrowed for the time of the callback
    int status;
};
int store_put_answer(struct store *store, const char *key, const struct store_answer *answer,
                     int64_t at_unix_ms);
int store_get_answer(struct store *store, const char *key,
                     void (*each)(void *user, const struct store_answer *answer), void *user);

// Webhooks and their queues. json: as the webhooks keep themselves, secret included.
int store_put_hook(struct store *store, const char *id, const char *json);
int store_remove_hook(struct store *store, const char *id); // with its queue
int store_each_hook(struct store *store, void (*each)(void *user, const char *id, const char *json),
                    void *user);
// At the end of the hook's queue; beyond max the oldest go. *dropped: how many did. -ENOENT: no
// such hook.
int store_push_delivery(struct store *store, const char *hook, uint64_t event, const char *body,
                        int max, int *dropped);
// The oldest. -ENOENT: the queue is empty. each() is called once, without a lock held.
int store_peek_delivery(struct store *store, const char *hook,
                        void (*each)(void *user, int64_t id, uint64_t event, const char *body),
                        void *user);
int store_remove_delivery(struct store *store, int64_t id); // 0 too if it has gone
int store_count_deliveries(struct store *store, const char *hook, int *count);

// What has grown old is forgotten: chat without a call that is kept, and calls of nobody's rooms,
// after a day; calls of owned rooms, with their chat, after history_days (0: never); sign-ins,
// tokens and answers that are over. To be called at the start and daily, from any thread: it holds
// the store for short moments only.
int store_forget(struct store *store, int64_t now_unix_ms, int history_days);

int store_is_usable(struct store *store); // for /readyz: 0 or negative errno

#endif
