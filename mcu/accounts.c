// SPDX-License-Identifier: MIT
// Who signs in, and how often they may try. A sign-in's secret is known to its holder alone: the
// store has a hash of it. Users themselves are in accounts_users.c.
#include "mcu/accounts_internal.h"

#include "mcu/body.h"
#include "mcu/log.h"
#include "mcu/people.h"
#include "mcu/protocol.h"

#include <errno.h>
#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SECRET_RANDOM_BYTES = 32,
    AGENT_MAX = 200,
    LIMITED_MAX = 10000,      // addresses, and accounts, of which the tries are counted
    EXTEND_AFTER_S = 60 * 60, // a sign-in in use is written down that often
    SECONDS_PER_MINUTE = 60,
};
#define SECRET_PREFIX "ts_"
#define DAY_MS        (INT64_C(24) * 3600 * 1000)

int64_t accounts_now_ms(void) {
    return g_get_real_time() / 1000;
}

// ---- life ----

struct accounts *accounts_create(const struct config *config, struct store *store) {
    struct accounts *accounts = sodium_init() < 0 ? NULL : calloc(1, sizeof(*accounts));
    if (!accounts)
        return NULL;
    accounts->config = config;
    accounts->store = store;
    pthread_mutex_init(&accounts->lock, NULL);
    randombytes_buf(accounts->mask, sizeof(accounts->mask));
    int per_minute = config->sign_ins_per_minute;
    accounts->by_address = limit_table_create(LIMITED_MAX, per_minute, per_minute);
    accounts->by_account = limit_table_create(LIMITED_MAX, per_minute, per_minute);
    accounts->passwords = passwords_create();
    if (accounts->by_address && accounts->by_account && accounts->passwords)
        return accounts;
    accounts_destroy(accounts);
    return NULL;
}

void accounts_destroy(struct accounts *accounts) {
    if (!accounts)
        return;
    limit_table_destroy(accounts->by_address);
    limit_table_destroy(accounts->by_account);
    passwords_destroy(accounts->passwords);
    pthread_mutex_destroy(&accounts->lock);
    free(accounts);
}

// ---- how often ----

// The tables count by the second: for them a minute is one.
static int64_t limit_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec) / SECONDS_PER_MINUTE;
}

static int take(struct accounts *accounts, struct limit_table *table, const char *address,
                struct refusal *refusal) {
    pthread_mutex_lock(&accounts->lock);
    bool may = limit_table_take(table, address, limit_now());
    pthread_mutex_unlock(&accounts->lock);
    return may ? 0
               : refusal_set(refusal, 429, "rate-limited",
                             "Too many tries: wait a minute, then try again.");
}

int accounts_take_by_address(struct accounts *accounts, const char *address,
                             struct refusal *refusal) {
    return take(accounts, accounts->by_address, address, refusal);
}

// The table is made for addresses, so an account gets one: 64 bits of a keyed hash.
int accounts_take_by_account(struct accounts *accounts, const char *login,
                             struct refusal *refusal) {
    unsigned char hash[crypto_generichash_BYTES];
    char address[48];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)login, strlen(login),
                       accounts->mask, sizeof(accounts->mask));
    snprintf(address, sizeof(address), "%02x%02x:%02x%02x:%02x%02x:%02x%02x::", hash[0], hash[1],
             hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
    return take(accounts, accounts->by_account, address, refusal);
}

// ---- users as they are here ----

void account_copy(void *data, const struct store_user *found) {
    *(struct account *)data = (struct account){
        .id = found->id,
        .created_unix_ms = found->created_unix_ms,
        .login = g_strdup(found->login),
        .email = g_strdup(found->email),
        .name = g_strdup(found->name),
        .password = g_strdup(found->password),
    };
}

void account_finish(struct account *user) {
    g_free(user->login);
    g_free(user->email);
    g_free(user->name);
    g_free(user->password);
}

json_t *account_stored_json(const struct store_user *user) {
    char created[32], link[LOGIN_MAX + 8];
    protocol_time(user->created_unix_ms, created);
    snprintf(link, sizeof(link), "/r/%s", user->login);
    return json_pack("{s:I, s:s, s:s?, s:s, s:s, s:s, s:s}", "id", (json_int_t)user->id, "login",
                     user->login, "email", user->email, "name", user->name, "room", user->login,
                     "link", link, "created_at", created);
}

json_t *account_json(const struct account *user) {
    return account_stored_json(&(struct store_user){.id = user->id,
                                                    .login = user->login,
                                                    .email = user->email,
                                                    .name = user->name,
                                                    .created_unix_ms = user->created_unix_ms});
}

int accounts_refuse_busy(struct refusal *refusal, int error) {
    if (error == -EBUSY)
        return refusal_set(refusal, 503, "server-busy",
                           "Many are signing in just now: try again in a moment.");
    return refusal_set(refusal, 503, "server-full", "Out of memory.");
}

// ---- sign-ins ----

void accounts_hash_secret(const char *secret, char out[SECRET_HASH_MAX]) {
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)secret, strlen(secret), NULL, 0);
    sodium_bin2hex(out, SECRET_HASH_MAX, hash, sizeof(hash));
}

