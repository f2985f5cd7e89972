// SPDX-License-Identifier: MIT
// The real server records real calls, and what it wrote is read back with libavformat.
#include "tests/peer/reading.h"
#include "tests/peer/recordings.h"
#include "tests/peer/scene.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cmocka.h> // after the above, as it asks

enum { RED, GREEN, BLUE, RATE_HZ = 48000, POLL_MS = 50, PATIENCE_MS = 15000, BYTES_ENOUGH = 20000 };

// ---- REST ----

static void await_bytes(struct server *server, const char *id, int64_t bytes) {
    bool is_there = false;
    for (int waited_ms = 0; !is_there && waited_ms < client_slow(PATIENCE_MS);
         waited_ms += POLL_MS) {
        json_t *json = recordings_get(server, id);
        is_there = json_integer_value(json_object_get(json, "bytes")) >= bytes;
        json_decref(json);
        g_usleep(POLL_MS * 1000);
    }
    assert_true(is_there);
}

// ---- what is in a file ----

static void read_media(struct server *server, const char *id, struct reading *reading) {
    char path[READING_PATH_MAX];
    reading_download(server, id, path);
    reading_open(path, reading);
    g_unlink(path);
}

static double now_s(void) {
    return (double)g_get_monotonic_time() / G_USEC_PER_SEC;
}

// ---- tests ----

static void test_record_several_run_at_once(void **state) {
    char whole[40], sound[40];
    struct reading reading;
    struct client *ada = scene_member("several", "Ada", RED, 500);
    recordings_start(scene_server(), "several", "{\"container\":\"mkv\"}", whole);
    recordings_start(scene_server(), "several", "{\"container\":\"ogg\"}", sound);
    assert_true(server_metric(scene_server(), "tessera_recordings_running") >= 2);
    await_bytes(scene_server(), whole, BYTES_ENOUGH);
    await_bytes(scene_server(), sound, BYTES_ENOUGH / 4);
    recordings_change(scene_server(), whole, "stopped");
    json_decref(recordings_await_end(scene_server(), whole, "finished"));
    recordings_change(scene_server(), sound, "stopped");
    json_decref(recordings_await_end(scene_server(), sound, "finished"));
    read_media(scene_server(), whole, &reading);
    assert_true(reading.frames > 10 && reading.samples > RATE_HZ);
    g_free(reading.sound);
    read_media(scene_server(), sound, &reading);
    assert_true(reading.frames == 0 && reading.samples > RATE_HZ);
    g_free(reading.sound);
    assert_true(server_metric(scene_server(), "tessera_recordings_bytes_total") > BYTES_ENOUGH);
    client_destroy(ada);
}

// The room is still, then empty: that ends no recording. Its own end does.
static void test_record_goes_on_without_anybody_until_the_room_ends(void **state) {
    char id[40];
    json_decref(recordings_ask(scene_server(), 201, "POST", "/api/v1/rooms",
                               "{\"id\":\"lonely\",\"linger\":600}"));
    recordings_start(scene_server(), "lonely", "{}", id);
    await_bytes(scene_server(), id, 1000);
    struct client *ada = scene_member("lonely", "Ada", RED, 500);
    json_t *joined = client_last_message(ada, "joined");
    assert_string_equal(recordings_text(json_object_get(joined, "room_info"), "recording"),
                        "recording");
    assert_int_equal(client_member_count(ada), 1); // the recording is nobody
    json_decref(joined);
    client_destroy(ada);
    await_bytes(scene_server(), id, BYTES_ENOUGH);
    json_t *json = recordings_get(scene_server(), id);
    assert_string_equal(recordings_text(json, "state"), "recording");
    json_decref(json);
    json_decref(recordings_ask(scene_server(), 204, "DELETE", "/api/v1/rooms/lonely", NULL));
    json = recordings_await_end(scene_server(), id, "finished");
    assert_string_equal(recordings_text(json, "reason"), "room-ended");
    json_decref(json);
}

static void test_record_begins_with_the_first_member(void **state) {
    json_decref(recordings_ask(scene_server(), 201, "POST", "/api/v1/rooms",
                               "{\"id\":\"byitself\",\"record_on_start\":true}"));
    json_t *list =
        recordings_ask(scene_server(), 200, "GET", "/api/v1/rooms/byitself/recordings", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "recordings")), 0);
    json_decref(list);
    struct client *ada = scene_member("byitself", "Ada", RED, 500);
    recordings_expect_told(ada, "recording");
    struct client *ben = scene_member("byitself", "Ben", GREEN, 700);
    list = recordings_ask(scene_server(), 200, "GET", "/api/v1/rooms/byitself/recordings", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "recordings")), 1);
    json_decref(list);
    client_destroy(ada);
    client_destroy(ben);
    json_decref(recordings_ask(scene_server(), 204, "DELETE", "/api/v1/rooms/byitself", NULL));
}

