// SPDX-License-Identifier: MIT
// What the handlers of users, sign-ins, meetings and calls have in common. On the request's thread.
// Part of api.
#ifndef HTTP_API_PEOPLE_H
#define HTTP_API_PEOPLE_H

#include "http/reply.h"
#include "http/request.h"

// The result of a function of accounts or meetings: its object (taken; NULL: 204), or why not. What
// has a revision gets it as its entity tag.
void people_answer(struct reply *reply, int result, int status, json_t *json,
                   const struct refusal *refusal);
// The same as 201, with its place below /api/v1/.
void people_answer_created(struct reply *reply, int result, const char *below, json_t *json,
                           const struct refusal *refusal);
// False, and the answer is there: this server has no accounts (in tests alone).
bool people_are_here(const struct request *request, struct reply *reply);
// ?cursor= (NULL: not given) and ?limit= of a list. 0, or -1 and *refusal.
int people_read_page(const struct request *request, const char **cursor, int *limit,
                     struct refusal *refusal);
// The sign-in's secret that the caller showed, be it as bearer or cookie; NULL: they are no user.
const char *people_secret(const struct request *request);
// Sets the cookie to secret, or takes it away (NULL).
void people_set_cookie(const struct request *request, struct reply *reply, const char *secret);
// As the client reached it: "https://host", or "" when that cannot be told.
void people_base_url(const struct request *request, char *out, size_t out_bytes);

#endif
