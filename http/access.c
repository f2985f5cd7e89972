// SPDX-License-Identifier: MIT
#include "http/access.h"

#include "http/request.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct access {
    unsigned char key_hash[crypto_generichash_BYTES];
};

static void hash(const char *key, unsigned char out[crypto_generichash_BYTES]) {
    crypto_generichash(out, crypto_generichash_BYTES, (const unsigned char *)key, strlen(key), NULL,
                       0);
}

struct access *access_create(const char *api_key) {
    if (sodium_init() < 0)
        return NULL;
    struct access *access = calloc(1, sizeof(*access));
    if (access)
        hash(api_key, access->key_hash);
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

int access_check(const struct access *access, enum access_level level,
                 const struct request *request, struct refusal *refusal) {
    static const char scheme[] = "Bearer ";
    if (level == ACCESS_PUBLIC || (level == ACCESS_LOCAL_OR_KEY && is_local(request)))
        return 0;
    const char *given = request_header(request, "Authorization");
    if (!given)
        return refusal_set(refusal, 401, "key-required",
                           "Send the API key: Authorization: Bearer KEY.");
    if (strncasecmp(given, scheme, sizeof(scheme) - 1) != 0 ||
        !key_is_right(access, given + sizeof(scheme) - 1))
        return refusal_set(refusal, 401, "key-wrong", "This is not the API key of this server.");
    return 0;
}
