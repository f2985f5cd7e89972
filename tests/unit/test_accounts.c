// SPDX-License-Identifier: MIT
#include "mcu/accounts.h"
#include "mcu/log.h"
#include "mcu/password.h"
#include "mcu/store_users.h"
#include "store_place.h"

#include <time.h>

struct world {
    void *place;
    struct config config;
    struct store *store;
    struct accounts *accounts;
};

static const struct caller key = {.kind = CALLER_KEY}, nobody = {.kind = CALLER_NOBODY};

static int make_world(void **state) {
    struct world *world = calloc(1, sizeof(*world));
    log_set_level(getenv("TEST_VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    place_make(&world->place);
    config_init_defaults(&world->config);
    world->config.sign_ins_per_minute = 1000;
    world->store = place_open(world->place);
    world->accounts = accounts_create(&world->config, world->store);
    assert_non_null(world->accounts);
    *state = world;
    return 0;
}

static int end_world(void **state) {
    struct world *world = *state;
    accounts_destroy(world->accounts);
    store_close(world->store);
    config_finish(&world->config);
    place_remove(&world->place);
    free(world);
    return 0;
}

// As after a change of settings.
static void restart(struct world *world) {
    accounts_destroy(world->accounts);
    world->accounts = accounts_create(&world->config, world->store);
}

// ---- what a test says ----

static json_t *parse(const char *text) {
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

// Of a refusal its status, and its code and field in `why`; else 0.
static char why[128];

static int outcome(int result, const struct refusal *refusal) {
    if (result == 0) {
        why[0] = '\0';
        return 0;
    }
    assert_int_equal(result, -1);
    snprintf(why, sizeof(why), "%s%s%s", refusal->code, refusal->field[0] ? " " : "",
             refusal->field);
    return refusal->status;
}

static int add_as(struct world *world, const struct caller *caller, const char *body) {
    struct refusal refusal = {0};
    json_t *json = parse(body), *out = NULL;
    int result = accounts_add_user(world->accounts, caller, json, "192.0.2.1", &out, &refusal);
    assert_true((result == 0) == (out != NULL));
    json_decref(out);
    json_decref(json);
    return outcome(result, &refusal);
}

static int add(struct world *world, const char *body) {
    return add_as(world, &key, body);
}

static int sign_in_from(struct world *world, const char *address, const char *login,
                        const char *password, char secret[ACCOUNTS_SECRET_MAX]) {
    struct refusal refusal = {0};
    json_t *body = json_pack("{s:s, s:s}", "login", login, "password", password), *out = NULL;
    int result =
        accounts_sign_in(world->accounts, body, address, "a browser", secret, &out, &refusal);
    if (result == 0)
        assert_string_equal(json_string_value(json_object_get(out, "secret")), secret);
    json_decref(out);
    json_decref(body);
    return outcome(result, &refusal);
}

static int sign_in(struct world *world, const char *login, const char *password,
                   char secret[ACCOUNTS_SECRET_MAX]) {
    return sign_in_from(world, "192.0.2.1", login, password, secret);
}

static struct caller recognise(struct world *world, const char *secret) {
    struct caller caller = {.kind = CALLER_NOBODY};
    if (!accounts_recognise(world->accounts, secret, &caller))
        assert_int_equal(caller.kind, CALLER_NOBODY);
    return caller;
}

static struct caller add_ada(struct world *world, char secret[ACCOUNTS_SECRET_MAX]) {
    assert_int_equal(add(world, "{\"login\":\"ada\",\"password\":\"lovelace 1815\","
                                "\"email\":\"Ada@Example.org\",\"name\":\"Ada L.\"}"),
                     0);
    assert_int_equal(sign_in(world, "ada", "lovelace 1815", secret), 0);
    struct caller ada = recognise(world, secret);
    assert_int_equal(ada.kind, CALLER_USER);
    return ada;
}

static json_t *get(struct world *world, const struct caller *caller, const char *user) {
    struct refusal refusal = {0};
    json_t *out = NULL;
    outcome(accounts_get_user(world->accounts, caller, user, &out, &refusal), &refusal);
    return out;
}

static int change(struct world *world, const struct caller *caller, const char *user,
                  const char *body) {
    struct refusal refusal = {0};
    json_t *json = parse(body), *out = NULL;
    int result = accounts_change_user(world->accounts, caller, user, json, &out, &refusal);
    json_decref(out);
    json_decref(json);
    return outcome(result, &refusal);
}

static int change_password(struct world *world, const struct caller *caller, const char *user,
                           const char *body, const char *keep) {
    struct refusal refusal = {0};
    json_t *json = parse(body);
    int result = accounts_change_password(world->accounts, caller, user, json, keep, &refusal);
    json_decref(json);
    return outcome(result, &refusal);
}

static void check_text(const json_t *object, const char *field, const char *wanted) {
    const char *text = json_string_value(json_object_get(object, field));
    if (!text || strcmp(text, wanted) != 0)
        fail_msg("%s is %s, not %s", field, text ? text : "missing", wanted);
}

// ---- users ----

static void test_a_user_is_shown_as_they_were_added(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, secret);
    json_t *me = get(world, &ada, "me"), *by_login = get(world, &key, "Ada");
    assert_true(json_equal(me, by_login));
    check_text(me, "login", "ada");
    check_text(me, "email", "ada@example.org");
    check_text(me, "name", "Ada L.");
    check_text(me, "room", "ada");
    check_text(me, "link", "/r/ada");
    assert_int_equal(json_integer_value(json_object_get(me, "id")), ada.user);
    assert_null(json_object_get(me, "password"));
    json_decref(me);
    json_decref(by_login);
}

static void test_a_user_who_cannot_be_is_refused_by_the_field(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *why;
    } rows[] = {
        {"{}", 422, "bad-field login"},
        {"{\"login\":5,\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"a\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"a b\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"../etc\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"x'--\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"a23456789012345678901234567890123\",\"password\":\"12345678\"}", 422,
         "bad-field login"},
        {"{\"login\":\"me\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"Admin\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"api\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"42\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"m-abc\",\"password\":\"12345678\"}", 422, "bad-field login"},
        {"{\"login\":\"ada\"}", 422, "bad-field password"},
        {"{\"login\":\"ada\",\"password\":null}", 422, "bad-field password"},
        {"{\"login\":\"ada\",\"password\":\"1234567\"}", 422, "bad-field password"},
        {"{\"login\":\"ada\",\"password\":\"12345678\",\"email\":\"ada\"}", 422, "bad-field email"},
        {"{\"login\":\"ada\",\"password\":\"12345678\",\"email\":\"a@b.c\\r\\nX: y\"}", 422,
         "bad-field email"},
        {"{\"login\":\"ada\",\"password\":\"12345678\",\"name\":\"\\u202e\"}", 422,
         "bad-field name"},
        {"{\"login\":\"ada\",\"password\":\"12345678\",\"role\":\"admin\"}", 422, "bad-field role"},
        {"{\"login\":\"ada\",\"password\":\"12345678\",\"id\":1}", 422, "bad-field id"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status = add(*state, rows[i].body);
        if (status != rows[i].status || strcmp(why, rows[i].why) != 0)
            fail_msg("%s gives %d %s", rows[i].body, status, why);
    }
    char long_body[256];
    snprintf(long_body, sizeof(long_body), "{\"login\":\"ada\",\"password\":\"%0129d\"}", 1);
    assert_int_equal(add(*state, long_body), 422);
    assert_string_equal(why, "bad-field password");
}

static void test_a_login_and_an_address_belong_to_one(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    add_ada(world, secret);
    assert_int_equal(add(world, "{\"login\":\"ADA\",\"password\":\"12345678\"}"), 409);
    assert_string_equal(why, "login-taken");
    assert_int_equal(add(world, "{\"login\":\"bob\",\"password\":\"12345678\","
                                "\"email\":\"ada@example.ORG\"}"),
                     409);
    assert_string_equal(why, "email-taken");
    assert_int_equal(add(world, "{\"login\":\"bob\",\"password\":\"12345678\"}"), 0);
    assert_int_equal(change(world, &key, "bob", "{\"email\":\"ada@example.org\"}"), 409);
    assert_string_equal(why, "email-taken");
}

static void test_people_sign_up_only_where_the_setting_says_so(void **state) {
    static const char body[] = "{\"login\":\"eve\",\"password\":\"12345678\"}";
    struct world *world = *state;
    assert_int_equal(add_as(world, &nobody, body), 403);
    assert_string_equal(why, "sign-up-closed");
    world->config.sign_up = true;
    assert_int_equal(add_as(world, &nobody, body), 0);
}

// Nobody becomes the owner of a room with people in it by taking its name.
static void test_sign_up_does_not_take_a_room_that_is_there(void **state) {
    static const char body[] = "{\"login\":\"team\",\"password\":\"12345678\"}";
    struct world *world = *state;
    const struct store_room room = {"team", "{}", 1, 0, true};
    world->config.sign_up = true;
    assert_int_equal(store_put_room(world->store, &room), 0);
    assert_int_equal(add_as(world, &nobody, body), 409);
    assert_string_equal(why, "login-taken");
    assert_int_equal(add(world, body), 0); // the operator may
}

static void test_users_reach_themselves_alone(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], id[24];
    struct caller ada = add_ada(world, secret);
    assert_int_equal(add(world, "{\"login\":\"bob\",\"password\":\"12345678\"}"), 0);
    json_t *bob = get(world, &key, "bob");
    snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(json_object_get(bob, "id")));
    json_decref(bob);
    bob = get(world, &key, id);
    check_text(bob, "login", "bob");
    json_decref(bob);
    assert_null(get(world, &ada, "bob"));
    assert_string_equal(why, "user-not-found");
    assert_null(get(world, &ada, id));
    assert_int_equal(change(world, &ada, "bob", "{\"name\":\"x\"}"), 404);
    assert_int_equal(change_password(world, &ada, id, "{\"password\":\"12345678\"}", NULL), 404);
    assert_int_equal(accounts_remove_user(world->accounts, &ada, "bob", NULL), -1);
    assert_null(get(world, &nobody, "ada"));
    assert_string_equal(why, "not-allowed");
    assert_null(get(world, &key, "me"));
    assert_null(get(world, &key, "99999"));
    assert_null(get(world, &key, "ada@example.org"));
    assert_null(get(world, &key, "' OR 1=1 --"));
    assert_null(get(world, &key, ""));
}

