// SPDX-License-Identifier: MIT
// The library with a real store and real directories; what reads media (repairs, pictures) is a
// double here (--wrap): what it answers is the test's.
#include "store_place.h"

#include "mcu/config_setting.h"
#include "mcu/library_internal.h"
#include "mcu/store_users.h"
#include "mixer/record/repair.h"

#include <stdatomic.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 10000 };

static struct {
    struct store_place *place;
    struct config config;
    struct store *store;
    struct events *events;
    struct library *library;
    char dir[200];
} house;

// ---- doubles ----

int __wrap_repair_file(const char *path, const struct repair_config *config,
                       struct repair_outcome *out);
bool __wrap_repair_is_whole(const char *path, struct repair_outcome *out);
int __wrap_repair_measure(const char *path, struct repair_outcome *out);
bool __wrap_repair_has_room(const char *path, int64_t free_floor_bytes);
int __wrap_repair_make_poster(const char *path, int64_t at_ns, int width_px, uint8_t **jpeg,
                              size_t *size_bytes);
int __wrap_repair_make_sheet(const char *path, int columns, int rows, int width_px, uint8_t **jpeg,
                             size_t *size_bytes);

static struct {
    atomic_bool is_full;               // the disk
    atomic_int looks, repairs;         // at its free space; how often one was tried
    atomic_bool is_slow, is_in_repair; // a repair takes as long as it is so
    char chapters[200];                // that the last one was given
} disk;

// A file that begins with "good" is whole, one with "torn" can be made so; both play for as many
// seconds as they have bytes. Of one with "sick" nobody can tell what is wrong with it. In all
// others nothing plays.
static int look_at(const char *path, const char *kind, struct repair_outcome *out) {
    char *text = NULL;
    gsize size = 0;
    if (!g_file_get_contents(path, &text, &size, NULL))
        return -ENOENT;
    bool is_kind = g_str_has_prefix(text, kind), is_sick = g_str_has_prefix(text, "sick");
    g_free(text);
    if (!is_kind)
        return is_sick ? -EIO : -ENODATA;
    *out = (struct repair_outcome){.duration_ns = (int64_t)size * 1000000000, .bytes = size};
    return 0;
}

static void note_chapters(const struct repair_config *config) {
    disk.chapters[0] = '\0';
    for (int i = 0; config && i < config->chapter_count; i++) {
        char *more = g_strdup_printf("%s@%lld ", config->chapters[i].title,
                                     (long long)(config->chapters[i].at_ns / 1000000000));
        g_strlcat(disk.chapters, more, sizeof(disk.chapters));
        g_free(more);
    }
}

static void wait_in_repair(void) {
    atomic_store(&disk.is_in_repair, true);
    while (atomic_load(&disk.is_slow))
        g_usleep(1000);
    atomic_store(&disk.is_in_repair, false);
}

int __wrap_repair_file(const char *path, const struct repair_config *config,
                       struct repair_outcome *out) {
    wait_in_repair();
    note_chapters(config);
    atomic_fetch_add(&disk.repairs, 1);
    int error = look_at(path, "torn", out);
    if (error)
        return error == -ENODATA ? look_at(path, "good", out) : error;
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fputs("good", file);
    fclose(file);
    return 0;
}

bool __wrap_repair_is_whole(const char *path, struct repair_outcome *out) {
    return look_at(path, "good", out) == 0;
}

int __wrap_repair_measure(const char *path, struct repair_outcome *out) {
    int error = look_at(path, "torn", out);
    return error ? look_at(path, "good", out) : 0;
}

bool __wrap_repair_has_room(const char *path, int64_t free_floor_bytes) {
    atomic_fetch_add(&disk.looks, 1);
    return !atomic_load(&disk.is_full);
}

static int draw(uint8_t **jpeg, size_t *size_bytes) {
    *jpeg = (uint8_t *)strdup("picture");
    *size_bytes = 7;
    return 0;
}

int __wrap_repair_make_poster(const char *path, int64_t at_ns, int width_px, uint8_t **jpeg,
                              size_t *size_bytes) {
    return draw(jpeg, size_bytes);
}

int __wrap_repair_make_sheet(const char *path, int columns, int rows, int width_px, uint8_t **jpeg,
                             size_t *size_bytes) {
    return draw(jpeg, size_bytes);
}

// ---- the house ----

static void open_library(void) {
    house.library = library_create(&house.config, house.store, house.events);
    assert_non_null(house.library);
}

static void close_library(void) {
    assert_true(library_destroy(house.library));
    house.library = NULL;
}

