// SPDX-License-Identifier: MIT
// Sign-ins, users, meetings and calls over HTTP, with a real store and real accounts behind the
// real server.
#include "http_fixture.h"
#include "store_place.h"

#include "mcu/accounts.h"

static struct {
    void *place;
    struct store *store;
    struct accounts *accounts;
} kept;

static struct hub *start(int sign_ins_per_minute) {
    char error[256] = "";
    struct hub *hub = fixture_prepare();
    hub->config.sign_ins_per_minute = sign_ins_per_minute;
    place_make(&kept.place);
    kept.store = place_open(kept.place);
    kept.accounts = accounts_create(&hub->config, kept.store);
    struct server_world world = {.hub = hub,
                                 .api_key = TEST_KEY,
                                 .token_secret = TEST_SECRET,
                                 .store = kept.store,
                                 .accounts = kept.accounts};
    if (server_create(&world, &hub->server, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    return hub;
}

static void stop(struct hub *hub) {
    fixture_stop(hub);
    accounts_destroy(kept.accounts);
    store_close(kept.store);
    place_remove(&kept.place);
}

// ---- what a test says ----

// As a page of this server does it.
#define OWN_PAGE "Origin: http://test\r\nSec-Fetch-Site: same-origin\r\n"

// The answer's body as JSON (NULL: none or no JSON), its status checked.
static json_t *ask(const struct hub *hub, const char *method, const char *target, const char *more,
                   const char *body, int status) {
    char lines[1024];
    snprintf(lines, sizeof(lines), "%s%s", more, body ? JSON_LINE : "");
    struct answer *answer = client_ask(hub, method, target, lines, body);
    if (answer->status != status)
        fail_msg("%s %s gives %d, not %d: %s", method, target, answer->status, status,
                 answer->body ? answer->body : "");
    json_t *json = answer->body ? json_loadb(answer->body, answer->body_bytes, 0, NULL) : NULL;
    free(answer);
    return json;
}

static void expect(const struct hub *hub, const char *method, const char *target, const char *more,
                   const char *body, int status, const char *code) {
    json_t *json = ask(hub, method, target, more, body, status);
    const char *given = json_string_value(json_object_get(json, "code"));
    if (code && (!given || strcmp(given, code) != 0))
        fail_msg("%s %s says %s, not %s", method, target, given ? given : "nothing", code);
    json_decref(json);
}

static const char *text_of(const json_t *object, const char *field) {
    const char *text = json_string_value(json_object_get(object, field));
    return text ? text : "(none)";
}

struct sign_in {
    char cookie[128], bearer[160]; // header lines
};

static struct sign_in sign_in(const struct hub *hub, const char *login, const char *password) {
    struct sign_in signed_in;
    char body[256], start_of_cookie[128];
    snprintf(body, sizeof(body), "{\"login\":\"%s\",\"password\":\"%s\"}", login, password);
    struct answer *answer = client_ask(hub, "POST", "/api/v1/session", JSON_LINE, body);
    assert_int_equal(answer->status, 200);
    json_t *json = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *secret = text_of(json, "secret");
    assert_string_equal(text_of(json_object_get(json, "user"), "login"), login);
    snprintf(signed_in.cookie, sizeof(signed_in.cookie), "Cookie: tessera_session=%s\r\n", secret);
    snprintf(signed_in.bearer, sizeof(signed_in.bearer), "Authorization: Bearer %s\r\n", secret);
    snprintf(start_of_cookie, sizeof(start_of_cookie), "tessera_session=%s; Path=/; Max-Age=%d; ",
             secret, 30 * 24 * 3600);
    const char *cookie = answer_header(answer, "Set-Cookie");
    assert_non_null(cookie);
    assert_int_equal(strncmp(cookie, start_of_cookie, strlen(start_of_cookie)), 0);
    assert_non_null(strstr(cookie, "HttpOnly"));
    assert_non_null(strstr(cookie, "SameSite=Lax"));
    assert_null(strstr(cookie, "Secure"));
    json_decref(json);
    free(answer);
    return signed_in;
}

static void add_user(const struct hub *hub, const char *login) {
    char body[128], location[64];
    snprintf(body, sizeof(body), "{\"login\":\"%s\",\"password\":\"password of %s\"}", login,
             login);
    struct answer *answer = client_ask(hub, "POST", "/api/v1/users", KEY_LINE JSON_LINE, body);
    assert_int_equal(answer->status, 201);
    json_t *json = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    snprintf(location, sizeof(location), "/api/v1/users/%lld",
             (long long)json_integer_value(json_object_get(json, "id")));
    assert_string_equal(answer_header(answer, "Location"), location);
    json_decref(json);
    free(answer);
    json = ask(hub, "GET", location, KEY_LINE, NULL, 200);
    assert_string_equal(text_of(json, "login"), login);
    json_decref(json);
}

// ---- sign-ins ----

static void test_who_signs_in_is_known_by_cookie_and_by_secret(void **state) {
    struct hub *hub = start(1000);
    add_user(hub, "ada");
    struct sign_in ada = sign_in(hub, "ada", "password of ada");
    expect(hub, "GET", "/api/v1/session", "", NULL, 401, "sign-in-required");
    expect(hub, "GET", "/api/v1/session", KEY_LINE, NULL, 401, "sign-in-required");
    expect(hub, "GET", "/api/v1/session", "Cookie: tessera_session=ts_other\r\n", NULL, 401, NULL);
    json_t *json = ask(hub, "GET", "/api/v1/session", ada.cookie, NULL, 200);
    assert_string_equal(text_of(json_object_get(json, "user"), "login"), "ada");
    json_decref(json);
    json = ask(hub, "GET", "/api/v1/users/me", ada.bearer, NULL, 200);
    assert_string_equal(text_of(json, "link"), "/r/ada");
    json_decref(json);
    stop(hub);
}

static void test_the_cookie_is_for_tls_alone_under_tls(void **state) {
    struct hub *hub = start(1000);
    add_user(hub, "ada");
    struct answer *answer =
        client_ask(hub, "POST", "/api/v1/session", JSON_LINE "X-Forwarded-Proto: https\r\n",
                   "{\"login\":\"ada\",\"password\":\"password of ada\"}");
    assert_non_null(strstr(answer_header(answer, "Set-Cookie"), "; Secure"));
    free(answer);
    stop(hub);
}

static void test_a_wrong_sign_in_sets_no_cookie(void **state) {
    struct hub *hub = start(1000);
    add_user(hub, "ada");
    static const char *const bodies[] = {"{\"login\":\"ada\",\"password\":\"wrong one\"}",
                                         "{\"login\":\"eve\",\"password\":\"password of ada\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        struct answer *answer = client_ask(hub, "POST", "/api/v1/session", JSON_LINE, bodies[i]);
        assert_int_equal(answer->status, 401);
        assert_string_equal(answer_code(answer), "sign-in-wrong");
        assert_null(answer_header(answer, "Set-Cookie"));
        free(answer);
    }
    expect(hub, "POST", "/api/v1/session", "", "{\"login\":\"ada\"}", 422, "bad-field");
    expect(hub, "POST", "/api/v1/session", "", "{\"login\":[],\"password\":{}}", 422, "bad-field");
    expect(hub, "POST", "/api/v1/session", "", "[", 400, "bad-json");
    stop(hub);
}

static void test_who_tries_too_often_must_wait(void **state) {
    struct hub *hub = start(3);
    for (int i = 0; i < 3; i++)
        expect(hub, "POST", "/api/v1/session", "", "{\"login\":\"ada\",\"password\":\"x\"}", 401,
               "sign-in-wrong");
    struct answer *answer = client_ask(hub, "POST", "/api/v1/session", JSON_LINE,
                                       "{\"login\":\"bob\",\"password\":\"x\"}");
    assert_int_equal(answer->status, 429);
    assert_string_equal(answer_code(answer), "rate-limited");
    assert_non_null(answer_header(answer, "Retry-After"));
    free(answer);
    stop(hub);
}

static void test_signing_out_takes_the_cookie_away(void **state) {
    struct hub *hub = start(1000);
    char lines[256];
    add_user(hub, "ada");
    struct sign_in first = sign_in(hub, "ada", "password of ada"),
                   second = sign_in(hub, "ada", "password of ada"),
                   third = sign_in(hub, "ada", "password of ada");
    snprintf(lines, sizeof(lines), OWN_PAGE "%s", first.cookie);
    struct answer *answer = client_ask(hub, "DELETE", "/api/v1/session", lines, NULL);
    assert_int_equal(answer->status, 204);
    assert_non_null(strstr(answer_header(answer, "Set-Cookie"), "tessera_session=; Path=/; "
                                                                "Max-Age=0"));
    free(answer);
    expect(hub, "GET", "/api/v1/session", first.cookie, NULL, 401, NULL);
    expect(hub, "GET", "/api/v1/session", second.cookie, NULL, 200, NULL);
    // Another site's page ends nothing.
    snprintf(lines, sizeof(lines), "Origin: http://evil.test\r\n%s", second.cookie);
    expect(hub, "DELETE", "/api/v1/session?everywhere=true", lines, NULL, 401, NULL);
    expect(hub, "DELETE", "/api/v1/session?everywhere=maybe", second.bearer, NULL, 422,
           "bad-field");
    expect(hub, "DELETE", "/api/v1/session?everywhere=true", second.bearer, NULL, 204, NULL);
    expect(hub, "GET", "/api/v1/session", second.bearer, NULL, 401, "sign-in-ended");
    expect(hub, "GET", "/api/v1/session", third.cookie, NULL, 401, NULL);
    stop(hub);
}

// ---- users ----

static void test_a_new_password_leaves_the_one_who_set_it_signed_in(void **state) {
    struct hub *hub = start(1000);
    add_user(hub, "ada");
    struct sign_in mine = sign_in(hub, "ada", "password of ada"),
                   other = sign_in(hub, "ada", "password of ada");
    expect(hub, "PUT", "/api/v1/users/me/password", mine.bearer,
           "{\"old_password\":\"wrong one\",\"password\":\"new password\"}", 403, "password-wrong");
    expect(hub, "PUT", "/api/v1/users/ada/password", mine.bearer,
           "{\"old_password\":\"password of ada\",\"password\":\"new password\"}", 204, NULL);
    expect(hub, "GET", "/api/v1/session", mine.bearer, NULL, 200, NULL);
    expect(hub, "GET", "/api/v1/session", other.bearer, NULL, 401, "sign-in-ended");
    sign_in(hub, "ada", "new password");
    expect(hub, "PUT", "/api/v1/users/ada/password", KEY_LINE, "{\"password\":\"of the operator\"}",
           204, NULL);
    expect(hub, "GET", "/api/v1/session", mine.bearer, NULL, 401, "sign-in-ended");
    stop(hub);
}

static void test_users_change_and_remove_themselves_alone(void **state) {
    struct hub *hub = start(1000);
    add_user(hub, "ada");
    add_user(hub, "bob");
    struct sign_in ada = sign_in(hub, "ada", "password of ada");
    expect(hub, "GET", "/api/v1/users", ada.bearer, NULL, 403, "not-allowed");
    expect(hub, "GET", "/api/v1/users/bob", ada.bearer, NULL, 404, "user-not-found");
    expect(hub, "PATCH", "/api/v1/users/bob", ada.bearer, "{\"name\":\"x\"}", 404,
           "user-not-found");
    expect(hub, "DELETE", "/api/v1/users/bob", ada.bearer, NULL, 404, "user-not-found");
    expect(hub, "POST", "/api/v1/users", ada.bearer,
           "{\"login\":\"eve\",\"password\":\"12345678\"}", 403, "sign-up-closed");
    json_t *json = ask(hub, "PATCH", "/api/v1/users/me", ada.bearer,
                       "{\"name\":\"<b>Ada</b>\",\"email\":\"ada@example.org\"}", 200);
    assert_string_equal(text_of(json, "name"), "<b>Ada</b>");
    json_decref(json);
    json = ask(hub, "GET", "/api/v1/users?limit=1", KEY_LINE, NULL, 200);
    assert_string_equal(text_of(json, "next_cursor"), "ada");
    json_decref(json);
    expect(hub, "GET", "/api/v1/users?cursor=", KEY_LINE, NULL, 422, "bad-field");
    expect(hub, "GET", "/api/v1/users?limit=0", KEY_LINE, NULL, 422, "bad-field");
    expect(hub, "DELETE", "/api/v1/users/me", ada.bearer, NULL, 204, NULL);
    expect(hub, "GET", "/api/v1/session", ada.bearer, NULL, 401, "sign-in-ended");
    expect(hub, "GET", "/api/v1/users/ada", KEY_LINE, NULL, 404, "user-not-found");
    expect(hub, "DELETE", "/api/v1/users/bob", KEY_LINE, NULL, 204, NULL);
    expect(hub, "DELETE", "/api/v1/users/bob", KEY_LINE, NULL, 404, "user-not-found");
    stop(hub);
}

// ---- meetings and calls ----

static void test_a_meeting_goes_by_its_entity_tag(void **state) {
    struct hub *hub = start(1000);
    char path[128], lines[256];
    add_user(hub, "ada");
    struct sign_in ada = sign_in(hub, "ada", "password of ada");
    snprintf(lines, sizeof(lines), "%s" JSON_LINE, ada.bearer);
    struct answer *answer =
        client_ask(hub, "POST", "/api/v1/meetings", lines,
                   "{\"title\":\"Plans\",\"starts_at\":\"2030-01-02T03:04:05Z\"}");
    assert_int_equal(answer->status, 201);
    assert_string_equal(answer_header(answer, "ETag"), "\"1\"");
    snprintf(path, sizeof(path), "%s", answer_header(answer, "Location"));
    assert_int_equal(strncmp(path, "/api/v1/meetings/", 17), 0);
    free(answer);
    snprintf(lines, sizeof(lines), "%sIf-None-Match: \"1\"\r\n", ada.bearer);
    expect(hub, "GET", path, lines, NULL, 200, NULL);
    snprintf(lines, sizeof(lines), "%sIf-Match: \"1\"\r\n", ada.bearer);
    expect(hub, "PATCH", path, lines, "{\"title\":\"Other plans\"}", 200, NULL);
    expect(hub, "PATCH", path, lines, "{\"title\":\"Lost plans\"}", 412, "changed-meanwhile");
    expect(hub, "GET", path, KEY_LINE, NULL, 200, NULL);
    expect(hub, "GET", path, "", NULL, 401, "sign-in-required");
    json_t *json = ask(hub, "GET", "/api/v1/meetings", ada.cookie, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(json, "meetings")), 1);
    assert_true(json_is_null(json_object_get(json, "next_cursor")));
    json_decref(json);
    expect(hub, "DELETE", path, ada.bearer, NULL, 204, NULL);
    expect(hub, "DELETE", path, ada.bearer, NULL, 404, "meeting-not-found");
    stop(hub);
}

static void test_an_invitation_is_a_file_with_an_absolute_link(void **state) {
    struct hub *hub = start(1000);
    char path[160];
    add_user(hub, "ada");
    struct sign_in ada = sign_in(hub, "ada", "password of ada");
    json_t *json = ask(hub, "POST", "/api/v1/meetings", ada.bearer,
                       "{\"title\":\"Plans\",\"starts_at\":\"2030-01-02T03:04:05Z\"}", 201);
    snprintf(path, sizeof(path), "/api/v1/meetings/%s/invitation.ics", text_of(json, "id"));
    struct answer *answer = client_ask(hub, "GET", path, ada.cookie, NULL);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "Content-Type"), "text/calendar; charset=utf-8");
    assert_non_null(strstr(answer_header(answer, "Content-Disposition"), "attachment"));
    assert_non_null(strstr(answer->body, "\r\nLOCATION:http://test/r/m-"));
    free(answer);
    json_decref(json);
    stop(hub);
}

