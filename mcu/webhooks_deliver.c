// SPDX-License-Identifier: MIT
// The thread that delivers:
//
//   events --on_event--> inbox --> the store's queue, one per hook --> head of it --> libcurl
//                                                          ^                            |
//                                                          '---- a pause, then again ---'
//
// What is in the store is delivered at least once, whatever ends in between, and in order: the next
// one begins when the one before was taken. The hooks themselves are freed here and nowhere else,
// so this thread may hold on to them without the lock.
#include "mcu/log.h"
#include "mcu/webhooks_internal.h"
#include "mcu/webhooks_target.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TRY_MS = 10000,                 // for one try, from the look-up of the name on
    IDLE_MS = 60000,                // nothing to do: woken anyway
    LAST_MS = 500,                  // what is in flight at the end may land within
    RESPONSE_BYTES_MAX = 64 * 1024, // it is thrown away; who sends more is cut off
    CONNECTIONS_KEPT = 16,
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void webhooks_wake(struct webhooks *webhooks) {
    curl_multi_wakeup(webhooks->multi);
}

// ---- from the inbox to the queues ----

static void push(struct webhooks *webhooks, struct hook *hook, const struct event *event) {
    int dropped = 0;
    int error = store_push_delivery(webhooks->store, hook->id, event->id, event->json,
                                    webhooks->config->webhook_queue_max, &dropped);
    if (error == -ENOENT) // removed meanwhile
        return;
    pthread_mutex_lock(&webhooks->lock);
    hook->has_waiting = true;
    hook->dropped += (uint64_t)(error ? 1 : dropped);
    pthread_mutex_unlock(&webhooks->lock);
    if (error)
        log_warn(hook->id, "an event for this webhook cannot be kept: %s", strerror(-error));
}

static GPtrArray *find_takers(struct webhooks *webhooks, const struct event *event) {
    GPtrArray *takers = g_ptr_array_new();
    pthread_mutex_lock(&webhooks->lock);
    for (guint i = 0; i < webhooks->hooks->len; i++)
        if (hook_wants(webhooks->hooks->pdata[i], event))
            g_ptr_array_add(takers, webhooks->hooks->pdata[i]);
    pthread_mutex_unlock(&webhooks->lock);
    return takers;
}

static void empty_inbox(struct webhooks *webhooks) {
    const struct event *event;
    do {
        pthread_mutex_lock(&webhooks->lock);
        event = g_queue_pop_head(&webhooks->inbox);
        pthread_mutex_unlock(&webhooks->lock);
        if (!event)
            return;
        GPtrArray *takers = find_takers(webhooks, event);
        for (guint i = 0; i < takers->len; i++)
            push(webhooks, takers->pdata[i], event);
        g_ptr_array_free(takers, TRUE);
        event_unref(event);
    } while (event);
}

// ---- one delivery ----

static size_t on_response(char *data, size_t size, size_t count, void *user) {
    struct hook *hook = user;
    hook->received_bytes += size * count;
    return hook->received_bytes > RESPONSE_BYTES_MAX ? 0 : size * count;
}

