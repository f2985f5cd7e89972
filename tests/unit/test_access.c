// SPDX-License-Identifier: MIT
// Who gets in: every route of the table by every kind of credential, through the real server. The
// people are doubles (the linker puts them in the place of the store's: see the Makefile).
#include "http_fixture.h"

#include "http/access.h"
#include "http/routes.h"
#include "mcu/accounts.h"
#include "mcu/events.h"
#include "mcu/ticket.h"
#include "mcu/token.h"
#include "mcu/webhooks.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <time.h>

// Ada has the room "ada"; Bob has a sign-in and nothing else.
enum { ADA = 7, BOB = 8 };
#define ADAS "ts_adas-secret"
#define BOBS "ts_bobs-secret"

static atomic_int last_kind, last_user; // of the caller that came with a WebSocket
static atomic_int lookups, is_store_broken;

bool __wrap_accounts_recognise(struct accounts *accounts, const char *secret, struct caller *out);
int __wrap_store_get_room_owner(struct store *store, const char *name, int64_t *owner);
struct session *__real_session_open(struct hub *hub, const struct session_socket_ops *ops,
                                    void *socket, const char *address, const struct caller *caller);
struct session *__wrap_session_open(struct hub *hub, const struct session_socket_ops *ops,
                                    void *socket, const char *address, const struct caller *caller);

bool __wrap_accounts_recognise(struct accounts *accounts, const char *secret, struct caller *out) {
    bool is_ada = strcmp(secret, ADAS) == 0;
    if (!is_ada && strcmp(secret, BOBS) != 0)
        return false;
    out->kind = CALLER_USER;
    out->user = is_ada ? ADA : BOB;
    strcpy(out->user_name, is_ada ? "ada" : "bob");
    return true;
}

int __wrap_store_get_room_owner(struct store *store, const char *name, int64_t *owner) {
    atomic_fetch_add(&lookups, 1);
    *owner = strcmp(name, "ada") == 0 ? ADA : 0;
    return atomic_load(&is_store_broken) ? -EIO : 0;
}

struct session *__wrap_session_open(struct hub *hub, const struct session_socket_ops *ops,
                                    void *socket, const char *address,
                                    const struct caller *caller) {
    atomic_store(&last_kind, (int)caller->kind);
    atomic_store(&last_user, (int)caller->user);
    return __real_session_open(hub, ops, socket, address, caller);
}

// ---- a server with everything behind it ----

struct house {
    struct hub *hub;
    char *dir;
    struct store *store;
    struct events *events;
    struct webhooks *webhooks;
    struct accounts *accounts;
};

