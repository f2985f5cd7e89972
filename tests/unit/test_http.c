// SPDX-License-Identifier: MIT
// The HTTP side, through a real daemon on a port of its own.
#include "http_fixture.h"

#include "http/clock.h"
#include "http/deadline.h"
#include "http/headers.h"
#include "http/listen.h"
#include "http/routes.h"
#include "http/static.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

// ---- what every route says ----

struct expectation {
    const char *method, *target;
    bool has_key;
    const char *body;
    int status;
    const char *says; // the code of a problem, or a part of the body
};

static void expect(const struct hub *hub, const struct expectation *row) {
    char more[256];
    snprintf(more, sizeof(more), "%s%s", row->has_key ? KEY_LINE : "", row->body ? JSON_LINE : "");
    struct answer *answer = client_ask(hub, row->method, row->target, more, row->body);
    if (answer->status != row->status)
        fail_msg("%s %s gives %d instead of %d: %s", row->method, row->target, answer->status,
                 row->status, answer->body ? answer->body : "");
    const char *type = answer_header(answer, "Content-Type");
    if (row->says && type && strcmp(type, "application/problem+json") == 0)
        assert_string_equal(answer_code(answer), row->says);
    else if (row->says && !strstr(answer->body, row->says))
        fail_msg("%s %s says %s", row->method, row->target, answer->body);
    free(answer);
}

static void expect_all(const struct hub *hub, const struct expectation *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        expect(hub, &rows[i]);
}

static void test_every_route_answers(void **state) {
    static const struct expectation rows[] = {
        {"GET", "/", false, NULL, 200, "<html"},
        {"GET", "/r/ada", false, NULL, 200, "<html"},
        {"GET", "/r/ada?name=Ada&join=1", false, NULL, 200, "<html"},
        {"GET", "/js/room.js", false, NULL, 200, ""},
        {"GET", "/api/v1/openapi.yaml", false, NULL, 200, "openapi: 3.1"},
        {"GET", "/api/v1/ice-servers", false, NULL, 200, "\"urls\":\"stun:stun.test:3478\""},
        {"GET", "/api/v1/openapi.json", false, NULL, 200, "{\"openapi\":\"3.1.0\""},
        {"GET", "/docs", false, NULL, 200, "<html"},
        {"GET", "/api/v1/stats", true, NULL, 200, "\"rooms\":3"},
        {"GET", "/healthz", false, NULL, 200, "ok"},
        {"GET", "/readyz", false, NULL, 200, "ready"},
        {"GET", "/metrics", false, NULL, 200, "tessera_rooms 3"},
        {"GET", "/api/v1/rooms", true, NULL, 200, "{\"rooms\":[{\"id\":\"ada\"}]}"},
        {"POST", "/api/v1/rooms", true, "{\"id\":\"new\"}", 201, "{\"id\":\"new\"}"},
        {"POST", "/api/v1/rooms", true, NULL, 201, "{\"id\":\"r-1\"}"},
        {"POST", "/api/v1/rooms", true, "{\"id\":\"ada\"}", 409, "room-exists"},
        {"POST", "/api/v1/rooms", true, "{\"fps\":1}", 422, "bad-field"},
        {"GET", "/api/v1/rooms/ada", true, NULL, 200, "{\"id\":\"ada\",\"revision\":7}"},
        {"GET", "/api/v1/rooms/%61da", true, NULL, 200, "\"id\":\"ada\""},
        {"GET", "/api/v1/rooms/zo%C3%AB", true, NULL, 200, "zoë"},
        {"GET", "/api/v1/rooms/bob", true, NULL, 404, "room-not-found"},
        {"DELETE", "/api/v1/rooms/ada", true, NULL, 204, NULL},
        {"DELETE", "/api/v1/rooms/bob", true, NULL, 404, "room-not-found"},
        {"GET", "/api/v1/rooms/ada/members", true, NULL, 200, "{\"members\":[]}"},
        {"GET", "/api/v1/rooms/bob/members", true, NULL, 404, "room-not-found"},
        {"DELETE", "/api/v1/rooms/ada/members/m1", true, NULL, 204, NULL},
        {"DELETE", "/api/v1/rooms/ada/members/m2", true, NULL, 404, "member-not-found"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg", true, NULL, 200, "picture 0 wide"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg?width=320", true, NULL, 200, "picture 320 wide"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg?width=1921", true, NULL, 422, "bad-field"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg?width=-1", true, NULL, 422, "bad-field"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg?width=99999999999999999999", true, NULL, 422,
         "bad-field"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg?width=", true, NULL, 422, "bad-field"},
        {"GET", "/api/v1/rooms/bob/snapshot.jpg", true, NULL, 404, "room-not-found"},
        {"GET", "/api/v1/rooms/ada/snapshot.png?width=320", true, NULL, 200, "png 320 wide"},
        {"PATCH", "/api/v1/rooms/ada", true, "{}", 200, "\"revision\":7"},
        {"GET", "/api/v1/rooms/ada/layout", true, NULL, 200, "\"revision\":7"},
        {"PUT", "/api/v1/rooms/ada/layout", true, "{}", 200, "\"revision\":7"},
        {"GET", "/api/v1/rooms/ada/members/m1", true, NULL, 200, "m1"},
        {"PATCH", "/api/v1/rooms/ada/members/m1", true, "{}", 200, "m1"},
        {"POST", "/api/v1/rooms/ada/mute-all", true, NULL, 200, "{\"muted\":2}"},
        {"GET", "/api/v1/rooms/ada/bans", true, NULL, 200, "{\"bans\":[]}"},
        {"DELETE", "/api/v1/rooms/ada/bans/b1", true, NULL, 204, NULL},
        {"GET", "/api/v1/rooms/ada/lobby", true, NULL, 200, "{\"waiting\":[]}"},
        {"POST", "/api/v1/rooms/ada/lobby/admit", true, NULL, 204, NULL},
        {"POST", "/api/v1/rooms/ada/lobby/w1/admit", true, NULL, 204, NULL},
        {"DELETE", "/api/v1/rooms/ada/lobby/w1", true, NULL, 204, NULL},
        {"GET", "/api/v1/rooms/ada/messages", true, NULL, 200, "{\"messages\":[]}"},
        {"POST", "/api/v1/rooms/ada/messages", true, "{\"text\":\"hi\"}", 201, "{\"id\":1}"},
        {"GET", "/api/v1/rooms/ada/banner", true, NULL, 200, "hi"},
        {"GET", "/api/v1/rooms/zo%C3%AB/banner", true, NULL, 404, "banner-not-found"},
        {"PUT", "/api/v1/rooms/ada/banner", true, "{\"text\":\"new\"}", 200, "new"},
        {"DELETE", "/api/v1/rooms/ada/banner", true, NULL, 204, NULL},
        {"DELETE", "/api/v1/rooms/ada/pictures/logo", true, NULL, 204, NULL},
        {"DELETE", "/api/v1/rooms/ada/pictures/nose", true, NULL, 404, "slot-not-found"},
        {"DELETE", "/api/v1/rooms/ada/announcement", true, NULL, 204, NULL},
        {"GET", "/api/v1/rooms/ada/stats", true, NULL, 200, "frames_composed"},
    };
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.ice_servers, "stun:stun.test:3478");
    fixture_serve(hub);
    expect_all(hub, rows, G_N_ELEMENTS(rows));
    atomic_store(&hub->ready, -EIO);
    expect(hub, &(struct expectation){"GET", "/readyz", false, NULL, 503, "not-ready"});
    fixture_stop(hub);
}