static void test_a_change_leaves_what_it_does_not_name(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, secret);
    assert_int_equal(change(world, &ada, "me", "{\"name\":\"Robert'); DROP TABLE users;--\"}"), 0);
    json_t *me = get(world, &ada, "ada");
    check_text(me, "name", "Robert'); DROP TABLE users;--");
    check_text(me, "email", "ada@example.org");
    json_decref(me);
    assert_int_equal(change(world, &ada, "me", "{\"email\":null}"), 0);
    me = get(world, &ada, "me");
    assert_true(json_is_null(json_object_get(me, "email")));
    json_decref(me);
    assert_int_equal(change(world, &ada, "me", "{\"login\":\"eve\"}"), 422);
    assert_string_equal(why, "bad-field login");
    assert_int_equal(change(world, &ada, "me", "{\"name\":null}"), 422);
    assert_int_equal(sign_in(world, "ada", "lovelace 1815", secret), 0);
}

static void test_users_are_listed_page_by_page(void **state) {
    struct world *world = *state;
    struct refusal refusal;
    char cursor[64] = "", seen[64] = "";
    add(world, "{\"login\":\"carl\",\"password\":\"12345678\"}");
    add(world, "{\"login\":\"ada\",\"password\":\"12345678\"}");
    add(world, "{\"login\":\"bob\",\"password\":\"12345678\"}");
    int pages = 0;
    do {
        json_t *page = NULL, *user;
        size_t i;
        assert_int_equal(
            accounts_list_users(world->accounts, cursor[0] ? cursor : NULL, 2, &page, &refusal), 0);
        json_array_foreach(json_object_get(page, "users"), i, user) {
            g_strlcat(seen, json_string_value(json_object_get(user, "login")), sizeof(seen));
            g_strlcat(seen, " ", sizeof(seen));
        }
        const char *next = json_string_value(json_object_get(page, "next_cursor"));
        g_strlcpy(cursor, next ? next : "", sizeof(cursor));
        json_decref(page);
    } while (cursor[0] && ++pages < 5);
    assert_string_equal(seen, "ada bob carl ");
    json_t *out = NULL;
    assert_int_equal(accounts_list_users(world->accounts, "no cursor!", 2, &out, &refusal), -1);
    assert_int_equal(refusal.status, 422);
}

