// SPDX-License-Identifier: MIT
// Users: who they may be, and who may change them.
#include "mcu/accounts_internal.h"

#include "mcu/body.h"
#include "mcu/log.h"
#include "mcu/people.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

static int refuse_unknown(struct refusal *refusal) {
    return refusal_set(refusal, 404, "user-not-found", "There is no such user.");
}

// ---- what a person gives ----

// Those that a login may not be, since it names a room and stands in paths. Sorted.
static const char *const reserved[] = {
    "admin",   "administrator", "api",      "call",
    "docs",    "guest",         "help",     "host",
    "me",      "meeting",       "meetings", "moderator",
    "new",     "nobody",        "null",     "operator",
    "room",    "rooms",         "root",     "server",
    "session", "settings",      "sign-in",  "sign-up",
    "support", "system",        "tessera",  "undefined",
    "user",    "users",         "webhook",  "ws",
};

static bool is_reserved(const char *login) {
    for (size_t i = 0; i < G_N_ELEMENTS(reserved); i++)
        if (strcmp(reserved[i], login) == 0)
            return true;
    // Names of rooms that are made up; and a number would be somebody's id.
    return g_str_has_prefix(login, "m-") || g_str_has_prefix(login, "r-") ||
           login[strspn(login, "0123456789")] == '\0';
}

static int read_login(const json_t *body, char out[ROOM_NAME_MAX], struct refusal *refusal) {
    const char *given;
    if (people_read_text(body, "login", true, &given, refusal) != 0)
        return -1;
    if (!protocol_clean_room_name(given, out) || strlen(out) < LOGIN_MIN || strlen(out) > LOGIN_MAX)
        return body_refuse(refusal, "login", "must be %d to %d letters a-z, digits, - or _",
                           LOGIN_MIN, LOGIN_MAX);
    if (is_reserved(out))
        return body_refuse(refusal, "login", "is a name that nobody can have");
    return 0;
}

static int read_email(const json_t *body, char **out, struct refusal *refusal) {
    const char *given;
    if (people_read_text(body, "email", false, &given, refusal) != 0)
        return -1;
    if (given && !people_is_email(given))
        return body_refuse(refusal, "email", "must be an e-mail address");
    *out = given ? g_ascii_strdown(given, -1) : NULL;
    return 0;
}

static int read_password(const json_t *body, const char **out, struct refusal *refusal) {
    if (people_read_text(body, "password", true, out, refusal) != 0)
        return -1;
    size_t bytes = strlen(*out);
    if (bytes < PASSWORD_BYTES_MIN || bytes > PASSWORD_BYTES_MAX)
        return body_refuse(refusal, "password", "must be %d to %d bytes long", PASSWORD_BYTES_MIN,
                           PASSWORD_BYTES_MAX);
    return 0;
}

// ---- what is done ----

// Whose login or e-mail is it?
static int refuse_taken(struct accounts *accounts, const char *login, const char *email,
                        struct refusal *refusal) {
    struct account other = {0};
    bool is_email =
        (!login || store_find_user(accounts->store, login, account_copy, &other) != 0) && email &&
        store_find_user(accounts->store, email, account_copy, &other) == 0;
    account_finish(&other);
    if (is_email || !login)
        return refusal_set(refusal, 409, "email-taken", "This e-mail address has an account.");
    return refusal_set(refusal, 409, "login-taken", "This login is taken.");
}

static int add_user(struct accounts *accounts, const struct caller *caller,
                    const struct store_user *given, const char *password, json_t **out,
                    struct refusal *refusal) {
    char hash[PASSWORD_HASH_MAX];
    struct store_user user = *given;
    int error = passwords_hash(accounts->passwords, password, hash);
    if (error)
        return accounts_refuse_busy(refusal, error);
    user.password = hash;
    user.created_unix_ms = accounts_now_ms();
    error = store_add_user(accounts->store, &user, caller->kind == CALLER_KEY, &user.id);
    if (error == -EEXIST)
        return refuse_taken(accounts, user.login, user.email, refusal);
    if (error)
        return people_refuse_store(refusal, error);
    log_info("accounts", "user %s was added", user.login);
    *out = account_stored_json(&user);
    return *out ? 0 : accounts_refuse_busy(refusal, -ENOMEM);
}