static void test_record_is_for_moderators(void **state) {
    struct client *ada = scene_member("rights", "Ada", RED, 0); // the first one moderates
    struct client *ben = scene_member("rights", "Ben", GREEN, 0);
    client_send_json(ben, "{\"type\":\"start-recording\"}");
    assert_true(client_wait_error(ben, "not-allowed", client_slow(PATIENCE_MS)));
    client_send_json(ada, "{\"type\":\"start-recording\",\"audio_only\":true}");
    recordings_expect_told(ben, "recording");
    recordings_expect_told(ada, "recording");
    json_t *told = client_last_message(ada, "recording");
    const json_t *first = json_array_get(json_object_get(told, "recordings"), 0);
    client_send_json(ada, "{\"type\":\"change-recording\",\"id\":\"%s\",\"state\":\"stopped\"}",
                     recordings_text(first, "id"));
    json_decref(told);
    recordings_expect_told(ben, "stopped");
    client_destroy(ada);
    client_destroy(ben);
}

static void test_record_nothing_begins_below_the_floor(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "100000000", NULL};
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    json_decref(recordings_ask(server, 201, "POST", "/api/v1/rooms", "{\"id\":\"full\"}"));
    json_t *problem = recordings_ask(server, 507, "POST", "/api/v1/rooms/full/recordings", "{}");
    assert_string_equal(recordings_text(problem, "code"), "disk-full");
    json_decref(problem);
    json_t *list = recordings_ask(server, 200, "GET", "/api/v1/recordings", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "recordings")), 0);
    json_decref(list);
    assert_int_equal(server_stop(server), 0);
}

static bool has_file(struct server *server, const char *path) {
    char *data = NULL;
    size_t size = 0;
    int status = server_fetch(server, "GET", path, NULL, &data, &size);
    free(data);
    return status == 200 && size > 0;
}

static bool await_file(struct server *server, const char *path, bool is_there) {
    for (int waited_ms = 0; waited_ms < client_slow(PATIENCE_MS); waited_ms += POLL_MS) {
        if (has_file(server, path) == is_there)
            return true;
        g_usleep(POLL_MS * 1000);
    }
    return false;
}

static void test_live_is_served_while_it_runs_and_its_secret_is_told_to_nobody(void **state) {
    struct client *ada = scene_member("live", "Ada", RED, 500);
    json_t *hls = recordings_ask(scene_server(), 201, "POST", "/api/v1/rooms/live/broadcasts",
                                 "{\"kind\":\"hls\"}");
    assert_string_equal(recordings_text(hls, "watch"), "/watch/live");
    json_t *again = recordings_ask(scene_server(), 409, "POST", "/api/v1/rooms/live/broadcasts",
                                   "{\"kind\":\"hls\"}");
    assert_string_equal(recordings_text(again, "code"), "broadcast-running");
    json_decref(again);
    json_t *rtmp =
        recordings_ask(scene_server(), 201, "POST", "/api/v1/rooms/live/broadcasts",
                       "{\"kind\":\"rtmp\",\"url\":\"rtmp://127.0.0.1:9/app/hush-hush\"}");
    assert_string_equal(recordings_text(rtmp, "url"), "rtmp://127.0.0.1:9/app/***");
    assert_true(await_file(scene_server(), "/hls/live/index.m3u8", true));
    assert_true(await_file(scene_server(), "/hls/live/init.mp4", true));
    char *path = g_strdup_printf("/api/v1/rooms/live/broadcasts/%s", recordings_text(hls, "id"));
    recordings_ask(scene_server(), 204, "DELETE", path, NULL);
    g_free(path);
    assert_true(await_file(scene_server(), "/hls/live/index.m3u8", false));
    json_t *events = recordings_ask(scene_server(), 200, "GET",
                                    "/api/v1/rooms/live/events?after=0&limit=200", NULL);
    json_t *told = client_last_message(ada, "recording");
    char *texts[] = {json_dumps(events, 0), json_dumps(told, 0)};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_null(strstr(texts[i], "hush-hush"));
        free(texts[i]);
    }
    json_decref(told);
    json_decref(events);
    json_decref(rtmp);
    json_decref(hls);
    client_destroy(ada);
}

