// SPDX-License-Identifier: MIT
// The hooks' life, and what REST does with them. See webhooks_deliver.c for the thread.
#include "mcu/webhooks_internal.h"

#include "mcu/log.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 300000, INBOX_MAX = 10000 };

// ---- events come ----

// A thread that adds events, the control loop mostly: it must not wait for a disk, so the thread
// puts them into the store.
static void on_event(void *user, const struct event *event) {
    struct webhooks *webhooks = user;
    bool is_wanted = false;
    pthread_mutex_lock(&webhooks->lock);
    bool is_full = webhooks->inbox.length >= INBOX_MAX;
    for (guint i = 0; i < webhooks->hooks->len; i++) {
        struct hook *hook = webhooks->hooks->pdata[i];
        if (!hook_wants(hook, event))
            continue;
        is_wanted = true;
        hook->dropped += is_full ? 1 : 0;
    }
    if (is_wanted && !is_full)
        g_queue_push_tail(&webhooks->inbox, (gpointer)(uintptr_t)event_ref(event));
    pthread_mutex_unlock(&webhooks->lock);
    if (is_wanted)
        webhooks_wake(webhooks);
}

// ---- life ----

static void init_curl(void) {
    // See peer_init(): at exit OpenSSL must not free what threads free, too. Whoever comes to it
    // first has to say so, and curl would not.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void load(void *user, const char *id, const char *json) {
    struct webhooks *webhooks = user;
    struct hook *hook = hook_load(id, json);
    if (hook)
        g_ptr_array_add(webhooks->hooks, hook);
    else
        log_warn(id, "this webhook cannot be read from the store");
}

static int start(struct webhooks *webhooks) {
    webhooks->listener = events_listen(webhooks->events, on_event, webhooks);
    if (!webhooks->listener ||
        pthread_create(&webhooks->thread, NULL, webhooks_deliver, webhooks) != 0)
        return -1;
    webhooks->has_thread = true;
    return 0;
}

struct webhooks *webhooks_create(const struct config *config, struct store *store,
                                 struct events *events) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    if (!webhooks || sodium_init() < 0)
        goto fail;
    webhooks->config = config;
    webhooks->store = store;
    webhooks->events = events;
    webhooks->pause_min_ms = PAUSE_MIN_MS;
    webhooks->pause_max_ms = PAUSE_MAX_MS;
    pthread_mutex_init(&webhooks->changes, NULL);
    pthread_mutex_init(&webhooks->lock, NULL);
    g_queue_init(&webhooks->inbox);
    g_queue_init(&webhooks->gone);
    webhooks->hooks = g_ptr_array_new();
    webhooks->multi = curl_multi_init();
    if (!webhooks->multi || store_each_hook(store, load, webhooks) != 0 || start(webhooks) != 0)
        goto fail;
    return webhooks;
fail:
    webhooks_destroy(webhooks);
    return NULL;
}

void webhooks_destroy(struct webhooks *webhooks) {
    if (!webhooks)
        return;
    if (webhooks->listener)
        events_stop_listening(webhooks->events, webhooks->listener);
    if (webhooks->has_thread) {
        pthread_mutex_lock(&webhooks->lock);
        webhooks->is_stopping = true;
        pthread_mutex_unlock(&webhooks->lock);
        webhooks_wake(webhooks);
        pthread_join(webhooks->thread, NULL);
    }
    const struct event *event;
    while ((event = g_queue_pop_head(&webhooks->inbox)))
        event_unref(event);
    for (guint i = 0; webhooks->hooks && i < webhooks->hooks->len; i++)
        hook_destroy(webhooks->hooks->pdata[i]);
    if (webhooks->hooks) {
        g_ptr_array_free(webhooks->hooks, TRUE);
        pthread_mutex_destroy(&webhooks->lock);
        pthread_mutex_destroy(&webhooks->changes);
    }
    if (webhooks->multi)
        curl_multi_cleanup(webhooks->multi);
    free(webhooks);
}

void webhooks_set_pauses(struct webhooks *webhooks, int64_t min_ms, int64_t max_ms) {
    pthread_mutex_lock(&webhooks->lock);
    webhooks->pause_min_ms = min_ms;
    webhooks->pause_max_ms = max_ms;
    pthread_mutex_unlock(&webhooks->lock);
}

// ---- the store's copy ----

