// SPDX-License-Identifier: MIT
// The users and their sign-ins, as store keeps them: for accounts.c. Errors and threads as in
// store.h; callbacks run without a lock held.
#ifndef MCU_STORE_USERS_H
#define MCU_STORE_USERS_H

#include "mcu/store.h"

enum { STORE_SIGN_INS_MAX = 50 }; // of one user; the oldest go

struct store_user {
    int64_t id;
    const char *login, *name,
        *password;     // password: its hash; borrowed for the time of the callback
    const char *email; // NULL: none
    int64_t created_unix_ms;
};
typedef void store_each_user_fn(void *user, const struct store_user *found);

// id is not looked at. takes_room: even if a room of this name is live or somebody's. -EEXIST:
// login, e-mail or that room is taken.
int store_add_user(struct store *store, const struct store_user *user, bool takes_room,
                   int64_t *id);
// -ENOENT: there is none. Each of these two calls each() once.
int store_get_user(struct store *store, int64_t id, store_each_user_fn *each, void *user);
int store_find_user(struct store *store, const char *login_or_email, store_each_user_fn *each,
                    void *user);
// In order of their logins, those behind `after`, at most max.
int store_each_user(struct store *store, const char *after, int max, store_each_user_fn *each,
                    void *user);
// -ENOENT, -EEXIST: the e-mail is another's.
int store_change_user(struct store *store, int64_t id, const char *email, const char *name);
// All sign-ins end but the one with the hash keep (NULL: all). -ENOENT.
int store_set_password(struct store *store, int64_t id, const char *password, const char *keep);
// With all that is theirs: sign-ins, meetings, rooms, calls in these, the chat there. -ENOENT.
int store_remove_user(struct store *store, int64_t id);
// The owner's rooms in which a call is on.
int store_each_running_room(struct store *store, int64_t owner,
                            void (*each)(void *user, const char *room), void *user);

struct store_sign_in {
    const char *hash; // of its secret, which is not kept
    int64_t user;
    const char *login;           // of the user; not looked at by add
    const char *address, *agent; // only of add
    int64_t created_unix_ms;     // likewise
    int64_t expires_unix_ms;
};
int store_add_sign_in(struct store *store, const struct store_sign_in *sign_in); // -ENOENT: no user
// -ENOENT: there is none, or it has expired.
int store_get_sign_in(struct store *store, const char *hash, int64_t now_unix_ms,
                      void (*each)(void *user, const struct store_sign_in *sign_in), void *user);
int store_extend_sign_in(struct store *store, const char *hash, int64_t expires_unix_ms);
int store_remove_sign_in(struct store *store, const char *hash);                // 0 too if none
int store_remove_sign_ins(struct store *store, int64_t user, const char *keep); // as set_password

#endif
