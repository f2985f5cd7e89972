// SPDX-License-Identifier: MIT
// Creating twice what was meant once: a POST with an Idempotency-Key is carried out the first time
// only, and its answer given again to whoever sends the same key, credential, path and body within
// a day. Only what succeeded is kept: a refused request may be mended and sent again. Without a
// credential (sign-up) the header means nothing. Any thread; one mutex, held for table work only.
//
// Answers may hold secrets (a token, a webhook's secret). So what is kept is encrypted, with a key
// that is made of the Idempotency-Key and of the caller's own credential and is not kept: what lies
// in the store is of no use to who reads it there, and still survives a restart. Hashes of bodies
// (which may hold a password or a PIN) are keyed with it too.
#ifndef HTTP_IDEMPOTENCY_H
#define HTTP_IDEMPOTENCY_H

#include "http/reply.h"

struct idempotency;
struct request;
struct store;

enum { IDEMPOTENCY_KEY_MAX = 200 };

// Borrows store; NULL: nothing is kept, every request is carried out. NULL when out of memory.
struct idempotency *idempotency_create(struct store *store);
void idempotency_destroy(struct idempotency *idempotency); // NULL is allowed

// Answers by handle, or with what it answered before. 422 `idempotency-mismatch` when the key was
// used for another body, 409 `idempotency-busy` while the first request is still under way.
void idempotency_answer(struct idempotency *idempotency, struct request *request,
                        struct reply *reply,
                        void (*handle)(struct request *request, struct reply *reply));

#endif
