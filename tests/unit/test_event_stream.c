// SPDX-License-Identifier: MIT
// Event streams and long polls against the real server.
#include "tests/unit/http_fixture.h"

#include "http/clock.h"
#include "mcu/events.h"

#include <glib.h>

enum { KEPT = 200, MANY = 50, ROUNDS = 30, FLOOD = 3000 };

#define STREAM_LINE "Accept: text/event-stream\r\n"

// ---- the server and its streams ----

static struct hub *start(int kept, int connections_max) {
    struct hub *hub = fixture_prepare();
    hub->events = events_create(kept);
    hub->config.http_connections_max = connections_max;
    fixture_serve(hub);
    return hub;
}

static void stop(struct hub *hub) {
    struct events *events = hub->events;
    fixture_stop(hub);
    events_destroy(events);
}

struct listener {
    int fd;
    size_t bytes;
    char text[1 << 18];
};

// Until the text has come; false: the connection ended before.
static bool hear_until(struct listener *listener, const char *text) {
    while (!strstr(listener->text, text)) {
        assert_true(listener->bytes < sizeof(listener->text) - 1);
        size_t got = client_receive(listener->fd, listener->text + listener->bytes,
                                    sizeof(listener->text) - 1 - listener->bytes);
        if (got == 0)
            return false;
        listener->bytes += got;
        listener->text[listener->bytes] = '\0';
    }
    return true;
}

static bool hear_end(struct listener *listener) {
    return !hear_until(listener, "this is never said");
}

static void forget(struct listener *listener) {
    listener->bytes = 0;
    listener->text[0] = '\0';
}

static void ask(struct listener *listener, const char *target, const char *version,
                const char *more) {
    char head[1024];
    snprintf(head, sizeof(head), "GET %s HTTP/%s\r\nHost: test\r\n" KEY_LINE "%s\r\n", target,
             version, more);
    client_say(listener->fd, head);
}

static struct listener *open_stream(struct hub *hub, const char *target, const char *more) {
    struct listener *listener = calloc(1, sizeof(*listener));
    char lines[256];
    listener->fd = client_connect(hub);
    snprintf(lines, sizeof(lines), STREAM_LINE "%s", more ? more : "");
    ask(listener, target, "1.1", lines);
    if (!hear_until(listener, "retry: "))
        fail_msg("no stream: %s", listener->text);
    return listener;
}

static void close_stream(struct listener *listener) {
    close(listener->fd);
    free(listener);
}

static uint64_t tell(struct hub *hub, const char *type, const char *room, int number) {
    return events_add(hub->events, type, room, json_pack("{s:i}", "number", number));
}

static json_t *poll_events(struct hub *hub, const char *target) {
    struct answer *answer = client_ask(hub, "GET", target, KEY_LINE, NULL);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "Content-Type"), "application/json");
    const char *body = strchr(answer->body, '{'); // behind the chunk's length
    json_t *json = json_loadb(body, strlen(body), JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json);
    free(answer);
    return json;
}

static size_t count_events(const json_t *polled) {
    return json_array_size(json_object_get(polled, "events"));
}

// ---- streams ----

