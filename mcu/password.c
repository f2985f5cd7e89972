// SPDX-License-Identifier: MIT
#include "mcu/password.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash must fit");

// One of HTTP's threads waits at most, so that the others go on with everything else.
enum { AT_ONCE = 2, WAITING_MAX = 1, PATIENCE_S = 2, PASSES = 3, MEMORY_BYTES = 64 << 20 };

// Of nobody's password, at the same cost.
static const char nobodys_hash[] = "$argon2id$v=19$m=65536,t=3,p=1$uoGTgjMrOiL+Z/xNOBq4KQ$"
                                   "9sE3BPtkgeQHqf+jhNXTtCV3K6/FW9LlBpE/C7IgCv8";

struct passwords {
    // Protected by lock.
    pthread_mutex_t lock;
    pthread_cond_t left;
    int inside, waiting;
};

struct passwords *passwords_create(void) {
    struct passwords *passwords = sodium_init() < 0 ? NULL : calloc(1, sizeof(*passwords));
    if (!passwords)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&passwords->left, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&passwords->lock, NULL);
    return passwords;
}

void passwords_destroy(struct passwords *passwords) {
    if (!passwords)
        return;
    pthread_cond_destroy(&passwords->left);
    pthread_mutex_destroy(&passwords->lock);
    free(passwords);
}

static bool enter(struct passwords *passwords) {
    struct timespec until;
    int error = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&passwords->lock);
    if (passwords->inside >= AT_ONCE && passwords->waiting < WAITING_MAX) {
        passwords->waiting++;
        while (passwords->inside >= AT_ONCE && error == 0)
            error = pthread_cond_timedwait(&passwords->left, &passwords->lock, &until);
        passwords->waiting--;
    }
    bool may = passwords->inside < AT_ONCE;
    passwords->inside += may;
    pthread_mutex_unlock(&passwords->lock);
    return may;
}

static void leave(struct passwords *passwords) {
    pthread_mutex_lock(&passwords->lock);
    passwords->inside--;
    pthread_cond_signal(&passwords->left);
    pthread_mutex_unlock(&passwords->lock);
}

int passwords_hash(struct passwords *passwords, const char *password, char out[PASSWORD_HASH_MAX]) {
    if (!enter(passwords))
        return -EBUSY;
    int result = crypto_pwhash_str(out, password, strlen(password), PASSES, MEMORY_BYTES);
    leave(passwords);
    return result == 0 ? 0 : -ENOMEM;
}

int passwords_verify(struct passwords *passwords, const char *password, const char *hash) {
    char padded[crypto_pwhash_STRBYTES] = ""; // libsodium may read it to its end
    if (!enter(passwords))
        return -EBUSY;
    strncpy(padded, hash ? hash : nobodys_hash, sizeof(padded) - 1);
    int result = crypto_pwhash_str_verify(padded, password, strlen(password));
    leave(passwords);
    return result == 0 && hash ? 0 : -EACCES;
}