static void make_secret(char out[ACCOUNTS_SECRET_MAX]) {
    unsigned char random[SECRET_RANDOM_BYTES];
    randombytes_buf(random, sizeof(random));
    strcpy(out, SECRET_PREFIX);
    sodium_bin2base64(out + strlen(SECRET_PREFIX), ACCOUNTS_SECRET_MAX - strlen(SECRET_PREFIX),
                      random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof(random));
}

static int64_t expiry(const struct accounts *accounts, int64_t now_unix_ms) {
    return now_unix_ms + accounts->config->session_days * DAY_MS;
}

static int add_sign_in(struct accounts *accounts, int64_t user, const char *address,
                       const char *agent, char secret[ACCOUNTS_SECRET_MAX]) {
    char hash[SECRET_HASH_MAX], short_agent[AGENT_MAX];
    int64_t now = accounts_now_ms();
    make_secret(secret);
    accounts_hash_secret(secret, hash);
    g_strlcpy(short_agent, agent ? agent : "", sizeof(short_agent));
    return store_add_sign_in(accounts->store,
                             &(struct store_sign_in){.hash = hash,
                                                     .user = user,
                                                     .address = address,
                                                     .agent = short_agent,
                                                     .created_unix_ms = now,
                                                     .expires_unix_ms = expiry(accounts, now)});
}

// Finds who it is, whatever it costs for nobody; *user is zero then.
static int find_by_login(struct accounts *accounts, const char *given, struct account *user,
                         struct refusal *refusal) {
    char *login = g_ascii_strdown(given, -1);
    int error = store_find_user(accounts->store, login, account_copy, user);
    // By what they are, once known: an e-mail gives no tries beyond those of the login.
    int result =
        error && error != -ENOENT
            ? people_refuse_store(refusal, error)
            : accounts_take_by_account(accounts, user->login ? user->login : login, refusal);
    g_free(login);
    return result;
}

int accounts_verify(struct accounts *accounts, const struct account *user, const char *password,
                    struct refusal *refusal) {
    int error = strlen(password) > PASSWORD_BYTES_MAX
                    ? -EACCES
                    : passwords_verify(accounts->passwords, password, user->password);
    if (error == -EACCES)
        return refusal_set(refusal, 401, "sign-in-wrong", "Login or password is wrong.");
    return error ? accounts_refuse_busy(refusal, error) : 0;
}

static int sign_in(struct accounts *accounts, const struct account *user, const char *address,
                   const char *agent, char secret[ACCOUNTS_SECRET_MAX], json_t **out,
                   struct refusal *refusal) {
    int error = add_sign_in(accounts, user->id, address, agent, secret);
    if (error)
        return people_refuse_store(refusal, error);
    *out = json_pack("{s:o, s:s}", "user", account_json(user), "secret", secret);
    log_info("accounts", "%s signed in from %s", user->login, address);
    return *out ? 0 : accounts_refuse_busy(refusal, -ENOMEM);
}

int accounts_sign_in(struct accounts *accounts, const json_t *body, const char *address,
                     const char *agent, char secret[ACCOUNTS_SECRET_MAX], json_t **out,
                     struct refusal *refusal) {
    static const char *const known[] = {"login", "password", NULL};
    const char *login, *password;
    struct account user = {0};
    if (body_check_fields(body, known, refusal) != 0 ||
        people_read_text(body, "login", true, &login, refusal) != 0 ||
        people_read_text(body, "password", true, &password, refusal) != 0 ||
        accounts_take_by_address(accounts, address, refusal) != 0)
        return -1;
    int result = find_by_login(accounts, login, &user, refusal);
    if (result == 0)
        result = accounts_verify(accounts, &user, password, refusal);
    if (result == 0)
        result = sign_in(accounts, &user, address, agent, secret, out, refusal);
    account_finish(&user);
    return result;
}

struct recognised {
    struct caller *caller;
    int64_t expires_unix_ms;
};

static void recognise(void *data, const struct store_sign_in *sign_in) {
    struct recognised *recognised = data;
    recognised->caller->kind = CALLER_USER;
    recognised->caller->user = sign_in->user;
    g_strlcpy(recognised->caller->user_name, sign_in->login, CALLER_NAME_MAX);
    recognised->expires_unix_ms = sign_in->expires_unix_ms;
}

bool accounts_recognise(struct accounts *accounts, const char *secret, struct caller *out) {
    char hash[SECRET_HASH_MAX];
    struct recognised recognised = {.caller = out};
    int64_t now = accounts_now_ms();
    if (!g_str_has_prefix(secret, SECRET_PREFIX))
        return false;
    accounts_hash_secret(secret, hash);
    if (store_get_sign_in(accounts->store, hash, now, recognise, &recognised) != 0)
        return false;
    if (expiry(accounts, now) - recognised.expires_unix_ms > EXTEND_AFTER_S * INT64_C(1000))
        store_extend_sign_in(accounts->store, hash, expiry(accounts, now));
    return true;
}

int accounts_sign_out(struct accounts *accounts, const char *secret) {
    char hash[SECRET_HASH_MAX];
    accounts_hash_secret(secret, hash);
    return store_remove_sign_in(accounts->store, hash);
}

int accounts_sign_out_everywhere(struct accounts *accounts, int64_t user) {
    return store_remove_sign_ins(accounts->store, user, NULL);
}