static void test_only_what_is_there_is_found(void **state) {
    static const struct expectation rows[] = {
        {"GET", "/nothing", false, NULL, 404, "<html"},
        {"POST", "/nothing", false, "x", 404, "not-found"},
        {"GET", "/r/", false, NULL, 404, "<html"},
        {"GET", "/r/ada/more", false, NULL, 404, "<html"},
        {"GET", "/js", false, NULL, 404, "<html"},
        {"GET", "/js/", false, NULL, 404, "<html"},
        {"GET", "/readme/pipeline.svg", false, NULL, 404, "<html"},
        {"GET", "/api", true, NULL, 404, "not-found"},
        {"GET", "/api/v1/rooms/", true, NULL, 404, "not-found"},
        {"GET", "/api/v1//rooms", true, NULL, 404, "not-found"},
        {"GET", "/API/v1/rooms", true, NULL, 404, "<html"},
        {"GET", "/api/v1/rooms/ada/members/", true, NULL, 404, "not-found"},
        {"GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n", false, NULL, 400, "bad-path"},
    };
    struct hub *hub = fixture_start();
    expect_all(hub, rows, G_N_ELEMENTS(rows));
    fixture_stop(hub);
}

static void expect_allow(const struct hub *hub, const char *method, const char *target,
                         const char *allow) {
    struct answer *answer = client_ask(hub, method, target, KEY_LINE, NULL);
    assert_int_equal(answer->status, 405);
    assert_string_equal(answer_code(answer), "method-not-allowed");
    assert_string_equal(answer_header(answer, "Allow"), allow);
    free(answer);
}

static void test_other_methods_are_told_which_there_are(void **state) {
    struct hub *hub = fixture_start();
    expect_allow(hub, "PUT", "/api/v1/rooms", "GET, HEAD, POST, OPTIONS");
    expect_allow(hub, "POST", "/api/v1/rooms/ada", "DELETE, GET, HEAD, PATCH, OPTIONS");
    expect_allow(hub, "GET", "/api/v1/rooms/ada/mute-all", "POST, OPTIONS");
    expect_allow(hub, "DELETE", "/healthz", "GET, HEAD, OPTIONS");
    expect_allow(hub, "POST", "/js/room.js", "GET, HEAD, OPTIONS");
    expect_allow(hub, "BREW", "/", "GET, HEAD, OPTIONS");
    fixture_stop(hub);
}

// ---- the key ----

static void expect_unauthorised(const struct hub *hub, const char *more, const char *code) {
    struct answer *answer = client_ask(hub, "GET", "/api/v1/rooms", more, NULL);
    assert_int_equal(answer->status, 401);
    assert_string_equal(answer_code(answer), code);
    assert_non_null(strstr(answer_header(answer, "WWW-Authenticate"), "Bearer"));
    free(answer);
}

static void test_the_api_wants_the_key(void **state) {
    static const struct expectation wanted[] = {
        {"GET", "/api/v1/rooms", false, NULL, 401, "sign-in-required"},
        {"POST", "/api/v1/rooms", false, "{}", 401, "sign-in-required"},
        {"GET", "/api/v1/rooms/ada", false, NULL, 401, "sign-in-required"},
        {"DELETE", "/api/v1/rooms/ada", false, NULL, 401, "sign-in-required"},
        {"GET", "/api/v1/rooms/ada/members", false, NULL, 401, "sign-in-required"},
        {"DELETE", "/api/v1/rooms/ada/members/m1", false, NULL, 401, "sign-in-required"},
        {"GET", "/api/v1/rooms/ada/snapshot.jpg", false, NULL, 401, "sign-in-required"},
    };
    struct hub *hub = fixture_start();
    expect_all(hub, wanted, G_N_ELEMENTS(wanted));
    expect_unauthorised(hub, "Authorization: Bearer wrong\r\n", "key-wrong");
    expect_unauthorised(hub, "Authorization: Bearer the-key-of-the-test\r\n", "key-wrong");
    expect_unauthorised(hub, "Authorization: Bearer the-key-of-the-testsx\r\n", "key-wrong");
    expect_unauthorised(hub, "Authorization: Bearer \r\n", "key-wrong");
    expect_unauthorised(hub, "Authorization: Basic dGVzdA==\r\n", "key-wrong");
    expect_unauthorised(hub, "Authorization: " TEST_KEY "\r\n", "key-wrong");
    struct answer *answer =
        client_ask(hub, "GET", "/api/v1/rooms", "authorization: bearer " TEST_KEY "\r\n", NULL);
    assert_int_equal(answer->status, 200);
    free(answer);
    fixture_stop(hub);
}

static void test_metrics_are_for_this_machine_or_the_key(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer =
        client_ask(hub, "GET", "/metrics", "X-Forwarded-For: 192.0.2.1\r\n", NULL);
    assert_int_equal(answer->status, 401);
    free(answer);
    answer = client_ask(hub, "GET", "/metrics", "X-Forwarded-For: 192.0.2.1\r\n" KEY_LINE, NULL);
    assert_int_equal(answer->status, 200);
    free(answer);
    fixture_stop(hub);
}

// ---- bodies ----

