// SPDX-License-Identifier: MIT
#include "mcu/events.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ADDERS = 4, ADDS = 500, HEARD_MAX = 64 };

struct heard {
    struct events *events;
    uint64_t ids[HEARD_MAX];
    char types[HEARD_MAX][32];
    int count;
};

static void hear(void *user, const struct event *event) {
    struct heard *heard = user;
    assert_true(heard->count < HEARD_MAX);
    strcpy(heard->types[heard->count], event->type);
    heard->ids[heard->count++] = event->id;
}

static struct heard read_after(struct events *events, const char *room, uint64_t after, int max) {
    struct heard heard = {0};
    int count = events_each_after(events, room, after, max, hear, &heard);
    assert_int_equal(count, heard.count);
    return heard;
}

static void test_events_come_back_in_order_and_by_room(void **state) {
    struct events *events = events_create(10);
    uint64_t start = events_last_id(events);
    uint64_t first = events_add(events, "room-created", "ada", NULL);
    uint64_t second = events_add(events, "room-created", "bob", json_object());
    uint64_t third = events_add(events, "member-joined", "ada", json_pack("{s:s}", "id", "m1"));
    assert_true(start < first && first < second && second < third);
    assert_int_equal(events_last_id(events), third);
    struct heard all = read_after(events, NULL, start, 10);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.ids[1], second);
    struct heard of_ada = read_after(events, "ada", first, 10);
    assert_int_equal(of_ada.count, 1);
    assert_string_equal(of_ada.types[0], "member-joined");
    assert_int_equal(read_after(events, NULL, start, 2).count, 2);
    assert_int_equal(read_after(events, NULL, start, 2).ids[0], first);
    assert_int_equal(read_after(events, NULL, third, 10).count, 0);
    assert_int_equal(read_after(events, "carol", 0, 10).count, 0);
    events_destroy(events);
}

static void test_events_forget_the_oldest_and_say_so(void **state) {
    struct events *events = events_create(3);
    uint64_t start = events_last_id(events), ids[5];
    assert_false(events_is_missed(events, start));
    for (int i = 0; i < 5; i++)
        ids[i] = events_add(events, "layout", "ada", NULL);
    struct heard all = read_after(events, NULL, 0, 10);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.ids[0], ids[2]);
    assert_true(events_is_missed(events, start));
    assert_true(events_is_missed(events, ids[0]));
    assert_false(events_is_missed(events, ids[1])); // ids[2] is there
    assert_false(events_is_missed(events, ids[4]));
    assert_true(events_is_missed(events, ids[4] + 1)); // from a clock that was ahead
    assert_false(events_is_missed(events, 0));
    events_destroy(events);
}

static void test_an_id_of_an_earlier_run_may_have_missed_something(void **state) {
    struct events *events = events_create(3);
    uint64_t old = events_add(events, "layout", "ada", NULL);
    events_destroy(events);
    events = events_create(3);
    assert_true(events_last_id(events) > old);
    assert_true(events_is_missed(events, old));
    assert_true(events_last_id(events) < (UINT64_C(1) << 53)); // JavaScript's whole numbers
    events_destroy(events);
}

static void copy_json(void *user, const struct event *event) {
    *(char **)user = strdup(event->json);
}

static void test_an_event_is_rendered_whole(void **state) {
    struct events *events = events_create(3);
    char *text = NULL;
    uint64_t id = events_add(events, "message", "ada", json_pack("{s:s}", "text", "a\nb"));
    events_each_after(events, NULL, 0, 1, copy_json, &text);
    assert_null(strchr(text, '\n'));
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(json_object_size(json), 5);
    assert_int_equal(json_integer_value(json_object_get(json, "id")), id);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "message");
    assert_string_equal(json_string_value(json_object_get(json, "room")), "ada");
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "data"), "text")),
                        "a\nb");
    struct tm utc = {0};
    const char *at = json_string_value(json_object_get(json, "at"));
    assert_string_equal(strptime(at, "%Y-%m-%dT%H:%M:%S", &utc) + 4, "Z"); // after ".123"
    json_decref(json);
    free(text);
    events_add(events, "ping", "", NULL);
    events_each_after(events, "", 0, 1, copy_json, &text);
    assert_non_null(strstr(text, "\"room\":null"));
    assert_non_null(strstr(text, "\"data\":{}"));
    free(text);
    events_destroy(events);
}

static void test_a_made_event_is_told_to_nobody(void **state) {
    struct events *events = events_create(3);
    struct heard heard = {0};
    struct events_listener *listener = events_listen(events, hear, &heard);
    const struct event *event = events_make(events, "ping", "", NULL);
    assert_string_equal(event->type, "ping");
    assert_int_equal(read_after(events, NULL, 0, 10).count, 0);
    assert_int_equal(heard.count, 0);
    assert_true(events_add(events, "layout", "ada", NULL) > event->id);
    assert_int_equal(heard.count, 1);
    event_unref(event);
    events_stop_listening(events, listener);
    events_destroy(events);
}

