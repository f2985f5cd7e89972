// SPDX-License-Identifier: MIT
// Meetings, invitations to them, and the history of calls.
#include "mcu/body.h"
#include "mcu/invitation.h"
#include "mcu/log.h"
#include "mcu/meetings.h"
#include "mcu/people.h"
#include "mcu/store_meetings.h"
#include "mcu/store_users.h"
#include "store_place.h"

#define START "2026-03-04T15:00:00Z"

struct world {
    void *place;
    struct store *store;
    struct caller ada, bob;
};

static const struct caller key = {.kind = CALLER_KEY}, nobody = {.kind = CALLER_NOBODY};

static struct caller add_user(struct store *store, const char *login, const char *email) {
    struct caller caller = {.kind = CALLER_USER};
    const struct store_user user = {
        .login = login, .name = "Ada; \"Lovelace\"", .email = email, .password = "x"};
    assert_int_equal(store_add_user(store, &user, true, &caller.user), 0);
    g_strlcpy(caller.user_name, login, sizeof(caller.user_name));
    return caller;
}

static int make_world(void **state) {
    struct world *world = calloc(1, sizeof(*world));
    log_set_level(getenv("TEST_VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    place_make(&world->place);
    world->store = place_open(world->place);
    world->ada = add_user(world->store, "ada", "ada@example.org");
    world->bob = add_user(world->store, "bob", NULL);
    *state = world;
    return 0;
}

static int end_world(void **state) {
    struct world *world = *state;
    store_close(world->store);
    place_remove(&world->place);
    free(world);
    return 0;
}

// ---- what a test says ----

static char why[128]; // code and field of the last refusal

static int outcome(int result, const struct refusal *refusal) {
    why[0] = '\0';
    if (result == 0)
        return 0;
    snprintf(why, sizeof(why), "%s%s%s", refusal->code, refusal->field[0] ? " " : "",
             refusal->field);
    return refusal->status;
}

static json_t *parse(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    if (!json)
        fail_msg("no JSON: %s", text);
    return json;
}

static int plan(struct world *world, const struct caller *caller, const char *body, json_t **out) {
    struct refusal refusal = {0};
    json_t *json = parse(body), *meeting = NULL;
    int status = outcome(meetings_add(world->store, caller, json, &meeting, &refusal), &refusal);
    json_decref(json);
    if (out)
        *out = meeting;
    else
        json_decref(meeting);
    return status;
}

static const char *text_of(const json_t *object, const char *field) {
    const char *text = json_string_value(json_object_get(object, field));
    return text ? text : "(none)";
}

// Its id, for as long as the test lasts.
static char *plan_one(struct world *world, const struct caller *caller, const char *body) {
    json_t *meeting = NULL;
    assert_int_equal(plan(world, caller, body, &meeting), 0);
    static char ids[8][32];
    static int next;
    char *id = ids[next++ % 8];
    g_strlcpy(id, text_of(meeting, "id"), 32);
    json_decref(meeting);
    return id;
}

static int change(struct world *world, const struct caller *caller, const char *id,
                  const char *body, const char *if_match) {
    struct refusal refusal = {0};
    json_t *json = parse(body), *out = NULL;
    int status = outcome(meetings_change(world->store, caller, id, json, if_match, &out, &refusal),
                         &refusal);
    json_decref(json);
    json_decref(out);
    return status;
}

static json_t *get(struct world *world, const struct caller *caller, const char *id) {
    struct refusal refusal = {0};
    json_t *out = NULL;
    outcome(meetings_get(world->store, caller, id, &out, &refusal), &refusal);
    return out;
}

// ---- meetings ----

static void test_a_meeting_is_as_it_was_planned(void **state) {
    struct world *world = *state;
    json_t *meeting = NULL;
    assert_int_equal(
        plan(world, &world->ada,
             "{\"title\":\"  '); DROP TABLE meetings;--  \","
             "\"starts_at\":\"2026-03-04T16:30:00.5+01:30\",\"minutes\":45,"
             "\"notes\":\"one\\ntwo <b>\",\"invitees\":[\"bob@example.org\",\"Carl\"]}",
             &meeting),
        0);
    assert_string_equal(text_of(meeting, "title"), "'); DROP TABLE meetings;--");
    assert_string_equal(text_of(meeting, "starts_at"), "2026-03-04T15:00:00.500Z");
    assert_string_equal(text_of(meeting, "notes"), "one\ntwo <b>");
    assert_int_equal(json_integer_value(json_object_get(meeting, "minutes")), 45);
    assert_int_equal(json_integer_value(json_object_get(meeting, "revision")), 1);
    assert_int_equal(json_array_size(json_object_get(meeting, "invitees")), 2);
    const char *room = text_of(meeting, "room");
    assert_int_equal(strncmp(room, "m-", 2), 0);
    assert_int_equal(strlen(room), 14);
    assert_string_equal(text_of(meeting, "link") + 3, room);
    int64_t owner = 0;
    assert_int_equal(store_get_room_owner(world->store, room, &owner), 0);
    assert_int_equal(owner, world->ada.user);
    json_t *again = get(world, &world->ada, text_of(meeting, "id"));
    assert_true(json_equal(meeting, again));
    json_decref(again);
    json_decref(meeting);
}

static void test_a_meeting_that_cannot_be_is_refused_by_the_field(void **state) {
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"{}", "bad-field title"},
        {"{\"title\":\"x\"}", "bad-field starts_at"},
        {"{\"title\":\"\",\"starts_at\":\"" START "\"}", "bad-field title"},
        {"{\"title\":7,\"starts_at\":\"" START "\"}", "bad-field title"},
        {"{\"title\":\"x\",\"starts_at\":\"tomorrow\"}", "bad-field starts_at"},
        {"{\"title\":\"x\",\"starts_at\":null}", "bad-field starts_at"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"minutes\":4}", "bad-field minutes"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"minutes\":1441}", "bad-field minutes"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"minutes\":7.5}", "bad-field minutes"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"notes\":[]}", "bad-field notes"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"invitees\":\"bob\"}",
         "bad-field invitees"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"invitees\":[1]}", "bad-field invitees"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"invitees\":[\"\"]}", "bad-field invitees"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"room\":\"ada\"}", "bad-field room"},
        {"{\"title\":\"x\",\"starts_at\":\"" START "\",\"owner\":\"bob\"}", "bad-field owner"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int status = plan(world, &world->ada, rows[i].body, NULL);
        if (status != 422 || strcmp(why, rows[i].why) != 0)
            fail_msg("%s gives %d %s", rows[i].body, status, why);
    }
    json_t *many = json_array();
    for (int i = 0; i < 101; i++)
        json_array_append_new(many, json_string("x"));
    json_t *body = json_pack("{s:s, s:s, s:o}", "title", "x", "starts_at", START, "invitees", many);
    char *text = json_dumps(body, 0);
    assert_int_equal(plan(world, &world->ada, text, NULL), 422);
    assert_string_equal(why, "bad-field invitees");
    free(text);
    json_decref(body);
}

static void test_the_key_plans_for_whom_it_names(void **state) {
    struct world *world = *state;
    assert_int_equal(plan(world, &key, "{\"title\":\"x\",\"starts_at\":\"" START "\"}", NULL), 422);
    assert_string_equal(why, "bad-field owner");
    assert_int_equal(
        plan(world, &key, "{\"title\":\"x\",\"starts_at\":\"" START "\",\"owner\":\"eve\"}", NULL),
        422);
    char *id =
        plan_one(world, &key, "{\"title\":\"x\",\"starts_at\":\"" START "\",\"owner\":\"bob\"}");
    json_t *meeting = get(world, &world->bob, id);
    assert_non_null(meeting);
    json_decref(meeting);
}

static void test_somebody_elses_meeting_does_not_exist(void **state) {
    struct world *world = *state;
    struct refusal refusal;
    char *text = NULL;
    char *id = plan_one(world, &world->ada, "{\"title\":\"x\",\"starts_at\":\"" START "\"}");
    assert_null(get(world, &world->bob, id));
    assert_string_equal(why, "meeting-not-found");
    assert_null(get(world, &world->ada, "' OR 1=1 --"));
    assert_int_equal(change(world, &world->bob, id, "{\"title\":\"mine\"}", NULL), 404);
    assert_int_equal(meetings_remove(world->store, &world->bob, id, &refusal), -1);
    assert_int_equal(refusal.status, 404);
    assert_int_equal(
        meetings_invitation(world->store, &world->bob, id, "https://x", &text, &refusal), -1);
    assert_null(get(world, &nobody, id));
    assert_string_equal(why, "not-allowed");
    json_t *meeting = get(world, &key, id);
    assert_string_equal(text_of(meeting, "title"), "x");
    json_decref(meeting);
    assert_int_equal(meetings_remove(world->store, &world->ada, id, &refusal), 0);
    assert_null(get(world, &world->ada, id));
}

static void test_a_change_must_match_the_revision(void **state) {
    struct world *world = *state;
    char *id = plan_one(world, &world->ada,
                        "{\"title\":\"x\",\"starts_at\":\"" START "\",\"notes\":\"n\"}");
    assert_int_equal(change(world, &world->ada, id, "{\"title\":\"y\"}", "\"1\""), 0);
    assert_int_equal(change(world, &world->ada, id, "{\"title\":\"z\"}", "\"1\""), 412);
    assert_string_equal(why, "changed-meanwhile");
    assert_int_equal(change(world, &world->ada, id, "{\"title\":\"z\"}", "W/\"2\""), 412);
    assert_int_equal(change(world, &world->ada, id, "{\"title\":\"z\"}", "nonsense"), 412);
    assert_int_equal(change(world, &world->ada, id, "{\"minutes\":30}", "\"7\", \"2\""), 0);
    assert_int_equal(change(world, &world->ada, id, "{\"invitees\":[\"Bob\"]}", "*"), 0);
    assert_int_equal(change(world, &world->ada, id, "{\"notes\":null}", NULL), 0);
    assert_int_equal(change(world, &world->ada, id, "{\"room\":\"ada\"}", NULL), 422);
    json_t *meeting = get(world, &world->ada, id);
    assert_string_equal(text_of(meeting, "title"), "y");
    assert_string_equal(text_of(meeting, "starts_at"), "2026-03-04T15:00:00.000Z");
    assert_true(json_is_null(json_object_get(meeting, "notes")));
    assert_int_equal(json_integer_value(json_object_get(meeting, "minutes")), 30);
    assert_int_equal(json_integer_value(json_object_get(meeting, "revision")), 5);
    assert_int_equal(json_array_size(json_object_get(meeting, "invitees")), 1);
    json_decref(meeting);
}

static void test_meetings_are_listed_by_their_start(void **state) {
    struct world *world = *state;
    char titles[64] = "", cursor[64] = "", body[128];
    static const char order[] = "dbcae";
    struct refusal refusal;
    int pages = 0;
    for (int i = 0; order[i]; i++) { // d and e begin at the same time
        snprintf(body, sizeof(body), "{\"title\":\"%c\",\"starts_at\":\"2026-03-0%dT15:00:00Z\"}",
                 order[i], order[i] == 'e' ? 4 : order[i] - 'a' + 1);
        plan_one(world, &world->ada, body);
    }
    plan_one(world, &world->bob, "{\"title\":\"bob's\",\"starts_at\":\"" START "\"}");
    do {
        json_t *page = NULL, *meeting;
        size_t i;
        assert_int_equal(
            meetings_list(world->store, &world->ada, cursor[0] ? cursor : NULL, 2, &page, &refusal),
            0);
        json_array_foreach(json_object_get(page, "meetings"), i, meeting)
            g_strlcat(titles, text_of(meeting, "title"), sizeof(titles));
        const char *next = json_string_value(json_object_get(page, "next_cursor"));
        g_strlcpy(cursor, next ? next : "", sizeof(cursor));
        json_decref(page);
    } while (cursor[0] && ++pages < 5);
    assert_int_equal(pages, 2);
    assert_int_equal(strlen(titles), 5);
    assert_int_equal(strncmp(titles, "abc", 3), 0);
    static const char *const bad[] = {
        "x", "1", "_", "1x_", "99999999999999999999_a", "1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        json_t *page = NULL;
        assert_int_equal(meetings_list(world->store, &world->ada, bad[i], 2, &page, &refusal), -1);
        assert_string_equal(refusal.field, "cursor");
    }
}

static void test_nobody_plans_without_end(void **state) {
    struct world *world = *state;
    char sql[400];
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO meetings SELECT 'id' || i, %d, 'm-' || i, '', 0, 5, NULL, '[]', 1, 0"
             " FROM n",
             STORE_MEETINGS_MAX, (int)world->ada.user);
    place_execute(world->place, sql);
    assert_int_equal(
        plan(world, &world->ada, "{\"title\":\"x\",\"starts_at\":\"" START "\"}", NULL), 409);
    assert_string_equal(why, "too-many-meetings");
    assert_int_equal(
        plan(world, &world->bob, "{\"title\":\"x\",\"starts_at\":\"" START "\"}", NULL), 0);
    const struct caller gone = {.kind = CALLER_USER, .user = 4711};
    assert_int_equal(plan(world, &gone, "{\"title\":\"x\",\"starts_at\":\"" START "\"}", NULL),
                     401);
}