static int open_house(void **state) {
    memset(&house, 0, sizeof(house));
    memset(&disk, 0, sizeof(disk));
    place_make((void **)&house.place);
    config_init_defaults(&house.config);
    snprintf(house.dir, sizeof(house.dir), "%s/recordings", house.place->dir);
    g_free(house.config.recordings_dir);
    house.config.recordings_dir = g_strdup(house.dir);
    house.store = place_open(house.place);
    house.events = events_create(100);
    open_library();
    return 0;
}

static void remove_tree(const char *path) {
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR) && !g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
            remove_tree(inner);
        g_remove(inner);
        g_free(inner);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

static int close_house(void **state) {
    close_library();
    events_destroy(house.events);
    store_close(house.store);
    config_finish(&house.config);
    remove_tree(house.dir);
    place_remove((void **)&house.place);
    return 0;
}

static int64_t add_user(const char *login) {
    int64_t id = 0;
    const struct store_user user = {
        .login = login, .name = login, .password = "x", .created_unix_ms = place_now_ms()};
    assert_int_equal(store_add_user(house.store, &user, true, &id), 0);
    return id;
}

static void write_media(const char *id, int segment, const char *text) {
    char path[LIBRARY_PATH_MAX];
    assert_true(library_media_path(house.dir, id, "webm", segment, path));
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void begin(char id[LIBRARY_ID_MAX], const char *room, int64_t owner) {
    char dir[LIBRARY_PATH_MAX];
    const struct library_entry entry = {.room = room,
                                        .container = "webm",
                                        .has_video = true,
                                        .owner = owner,
                                        .started_unix_ms = place_now_ms()};
    assert_int_equal(library_begin(house.library, &entry, id, dir), 0);
    assert_false(g_file_test(dir, G_FILE_TEST_EXISTS)); // no call of the control loop touches it
    assert_int_equal(library_make_place(house.library, id), 0);
    assert_true(g_file_test(dir, G_FILE_TEST_IS_DIR));
    write_media(id, 1, "good media");
}

static void end(const char *id, uint64_t bytes) {
    const struct library_figures figures = {.state = "finished",
                                            .reason = "asked",
                                            .duration_ns = INT64_C(5000000000),
                                            .bytes = bytes,
                                            .segments = 1};
    library_end(house.library, id, &figures);
}

static struct caller make_user(int64_t id) {
    return (struct caller){.kind = CALLER_USER, .user = id};
}

static struct caller make_role(const char *room, enum role role) {
    struct caller caller = {.kind = CALLER_ROOM, .role = role, .grants = role_grants(role)};
    g_strlcpy(caller.room, room, sizeof(caller.room));
    return caller;
}

static struct caller make_ticket(const char *recording) {
    struct caller caller = {.kind = CALLER_TICKET};
    g_strlcpy(caller.recording, recording, sizeof(caller.recording));
    return caller;
}

static const struct caller key = {.kind = CALLER_KEY};

static bool sees(const struct caller *caller, const char *id) {
    json_t *out = NULL;
    struct refusal refusal = {0};
    bool is_seen = library_get(house.library, caller, id, &out, &refusal) == 0;
    if (!is_seen) {
        assert_int_equal(refusal.status, 404);
        assert_string_equal(refusal.code, "recording-not-found");
    }
    json_decref(out);
    return is_seen;
}

static int count_listed(const struct caller *caller, const char *room) {
    json_t *out = NULL;
    struct refusal refusal;
    if (library_list(house.library, caller, room, NULL, 50, &out, &refusal) != 0)
        return -1;
    int count = (int)json_array_size(json_object_get(out, "recordings"));
    json_decref(out);
    return count;
}

static json_t *get(const char *id) {
    json_t *out = NULL;
    struct refusal refusal;
    assert_int_equal(library_get(house.library, &key, id, &out, &refusal), 0);
    return out;
}

static bool has_state(const char *id, const char *state) {
    json_t *json = get(id);
    bool has = strcmp(json_string_value(json_object_get(json, "state")), state) == 0;
    json_decref(json);
    return has;
}

static bool is_on_disk(const char *id) {
    char path[LIBRARY_PATH_MAX];
    assert_true(library_path(house.dir, id, path));
    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        for (int waited = 0; !(condition) && waited < PATIENCE_MS; waited += 5)                    \
            g_usleep(5000);                                                                        \
        assert_true(condition);                                                                    \
    } while (0)

// ---- rights ----

static void test_everybody_sees_what_is_theirs_alone(void **state) {
    char of_ada[LIBRARY_ID_MAX], of_nobody[LIBRARY_ID_MAX];
    int64_t ada = add_user("ada"), ben = add_user("ben");
    begin(of_ada, "ada", ada);
    begin(of_nobody, "open", 0);
    const struct {
        struct caller caller;
        bool sees_ada, sees_open;
    } table[] = {
        {key, true, true},
        {make_user(ada), true, false},
        {make_user(ben), false, false},
        {make_role("ada", ROLE_MODERATOR), true, false},
        {make_role("ada", ROLE_MEMBER), false, false},
        {make_role("ada", ROLE_VIEWER), false, false},
        {make_role("open", ROLE_MODERATOR), false, true},
        {make_ticket(of_ada), true, false},
        {make_ticket("another-one"), false, false},
        {make_role("elsewhere", ROLE_MODERATOR), false, false},
        {{.kind = CALLER_NOBODY, .is_local = true}, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        const struct caller *caller = &table[i].caller;
        char path[LIBRARY_PATH_MAX];
        const char *type;
        assert_int_equal(sees(caller, of_ada), table[i].sees_ada);
        assert_int_equal(sees(caller, of_nobody), table[i].sees_open);
        assert_int_equal(count_listed(caller, NULL), table[i].sees_ada + table[i].sees_open);
        assert_int_equal(
            library_find_file(house.library, caller, of_ada, "media", 1, path, &type, NULL) == 0,
            table[i].sees_ada);
    }
    end(of_ada, 10);
    struct caller stranger = make_user(ben), owner = make_user(ada);
    assert_int_equal(library_remove(house.library, &stranger, of_ada, NULL), -1);
    assert_true(is_on_disk(of_ada));
    assert_int_equal(library_remove(house.library, &owner, of_ada, NULL), 0);
    WAIT_UNTIL(!is_on_disk(of_ada)); // its poster may be drawn just now
}

static void test_lists_are_read_page_by_page(void **state) {
    char ids[5][LIBRARY_ID_MAX], cursor[LIBRARY_ID_MAX] = "";
    int seen = 0;
    for (int i = 0; i < 5; i++) {
        begin(ids[i], i % 2 ? "odd" : "even", 0);
        g_usleep(2000); // ids rise by the millisecond
    }
    for (bool has_more = true; has_more;) {
        json_t *out = NULL;
        assert_int_equal(
            library_list(house.library, &key, NULL, cursor[0] ? cursor : NULL, 2, &out, NULL), 0);
        const json_t *list = json_object_get(out, "recordings");
        for (size_t i = 0; i < json_array_size(list); i++, seen++)
            assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "id")),
                                ids[4 - seen]);
        const char *next = json_string_value(json_object_get(out, "next_cursor"));
        has_more = next != NULL;
        g_strlcpy(cursor, next ? next : "", sizeof(cursor));
        json_decref(out);
    }
    assert_int_equal(seen, 5);
    assert_int_equal(count_listed(&key, "odd"), 2);
    struct refusal refusal;
    json_t *out = NULL;
    assert_int_equal(library_list(house.library, &key, NULL, "../x", 2, &out, &refusal), -1);
    assert_string_equal(refusal.field, "cursor");
}

