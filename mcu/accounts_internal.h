// SPDX-License-Identifier: MIT
// What the files of accounts share. Part of accounts.
#ifndef MCU_ACCOUNTS_INTERNAL_H
#define MCU_ACCOUNTS_INTERNAL_H

#include "mcu/accounts.h"
#include "mcu/limit.h"
#include "mcu/password.h"
#include "mcu/store_users.h"

#include <pthread.h>
#include <sodium.h>

enum { LOGIN_MIN = 2, LOGIN_MAX = 32, SECRET_HASH_MAX = 2 * crypto_generichash_BYTES + 1 };

struct accounts {
    const struct config *config;
    struct store *store;
    struct passwords *passwords;
    unsigned char mask[crypto_generichash_KEYBYTES]; // of the accounts' places in their table

    // Protected by lock.
    pthread_mutex_t lock;
    struct limit_table *by_address, *by_account;
};

// A user, with texts of its own: a zeroed one is nobody.
struct account {
    int64_t id, created_unix_ms;
    char *login, *email, *name, *password;
};

void account_copy(void *account, const struct store_user *found); // for the store's callbacks
void account_finish(struct account *account);
json_t *account_json(const struct account *account); // as REST shows it
json_t *account_stored_json(const struct store_user *user);

int64_t accounts_now_ms(void); // Unix time
void accounts_hash_secret(const char *secret, char out[SECRET_HASH_MAX]);

// Each 0, or -1 and *refusal.
int accounts_take_by_address(struct accounts *accounts, const char *address,
                             struct refusal *refusal);
int accounts_take_by_account(struct accounts *accounts, const char *login, struct refusal *refusal);
// Is it theirs? It takes as long for nobody. 401 `sign-in-wrong`.
int accounts_verify(struct accounts *accounts, const struct account *user, const char *password,
                    struct refusal *refusal);
int accounts_refuse_busy(struct refusal *refusal, int error); // of a hash; -1

#endif