// ---- sign-ins ----

static void test_a_sign_in_lasts_across_a_restart_and_only_its_hash_is_kept(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], other[ACCOUNTS_SECRET_MAX], *file = NULL;
    gsize bytes;
    add_ada(world, secret);
    assert_int_equal(strncmp(secret, "ts_", 3), 0);
    assert_int_equal(strlen(secret), 3 + 43);
    assert_int_equal(sign_in(world, "Ada@example.org", "lovelace 1815", other), 0);
    assert_string_not_equal(secret, other);
    restart(world);
    struct caller ada = recognise(world, secret);
    assert_string_equal(ada.user_name, "ada");
    assert_int_equal(recognise(world, other).user, ada.user);
    store_close(world->store);
    struct store_place *place = world->place;
    assert_true(g_file_get_contents(place->path, &file, &bytes, NULL));
    assert_null(memmem(file, bytes, secret + 3, 43));
    assert_null(memmem(file, bytes, "lovelace", 8));
    assert_non_null(memmem(file, bytes, "$argon2id$", 10));
    g_free(file);
    world->store = place_open(place);
    restart(world);
}

static void test_a_wrong_sign_in_does_not_say_what_was_wrong(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], long_password[300];
    add_ada(world, secret);
    memset(long_password, 'x', sizeof(long_password) - 1);
    long_password[sizeof(long_password) - 1] = '\0';
    static const char *const pairs[][2] = {{"ada", "lovelace 1816"},
                                           {"ada", ""},
                                           {"eve", "lovelace 1815"},
                                           {"", ""},
                                           {"ada' --", "lovelace 1815"}};
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        assert_int_equal(sign_in(world, pairs[i][0], pairs[i][1], secret), 401);
        assert_string_equal(why, "sign-in-wrong");
    }
    assert_int_equal(sign_in(world, "ada", long_password, secret), 401);
    assert_int_equal(recognise(world, "ts_").kind, CALLER_NOBODY);
    assert_int_equal(recognise(world, "").kind, CALLER_NOBODY);
    assert_int_equal(recognise(world, "ts_' OR 1=1 --").kind, CALLER_NOBODY);
}

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// The work is compared, not the time: without the hash it would be a thousandth.
static void test_a_wrong_password_costs_the_same_for_who_is_not_there(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    int64_t known_ns = INT64_MAX, unknown_ns = INT64_MAX;
    add_ada(world, secret);
    for (int i = 0; i < 3; i++) {
        int64_t start_ns = cpu_ns();
        sign_in(world, "ada", "wrong password", secret);
        int64_t middle_ns = cpu_ns();
        sign_in(world, "eve", "wrong password", secret);
        known_ns = MIN(known_ns, middle_ns - start_ns);
        unknown_ns = MIN(unknown_ns, cpu_ns() - middle_ns);
    }
    assert_true(unknown_ns > known_ns / 3);
    assert_true(known_ns > unknown_ns / 3);
}

