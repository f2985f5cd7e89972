// SPDX-License-Identifier: MIT
// Meetings that people plan, and what is remembered of the calls in their rooms. On the store; any
// thread. Every function is for one user (caller->user) unless the caller is the key.
#ifndef MCU_MEETINGS_H
#define MCU_MEETINGS_H

#include "mcu/permission.h"
#include "mcu/store.h"

#include <jansson.h>

// JSON in and out is as assets/openapi.yaml says. 0, or -1 and *refusal; *out is a new reference.
// What belongs to somebody else does not exist (404 `meeting-not-found`, `call-not-found`).
// In order of their start; cursor NULL: from the first.
int meetings_list(struct store *store, const struct caller *caller, const char *cursor, int limit,
                  json_t **out, struct refusal *refusal);
// With the key, body names the "owner" (a login). 409 `too-many-meetings`.
int meetings_add(struct store *store, const struct caller *caller, const json_t *body, json_t **out,
                 struct refusal *refusal);
int meetings_get(struct store *store, const struct caller *caller, const char *id, json_t **out,
                 struct refusal *refusal);
// if_match: an entity tag, which is the revision in quotes (412 `changed-meanwhile`); NULL: none.
int meetings_change(struct store *store, const struct caller *caller, const char *id,
                    const json_t *body, const char *if_match, json_t **out,
                    struct refusal *refusal);
int meetings_remove(struct store *store, const struct caller *caller, const char *id,
                    struct refusal *refusal);
// RFC 5545. base_url: of this server, for the link. *text is malloc'ed.
int meetings_invitation(struct store *store, const struct caller *caller, const char *id,
                        const char *base_url, char **text, struct refusal *refusal);
// The calls that were held in the caller's rooms, the newest first; one with who was there and the
// chat.
int meetings_list_calls(struct store *store, const struct caller *caller, const char *cursor,
                        int limit, json_t **out, struct refusal *refusal);
int meetings_get_call(struct store *store, const struct caller *caller, const char *id,
                      json_t **out, struct refusal *refusal);

// 409 `call-running`: it must be over first.
int meetings_remove_call(struct store *store, const struct caller *caller, const char *id,
                         struct refusal *refusal);

#endif
