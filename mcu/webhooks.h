// SPDX-License-Identifier: MIT
// Events to other people's servers: signed POSTs, in order and once each per hook, tried again with
// growing pauses, from a queue in the store that survives a restart. Owns one thread with libcurl.
// Any thread may call.
//
// Each delivery carries Tessera-Timestamp (Unix seconds), Tessera-Signature: "v1=" and the hex of
// HMAC-SHA256(secret, timestamp "." body), Tessera-Event (type) and Tessera-Delivery (event id: the
// same in every try). The receiver says 2xx; anything else is tried again.
#ifndef MCU_WEBHOOKS_H
#define MCU_WEBHOOKS_H

#include "mcu/config.h"
#include "mcu/events.h"
#include "mcu/refusal.h"
#include "mcu/store.h"

struct webhooks;

// Borrows all three, which must outlive it. NULL when out of memory or threads.
struct webhooks *webhooks_create(const struct config *config, struct store *store,
                                 struct events *events);
void webhooks_destroy(struct webhooks *webhooks); // NULL is allowed

// As assets/openapi.yaml says. 0, or -1 and *refusal; *out is a new reference. The secret is shown
// by add alone.
int webhooks_add(struct webhooks *webhooks, const json_t *body, json_t **out,
                 struct refusal *refusal);
int webhooks_list(struct webhooks *webhooks, json_t **out, struct refusal *refusal);
int webhooks_get(struct webhooks *webhooks, const char *id, json_t **out, struct refusal *refusal);
int webhooks_change(struct webhooks *webhooks, const char *id, const json_t *body, json_t **out,
                    struct refusal *refusal);
int webhooks_remove(struct webhooks *webhooks, const char *id, struct refusal *refusal);
// Queues a `ping` event for this hook alone.
int webhooks_test(struct webhooks *webhooks, const char *id, struct refusal *refusal);

#endif