static void test_tries_are_limited_by_address(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], login[16];
    world->config.sign_ins_per_minute = 3;
    restart(world);
    for (int i = 0; i < 3; i++) {
        snprintf(login, sizeof(login), "user%d", i);
        assert_int_equal(sign_in_from(world, "192.0.2.9", login, "12345678", secret), 401);
    }
    assert_int_equal(sign_in_from(world, "192.0.2.9", "other", "12345678", secret), 429);
    assert_string_equal(why, "rate-limited");
    assert_int_equal(sign_in_from(world, "192.0.2.10", "other", "12345678", secret), 401);
}

static void test_tries_are_limited_by_account_whoever_asks(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], address[32];
    struct caller ada = add_ada(world, secret);
    world->config.sign_ins_per_minute = 4;
    restart(world);
    for (int i = 0; i < 4; i++) { // whatever name is used
        snprintf(address, sizeof(address), "192.0.2.%d", i + 1);
        assert_int_equal(
            sign_in_from(world, address, i % 2 ? "ADA" : "ada@example.org", "12345678", secret),
            401);
    }
    assert_int_equal(sign_in_from(world, "192.0.2.99", "ada", "lovelace 1815", secret), 429);
    assert_int_equal(change_password(world, &ada, "me",
                                     "{\"old_password\":\"x\",\"password\":\"12345678\"}", NULL),
                     429);
    // Who is not there is counted the same.
    for (int i = 0; i < 5; i++) {
        snprintf(address, sizeof(address), "198.51.100.%d", i + 1);
        assert_int_equal(sign_in_from(world, address, "eve", "12345678", secret),
                         i < 4 ? 401 : 429);
    }
}