// ---- times ----

static void test_times_are_read_strictly(void **state) {
    static const struct {
        const char *text;
        int64_t unix_ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29T23:59:59Z", 951868799000},
        {"2026-03-04T15:00:00+00:00", 1772636400000},
        {"2026-03-04T16:30:00.123456789+01:30", 1772636400123},
        {"2026-03-04T10:00:00.5-05:00", 1772636400500},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    static const char *const bad[] = {
        "",
        "2026",
        "2026-03-04",
        "2026-03-04T15:00Z",
        "2026-03-04T15:00:00",
        "2026-03-04 15:00:00Z",
        "2026-03-04t15:00:00z",
        "2026-02-29T15:00:00Z",
        "2026-13-01T15:00:00Z",
        "2026-00-01T15:00:00Z",
        "2026-03-32T15:00:00Z",
        "2026-03-04T24:00:00Z",
        "2026-03-04T15:60:00Z",
        "2026-03-04T15:00:60Z",
        "2026-03-04T15:00:00.Z",
        "2026-03-04T15:00:00.1234567890Z",
        "2026-03-04T15:00:00+0100",
        "2026-03-04T15:00:00+24:00",
        "2026-03-04T15:00:00ZZ",
        " 2026-03-04T15:00:00Z",
        "+026-03-04T15:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "20260304T150000Z",
        "2026-W10-3T15:00:00Z",
    };
    int64_t unix_ms = -1;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(body_parse_time(good[i].text, &unix_ms));
        assert_true(unix_ms == good[i].unix_ms);
    }
    unix_ms = -7;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (body_parse_time(bad[i], &unix_ms))
            fail_msg("%s is taken for a time", bad[i]);
    assert_int_equal(unix_ms, -7);
}