static struct house open_house_with(const char *cors_origins) {
    struct house house = {.hub = fixture_prepare(),
                          .dir = g_dir_make_tmp("tessera-access-XXXXXX", NULL)};
    char error[256] = "";
    house.hub->config.sign_up = true;
    fixture_set(&house.hub->config.cors_origins, cors_origins);
    assert_int_equal(store_open(house.dir, &house.store), 0);
    house.events = events_create(100);
    house.webhooks = webhooks_create(&house.hub->config, house.store, house.events);
    house.accounts = accounts_create(&house.hub->config, house.store);
    struct server_world world = {.hub = house.hub,
                                 .api_key = TEST_KEY,
                                 .token_secret = TEST_SECRET,
                                 .store = house.store,
                                 .events = house.events,
                                 .webhooks = house.webhooks,
                                 .accounts = house.accounts};
    if (server_create(&world, &house.hub->server, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    return house;
}

static struct house open_house(void) {
    return open_house_with("");
}

static void close_house(struct house *house) {
    static const char *const files[] = {"tessera.db", "tessera.db-wal", "tessera.db-shm"};
    fixture_stop(house->hub);
    webhooks_destroy(house->webhooks);
    events_destroy(house->events);
    accounts_destroy(house->accounts);
    store_close(house->store);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        char *path = g_build_filename(house->dir, files[i], NULL);
        g_unlink(path);
        g_free(path);
    }
    g_rmdir(house->dir);
    g_free(house->dir);
}

// ---- who comes ----

enum who {
    NOBODY,
    EXPIRED,   // a token of this room's moderator that has expired
    ELSEWHERE, // a token of another room's moderator
    VIEWER,
    MEMBER,
    MODERATOR,
    STRANGER, // signed in
    OWNER,    // likewise, and the room is theirs
    TICKET,   // of the recording that is asked for
    OLD,      // likewise, expired
    SEAT,     // of a moderator who is in the call
    KEY,
    GARBAGE,
    WHOS
};

static void make_credential(enum who who, char out[1024]) {
    static const enum role roles[] = {[EXPIRED] = ROLE_MODERATOR,
                                      [ELSEWHERE] = ROLE_MODERATOR,
                                      [VIEWER] = ROLE_VIEWER,
                                      [MEMBER] = ROLE_MEMBER,
                                      [MODERATOR] = ROLE_MODERATOR};
    const char *const fixed[WHOS] = {
        [STRANGER] = BOBS, [OWNER] = ADAS, [KEY] = TEST_KEY, [GARBAGE] = "a.b.c"};
    char *token = NULL;
    out[0] = '\0';
    if (who >= EXPIRED && who <= MODERATOR) {
        struct token_claims claims = {.role = roles[who],
                                      .grants = role_grants(roles[who]),
                                      .expires_s = time(NULL) + (who == EXPIRED ? -1 : 600)};
        strcpy(claims.room, who == ELSEWHERE ? "bob" : "ada");
        assert_int_equal(token_mint(TEST_SECRET, &claims, &token), 0);
    }
    if (who == SEAT)
        strcpy(out, "Authorization: Seat a-moderators-seat\r\n");
    else if (token || fixed[who])
        snprintf(out, 1024, "Authorization: Bearer %s\r\n", token ? token : fixed[who]);
    free(token);
}

// In the order of enum who. y: they get through; 0: 401; -: 403. What is open to everybody is not
// open to a credential that is wrong.
// clang-format off
static const struct {
    enum action action;
    const char *answers;
} table[] = {
    //                         nxevmMsotTSkg
    {ACTION_ADMIT,            "00---y-y-00y0"},
    {ACTION_ANNOUNCE,         "00---y-y-0yy0"},
    {ACTION_BROADCAST,        "00---y-y-00y0"},
    {ACTION_CHANGE_MEMBER,    "00---y-y-00y0"},
    {ACTION_CHANGE_ROOM,      "00---y-y-00y0"},
    {ACTION_CREATE_ROOM,      "00-------00y0"},
    {ACTION_END_ROOM,         "00---y-y-00y0"},
    {ACTION_KICK,             "00---y-y-00y0"},
    {ACTION_LIST_RECORDINGS,  "00---y-y-00y0"},
    {ACTION_LIST_ROOMS,       "00-------00y0"},
    {ACTION_LOOK,             "y0yyyyyyy00y0"},
    {ACTION_MANAGE_HOOKS,     "00-------00y0"},
    {ACTION_MANAGE_USERS,     "00-------00y0"},
    {ACTION_METRICS,          "00-------00y0"},
    {ACTION_MINT_TOKEN,       "00-----y-00y0"},
    {ACTION_OWN_ACCOUNT,      "00----yy-00y0"},
    {ACTION_PLAN_MEETINGS,    "00----yy-00y0"},
    {ACTION_READ_FILES,       "00yyyyyyy00y0"},
    {ACTION_READ_RECORDINGS,  "00yyyyyy-00y0"},
    {ACTION_READ_ROOM,        "00-yyy-y-00y0"},
    {ACTION_READ_ROOM_EVENTS, "00---y-y-00y0"},
    {ACTION_READ_SERVER,      "00-------00y0"},
    {ACTION_RECORD,           "00---y-y-00y0"},
    {ACTION_SEE_ROOM,         "00-yyy-y-00y0"},
    {ACTION_SIGN_IN,          "y0yyyyyyy00y0"},
    {ACTION_SIGN_UP,          "y0yyyyyyy00y0"},
};
// clang-format on

static const char *find_answers(enum action action) {
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        if (table[i].action == action)
            return table[i].answers;
    fail_msg("no expectation for %s", action_name(action));
    return NULL;
}

static void add_ticket(GString *target, const char *recording, int64_t expires_s) {
    char ticket[TICKET_BYTES_MAX];
    assert_true(ticket_make(TEST_SECRET, recording, expires_s, ticket));
    g_string_append_printf(target, "%cticket=%s", strchr(target->str, '?') ? '&' : '?', ticket);
}

static char *make_target(const char *pattern, enum who who) {
    GString *out = g_string_new(NULL);
    for (const char *at = pattern; *at; at++) {
        if (*at != '{') {
            g_string_append_c(out, *at);
            continue;
        }
        g_string_append(out, g_str_has_prefix(at, "{room}")   ? "ada"
                             : g_str_has_prefix(at, "{slot}") ? "banner"
                             : g_str_has_prefix(at, "{user}") ? "me"
                                                              : "m1");
        at = strchr(at, '}');
    }
    if (g_str_has_suffix(pattern, "/events"))
        g_string_append(out, "?wait=0");
    if (who == TICKET || who == OLD)
        add_ticket(out, "m1", time(NULL) + (who == OLD ? -1 : 600));
    return g_string_free(out, FALSE);
}

// The handlers may have reasons of their own for a 401 or a 403; access has these.
static char read_answer(const struct answer *answer) {
    static const char *const not_let_in[] = {
        "sign-in-required", "sign-in-ended", "token-bad",      "token-expired", "token-early",
        "key-wrong",        "ticket-bad",    "ticket-expired", "seat-bad",      "not-allowed"};
    if (answer->status != 401 && answer->status != 403)
        return 'y';
    const char *code = answer_code(answer);
    for (size_t i = 0; i < G_N_ELEMENTS(not_let_in); i++)
        if (strcmp(code, not_let_in[i]) == 0)
            return answer->status == 401 ? '0' : '-';
    return 'y';
}

// Who am I? is open to all, and says 401 itself to who is nobody.
static bool says_so_itself(const struct route *route, enum who who) {
    return strcmp(route->pattern, "/api/v1/session") == 0 && who != STRANGER && who != OWNER;
}

// Pages take no tickets: the word is theirs.
static char expected_answer(const struct route *route, enum who who) {
    bool is_deaf = (who == TICKET || who == OLD) && !g_str_has_prefix(route->pattern, "/api/");
    return find_answers(route->action)[is_deaf ? NOBODY : who];
}

static void test_every_route_lets_in_whom_it_should(void **state) {
    struct house house = open_house();
    char more[1400], credential[1024];
    for (int i = 0; i < routes_count; i++) {
        const struct route *route = &routes[i];
        bool has_body = strcmp(route->method, "GET") != 0 && strcmp(route->method, "DELETE") != 0;
        bool is_mint = route->action == ACTION_MINT_TOKEN;
        for (enum who who = NOBODY; who < WHOS; who++) {
            char *target = make_target(route->pattern, who);
            make_credential(who, credential);
            snprintf(more, sizeof(more), "X-Forwarded-For: 192.0.2.1\r\n%s%s", credential,
                     has_body ? JSON_LINE : "");
            struct answer *answer = client_ask(house.hub, route->method, target, more,
                                               is_mint    ? "{\"room\":\"ada\"}"
                                               : has_body ? "{}"
                                                          : NULL);
            char got = read_answer(answer), wanted = expected_answer(route, who);
            if (got != wanted && !(wanted == 'y' && says_so_itself(route, who)))
                fail_msg("%s %s by %d: %d (%c instead of %c)", route->method, target, (int)who,
                         answer->status, got, wanted);
            if (answer->status == 401)
                assert_non_null(answer_header(answer, "WWW-Authenticate"));
            free(answer);
            g_free(target);
        }
    }
    close_house(&house);
}

// ---- one credential at a time ----

static void expect(const struct house *house, const char *method, const char *target,
                   const char *more, int status, const char *code) {
    struct answer *answer = client_ask(house->hub, method, target, more, NULL);
    if (answer->status != status)
        fail_msg("%s %s with %s gives %d instead of %d", method, target, more, answer->status,
                 status);
    if (code)
        assert_string_equal(answer_code(answer), code);
    free(answer);
}

#define ADAS_ROOM "/api/v1/rooms/ada"
#define COOKIE    "Cookie: tessera_session=" ADAS "\r\n"
#define BEARER    "Authorization: Bearer "
#define SAME      "Origin: http://test\r\n"
#define OTHER     "Origin: http://evil.test\r\n"
#define OPAQUE    "Origin: null\r\n"
#define FETCH     "Sec-Fetch-Site: "

static void test_each_credential_that_is_wrong_has_its_code(void **state) {
    struct house house = open_house();
    char expired[1024];
    make_credential(EXPIRED, expired);
    expect(&house, "GET", ADAS_ROOM, expired, 401, "token-expired");
    expect(&house, "GET", ADAS_ROOM, BEARER "a.b.c\r\n", 401, "token-bad");
    expect(&house, "GET", ADAS_ROOM, BEARER "ts_nobodys\r\n", 401, "sign-in-ended");
    expect(&house, "GET", ADAS_ROOM, BEARER "ts_a.b.c\r\n", 401, "sign-in-ended");
    expect(&house, "GET", ADAS_ROOM, BEARER "a.b\r\n", 401, "key-wrong");
    expect(&house, "GET", ADAS_ROOM, BEARER "a.b.c.d\r\n", 401, "key-wrong");
    expect(&house, "GET", ADAS_ROOM, "Authorization: Basic YTpi\r\n", 401, "key-wrong");
    expect(&house, "GET", ADAS_ROOM, "Cookie: tessera_session=ts_old\r\n", 401, "sign-in-ended");
    expect(&house, "GET", ADAS_ROOM, NULL, 401, "sign-in-required");
    close_house(&house);
}

#define FILES "/api/v1/recordings/m1/"

static void expect_ticket(const struct house *house, const char *method, const char *path,
                          const char *ticket, const char *more, int status, const char *code) {
    char target[300];
    snprintf(target, sizeof(target), "%s%cticket=%s", path, strchr(path, '?') ? '&' : '?', ticket);
    expect(house, method, target, more, status, code);
}

// There is no library here: 503 is what stands behind the door.
static void test_a_ticket_reads_files_and_nothing_else(void **state) {
    static const char *const files[] = {"media",    "media?segment=2", "poster.jpg",  "sheet.jpg",
                                        "chat.vtt", "chapters.vtt",    "details.json"};
    struct house house = open_house();
    char good[TICKET_BYTES_MAX], old[TICKET_BYTES_MAX], alien[TICKET_BYTES_MAX], path[100];
    assert_true(ticket_make(TEST_SECRET, "m1", time(NULL) + 60, good));
    assert_true(ticket_make(TEST_SECRET, "m1", time(NULL) - 1, old));
    assert_true(
        ticket_make("the secret of another server, long enough", "m1", time(NULL) + 60, alien));
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        snprintf(path, sizeof(path), FILES "%s", files[i]);
        expect_ticket(&house, "GET", path, good, NULL, 503, "not-ready");
        expect_ticket(&house, "HEAD", path, good, NULL, 503, NULL);
        expect_ticket(&house, "GET", path, old, NULL, 401, "ticket-expired");
        expect_ticket(&house, "HEAD", path, old, NULL, 401, NULL);
        expect_ticket(&house, "GET", path, alien, NULL, 401, "ticket-bad");
        expect_ticket(&house, "DELETE", path, good, NULL, 405, NULL);
    }
    expect_ticket(&house, "DELETE", "/api/v1/recordings/m1", good, NULL, 403, "not-allowed");
    expect_ticket(&house, "PATCH", "/api/v1/recordings/m1", good, NULL, 403, "not-allowed");
    expect_ticket(&house, "GET", "/api/v1/recordings/m1", good, NULL, 403, "not-allowed");
    expect_ticket(&house, "GET", "/api/v1/recordings", good, NULL, 403, "not-allowed");
    expect_ticket(&house, "GET", ADAS_ROOM, good, NULL, 403, "not-allowed");
    expect_ticket(&house, "GET", FILES "media", "", NULL, 401, "ticket-bad");
    expect_ticket(&house, "GET", "/r/ada", "its-own-word", NULL, 200, NULL);
    expect(&house, "GET", FILES "media", BEARER "x\r\n", 401, "key-wrong");
    close_house(&house);
}