static int save_changing(struct webhooks *webhooks, struct hook *hook) {
    char *json = NULL;
    pthread_mutex_lock(&webhooks->lock);
    bool is_there = g_ptr_array_find(webhooks->hooks, hook, NULL);
    if (is_there)
        json = hook_dump(hook);
    pthread_mutex_unlock(&webhooks->lock);
    int error = json ? store_put_hook(webhooks->store, hook->id, json) : 0;
    if (json)
        sodium_memzero(json, strlen(json));
    free(json);
    return error;
}

void webhooks_save(struct webhooks *webhooks, struct hook *hook) {
    pthread_mutex_lock(&webhooks->changes);
    int error = save_changing(webhooks, hook);
    pthread_mutex_unlock(&webhooks->changes);
    if (error)
        log_warn(hook->id, "this webhook cannot be kept: %s", strerror(-error));
}

static int refuse_store(struct refusal *refusal) {
    return refusal_set(refusal, 503, "store-failed", "The server cannot write this down now.");
}

// ---- REST ----

static struct hook *find_locked(struct webhooks *webhooks, const char *id, guint *index) {
    for (guint i = 0; i < webhooks->hooks->len; i++) {
        struct hook *hook = webhooks->hooks->pdata[i];
        if (strcmp(hook->id, id) != 0)
            continue;
        if (index)
            *index = i;
        return hook;
    }
    return NULL;
}

static int refuse_unknown(struct refusal *refusal) {
    return refusal_set(refusal, 404, "webhook-not-found", "There is no such webhook.");
}

static int count_waiting(struct webhooks *webhooks, json_t *shown, struct refusal *refusal) {
    int waiting = 0;
    const char *id = json_string_value(json_object_get(shown, "id"));
    if (!shown)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    if (store_count_deliveries(webhooks->store, id, &waiting) != 0)
        return refuse_store(refusal);
    json_object_set_new(shown, "waiting", json_integer(waiting));
    return 0;
}

int webhooks_get(struct webhooks *webhooks, const char *id, json_t **out, struct refusal *refusal) {
    pthread_mutex_lock(&webhooks->lock);
    const struct hook *hook = find_locked(webhooks, id, NULL);
    json_t *shown = hook ? hook_show(hook) : NULL;
    bool is_there = hook != NULL;
    pthread_mutex_unlock(&webhooks->lock);
    if (!is_there)
        return refuse_unknown(refusal);
    if (count_waiting(webhooks, shown, refusal) != 0) {
        json_decref(shown);
        return -1;
    }
    *out = shown;
    return 0;
}

int webhooks_list(struct webhooks *webhooks, json_t **out, struct refusal *refusal) {
    json_t *list = json_array(), *shown;
    size_t index;
    pthread_mutex_lock(&webhooks->lock);
    for (guint i = 0; i < webhooks->hooks->len; i++)
        json_array_append_new(list, hook_show(webhooks->hooks->pdata[i]));
    pthread_mutex_unlock(&webhooks->lock);
    json_array_foreach(list, index, shown) {
        if (count_waiting(webhooks, shown, refusal) != 0) {
            json_decref(list);
            return -1;
        }
    }
    *out = json_pack("{s:o, s:n}", "webhooks", list, "next_cursor");
    return *out ? 0 : refusal_set(refusal, 503, "server-full", "Out of memory.");
}

// The changes' lock is held: nobody else adds.
static int add_changing(struct webhooks *webhooks, struct hook *hook, struct refusal *refusal) {
    pthread_mutex_lock(&webhooks->lock);
    bool is_full = (int)webhooks->hooks->len >= webhooks->config->webhooks_max;
    char *json = is_full ? NULL : hook_dump(hook);
    pthread_mutex_unlock(&webhooks->lock);
    if (is_full)
        return refusal_set(refusal, 409, "too-many-webhooks",
                           "There are %d webhooks already: no more can be.",
                           webhooks->config->webhooks_max);
    int error = json ? store_put_hook(webhooks->store, hook->id, json) : -1;
    if (json)
        sodium_memzero(json, strlen(json));
    free(json);
    if (error)
        return refuse_store(refusal);
    hook->since = events_last_id(webhooks->events);
    pthread_mutex_lock(&webhooks->lock);
    g_ptr_array_add(webhooks->hooks, hook);
    pthread_mutex_unlock(&webhooks->lock);
    return 0;
}

