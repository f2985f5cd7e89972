// SPDX-License-Identifier: MIT
// What the store keeps besides chat and keys: rooms and seats, calls, tokens and answers, webhooks.
#include "store_place.h"

#define HOSTILE "'); DROP TABLE rooms; -- \" %s \\ ; ?1 \n\t\r ʿAlī 👩🏽‍🚀 <b>&amp;</b>"

// What the last callback was told; the test looks at it.
struct seen {
    int count;
    char texts[4][256];
    int64_t numbers[4];
    bool flag;
    struct store *store; // used within the callback, if set
};

static void keep(char to[256], const char *text) {
    g_strlcpy(to, text ? text : "(null)", 256);
}

static void see_room(void *user, const struct store_room *room) {
    struct seen *seen = user;
    seen->count++;
    keep(seen->texts[0], room->name);
    keep(seen->texts[1], room->spec);
    seen->numbers[0] = room->created_unix_ms;
    seen->numbers[1] = room->owner;
    seen->flag = room->is_live;
    if (seen->store)
        assert_int_equal(store_remove_room(seen->store, room->name), 0);
}

static void see_seat(void *user, const struct store_seat *seat) {
    struct seen *seen = user;
    keep(seen->texts[0], seat->room);
    keep(seen->texts[1], seat->member);
    keep(seen->texts[2], seat->resume);
    keep(seen->texts[3], seat->json);
    if (seen->count++ < 4)
        seen->numbers[seen->count - 1] = atoi(seat->member + 1);
}

static void see_answer(void *user, const struct store_answer *answer) {
    struct seen *seen = user;
    seen->count++;
    keep(seen->texts[0], answer->request);
    keep(seen->texts[1], answer->body);
    keep(seen->texts[2], answer->location);
    seen->numbers[0] = answer->status;
}

static void see_hook(void *user, const char *id, const char *json) {
    struct seen *seen = user;
    if (seen->count < 4)
        keep(seen->texts[seen->count], id);
    seen->count++;
    if (seen->count == 1)
        keep(seen->texts[3], json);
}

static void see_delivery(void *user, int64_t id, uint64_t event, const char *body) {
    struct seen *seen = user;
    seen->count++;
    seen->numbers[0] = id;
    seen->numbers[1] = (int64_t)event;
    keep(seen->texts[0], body);
}

// ---- rooms ----

static int put_room(struct store *store, const char *name, bool is_live, int64_t created) {
    return store_put_room(store, &(struct store_room){name, "{}", created, 0, is_live});
}

static void test_store_gives_a_room_back_as_it_was(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.count = 0};
    const struct store_room room = {HOSTILE, HOSTILE "spec", 123456789012345, 0, true};
    assert_int_equal(store_put_room(store, &room), 0);
    assert_int_equal(store_get_room(store, HOSTILE, see_room, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.texts[0], HOSTILE);
    assert_string_equal(seen.texts[1], HOSTILE "spec");
    assert_true(seen.numbers[0] == 123456789012345);
    assert_int_equal(seen.numbers[1], 0);
    assert_true(seen.flag);
    assert_int_equal(store_get_room(store, "other", see_room, &seen), -ENOENT);
    assert_int_equal(seen.count, 1);
    assert_int_equal(store_remove_room(store, HOSTILE), 0);
    assert_int_equal(store_remove_room(store, HOSTILE), 0);
    assert_int_equal(store_get_room(store, HOSTILE, see_room, &seen), -ENOENT);
    store_close(store);
}