static void test_bodies_are_checked(void **state) {
    char deep[8192];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    const struct expectation rows[] = {
        {"POST", "/api/v1/rooms", true, "{", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, "[]", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, "null", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, "{} {}", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, "{\"id\":\"a\",\"id\":\"b\"}", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, "{\"id\":\"\xff\"}", 400, "bad-json"},
        {"POST", "/api/v1/rooms", true, deep, 400, "bad-json"},
        {"DELETE", "/api/v1/rooms/ada", true, "nonsense", 400, "bad-json"},
        {"DELETE", "/api/v1/rooms/ada/banner", true, "ignored", 204, NULL},
    };
    struct hub *hub = fixture_start();
    expect_all(hub, rows, G_N_ELEMENTS(rows));
    static const char *const types[] = {"", "Content-Type: text/plain\r\n",
                                        "Content-Type: application/jsonx\r\n",
                                        "Content-Type: application/x-www-form-urlencoded\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        char more[256];
        snprintf(more, sizeof(more), KEY_LINE "%s", types[i]);
        struct answer *answer = client_ask(hub, "POST", "/api/v1/rooms", more, "{}");
        assert_int_equal(answer->status, 415);
        assert_string_equal(answer_code(answer), "not-json");
        free(answer);
    }
    struct answer *answer =
        client_ask(hub, "POST", "/api/v1/rooms",
                   KEY_LINE "Content-Type: Application/JSON; charset=utf-8\r\n", "{}");
    assert_int_equal(answer->status, 201);
    assert_string_equal(answer_header(answer, "Location"), "/api/v1/rooms/r-1");
    free(answer);
    fixture_stop(hub);
}

static void test_a_body_that_is_too_large_is_refused_before_it_comes(void **state) {
    struct hub *hub = fixture_start();
    int fd = client_connect(hub);
    client_say(fd, "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\n" KEY_LINE JSON_LINE
                   "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n");
    struct answer *answer = client_hear(fd);
    assert_int_equal(answer->status, 413);
    assert_string_equal(answer_code(answer), "too-large");
    free(answer);
    fixture_stop(hub);
}

static void test_a_body_that_grows_too_large_is_refused(void **state) {
    char chunk[1024 + 8];
    struct hub *hub = fixture_start();
    int fd = client_connect(hub);
    client_say(
        fd, "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" KEY_LINE JSON_LINE
            "Transfer-Encoding: chunked\r\n\r\n");
    memset(chunk, ' ', sizeof(chunk));
    memcpy(chunk, "400\r\n", 5);
    memcpy(chunk + 5 + 1024, "\r\n", 2);
    for (int i = 0; i < 100; i++)
        client_send(fd, chunk, 5 + 1024 + 2);
    client_say(fd, "0\r\n\r\n");
    struct answer *answer = client_hear(fd);
    assert_int_equal(answer->status, 413);
    free(answer);
    fixture_stop(hub);
}

// Nobody is listened to for as long as they like to talk.
static void test_a_body_without_an_end_is_cut(void **state) {
    struct hub *hub = fixture_start();
    char chunk[5 + 1024 + 2];
    int fd = client_connect(hub), sent = 0;
    client_say(fd, "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\n" KEY_LINE JSON_LINE
                   "Transfer-Encoding: chunked\r\n\r\n");
    memset(chunk, ' ', sizeof(chunk));
    memcpy(chunk, "400\r\n", 5);
    memcpy(chunk + 5 + 1024, "\r\n", 2);
    while (sent < 100000 && send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
        sent++;
    assert_in_range(sent, 1024, 99999);
    close(fd);
    fixture_stop(hub);
}

static void test_a_body_may_come_in_pieces(void **state) {
    static const char body[] = "{\"id\":\"pieces\"}";
    struct hub *hub = fixture_start();
    int fd = client_connect(hub), on = 1;
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    char head[256];
    snprintf(head, sizeof(head),
             "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" KEY_LINE JSON_LINE
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    for (const char *at = head; *at; at++)
        client_send(fd, at, 1);
    for (const char *at = body; *at; at++)
        client_send(fd, at, 1);
    struct answer *answer = client_hear(fd);
    assert_int_equal(answer->status, 201);
    assert_string_equal(answer->body, "{\"id\":\"pieces\"}");
    free(answer);
    fixture_stop(hub);
}

// ---- what the hub is asked ----

static void expect_status(const struct hub *hub, const char *method, const char *target,
                          const char *more, const char *body, int status) {
    char lines[512];
    snprintf(lines, sizeof(lines), KEY_LINE "%s", more);
    struct answer *answer = client_ask(hub, method, target, lines, body);
    if (answer->status != status)
        fail_msg("%s %s gives %d: %s", method, target, answer->status,
                 answer->body ? answer->body : "");
    free(answer);
}

static void test_the_hub_is_asked_what_the_request_says(void **state) {
    struct hub *hub = fixture_start();
    expect_status(hub, "PATCH", "/api/v1/rooms/ada/members/m2", JSON_LINE, "{\"hand\":false}", 200);
    expect_asked(hub, "ada", "m2", "{\"hand\":false}");
    expect_status(hub, "GET", "/api/v1/rooms/ada/messages?limit=3&cursor=abc", "", NULL, 200);
    expect_asked(hub, "ada", "(none)", "(none)");
    assert_int_equal(hub->asked.limit, 3);
    assert_string_equal(hub->asked.cursor, "abc");
    expect_status(hub, "GET", "/api/v1/rooms", "", NULL, 200);
    assert_int_equal(hub->asked.limit, 50);
    assert_string_equal(hub->asked.cursor, "(none)");
    expect_status(hub, "DELETE", "/api/v1/rooms/ada?reason=Good%20night", "", NULL, 204);
    expect_asked(hub, "ada", "(none)", "{\"reason\":\"Good night\"}");
    expect_status(hub, "DELETE", "/api/v1/rooms/ada?reason=x", JSON_LINE, "{\"reason\":\"y\"}",
                  204);
    expect_asked(hub, "ada", "(none)", "{\"reason\":\"y\"}");
    expect_status(hub, "DELETE", "/api/v1/rooms/ada?reason=%ff", "", NULL, 422);
    static const char *const pages[] = {"limit=0", "limit=201", "limit=x", "limit=", "cursor=%ff"};
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        char target[64];
        snprintf(target, sizeof(target), "/api/v1/rooms?%s", pages[i]);
        expect_status(hub, "GET", target, "", NULL, 422);
    }
    fixture_stop(hub);
}

static void test_a_revision_is_an_entity_tag_that_makes_no_304(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer =
        client_ask(hub, "GET", "/api/v1/rooms/ada", KEY_LINE "If-None-Match: \"7\"\r\n", NULL);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "ETag"), "\"7\"");
    free(answer);
    expect_status(hub, "PATCH", "/api/v1/rooms/ada", JSON_LINE "If-Match: \"7\"\r\n", "{}", 200);
    assert_string_equal(hub->asked.if_match, "\"7\"");
    expect_status(hub, "PATCH", "/api/v1/rooms/ada", JSON_LINE "If-Match: \"6\"\r\n", "{}", 412);
    fixture_stop(hub);
}