// Authorization, then the ticket; a cookie is for when that has run out.
static void test_a_ticket_stands_between_authorization_and_the_cookie(void **state) {
    struct house house = open_house();
    char good[TICKET_BYTES_MAX], old[TICKET_BYTES_MAX];
    assert_true(ticket_make(TEST_SECRET, "m1", time(NULL) + 60, good));
    assert_true(ticket_make(TEST_SECRET, "m1", time(NULL) - 1, old));
    expect_ticket(&house, "GET", FILES "media", good, BEARER "wrong\r\n", 401, "key-wrong");
    expect_ticket(&house, "GET", FILES "media", old, KEY_LINE, 503, "not-ready");
    expect_ticket(&house, "GET", ADAS_ROOM, good, COOKIE, 403, "not-allowed");
    expect_ticket(&house, "GET", ADAS_ROOM, old, COOKIE, 200, NULL);
    expect_ticket(&house, "GET", ADAS_ROOM, old, "Cookie: tessera_session=ts_old\r\n", 401,
                  "ticket-expired");
    expect_ticket(&house, "GET", FILES "media", old, OTHER COOKIE, 401, "ticket-expired");
    close_house(&house);
}

static void test_a_seat_is_what_its_member_may_show_and_play(void **state) {
    static const char banner[] = ADAS_ROOM "/banner";
    struct house house = open_house();
    expect(&house, "DELETE", banner, "Authorization: Seat a-moderators-seat\r\n", 204, NULL);
    expect(&house, "DELETE", banner, "Authorization: Seat a-members-seat\r\n", 403, "not-allowed");
    expect(&house, "DELETE", banner, "Authorization: Seat nobodys\r\n", 401, "seat-bad");
    expect(&house, "DELETE", banner, "Authorization: Seat \r\n", 401, NULL);
    expect(&house, "DELETE", "/api/v1/rooms/bob/banner",
           "Authorization: Seat a-moderators-seat\r\n", 401, "seat-bad");
    expect(&house, "DELETE", ADAS_ROOM, "Authorization: Seat a-moderators-seat\r\n", 401,
           "seat-bad");
    expect(&house, "GET", ADAS_ROOM "/recordings", "Authorization: Seat a-moderators-seat\r\n", 401,
           "seat-bad");
    close_house(&house);
}