static struct client *join(struct server *server, const char *room) {
    struct client *client =
        client_create(&(struct client_options){.port = server_port(server),
                                               .room = room,
                                               .name = "Ada",
                                               .camera = scene_colour(RED),
                                               .microphone = scene_tone(500, -10)});
    assert_true(client_wait_connected(client, client_slow(PATIENCE_MS)));
    return client;
}

static void test_record_a_killed_server_leaves_all_but_a_second(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "10", NULL};
    char id[40];
    struct reading reading;
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    struct client *ada = join(server, "killed");
    recordings_start(server, "killed", "{}", id);
    double begun_s = now_s();
    g_usleep(4000000);
    double recorded_s = now_s() - begun_s;
    assert_true(server_restart(server, SIGKILL));
    json_t *json = recordings_await_end(server, id, "recovered");
    read_media(server, id, &reading);
    if (reading.duration_s < recorded_s - 1.3)
        fail_msg("%.2f of %.2f s are left", reading.duration_s, recorded_s);
    assert_true(reading.frames > 5);
    json_decref(json);
    g_free(reading.sound);
    json_decref(recordings_ask(server, 204, "DELETE", "/api/v1/rooms/killed", NULL));
    client_destroy(ada);
    assert_int_equal(server_stop(server), 0);
}

// ---- between the stop and the end ----

static int media_status(struct server *server, const char *id) {
    char *path = g_strdup_printf("/api/v1/recordings/%s/media", id), *data = NULL;
    size_t size = 0;
    int status = server_fetch(server, "GET", path, NULL, &data, &size);
    free(data);
    g_free(path);
    return status;
}

// Until it has ended: until then it is finishing at each look, without an end and without media.
static json_t *await_whole(struct server *server, const char *id) {
    for (int waited_ms = 0; waited_ms < client_slow(PATIENCE_MS); waited_ms += 5) {
        int status = media_status(server, id);
        json_t *json = recordings_get(server, id);
        bool has_ended = json_is_string(json_object_get(json, "ended_at"));
        assert_true(has_ended || strcmp(recordings_text(json, "state"), "finishing") == 0);
        assert_true(status == 409 || (status == 200 && has_ended));
        if (has_ended)
            return json;
        json_decref(json);
        g_usleep(5000);
    }
    fail_msg("%s does not end", id);
    return NULL;
}

static void stop_and_expect_finishing(struct server *server, const char *id) {
    char *path = g_strdup_printf("/api/v1/recordings/%s", id);
    json_t *json = recordings_ask(server, 200, "PATCH", path, "{\"state\":\"stopped\"}");
    assert_string_equal(recordings_text(json, "state"), "finishing");
    assert_true(json_is_null(json_object_get(json, "ended_at")));
    json_decref(json);
    g_free(path);
}

// The recording as the event of this type told it, a new reference.
static json_t *await_event(struct server *server, const char *room, const char *type) {
    char *path = g_strdup_printf("/api/v1/rooms/%s/events?after=0&limit=200", room);
    json_t *found = NULL;
    for (int waited_ms = 0; !found && waited_ms < client_slow(PATIENCE_MS); waited_ms += POLL_MS) {
        json_t *answer = recordings_ask(server, 200, "GET", path, NULL), *event;
        size_t i;
        json_array_foreach(json_object_get(answer, "events"), i, event) {
            if (!found && strcmp(recordings_text(event, "type"), type) == 0)
                found = json_incref(json_object_get(json_object_get(event, "data"), "recording"));
        }
        json_decref(answer);
        g_usleep(found ? 0 : POLL_MS * 1000);
    }
    g_free(path);
    assert_non_null(found);
    return found;
}

