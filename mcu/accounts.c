// SPDX-License-Identifier: MIT
#include "mcu/accounts.h"

#include <stdlib.h>

struct accounts {
    struct store *store;
};

struct accounts *accounts_create(const struct config *config, struct store *store) {
    struct accounts *accounts = calloc(1, sizeof(*accounts));
    if (accounts)
        accounts->store = store;
    return accounts;
}

void accounts_destroy(struct accounts *accounts) {
    free(accounts);
}

bool accounts_recognise(struct accounts *accounts, const char *secret, struct caller *out) {
    return false;
}