// Whoever else has the ticket must not be given the answer.
static void test_a_ticket_makes_no_answer_that_is_kept(void **state) {
    static const char body[] = "{\"login\":\"zoe\",\"password\":\"mosaic of seven words\"}";
    struct house house = open_house();
    char ticket[TICKET_BYTES_MAX], target[300];
    assert_true(ticket_make(TEST_SECRET, "m1", time(NULL) + 60, ticket));
    snprintf(target, sizeof(target), "/api/v1/users?ticket=%s", ticket);
    for (int i = 0; i < 2; i++) {
        struct answer *answer =
            client_ask(house.hub, "POST", target, JSON_LINE "Idempotency-Key: one\r\n", body);
        assert_int_equal(answer->status, i == 0 ? 201 : 409);
        assert_null(answer_header(answer, "Idempotent-Replayed"));
        free(answer);
    }
    close_house(&house);
}

static void test_a_token_for_a_single_use_is_not_used_up_by_asking(void **state) {
    struct house house = open_house();
    struct token_claims claims = {.room = "ada",
                                  .id = "once",
                                  .role = ROLE_VIEWER,
                                  .expires_s = time(NULL) + 600,
                                  .is_single_use = true};
    char *token = NULL, more[1024];
    assert_int_equal(token_mint(TEST_SECRET, &claims, &token), 0);
    snprintf(more, sizeof(more), BEARER "%s\r\n", token);
    expect(&house, "GET", ADAS_ROOM, more, 200, NULL);
    expect(&house, "GET", ADAS_ROOM, more, 200, NULL);
    free(token);
    close_house(&house);
}