// ---- while it runs, and after ----

static void test_what_runs_is_as_far_as_was_noted(void **state) {
    char id[LIBRARY_ID_MAX];
    struct refusal refusal;
    begin(id, "ada", 0);
    const struct library_figures figures = {
        .state = "paused", .duration_ns = 1500000000, .bytes = 7, .segments = 2};
    library_note(house.library, id, &figures);
    json_t *json = get(id);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "paused");
    assert_true(json_real_value(json_object_get(json, "duration_seconds")) == 1.5);
    assert_true(json_is_null(json_object_get(json, "ended_at")));
    json_decref(json);
    assert_int_equal(library_remove(house.library, &key, id, &refusal), -1);
    assert_string_equal(refusal.code, "recording-running");
    struct library_totals totals;
    library_get_totals(house.library, &totals);
    assert_int_equal(totals.running, 1);
    assert_int_equal(totals.bytes_ever, 7);
    end(id, 4000);
    json = get(id);
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "asked");
    assert_true(json_is_string(json_object_get(json, "ended_at")));
    json_decref(json);
    library_get_totals(house.library, &totals);
    assert_int_equal(totals.running, 0);
    assert_int_equal(totals.bytes_ever, 4000);
    assert_int_equal(totals.bytes, 4000);
}

static int find_media(const char *id, struct refusal *refusal) {
    char path[LIBRARY_PATH_MAX];
    const char *type;
    return library_find_file(house.library, &key, id, "media", 1, path, &type, refusal);
}

// Asked to stop, or ended by itself: the head of its file is rewritten still.
static void note_finishing(const char *id) {
    const struct library_figures figures = {
        .state = "finishing", .reason = "asked", .bytes = 7, .segments = 1};
    library_note(house.library, id, &figures);
}