static void test_addresses_are_told_from_names(void **state) {
    static const char *const good[] = {"a@b.c", "ada.l+x@mail.example.org", "o'k@x-y.de",
                                       "50%@example.org"};
    static const char *const bad[] = {
        "",        "ada",          "@b.c",    "a@",          "a@b",     "a@b..c",
        "a@.b.c",  "a@b.c.",       "a@-b.c",  ".a@b.c",      "a.@b.c",  "a..b@c.d",
        "a b@c.d", "a@b.c\r\nX:y", "a@b.c;x", "\"a\"@b.c",   "a@b@c.d", "ä@b.c",
        "<a@b.c>", "a,b@c.d",      "a:b@c.d", "mailto:a@b.c"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (!people_is_email(good[i]))
            fail_msg("%s is no address?", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (people_is_email(bad[i]))
            fail_msg("%s is an address?", bad[i]);
}

// ---- invitations ----

// Lines end with CRLF and are at most 75 octets; unfolded, each begins with a name that may be
// there.
static void check_calendar(const char *text) {
    static const char *const names[] = {
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:",   "CALSCALE:",  "BEGIN:VEVENT", "UID:",
        "DTSTAMP:",        "DTSTART:",    "DURATION:", "SEQUENCE:",  "SUMMARY:",     "DESCRIPTION:",
        "LOCATION:",       "ORGANIZER;",  "ATTENDEE;", "END:VEVENT", "END:VCALENDAR"};
    assert_true(g_utf8_validate(text, -1, NULL));
    char **lines = g_strsplit(text, "\r\n", -1);
    guint count = g_strv_length(lines);
    assert_string_equal(lines[0], "BEGIN:VCALENDAR");
    assert_string_equal(lines[count - 2], "END:VCALENDAR");
    assert_string_equal(lines[count - 1], "");
    int events = 0;
    for (guint i = 0; i + 1 < count; i++) {
        assert_true(strlen(lines[i]) <= 75);
        assert_true(g_utf8_validate(lines[i], -1, NULL));
        assert_null(strpbrk(lines[i], "\r\n"));
        events += strcmp(lines[i], "BEGIN:VEVENT") == 0;
        bool is_known = lines[i][0] == ' ' && i > 0;
        for (size_t n = 0; n < G_N_ELEMENTS(names); n++)
            is_known |= g_str_has_prefix(lines[i], names[n]);
        if (!is_known)
            fail_msg("a line out of nowhere: %s", lines[i]);
    }
    assert_int_equal(events, 1);
    g_strfreev(lines);
}

static char *unfold(const char *text) {
    char **parts = g_strsplit(text, "\r\n ", -1);
    char *whole = g_strjoinv("", parts);
    g_strfreev(parts);
    return whole;
}

static void test_an_invitation_says_what_was_planned(void **state) {
    struct world *world = *state;
    struct refusal refusal;
    char *text = NULL;
    char *id = plan_one(world, &world->ada,
                        "{\"title\":\"Plan; A, \\\\ B\",\"starts_at\":\"" START "\",\"minutes\":90,"
                        "\"notes\":\"first\\nsecond\",\"invitees\":[\"bob@example.org\",\"Carl\","
                        "\"x@y.z;EVIL=1\"]}");
    assert_int_equal(change(world, &world->ada, id, "{\"minutes\":95}", NULL), 0);
    assert_int_equal(meetings_invitation(world->store, &world->ada, id, "https://talk.example.org",
                                         &text, &refusal),
                     0);
    check_calendar(text);
    char *whole = unfold(text);
    static const char *const wanted[] = {
        "\r\nDTSTART:20260304T150000Z\r\n",
        "\r\nDURATION:PT95M\r\n",
        "\r\nSEQUENCE:2\r\n",
        "\r\nSUMMARY:Plan\\; A\\, \\\\ B\r\n",
        "\r\nDESCRIPTION:first\\nsecond\\n\\nhttps://talk.example.org/r/m-",
        "\r\nLOCATION:https://talk.example.org/r/m-",
        "\r\nORGANIZER;CN=\"Ada; 'Lovelace'\":mailto:ada@example.org\r\n",
        "\r\nATTENDEE;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:bob@example.org\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (!strstr(whole, wanted[i]))
            fail_msg("%s is missing in\n%s", wanted[i], whole);
    assert_null(strstr(whole, "Carl"));
    assert_null(strstr(whole, "EVIL"));
    g_free(whole);
    g_free(text);
    // Without an address there is no organizer.
    id = plan_one(world, &world->bob, "{\"title\":\"x\",\"starts_at\":\"" START "\"}");
    assert_int_equal(meetings_invitation(world->store, &world->bob, id, "", &text, &refusal), 0);
    check_calendar(text);
    assert_null(strstr(text, "ORGANIZER"));
    g_free(text);
}

// Whatever the texts are: also those that never came through a clean field.
static void test_no_text_gets_out_of_its_place_in_an_invitation(void **state) {
    static const char *const hostile[] = {
        "x\r\nATTENDEE:mailto:evil@example.org",
        "x\nEND:VEVENT\nBEGIN:VEVENT",
        "\r\n\r\n",
        "\x01\x7f",
        "\xff\xfe broken",
        "a\";X=\"b^n",
        ":;,\\n\\",
        "ŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵ"
        "ŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵ "
        "👩🏽‍🚀👩🏽‍🚀👩🏽‍🚀👩🏽‍🚀",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        json_t *invitees = json_array();
        json_array_append_new(invitees, json_string(hostile[i])); // NULL if no UTF-8: not added
        char *text = invitation_write(&(struct invitation){.id = hostile[i],
                                                           .title = hostile[i],
                                                           .notes = hostile[i],
                                                           .link = hostile[i],
                                                           .organizer_name = hostile[i],
                                                           .organizer_email = "a@b.c",
                                                           .invitees = invitees,
                                                           .starts_unix_ms = 0,
                                                           .minutes = 5});
        check_calendar(text);
        assert_null(strstr(text, "\r\nATTENDEE:mailto:evil"));
        g_free(text);
        json_decref(invitees);
    }
}

// ---- calls ----

static int64_t hold_call(struct store *store, const char *room, const struct caller *owner,
                         int64_t at_ms) {
    int64_t call, presence, id;
    assert_int_equal(store_begin_call(store, room, owner->user, "A call", at_ms, &call), 0);
    assert_int_equal(store_begin_presence(store, call, "Ada <b>", owner->user, at_ms, &presence),
                     0);
    assert_int_equal(store_add_message(store, room, "m1", "Ada", "hello '; --", at_ms + 1, &id), 0);
    assert_int_equal(store_end_presence(store, presence, at_ms + 50), 0);
    assert_int_equal(store_begin_presence(store, call, "guest", 0, at_ms + 10, &presence), 0);
    assert_int_equal(store_forget_room(store, room), 0);
    assert_int_equal(store_end_call(store, call, at_ms + 100), 0);
    return call;
}

static json_t *get_call(struct world *world, const struct caller *caller, int64_t id) {
    struct refusal refusal = {0};
    char text[24];
    json_t *out = NULL;
    snprintf(text, sizeof(text), "%lld", (long long)id);
    outcome(meetings_get_call(world->store, caller, text, &out, &refusal), &refusal);
    return out;
}

static int remove_call(struct world *world, const struct caller *caller, int64_t id) {
    struct refusal refusal = {0};
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)id);
    return outcome(meetings_remove_call(world->store, caller, text, &refusal), &refusal);
}

static void test_a_call_is_remembered_with_people_and_chat(void **state) {
    struct world *world = *state;
    int64_t now = place_now_ms(), id = hold_call(world->store, "ada", &world->ada, now);
    json_t *call = get_call(world, &world->ada, id);
    assert_string_equal(text_of(call, "room"), "ada");
    assert_string_equal(text_of(call, "title"), "A call");
    json_t *people = json_object_get(call, "people"), *messages = json_object_get(call, "messages");
    assert_int_equal(json_array_size(people), 2);
    assert_string_equal(text_of(json_array_get(people, 0), "name"), "Ada <b>");
    assert_string_equal(text_of(json_array_get(people, 0), "user"), "ada");
    assert_true(json_is_null(json_object_get(json_array_get(people, 1), "user")));
    assert_string_equal(text_of(json_array_get(people, 1), "left_at"), text_of(call, "ended_at"));
    assert_int_equal(json_array_size(messages), 1);
    assert_string_equal(text_of(json_array_get(messages, 0), "text"), "hello '; --");
    assert_int_equal(json_array_size(json_object_get(call, "recordings")), 0);
    json_decref(call);
    assert_null(get_call(world, &world->bob, id));
    assert_string_equal(why, "call-not-found");
    assert_null(get_call(world, &nobody, id));
    assert_int_equal(remove_call(world, &world->bob, id), 404);
    assert_int_equal(remove_call(world, &world->ada, id), 0);
    assert_null(get_call(world, &world->ada, id));
    assert_int_equal(place_query(world->place, "SELECT (SELECT count(*) FROM messages)"
                                               " + (SELECT count(*) FROM presences)"),
                     0);
}

// What was said in an earlier call of the room is history: who comes now does not see it.
static void count_message(void *user, const struct store_message *message) {
    ++*(int *)user;
}

static void test_the_chat_of_a_call_is_not_shown_in_the_next(void **state) {
    struct world *world = *state;
    int count = 0;
    hold_call(world->store, "ada", &world->ada, place_now_ms());
    assert_int_equal(store_each_message(world->store, "ada", 100, count_message, &count), 0);
    assert_int_equal(count, 0);
    int64_t next, id;
    store_begin_call(world->store, "ada", world->ada.user, "", place_now_ms(), &next);
    store_add_message(world->store, "ada", "m1", "Ada", "now", place_now_ms(), &id);
    store_each_message(world->store, "ada", 100, count_message, &count);
    assert_int_equal(count, 1);
    assert_int_equal(remove_call(world, &world->ada, next), 409);
    assert_string_equal(why, "call-running");
}

static void test_calls_are_listed_the_newest_first(void **state) {
    struct world *world = *state;
    struct refusal refusal;
    char cursor[32] = "";
    int64_t last = INT64_MAX;
    int seen = 0;
    for (int i = 0; i < 5; i++)
        hold_call(world->store, "ada", &world->ada, place_now_ms() + i);
    hold_call(world->store, "bob", &world->bob, place_now_ms());
    do {
        json_t *page = NULL, *call;
        size_t i;
        assert_int_equal(meetings_list_calls(world->store, &world->ada, cursor[0] ? cursor : NULL,
                                             2, &page, &refusal),
                         0);
        json_array_foreach(json_object_get(page, "calls"), i, call) {
            assert_true(json_integer_value(json_object_get(call, "id")) < last);
            last = json_integer_value(json_object_get(call, "id"));
            seen++;
        }
        const char *next = json_string_value(json_object_get(page, "next_cursor"));
        g_strlcpy(cursor, next ? next : "", sizeof(cursor));
        json_decref(page);
    } while (cursor[0] && seen < 10);
    assert_int_equal(seen, 5);
    json_t *page = NULL;
    assert_int_equal(meetings_list_calls(world->store, &world->ada, "x", 2, &page, &refusal), -1);
    assert_int_equal(refusal.status, 422);
}

static void test_calls_are_forgotten_when_they_are_old(void **state) {
    struct world *world = *state;
    const struct caller none = {.user = 0};
    int64_t day = 24 * 3600 * 1000, now = place_now_ms(), id;
    hold_call(world->store, "old", &world->ada, now - 91 * day);
    hold_call(world->store, "young", &world->ada, now - 89 * day);
    hold_call(world->store, "nobodys-old", &none, now - 2 * day);
    hold_call(world->store, "nobodys", &none, now - day / 2);
    store_add_message(world->store, "room", "m1", "x", "old", now - 2 * day, &id);
    store_add_message(world->store, "room", "m1", "x", "young", now, &id);
    assert_int_equal(store_forget(world->store, now, 0), 0);
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM calls"), 3);
    assert_int_equal(store_forget(world->store, now, 90), 0);
    assert_int_equal(place_query(world->place, "SELECT group_concat(room) = 'young,nobodys'"
                                               " FROM (SELECT room FROM calls ORDER BY id)"),
                     1);
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM messages WHERE call IS NULL"),
                     1);
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM messages WHERE call NOT NULL"),
                     1);
}

