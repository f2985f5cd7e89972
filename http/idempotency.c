// SPDX-License-Identifier: MIT
//
//   Idempotency-Key, credential, method, path --BLAKE2b--> secret --+--> id        (store: key)
//                                                                   +--> body hash (store: request)
//                                                                   \--> secretbox (store: body)
#include "http/idempotency.h"

#include "http/api_call.h"
#include "http/request.h"
#include "mcu/store.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 32, HEX_BYTES = 2 * HASH_BYTES + 1 };

struct idempotency {
    struct store *store;
    // Protected by lock.
    pthread_mutex_t lock;
    GHashTable *running; // ids of what is under way
};

// One request on its way through here. secret does not leave it.
struct attempt {
    struct idempotency *idempotency;
    unsigned char secret[HASH_BYTES];
    char id[HEX_BYTES], request[HEX_BYTES];
    // What the store knows.
    bool is_known, is_same;
    int status;
    char *location; // of the answer kept
    json_t *body;
};

struct idempotency *idempotency_create(struct store *store) {
    struct idempotency *idempotency = sodium_init() < 0 ? NULL : calloc(1, sizeof(*idempotency));
    if (!idempotency)
        return NULL;
    idempotency->store = store;
    idempotency->running = g_hash_table_new(g_str_hash, g_str_equal);
    pthread_mutex_init(&idempotency->lock, NULL);
    return idempotency;
}

void idempotency_destroy(struct idempotency *idempotency) {
    if (!idempotency)
        return;
    g_hash_table_destroy(idempotency->running);
    pthread_mutex_destroy(&idempotency->lock);
    free(idempotency);
}

// ---- keys ----

// With its NUL, so that no two lists of parts look alike.
static void add_part(crypto_generichash_state *state, const char *part) {
    const char *text = part ? part : "";
    crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

static void make_secret(const struct request *request, const char *key,
                        unsigned char out[HASH_BYTES]) {
    crypto_generichash_state state;
    const char *credential = request_header(request, "Authorization");
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    add_part(&state, key);
    add_part(&state, credential ? credential
                                : MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND,
                                                              ACCESS_COOKIE));
    add_part(&state, request->method);
    for (int i = 0; i < request->segment_count; i++)
        add_part(&state, request->segments[i]);
    crypto_generichash_final(&state, out, HASH_BYTES);
}

// of: what tells the uses of the secret apart.
static void derive(const unsigned char secret[HASH_BYTES], const char *of, const void *data,
                   size_t bytes, unsigned char out[HASH_BYTES]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, secret, HASH_BYTES, HASH_BYTES);
    add_part(&state, of);
    crypto_generichash_update(&state, data, bytes);
    crypto_generichash_final(&state, out, HASH_BYTES);
}

static void begin(struct attempt *attempt, const struct request *request, const char *key) {
    unsigned char hash[HASH_BYTES];
    make_secret(request, key, attempt->secret);
    derive(attempt->secret, "id", NULL, 0, hash);
    sodium_bin2hex(attempt->id, HEX_BYTES, hash, HASH_BYTES);
    derive(attempt->secret, "body", request->body, request->body_bytes, hash);
    sodium_bin2hex(attempt->request, HEX_BYTES, hash, HASH_BYTES);
    attempt->is_known = attempt->is_same = false;
    attempt->location = NULL;
    attempt->body = NULL;
}

static void end(struct attempt *attempt) {
    sodium_memzero(attempt->secret, HASH_BYTES);
    free(attempt->location);
    json_decref(attempt->body);
}

// ---- sealing ----

// As base64, which begins with the nonce. NULL when out of memory.
static char *seal(const struct attempt *attempt, const void *body, size_t bytes) {
    unsigned char key[HASH_BYTES];
    size_t sealed_bytes = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + bytes;
    unsigned char *sealed = malloc(sealed_bytes);
    if (!sealed)
        return NULL;
    derive(attempt->secret, "seal", NULL, 0, key);
    randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, body, bytes, sealed, key);
    sodium_memzero(key, sizeof(key));
    char *text = g_base64_encode(sealed, sealed_bytes);
    free(sealed);
    return text;
}

static json_t *unseal(const struct attempt *attempt, const char *text) {
    unsigned char key[HASH_BYTES];
    gsize bytes = 0;
    json_t *body = NULL;
    unsigned char *sealed = g_base64_decode(text, &bytes);
    const size_t head_bytes = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    derive(attempt->secret, "seal", NULL, 0, key);
    if (bytes > head_bytes) {
        unsigned char *open = sealed + crypto_secretbox_NONCEBYTES;
        if (crypto_secretbox_open_easy(open, open, bytes - crypto_secretbox_NONCEBYTES, sealed,
                                       key) == 0)
            body = json_loadb((char *)open, bytes - head_bytes, 0, NULL);
        sodium_memzero(sealed, bytes);
    }
    sodium_memzero(key, sizeof(key));
    g_free(sealed);
    return body;
}