static void test_record_is_finishing_until_it_is_whole(void **state) {
    static const char *const bodies[] = {"{\"container\":\"mp4\"}", "{}"};
    char id[40];
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        char *room = g_strdup_printf("finishing%zu", i);
        struct client *ada = scene_member(room, "Ada", RED, 500);
        recordings_start(scene_server(), room, bodies[i], id);
        await_bytes(scene_server(), id, BYTES_ENOUGH);
        assert_int_equal(media_status(scene_server(), id), 200); // as far as it is
        stop_and_expect_finishing(scene_server(), id);
        json_t *json = await_whole(scene_server(), id);
        assert_string_equal(recordings_text(json, "state"), "finished");
        json_t *told = await_event(scene_server(), room, "recording-stopped");
        assert_string_equal(recordings_text(told, "state"), "finished");
        assert_true(
            json_equal(json_object_get(told, "ended_at"), json_object_get(json, "ended_at")));
        assert_int_equal(media_status(scene_server(), id), 200);
        json_decref(told);
        json_decref(json);
        client_destroy(ada);
        g_free(room);
    }
}

static void test_record_is_finishing_when_its_room_ended(void **state) {
    char id[40];
    struct client *ada = scene_member("closing", "Ada", RED, 500);
    recordings_start(scene_server(), "closing", "{}", id);
    await_bytes(scene_server(), id, BYTES_ENOUGH);
    json_decref(recordings_ask(scene_server(), 204, "DELETE", "/api/v1/rooms/closing", NULL));
    json_t *json = await_whole(scene_server(), id);
    assert_string_equal(recordings_text(json, "state"), "finished");
    json_decref(json);
    client_destroy(ada);
}

static void test_record_nothing_stays_finishing_after_a_crash(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "10", NULL};
    char id[40];
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    struct client *ada = join(server, "crashed");
    recordings_start(server, "crashed", "{\"container\":\"mp4\"}", id);
    await_bytes(server, id, 4 * BYTES_ENOUGH);
    stop_and_expect_finishing(server, id);
    assert_true(server_restart(server, SIGKILL));
    json_t *json = await_whole(server, id);
    if (strcmp(recordings_text(json, "state"), "finished") != 0) // it was quicker than the crash
        assert_string_equal(recordings_text(json, "state"), "recovered");
    assert_true(json_real_value(json_object_get(json, "duration_seconds")) > 0.3);
    assert_int_equal(media_status(server, id), 200);
    json_decref(json);
    client_destroy(ada);
    assert_int_equal(server_stop(server), 0);
}

static void test_record_a_server_that_ends_finishes_first(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "10", NULL};
    char id[40];
    struct reading reading;
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    struct client *ada = join(server, "ended");
    recordings_start(server, "ended", "{}", id);
    await_bytes(server, id, BYTES_ENOUGH);
    assert_true(server_restart(server, SIGTERM));
    json_t *json = recordings_await_end(server, id, "finished");
    assert_string_equal(recordings_text(json, "reason"), "room-ended");
    read_media(server, id, &reading);
    assert_true(reading.duration_s > 0.5);
    json_decref(json);
    g_free(reading.sound);
    client_destroy(ada);
    assert_int_equal(server_stop(server), 0);
}

// ---- a disk that is full ----

enum { DISK_MB = 20 };