static void test_an_event_reaches_all_who_listen(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *of_ada = open_stream(hub, "/api/v1/rooms/ada/events", NULL);
    struct listener *of_zoe = open_stream(hub, "/api/v1/rooms/zo%C3%AB/events", NULL);
    struct listener *of_all = open_stream(hub, "/api/v1/events", NULL);
    struct listener *poll_of_ada = calloc(1, sizeof(*poll_of_ada));
    poll_of_ada->fd = client_connect(hub);
    ask(poll_of_ada, "/api/v1/rooms/ada/events?wait=60", "1.1", "");
    assert_true(hear_until(poll_of_ada, "\r\n\r\n")); // it waits
    assert_non_null(strstr(of_ada->text, "Content-Type: text/event-stream"));
    assert_non_null(strstr(of_ada->text, "Cache-Control: no-store"));

    char id[64];
    uint64_t number = tell(hub, "member-joined", "ada", 1);
    snprintf(id, sizeof(id), "id: %llu\nevent: member-joined\ndata: {\"id\":%llu,",
             (unsigned long long)number, (unsigned long long)number);
    tell(hub, "member-joined", "zoë", 2);
    assert_true(hear_until(of_ada, id));
    assert_true(hear_until(of_all, id));
    assert_true(hear_until(of_zoe, "\"number\":2"));
    assert_true(hear_until(of_all, "\"number\":2"));
    assert_true(hear_until(poll_of_ada, "\"number\":1"));
    tell(hub, "layout", "ada", 3);
    assert_true(hear_until(of_ada, "\"number\":3"));
    assert_null(strstr(of_ada->text, "\"number\":2"));
    assert_null(strstr(of_zoe->text, "\"number\":1"));
    close_stream(of_ada);
    close_stream(of_zoe);
    close_stream(of_all);
    close_stream(poll_of_ada);
    stop(hub);
}

static void test_a_stream_resumes_where_it_was(void **state) {
    struct hub *hub = start(KEPT, 1000);
    uint64_t ids[5];
    char header[64], target[96];
    for (int i = 0; i < 5; i++)
        ids[i] = tell(hub, "layout", i == 3 ? "zoë" : "ada", i);
    snprintf(header, sizeof(header), "Last-Event-ID: %llu\r\n", (unsigned long long)ids[1]);
    snprintf(target, sizeof(target), "/api/v1/rooms/ada/events?after=%llu",
             (unsigned long long)ids[0]);
    struct listener *by_header = open_stream(hub, target, header); // it counts more
    struct listener *by_query = open_stream(hub, target, NULL);
    assert_true(hear_until(by_header, "\"number\":4"));
    assert_null(strstr(by_header->text, "\"number\":1"));
    assert_non_null(strstr(by_header->text, "\"number\":2"));
    assert_null(strstr(by_header->text, "\"number\":3"));
    assert_null(strstr(by_header->text, "gap"));
    assert_true(hear_until(by_query, "\"number\":4"));
    assert_non_null(strstr(by_query->text, "\"number\":1"));
    close_stream(by_header);
    close_stream(by_query);
    stop(hub);
}

static void test_a_client_that_missed_something_is_told(void **state) {
    struct hub *hub = start(3, 1000);
    char target[96];
    uint64_t first = tell(hub, "layout", "ada", 0);
    for (int i = 1; i < 6; i++)
        tell(hub, "layout", "ada", i);
    snprintf(target, sizeof(target), "/api/v1/rooms/ada/events?after=%llu",
             (unsigned long long)first);
    struct listener *listener = open_stream(hub, target, NULL);
    assert_true(hear_until(listener, "\"number\":5"));
    assert_non_null(strstr(listener->text, "event: gap\n"));
    assert_null(strstr(listener->text, "\"number\":2"));
    assert_non_null(strstr(listener->text, "\"number\":3"));
    json_t *polled = poll_events(hub, target);
    assert_int_equal(count_events(polled), 3);
    assert_true(json_is_true(json_object_get(polled, "gap")));
    json_decref(polled);
    close_stream(listener);
    stop(hub);
}

static void test_a_stream_ends_with_its_room(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *of_ada = open_stream(hub, "/api/v1/rooms/ADA/events", NULL);
    struct listener *of_all = open_stream(hub, "/api/v1/events", NULL);
    tell(hub, "room-ended", "ada", 1);
    tell(hub, "room-created", "ada", 2);
    assert_true(hear_until(of_ada, "event: room-ended"));
    assert_true(hear_until(of_ada, "\r\n0\r\n")); // the last chunk
    assert_null(strstr(of_ada->text, "room-created"));
    assert_true(hear_until(of_all, "room-created"));
    close_stream(of_ada);
    close_stream(of_all);
    stop(hub);
}