static void test_what_is_finishing_is_neither_played_nor_deleted(void **state) {
    char id[LIBRARY_ID_MAX], path[LIBRARY_PATH_MAX];
    const char *type;
    struct refusal refusal;
    struct library_totals totals;
    begin(id, "ada", 0);
    assert_int_equal(find_media(id, &refusal), 0);
    note_finishing(id);
    json_t *json = get(id);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "finishing");
    assert_true(json_is_null(json_object_get(json, "ended_at")));
    json_decref(json);
    assert_int_equal(find_media(id, &refusal), -1);
    assert_int_equal(refusal.status, 409);
    assert_string_equal(refusal.code, "recording-finishing");
    assert_int_equal(
        library_find_file(house.library, &key, id, "chapters.vtt", 1, path, &type, &refusal), 0);
    assert_int_equal(library_remove(house.library, &key, id, &refusal), -1);
    assert_string_equal(refusal.code, "recording-running");
    library_get_totals(house.library, &totals);
    assert_int_equal(totals.running, 1);
    end(id, 10);
    assert_true(has_state(id, "finished"));
    assert_int_equal(find_media(id, &refusal), 0);
}

static void *end_in_a_thread(void *id) {
    end(id, 10);
    return NULL;
}

// Whoever asks just when it ends reads it as it was before, or as it is after.
static void test_the_end_is_told_at_once_in_all_that_is_told(void **state) {
    for (int i = 0; i < 200; i++) {
        char id[LIBRARY_ID_MAX];
        pthread_t thread;
        begin(id, "ada", 0);
        note_finishing(id);
        assert_int_equal(pthread_create(&thread, NULL, end_in_a_thread, id), 0);
        for (bool is_whole = false; !is_whole;) {
            json_t *json = get(id);
            const char *told = json_string_value(json_object_get(json, "state"));
            is_whole = strcmp(told, "finished") == 0;
            assert_true(is_whole || strcmp(told, "finishing") == 0);
            assert_int_equal(json_is_string(json_object_get(json, "ended_at")), is_whole);
            json_decref(json);
        }
        pthread_join(thread, NULL);
    }
}

static void test_a_poster_follows_the_end(void **state) {
    char id[LIBRARY_ID_MAX], path[LIBRARY_PATH_MAX];
    begin(id, "ada", 0);
    assert_true(library_side_path(house.dir, id, "sheet.jpg", path));
    end(id, 10);
    WAIT_UNTIL(g_file_test(path, G_FILE_TEST_EXISTS));
    json_t *json = get(id);
    assert_true(json_is_string(json_object_get(json, "poster")));
    json_decref(json);
}

static void test_what_was_cancelled_leaves_nothing(void **state) {
    char id[LIBRARY_ID_MAX];
    begin(id, "ada", 0);
    library_cancel(house.library, id);
    assert_false(sees(&key, id));
    WAIT_UNTIL(!is_on_disk(id));
}

// ---- what is known of the disk ----

static void reopen_with(const char *dir, int floor_mb) {
    close_library();
    g_free(house.config.recordings_dir);
    house.config.recordings_dir = g_strdup(dir);
    house.config.recordings_floor_mb = floor_mb;
    open_library();
}

static void test_the_disk_is_known_before_a_recording_is_asked_for(void **state) {
    char file[LIBRARY_PATH_MAX], below[LIBRARY_PATH_MAX + 8];
    snprintf(file, sizeof(file), "%s-file", house.dir);
    snprintf(below, sizeof(below), "%s/below", file);
    assert_true(g_file_set_contents(file, "x", -1, NULL));
    reopen_with(house.dir, 0);
    assert_int_equal(library_check_disk(house.library), 0);
    assert_false(g_file_test(house.dir, G_FILE_TEST_EXISTS)); // looking makes nothing
    reopen_with(house.dir, 100000000);
    assert_int_equal(library_check_disk(house.library), -ENOSPC);
    reopen_with(file, 0);
    assert_int_equal(library_check_disk(house.library), -ENOTDIR);
    reopen_with(below, 0);
    assert_int_equal(library_check_disk(house.library), -ENOTDIR);
    g_remove(file);
}

static void test_the_disk_is_looked_at_again_and_again(void **state) {
    reopen_with(house.dir, 0);
    assert_int_equal(library_check_disk(house.library), 0);
    assert_true(g_file_set_contents(house.dir, "x", -1, NULL));
    WAIT_UNTIL(library_check_disk(house.library) == -ENOTDIR);
    g_remove(house.dir);
    WAIT_UNTIL(library_check_disk(house.library) == 0);
}

