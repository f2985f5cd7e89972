// SPDX-License-Identifier: MIT
#include "mcu/store.h"
#include "mcu/store_schema.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char dir[128], path[160];
};

static int make_place(void **state) {
    struct place *place = calloc(1, sizeof(*place));
    strcpy(place->dir, "/tmp/test_store_XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/tessera.db", place->dir);
    *state = place;
    return 0;
}

static int remove_place(void **state) {
    struct place *place = *state;
    GDir *dir = g_dir_open(place->dir, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *path = g_build_filename(place->dir, name, NULL);
        g_remove(path);
        g_free(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(place->dir);
    free(place);
    return 0;
}

static struct store *open_store(const struct place *place) {
    struct store *store = NULL;
    assert_int_equal(store_open(place->dir, &store), 0);
    assert_non_null(store);
    return store;
}

static int64_t now_ms(void) {
    return g_get_real_time() / 1000;
}

static int64_t add(struct store *store, const char *room, const char *text) {
    int64_t id = -1;
    assert_int_equal(store_add_message(store, room, "m1", "Ada", text, now_ms(), &id), 0);
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

// What an earlier program may have left behind.
static void execute(const struct place *place, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int query(const struct place *place, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

// ---- the file ----

static void test_store_makes_its_directory_and_a_file_nobody_else_reads(void **state) {
    struct place *place = *state;
    struct place deeper;
    struct stat info;
    snprintf(deeper.dir, sizeof(deeper.dir), "%.100s/a/b", place->dir);
    snprintf(deeper.path, sizeof(deeper.path), "%s/tessera.db", deeper.dir);
    mode_t mask = umask(0);
    struct store *store = open_store(&deeper);
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
    struct place *place = *state;
    struct stat info;
    store_close(open_store(place));
    assert_int_equal(chmod(place->path, 0644), 0);
    store_close(open_store(place));
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_store_uses_wal_and_reports_usable(void **state) {
    struct place *place = *state;
    struct store *store = open_store(place);
    assert_int_equal(store_is_usable(store), 0);
    assert_int_equal(query(place, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    store_close(store);
    store_close(NULL);
}

static void test_store_refuses_what_is_no_database(void **state) {
    struct place *place = *state;
    struct store *store = NULL;
    char *text = g_strnfill(8192, 'x');
    assert_true(g_file_set_contents(place->path, text, 8192, NULL));
    g_free(text);
    assert_int_equal(store_open(place->dir, &store), -EIO);
    assert_null(store);
    assert_true(strlen(store_explain(-EIO)) > 0);
}

static void test_store_refuses_a_path_that_cannot_be_a_directory(void **state) {
    struct place *place = *state;
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
    struct place *place = *state;
    struct store *store = open_store(place);
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
            store_add_message(store, "ada", "m1", "Ada", "hi", now_ms(), &id);
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
    struct place *place = *state;
    store_close(open_store(place));
    assert_int_equal(truncate(place->path, 4096 + 17), 0);
    struct store *store = NULL;
    assert_int_equal(store_open(place->dir, &store), -EIO);
    assert_null(store);
}

// ---- the schema ----

static void test_store_takes_an_empty_file_to_the_newest_schema(void **state) {
    struct place *place = *state;
    store_close(open_store(place));
    assert_int_equal(query(place, "PRAGMA user_version"), store_schema_version());
    store_close(open_store(place)); // and leaves it there
    assert_int_equal(query(place, "PRAGMA user_version"), store_schema_version());
}

// The first schema as it was released: written out here, so that it cannot change unnoticed.
static void test_store_reads_a_database_of_the_first_schema(void **state) {
    bool is_new = false;
    struct place *place = *state;
    char sql[1024], key[STORE_KEY_MAX];
    snprintf(sql, sizeof(sql),
             "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
             "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL,"
             " member TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,"
             " at_unix_ms INTEGER NOT NULL);"
             "CREATE INDEX messages_by_room ON messages (room, id);"
             "CREATE INDEX messages_by_time ON messages (at_unix_ms);"
             "INSERT INTO settings VALUES ('api_key', 'of-the-first-schema');"
             "INSERT INTO messages VALUES (41, 'ada', 'm1', 'Ada', 'hello', %lld);"
             "PRAGMA user_version = 1;",
             (long long)now_ms());
    execute(place, sql);
    struct store *store = open_store(place);
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_string_equal(key, "of-the-first-schema");
    struct found found = find(store, "ada", 10);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.first_id, 41);
    assert_true(add(store, "ada", "again") > 41);
    store_close(store);
}

static void test_store_refuses_a_database_of_a_newer_version(void **state) {
    struct place *place = *state;
    struct store *store = NULL;
    store_close(open_store(place));
    execute(place, "PRAGMA user_version = 999");
    assert_int_equal(store_open(place->dir, &store), -EPROTO);
    execute(place, "PRAGMA user_version = -1");
    assert_int_equal(store_open(place->dir, &store), -EPROTO);
    assert_null(store);
}

static void test_store_leaves_somebody_elses_database_alone(void **state) {
    struct place *place = *state;
    struct store *store = NULL;
    execute(place, "CREATE TABLE messages (body TEXT); INSERT INTO messages VALUES ('theirs')");
    assert_true(store_open(place->dir, &store) < 0);
    assert_null(store);
    assert_int_equal(query(place, "SELECT count(*) FROM messages WHERE body = 'theirs'"), 1);
    assert_int_equal(query(place, "SELECT count(*) FROM sqlite_schema WHERE name = 'settings'"), 0);
    assert_int_equal(query(place, "PRAGMA user_version"), 0);
}

struct opener {
    const struct place *place;
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
    struct place *place = *state;
    char key[STORE_KEY_MAX], again[STORE_KEY_MAX];
    struct store *store = open_store(place);
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_true(is_new);
    assert_true(strlen(key) >= 32);
    for (const char *at = key; *at; at++)
        assert_true(g_ascii_isalnum(*at) || *at == '-' || *at == '_');
    store_close(store);
    store = open_store(place);
    assert_int_equal(store_api_key(store, again, &is_new), 0);
    assert_false(is_new);
    assert_string_equal(key, again);
    store_close(store);
}

static void test_store_makes_another_key_for_another_directory(void **state) {
    bool is_new = false;
    struct place *place = *state;
    char key[STORE_KEY_MAX], other_key[STORE_KEY_MAX];
    void *other;
    make_place(&other);
    struct store *store = open_store(place), *other_store = open_store(other);
    assert_int_equal(store_api_key(store, key, &is_new), 0);
    assert_int_equal(store_api_key(other_store, other_key, &is_new), 0);
    assert_string_not_equal(key, other_key);
    store_close(store);
    store_close(other_store);
    remove_place(&other);
}

static void test_store_does_not_fill_the_key_with_one_that_is_too_long(void **state) {
    bool is_new = false;
    struct place *place = *state;
    char key[STORE_KEY_MAX] = "untouched";
    store_close(open_store(place));
    execute(place, "INSERT INTO settings VALUES ('api_key', printf('%.*c', 64, 'k'))");
    struct store *store = open_store(place);
    assert_int_equal(store_api_key(store, key, &is_new), -EMSGSIZE);
    assert_string_equal(key, "untouched");
    store_close(store);
}

// ---- chat ----

static void test_store_gives_the_newest_messages_oldest_first(void **state) {
    struct store *store = open_store(*state);
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
    struct store *store = open_store(*state);
    struct store_message message = {0, "m17", "ʿAlī 👩🏽‍🚀",
                                    "'); DROP TABLE messages; --\n\t\"%s\"", now_ms()};
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
    struct store *store = open_store(*state);
    add(store, "ada", "1");
    add(store, "ada", "2");
    assert_int_equal(store_each_message(store, "ada", 10, ask_again, store), 0);
    assert_int_equal(find(store, "ada", 10).count, 0);
    store_close(store);
}

static void test_store_forgets_one_room_and_no_other(void **state) {
    struct store *store = open_store(*state);
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
    struct store *store = open_store(*state);
    assert_int_equal(
        store_add_message(store, "ada", "m1", "Ada", "old", now_ms() - 25 * hour_ms, &id), 0);
    assert_int_equal(
        store_add_message(store, "ada", "m1", "Ada", "young", now_ms() - 23 * hour_ms, &id), 0);
    store_close(store);
    store = open_store(*state);
    assert_string_equal(find(store, "ada", 10).texts, "young ");
    store_close(store);
}

// Trimming comes at random, on average with each 32nd message: 600 without are as likely as a
// lottery won twice.
static void test_store_does_not_grow_with_the_talk_of_a_room(void **state) {
    struct place *place = *state;
    struct store *store = open_store(place);
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
    struct place *place = *state;
    struct store *store = open_store(place);
    sqlite3 *other;
    int64_t id = -7;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_add_message(store, "ada", "m1", "Ada", "hi", now_ms(), &id), -EBUSY);
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
        assert_int_equal(store_add_message(store, "ada", "m1", "Ada", "hi", now_ms(), &id), 0);
        assert_int_equal(store_each_message(store, "ada", 5, note, &found), 0);
    }
    return NULL;
}

static void test_store_may_be_used_by_several_threads(void **state) {
    pthread_t threads[3];
    struct store *store = open_store(*state);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, talk, store);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(find(store, "ada", 1000).count, 150);
    store_close(store);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_store_makes_its_directory_and_a_file_nobody_else_reads),
        STORE_TEST(test_store_tightens_a_file_that_others_can_read),
        STORE_TEST(test_store_uses_wal_and_reports_usable),
        STORE_TEST(test_store_refuses_what_is_no_database),
        STORE_TEST(test_store_refuses_a_path_that_cannot_be_a_directory),
        STORE_TEST(test_store_survives_a_damaged_file),
        STORE_TEST(test_store_survives_a_file_cut_short),
        STORE_TEST(test_store_takes_an_empty_file_to_the_newest_schema),
        STORE_TEST(test_store_reads_a_database_of_the_first_schema),
        STORE_TEST(test_store_refuses_a_database_of_a_newer_version),
        STORE_TEST(test_store_leaves_somebody_elses_database_alone),
        STORE_TEST(test_store_opened_by_two_at_once_has_one_key),
        STORE_TEST(test_store_makes_the_key_once_and_keeps_it),
        STORE_TEST(test_store_makes_another_key_for_another_directory),
        STORE_TEST(test_store_does_not_fill_the_key_with_one_that_is_too_long),
        STORE_TEST(test_store_gives_the_newest_messages_oldest_first),
        STORE_TEST(test_store_gives_a_message_back_as_it_was),
        STORE_TEST(test_store_may_be_used_while_messages_are_gone_through),
        STORE_TEST(test_store_forgets_one_room_and_no_other),
        STORE_TEST(test_store_keeps_a_day_of_chat_across_a_restart),
        STORE_TEST(test_store_does_not_grow_with_the_talk_of_a_room),
        STORE_TEST(test_store_keeps_working_when_another_process_holds_the_file),
        STORE_TEST(test_store_may_be_used_by_several_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