// A browser sends it everywhere: to the front page, to the sign-in, to a guest's call.
static void test_a_cookie_that_has_ended_keeps_nobody_out(void **state) {
    static const char old[] = "Cookie: tessera_session=ts_old\r\nSec-Fetch-Site: same-origin\r\n";
    struct house house = open_house();
    expect(&house, "GET", "/", old, 200, NULL);
    expect(&house, "GET", "/r/ada", old, 200, NULL);
    expect(&house, "GET", "/ws", old, 426, "upgrade-required");
    expect(&house, "GET", "/", "Cookie: tessera_session=\r\n", 200, NULL);
    expect(&house, "GET", "/", "Cookie: tessera_session=" TEST_KEY "\r\n", 200, NULL);
    close_house(&house);
}

static void test_a_cookie_carries_neither_key_nor_token(void **state) {
    struct house house = open_house();
    expect(&house, "GET", ADAS_ROOM, "Cookie: tessera_session=" TEST_KEY "\r\n", 401, NULL);
    close_house(&house);
}

static void test_authorization_comes_before_the_cookie(void **state) {
    struct house house = open_house();
    expect(&house, "GET", ADAS_ROOM, COOKIE BEARER BOBS "\r\n", 403, "not-allowed");
    expect(&house, "GET", ADAS_ROOM, COOKIE BEARER "wrong\r\n", 401, "key-wrong");
    close_house(&house);
}