// A file system of its own; false: this process may not make one.
static bool make_disk(char dir[64]) {
    char options[40];
    strcpy(dir, "/tmp/test_record_disk_XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(options, sizeof(options), "size=%dm", DISK_MB);
    if (mount("tessera-test", dir, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
        return true;
    g_rmdir(dir);
    return false;
}

// All but this much of it.
static void fill_disk(const char *dir, size_t left_bytes) {
    struct statvfs status;
    assert_int_equal(statvfs(dir, &status), 0);
    size_t size = (size_t)status.f_bavail * status.f_frsize;
    char *path = g_build_filename(dir, "filler", NULL), *zeros = g_malloc0(size);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(zeros, 1, size > left_bytes ? size - left_bytes : 0, file);
    fclose(file);
    g_free(zeros);
    g_free(path);
}

static void empty_disk(const char *dir) {
    char *path = g_build_filename(dir, "filler", NULL);
    assert_int_equal(g_unlink(path), 0);
    g_free(path);
}

static bool has_event(struct server *server, const char *type) {
    json_t *events = recordings_ask(server, 200, "GET", "/api/v1/events?after=0&limit=200", NULL);
    char *text = json_dumps(events, JSON_COMPACT);
    bool has = strstr(text, type) != NULL;
    free(text);
    json_decref(events);
    return has;
}

// What could not be finished plays, and is finished when there is room.
static void check_made_whole(struct server *server, const char *dir, const char *id,
                             const struct reading *torn) {
    struct reading reading;
    assert_false(torn->tells_duration || torn->has_cues);
    empty_disk(dir);
    for (int waited_ms = 0;
         !has_event(server, "recording-repaired") && waited_ms < client_slow(PATIENCE_MS);
         waited_ms += POLL_MS)
        g_usleep(POLL_MS * 1000);
    assert_true(has_event(server, "recording-repaired"));
    read_media(server, id, &reading);
    g_free(reading.sound);
    assert_true(reading.tells_duration && reading.has_cues);
    assert_true(fabs(reading.duration_s - torn->video_end_s) < 1);
    json_t *json = recordings_get(server, id);
    assert_string_equal(recordings_text(json, "state"), "failed");
    assert_string_equal(recordings_text(json, "reason"), "disk-full");
    assert_true(fabs(json_number_value(json_object_get(json, "duration_seconds")) -
                     reading.duration_s) < 0.1);
    json_decref(json);
    char *path = g_strdup_printf("/api/v1/recordings/%s/poster.jpg", id);
    assert_true(await_file(server, path, true));
    g_free(path);
}

enum ending { STAYS_FULL, IS_FREED, IS_FREED_AFTER_RESTART };

static void check_full_disk(const char *floor_mb, size_t left_bytes, enum ending ending) {
    char dir[64], id[40];
    if (!make_disk(dir))
        skip();
    const char *flags[] = {"--recordings-floor-mb", floor_mb, "--recordings-dir", dir, NULL};
    struct reading reading;
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    struct client *ada = join(server, "filled");
    assert_true(client_wait_picture(ada, client_slow(PATIENCE_MS)));
    recordings_start(server, "filled", "{}", id);
    await_bytes(server, id, BYTES_ENOUGH);
    client_reset_gaps(ada);
    fill_disk(dir, left_bytes);
    json_t *json = recordings_await_end(server, id, "failed");
    assert_string_equal(recordings_text(json, "reason"), "disk-full");
    json_decref(json);
    recordings_expect_told(ada, "stopped");
    read_media(server, id, &reading);
    assert_true(reading.video_end_s > 0.3); // where nothing fits any more, no duration does
    g_free(reading.sound);
    struct client_stream video; // and the call goes on
    client_video(ada, &video);
    assert_true(video.max_gap_ns < client_slow(SCENE_GAP_MAX_MS) * INT64_C(1000000));
    assert_true(has_event(server, "\"recording-failed\""));
    if (ending == IS_FREED_AFTER_RESTART)
        assert_true(server_restart(server, SIGTERM));
    if (ending != STAYS_FULL)
        check_made_whole(server, dir, id, &reading);
    client_destroy(ada);
    assert_int_equal(server_stop(server), 0);
    umount2(dir, MNT_DETACH);
    g_rmdir(dir);
}

static void test_record_ends_below_the_floor_and_the_call_goes_on(void **state) {
    check_full_disk("5", 1000000, STAYS_FULL);
}

static void test_record_ends_on_a_full_disk_and_is_made_whole_when_there_is_room(void **state) {
    check_full_disk("0", 0, IS_FREED);
}

static void test_record_that_ended_on_a_full_disk_is_made_whole_after_a_restart(void **state) {
    check_full_disk("0", 0, IS_FREED_AFTER_RESTART);
}

static int open_scene(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "10", NULL};
    return scene_open_with(flags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_several_run_at_once),
        cmocka_unit_test(test_record_goes_on_without_anybody_until_the_room_ends),
        cmocka_unit_test(test_record_begins_with_the_first_member),
        cmocka_unit_test(test_record_is_for_moderators),
        cmocka_unit_test(test_live_is_served_while_it_runs_and_its_secret_is_told_to_nobody),
        cmocka_unit_test(test_record_nothing_begins_below_the_floor),
        cmocka_unit_test(test_record_a_killed_server_leaves_all_but_a_second),
        cmocka_unit_test(test_record_is_finishing_until_it_is_whole),
        cmocka_unit_test(test_record_is_finishing_when_its_room_ended),
        cmocka_unit_test(test_record_nothing_stays_finishing_after_a_crash),
        cmocka_unit_test(test_record_a_server_that_ends_finishes_first),
        cmocka_unit_test(test_record_ends_below_the_floor_and_the_call_goes_on),
        cmocka_unit_test(test_record_ends_on_a_full_disk_and_is_made_whole_when_there_is_room),
        cmocka_unit_test(test_record_that_ended_on_a_full_disk_is_made_whole_after_a_restart),
    };
    return cmocka_run_group_tests(tests, open_scene, scene_close);
}