// ---- uploads ----

// A request whose head announces more than is sent: what is answered to the head alone.
static int announce(const struct hub *hub, const char *target, const char *more, int bytes) {
    char head[512];
    int fd = client_connect(hub);
    snprintf(head, sizeof(head),
             "PUT %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n",
             target, more, bytes);
    client_say(fd, head);
    struct answer *answer = client_hear(fd);
    int status = answer->status;
    free(answer);
    return status;
}

#define PNG_LINE "Content-Type: image/png\r\n"

static void test_files_may_be_larger_than_other_bodies(void **state) {
    struct hub *hub = fixture_prepare();
    hub->config.http_upload_bytes_max = 200000;
    fixture_serve(hub);
    char *large = malloc(150001);
    memset(large, 'x', 150000);
    large[150000] = '\0';
    // No picture, but let in; a body of JSON would not be.
    expect_status(hub, "PUT", "/api/v1/rooms/ada/pictures/logo", PNG_LINE, large, 422);
    expect_status(hub, "POST", "/api/v1/rooms/ada/announcement", "Content-Type: audio/wav\r\n",
                  large, 422);
    assert_int_equal(announce(hub, "/api/v1/rooms/ada/layout", KEY_LINE JSON_LINE, 150000), 413);
    assert_int_equal(announce(hub, "/api/v1/rooms/ada/pictures/logo", KEY_LINE PNG_LINE, 200001),
                     413);
    free(large);
    fixture_stop(hub);
}

static void test_who_may_not_send_a_file_is_told_before_it_comes(void **state) {
    struct hub *hub = fixture_start();
    assert_int_equal(announce(hub, "/api/v1/rooms/ada/pictures/logo", PNG_LINE, 1000000), 401);
    fixture_stop(hub);
}

static void test_files_are_what_they_are_declared_as(void **state) {
    struct hub *hub = fixture_start();
    expect_status(hub, "PUT", "/api/v1/rooms/ada/pictures/logo", JSON_LINE, "{}", 415);
    expect_status(hub, "PUT", "/api/v1/rooms/ada/pictures/logo", "", "x", 415);
    expect_status(hub, "PUT", "/api/v1/rooms/ada/pictures/logo", "Content-Type: image/gif\r\n", "x",
                  415);
    expect_status(hub, "PUT", "/api/v1/rooms/ada/pictures/nose", PNG_LINE, "x", 404);
    expect_status(hub, "POST", "/api/v1/rooms/ada/announcement", PNG_LINE, "x", 415);
    static const char *const volumes[] = {"-1",  "2.1", "x",   "",     "inf",
                                          "nan", "0x1", "1e0", "1.1.1"};
    for (size_t i = 0; i < G_N_ELEMENTS(volumes); i++) {
        char target[96];
        snprintf(target, sizeof(target), "/api/v1/rooms/ada/announcement?volume=%s", volumes[i]);
        struct answer *answer =
            client_ask(hub, "POST", target, KEY_LINE "Content-Type: audio/wav\r\n", "x");
        assert_int_equal(answer->status, 422);
        assert_string_equal(answer_code(answer), "bad-field");
        free(answer);
    }
    fixture_stop(hub);
}

// ---- creating once ----

static struct answer *create(const struct hub *hub, const char *key, const char *credential,
                             const char *body) {
    char more[512];
    snprintf(more, sizeof(more), "Authorization: Bearer %s\r\n" JSON_LINE "Idempotency-Key: %s\r\n",
             credential, key);
    return client_ask(hub, "POST", "/api/v1/rooms", more, body);
}

static struct hub *start_with_store(char directory[]) {
    struct hub *hub = fixture_prepare();
    assert_non_null(mkdtemp(directory));
    assert_int_equal(store_open(directory, &hub->store), 0);
    fixture_serve(hub);
    return hub;
}

static void stop_with_store(struct hub *hub, const char *directory) {
    struct store *store = hub->store;
    fixture_stop(hub);
    store_close(store);
    static const char *const names[] = {"tessera.db", "tessera.db-wal", "tessera.db-shm"};
    char path[128];
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        g_remove(path);
    }
    g_remove(directory);
}

static void test_what_is_sent_twice_is_created_once(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX";
    struct hub *hub = start_with_store(directory);
    struct answer *first = create(hub, "k1", TEST_KEY, "{\"id\":\"new\"}");
    struct answer *again = create(hub, "k1", TEST_KEY, "{\"id\":\"new\"}");
    assert_int_equal(first->status, 201);
    assert_null(answer_header(first, "Idempotent-Replayed"));
    assert_int_equal(again->status, 201);
    assert_string_equal(again->body, first->body);
    assert_string_equal(answer_header(again, "Idempotent-Replayed"), "true");
    assert_string_equal(answer_header(again, "Location"), "/api/v1/rooms/new");
    assert_int_equal(atomic_load(&hub->creations), 1);
    free(first);
    free(again);
    struct answer *other = create(hub, "k1", TEST_KEY, "{\"id\":\"other\"}");
    assert_int_equal(other->status, 422);
    assert_string_equal(answer_code(other), "idempotency-mismatch");
    free(other);
    other = create(hub, "k2", TEST_KEY, "{\"id\":\"new\"}");
    assert_int_equal(other->status, 201);
    assert_int_equal(atomic_load(&hub->creations), 2);
    free(other);
    stop_with_store(hub, directory);
}

static void test_what_was_refused_may_be_tried_again(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX";
    struct hub *hub = start_with_store(directory);
    static const int statuses[] = {409, 201};
    static const char *const bodies[] = {"{\"id\":\"ada\"}", "{\"id\":\"eve\"}"};
    for (int i = 0; i < 2; i++) {
        struct answer *answer = create(hub, "k", TEST_KEY, bodies[i]);
        assert_int_equal(answer->status, statuses[i]);
        free(answer);
    }
    stop_with_store(hub, directory);
}

static void test_odd_idempotency_keys_are_refused(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX", large[202];
    struct hub *hub = start_with_store(directory);
    memset(large, 'k', 201);
    large[201] = '\0';
    const char *const keys[] = {large, "\xc3\xa9"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        struct answer *answer = create(hub, keys[i], TEST_KEY, "{}");
        assert_int_equal(answer->status, 422);
        assert_string_equal(answer_code(answer), "bad-field");
        free(answer);
    }
    stop_with_store(hub, directory);
}