// ---- the store ----

static void on_answer(void *user, const struct store_answer *answer) {
    struct attempt *attempt = user;
    attempt->is_known = true;
    attempt->is_same = strcmp(answer->request, attempt->request) == 0;
    attempt->status = answer->status;
    attempt->location = answer->location && answer->location[0] ? strdup(answer->location) : NULL;
    attempt->body = unseal(attempt, answer->body);
}

static const char *location_of(const struct reply *reply) {
    for (int i = 0; i < reply->header_count; i++)
        if (strcmp(reply->headers[i].name, "Location") == 0)
            return reply->headers[i].value;
    return "";
}

// What cannot be kept was created all the same: the answer goes out, and a second try will create
// again.
static void keep(const struct attempt *attempt, const struct reply *reply) {
    char *body = seal(attempt, reply->body, reply->body_bytes);
    struct store_answer answer = {.request = attempt->request,
                                  .body = body,
                                  .location = location_of(reply),
                                  .status = reply->status};
    if (body)
        store_put_answer(attempt->idempotency->store, attempt->id, &answer,
                         g_get_real_time() / 1000);
    g_free(body);
}

// ---- answering ----

static void replay(const struct attempt *attempt, struct reply *reply) {
    struct refusal refusal;
    if (!attempt->is_same || !attempt->body) {
        refusal_set(&refusal, 422, "idempotency-mismatch",
                    "This Idempotency-Key was used for another request.");
        reply_refusal(reply, &refusal);
        return;
    }
    api_answer(reply, attempt->status, json_incref(attempt->body));
    if (attempt->location)
        reply_add_header(reply, "Location", attempt->location);
    reply_add_header(reply, "Idempotent-Replayed", "true");
}

// Is this the only request with this id? Then it is under way until leave().
static bool enter(struct attempt *attempt) {
    pthread_mutex_lock(&attempt->idempotency->lock);
    bool is_only = !g_hash_table_contains(attempt->idempotency->running, attempt->id);
    if (is_only)
        g_hash_table_add(attempt->idempotency->running, attempt->id);
    pthread_mutex_unlock(&attempt->idempotency->lock);
    return is_only;
}

static void leave(struct attempt *attempt) {
    pthread_mutex_lock(&attempt->idempotency->lock);
    g_hash_table_remove(attempt->idempotency->running, attempt->id);
    pthread_mutex_unlock(&attempt->idempotency->lock);
}

static void answer_once(struct attempt *attempt, struct request *request, struct reply *reply,
                        void (*handle)(struct request *request, struct reply *reply)) {
    struct refusal refusal;
    if (!enter(attempt)) {
        refusal_set(&refusal, 409, "idempotency-busy",
                    "The first request with this Idempotency-Key is still under way.");
        reply_refusal(reply, &refusal);
        return;
    }
    store_get_answer(attempt->idempotency->store, attempt->id, on_answer, attempt);
    if (attempt->is_known) {
        replay(attempt, reply);
    } else {
        handle(request, reply);
        if (reply->status >= 200 && reply->status < 300 && reply->body)
            keep(attempt, reply);
    }
    leave(attempt);
}

static bool is_key(const char *key) {
    size_t bytes = strlen(key);
    for (size_t i = 0; i < bytes; i++)
        if (!g_ascii_isprint(key[i]))
            return false;
    return bytes > 0 && bytes <= IDEMPOTENCY_KEY_MAX;
}

// Anybody may have the same ticket.
static bool is_somebody(const struct request *request) {
    return request->caller.kind != CALLER_NOBODY && request->caller.kind != CALLER_TICKET;
}

void idempotency_answer(struct idempotency *idempotency, struct request *request,
                        struct reply *reply,
                        void (*handle)(struct request *request, struct reply *reply)) {
    const char *key = request_header(request, "Idempotency-Key");
    struct attempt attempt = {.idempotency = idempotency};
    struct refusal refusal;
    if (!key || !idempotency->store || !is_somebody(request)) {
        handle(request, reply);
    } else if (!is_key(key)) {
        request_refuse_field(&refusal, "Idempotency-Key", "must be 1 to %d printable characters",
                             IDEMPOTENCY_KEY_MAX);
        reply_refusal(reply, &refusal);
    } else {
        begin(&attempt, request, key);
        answer_once(&attempt, request, reply, handle);
        end(&attempt);
    }
}