static void test_signing_out_ends_one_sign_in_or_all(void **state) {
    struct world *world = *state;
    char first[ACCOUNTS_SECRET_MAX], second[ACCOUNTS_SECRET_MAX], third[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, first);
    sign_in(world, "ada", "lovelace 1815", second);
    sign_in(world, "ada", "lovelace 1815", third);
    assert_int_equal(accounts_sign_out(world->accounts, first), 0);
    assert_int_equal(accounts_sign_out(world->accounts, "ts_nobody's"), 0);
    assert_int_equal(recognise(world, first).kind, CALLER_NOBODY);
    assert_int_equal(recognise(world, second).kind, CALLER_USER);
    assert_int_equal(accounts_sign_out_everywhere(world->accounts, ada.user), 0);
    assert_int_equal(recognise(world, second).kind, CALLER_NOBODY);
    assert_int_equal(recognise(world, third).kind, CALLER_NOBODY);
}

static void test_a_sign_in_that_is_used_goes_on(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    add_ada(world, secret);
    int64_t now_s = place_now_ms() / 1000;
    place_execute(world->place, "UPDATE sign_ins SET expires_unix_ms = expires_unix_ms"
                                " - 29 * 86400000");
    assert_int_equal(recognise(world, secret).kind, CALLER_USER);
    int left_s = place_query(world->place, "SELECT expires_unix_ms / 1000 - 29 * 86400 -"
                                           " created_unix_ms / 1000 FROM sign_ins");
    assert_true(left_s > 86400 / 2);
    place_execute(world->place, "UPDATE sign_ins SET expires_unix_ms = 1");
    assert_int_equal(recognise(world, secret).kind, CALLER_NOBODY);
    assert_int_equal(store_forget(world->store, now_s * 1000, 0), 0);
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM sign_ins"), 0);
}

static void test_sign_ins_of_a_user_do_not_pile_up(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX], hash[16];
    struct caller ada = add_ada(world, secret);
    for (int i = 0; i < STORE_SIGN_INS_MAX; i++) {
        snprintf(hash, sizeof(hash), "hash%d", i);
        assert_int_equal(
            store_add_sign_in(world->store, &(struct store_sign_in){.hash = hash,
                                                                    .user = ada.user,
                                                                    .expires_unix_ms = INT64_MAX}),
            0);
    }
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM sign_ins"),
                     STORE_SIGN_INS_MAX);
    assert_int_equal(recognise(world, secret).kind, CALLER_NOBODY); // it was the oldest
}