static void *create_in_background(void *hub) {
    return create(hub, "k-slow", TEST_KEY, "{\"id\":\"slow\"}");
}

static void test_the_same_key_waits_for_its_first_request(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX";
    struct hub *hub = start_with_store(directory);
    pthread_t thread;
    struct answer *first;
    atomic_store(&hub->is_slow, 1);
    assert_int_equal(pthread_create(&thread, NULL, create_in_background, hub), 0);
    await(&hub->creating, 1);
    // The daemon's thread that is held up takes no connection: another one answers.
    struct answer *second = create_in_background(hub);
    assert_int_equal(second->status, 409);
    assert_string_equal(answer_code(second), "idempotency-busy");
    atomic_store(&hub->is_slow, 0);
    pthread_join(thread, (void **)&first);
    assert_int_equal(first->status, 201);
    assert_int_equal(atomic_load(&hub->creations), 1);
    free(first);
    free(second);
    stop_with_store(hub, directory);
}

static bool file_has(const char *directory, const char *name, const char *needle) {
    char path[128], *text = NULL;
    gsize bytes = 0;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    bool found = g_file_get_contents(path, &text, &bytes, NULL) &&
                 memmem(text, bytes, needle, strlen(needle)) != NULL;
    g_free(text);
    return found;
}

static void test_kept_answers_are_of_no_use_to_who_reads_the_store(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX";
    struct hub *hub = start_with_store(directory);
    free(create(hub, "the-idempotency-key", TEST_KEY, "{\"id\":\"needle\"}"));
    static const char *const names[] = {"tessera.db", "tessera.db-wal"};
    static const char *const secrets[] = {"{\"id\":\"needle\"}", "the-idempotency-key", TEST_KEY};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(secrets); j++)
            assert_false(file_has(directory, names[i], secrets[j]));
    stop_with_store(hub, directory);
}

// ---- files ----

static void test_nothing_outside_the_assets_is_served(void **state) {
    static const char *const targets[] = {
        "/../Makefile",
        "/js/../../Makefile",
        "/%2e%2e/Makefile",
        "/..%2fMakefile",
        "/%2e%2e%2fMakefile",
        "/js/%2e%2e/index.html",
        "/.hidden",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/index.html%00.js",
        "/index.html%0d",
        "/..\\Makefile",
        "/%5c..%5cMakefile",
        "/secret/inside.txt",
        "/link.txt",
        "/%",
        "/%zz",
        "/%ff%fe",
        "/pipe",
        "/",
    };
    char directory[] = "/tmp/tessera-http-XXXXXX", path[128];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/inside", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/inside/.hidden", directory);
    assert_true(g_file_set_contents(path, "secret", -1, NULL));
    snprintf(path, sizeof(path), "%s/inside.txt", directory);
    assert_true(g_file_set_contents(path, "secret", -1, NULL));
    snprintf(path, sizeof(path), "%s/inside/link.txt", directory);
    assert_int_equal(symlink("../inside.txt", path), 0);
    snprintf(path, sizeof(path), "%s/inside/secret", directory);
    assert_int_equal(symlink("..", path), 0);
    snprintf(path, sizeof(path), "%s/inside/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/inside", directory);
    for (int is_disk = 0; is_disk < 2; is_disk++) {
        struct hub *hub = fixture_prepare();
        fixture_set(&hub->config.assets_dir, is_disk ? path : "");
        fixture_serve(hub);
        for (size_t i = 0; i < G_N_ELEMENTS(targets) - !is_disk; i++) {
            struct answer *answer = client_ask(hub, "GET", targets[i], NULL, NULL);
            if (answer->status != 404 && answer->status != 400)
                fail_msg("%s gives %d", targets[i], answer->status);
            assert_null(strstr(answer->body, "secret"));
            free(answer);
        }
        fixture_stop(hub);
    }
    const char *const files[] = {"inside/.hidden",
                                 "inside.txt",
                                 "inside/link.txt",
                                 "inside/secret",
                                 "inside/pipe",
                                 "inside",
                                 ""};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        assert_int_equal(g_remove(path), 0);
    }
}

static void test_files_on_the_disk_are_served_as_they_are_now(void **state) {
    char directory[] = "/tmp/tessera-http-XXXXXX", path[128], tag[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/app.js", directory);
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.assets_dir, directory);
    fixture_serve(hub);
    assert_true(g_file_set_contents(path, "one", -1, NULL));
    struct answer *answer = client_ask(hub, "GET", "/app.js", NULL, NULL);
    assert_string_equal(answer->body, "one");
    snprintf(tag, sizeof(tag), "%s", answer_header(answer, "ETag"));
    free(answer);
    assert_true(g_file_set_contents(path, "two", -1, NULL));
    answer = client_ask(hub, "GET", "/app.js", NULL, NULL);
    assert_string_equal(answer->body, "two");
    assert_string_not_equal(answer_header(answer, "ETag"), tag);
    free(answer);
    fixture_stop(hub);
    g_remove(path);
    g_remove(directory);
}

static struct answer *ask_with_tag(const struct hub *hub, const char *target, const char *tag) {
    char more[256];
    snprintf(more, sizeof(more), "If-None-Match: %s\r\n", tag);
    return client_ask(hub, "GET", target, more, NULL);
}

static void test_a_file_that_the_client_has_is_not_sent_again(void **state) {
    static const char *const targets[] = {
        "/", "/r/ada", "/js/room.js", "/css/base.css", "/icons/logo.svg", "/api/v1/openapi.yaml"};
    struct hub *hub = fixture_start();
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        char tag[64], list[160];
        struct answer *answer = client_ask(hub, "GET", targets[i], NULL, NULL);
        assert_int_equal(answer->status, 200);
        assert_string_equal(answer_header(answer, "Cache-Control"), "no-cache");
        snprintf(tag, sizeof(tag), "%s", answer_header(answer, "ETag"));
        assert_int_equal(tag[0], '"');
        free(answer);
        snprintf(list, sizeof(list), "\"other\", W/%s", tag);
        const char *const tags[] = {tag, list, "*"};
        for (size_t j = 0; j < G_N_ELEMENTS(tags); j++) {
            answer = ask_with_tag(hub, targets[i], tags[j]);
            assert_int_equal(answer->status, 304);
            assert_int_equal(answer->body_bytes, 0);
            assert_string_equal(answer_header(answer, "ETag"), tag);
            free(answer);
        }
        answer = ask_with_tag(hub, targets[i], "\"other\"");
        assert_int_equal(answer->status, 200);
        free(answer);
    }
    struct answer *answer = ask_with_tag(hub, "/nothing", "*");
    assert_int_equal(answer->status, 404);
    free(answer);
    fixture_stop(hub);
}