static void test_a_silent_stream_says_that_it_is_there(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *listener = open_stream(hub, "/api/v1/rooms/ada/events", NULL);
    for (int i = 0; i < 3; i++) {
        forget(listener);
        // The tick wakes those who sleep; whether it does already cannot be seen from here.
        for (bool has_said = false; !has_said;) {
            server_cut_late(hub->server, clock_now_ms() + 3600000);
            struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};
            has_said = poll(&waiting, 1, 20) == 1;
        }
        assert_true(hear_until(listener, ": still here\nid: "));
    }
    tell(hub, "layout", "ada", 7);
    assert_true(hear_until(listener, "\"number\":7")); // the deadline has not cut it
    close_stream(listener);
    stop(hub);
}

static void test_a_client_of_http_1_0_gets_its_stream(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *listener = calloc(1, sizeof(*listener));
    listener->fd = client_connect(hub);
    ask(listener, "/api/v1/rooms/ada/events", "1.0", STREAM_LINE);
    assert_true(hear_until(listener, "\r\n\r\nretry: ")); // no chunks
    tell(hub, "room-ended", "ada", 1);
    assert_true(hear_until(listener, "room-ended"));
    assert_true(hear_end(listener));
    close_stream(listener);
    stop(hub);
}

static void test_head_waits_for_nothing(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct answer *answer =
        client_ask(hub, "HEAD", "/api/v1/rooms/ada/events?wait=60", KEY_LINE STREAM_LINE, NULL);
    assert_int_equal(answer->status, 200);
    assert_string_equal(answer_header(answer, "Content-Type"), "text/event-stream");
    free(answer);
    stop(hub);
}

// ---- limits and refusals ----

static void expect(struct hub *hub, const char *target, const char *more, int status,
                   const char *code) {
    struct answer *answer = client_ask(hub, "GET", target, more, NULL);
    assert_int_equal(answer->status, status);
    assert_string_equal(answer_code(answer), code);
    if (status == 429)
        assert_non_null(answer_header(answer, "Retry-After"));
    free(answer);
}

static void test_bad_wishes_are_refused(void **state) {
    static const char *const targets[] = {"after=x",  "after=-1", "after=99999999999999999999",
                                          "wait=61",  "wait=-1",  "limit=0",
                                          "limit=201"};
    struct hub *hub = start(KEPT, 1000);
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        char target[128];
        snprintf(target, sizeof(target), "/api/v1/events?%s", targets[i]);
        expect(hub, target, KEY_LINE, 422, "bad-field");
    }
    expect(hub, "/api/v1/events", KEY_LINE "Last-Event-ID: m1\r\n", 422, "bad-field");
    expect(hub, "/api/v1/rooms/bob/events", KEY_LINE, 404, "room-not-found");
    expect(hub, "/api/v1/rooms/bob/events", KEY_LINE STREAM_LINE, 404, "room-not-found");
    struct answer *answer = client_ask(hub, "GET", "/api/v1/events", NULL, NULL);
    assert_int_equal(answer->status, 401);
    free(answer);
    stop(hub);
}

static void test_streams_are_limited(void **state) {
    struct hub *hub = start(KEPT, 16); // a quarter of it
    struct listener *listeners[4];
    for (int i = 0; i < 4; i++)
        listeners[i] = open_stream(hub, "/api/v1/events", NULL);
    expect(hub, "/api/v1/rooms/ada/events", KEY_LINE STREAM_LINE, 429, "too-many-streams");
    expect(hub, "/api/v1/rooms/ada/events?wait=9", KEY_LINE, 429, "too-many-streams");
    close_stream(listeners[0]);
    // Its end is seen at the next tick, by itself within a second.
    struct answer *answer = NULL;
    for (int tries = 0; tries < 1000; tries++) {
        free(answer);
        server_cut_late(hub->server, clock_now_ms());
        answer = client_ask(hub, "GET", "/api/v1/events", KEY_LINE, NULL);
        if (answer->status == 200)
            break;
    }
    assert_int_equal(answer->status, 200);
    free(answer);
    for (int i = 1; i < 4; i++)
        close_stream(listeners[i]);
    stop(hub);
}