// ---- after a crash ----

static void count_event(void *user, const struct event *event) {
    if (strcmp(event->type, user) == 0)
        house.config.rooms_max++; // counts; nothing here makes rooms
}

static int count_events(const char *type) {
    house.config.rooms_max = 0;
    events_each_after(house.events, NULL, 0, 100, count_event, (void *)type);
    return house.config.rooms_max;
}

static void test_what_was_not_finished_is_recovered_at_the_start(void **state) {
    char good[LIBRARY_ID_MAX], broken[LIBRARY_ID_MAX], whole[LIBRARY_ID_MAX];
    begin(good, "ada", 0);
    begin(broken, "ben", 0);
    begin(whole, "cy", 0);
    write_media(good, 2, "good too");
    write_media(broken, 1, "bad");
    end(whole, 10);
    close_library(); // as a crash: they are not ended
    open_library();
    WAIT_UNTIL(has_state(good, "recovered"));
    WAIT_UNTIL(has_state(broken, "failed"));
    assert_true(has_state(whole, "finished"));
    json_t *json = get(good);
    assert_int_equal(json_integer_value(json_object_get(json, "segments")), 2);
    assert_true(json_real_value(json_object_get(json, "duration_seconds")) == 18);
    json_decref(json);
    WAIT_UNTIL(count_events("recording-recovered") == 1);
    WAIT_UNTIL(count_events("recording-failed") == 1);
}

static void test_what_was_finishing_is_recovered_at_the_start(void **state) {
    char id[LIBRARY_ID_MAX];
    begin(id, "ada", 0);
    note_finishing(id);
    close_library(); // as a crash
    open_library();
    for (int waited = 0; !has_state(id, "recovered") && waited < PATIENCE_MS; waited += 5) {
        assert_true(has_state(id, "finishing") || has_state(id, "recovered"));
        g_usleep(5000);
    }
    assert_true(has_state(id, "recovered"));
}

// ---- what a full disk has left ----

static void end_as(const char *id, const char *state, const char *reason, const char *media) {
    const struct library_figures figures = {.state = state,
                                            .reason = reason,
                                            .duration_ns = INT64_C(5000000000),
                                            .bytes = 10,
                                            .segments = 1,
                                            .gaps = 1,
                                            .gap_ns = 2000000000};
    write_media(id, 1, media);
    library_end(house.library, id, &figures);
}

static void write_details(const char *id) {
    char path[LIBRARY_PATH_MAX];
    assert_true(library_side_path(house.dir, id, "details.json", path));
    assert_true(g_file_set_contents(
        path,
        "{\"duration_seconds\": 1, \"chapters\": [{\"at_seconds\": 0, \"title\": \"one\"},"
        " {\"at_seconds\": 14, \"title\": \"two\"}], \"gaps_at\": [{\"at_seconds\": 1,"
        " \"seconds\": 0.5}, {\"at_seconds\": 3, \"seconds\": 1.25}]}",
        -1, NULL));
}

static json_t *read_details(const char *id) {
    char path[LIBRARY_PATH_MAX];
    assert_true(library_side_path(house.dir, id, "details.json", path));
    return json_load_file(path, 0, NULL);
}

static bool has_sheet(const char *id) {
    json_t *details = read_details(id), *sheet = json_object_get(details, "sheet");
    bool has = sheet && json_integer_value(json_object_get(sheet, "columns")) == 4 &&
               json_integer_value(json_object_get(sheet, "rows")) == 3;
    json_decref(details);
    return has;
}

static int64_t count_of(const char *id, const char *field) {
    json_t *json = get(id);
    int64_t count = json_integer_value(json_object_get(json, field));
    json_decref(json);
    return count;
}

static double number_of(const char *id, const char *field) {
    json_t *json = get(id);
    double number = json_number_value(json_object_get(json, field));
    json_decref(json);
    return number;
}

static void expect_mended(const char *id) {
    WAIT_UNTIL(count_events("recording-repaired") == 1);
    WAIT_UNTIL(has_sheet(id));
    json_t *json = get(id), *details = read_details(id);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "failed");
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "disk-full");
    assert_true(json_number_value(json_object_get(json, "duration_seconds")) == 9);
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), 9);
    assert_int_equal(json_integer_value(json_object_get(json, "gaps")), 1);
    assert_true(json_is_string(json_object_get(json, "poster")));
    assert_true(json_number_value(json_object_get(details, "duration_seconds")) == 9);
    assert_string_equal(disk.chapters, "one@0 two@14 ");
    assert_int_equal(atomic_load(&disk.repairs), 1);
    json_decref(details);
    json_decref(json);
}

