// SPDX-License-Identifier: MIT
#include "store_place.h"

#include "mcu/store_schema.h"
#include "mcu/store_users.h"

#include <sys/stat.h>

static int64_t add(struct store *store, const char *room, const char *text) {
    int64_t id = -1;
    assert_int_equal(store_add_message(store, room, "m1", "Ada", text, place_now_ms(), &id), 0);
    return id;
}

struct found {
    int count;
    int64_t first_id, last_id;
    char texts[1024];
};

static void note(void *user, const struct store_message *message) {
    struct found *found = user;
    if (found->count++ == 0)
        found->first_id = message->id;
    found->last_id = message->id;
    g_strlcat(found->texts, message->text, sizeof(found->texts));
    g_strlcat(found->texts, " ", sizeof(found->texts));
}

static struct found find(struct store *store, const char *room, int max) {
    struct found found = {.count = 0};
    assert_int_equal(store_each_message(store, room, max, note, &found), 0);
    return found;
}

// ---- the file ----

static void test_store_makes_its_directory_and_a_file_nobody_else_reads(void **state) {
    struct store_place *place = *state;
    struct store_place deeper;
    struct stat info;
    snprintf(deeper.dir, sizeof(deeper.dir), "%.100s/a/b", place->dir);
    snprintf(deeper.path, sizeof(deeper.path), "%s/tessera.db", deeper.dir);
    mode_t mask = umask(0);
    struct store *store = place_open(&deeper);
    add(store, "ada", "hi");
    umask(mask);
    assert_int_equal(stat(deeper.dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    static const char *const sides[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
        char *path = g_strconcat(deeper.path, sides[i], NULL);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        g_free(path);
    }
    store_close(store);
    g_remove(deeper.path);
    g_rmdir(deeper.dir);
    char *middle = g_build_filename(place->dir, "a", NULL);
    g_rmdir(middle);
    g_free(middle);
}

static void test_store_tightens_a_file_that_others_can_read(void **state) {
    struct store_place *place = *state;
    struct stat info;
    store_close(place_open(place));
    assert_int_equal(chmod(place->path, 0644), 0);
    store_close(place_open(place));
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_store_uses_wal_and_reports_usable(void **state) {
    struct store_place *place = *state;
    struct store *store = place_open(place);
    assert_int_equal(store_is_usable(store), 0);
    assert_int_equal(place_query(place, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    store_close(store);
    store_close(NULL);
}

static void test_store_refuses_what_is_no_database(void **state) {
    struct store_place *place = *state;
    struct store *store = NULL;
    char *text = g_strnfill(8192, 'x');
    assert_true(g_file_set_contents(place->path, text, 8192, NULL));
    g_free(text);
    assert_int_equal(store_open(place->dir, &store), -EIO);
    assert_null(store);
    assert_true(strlen(store_explain(-EIO)) > 0);
}

static void test_store_refuses_a_path_that_cannot_be_a_directory(void **state) {
    struct store_place *place = *state;
    struct store *store = NULL;
    char *file = g_build_filename(place->dir, "file", NULL);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    assert_true(store_open(file, &store) < 0);
    assert_null(store);
    g_free(file);
    assert_int_equal(g_mkdir(place->path, 0700), 0);
    assert_int_equal(store_open(place->dir, &store), -EIO);
    g_rmdir(place->path);
}

// Every page in turn is overwritten with noise: an error or not, but never a crash or a hang.
static void test_store_survives_a_damaged_file(void **state) {
    bool is_new = false;
    struct store_place *place = *state;
    struct store *store = place_open(place);
    char key[STORE_KEY_MAX], *whole;
    gsize size;
    store_api_key(store, key, &is_new);
    for (int i = 0; i < 200; i++)
        add(store, i % 2 ? "ada" : "bob", "a text that makes the tables some pages long");
    store_close(store);
    assert_true(g_file_get_contents(place->path, &whole, &size, NULL));
    assert_true(size > 4 * 4096);
    GRand *noise = g_rand_new_with_seed(7);
    int errors = 0;
    for (gsize at = 0; at < size; at += 1024) {
        char *damaged = g_memdup2(whole, size);
        for (gsize i = at + (at == 0 ? 100 : 0); i < at + 1024; i++)
            damaged[i] = (char)g_rand_int(noise);
        assert_true(g_file_set_contents(place->path, damaged, (gssize)size, NULL));
        g_free(damaged);
        store = NULL;
        int error = store_open(place->dir, &store);
        errors += error != 0;
        if (error == 0) {
            struct found found = {.count = 0};
            int64_t id;
            store_each_message(store, "ada", 1000, note, &found);
            store_add_message(store, "ada", "m1", "Ada", "hi", place_now_ms(), &id);
            store_forget_room(store, "bob");
            store_is_usable(store);
        }
        store_close(store);
    }
    assert_true(errors > 0);
    g_rand_free(noise);
    g_free(whole);
}

static void test_store_survives_a_file_cut_short(void **state) {
    struct store_place *place = *state;
    store_close(place_open(place));
    assert_int_equal(truncate(place->path, 4096 + 17), 0);
    struct store *store = NULL;
    assert_int_equal(store_open(place->dir, &store), -EIO);
    assert_null(store);
}

// ---- the schema ----

static void test_store_takes_an_empty_file_to_the_newest_schema(void **state) {
    struct store_place *place = *state;
    store_close(place_open(place));
    assert_int_equal(place_query(place, "PRAGMA user_version"), store_schema_version());
    store_close(place_open(place)); // and leaves it there
    assert_int_equal(place_query(place, "PRAGMA user_version"), store_schema_version());
}

// The first schema as it was released, with rows: written out here, so that it cannot change
// unnoticed.
static void make_first_schema(const struct store_place *place) {
    char sql[1280];
    long long now = place_now_ms();
    snprintf(sql, sizeof(sql),
             "PRAGMA journal_mode = WAL;"
             "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,"
             " member TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,"
             " at_unix_ms INTEGER NOT NULL);"
             "CREATE INDEX messages_by_room ON messages (room, id);"
             "CREATE INDEX messages_by_time ON messages (at_unix_ms);"
             "INSERT INTO settings VALUES ('api_key', 'of-the-first-schema');"
             "INSERT INTO settings VALUES ('other', 'kept');"
             "INSERT INTO messages VALUES (41, 'ada', 'm1', 'Ada', 'hello', %lld);"
             "INSERT INTO messages VALUES (43, 'bob', 'm2', 'Bob', 'it''s', %lld);"
             "INSERT INTO messages VALUES (44, 'ada', 'm1', 'Ada', 'old', %lld);"
             "PRAGMA user_version = 1;",
             now, now, now - 25 * 3600 * 1000);
    place_execute(place, sql);
}

static void test_store_reads_a_database_of_the_first_schema(void **state) {
    bool is_new = false;
    struct store_place *place = *state;
    char key[STORE_KEY_MAX];
    make_first_schema(place);
    struct store *store = place_open(place);
    assert_int_equal(place_query(place, "PRAGMA user_version"), store_schema_version());
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_false(is_new);
    assert_string_equal(key, "of-the-first-schema");
    assert_int_equal(store_secret(store, "other", key, &is_new), 0);
    assert_string_equal(key, "kept");
    struct found found = find(store, "ada", 10);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.first_id, 41);
    assert_string_equal(find(store, "bob", 10).texts, "it's ");
    assert_true(add(store, "ada", "again") > 44);
    store_close(store);
    assert_int_equal(place_query(place, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(
        place_query(place, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static void count_rooms(void *user, const struct store_room *room) {
    ++*(int *)user;
}

// Everything that came later works on what came first.
static void test_store_does_all_that_is_new_with_a_database_of_the_first_schema(void **state) {
    int rooms = 0, dropped = -1;
    int64_t user = 0, owner = 0, call = 0, presence = 0, id = 0;
    make_first_schema(*state);
    struct store *store = place_open(*state);
    const struct store_user ada = {.login = "ada", .name = "Ada", .password = "hash"};
    assert_int_equal(store_add_user(store, &ada, true, &user), 0);
    assert_int_equal(store_get_room_owner(store, "ada", &owner), 0);
    assert_int_equal(owner, user);
    const struct store_room room = {"ada", "{}", 1, user, true};
    assert_int_equal(store_put_room(store, &room), 0);
    assert_int_equal(store_put_seat(store, &(struct store_seat){"ada", "m1", "s", "{}"}), 0);
    assert_int_equal(store_each_live_room(store, count_rooms, &rooms), 0);
    assert_int_equal(rooms, 1);
    assert_int_equal(store_begin_call(store, "ada", user, "", 1, &call), 0);
    assert_int_equal(store_begin_presence(store, call, "Ada", user, 1, &presence), 0);
    assert_int_equal(
        store_add_message(store, "ada", "m1", "Ada", "kept with the call", place_now_ms(), &id), 0);
    assert_string_equal(find(store, "ada", 10).texts, "hello kept with the call ");
    assert_int_equal(store_end_call(store, call, 2), 0);
    assert_int_equal(store_use_token(store, "t", INT64_MAX), 0);
    assert_int_equal(
        store_put_answer(store, "k", &(struct store_answer){"r", "{}", NULL, 201}, place_now_ms()),
        0);
    assert_int_equal(store_put_hook(store, "h", "{}"), 0);
    assert_int_equal(store_push_delivery(store, "h", 1, "{}", 10, &dropped), 0);
    assert_int_equal(store_forget(store, place_now_ms(), 0), 0);
    assert_int_equal(store_remove_user(store, user), 0);
    assert_int_equal(find(store, "ada", 10).count, 0);
    assert_int_equal(find(store, "bob", 10).count, 1);
    store_close(store);
    assert_int_equal(place_query(*state, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void test_store_refuses_a_database_of_a_newer_version(void **state) {
    struct store_place *place = *state;
    struct store *store = NULL;
    store_close(place_open(place));
    place_execute(place, "PRAGMA user_version = 999");
    assert_int_equal(store_open(place->dir, &store), -EPROTO);
    place_execute(place, "PRAGMA user_version = -1");
    assert_int_equal(store_open(place->dir, &store), -EPROTO);
    assert_null(store);
}

static void test_store_leaves_somebody_elses_database_alone(void **state) {
    struct store_place *place = *state;
    struct store *store = NULL;
    place_execute(place,
                  "CREATE TABLE messages (body TEXT); INSERT INTO messages VALUES ('theirs')");
    assert_true(store_open(place->dir, &store) < 0);
    assert_null(store);
    assert_int_equal(place_query(place, "SELECT count(*) FROM messages WHERE body = 'theirs'"), 1);
    assert_int_equal(
        place_query(place, "SELECT count(*) FROM sqlite_schema WHERE name = 'settings'"), 0);
    assert_int_equal(place_query(place, "PRAGMA user_version"), 0);
}

struct opener {
    const struct store_place *place;
    int error;
    char key[STORE_KEY_MAX];
    bool is_new;
};

static void *open_and_ask(void *user) {
    struct opener *opener = user;
    struct store *store = NULL;
    opener->error = store_open(opener->place->dir, &store);
    if (!opener->error)
        opener->error = store_api_key(store, opener->key, &opener->is_new);
    store_close(store);
    return NULL;
}

static void test_store_opened_by_two_at_once_has_one_key(void **state) {
    enum { OPENERS = 4 };
    struct opener openers[OPENERS];
    pthread_t threads[OPENERS];
    for (int i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.place = *state};
        pthread_create(&threads[i], NULL, open_and_ask, &openers[i]);
    }
    for (int i = 0; i < OPENERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < OPENERS; i++) {
        assert_int_equal(openers[i].error, 0);
        assert_string_equal(openers[i].key, openers[0].key);
    }
}

// ---- the key ----

static void test_store_makes_the_key_once_and_keeps_it(void **state) {
    bool is_new = false;
    struct store_place *place = *state;
    char key[STORE_KEY_MAX], again[STORE_KEY_MAX];
    struct store *store = place_open(place);
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_true(is_new);
    assert_true(strlen(key) >= 32);
    for (const char *at = key; *at; at++)
        assert_true(g_ascii_isalnum(*at) || *at == '-' || *at == '_');
    store_close(store);
    store = place_open(place);
    assert_int_equal(store_api_key(store, again, &is_new), 0);
    assert_false(is_new);
    assert_string_equal(key, again);
    store_close(store);
}

static void test_store_makes_another_key_for_another_directory(void **state) {
    bool is_new = false;
    struct store_place *place = *state;
    char key[STORE_KEY_MAX], other_key[STORE_KEY_MAX];
    void *other;
    place_make(&other);
    struct store *store = place_open(place), *other_store = place_open(other);
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_int_equal(store_api_key(other_store, other_key, &is_new), 0);
    assert_string_not_equal(key, other_key);
    store_close(store);
    store_close(other_store);
    place_remove(&other);
}

static void test_store_does_not_fill_the_key_with_one_that_is_too_long(void **state) {
    bool is_new = false;
    struct store_place *place = *state;
    char key[STORE_KEY_MAX] = "untouched";
    store_close(place_open(place));
    place_execute(place, "INSERT INTO settings VALUES ('api_key', printf('%.*c', 64, 'k'))");
    struct store *store = place_open(place);
    assert_int_equal(store_api_key(store, key, &is_new), -EMSGSIZE);
    assert_string_equal(key, "untouched");
    store_close(store);
}

// ---- chat ----

static void test_store_gives_the_newest_messages_oldest_first(void **state) {
    struct store *store = place_open(*state);
    add(store, "ada", "1");
    add(store, "bob", "x");
    add(store, "ada", "2");
    add(store, "ada", "3");
    assert_string_equal(find(store, "ada", 2).texts, "2 3 ");
    assert_string_equal(find(store, "ada", 100).texts, "1 2 3 ");
    assert_string_equal(find(store, "bob", 100).texts, "x ");
    assert_int_equal(find(store, "ada", 0).count, 0);
    assert_int_equal(find(store, "ada", -1).count, 0);
    assert_int_equal(find(store, "nobody", 10).count, 0);
    store_close(store);
}

static void check_whole(void *user, const struct store_message *message) {
    const struct store_message *wanted = user;
    assert_int_equal(message->id, wanted->id);
    assert_string_equal(message->member, wanted->member);
    assert_string_equal(message->name, wanted->name);
    assert_string_equal(message->text, wanted->text);
    assert_int_equal(message->at_unix_ms, wanted->at_unix_ms);
}

static void test_store_gives_a_message_back_as_it_was(void **state) {
    struct store *store = place_open(*state);
    struct store_message message = {0, "m17", "ʿAlī 👩🏽‍🚀",
                                    "'); DROP TABLE messages; --\n\t\"%s\"", place_now_ms()};
    assert_int_equal(store_add_message(store, "ada", message.member, message.name, message.text,
                                       message.at_unix_ms, &message.id),
                     0);
    assert_int_equal(store_each_message(store, "ada", 1, check_whole, &message), 0);
    assert_int_equal(find(store, "ada", 1).count, 1);
    store_close(store);
}

static void ask_again(void *user, const struct store_message *message) {
    assert_int_equal(store_forget_room(user, "ada"), 0);
}

static void test_store_may_be_used_while_messages_are_gone_through(void **state) {
    struct store *store = place_open(*state);
    add(store, "ada", "1");
    add(store, "ada", "2");
    assert_int_equal(store_each_message(store, "ada", 10, ask_again, store), 0);
    assert_int_equal(find(store, "ada", 10).count, 0);
    store_close(store);
}

static void test_store_forgets_one_room_and_no_other(void **state) {
    struct store *store = place_open(*state);
    int64_t id = add(store, "ada", "1");
    add(store, "bob", "2");
    assert_int_equal(store_forget_room(store, "ada"), 0);
    assert_int_equal(store_forget_room(store, "nobody"), 0);
    assert_int_equal(find(store, "ada", 10).count, 0);
    assert_int_equal(find(store, "bob", 10).count, 1);
    assert_true(add(store, "ada", "3") > id); // an id is never used twice
    store_close(store);
}

static void test_store_keeps_a_day_of_chat_across_a_restart(void **state) {
    int64_t id, hour_ms = 3600 * 1000;
    struct store *store = place_open(*state);
    assert_int_equal(
        store_add_message(store, "ada", "m1", "Ada", "old", place_now_ms() - 25 * hour_ms, &id), 0);
    assert_int_equal(
        store_add_message(store, "ada", "m1", "Ada", "young", place_now_ms() - 23 * hour_ms, &id),
        0);
    store_close(store);
    store = place_open(*state);
    assert_string_equal(find(store, "ada", 10).texts, "young ");
    store_close(store);
}

// Trimming comes at random, on average with each 32nd message: 600 without are as likely as a
// lottery won twice.
static void test_store_does_not_grow_with_the_talk_of_a_room(void **state) {
    struct store_place *place = *state;
    struct store *store = place_open(place);
    int64_t newest = 0;
    add(store, "bob", "stays");
    for (int i = 0; i < 2 * STORE_MESSAGES_MAX; i++)
        newest = add(store, "ada", "talk");
    struct found found = find(store, "ada", 10 * STORE_MESSAGES_MAX);
    assert_true(found.count >= STORE_MESSAGES_MAX);
    assert_true(found.count < STORE_MESSAGES_MAX + 600);
    assert_int_equal(found.last_id, newest);
    assert_int_equal(find(store, "bob", 10).count, 1);
    store_close(store);
}

static void test_store_keeps_working_when_another_process_holds_the_file(void **state) {
    struct store_place *place = *state;
    struct store *store = place_open(place);
    sqlite3 *other;
    int64_t id = -7;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_add_message(store, "ada", "m1", "Ada", "hi", place_now_ms(), &id),
                     -EBUSY);
    assert_int_equal(id, -7);
    assert_int_equal(store_is_usable(store), 0);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    add(store, "ada", "hi");
    store_close(store);
}

// ---- threads ----

static void *talk(void *user) {
    struct store *store = user;
    for (int i = 0; i < 50; i++) {
        int64_t id;
        struct found found = {.count = 0};
        assert_int_equal(store_add_message(store, "ada", "m1", "Ada", "hi", place_now_ms(), &id),
                         0);
        assert_int_equal(store_each_message(store, "ada", 5, note, &found), 0);
    }
    return NULL;
}

static void test_store_may_be_used_by_several_threads(void **state) {
    pthread_t threads[3];
    struct store *store = place_open(*state);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, talk, store);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(find(store, "ada", 1000).count, 150);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_store_makes_its_directory_and_a_file_nobody_else_reads),
        PLACE_TEST(test_store_tightens_a_file_that_others_can_read),
        PLACE_TEST(test_store_uses_wal_and_reports_usable),
        PLACE_TEST(test_store_refuses_what_is_no_database),
        PLACE_TEST(test_store_refuses_a_path_that_cannot_be_a_directory),
        PLACE_TEST(test_store_survives_a_damaged_file),
        PLACE_TEST(test_store_survives_a_file_cut_short),
        PLACE_TEST(test_store_takes_an_empty_file_to_the_newest_schema),
        PLACE_TEST(test_store_reads_a_database_of_the_first_schema),
        PLACE_TEST(test_store_does_all_that_is_new_with_a_database_of_the_first_schema),
        PLACE_TEST(test_store_refuses_a_database_of_a_newer_version),
        PLACE_TEST(test_store_leaves_somebody_elses_database_alone),
        PLACE_TEST(test_store_opened_by_two_at_once_has_one_key),
        PLACE_TEST(test_store_makes_the_key_once_and_keeps_it),
        PLACE_TEST(test_store_makes_another_key_for_another_directory),
        PLACE_TEST(test_store_does_not_fill_the_key_with_one_that_is_too_long),
        PLACE_TEST(test_store_gives_the_newest_messages_oldest_first),
        PLACE_TEST(test_store_gives_a_message_back_as_it_was),
        PLACE_TEST(test_store_may_be_used_while_messages_are_gone_through),
        PLACE_TEST(test_store_forgets_one_room_and_no_other),
        PLACE_TEST(test_store_keeps_a_day_of_chat_across_a_restart),
        PLACE_TEST(test_store_does_not_grow_with_the_talk_of_a_room),
        PLACE_TEST(test_store_keeps_working_when_another_process_holds_the_file),
        PLACE_TEST(test_store_may_be_used_by_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