static int may_add(struct accounts *accounts, const struct caller *caller, const char *address,
                   struct refusal *refusal) {
    if (caller->kind == CALLER_KEY)
        return 0;
    if (!accounts->config->sign_up)
        return refusal_set(refusal, 403, "sign-up-closed",
                           "Here the operator makes the accounts: ask them for one.");
    return accounts_take_by_address(accounts, address, refusal);
}

int accounts_add_user(struct accounts *accounts, const struct caller *caller, const json_t *body,
                      const char *address, json_t **out, struct refusal *refusal) {
    static const char *const known[] = {"login", "password", "email", "name", NULL};
    char login[ROOM_NAME_MAX], *email = NULL, *name = NULL;
    const char *password, *given_name;
    int result = -1;
    if (may_add(accounts, caller, address, refusal) != 0 ||
        body_check_fields(body, known, refusal) != 0 || read_login(body, login, refusal) != 0 ||
        read_password(body, &password, refusal) != 0 ||
        people_read_text(body, "name", false, &given_name, refusal) != 0 ||
        (given_name &&
         people_read_line(body, "name", accounts->config->name_chars_max, &name, refusal) != 0) ||
        read_email(body, &email, refusal) != 0)
        goto end;
    struct store_user user = {.login = login, .email = email, .name = name ? name : login};
    result = add_user(accounts, caller, &user, password, out, refusal);
end:
    free(name);
    g_free(email);
    return result;
}

struct page {
    json_t *users;
    int limit;
    bool has_more;
    char last[ROOM_NAME_MAX];
};

static void add_to_page(void *data, const struct store_user *found) {
    struct page *page = data;
    if ((int)json_array_size(page->users) == page->limit) {
        page->has_more = true;
        return;
    }
    json_array_append_new(page->users, account_stored_json(found));
    g_strlcpy(page->last, found->login, sizeof(page->last));
}

int accounts_list_users(struct accounts *accounts, const char *cursor, int limit, json_t **out,
                        struct refusal *refusal) {
    char after[ROOM_NAME_MAX] = "";
    if (cursor && !protocol_clean_room_name(cursor, after))
        return body_refuse(refusal, "cursor", "must be the next_cursor of another answer");
    struct page page = {.users = json_array(), .limit = limit};
    int error = store_each_user(accounts->store, after, limit + 1, add_to_page, &page);
    if (error) {
        json_decref(page.users);
        return people_refuse_store(refusal, error);
    }
    *out = json_pack("{s:o, s:s?}", "users", page.users, "next_cursor",
                     page.has_more ? page.last : NULL);
    return *out ? 0 : accounts_refuse_busy(refusal, -ENOMEM);
}

// Whom the caller means, if they may: users reach themselves alone.
static int find_user(struct accounts *accounts, const struct caller *caller, const char *user,
                     struct account *out, struct refusal *refusal) {
    char login[ROOM_NAME_MAX];
    gint64 id = 0;
    int error = -ENOENT;
    bool is_id = g_ascii_string_to_signed(user, 10, 1, INT64_MAX, &id, NULL);
    bool is_login = protocol_clean_room_name(user, login);
    if (caller->kind == CALLER_USER) {
        if (strcmp(user, "me") == 0 || (is_id && id == caller->user) ||
            (is_login && strcmp(login, caller->user_name) == 0))
            error = store_get_user(accounts->store, caller->user, account_copy, out);
    } else if (caller->kind != CALLER_KEY) {
        return refusal_set(refusal, 403, "not-allowed", "This is for people who are signed in.");
    } else if (is_id) {
        error = store_get_user(accounts->store, id, account_copy, out);
    } else if (is_login) {
        error = store_find_user(accounts->store, login, account_copy, out);
    }
    if (error == -ENOENT)
        return refuse_unknown(refusal);
    return error ? people_refuse_store(refusal, error) : 0;
}

static int answer_user(const struct account *user, json_t **out, struct refusal *refusal) {
    *out = account_json(user);
    return *out ? 0 : accounts_refuse_busy(refusal, -ENOMEM);
}

int accounts_get_user(struct accounts *accounts, const struct caller *caller, const char *user,
                      json_t **out, struct refusal *refusal) {
    struct account found = {0};
    int result = find_user(accounts, caller, user, &found, refusal);
    if (result == 0)
        result = answer_user(&found, out, refusal);
    account_finish(&found);
    return result;
}