static void test_what_a_full_disk_has_left_is_made_whole_when_there_is_room(void **state) {
    for (int restarts = 0; restarts < 2; restarts++) {
        char id[LIBRARY_ID_MAX], whole[LIBRARY_ID_MAX];
        atomic_store(&disk.is_full, true);
        atomic_store(&disk.repairs, 0);
        begin(whole, "ben", 0);
        end_as(whole, "failed", "disk-full", "good one"); // below the floor: it was finished
        begin(id, "ada", 0);
        write_details(id);
        end_as(id, "failed", "disk-full", "torn file");
        atomic_store(&disk.looks, 0);
        WAIT_UNTIL(atomic_load(&disk.looks) >= 2); // it looks again and again
        assert_int_equal(atomic_load(&disk.repairs), 0);
        char path[LIBRARY_PATH_MAX], *part;
        assert_true(library_media_path(house.dir, id, "webm", 1, path));
        part = g_strconcat(path, ".part", NULL);
        if (restarts) {
            close_library(); // in the middle of a repair, whose copy takes room
            assert_true(g_file_set_contents(part, "torn fi", -1, NULL));
            open_library();
            WAIT_UNTIL(!g_file_test(part, G_FILE_TEST_EXISTS));
        }
        g_free(part);
        atomic_store(&disk.is_full, false);
        expect_mended(id);
        close_house(state);
        open_house(state);
    }
}

// It was finished, but there was no room to make a plain one of its fragments.
static void test_an_mp4_is_made_a_plain_one_when_there_is_room(void **state) {
    char id[LIBRARY_ID_MAX], path[LIBRARY_PATH_MAX];
    begin(id, "ada", 0);
    char *sql = g_strdup_printf("UPDATE recordings SET container = 'mp4' WHERE id = '%s'", id);
    place_execute(house.place, sql);
    g_free(sql);
    assert_true(library_media_path(house.dir, id, "mp4", 1, path));
    assert_true(g_file_set_contents(path, "torn fragments", -1, NULL));
    atomic_store(&disk.is_full, true);
    end(id, 10);
    WAIT_UNTIL(atomic_load(&disk.looks) >= 1);
    assert_int_equal(atomic_load(&disk.repairs), 0);
    atomic_store(&disk.is_full, false);
    WAIT_UNTIL(count_events("recording-repaired") == 1);
    assert_true(has_state(id, "finished"));
    assert_true(number_of(id, "duration_seconds") == 14);
}

// However often the server begins anew.
static void test_what_cannot_be_repaired_is_not_tried_for_ever(void **state) {
    char sick[LIBRARY_ID_MAX], bad[LIBRARY_ID_MAX];
    begin(sick, "ada", 0);
    end_as(sick, "failed", "write-error", "sick file");
    WAIT_UNTIL(atomic_load(&disk.repairs) == 1);
    for (int i = 2; i <= 5; i++) {
        close_library();
        open_library();
        WAIT_UNTIL(atomic_load(&disk.repairs) == i);
    }
    begin(bad, "ben", 0);
    end_as(bad, "failed", "write-error", "no media");
    WAIT_UNTIL(atomic_load(&disk.repairs) == 6);
    for (int i = 0; i < 2; i++) {
        char other[LIBRARY_ID_MAX], path[LIBRARY_PATH_MAX];
        close_library();
        open_library();
        begin(other, "cy", 0); // whose picture comes after all that
        assert_true(library_side_path(house.dir, other, "poster.jpg", path));
        end(other, 10);
        WAIT_UNTIL(g_file_test(path, G_FILE_TEST_EXISTS));
        assert_int_equal(atomic_load(&disk.repairs), 6);
    }
    assert_true(has_state(sick, "failed") && has_state(bad, "failed"));
}

static void test_what_is_deleted_while_it_is_repaired_stays_deleted(void **state) {
    char id[LIBRARY_ID_MAX];
    begin(id, "ada", 0);
    atomic_store(&disk.is_slow, true);
    end_as(id, "failed", "disk-full", "torn file");
    WAIT_UNTIL(atomic_load(&disk.is_in_repair));
    assert_int_equal(library_remove(house.library, &key, id, NULL), 0);
    assert_true(is_on_disk(id)); // its thread is busy with it
    atomic_store(&disk.is_slow, false);
    WAIT_UNTIL(atomic_load(&disk.repairs) == 1);
    close_library();
    open_library();
    assert_false(sees(&key, id));
    WAIT_UNTIL(!is_on_disk(id));
    assert_int_equal(count_events("recording-repaired"), 0);
}

