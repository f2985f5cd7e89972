// SPDX-License-Identifier: MIT
// People: users, their sign-ins, their meetings and what is remembered of their calls. On the
// store; passwords are Argon2id (libsodium). Any thread but the control loop: a password takes its
// time.
#ifndef MCU_ACCOUNTS_H
#define MCU_ACCOUNTS_H

#include "mcu/config.h"
#include "mcu/permission.h"
#include "mcu/store.h"

#include <jansson.h>

struct accounts;

enum { ACCOUNTS_SECRET_MAX = 64 }; // a sign-in's secret: cookie and bearer

// Borrows both. NULL when out of memory.
struct accounts *accounts_create(const struct config *config, struct store *store);
void accounts_destroy(struct accounts *accounts); // NULL is allowed

// JSON in and out is as assets/openapi.yaml says. 0, or -1 and *refusal; *out is a new reference.

// {login, password}: secret is for cookie and bearer. 401 `sign-in-wrong` takes the same time
// whether or not the user exists; 429 after too many tries from an address or for an account.
int accounts_sign_in(struct accounts *accounts, const json_t *body, const char *address,
                     const char *agent, char secret[ACCOUNTS_SECRET_MAX], json_t **out,
                     struct refusal *refusal);
// Who holds this secret: fills kind, user and user_name. False: nobody (any more). Quick.
bool accounts_recognise(struct accounts *accounts, const char *secret, struct caller *out);
int accounts_sign_out(struct accounts *accounts, const char *secret); // 0 even for a stranger's
int accounts_sign_out_everywhere(struct accounts *accounts, int64_t user);

// users: `user` is an id, a login or "me" (the caller). The caller was checked for the action; here
// it is checked that a user reaches only what is theirs.
// With the key, or by anybody from `address` if the setting says so: else 403 `sign-up-closed`.
int accounts_add_user(struct accounts *accounts, const struct caller *caller, const json_t *body,
                      const char *address, json_t **out, struct refusal *refusal);
// By login; cursor NULL: from the first.
int accounts_list_users(struct accounts *accounts, const char *cursor, int limit, json_t **out,
                        struct refusal *refusal);
int accounts_get_user(struct accounts *accounts, const struct caller *caller, const char *user,
                      json_t **out, struct refusal *refusal);
int accounts_change_user(struct accounts *accounts, const struct caller *caller, const char *user,
                         const json_t *body, json_t **out, struct refusal *refusal);
// {old_password, password}; the key needs no old one: 403 `password-wrong`. Ends all sign-ins but
// that of keep_secret (NULL: all).
int accounts_change_password(struct accounts *accounts, const struct caller *caller,
                             const char *user, const json_t *body, const char *keep_secret,
                             struct refusal *refusal);
// The rooms in which a call of this user is on: to be ended before the user goes.
int accounts_each_running_room(struct accounts *accounts, const struct caller *caller,
                               const char *user, void (*each)(void *data, const char *room),
                               void *data, struct refusal *refusal);
// With all that is theirs.
int accounts_remove_user(struct accounts *accounts, const struct caller *caller, const char *user,
                         struct refusal *refusal);

#endif
