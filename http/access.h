// SPDX-License-Identifier: MIT
// Who asks, by what they send: the API key, a join token or a sign-in's secret as
// Authorization: Bearer, a ticket in the query (below /api/ alone), a sign-in's cookie, or, for
// what a room is shown and played, a seat in it (Authorization: Seat, with the session's `resume`).
// What they may do is decided by mcu/permission.h. Constant after create; any thread.
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "mcu/permission.h"
#include "mcu/refusal.h"

#include <stdbool.h>

struct access;
struct accounts;
struct request;
struct store;

#define ACCESS_COOKIE "tessera_session"

// Keeps a hash of the key only; borrows the rest (accounts may be NULL in tests).
struct access *access_create(const char *api_key, const char *token_secret,
                             struct accounts *accounts, struct store *store);
void access_destroy(struct access *access); // NULL is allowed

// A credential in Authorization that is wrong or expired is a 401, not a nobody; so is a ticket,
// unless a cookie beside it counts: a page stays open for longer than its tickets. A cookie counts
// for reading requests, and for changing ones only if they come from a page of this very server
// (Origin, Sec-Fetch-Site): elsewhere it counts as none, and so does one that has ended. 0, or -1
// and *refusal.
int access_recognise(const struct access *access, const struct request *request, struct caller *out,
                     struct refusal *refusal);
// May the caller do it, at the room that the path names (if it names one)? ACTION_MINT_TOKEN
// without one is for whoever could own a room: the handler asks again with the body's. 0, or -1 and
// a 401 or 403 (503 when the store cannot be read).
int access_check(const struct access *access, enum action action, const struct request *request,
                 struct refusal *refusal);
// The same for a room that was named elsewhere.
int access_check_room(const struct access *access, enum action action, const struct caller *caller,
                      const char *room, struct refusal *refusal);
// Does its Origin say that a page of this very server sent it?
bool access_is_own_page(const struct request *request);

#endif