static void test_a_new_password_ends_the_other_sign_ins(void **state) {
    struct world *world = *state;
    char mine[ACCOUNTS_SECRET_MAX], other[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, mine);
    sign_in(world, "ada", "lovelace 1815", other);
    assert_int_equal(change_password(world, &ada, "me", "{\"password\":\"countess 1852\"}", mine),
                     422);
    assert_string_equal(why, "bad-field old_password");
    assert_int_equal(change_password(world, &ada, "me",
                                     "{\"old_password\":\"guess\","
                                     "\"password\":\"countess 1852\"}",
                                     mine),
                     403);
    assert_string_equal(why, "password-wrong");
    assert_int_equal(recognise(world, other).kind, CALLER_USER);
    assert_int_equal(change_password(world, &ada, "me",
                                     "{\"old_password\":\"lovelace 1815\","
                                     "\"password\":\"countess 1852\"}",
                                     mine),
                     0);
    assert_int_equal(recognise(world, mine).kind, CALLER_USER);
    assert_int_equal(recognise(world, other).kind, CALLER_NOBODY);
    assert_int_equal(sign_in(world, "ada", "lovelace 1815", other), 401);
    assert_int_equal(sign_in(world, "ada", "countess 1852", other), 0);
    // The operator needs no old one, and ends them all.
    assert_int_equal(change_password(world, &key, "ada", "{\"password\":\"forgotten 1\"}", NULL),
                     0);
    assert_int_equal(recognise(world, mine).kind, CALLER_NOBODY);
    assert_int_equal(sign_in(world, "ada", "forgotten 1", other), 0);
}

static void test_with_a_user_goes_what_is_theirs(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, secret);
    int64_t call, other_call, presence, id;
    const struct store_room room = {"ada", "{}", 1, ada.user, true},
                            other = {"bob", "{}", 1, 0, true};
    store_put_room(world->store, &room);
    store_put_room(world->store, &other);
    store_begin_call(world->store, "ada", ada.user, "", 1, &call);
    store_begin_call(world->store, "bob", 0, "", 1, &other_call);
    store_begin_presence(world->store, other_call, "Ada", ada.user, 1, &presence);
    store_add_message(world->store, "ada", "m1", "Ada", "of a call", place_now_ms(), &id);
    store_add_message(world->store, "bob", "m1", "Ada", "elsewhere", place_now_ms(), &id);
    struct refusal refusal;
    assert_int_equal(accounts_remove_user(world->accounts, &ada, "me", &refusal), 0);
    assert_int_equal(accounts_remove_user(world->accounts, &ada, "me", &refusal), -1);
    assert_int_equal(refusal.status, 404);
    assert_int_equal(recognise(world, secret).kind, CALLER_NOBODY);
    assert_int_equal(place_query(world->place,
                                 "SELECT (SELECT count(*) FROM users)"
                                 " + (SELECT count(*) FROM sign_ins)"
                                 " + (SELECT count(*) FROM rooms WHERE name = 'ada')"
                                 " + (SELECT count(*) FROM calls WHERE room = 'ada')"
                                 " + (SELECT count(*) FROM messages WHERE room = 'ada')"),
                     0);
    assert_int_equal(place_query(world->place, "SELECT (SELECT count(*) FROM rooms)"
                                               " + (SELECT count(*) FROM calls)"
                                               " + (SELECT count(*) FROM messages)"
                                               " + (SELECT count(*) FROM presences"
                                               " WHERE user IS NULL)"),
                     4);
    int64_t owner = 7;
    assert_int_equal(store_get_room_owner(world->store, "ada", &owner), 0);
    assert_int_equal(owner, 0);
    assert_int_equal(
        store_add_sign_in(world->store, &(struct store_sign_in){.hash = "h", .user = ada.user}),
        -ENOENT);
}

