// SPDX-License-Identifier: MIT
#include "http/access.h"

#include "http/request.h"

#include "mcu/accounts.h"
#include "mcu/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct access {
    unsigned char key_hash[crypto_generichash_BYTES];
    const char *token_secret;
    struct accounts *accounts;
    struct store *store;
};

static void hash(const char *key, unsigned char out[crypto_generichash_BYTES]) {
    crypto_generichash(out, crypto_generichash_BYTES, (const unsigned char *)key, strlen(key), NULL,
                       0);
}

struct access *access_create(const char *api_key, const char *token_secret,
                             struct accounts *accounts, struct store *store) {
    if (sodium_init() < 0)
        return NULL;
    struct access *access = calloc(1, sizeof(*access));
    if (!access)
        return NULL;
    hash(api_key, access->key_hash);
    access->token_secret = token_secret;
    access->accounts = accounts;
    access->store = store;
    return access;
}

void access_destroy(struct access *access) {
    if (!access)
        return;
    sodium_memzero(access, sizeof(*access));
    free(access);
}

// Hashes of equal length are compared, so that neither time nor length tells anything of the key.
static bool key_is_right(const struct access *access, const char *given) {
    unsigned char given_hash[crypto_generichash_BYTES];
    hash(given, given_hash);
    return sodium_memcmp(given_hash, access->key_hash, sizeof(given_hash)) == 0;
}

// What a proxy on this machine passes on is not local: its client may be anywhere.
static bool is_local(const struct request *request) {
    bool is_loopback =
        strncmp(request->address, "127.", 4) == 0 || strcmp(request->address, "::1") == 0;
    return is_loopback && !request_header(request, "X-Forwarded-For") &&
           !request_header(request, "Forwarded") && !request_header(request, "Via");
}

int access_recognise(const struct access *access, const struct request *request, struct caller *out,
                     struct refusal *refusal) {
    static const char scheme[] = "Bearer ";
    *out = (struct caller){.kind = CALLER_NOBODY, .is_local = is_local(request)};
    const char *given = request_header(request, "Authorization");
    if (!given)
        return 0;
    if (strncasecmp(given, scheme, sizeof(scheme) - 1) != 0 ||
        !key_is_right(access, given + sizeof(scheme) - 1))
        return refusal_set(refusal, 401, "key-wrong", "This is not the API key of this server.");
    out->kind = CALLER_KEY;
    return 0;
}

int access_check(const struct access *access, enum action action, const struct request *request,
                 struct refusal *refusal) {
    if (action == ACTION_METRICS && request->caller.is_local)
        return 0;
    return permission_check(&request->caller, action, NULL, refusal);
}