static void test_who_does_not_read_is_told_what_was_missed(void **state) {
    struct hub *hub = start(20, 1000);
    struct listener *slow = calloc(1, sizeof(*slow));
    struct listener *quick = open_stream(hub, "/api/v1/events", NULL);
    int buffer = 256 * 1024; // above loopback's segments, or TCP itself would dawdle
    slow->fd = client_connect(hub);
    setsockopt(slow->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    ask(slow, "/api/v1/events", "1.1", STREAM_LINE);
    assert_true(hear_until(slow, "retry: "));
    char text[4001], number[32];
    memset(text, 'x', 4000);
    text[4000] = '\0';
    // More than all buffers between hold; the other client hears each at once.
    for (int i = 0; i < FLOOD; i++) {
        json_t *data = json_pack("{s:s, s:i}", "text", text, "number", i);
        events_add(hub->events, "message", "ada", data);
        snprintf(number, sizeof(number), "\"number\":%d}", i);
        assert_true(hear_until(quick, number));
        forget(quick);
    }
    bool was_told = false;
    for (bool is_over = false; !is_over;) {
        char tail[32];
        size_t kept = MIN(slow->bytes, sizeof(tail) - 1);
        memcpy(tail, slow->text + slow->bytes - kept, kept);
        memcpy(slow->text, tail, kept);
        slow->bytes = kept;
        slow->bytes += client_receive(slow->fd, slow->text + kept, 8192);
        slow->text[slow->bytes] = '\0';
        assert_true(slow->bytes > kept);
        was_told |= strstr(slow->text, "event: gap\n") != NULL;
        is_over = strstr(slow->text, number) != NULL;
    }
    assert_true(was_told);
    close_stream(slow);
    close_stream(quick);
    stop(hub);
}

// ---- many, and the end ----

static void test_many_streams_leave_room_for_requests(void **state) {
    struct hub *hub = start(KEPT, 1000);
    static struct listener *listeners[MANY];
    int fds = count_fds();
    for (int i = 0; i < MANY; i++)
        listeners[i] =
            open_stream(hub, i % 2 ? "/api/v1/events" : "/api/v1/rooms/ada/events", NULL);
    for (int round = 0; round < ROUNDS; round++) {
        char number[32];
        tell(hub, "speaking", "ada", round);
        struct answer *answer = client_ask(hub, "GET", "/healthz", NULL, NULL);
        assert_int_equal(answer->status, 200);
        free(answer);
        snprintf(number, sizeof(number), "\"number\":%d}", round);
        for (int i = 0; i < MANY; i++)
            assert_true(hear_until(listeners[i], number));
    }
    assert_true(count_fds() >= fds + 2 * MANY);
    for (int i = 0; i < MANY; i++)
        close_stream(listeners[i]);
    stop(hub);
}

struct teller {
    struct hub *hub;
    atomic_bool is_over;
};

static void *tell_on(void *user) {
    struct teller *teller = user;
    for (int i = 0; !atomic_load(&teller->is_over); i++) {
        tell(teller->hub, "speaking", i % 3 ? "ada" : "zoë", i);
        if (i % 64 == 0)
            usleep(1000);
    }
    return NULL;
}

// Streams come and go, and the server ends, while events are added.
static void test_the_server_ends_with_streams_open(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct teller teller = {.hub = hub};
    static struct listener *listeners[MANY];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, tell_on, &teller), 0);
    for (int i = 0; i < 3 * MANY; i++) {
        if (i >= MANY)
            close_stream(listeners[i % MANY]);
        listeners[i % MANY] = open_stream(hub, "/api/v1/events", NULL);
    }
    struct listener *poll_of_zoe = calloc(1, sizeof(*poll_of_zoe));
    poll_of_zoe->fd = client_connect(hub);
    ask(poll_of_zoe, "/api/v1/rooms/zo%C3%AB/events?wait=60", "1.1", "");
    int64_t start_ms = clock_now_ms();
    server_destroy(hub->server);
    hub->server = NULL;
    assert_true(clock_now_ms() - start_ms < 5000); // it ends at all, and is not cut at the minute
    atomic_store(&teller.is_over, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < MANY; i++)
        close_stream(listeners[i]);
    close_stream(poll_of_zoe);
    stop(hub);
}