int webhooks_add(struct webhooks *webhooks, const json_t *body, json_t **out,
                 struct refusal *refusal) {
    struct hook *hook = hook_create();
    if (!hook)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    if (hook_read(hook, body, true, webhooks->config, refusal) != 0) {
        hook_destroy(hook);
        return -1;
    }
    json_t *shown = hook_show(hook);
    json_object_set_new(shown, "waiting", json_integer(0));
    json_object_set_new(shown, "secret", json_string(hook->secret));
    pthread_mutex_lock(&webhooks->changes);
    int result = add_changing(webhooks, hook, refusal);
    pthread_mutex_unlock(&webhooks->changes);
    if (result != 0) {
        hook_destroy(hook);
        json_decref(shown);
        return -1;
    }
    *out = shown;
    return 0;
}

static int change_changing(struct webhooks *webhooks, const char *id, const json_t *body,
                           struct refusal *refusal) {
    int result = -1;
    pthread_mutex_lock(&webhooks->lock);
    struct hook *hook = find_locked(webhooks, id, NULL);
    if (!hook)
        refuse_unknown(refusal);
    else
        result = hook_read(hook, body, false, webhooks->config, refusal);
    if (hook && result == 0) { // perhaps the receiver is well now
        hook->tries = 0;
        hook->next_ms = 0;
    }
    pthread_mutex_unlock(&webhooks->lock);
    if (result != 0)
        return -1;
    return save_changing(webhooks, hook) == 0 ? 0 : refuse_store(refusal);
}

int webhooks_change(struct webhooks *webhooks, const char *id, const json_t *body, json_t **out,
                    struct refusal *refusal) {
    pthread_mutex_lock(&webhooks->changes);
    int result = change_changing(webhooks, id, body, refusal);
    pthread_mutex_unlock(&webhooks->changes);
    webhooks_wake(webhooks);
    return result == 0 ? webhooks_get(webhooks, id, out, refusal) : -1;
}

static int remove_changing(struct webhooks *webhooks, const char *id, struct refusal *refusal) {
    guint index = 0;
    pthread_mutex_lock(&webhooks->lock);
    struct hook *hook = find_locked(webhooks, id, &index);
    pthread_mutex_unlock(&webhooks->lock);
    if (!hook)
        return refuse_unknown(refusal);
    if (store_remove_hook(webhooks->store, id) != 0)
        return refuse_store(refusal);
    pthread_mutex_lock(&webhooks->lock);
    g_ptr_array_remove_index(webhooks->hooks, index);
    g_queue_push_tail(&webhooks->gone, hook);
    pthread_mutex_unlock(&webhooks->lock);
    webhooks_wake(webhooks);
    return 0;
}

int webhooks_remove(struct webhooks *webhooks, const char *id, struct refusal *refusal) {
    pthread_mutex_lock(&webhooks->changes);
    int result = remove_changing(webhooks, id, refusal);
    pthread_mutex_unlock(&webhooks->changes);
    return result;
}

static int queue_ping(struct webhooks *webhooks, const char *id, struct refusal *refusal) {
    int dropped = 0;
    const struct event *event =
        events_make(webhooks->events, "ping", "", json_pack("{s:s}", "webhook", id));
    if (!event)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    int error = store_push_delivery(webhooks->store, id, event->id, event->json,
                                    webhooks->config->webhook_queue_max, &dropped);
    event_unref(event);
    pthread_mutex_lock(&webhooks->lock);
    struct hook *hook = find_locked(webhooks, id, NULL);
    if (hook && !error) {
        hook->has_waiting = true;
        hook->dropped += (uint64_t)dropped;
    }
    pthread_mutex_unlock(&webhooks->lock);
    webhooks_wake(webhooks);
    return error ? refuse_store(refusal) : 0;
}

int webhooks_test(struct webhooks *webhooks, const char *id, struct refusal *refusal) {
    pthread_mutex_lock(&webhooks->lock);
    const struct hook *hook = find_locked(webhooks, id, NULL);
    bool is_there = hook != NULL, is_active = hook && hook->is_active;
    pthread_mutex_unlock(&webhooks->lock);
    if (!is_there)
        return refuse_unknown(refusal);
    if (!is_active)
        return refusal_set(refusal, 409, "webhook-inactive", "This webhook is turned off.");
    return queue_ping(webhooks, id, refusal);
}