static void test_a_crash_without_room_for_a_repair_is_recovered_and_made_whole_later(void **state) {
    char id[LIBRARY_ID_MAX];
    begin(id, "ada", 0);
    write_media(id, 1, "torn by a ");
    write_media(id, 2, "torn crash");
    write_details(id);
    atomic_store(&disk.is_full, true);
    close_library();
    open_library();
    WAIT_UNTIL(has_state(id, "recovered"));
    assert_true(number_of(id, "duration_seconds") == 20);
    assert_int_equal(count_of(id, "gaps"), 2); // as they were written down
    assert_true(number_of(id, "gap_seconds") == 1.75);
    assert_int_equal(atomic_load(&disk.repairs), 0);
    atomic_store(&disk.is_full, false);
    WAIT_UNTIL(count_events("recording-repaired") == 1);
    assert_true(has_state(id, "recovered"));
    assert_int_equal(atomic_load(&disk.repairs), 2);
    assert_string_equal(disk.chapters, "one@-10 two@4 "); // as the second file tells the time
    assert_int_equal(count_of(id, "gaps"), 2);
    assert_true(number_of(id, "duration_seconds") == 20);
    WAIT_UNTIL(has_sheet(id));
}

// ---- what is deleted ----

static void age(const char *id, int days) {
    char *sql = g_strdup_printf("UPDATE recordings SET ended_unix_ms = ended_unix_ms - %lld"
                                " WHERE id = '%s'",
                                days * 86400000LL, id);
    place_execute(house.place, sql);
    g_free(sql);
}

static void test_what_is_too_old_is_deleted(void **state) {
    char old[LIBRARY_ID_MAX], young[LIBRARY_ID_MAX], running[LIBRARY_ID_MAX];
    begin(old, "ada", 0);
    begin(young, "ada", 0);
    end(old, 10);
    end(young, 10);
    age(old, 8);
    age(young, 6);
    close_library();
    house.config.recordings_days = 7;
    open_library();
    begin(running, "ada", 0);
    WAIT_UNTIL(!is_on_disk(old));
    assert_false(sees(&key, old));
    assert_true(sees(&key, young) && is_on_disk(young));
    assert_true(sees(&key, running) && is_on_disk(running));
}

static void test_the_oldest_are_deleted_when_all_are_too_much(void **state) {
    char ids[3][LIBRARY_ID_MAX];
    for (int i = 0; i < 3; i++) {
        begin(ids[i], "ada", 0);
        end(ids[i], 400000000);
        age(ids[i], 3 - i);
    }
    close_library();
    house.config.recordings_total_gb = 1;
    open_library();
    WAIT_UNTIL(!is_on_disk(ids[0]));
    assert_true(is_on_disk(ids[1]) && is_on_disk(ids[2]));
    // One more that ends is too much again.
    char fourth[LIBRARY_ID_MAX];
    begin(fourth, "ada", 0);
    end(fourth, 400000000);
    WAIT_UNTIL(!is_on_disk(ids[1]));
    assert_true(is_on_disk(ids[2]) && is_on_disk(fourth));
}

static void test_with_a_user_their_recordings_go(void **state) {
    char ended[LIBRARY_ID_MAX], running[LIBRARY_ID_MAX], other[LIBRARY_ID_MAX];
    int64_t ada = add_user("ada");
    begin(ended, "ada", ada);
    end(ended, 10);
    begin(running, "ada", ada);
    begin(other, "ben", 0);
    assert_int_equal(store_remove_user(house.store, ada), 0);
    library_tidy(house.library);
    WAIT_UNTIL(!is_on_disk(ended));
    assert_true(is_on_disk(running)); // written to until it ends
    end(running, 10);
    WAIT_UNTIL(!is_on_disk(running));
    assert_true(is_on_disk(other));
}

// A database that was lost must not take the files with it.
static void test_a_directory_that_the_store_never_knew_stays(void **state) {
    char path[LIBRARY_PATH_MAX];
    assert_int_equal(library_make_dir(house.dir, "0123456789a-precious"), 0);
    close_library();
    house.config.recordings_days = 1;
    open_library();
    library_tidy(house.library);
    close_library();
    assert_true(library_path(house.dir, "0123456789a-precious", path));
    assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
    open_library();
}

// ---- paths ----