static void test_head_is_get_without_the_body(void **state) {
    static const char *const targets[] = {
        "/",        "/js/room.js",   "/nothing",
        "/healthz", "/api/v1/rooms", "/api/v1/rooms/ada/snapshot.jpg"};
    struct hub *hub = fixture_start();
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        struct answer *got = client_ask(hub, "GET", targets[i], KEY_LINE, NULL);
        struct answer *head = client_ask(hub, "HEAD", targets[i], KEY_LINE, NULL);
        char length[32];
        if (strcmp(targets[i], "/nothing") == 0) // a page for people, a problem for others
            assert_int_equal(head->status, 404);
        else
            assert_int_equal(head->status, got->status);
        assert_int_equal(head->body_bytes, 0);
        snprintf(length, sizeof(length), "%zu", got->body_bytes);
        assert_string_equal(answer_header(head, "Content-Length"), length);
        free(got);
        free(head);
    }
    fixture_stop(hub);
}

// ---- headers ----

static void expect_secured(const struct hub *hub, const char *target, const char *more, int status,
                           const char *ancestors) {
    struct answer *answer = client_ask(hub, "GET", target, more, NULL);
    assert_int_equal(answer->status, status);
    const char *policy = answer_header(answer, "Content-Security-Policy");
    assert_non_null(policy);
    assert_non_null(strstr(policy, "default-src 'self';"));
    assert_non_null(strstr(policy, "connect-src 'self' ws://test wss://test;"));
    assert_non_null(strstr(policy, ancestors));
    assert_null(strstr(policy, "unsafe"));
    assert_string_equal(answer_header(answer, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(answer_header(answer, "Referrer-Policy"), "no-referrer");
    assert_non_null(strstr(answer_header(answer, "Permissions-Policy"), "camera=(self)"));
    assert_null(answer_header(answer, "Strict-Transport-Security"));
    free(answer);
}

static void test_every_answer_is_secured(void **state) {
    struct hub *hub = fixture_start();
    expect_secured(hub, "/", NULL, 200, "frame-ancestors 'self'");
    expect_secured(hub, "/", "If-None-Match: *\r\n", 304, "frame-ancestors 'self'");
    expect_secured(hub, "/r/ada", NULL, 200, "frame-ancestors *");
    expect_secured(hub, "/r/ada?embed=1", "If-None-Match: *\r\n", 304, "frame-ancestors *");
    expect_secured(hub, "/nothing", NULL, 404, "frame-ancestors 'self'");
    expect_secured(hub, "/api/v1/rooms", NULL, 401, "frame-ancestors 'self'");
    expect_secured(hub, "/api/v1/rooms", KEY_LINE, 200, "frame-ancestors 'self'");
    expect_secured(hub, "/%00", NULL, 400, "frame-ancestors 'self'");
    expect_secured(hub, "/ws", NULL, 426, "frame-ancestors 'self'");
    fixture_stop(hub);
}

// The whole conversation on one connection, as given.
static struct answer *talk(const struct hub *hub, const char *text) {
    int fd = client_connect(hub);
    client_say(fd, text);
    shutdown(fd, SHUT_WR);
    return client_hear(fd);
}

static void test_a_strange_host_is_not_repeated(void **state) {
    struct hub *hub = fixture_start();
    static const char *const hosts[] = {"a; script-src *", "a' 'unsafe-inline'", "a,b", "\x01",
                                        "é"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        char text[256];
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 hosts[i]);
        struct answer *answer = talk(hub, text);
        const char *policy = answer_header(answer, "Content-Security-Policy");
        if (policy)
            assert_non_null(strstr(policy, "connect-src 'self';"));
        else
            assert_int_equal(answer->status, 400); // libmicrohttpd would not have it
        free(answer);
    }
    fixture_stop(hub);
}

static void test_strange_requests_do_no_harm(void **state) {
    struct hub *hub = fixture_start();
    char *large = malloc(200000);
    memset(large, 'a', 199999);
    large[199999] = '\0';
    static const struct {
        const char *start;
        bool has_tail;
        const char *end;
        int low, high; // the status lies between; 0: the connection may just end
    } rows[] = {
        {"GET http://test/healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", false, "",
         200, 200},
        {"GET http://test HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", false, "", 200,
         200},
        {"GET * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", false, "", 400, 400},
        {"GET /healthz HTTP/1.1\r\n\r\n", false, "", 400, 400}, // no Host
        {"GET /healthz HTTP/1.0\r\n\r\n", false, "", 0, 200},
        {"GET /healthz HTTP/9.9\r\nHost: test\r\n\r\n", false, "", 0, 505},
        {"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", false, "", 0,
         200},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false, "\r\n\r\n", 0, 505},
        {"GET /", true, " HTTP/1.1\r\nHost: test\r\n\r\n", 0, 431},
        {"GET / HTTP/1.1\r\nHost: test\r\nX: ", true, "\r\n\r\n", 0, 431},
        {"GET / HTTP/1.1\r\nHost: ", true, "\r\n\r\n", 0, 431},
        {"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n", false, "", 0, 413},
        {"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999999999999\r\n\r\n", false,
         "", 0, 413},
        {"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "", 0,
         413},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int fd = client_connect(hub);
        client_say(fd, rows[i].start);
        if (rows[i].has_tail)
            client_say(fd, large);
        client_say(fd, rows[i].end);
        shutdown(fd, SHUT_WR);
        struct answer *answer = client_hear(fd);
        if (answer->status < rows[i].low || answer->status > rows[i].high)
            fail_msg("row %zu gives %d", i, answer->status);
        free(answer);
        expect(hub, &(struct expectation){"GET", "/healthz", false, NULL, 200, "ok"});
    }
    free(large);
    fixture_stop(hub);
}