static void test_store_gives_live_rooms_alone_across_a_restart(void **state) {
    struct store *store = place_open(*state);
    assert_int_equal(put_room(store, "later", true, 2), 0);
    assert_int_equal(put_room(store, "ended", false, 3), 0);
    assert_int_equal(put_room(store, "first", true, 1), 0);
    store_close(store);
    store = place_open(*state);
    struct seen seen = {.count = 0};
    assert_int_equal(store_each_live_room(store, see_room, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.texts[0], "later"); // the last one told: the oldest comes first
    store_close(store);
}

static void test_store_may_be_used_while_rooms_are_gone_through(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.store = store};
    put_room(store, "a", true, 1);
    put_room(store, "b", true, 2);
    assert_int_equal(store_each_live_room(store, see_room, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(store_each_live_room(store, see_room, &seen), 0);
    assert_int_equal(seen.count, 2);
    store_close(store);
}

static int put_seat(struct store *store, const char *room, const char *member, const char *json) {
    return store_put_seat(store, &(struct store_seat){room, member, "secret", json});
}

static void test_store_keeps_seats_in_order_when_their_room_is_put_again(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.count = 0};
    put_room(store, "ada", true, 1);
    assert_int_equal(put_seat(store, "ada", "m9", "{}"), 0);
    assert_int_equal(put_seat(store, "ada", "m10", "{}"), 0);
    assert_int_equal(put_seat(store, "ada", "m9", HOSTILE), 0);
    put_room(store, "ada", true, 1);
    assert_int_equal(store_each_seat(store, "ada", see_seat, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.numbers[0], 9);
    assert_int_equal(seen.numbers[1], 10);
    assert_int_equal(store_remove_seat(store, "ada", "m10"), 0);
    assert_int_equal(store_remove_seat(store, "ada", "m10"), 0);
    seen.count = 0;
    assert_int_equal(store_each_seat(store, "ada", see_seat, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.texts[1], "m9");
    assert_string_equal(seen.texts[2], "secret");
    assert_string_equal(seen.texts[3], HOSTILE);
    store_close(store);
}

static int count_seats(struct store *store, const char *room) {
    struct seen seen = {.count = 0};
    assert_int_equal(store_each_seat(store, room, see_seat, &seen), 0);
    return seen.count;
}

static void test_store_lets_seats_go_with_their_room(void **state) {
    struct store *store = place_open(*state);
    assert_int_equal(put_seat(store, "ada", "m1", "{}"), -ENOENT);
    put_room(store, "ada", true, 1);
    put_room(store, "bob", true, 1);
    put_seat(store, "ada", "m1", "{}");
    put_seat(store, "bob", "m1", "{}");
    put_room(store, "bob", false, 1); // ended, its settings stay
    assert_int_equal(count_seats(store, "ada"), 1);
    assert_int_equal(count_seats(store, "bob"), 0);
    store_remove_room(store, "ada");
    assert_int_equal(count_seats(store, "ada"), 0);
    store_close(store);
}

static void test_store_knows_no_owner_of_a_room_that_is_nobodys(void **state) {
    struct store *store = place_open(*state);
    int64_t owner = 77;
    const struct store_room room = {"ada", "{}", 1, 4711, true}; // of a user who has gone
    assert_int_equal(store_put_room(store, &room), 0);
    assert_int_equal(store_get_room_owner(store, "ada", &owner), 0);
    assert_int_equal(owner, 0);
    owner = 77;
    assert_int_equal(store_get_room_owner(store, "nobody", &owner), 0);
    assert_int_equal(owner, 0);
    store_close(store);
}

// ---- calls ----

static void test_store_ends_a_call_with_all_who_are_in_it(void **state) {
    struct store *store = place_open(*state);
    int64_t call, other, presence, next;
    assert_int_equal(store_begin_call(store, "ada", 0, HOSTILE, 1000, &call), 0);
    assert_int_equal(store_begin_call(store, "bob", 0, "Bob", 1000, &other), 0);
    assert_int_equal(store_begin_presence(store, call, HOSTILE, 0, 1000, &presence), 0);
    assert_int_equal(store_begin_presence(store, call, "Bob", 99, 1500, &next), 0);
    assert_int_equal(store_end_presence(store, presence, 1700), 0);
    assert_int_equal(store_end_call(store, call, 2000), 0);
    assert_int_equal(store_end_call(store, call, 9000), 0); // changes nothing any more
    assert_int_equal(store_end_presence(store, presence, 9000), 0);
    assert_int_equal(store_end_call(store, 4711, 1), 0);
    assert_int_equal(store_end_presence(store, 4711, 1), 0);
    assert_int_equal(store_begin_presence(store, 4711, "x", 0, 1, &next), -ENOENT);
    store_close(store);
    assert_int_equal(place_query(*state, "SELECT ended_unix_ms FROM calls WHERE room = 'ada'"),
                     2000);
    assert_int_equal(place_query(*state, "SELECT count(*) FROM calls WHERE ended_unix_ms IS NULL"),
                     1);
    assert_int_equal(place_query(*state, "SELECT group_concat(left_unix_ms) = '1700,2000'"
                                         " FROM presences"),
                     1);
}

static void test_store_ends_the_earlier_call_of_a_room(void **state) {
    struct store *store = place_open(*state);
    int64_t call, presence;
    store_begin_call(store, "ada", 0, "", 1000, &call);
    store_begin_presence(store, call, "Ada", 0, 1100, &presence);
    store_begin_call(store, "ada", 0, "", 3000, &call);
    store_close(store);
    assert_int_equal(place_query(*state, "SELECT sum(ended_unix_ms) FROM calls"), 3000);
    assert_int_equal(place_query(*state, "SELECT left_unix_ms FROM presences"), 3000);
}

// ---- once ----

static void test_store_lets_a_token_be_used_once(void **state) {
    struct store *store = place_open(*state);
    int64_t later_s = place_now_ms() / 1000 + 100;
    assert_int_equal(store_use_token(store, HOSTILE, later_s), 0);
    assert_int_equal(store_use_token(store, HOSTILE, later_s), -EEXIST);
    assert_int_equal(store_use_token(store, "other", later_s), 0);
    store_close(store);
    store = place_open(*state);
    assert_int_equal(store_use_token(store, HOSTILE, later_s), -EEXIST);
    store_close(store);
}

static void test_store_forgets_tokens_that_expired(void **state) {
    struct store *store = place_open(*state);
    assert_int_equal(store_use_token(store, "old", place_now_ms() / 1000 - 10), 0);
    assert_int_equal(store_use_token(store, "new", place_now_ms() / 1000 + 10), 0);
    store_close(store);
    assert_int_equal(place_query(*state, "SELECT count(*) FROM used_tokens"), 1);
}

static void test_store_answers_the_same_for_a_day(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.count = 0};
    int64_t now = place_now_ms(), hour = 3600 * 1000;
    const struct store_answer answer = {HOSTILE, HOSTILE, "/api/v1/rooms/ada", 201};
    const struct store_answer bare = {"hash", "{}", NULL, 200};
    assert_int_equal(store_get_answer(store, HOSTILE, see_answer, &seen), -ENOENT);
    assert_int_equal(store_put_answer(store, HOSTILE, &answer, now - 23 * hour), 0);
    assert_int_equal(store_get_answer(store, HOSTILE, see_answer, &seen), 0);
    assert_string_equal(seen.texts[0], HOSTILE);
    assert_string_equal(seen.texts[1], HOSTILE);
    assert_string_equal(seen.texts[2], "/api/v1/rooms/ada");
    assert_int_equal(seen.numbers[0], 201);
    assert_int_equal(store_put_answer(store, HOSTILE, &bare, now), 0);
    assert_int_equal(store_get_answer(store, HOSTILE, see_answer, &seen), 0);
    assert_string_equal(seen.texts[2], "(null)");
    assert_int_equal(store_put_answer(store, HOSTILE, &bare, now - 25 * hour), 0);
    assert_int_equal(store_get_answer(store, HOSTILE, see_answer, &seen), -ENOENT);
    assert_int_equal(seen.count, 2);
    store_close(store);
}

// ---- webhooks ----

static void test_store_keeps_hooks_in_the_order_of_their_making(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.count = 0};
    assert_int_equal(store_put_hook(store, "z", HOSTILE), 0);
    assert_int_equal(store_put_hook(store, HOSTILE, "{}"), 0);
    assert_int_equal(store_put_hook(store, "z", HOSTILE "2"), 0);
    assert_int_equal(store_each_hook(store, see_hook, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.texts[0], "z");
    assert_string_equal(seen.texts[1], HOSTILE);
    assert_string_equal(seen.texts[3], HOSTILE "2");
    assert_int_equal(store_remove_hook(store, "z"), 0);
    assert_int_equal(store_remove_hook(store, "z"), 0);
    seen.count = 0;
    assert_int_equal(store_each_hook(store, see_hook, &seen), 0);
    assert_int_equal(seen.count, 1);
    store_close(store);
}

static int push(struct store *store, const char *hook, uint64_t event, int max) {
    int dropped = -1;
    int error = store_push_delivery(store, hook, event, HOSTILE, max, &dropped);
    return error ? error : dropped;
}

static void test_store_delivers_in_order_across_a_restart(void **state) {
    struct store *store = place_open(*state);
    int count = -1;
    store_put_hook(store, "h", "{}");
    for (uint64_t event = 1; event <= 3; event++)
        assert_int_equal(push(store, "h", event, 10), 0);
    store_put_hook(store, "h", "{\"changed\":true}"); // which leaves the queue alone
    store_close(store);
    store = place_open(*state);
    for (int event = 1; event <= 3; event++) {
        struct seen seen = {.count = 0}, again = {.count = 0};
        assert_int_equal(store_peek_delivery(store, "h", see_delivery, &seen), 0);
        assert_int_equal(store_peek_delivery(store, "h", see_delivery, &again), 0);
        assert_int_equal(seen.numbers[1], event);
        assert_string_equal(seen.texts[0], HOSTILE);
        assert_true(seen.numbers[0] == again.numbers[0]);
        assert_int_equal(store_remove_delivery(store, seen.numbers[0]), 0);
        assert_int_equal(store_remove_delivery(store, seen.numbers[0]), 0);
        assert_int_equal(store_count_deliveries(store, "h", &count), 0);
        assert_int_equal(count, 3 - event);
    }
    struct seen seen = {.count = 0};
    assert_int_equal(store_peek_delivery(store, "h", see_delivery, &seen), -ENOENT);
    assert_int_equal(seen.count, 0);
    store_close(store);
}

static void test_store_drops_the_oldest_of_a_queue_that_is_full(void **state) {
    struct store *store = place_open(*state);
    struct seen seen = {.count = 0};
    int count;
    store_put_hook(store, "h", "{}");
    store_put_hook(store, "other", "{}");
    assert_int_equal(push(store, "other", 1, 2), 0);
    assert_int_equal(push(store, "h", 1, 2), 0);
    assert_int_equal(push(store, "h", 2, 2), 0);
    assert_int_equal(push(store, "h", UINT64_MAX, 2), 1);
    store_peek_delivery(store, "h", see_delivery, &seen);
    assert_int_equal(seen.numbers[1], 2);
    store_remove_delivery(store, seen.numbers[0]);
    store_peek_delivery(store, "h", see_delivery, &seen);
    assert_true((uint64_t)seen.numbers[1] == UINT64_MAX);
    store_count_deliveries(store, "other", &count);
    assert_int_equal(count, 1);
    assert_int_equal(push(store, "nobody", 1, 2), -ENOENT);
    store_remove_hook(store, "other");
    store_count_deliveries(store, "other", &count);
    assert_int_equal(count, 0);
    store_close(store);
}

// ---- trouble ----

static void test_store_says_so_when_another_process_holds_the_file(void **state) {
    struct store_place *place = *state;
    struct store *store = place_open(place);
    int64_t id = -7;
    int dropped = -7;
    sqlite3 *other;
    put_room(store, "ada", true, 1);
    store_put_hook(store, "h", "{}");
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put_room(store, "bob", true, 1), -EBUSY);
    assert_int_equal(put_seat(store, "ada", "m1", "{}"), -EBUSY);
    assert_int_equal(store_begin_call(store, "ada", 0, "", 1, &id), -EBUSY);
    assert_int_equal(store_end_call(store, 1, 1), -EBUSY);
    assert_int_equal(store_begin_presence(store, 1, "", 0, 1, &id), -EBUSY);
    assert_int_equal(store_use_token(store, "t", INT64_MAX), -EBUSY);
    assert_int_equal(store_push_delivery(store, "h", 1, "", 2, &dropped), -EBUSY);
    assert_int_equal(store_forget_room(store, "ada"), -EBUSY);
    assert_int_equal(store_forget(store, place_now_ms(), 90), -EBUSY);
    assert_int_equal(id, -7);
    assert_int_equal(dropped, -7);
    assert_int_equal(count_seats(store, "ada"), 0); // reading goes on
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(push(store, "h", 1, 2), 0);
    assert_int_equal(store_use_token(store, "t", INT64_MAX), 0);
    store_close(store);
}

struct worker {
    struct store *store;
    int number;
};

static void *work(void *user) {
    struct worker *worker = user;
    struct store *store = worker->store;
    char name[16];
    snprintf(name, sizeof(name), "room%d", worker->number);
    for (int i = 0; i < 40; i++) {
        int64_t call, presence;
        struct seen seen = {.count = 0};
        assert_int_equal(put_room(store, name, true, i), 0);
        assert_int_equal(put_seat(store, name, "m1", "{}"), 0);
        assert_int_equal(store_begin_call(store, name, 0, "", i, &call), 0);
        assert_int_equal(store_begin_presence(store, call, "Ada", 0, i, &presence), 0);
        assert_int_equal(push(store, "h", (uint64_t)i, 1000), 0);
        assert_int_equal(store_end_call(store, call, i + 1), 0);
        assert_int_equal(store_each_live_room(store, see_room, &seen), 0);
        assert_int_equal(store_forget(store, i, 90), 0);
    }
    return NULL;
}

static void test_store_mixes_nothing_up_between_threads(void **state) {
    enum { WORKERS = 3 };
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct store *store = place_open(*state);
    int count;
    store_put_hook(store, "h", "{}");
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){store, i};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    store_count_deliveries(store, "h", &count);
    assert_int_equal(count, WORKERS * 40);
    store_close(store);
    assert_int_equal(place_query(*state, "SELECT count(*) FROM presences JOIN calls ON calls.id ="
                                         " call WHERE left_unix_ms = ended_unix_ms"),
                     WORKERS * 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_store_gives_a_room_back_as_it_was),
        PLACE_TEST(test_store_gives_live_rooms_alone_across_a_restart),
        PLACE_TEST(test_store_may_be_used_while_rooms_are_gone_through),
        PLACE_TEST(test_store_keeps_seats_in_order_when_their_room_is_put_again),
        PLACE_TEST(test_store_lets_seats_go_with_their_room),
        PLACE_TEST(test_store_knows_no_owner_of_a_room_that_is_nobodys),
        PLACE_TEST(test_store_ends_a_call_with_all_who_are_in_it),
        PLACE_TEST(test_store_ends_the_earlier_call_of_a_room),
        PLACE_TEST(test_store_lets_a_token_be_used_once),
        PLACE_TEST(test_store_forgets_tokens_that_expired),
        PLACE_TEST(test_store_answers_the_same_for_a_day),
        PLACE_TEST(test_store_keeps_hooks_in_the_order_of_their_making),
        PLACE_TEST(test_store_delivers_in_order_across_a_restart),
        PLACE_TEST(test_store_drops_the_oldest_of_a_queue_that_is_full),
        PLACE_TEST(test_store_says_so_when_another_process_holds_the_file),
        PLACE_TEST(test_store_mixes_nothing_up_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