static int change_user(struct accounts *accounts, struct account *user, const json_t *body,
                       struct refusal *refusal) {
    char *name = NULL;
    if (json_object_get(body, "name")) {
        if (people_read_line(body, "name", accounts->config->name_chars_max, &name, refusal) != 0)
            return -1;
        g_free(user->name);
        user->name = g_strdup(name);
        free(name);
    }
    if (json_object_get(body, "email")) {
        g_free(user->email);
        user->email = NULL;
        if (read_email(body, &user->email, refusal) != 0)
            return -1;
    }
    int error = store_change_user(accounts->store, user->id, user->email, user->name);
    if (error == -EEXIST)
        return refuse_taken(accounts, NULL, user->email, refusal);
    if (error == -ENOENT)
        return refuse_unknown(refusal);
    return error ? people_refuse_store(refusal, error) : 0;
}

int accounts_change_user(struct accounts *accounts, const struct caller *caller, const char *user,
                         const json_t *body, json_t **out, struct refusal *refusal) {
    static const char *const known[] = {"name", "email", NULL};
    struct account found = {0};
    int result = find_user(accounts, caller, user, &found, refusal);
    if (result == 0)
        result = body_check_fields(body, known, refusal);
    if (result == 0)
        result = change_user(accounts, &found, body, refusal);
    if (result == 0)
        result = answer_user(&found, out, refusal);
    account_finish(&found);
    return result;
}

static int check_old_password(struct accounts *accounts, const struct account *user,
                              const json_t *body, struct refusal *refusal) {
    const char *old;
    if (people_read_text(body, "old_password", true, &old, refusal) != 0 ||
        accounts_take_by_account(accounts, user->login, refusal) != 0)
        return -1;
    if (accounts_verify(accounts, user, old, refusal) == 0)
        return 0;
    if (refusal->status == 401)
        refusal_set(refusal, 403, "password-wrong", "The old password is wrong.");
    return -1;
}

static int set_password(struct accounts *accounts, const struct account *user, const char *password,
                        const char *keep_secret, struct refusal *refusal) {
    char hash[PASSWORD_HASH_MAX], keep[SECRET_HASH_MAX] = "";
    int error = passwords_hash(accounts->passwords, password, hash);
    if (error)
        return accounts_refuse_busy(refusal, error);
    if (keep_secret)
        accounts_hash_secret(keep_secret, keep);
    error = store_set_password(accounts->store, user->id, hash, keep);
    if (error == -ENOENT)
        return refuse_unknown(refusal);
    if (error)
        return people_refuse_store(refusal, error);
    log_info("accounts", "the password of %s was changed", user->login);
    return 0;
}

int accounts_change_password(struct accounts *accounts, const struct caller *caller,
                             const char *user, const json_t *body, const char *keep_secret,
                             struct refusal *refusal) {
    static const char *const known[] = {"old_password", "password", NULL};
    const char *password;
    struct account found = {0};
    int result = find_user(accounts, caller, user, &found, refusal);
    if (result == 0)
        result = body_check_fields(body, known, refusal);
    if (result == 0)
        result = read_password(body, &password, refusal);
    if (result == 0 && caller->kind != CALLER_KEY)
        result = check_old_password(accounts, &found, body, refusal);
    if (result == 0)
        result = set_password(accounts, &found, password, keep_secret, refusal);
    account_finish(&found);
    return result;
}

int accounts_each_running_room(struct accounts *accounts, const struct caller *caller,
                               const char *user, void (*each)(void *data, const char *room),
                               void *data, struct refusal *refusal) {
    struct account found = {0};
    int result = find_user(accounts, caller, user, &found, refusal);
    if (result == 0) {
        int error = store_each_running_room(accounts->store, found.id, each, data);
        result = error ? people_refuse_store(refusal, error) : 0;
    }
    account_finish(&found);
    return result;
}

int accounts_remove_user(struct accounts *accounts, const struct caller *caller, const char *user,
                         struct refusal *refusal) {
    struct account found = {0};
    int result = find_user(accounts, caller, user, &found, refusal);
    if (result == 0) {
        int error = store_remove_user(accounts->store, found.id);
        if (!error)
            log_info("accounts", "user %s was removed, with all that was theirs", found.login);
        result = error == -ENOENT ? refuse_unknown(refusal)
                 : error          ? people_refuse_store(refusal, error)
                                  : 0;
    }
    account_finish(&found);
    return result;
}