static void test_silent_streams_end_with_the_server(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *stream = open_stream(hub, "/api/v1/events", NULL);
    struct listener *waiting = calloc(1, sizeof(*waiting));
    waiting->fd = client_connect(hub);
    ask(waiting, "/api/v1/events?wait=60", "1.1", "");
    assert_true(hear_until(waiting, "\r\n\r\n"));
    server_destroy(hub->server);
    hub->server = NULL;
    assert_true(hear_end(stream));
    assert_true(hear_end(waiting));
    close_stream(stream);
    close_stream(waiting);
    stop(hub);
}

// ---- long polls ----

static void test_a_poll_gives_what_is_there(void **state) {
    struct hub *hub = start(KEPT, 1000);
    uint64_t ids[5];
    char target[128];
    for (int i = 0; i < 5; i++)
        ids[i] = tell(hub, "layout", "ada", i);
    uint64_t other = tell(hub, "layout", "zoë", 5);
    snprintf(target, sizeof(target), "/api/v1/rooms/ada/events?wait=60&limit=2&after=%llu",
             (unsigned long long)ids[1]);
    json_t *polled = poll_events(hub, target);
    assert_int_equal(count_events(polled), 2);
    assert_int_equal(json_integer_value(json_object_get(polled, "last")), ids[3]);
    assert_true(json_is_false(json_object_get(polled, "gap")));
    json_decref(polled);
    polled = poll_events(hub, "/api/v1/rooms/ada/events?after=0");
    assert_int_equal(count_events(polled), 5);
    assert_int_equal(json_integer_value(json_object_get(polled, "last")), other);
    json_decref(polled);
    polled = poll_events(hub, "/api/v1/rooms/ada/events"); // from now on, and no wait
    assert_int_equal(count_events(polled), 0);
    assert_int_equal(json_integer_value(json_object_get(polled, "last")), other);
    json_decref(polled);
    stop(hub);
}

static void test_a_poll_ends_when_its_time_is_over(void **state) {
    struct hub *hub = start(KEPT, 1000);
    struct listener *listener = calloc(1, sizeof(*listener));
    listener->fd = client_connect(hub);
    ask(listener, "/api/v1/rooms/ada/events?wait=60", "1.1", "");
    assert_true(hear_until(listener, "\r\n\r\n"));
    struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};
    while (poll(&waiting, 1, 20) == 0)
        server_cut_late(hub->server, clock_now_ms() + 61000);
    assert_true(hear_until(listener, "{\"events\":[],\"last\":"));
    assert_true(hear_until(listener, "\r\n0\r\n\r\n"));
    // The connection goes on.
    forget(listener);
    ask(listener, "/healthz", "1.1", "");
    assert_true(hear_until(listener, "ok\n"));
    close_stream(listener);
    stop(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_reaches_all_who_listen),
        cmocka_unit_test(test_a_stream_resumes_where_it_was),
        cmocka_unit_test(test_a_client_that_missed_something_is_told),
        cmocka_unit_test(test_a_stream_ends_with_its_room),
        cmocka_unit_test(test_a_silent_stream_says_that_it_is_there),
        cmocka_unit_test(test_a_client_of_http_1_0_gets_its_stream),
        cmocka_unit_test(test_head_waits_for_nothing),
        cmocka_unit_test(test_bad_wishes_are_refused),
        cmocka_unit_test(test_streams_are_limited),
        cmocka_unit_test(test_who_does_not_read_is_told_what_was_missed),
        cmocka_unit_test(test_many_streams_leave_room_for_requests),
        cmocka_unit_test(test_the_server_ends_with_streams_open),
        cmocka_unit_test(test_silent_streams_end_with_the_server),
        cmocka_unit_test(test_a_poll_gives_what_is_there),
        cmocka_unit_test(test_a_poll_ends_when_its_time_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