// The address is what the name means now, and what will be connected to.
static curl_socket_t on_open_socket(void *user, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
    struct hook *hook = user;
    if (!hook->may_be_private && webhooks_target_is_private(&address->addr)) {
        hook->is_target_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void sign(const char *secret, const char *timestamp, const char *body,
                 char out[2 * crypto_auth_hmacsha256_BYTES + 1]) {
    crypto_auth_hmacsha256_state state;
    unsigned char digest[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp, strlen(timestamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, digest);
    sodium_bin2hex(out, 2 * sizeof(digest) + 1, digest, sizeof(digest));
    sodium_memzero(&state, sizeof(state));
}

struct head { // of a hook's queue
    int64_t delivery;
    uint64_t event;
    char *body;
};

static void copy_head(void *user, int64_t id, uint64_t event, const char *body) {
    *(struct head *)user = (struct head){id, event, g_strdup(body)};
}

__attribute__((format(printf, 2, 3))) static void add_header(struct hook *hook, const char *format,
                                                             ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    struct curl_slist *longer = curl_slist_append(hook->headers, line);
    if (longer)
        hook->headers = longer;
}

static void make_headers(struct hook *hook, const char *secret, const struct head *head) {
    char timestamp[32], signature[2 * crypto_auth_hmacsha256_BYTES + 1];
    json_t *json = json_loads(head->body, 0, NULL);
    const char *type = json_string_value(json_object_get(json, "type"));
    snprintf(timestamp, sizeof(timestamp), "%lld", (long long)time(NULL));
    sign(secret, timestamp, head->body, signature);
    add_header(hook, "Content-Type: application/json");
    add_header(hook, "Tessera-Timestamp: %s", timestamp);
    add_header(hook, "Tessera-Signature: v1=%s", signature);
    add_header(hook, "Tessera-Event: %s", type ? type : "");
    add_header(hook, "Tessera-Delivery: %llu", (unsigned long long)head->event);
    add_header(hook, "Expect:"); // nobody waits for a 100
    json_decref(json);
}

static void set_options(struct hook *hook, const char *url) {
    CURL *easy = hook->easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, hook);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, hook->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Tessera/" TESSERA_VERSION);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(hook->body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, hook->body);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // of the environment: it would hide the address
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRY_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // A name that is still being looked up does not hold this thread.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hook->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_response);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, hook);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hook);
}

static void clear(struct webhooks *webhooks, struct hook *hook) {
    if (hook->easy) {
        curl_multi_remove_handle(webhooks->multi, hook->easy);
        curl_easy_cleanup(hook->easy);
    }
    curl_slist_free_all(hook->headers);
    g_free(hook->body);
    hook->easy = NULL;
    hook->headers = NULL;
    hook->body = NULL;
}

static void pause_locked(struct webhooks *webhooks, struct hook *hook) {
    int64_t pause_ms = webhooks->pause_min_ms;
    for (int i = 0; i < hook->tries && pause_ms < webhooks->pause_max_ms; i++)
        pause_ms *= 2;
    pause_ms = MIN(pause_ms, webhooks->pause_max_ms);
    // A quarter more or less: many hooks of one receiver do not come back all at once.
    pause_ms += (int64_t)randombytes_uniform((uint32_t)(pause_ms / 2 + 1)) - pause_ms / 4;
    hook->next_ms = now_ms() + pause_ms;
    hook->tries++;
}

static bool send_head(struct webhooks *webhooks, struct hook *hook, const struct head *head,
                      const char *url, const char *secret) {
    hook->easy = curl_easy_init();
    if (!hook->easy)
        return false;
    hook->body = g_strdup(head->body);
    hook->delivery = head->delivery;
    hook->received_bytes = 0;
    hook->is_target_refused = false;
    hook->may_be_private = webhooks->config->webhooks_private_targets;
    hook->error[0] = '\0';
    make_headers(hook, secret, head);
    set_options(hook, url);
    return curl_multi_add_handle(webhooks->multi, hook->easy) == CURLM_OK;
}

static void begin(struct webhooks *webhooks, struct hook *hook) {
    struct head head = {0};
    pthread_mutex_lock(&webhooks->lock);
    // Before the look, so that nothing queued after it is overlooked.
    hook->has_waiting = false;
    char *url = g_strdup(hook->url), *secret = g_strdup(hook->secret);
    pthread_mutex_unlock(&webhooks->lock);
    int error = store_peek_delivery(webhooks->store, hook->id, copy_head, &head);
    bool is_sent = !error && send_head(webhooks, hook, &head, url, secret);
    if (!is_sent)
        clear(webhooks, hook);
    pthread_mutex_lock(&webhooks->lock);
    if (error != -ENOENT)
        hook->has_waiting = true;
    if (error != -ENOENT && !is_sent)
        pause_locked(webhooks, hook);
    pthread_mutex_unlock(&webhooks->lock);
    sodium_memzero(secret, strlen(secret));
    g_free(secret);
    g_free(url);
    g_free(head.body);
}

// ---- how it went ----

static const char *explain(const struct hook *hook, CURLcode code, int status) {
    if (hook->is_target_refused)
        return "The address is one of this machine or of a private network.";
    if (status)
        return "The receiver did not say 2xx.";
    return hook->error[0] ? hook->error : curl_easy_strerror(code);
}

// Under the lock. Returns what is to be logged.
static const char *take_success_locked(struct hook *hook) {
    bool was_down = hook->tries > 0;
    hook->delivered++;
    hook->tries = 0;
    hook->next_ms = 0;
    hook->last_error[0] = '\0';
    return was_down ? "answers again" : NULL;
}

static const char *take_failure_locked(struct webhooks *webhooks, struct hook *hook,
                                       const char *why, int status) {
    bool is_first = hook->tries == 0;
    hook->failed++;
    g_strlcpy(hook->last_error, why, sizeof(hook->last_error));
    pause_locked(webhooks, hook);
    if (status == 410) {
        hook->is_active = false;
        return "has gone (410) and is turned off";
    }
    return is_first ? "does not take its event: it is tried again until it does" : NULL;
}

static void finish(struct webhooks *webhooks, struct hook *hook, CURLcode code) {
    long status = 0;
    const char *news;
    curl_easy_getinfo(hook->easy, CURLINFO_RESPONSE_CODE, &status);
    // Who sends too long an answer has got the event all the same.
    bool is_whole = code == CURLE_OK || code == CURLE_WRITE_ERROR;
    bool is_taken = is_whole && status >= 200 && status < 300;
    // What cannot be removed would be sent again and again, so that counts as a failure.
    int error = is_taken ? store_remove_delivery(webhooks->store, hook->delivery) : 0;
    pthread_mutex_lock(&webhooks->lock);
    hook->last_status = (int)status;
    hook->last_unix_ms = g_get_real_time() / 1000;
    if (is_taken && !error)
        news = take_success_locked(hook);
    else
        news = take_failure_locked(webhooks, hook,
                                   error ? "It was taken, but the store cannot write that down."
                                         : explain(hook, code, (int)status),
                                   (int)status);
    pthread_mutex_unlock(&webhooks->lock);
    if (news)
        log_info(hook->id, "webhook %s", news);
    clear(webhooks, hook);
    if (status == 410)
        webhooks_save(webhooks, hook);
}

static void finish_all(struct webhooks *webhooks) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(webhooks->multi, &left))) {
        struct hook *hook = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; // gone with the handle
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&hook);
        finish(webhooks, hook, code);
    }
}