static void test_many_old_calls_go_too(void **state) {
    struct world *world = *state;
    int64_t day = 24 * 3600 * 1000, now = place_now_ms();
    for (int i = 0; i < 25; i++)
        hold_call(world->store, "old", &world->ada, now - 100 * day);
    assert_int_equal(store_forget(world->store, now, 90), 0);
    assert_int_equal(place_query(world->place, "SELECT count(*) FROM calls"), 0);
}

static void test_a_call_lost_in_a_crash_ends_when_it_was_last_heard_of(void **state) {
    struct world *world = *state;
    int64_t day = 24 * 3600 * 1000, now = place_now_ms(), call, live, presence, id;
    store_begin_call(world->store, "lost", world->ada.user, "", now - 3 * day, &call);
    store_begin_presence(world->store, call, "Ada", world->ada.user, now - 3 * day, &presence);
    store_add_message(world->store, "lost", "m1", "Ada", "hi", now - 2 * day, &id);
    const struct store_room room = {"live", "{}", 1, world->ada.user, true};
    store_put_room(world->store, &room);
    store_begin_call(world->store, "live", world->ada.user, "", now - 3 * day, &live);
    assert_int_equal(store_forget(world->store, now, 90), 0);
    json_t *json = get_call(world, &world->ada, call);
    char wanted[32];
    const json_t *person = json_array_get(json_object_get(json, "people"), 0);
    GDateTime *time = g_date_time_new_from_unix_utc((now - 2 * day) / 1000);
    char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    snprintf(wanted, sizeof(wanted), "%s.%03dZ", text, (int)(now % 1000));
    assert_string_equal(text_of(json, "ended_at"), wanted);
    assert_string_equal(text_of(person, "left_at"), wanted);
    g_free(text);
    g_date_time_unref(time);
    json_decref(json);
    json = get_call(world, &world->ada, live);
    assert_true(json_is_null(json_object_get(json, "ended_at")));
    json_decref(json);
}

