// SPDX-License-Identifier: MIT
// What the parts of webhooks share: webhooks.c (life and REST), webhooks_hook.c (one hook, as JSON
// and as a filter), webhooks_deliver.c (the thread with libcurl).
#ifndef MCU_WEBHOOKS_INTERNAL_H
#define MCU_WEBHOOKS_INTERNAL_H

#include "mcu/webhooks.h"

#include <curl/curl.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

enum { HOOK_ID_BYTES = 20 };

struct hook {
    char id[HOOK_ID_BYTES]; // immutable
    // Protected by the lock of webhooks.
    char *url, *secret;
    char **events; // types, or "*"
    char *room;    // NULL: all
    bool is_active;
    int64_t created_unix_ms;
    uint64_t since; // wants no event up to this one
    uint64_t delivered, failed, dropped;
    int last_status; // 0: no answer yet
    char last_error[CURL_ERROR_SIZE];
    int64_t last_unix_ms; // 0: never tried
    bool has_waiting;     // perhaps: the queue in the store knows
    int tries;            // in vain, of the delivery at the head of the queue
    int64_t next_ms;      // monotonic: not tried again before
    // The delivering thread only.
    CURL *easy; // NULL: nothing is in flight
    struct curl_slist *headers;
    char *body;
    int64_t delivery;
    size_t received_bytes;
    bool may_be_private, is_target_refused;
    char error[CURL_ERROR_SIZE];
};

struct webhooks {
    const struct config *config; // borrowed, as the next two
    struct store *store;
    struct events *events;
    struct events_listener *listener;
    pthread_t thread;
    bool has_thread;
    CURLM *multi; // the thread's; any thread may wake it
    // One change of the hooks at a time, the store's copy included. Taken before lock.
    pthread_mutex_t changes;
    // Held for short moments: the control loop waits for it when it tells an event.
    pthread_mutex_t lock;
    // Protected by lock.
    GPtrArray *hooks; // struct hook
    GQueue inbox;     // struct event, with references: not yet in the store
    GQueue gone;      // struct hook, taken out of hooks: the thread frees them
    bool is_stopping;
    int64_t pause_min_ms, pause_max_ms; // between tries
};

// ---- webhooks_hook.c ----

// Reads the fields of body into the hook: all or none. is_new: url must be there. 0, or -1 and
// *refusal. Lock held (or the hook is nobody else's).
int hook_read(struct hook *hook, const json_t *body, bool is_new, const struct config *config,
              struct refusal *refusal);
// As it is shown, without `waiting`. Lock held. A new reference or NULL.
json_t *hook_show(const struct hook *hook);
// As it is kept in the store, secret included. Lock held. malloc'ed or NULL.
char *hook_dump(const struct hook *hook);
struct hook *hook_load(const char *id, const char *json); // NULL: damaged, or out of memory
struct hook *hook_create(void);                           // with an id, a secret, every event
void hook_destroy(struct hook *hook);                     // NULL is allowed; nothing in flight
bool hook_wants(const struct hook *hook, const struct event *event); // lock held

// ---- webhooks_deliver.c ----

void *webhooks_deliver(void *webhooks); // the thread
void webhooks_wake(struct webhooks *webhooks);

// ---- webhooks.c ----

// Writes the hook to the store, unless it was removed.
void webhooks_save(struct webhooks *webhooks, struct hook *hook);
// For tests: the pauses between tries.
void webhooks_set_pauses(struct webhooks *webhooks, int64_t min_ms, int64_t max_ms);

#endif