// ---- the thread ----

static void free_gone(struct webhooks *webhooks) {
    struct hook *hook;
    do {
        pthread_mutex_lock(&webhooks->lock);
        hook = g_queue_pop_head(&webhooks->gone);
        pthread_mutex_unlock(&webhooks->lock);
        if (hook)
            clear(webhooks, hook);
        hook_destroy(hook);
    } while (hook);
}

static bool is_due(const struct hook *hook) {
    return hook->is_active && hook->has_waiting && !hook->easy;
}

// Returns after how long something is due again, at most.
static int begin_due(struct webhooks *webhooks) {
    int64_t now = now_ms(), wait_ms = IDLE_MS;
    GPtrArray *due = g_ptr_array_new();
    pthread_mutex_lock(&webhooks->lock);
    for (guint i = 0; i < webhooks->hooks->len; i++) {
        struct hook *hook = webhooks->hooks->pdata[i];
        if (is_due(hook) && hook->next_ms <= now)
            g_ptr_array_add(due, hook);
        else if (is_due(hook))
            wait_ms = MIN(wait_ms, hook->next_ms - now);
    }
    pthread_mutex_unlock(&webhooks->lock);
    for (guint i = 0; i < due->len; i++)
        begin(webhooks, due->pdata[i]);
    // Begun, or found to have nothing: both may be followed by more at once.
    if (due->len > 0)
        wait_ms = 0;
    g_ptr_array_free(due, TRUE);
    return (int)wait_ms;
}

static bool is_stopping(struct webhooks *webhooks) {
    pthread_mutex_lock(&webhooks->lock);
    bool stopping = webhooks->is_stopping;
    pthread_mutex_unlock(&webhooks->lock);
    return stopping;
}

// What is in flight may land: else its receiver would see it twice, after the restart.
static void land(struct webhooks *webhooks) {
    int64_t end_ms = now_ms() + LAST_MS, left_ms;
    int running = 0;
    do {
        curl_multi_perform(webhooks->multi, &running);
        finish_all(webhooks);
        left_ms = end_ms - now_ms();
        if (running > 0 && left_ms > 0)
            curl_multi_poll(webhooks->multi, NULL, 0, (int)left_ms, NULL);
    } while (running > 0 && left_ms > 0);
}

void *webhooks_deliver(void *user) {
    struct webhooks *webhooks = user;
    int running = 0;
    pthread_setname_np(pthread_self(), "webhooks");
    curl_multi_setopt(webhooks->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    while (!is_stopping(webhooks)) {
        empty_inbox(webhooks);
        free_gone(webhooks);
        curl_multi_perform(webhooks->multi, &running);
        finish_all(webhooks);
        curl_multi_poll(webhooks->multi, NULL, 0, begin_due(webhooks), NULL);
    }
    empty_inbox(webhooks);
    land(webhooks);
    free_gone(webhooks);
    for (guint i = 0; i < webhooks->hooks->len; i++) {
        clear(webhooks, webhooks->hooks->pdata[i]);
        webhooks_save(webhooks, webhooks->hooks->pdata[i]);
    }
    return NULL;
}