static void test_coming_and_going_without_end_is_not_all_kept(void **state) {
    struct world *world = *state;
    int64_t call, presence = -7;
    char sql[300];
    store_begin_call(world->store, "ada", world->ada.user, "", 1, &call);
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO presences (call, name, joined_unix_ms) SELECT %d, 'x', i FROM n",
             STORE_PRESENCES_MAX, (int)call);
    place_execute(world->place, sql);
    assert_int_equal(store_begin_presence(world->store, call, "x", 0, 1, &presence), -EDQUOT);
    assert_int_equal(presence, -7);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, make_world, end_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_a_meeting_is_as_it_was_planned),
        WORLD_TEST(test_a_meeting_that_cannot_be_is_refused_by_the_field),
        WORLD_TEST(test_the_key_plans_for_whom_it_names),
        WORLD_TEST(test_somebody_elses_meeting_does_not_exist),
        WORLD_TEST(test_a_change_must_match_the_revision),
        WORLD_TEST(test_meetings_are_listed_by_their_start),
        WORLD_TEST(test_nobody_plans_without_end),
        cmocka_unit_test(test_times_are_read_strictly),
        cmocka_unit_test(test_addresses_are_told_from_names),
        WORLD_TEST(test_an_invitation_says_what_was_planned),
        cmocka_unit_test(test_no_text_gets_out_of_its_place_in_an_invitation),
        WORLD_TEST(test_a_call_is_remembered_with_people_and_chat),
        WORLD_TEST(test_the_chat_of_a_call_is_not_shown_in_the_next),
        WORLD_TEST(test_calls_are_listed_the_newest_first),
        WORLD_TEST(test_calls_are_forgotten_when_they_are_old),
        WORLD_TEST(test_many_old_calls_go_too),
        WORLD_TEST(test_a_call_lost_in_a_crash_ends_when_it_was_last_heard_of),
        WORLD_TEST(test_coming_and_going_without_end_is_not_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