static void test_a_room_that_is_not_there_looks_like_one_that_is(void **state) {
    struct house house = open_house();
    atomic_store(&lookups, 0);
    expect(&house, "GET", "/api/v1/rooms/none", NULL, 401, "sign-in-required");
    expect(&house, "GET", ADAS_ROOM, NULL, 401, "sign-in-required");
    assert_int_equal(atomic_load(&lookups), 0); // not even looked for
    expect(&house, "GET", "/api/v1/rooms/none", BEARER BOBS "\r\n", 403, "not-allowed");
    expect(&house, "GET", ADAS_ROOM, BEARER BOBS "\r\n", 403, "not-allowed");
    expect(&house, "GET", "/api/v1/rooms/no%20name", BEARER BOBS "\r\n", 403, "not-allowed");
    expect(&house, "GET", "/api/v1/rooms/ADA", BEARER BOBS "\r\n", 403, "not-allowed");
    close_house(&house);
}

static void test_a_store_that_fails_lets_nobody_in(void **state) {
    struct house house = open_house();
    atomic_store(&is_store_broken, 1);
    expect(&house, "GET", ADAS_ROOM, BEARER ADAS "\r\n", 503, "not-ready");
    expect(&house, "GET", ADAS_ROOM, KEY_LINE, 200, NULL); // the operator needs no owner
    atomic_store(&is_store_broken, 0);
    close_house(&house);
}

// ---- cookies and origins ----

static void test_a_cookie_counts_only_for_pages_of_this_server(void **state) {
    static const struct {
        const char *more;
        bool reads, changes;
    } rows[] = {
        {"", true, false}, // a program, or a browser too old to say anything
        {SAME, true, true},
        {SAME FETCH "same-origin\r\n", true, true},
        {"Origin: HTTP://TEST:80\r\n", true, true},
        {FETCH "same-origin\r\n", true, true},
        {FETCH "none\r\n", true, true}, // the person themselves
        {OTHER, false, false},
        {OTHER FETCH "cross-site\r\n", false, false},
        {OTHER FETCH "same-origin\r\n", false, false},
        {OPAQUE, false, false},
        {OPAQUE FETCH "same-origin\r\n", false, false},
        {"Origin: http://test.evil\r\n", false, false},
        {"Origin: http://test:8080\r\n", false, false},
        {"Origin: test\r\n", false, false},
        {"Origin: \r\n", false, false},
        {SAME FETCH "cross-site\r\n", false, false}, // they contradict each other
        {FETCH "same-site\r\n", false, false},
        {FETCH "cross-site\r\n", false, false},
        {FETCH "cross-site\r\nSec-Fetch-Mode: no-cors\r\n", false, false},
        {FETCH "cross-site\r\nSec-Fetch-Mode: navigate\r\n", true, false}, // a link in a mail
        {FETCH "bogus\r\n", false, false},
    };
    struct house house = open_house_with("*"); // CORS changes nothing of it
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char more[512];
        snprintf(more, sizeof(more), COOKIE "%s", rows[i].more);
        expect(&house, "GET", ADAS_ROOM, more, rows[i].reads ? 200 : 401, NULL);
        expect(&house, "HEAD", ADAS_ROOM, more, rows[i].reads ? 200 : 401, NULL);
        expect(&house, "DELETE", ADAS_ROOM, more, rows[i].changes ? 204 : 401, NULL);
        expect(&house, "PATCH", ADAS_ROOM, more, rows[i].changes ? 200 : 401, NULL);
    }
    // What is sent on purpose counts from everywhere.
    expect(&house, "DELETE", ADAS_ROOM, OTHER BEARER ADAS "\r\n", 204, NULL);
    close_house(&house);
}

static void test_cors_never_lets_credentials_through(void **state) {
    static const char preflight[] =
        COOKIE "Origin: http://friend.test\r\nAccess-Control-Request-Method: DELETE\r\n";
    static const char *const settings[] = {"*", "http://friend.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        struct house house = open_house_with(settings[i]);
        struct answer *answer =
            client_ask(house.hub, "GET", "/healthz", COOKIE "Origin: http://friend.test\r\n", NULL);
        assert_non_null(answer_header(answer, "Access-Control-Allow-Origin"));
        assert_null(answer_header(answer, "Access-Control-Allow-Credentials"));
        free(answer);
        answer = client_ask(house.hub, "OPTIONS", ADAS_ROOM, preflight, NULL);
        assert_non_null(answer_header(answer, "Access-Control-Allow-Methods"));
        assert_null(answer_header(answer, "Access-Control-Allow-Credentials"));
        free(answer);
        close_house(&house);
    }
}

// ---- WebSockets ----