static void test_no_id_and_no_name_leads_out(void **state) {
    static const char *const ids[] = {"",
                                      ".",
                                      "..",
                                      "../x",
                                      "a/b",
                                      "A",
                                      "a b",
                                      "a.b",
                                      "-x",
                                      "a\n",
                                      "ä",
                                      "%2e%2e",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    static const char *const names[] = {
        "",           ".",          "..",          "../../tessera.db",
        "media.webm", "poster.png", "poster.jpg/", "/etc/passwd"};
    char id[LIBRARY_ID_MAX], path[LIBRARY_PATH_MAX];
    const char *type;
    struct refusal refusal;
    begin(id, "ada", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        assert_false(library_is_id(ids[i]));
        assert_false(library_path(house.dir, ids[i], path));
        assert_int_equal(
            library_find_file(house.library, &key, ids[i], "media", 1, path, &type, &refusal), -1);
        assert_int_equal(refusal.status, 404);
        assert_int_not_equal(library_remove_dir(house.dir, ids[i]), 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        assert_int_equal(
            library_find_file(house.library, &key, id, names[i], 1, path, &type, &refusal), -1);
    assert_int_equal(library_find_file(house.library, &key, id, "media", 2, path, &type, &refusal),
                     -1);
    assert_int_equal(library_find_file(house.library, &key, id, "media", 0, path, &type, &refusal),
                     -1);
    assert_int_equal(library_find_file(house.library, &key, id, "media", 1, path, &type, &refusal),
                     0);
    assert_string_equal(type, "video/webm");
}

static void test_links_are_not_followed_when_deleting(void **state) {
    char inner[LIBRARY_PATH_MAX + 10], outside[200], link[300];
    snprintf(outside, sizeof(outside), "%s/outside", house.place->dir);
    assert_true(g_file_set_contents(outside, "keep", -1, NULL));
    assert_int_equal(library_make_dir(house.dir, "a-dir"), 0);
    snprintf(inner, sizeof(inner), "%s/a-dir/link", house.dir);
    assert_int_equal(symlink(outside, inner), 0);
    assert_int_equal(library_remove_dir(house.dir, "a-dir"), 0);
    assert_true(g_file_test(outside, G_FILE_TEST_EXISTS));
    snprintf(link, sizeof(link), "%s/b-link", house.dir);
    assert_int_equal(symlink(house.place->dir, link), 0);
    assert_int_not_equal(library_remove_dir(house.dir, "b-link"), 0);
    assert_true(g_file_test(outside, G_FILE_TEST_EXISTS));
}

static void test_ids_rise_with_time(void **state) {
    char before[LIBRARY_ID_MAX], after[LIBRARY_ID_MAX], same[LIBRARY_ID_MAX];
    library_make_id(1795269600000, before);
    library_make_id(1795269600001, after);
    library_make_id(1795269600001, same);
    assert_true(strcmp(before, after) < 0);
    assert_string_not_equal(after, same);
    assert_true(library_is_id(before));
}

#define HOUSE_TEST(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void) {
    const struct CMUnitTest tests[] = {
        HOUSE_TEST(test_everybody_sees_what_is_theirs_alone),
        HOUSE_TEST(test_lists_are_read_page_by_page),
        HOUSE_TEST(test_what_runs_is_as_far_as_was_noted),
        HOUSE_TEST(test_what_is_finishing_is_neither_played_nor_deleted),
        HOUSE_TEST(test_the_end_is_told_at_once_in_all_that_is_told),
        HOUSE_TEST(test_a_poster_follows_the_end),
        HOUSE_TEST(test_what_was_cancelled_leaves_nothing),
        HOUSE_TEST(test_the_disk_is_known_before_a_recording_is_asked_for),
        HOUSE_TEST(test_the_disk_is_looked_at_again_and_again),
        HOUSE_TEST(test_what_was_not_finished_is_recovered_at_the_start),
        HOUSE_TEST(test_what_a_full_disk_has_left_is_made_whole_when_there_is_room),
        HOUSE_TEST(test_an_mp4_is_made_a_plain_one_when_there_is_room),
        HOUSE_TEST(test_what_cannot_be_repaired_is_not_tried_for_ever),
        HOUSE_TEST(test_what_is_deleted_while_it_is_repaired_stays_deleted),
        HOUSE_TEST(test_a_crash_without_room_for_a_repair_is_recovered_and_made_whole_later),
        HOUSE_TEST(test_what_was_finishing_is_recovered_at_the_start),
        HOUSE_TEST(test_what_is_too_old_is_deleted),
        HOUSE_TEST(test_the_oldest_are_deleted_when_all_are_too_much),
        HOUSE_TEST(test_with_a_user_their_recordings_go),
        HOUSE_TEST(test_a_directory_that_the_store_never_knew_stays),
        HOUSE_TEST(test_no_id_and_no_name_leads_out),
        HOUSE_TEST(test_links_are_not_followed_when_deleting),
        cmocka_unit_test(test_ids_rise_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
