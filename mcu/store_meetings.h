// SPDX-License-Identifier: MIT
// Meetings, and the history of calls, as store keeps them: for meetings.c. Errors and threads as in
// store.h; callbacks run without a lock held. owner 0: of anybody.
#ifndef MCU_STORE_MEETINGS_H
#define MCU_STORE_MEETINGS_H

#include "mcu/store.h"

enum { STORE_MEETINGS_MAX = 2000 }; // of one user

struct store_meeting {
    const char *id, *room, *title; // texts are borrowed for the time of the callback
    const char *notes;             // NULL: none
    const char *invitees;          // a JSON array of texts
    int64_t owner, starts_unix_ms, created_unix_ms, revision;
    int minutes;
};
typedef void store_each_meeting_fn(void *user, const struct store_meeting *meeting);

// -EEXIST: id or room is taken. -ENOENT: no such owner. -EDQUOT: the owner has too many.
int store_add_meeting(struct store *store, const struct store_meeting *meeting);
int store_get_meeting(struct store *store, int64_t owner, const char *id,
                      store_each_meeting_fn *each, void *user); // -ENOENT
// In order of starts_unix_ms and id, those behind the given ones, at most max.
int store_each_meeting(struct store *store, int64_t owner, int64_t after_unix_ms,
                       const char *after_id, int max, store_each_meeting_fn *each, void *user);
// Title, start, minutes, notes and invitees of the meeting with this id; the revision goes up by
// one. -ESTALE: it is not at this revision any more (or has gone).
int store_change_meeting(struct store *store, const struct store_meeting *meeting);
int store_remove_meeting(struct store *store, int64_t owner, const char *id); // -ENOENT

struct store_call {
    int64_t id, owner, started_unix_ms;
    int64_t ended_unix_ms; // 0: it is on
    const char *room, *title;
};
typedef void store_each_call_fn(void *user, const struct store_call *call);

// Those with an owner, with an id below `before`, the newest first, at most max.
int store_each_call(struct store *store, int64_t owner, int64_t before, int max,
                    store_each_call_fn *each, void *user);
int store_get_call(struct store *store, int64_t owner, int64_t id, store_each_call_fn *each,
                   void *user);                                        // -ENOENT
int store_remove_call(struct store *store, int64_t owner, int64_t id); // -ENOENT: none that is over

struct store_presence {
    const char *name;
    const char *login; // NULL: of no user
    int64_t joined_unix_ms;
    int64_t left_unix_ms; // 0: is there
};
int store_each_presence(struct store *store, int64_t call, int max,
                        void (*each)(void *user, const struct store_presence *presence),
                        void *user);
// The newest max messages of a call, oldest first.
int store_each_call_message(struct store *store, int64_t call, int max,
                            void (*each)(void *user, const struct store_message *message),
                            void *user);

#endif