static void expect_caller(const struct house *house, const char *more, enum caller_kind kind,
                          int64_t user) {
    char text[1024];
    int fd = client_connect(house->hub), before = atomic_load(&house->hub->opened);
    snprintf(text, sizeof(text),
             "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             more);
    client_say(fd, text);
    assert_true(client_receive(fd, text, sizeof(text)) > 12);
    if (strncmp(text, "HTTP/1.1 101", 12) != 0)
        fail_msg("%s: %.12s", more, text);
    await(&house->hub->opened, before + 1);
    assert_int_equal(atomic_load(&last_kind), kind);
    assert_int_equal(atomic_load(&last_user), user);
    close(fd);
    await(&house->hub->closed, before + 1);
}

static void test_a_websocket_takes_the_cookie_only_behind_a_page_of_ours(void **state) {
    struct house house = open_house_with("http://friend.test");
    expect_caller(&house, COOKIE SAME, CALLER_USER, ADA);
    expect_caller(&house, COOKIE "Origin: http://friend.test\r\n", CALLER_NOBODY, 0);
    expect_caller(&house, COOKIE, CALLER_NOBODY, 0);
    expect_caller(&house, COOKIE FETCH "same-origin\r\n", CALLER_NOBODY, 0);
    expect_caller(&house, "Cookie: tessera_session=ts_old\r\n" SAME, CALLER_NOBODY, 0);
    expect_caller(&house, SAME, CALLER_NOBODY, 0);
    expect_caller(&house, BEARER BOBS "\r\n", CALLER_USER, BOB);
    expect_caller(&house, KEY_LINE, CALLER_KEY, 0);
    close_house(&house);
}

// ---- minting ----

static json_t *mint(const struct house *house, const char *more, const char *body, int status,
                    const char *code) {
    char headers[1400];
    snprintf(headers, sizeof(headers), JSON_LINE "%s", more);
    struct answer *answer = client_ask(house->hub, "POST", "/api/v1/tokens", headers, body);
    if (answer->status != status)
        fail_msg("%s gives %d: %s", body, answer->status, answer->body);
    if (code)
        assert_string_equal(answer_code(answer), code);
    json_t *json = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    free(answer);
    return json;
}

static void test_a_minted_token_opens_its_room(void **state) {
    struct house house = open_house();
    struct token_claims claims;
    char wanted[4400], more[4400];
    json_t *json = mint(&house, BEARER ADAS "\r\n",
                        "{\"room\":\"Ada\",\"name\":\" Zoe \",\"role\":\"viewer\",\"permissions\":"
                        "[\"chat\"],\"expires_in\":60,\"single_use\":true}",
                        201, NULL);
    const char *token = json_string_value(json_object_get(json, "token"));
    assert_non_null(token);
    assert_int_equal(token_read(TEST_SECRET, token, time(NULL), &claims, NULL), 0);
    assert_string_equal(claims.room, "ada");
    assert_string_equal(claims.name, "Zoe");
    assert_int_equal(claims.role, ROLE_VIEWER);
    assert_int_equal(claims.grants, GRANT_CHAT);
    assert_true(claims.is_single_use && claims.id[0]);
    assert_in_range(claims.expires_s, time(NULL) + 1, time(NULL) + 60);
    snprintf(wanted, sizeof(wanted), "http://test/r/ada#token=%s", token);
    assert_string_equal(json_string_value(json_object_get(json, "link")), wanted);
    assert_string_equal(json_string_value(json_object_get(json, "room")), "ada");
    assert_string_equal(json_string_value(json_object_get(json, "role")), "viewer");
    assert_int_equal(strlen(json_string_value(json_object_get(json, "expires_at"))), 24);
    snprintf(more, sizeof(more), BEARER "%s\r\n", token);
    expect(&house, "GET", ADAS_ROOM, more, 200, NULL);
    expect(&house, "DELETE", ADAS_ROOM, more, 403, "not-allowed");
    json_decref(json);
    close_house(&house);
}

static void test_what_cannot_be_minted_is_refused_by_its_field(void **state) {
    static const struct {
        const char *body, *field;
    } rows[] = {
        {"{}", "room"},
        {"{\"room\":7}", "room"},
        {"{\"room\":\"a b\"}", "room"},
        {"{\"room\":\"ada\",\"rol\":\"viewer\"}", "rol"},
        {"{\"room\":\"ada\",\"role\":\"owner\"}", "role"},
        {"{\"room\":\"ada\",\"role\":null}", "role"},
        {"{\"room\":\"ada\",\"name\":7}", "name"},
        {"{\"room\":\"ada\",\"name\":\"\"}", "name"},
        {"{\"room\":\"ada\",\"permissions\":\"chat\"}", "permissions"},
        {"{\"room\":\"ada\",\"permissions\":[\"moderate\"]}", "permissions"},
        {"{\"room\":\"ada\",\"expires_in\":0}", "expires_in"},
        {"{\"room\":\"ada\",\"expires_in\":31622401}", "expires_in"},
        {"{\"room\":\"ada\",\"expires_in\":\"60\"}", "expires_in"},
        {"{\"room\":\"ada\",\"expires_at\":\"tomorrow\"}", "expires_at"},
        {"{\"room\":\"ada\",\"expires_at\":\"2001-01-01T00:00:00Z\"}", "expires_at"},
        {"{\"room\":\"ada\",\"expires_at\":\"9001-01-01T00:00:00Z\"}", "expires_at"},
        {"{\"room\":\"ada\",\"expires_at\":\"2001-01-01T00:00:00Z\",\"expires_in\":60}",
         "expires_in"},
        {"{\"room\":\"ada\",\"not_before\":\"9001-01-01T00:00:00Z\"}", "not_before"},
        {"{\"room\":\"ada\",\"not_before\":5}", "not_before"},
        {"{\"room\":\"ada\",\"single_use\":1}", "single_use"},
    };
    struct house house = open_house();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = mint(&house, KEY_LINE, rows[i].body, 422, "bad-field");
        assert_string_equal(json_string_value(json_object_get(json, "field")), rows[i].field);
        json_decref(json);
    }
    // Whose room it is comes before what else is wrong.
    json_decref(
        mint(&house, BEARER BOBS "\r\n", "{\"room\":\"ada\",\"rol\":1}", 403, "not-allowed"));
    json_decref(mint(&house, BEARER ADAS "\r\n", "{\"room\":\"other\"}", 403, "not-allowed"));
    close_house(&house);
}