static void test_a_reference_outlives_the_ring(void **state) {
    struct events *events = events_create(1);
    const struct event *event = event_ref(events_make(events, "layout", "ada", NULL));
    event_unref(event);
    events_destroy(events);
    assert_string_equal(event->room, "ada");
    event_unref(event);
}

static void test_listeners_hear_what_comes_while_they_listen(void **state) {
    struct events *events = events_create(3);
    struct heard early = {0}, late = {0};
    struct events_listener *first = events_listen(events, hear, &early);
    events_add(events, "room-created", "ada", NULL);
    struct events_listener *second = events_listen(events, hear, &late);
    events_add(events, "room-ended", "ada", NULL);
    events_stop_listening(events, first);
    events_add(events, "room-created", "bob", NULL);
    events_stop_listening(events, second);
    events_add(events, "room-ended", "bob", NULL);
    assert_int_equal(early.count, 2);
    assert_int_equal(late.count, 2);
    assert_string_equal(late.types[0], "room-ended");
    events_stop_listening(events, NULL);
    events_destroy(events);
}

// Adds another when it hears the first: it must not hear it within itself.
static void answer(void *user, const struct event *event) {
    struct heard *heard = user;
    if (strcmp(event->type, "message") == 0)
        events_add(heard->events, "layout", "ada", NULL);
    hear(heard, event);
}

static void test_a_listener_may_add(void **state) {
    struct events *events = events_create(3);
    struct heard heard = {.events = events};
    struct events_listener *listener = events_listen(events, answer, &heard);
    events_add(events, "message", "ada", NULL);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.types[0], "message");
    assert_string_equal(heard.types[1], "layout");
    events_stop_listening(events, listener);
    events_destroy(events);
}

// ---- threads ----

struct order {
    uint64_t last;
    int count, wrong, running;
};

static void check_order(void *user, const struct event *event) {
    struct order *order = user; // without a lock: one call at a time is promised
    order->wrong += event->id <= order->last || order->running++ > 0;
    order->last = event->id;
    order->count++;
    order->running--;
}

static void *add_many(void *events) {
    for (int i = 0; i < ADDS; i++)
        events_add(events, "speaking", i % 2 ? "ada" : "bob", json_pack("{s:i}", "i", i));
    return NULL;
}

struct reading {
    struct events *events;
    atomic_bool is_over;
    uint64_t last;
    int wrong;
};

static void check_read(void *user, const struct event *event) {
    struct reading *reading = user;
    reading->wrong += event->id <= reading->last || strcmp(event->room, "ada") != 0;
    reading->last = event->id;
}

static void *read_and_listen(void *user) {
    struct reading *reading = user;
    while (!atomic_load(&reading->is_over)) {
        struct order brief = {0};
        struct events_listener *listener = events_listen(reading->events, check_order, &brief);
        events_each_after(reading->events, "ada", reading->last, 7, check_read, reading);
        events_stop_listening(reading->events, listener);
        reading->wrong += brief.wrong; // nobody writes there any more
    }
    return NULL;
}

static void test_threads_add_and_listeners_hear_all_in_order(void **state) {
    struct events *events = events_create(100);
    struct order order = {0};
    struct reading reading = {.events = events};
    pthread_t adders[ADDERS], reader;
    struct events_listener *listener = events_listen(events, check_order, &order);
    assert_int_equal(pthread_create(&reader, NULL, read_and_listen, &reading), 0);
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&adders[i], NULL, add_many, events), 0);
    for (int i = 0; i < ADDERS; i++)
        pthread_join(adders[i], NULL);
    atomic_store(&reading.is_over, true);
    pthread_join(reader, NULL);
    events_stop_listening(events, listener);
    assert_int_equal(order.count, ADDERS * ADDS);
    assert_int_equal(order.wrong, 0);
    assert_int_equal(reading.wrong, 0);
    assert_int_equal(order.last, events_last_id(events));
    events_destroy(events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_back_in_order_and_by_room),
        cmocka_unit_test(test_events_forget_the_oldest_and_say_so),
        cmocka_unit_test(test_an_id_of_an_earlier_run_may_have_missed_something),
        cmocka_unit_test(test_an_event_is_rendered_whole),
        cmocka_unit_test(test_a_made_event_is_told_to_nobody),
        cmocka_unit_test(test_a_reference_outlives_the_ring),
        cmocka_unit_test(test_listeners_hear_what_comes_while_they_listen),
        cmocka_unit_test(test_a_listener_may_add),
        cmocka_unit_test(test_threads_add_and_listeners_hear_all_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