static void test_two_requests_may_share_a_connection(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer =
        talk(hub, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"
                  "GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer->text, "ok\n"));
    assert_non_null(strstr(answer->text, "ready\n"));
    free(answer);
    fixture_stop(hub);
}

// ---- other origins ----

#define PREFLIGHT "Access-Control-Request-Method: POST\r\n"

static struct answer *preflight(const struct hub *hub, const char *origin) {
    char more[256];
    snprintf(more, sizeof(more), "Origin: %s\r\n" PREFLIGHT, origin);
    return client_ask(hub, "OPTIONS", "/api/v1/rooms", more, NULL);
}

static void test_other_origins_are_let_in_as_set(void **state) {
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.cors_origins, "https://a.test https://b.test:8443");
    fixture_serve(hub);
    struct answer *answer = preflight(hub, "https://b.test:8443");
    assert_int_equal(answer->status, 204);
    assert_string_equal(answer_header(answer, "Access-Control-Allow-Origin"),
                        "https://b.test:8443");
    assert_string_equal(answer_header(answer, "Access-Control-Allow-Methods"),
                        "GET, HEAD, POST, OPTIONS");
    assert_non_null(strstr(answer_header(answer, "Access-Control-Allow-Headers"), "Authorization"));
    assert_string_equal(answer_header(answer, "Vary"), "Origin");
    free(answer);
    static const char *const others[] = {"https://b.test", "https://a.test.evil.test", "null",
                                         "http://a.test", "https://a.tes"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        answer = preflight(hub, others[i]);
        assert_int_equal(answer->status, 204);
        assert_null(answer_header(answer, "Access-Control-Allow-Origin"));
        assert_null(answer_header(answer, "Access-Control-Allow-Methods"));
        free(answer);
    }
    answer = client_ask(hub, "GET", "/api/v1/rooms", "Origin: https://a.test\r\n" KEY_LINE, NULL);
    assert_string_equal(answer_header(answer, "Access-Control-Allow-Origin"), "https://a.test");
    free(answer);
    fixture_stop(hub);
}