// A Host that is no plain name goes into no link.
static void test_a_strange_host_is_in_no_link(void **state) {
    struct house house = open_house();
    char text[4096];
    int fd = client_connect(house.hub);
    client_say(fd, "POST /api/v1/tokens HTTP/1.1\r\nHost: evil.test/x?\"<\r\nConnection: close\r\n"
                   "X-Forwarded-Proto: https\r\n" JSON_LINE KEY_LINE
                   "Content-Length: 14\r\n\r\n{\"room\":\"ada\"}");
    struct answer *answer = client_hear(fd);
    assert_int_equal(answer->status, 201);
    assert_non_null(strstr(answer->body, "\"link\":\"/r/ada#token="));
    free(answer);
    snprintf(text, sizeof(text), "X-Forwarded-Proto: https\r\n%s", KEY_LINE);
    json_t *json = mint(&house, text, "{\"room\":\"ada\"}", 201, NULL);
    assert_true(g_str_has_prefix(json_string_value(json_object_get(json, "link")),
                                 "https://test/r/ada#token="));
    json_decref(json);
    close_house(&house);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_lets_in_whom_it_should),
        cmocka_unit_test(test_each_credential_that_is_wrong_has_its_code),
        cmocka_unit_test(test_a_ticket_reads_files_and_nothing_else),
        cmocka_unit_test(test_a_ticket_stands_between_authorization_and_the_cookie),
        cmocka_unit_test(test_a_seat_is_what_its_member_may_show_and_play),
        cmocka_unit_test(test_a_ticket_makes_no_answer_that_is_kept),
        cmocka_unit_test(test_a_token_for_a_single_use_is_not_used_up_by_asking),
        cmocka_unit_test(test_a_cookie_that_has_ended_keeps_nobody_out),
        cmocka_unit_test(test_a_cookie_carries_neither_key_nor_token),
        cmocka_unit_test(test_authorization_comes_before_the_cookie),
        cmocka_unit_test(test_a_room_that_is_not_there_looks_like_one_that_is),
        cmocka_unit_test(test_a_store_that_fails_lets_nobody_in),
        cmocka_unit_test(test_a_cookie_counts_only_for_pages_of_this_server),
        cmocka_unit_test(test_cors_never_lets_credentials_through),
        cmocka_unit_test(test_a_websocket_takes_the_cookie_only_behind_a_page_of_ours),
        cmocka_unit_test(test_a_minted_token_opens_its_room),
        cmocka_unit_test(test_what_cannot_be_minted_is_refused_by_its_field),
        cmocka_unit_test(test_a_strange_host_is_in_no_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