static void test_calls_are_shown_to_whose_room_it_was(void **state) {
    struct hub *hub = start(1000);
    int64_t owner, call;
    char path[64];
    add_user(hub, "ada");
    add_user(hub, "bob");
    struct sign_in ada = sign_in(hub, "ada", "password of ada"),
                   bob = sign_in(hub, "bob", "password of bob");
    assert_int_equal(store_get_room_owner(kept.store, "ada", &owner), 0);
    assert_int_equal(store_begin_call(kept.store, "ada", owner, "", 1000, &call), 0);
    snprintf(path, sizeof(path), "/api/v1/calls/%lld", (long long)call);
    expect(hub, "DELETE", path, ada.bearer, NULL, 409, "call-running");
    assert_int_equal(store_end_call(kept.store, call, 2000), 0);
    json_t *json = ask(hub, "GET", "/api/v1/calls", ada.bearer, NULL, 200);
    json_t *first = json_array_get(json_object_get(json, "calls"), 0);
    assert_string_equal(text_of(first, "started_at"), "1970-01-01T00:00:01.000Z");
    assert_true(json_is_null(json_object_get(first, "title")));
    json_decref(json);
    json = ask(hub, "GET", path, ada.bearer, NULL, 200);
    assert_true(json_is_array(json_object_get(json, "people")));
    json_decref(json);
    json = ask(hub, "GET", "/api/v1/calls", bob.bearer, NULL, 200);
    assert_int_equal(json_array_size(json_object_get(json, "calls")), 0);
    json_decref(json);
    expect(hub, "GET", path, bob.bearer, NULL, 404, "call-not-found");
    expect(hub, "DELETE", path, bob.bearer, NULL, 404, "call-not-found");
    expect(hub, "DELETE", path, ada.bearer, NULL, 204, NULL);
    expect(hub, "GET", path, KEY_LINE, NULL, 404, "call-not-found");
    stop(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_signs_in_is_known_by_cookie_and_by_secret),
        cmocka_unit_test(test_the_cookie_is_for_tls_alone_under_tls),
        cmocka_unit_test(test_a_wrong_sign_in_sets_no_cookie),
        cmocka_unit_test(test_who_tries_too_often_must_wait),
        cmocka_unit_test(test_signing_out_takes_the_cookie_away),
        cmocka_unit_test(test_a_new_password_leaves_the_one_who_set_it_signed_in),
        cmocka_unit_test(test_users_change_and_remove_themselves_alone),
        cmocka_unit_test(test_a_meeting_goes_by_its_entity_tag),
        cmocka_unit_test(test_an_invitation_is_a_file_with_an_absolute_link),
        cmocka_unit_test(test_calls_are_shown_to_whose_room_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