static void test_the_owner_of_a_room_is_found_by_their_login(void **state) {
    struct world *world = *state;
    char secret[ACCOUNTS_SECRET_MAX];
    struct caller ada = add_ada(world, secret);
    int64_t owner = 0;
    assert_int_equal(store_get_room_owner(world->store, "ada", &owner), 0);
    assert_int_equal(owner, ada.user);
    const struct store_room room = {"studio", "{}", 1, ada.user, false};
    store_put_room(world->store, &room);
    assert_int_equal(store_get_room_owner(world->store, "studio", &owner), 0);
    assert_int_equal(owner, ada.user);
}

// ---- passwords ----

struct hasher {
    struct passwords *passwords;
    int ok, busy;
};

static void *hash_some(void *user) {
    struct hasher *hasher = user;
    char hash[PASSWORD_HASH_MAX];
    for (int i = 0; i < 3; i++) {
        int error = passwords_hash(hasher->passwords, "12345678", hash);
        hasher->ok += error == 0;
        hasher->busy += error == -EBUSY;
    }
    return NULL;
}

static void test_few_passwords_are_hashed_at_once_and_the_others_are_told(void **state) {
    enum { HASHERS = 6 };
    struct passwords *passwords = passwords_create();
    struct hasher hashers[HASHERS];
    pthread_t threads[HASHERS];
    int ok = 0, busy = 0;
    for (int i = 0; i < HASHERS; i++) {
        hashers[i] = (struct hasher){passwords, 0, 0};
        pthread_create(&threads[i], NULL, hash_some, &hashers[i]);
    }
    for (int i = 0; i < HASHERS; i++) {
        pthread_join(threads[i], NULL);
        ok += hashers[i].ok;
        busy += hashers[i].busy;
    }
    assert_int_equal(ok + busy, 3 * HASHERS);
    assert_true(ok >= 2);
    char hash[PASSWORD_HASH_MAX];
    assert_int_equal(passwords_hash(passwords, "12345678", hash), 0); // and all have left
    assert_int_equal(passwords_verify(passwords, "12345678", hash), 0);
    assert_int_equal(passwords_verify(passwords, "12345679", hash), -EACCES);
    assert_int_equal(passwords_verify(passwords, "12345678", NULL), -EACCES);
    passwords_destroy(passwords);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, make_world, end_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_user_is_shown_as_they_were_added),
        WORLD_TEST(test_a_user_who_cannot_be_is_refused_by_the_field),
        WORLD_TEST(test_a_login_and_an_address_belong_to_one),
        WORLD_TEST(test_people_sign_up_only_where_the_setting_says_so),
        WORLD_TEST(test_sign_up_does_not_take_a_room_that_is_there),
        WORLD_TEST(test_users_reach_themselves_alone),
        WORLD_TEST(test_a_change_leaves_what_it_does_not_name),
        WORLD_TEST(test_users_are_listed_page_by_page),
        WORLD_TEST(test_a_sign_in_lasts_across_a_restart_and_only_its_hash_is_kept),
        WORLD_TEST(test_a_wrong_sign_in_does_not_say_what_was_wrong),
        WORLD_TEST(test_a_wrong_password_costs_the_same_for_who_is_not_there),
        WORLD_TEST(test_tries_are_limited_by_address),
        WORLD_TEST(test_tries_are_limited_by_account_whoever_asks),
        WORLD_TEST(test_signing_out_ends_one_sign_in_or_all),
        WORLD_TEST(test_a_sign_in_that_is_used_goes_on),
        WORLD_TEST(test_sign_ins_of_a_user_do_not_pile_up),
        WORLD_TEST(test_a_new_password_ends_the_other_sign_ins),
        WORLD_TEST(test_with_a_user_goes_what_is_theirs),
        WORLD_TEST(test_the_owner_of_a_room_is_found_by_their_login),
        WORLD_TEST(test_few_passwords_are_hashed_at_once_and_the_others_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