static void test_no_origin_is_let_in_unless_set(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer = preflight(hub, "https://a.test");
    assert_int_equal(answer->status, 204);
    assert_string_equal(answer_header(answer, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_null(strstr(answer->head, "Access-Control"));
    free(answer);
    fixture_stop(hub);
    hub = fixture_prepare();
    fixture_set(&hub->config.cors_origins, "*");
    fixture_serve(hub);
    answer = preflight(hub, "https://a.test");
    assert_string_equal(answer_header(answer, "Access-Control-Allow-Origin"), "*");
    free(answer);
    fixture_stop(hub);
}

static void test_same_origin_is_told_from_others(void **state) {
    assert_true(headers_is_same_origin("https://a.test", "a.test"));
    assert_true(headers_is_same_origin("https://A.test", "a.TEST"));
    assert_true(headers_is_same_origin("https://a.test", "a.test:443"));
    assert_true(headers_is_same_origin("http://a.test:80", "a.test"));
    assert_true(headers_is_same_origin("http://[::1]:8080", "[::1]:8080"));
    assert_false(headers_is_same_origin("https://a.test", "a.test:8443"));
    assert_false(headers_is_same_origin("http://a.test", "a.test:443"));
    assert_false(headers_is_same_origin("https://a.test.evil", "a.test"));
    assert_false(headers_is_same_origin("null", "a.test"));
    assert_false(headers_is_same_origin("", ""));
    assert_false(headers_is_same_origin("https://", ""));
    assert_false(headers_is_same_origin("https://a.test", NULL));
}

// ---- time ----

static void test_deadlines_cut_what_is_late_only(void **state) {
    int late[2], early[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, late), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, early), 0);
    struct deadlines *deadlines = deadlines_create();
    struct deadline *first = deadlines_add(deadlines, late[0], 1000);
    struct deadline *second = deadlines_add(deadlines, early[0], 1000);
    assert_int_equal(deadlines_sweep(deadlines, 999), 0);
    deadlines_move(deadlines, second, 2000);
    assert_int_equal(deadlines_sweep(deadlines, 1000), 1);
    assert_int_equal(recv(late[1], &byte, 1, 0), 0);
    assert_int_equal(recv(early[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(deadlines_sweep(deadlines, 1000), 0); // once
    deadlines_remove(deadlines, first);
    deadlines_remove(deadlines, second);
    deadlines_destroy(deadlines);
    for (int i = 0; i < 2; i++) {
        close(late[i]);
        close(early[i]);
    }
}

// Connected, and known to the server: it has answered already.
static int connect_and_ask(const struct hub *hub) {
    char data[4096];
    int fd = client_connect(hub);
    client_say(fd, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    size_t bytes = 0;
    do {
        size_t got = client_receive(fd, data + bytes, sizeof(data) - 1 - bytes);
        assert_true(got > 0);
        data[bytes += got] = '\0';
    } while (!strstr(data, "ok\n"));
    return fd;
}

static void test_a_client_that_trickles_is_cut(void **state) {
    static const char *const beginnings[] = {
        "", "GET /hea",
        "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{"};
    struct hub *hub = fixture_start();
    for (size_t i = 0; i < G_N_ELEMENTS(beginnings); i++) {
        char data[64];
        int fd = connect_and_ask(hub);
        client_say(fd, beginnings[i]);
        // A second later every one of them may stay; a good minute later none.
        server_cut_late(hub->server, clock_now_ms() + 1000);
        assert_int_equal(recv(fd, data, sizeof(data), MSG_DONTWAIT), -1);
        server_cut_late(hub->server, clock_now_ms() + 61000);
        assert_int_equal(client_receive(fd, data, sizeof(data)), 0);
        close(fd);
    }
    fixture_stop(hub);
}

static void test_clients_that_vanish_leave_nothing(void **state) {
    static const char *const beginnings[] = {
        "",
        "GET",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
        "POST /api/v1/rooms HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{\"id\":",
        ("GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")};
    struct hub *hub = fixture_start();
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < G_N_ELEMENTS(beginnings); i++) {
            int fd = client_connect(hub);
            client_say(fd, beginnings[i]);
            if (round % 2) { // a reset instead of an orderly end
                struct linger none = {.l_onoff = 1};
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
            }
            close(fd);
        }
    expect(hub, &(struct expectation){"GET", "/healthz", false, NULL, 200, "ok"});
    fixture_stop(hub); // the sanitizers count what is left
}

static void test_a_quiet_server_takes_nobody_new(void **state) {
    struct hub *hub = fixture_start();
    int fd = connect_and_ask(hub);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(hub->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server_quiesce(hub->server);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof(address)), -1);
    close(late);
    client_say(fd, "GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    struct answer *answer = client_hear(fd);
    assert_int_equal(answer->status, 200);
    free(answer);
    fixture_stop(hub);
}

// ---- starting ----

static void test_listen_is_understood(void **state) {
    static const char *const good[] = {"127.0.0.1:0", "[::1]:0", "localhost:0", ":0", "0.0.0.0:0"};
    static const char *const bad[] = {"",           "8080",          "127.0.0.1",
                                      "127.0.0.1:", "::1:80x",       "::1:8080",
                                      "1.1.1.1:-1", "1.1.1.1:65536", "[::1]"};
    char error[256];
    int fd, port;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        int result = listen_open(good[i], &fd, &port, error, sizeof(error));
        if (result == -EAFNOSUPPORT || result == -EADDRNOTAVAIL)
            continue; // a machine without IPv6
        assert_int_equal(result, 0);
        assert_true(port > 0);
        close(fd);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        error[0] = '\0';
        assert_true(listen_open(bad[i], &fd, &port, error, sizeof(error)) < 0);
        assert_string_not_equal(error, "");
    }
}

static void expect_no_start(struct hub *hub, const char *says) {
    char error[256] = "";
    struct server_world world = {.hub = hub, .api_key = TEST_KEY, .token_secret = TEST_SECRET};
    assert_true(server_create(&world, &hub->server, error, sizeof(error)) < 0);
    if (!strstr(error, says))
        fail_msg("\"%s\" does not say \"%s\"", error, says);
    hub->server = NULL;
    fixture_stop(hub);
}

static void test_what_hinders_the_start_is_said(void **state) {
    struct hub *hub = fixture_prepare();
    fixture_set(&hub->config.tls_cert_file, "/nowhere/cert.pem");
    expect_no_start(hub, "both");
    hub = fixture_prepare();
    fixture_set(&hub->config.tls_cert_file, "/nowhere/cert.pem");
    fixture_set(&hub->config.tls_key_file, "/nowhere/key.pem");
    expect_no_start(hub, "/nowhere/cert.pem");
    hub = fixture_prepare();
    fixture_set(&hub->config.assets_dir, "/nowhere");
    expect_no_start(hub, "/nowhere");
    char setting[64], error[256];
    int fd, port;
    assert_int_equal(listen_open("127.0.0.1:0", &fd, &port, error, sizeof(error)), 0);
    snprintf(setting, sizeof(setting), "127.0.0.1:%d", port);
    hub = fixture_prepare();
    fixture_set(&hub->config.listen, setting);
    expect_no_start(hub, "in use");
    close(fd);
}

// ---- the table ----

static void test_routes_are_sorted(void **state) {
    for (int i = 1; i < routes_count; i++) {
        int order = strcmp(routes[i - 1].pattern, routes[i].pattern);
        assert_true(order < 0 ||
                    (order == 0 && strcmp(routes[i - 1].method, routes[i].method) < 0));
    }
}

// Every route for programs stands in the description, with its method.
static void test_routes_are_described(void **state) {
    struct hub *hub = fixture_start();
    struct answer *answer = client_ask(hub, "GET", "/api/v1/openapi.yaml", NULL, NULL);
    for (int i = 0; i < routes_count; i++) {
        char line[128];
        if (strncmp(routes[i].pattern, "/api/", 5) != 0)
            continue; // pages are for people
        snprintf(line, sizeof(line), "\n  %s:\n", routes[i].pattern);
        const char *path = strstr(answer->body, line);
        if (!path)
            fail_msg("%s is not described", routes[i].pattern);
        char *method = g_ascii_strdown(routes[i].method, -1);
        snprintf(line, sizeof(line), "\n    %s:\n", method);
        g_free(method);
        const char *found = strstr(path, line), *next = strstr(path + 3, "\n  /");
        assert_true(found && (!next || found < next));
    }
    free(answer);
    fixture_stop(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_answers),
        cmocka_unit_test(test_only_what_is_there_is_found),
        cmocka_unit_test(test_other_methods_are_told_which_there_are),
        cmocka_unit_test(test_the_api_wants_the_key),
        cmocka_unit_test(test_metrics_are_for_this_machine_or_the_key),
        cmocka_unit_test(test_bodies_are_checked),
        cmocka_unit_test(test_a_body_that_is_too_large_is_refused_before_it_comes),
        cmocka_unit_test(test_a_body_that_grows_too_large_is_refused),
        cmocka_unit_test(test_a_body_without_an_end_is_cut),
        cmocka_unit_test(test_a_body_may_come_in_pieces),
        cmocka_unit_test(test_the_hub_is_asked_what_the_request_says),
        cmocka_unit_test(test_a_revision_is_an_entity_tag_that_makes_no_304),
        cmocka_unit_test(test_files_may_be_larger_than_other_bodies),
        cmocka_unit_test(test_who_may_not_send_a_file_is_told_before_it_comes),
        cmocka_unit_test(test_files_are_what_they_are_declared_as),
        cmocka_unit_test(test_what_is_sent_twice_is_created_once),
        cmocka_unit_test(test_what_was_refused_may_be_tried_again),
        cmocka_unit_test(test_odd_idempotency_keys_are_refused),
        cmocka_unit_test(test_the_same_key_waits_for_its_first_request),
        cmocka_unit_test(test_kept_answers_are_of_no_use_to_who_reads_the_store),
        cmocka_unit_test(test_nothing_outside_the_assets_is_served),
        cmocka_unit_test(test_files_on_the_disk_are_served_as_they_are_now),
        cmocka_unit_test(test_a_file_that_the_client_has_is_not_sent_again),
        cmocka_unit_test(test_head_is_get_without_the_body),
        cmocka_unit_test(test_every_answer_is_secured),
        cmocka_unit_test(test_a_strange_host_is_not_repeated),
        cmocka_unit_test(test_strange_requests_do_no_harm),
        cmocka_unit_test(test_two_requests_may_share_a_connection),
        cmocka_unit_test(test_other_origins_are_let_in_as_set),
        cmocka_unit_test(test_no_origin_is_let_in_unless_set),
        cmocka_unit_test(test_same_origin_is_told_from_others),
        cmocka_unit_test(test_deadlines_cut_what_is_late_only),
        cmocka_unit_test(test_a_client_that_trickles_is_cut),
        cmocka_unit_test(test_clients_that_vanish_leave_nothing),
        cmocka_unit_test(test_a_quiet_server_takes_nobody_new),
        cmocka_unit_test(test_listen_is_understood),
        cmocka_unit_test(test_what_hinders_the_start_is_said),
        cmocka_unit_test(test_routes_are_sorted),
        cmocka_unit_test(test_routes_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
