// SPDX-License-Identifier: MIT
// The disk of the recordings stands still for seconds (slow_disk.so, preloaded into the server),
// and nobody but the recording notices. What is asked for during a stall must be answered before it
// ends, and it ends only when the test says so.
#include "tests/peer/lively.h"
#include "tests/peer/recordings.h"
#include "tests/peer/scene.h"
#include "tests/peer/slow_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RED, GREEN, BLUE, POLL_MS = 50, PATIENCE_MS = 20000, STALL_MS = 5000 };
enum { CALM_MS = STALL_MS, END_WITHIN_MS = 5000 };

// ---- the disk ----

static struct slow_disk *disk;
static char flag_path[] = "/tmp/tessera-slow-disk-XXXXXX", *disk_dir, *environment[4];

static void make_disk(void) {
    int fd = g_mkstemp(flag_path);
    assert_true(fd >= 0 && ftruncate(fd, sizeof(*disk)) == 0);
    disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(disk != MAP_FAILED);
    close(fd);
    disk_dir = g_dir_make_tmp("tessera-recordings-XXXXXX", NULL);
    assert_non_null(disk_dir);
    char *program = g_file_read_link("/proc/self/exe", NULL), *place = g_path_get_dirname(program);
    environment[0] = g_strdup_printf("LD_PRELOAD=%s/slow_disk.so", place);
    environment[1] = g_strdup_printf(SLOW_DISK_DIR "=%s", disk_dir);
    environment[2] = g_strdup_printf(SLOW_DISK_FLAG "=%s", flag_path);
    g_free(place);
    g_free(program);
}

static void remove_disk(void) {
    char *command = g_strdup_printf("rm -rf '%s' '%s'", disk_dir, flag_path);
    assert_int_equal(system(command), 0);
    g_free(command);
    munmap(disk, sizeof(*disk));
    for (int i = 0; i < 3; i++)
        g_free(environment[i]);
    g_free(disk_dir);
}

static void stall(void) {
    atomic_store(&disk->held, 0);
    atomic_store(&disk->is_stalled, 1);
}

// Somebody stands there: the test has its teeth in.
static void await_held(int count) {
    for (int waited_ms = 0; atomic_load(&disk->waiting) < count; waited_ms += POLL_MS) {
        assert_true(waited_ms < client_slow(PATIENCE_MS));
        g_usleep(POLL_MS * 1000);
    }
}

static void go_on(void) {
    assert_true(atomic_load(&disk->held) > 0);
    atomic_store(&disk->is_stalled, 0);
}

// ---- REST ----

static double number_of(const json_t *json, const char *key) {
    return json_number_value(json_object_get(json, key));
}

static void stop(struct server *server, const char *id) {
    recordings_change(server, id, "stopped");
}

// Until so much of it is recorded.
static void await_seconds(struct server *server, const char *id, double seconds) {
    double duration_s = 0;
    for (int waited_ms = 0; duration_s < seconds; waited_ms += POLL_MS) {
        assert_true(waited_ms < client_slow(PATIENCE_MS));
        g_usleep(POLL_MS * 1000);
        json_t *json = recordings_get(server, id);
        duration_s = number_of(json, "duration_seconds");
        json_decref(json);
    }
}

// How many of this type there were of this recording; *last: the newest's data, a new reference
// for the one that is there (or NULL).
static int count_events(struct server *server, const char *room, const char *type, const char *id,
                        json_t **last) {
    char *path = g_strdup_printf("/api/v1/rooms/%s/events?after=0&limit=200", room);
    json_t *page = recordings_ask(server, 200, "GET", path, NULL), *event;
    size_t i;
    int count = 0;
    json_array_foreach(json_object_get(page, "events"), i, event) {
        json_t *data = json_object_get(event, "data");
        if (strcmp(recordings_text(event, "type"), type) != 0 ||
            strcmp(recordings_text(json_object_get(data, "recording"), "id"), id) != 0)
            continue;
        if (last) {
            json_decref(*last);
            *last = json_deep_copy(data);
        }
        count++;
    }
    json_decref(page);
    g_free(path);
    return count;
}

// ---- what is in a file ----

struct reading {
    double duration_s, widest_s; // between two pictures
    int frames, broken;
};

static void decode(AVCodecContext *decoder, const AVPacket *packet, struct reading *reading) {
    AVFrame *frame = av_frame_alloc();
    if (avcodec_send_packet(decoder, packet) != 0)
        reading->broken++;
    while (avcodec_receive_frame(decoder, frame) == 0)
        reading->frames += frame->width > 0;
    av_frame_free(&frame);
}

// Every time rises, and all of it can be decoded.
static void read_packets(AVFormatContext *file, struct reading *reading) {
    AVCodecContext *decoders[2];
    double last_s[2] = {-1, -1};
    assert_int_equal(file->nb_streams, 2);
    for (int i = 0; i < 2; i++) {
        const AVCodecParameters *codec = file->streams[i]->codecpar;
        decoders[i] = avcodec_alloc_context3(avcodec_find_decoder(codec->codec_id));
        assert_true(avcodec_parameters_to_context(decoders[i], codec) >= 0);
        assert_int_equal(avcodec_open2(decoders[i], NULL, NULL), 0);
    }
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(file, packet) == 0) {
        int i = packet->stream_index;
        double at_s = (double)packet->pts * av_q2d(file->streams[i]->time_base);
        assert_true(at_s > last_s[i]);
        if (decoders[i]->codec_type == AVMEDIA_TYPE_VIDEO && last_s[i] >= 0)
            reading->widest_s = MAX(reading->widest_s, at_s - last_s[i]);
        last_s[i] = at_s;
        decode(decoders[i], packet, reading);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    for (int i = 0; i < 2; i++)
        avcodec_free_context(&decoders[i]);
}

static struct reading read_media(struct server *server, const char *id) {
    char *path = g_strdup_printf("/api/v1/recordings/%s/media", id), *data = NULL;
    char copy[] = "/tmp/tessera-slow-media-XXXXXX";
    struct reading reading = {0};
    size_t size = 0;
    AVFormatContext *file = NULL;
    assert_int_equal(server_fetch(server, "GET", path, NULL, &data, &size), 200);
    g_close(g_mkstemp(copy), NULL);
    assert_true(g_file_set_contents(copy, data, (gssize)size, NULL));
    free(data);
    assert_int_equal(avformat_open_input(&file, copy, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(file, NULL) >= 0);
    reading.duration_s = (double)file->duration / AV_TIME_BASE;
    read_packets(file, &reading);
    avformat_close_input(&file);
    g_unlink(copy);
    g_free(path);
    assert_int_equal(reading.broken, 0);
    assert_true(reading.frames > 10);
    return reading;
}

static double now_s(void) {
    return (double)g_get_monotonic_time() / G_USEC_PER_SEC;
}

static void assert_between(const char *what, double value, double least, double most) {
    if (value < least || value > most)
        fail_msg("%s: %.3f, not %.3f .. %.3f", what, value, least, most);
}

// ---- the ticks ----

struct ticks {
    double made, wrong; // wrong: late, or left out
};

static struct ticks read_ticks(void) {
    static const char *const made[] = {"tessera_video_ticks_total", "tessera_audio_ticks_total"};
    static const char *const wrong[] = {"tessera_video_ticks_late_total",
                                        "tessera_video_ticks_skipped_total",
                                        "tessera_audio_ticks_late_total"};
    struct ticks ticks = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(made); i++)
        ticks.made += server_metric(scene_server(), made[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        ticks.wrong += server_metric(scene_server(), wrong[i]);
    return ticks;
}

struct watch {
    struct ticks from;
    double from_s, seconds, wrong_per_s;
};

static struct watch begin_watch(void) {
    return (struct watch){.from = read_ticks(), .from_s = now_s()};
}

// A tick thread that stood still for a second would count some eighty late ones.
static void end_watch(struct watch *watch) {
    struct ticks to = read_ticks();
    watch->seconds = now_s() - watch->from_s;
    watch->wrong_per_s = (to.wrong - watch->from.wrong) / watch->seconds;
    assert_true(to.made - watch->from.made > watch->seconds * 40);
}

static void assert_no_later(const struct watch *calm, const struct watch *stalled,
                            int64_t starved_ns) {
    double allowed = 2 * calm->wrong_per_s * stalled->seconds + 30 + (double)starved_ns / 1e7;
    double wrong = stalled->wrong_per_s * stalled->seconds;
    print_message("ticks late in %.1f s of a stall: %.0f; before it %.1f a second; the machine let "
                  "wait %.0f ms\n",
                  stalled->seconds, wrong, calm->wrong_per_s, (double)starved_ns / 1e6);
    if (wrong > allowed)
        fail_msg("%.0f ticks were late during the stall, not %.0f", wrong, allowed);
}

// ---- tests ----

static bool has_chat(struct client *client, void *text) {
    return client_has_chat(client, text);
}

// One gap, unless the machine itself was so slow that there were more.
static void check_gap(const char *id, double held_s, double least_s, double most_s) {
    json_t *json = recordings_await_end(scene_server(), id, "finished"), *told = NULL;
    int gaps = (int)number_of(json, "gaps");
    double gap_s = number_of(json, "gap_seconds");
    assert_true(gaps >= 1);
    assert_int_equal(count_events(scene_server(), "slow", "recording-gap", id, &told), gaps);
    assert_between("the gap", gap_s, 0.5, held_s + gaps);
    assert_between("the gap's event", number_of(told, "gap_seconds"), gaps == 1 ? gap_s - 0.01 : 0,
                   gap_s + 0.01);
    struct reading reading = read_media(scene_server(), id);
    assert_between("the duration", reading.duration_s, least_s, most_s);
    assert_between("the hole in the pictures", reading.widest_s, gaps == 1 ? gap_s - 0.3 : 0.5,
                   gap_s + 0.3);
    print_message("%.2f s recorded, %.2f s of them left out\n", reading.duration_s, gap_s);
    json_decref(told);
    json_decref(json);
}

// What is asked during the stall is answered during the stall: it ends only after all this.
static void live_on(struct client *ada, struct client *ben, const char *stopped, char begun[40],
                    char cut_short[40]) {
    struct server *server = scene_server();
    client_send_json(ada, "{\"type\":\"chat\",\"text\":\"Does it hang?\"}");
    scene_expect(ben, has_chat, (void *)"Does it hang?");
    json_decref(recordings_ask(server, 200, "GET", "/api/v1/rooms/slow", NULL));
    recordings_start(server, "slow", "{}", begun);
    recordings_change(server, stopped, "paused");
    recordings_change(server, stopped, "recording");
    stop(server, stopped);
    client_send_json(ben, "{\"type\":\"chat\",\"text\":\"Not at all.\"}");
    scene_expect(ada, has_chat, (void *)"Not at all.");
    struct client *cy = scene_member("slow", "Cy", BLUE, 900);
    assert_true(client_wait_picture(cy, client_slow(PATIENCE_MS)));
    client_destroy(cy);
    json_decref(recordings_ask(server, 201, "POST", "/api/v1/rooms", "{\"id\":\"brief\"}"));
    recordings_start(server, "brief", "{}", cut_short);
    json_decref(recordings_ask(server, 204, "DELETE", "/api/v1/rooms/brief", NULL));
    json_t *json = recordings_get(server, stopped);
    assert_true(json_is_null(json_object_get(json, "ended_at"))); // not before it is whole
    json_decref(json);
}

static void test_slow_disk_delays_nobody_and_the_gap_is_told(void **state) {
    char whole[40], stopped[40], begun[40], cut_short[40];
    struct server *server = scene_server();
    struct media *lively = lively_create_camera(1, 640, 360, 30, 1000);
    struct client *members[] = {
        scene_join(&(struct client_options){
            .room = "slow", .name = "Ada", .camera = lively, .microphone = scene_tone(500, -12)}),
        scene_member("slow", "Ben", GREEN, 700)};
    for (int i = 0; i < 2; i++)
        assert_true(client_wait_picture(members[i], client_slow(PATIENCE_MS)));
    double asked_s = now_s();
    recordings_start(server, "slow", "{}", whole);
    double answered_s = now_s();
    recordings_start(server, "slow", "{}", stopped);
    await_seconds(server, whole, 1);
    await_seconds(server, stopped, 1);

    struct watch calm = begin_watch();
    g_usleep(CALM_MS * 1000);
    end_watch(&calm);

    scene_begin_no_gap(members, 2);
    struct watch stalled = begin_watch();
    stall();
    double stall_s = now_s();
    await_held(2);
    live_on(members[0], members[1], stopped, begun, cut_short);
    double begun_s = now_s();
    while (now_s() < stall_s + STALL_MS / 1000.0)
        g_usleep(POLL_MS * 1000);
    end_watch(&stalled);
    assert_int_equal(count_events(server, "slow", "recording-stopped", stopped, NULL), 0);
    go_on();
    double held_s = now_s() - stall_s;
    int64_t starved_ns = scene_end_no_gap(members, 2);
    assert_no_later(&calm, &stalled, starved_ns);

    json_decref(recordings_await_end(server, stopped, "finished"));
    read_media(server, stopped);
    json_t *ended = recordings_await_end(server, cut_short, "finished");
    assert_string_equal(recordings_text(ended, "reason"), "room-ended");
    json_decref(ended);
    for (int waited_ms = 0; count_events(server, "slow", "recording-gap", whole, NULL) == 0;
         waited_ms += POLL_MS) {
        assert_true(waited_ms < client_slow(PATIENCE_MS));
        g_usleep(POLL_MS * 1000);
    }
    g_usleep(1500000);
    double stop_asked_s = now_s();
    stop(server, whole);
    double stopped_s = now_s();
    stop(server, begun);
    check_gap(whole, held_s, stop_asked_s - answered_s - 0.3, stopped_s - asked_s + 0.3);
    json_decref(recordings_await_end(server, begun, "finished"));
    struct reading reading = read_media(server, begun);
    assert_between("what began in the stall", reading.duration_s, stop_asked_s - begun_s - 0.5,
                   stopped_s - stall_s + 0.5);
    scene_leave_all(members, 2);
    media_destroy(lively);
}

// A test that fails leaves it to clear().
static struct server *own_server;

static struct server *open_server(void) {
    const char *const flags[] = {"--recordings-floor-mb", "1", "--recordings-dir", disk_dir, NULL};
    own_server = server_start_in(NULL, flags, (const char *const *)environment);
    assert_non_null(own_server);
    return own_server;
}

static void close_server(void) {
    struct server *server = own_server;
    own_server = NULL;
    assert_int_equal(server_stop(server), 0);
}

static struct client *join(struct server *server, const char *room) {
    struct client *client =
        client_create(&(struct client_options){.port = server_port(server),
                                               .room = room,
                                               .name = "Ada",
                                               .camera = scene_colour(RED),
                                               .microphone = scene_tone(500, -10)});
    assert_true(client_wait_picture(client, client_slow(PATIENCE_MS)));
    return client;
}

static void test_slow_disk_costs_nothing_while_the_queue_holds(void **state) {
    char id[40];
    struct server *server = open_server();
    struct client *ada = join(server, "patient");
    stall();
    recordings_start(server, "patient", "{}", id);
    double begun_s = now_s();
    await_held(2); // who looks, and who writes
    while (now_s() < begun_s + STALL_MS / 1000.0)
        g_usleep(POLL_MS * 1000);
    go_on();
    double least_s = now_s() - begun_s - 0.5;
    await_seconds(server, id, STALL_MS / 1000.0);
    stop(server, id);
    json_t *json = recordings_await_end(server, id, "finished");
    assert_int_equal((int)number_of(json, "gaps"), 0);
    assert_int_equal(count_events(server, "patient", "recording-gap", id, NULL), 0);
    struct reading reading = read_media(server, id);
    assert_true(reading.duration_s > least_s && reading.widest_s < 2);
    json_decref(json);
    client_destroy(ada);
    close_server();
}

// That it cannot be written is known only after the answer: it ends, and says so.
static void test_slow_disk_that_then_refuses_ends_the_recording(void **state) {
    char id[40];
    struct server *server = open_server();
    struct client *ada = join(server, "refused");
    stall();
    recordings_start(server, "refused", "{}", id);
    await_held(2);
    atomic_store(&disk->error, EIO);
    go_on();
    json_t *json = recordings_await_end(server, id, "failed");
    assert_string_equal(recordings_text(json, "reason"), "write-error");
    json_decref(json);
    assert_int_equal(count_events(server, "refused", "recording-failed", id, NULL), 1);
    json_t *list = recordings_ask(server, 200, "GET", "/api/v1/rooms/refused", NULL);
    assert_string_equal(recordings_text(list, "recording"), "stopped");
    json_decref(list);
    atomic_store(&disk->error, 0);
    recordings_start(server, "refused", "{}", id); // and the next one works
    await_seconds(server, id, 1);
    stop(server, id);
    json_decref(recordings_await_end(server, id, "finished"));
    client_destroy(ada);
    close_server();
}

// What is deleted, and what is read, wait for nothing either.
static void test_slow_disk_holds_no_reader(void **state) {
    char id[40], *data = NULL;
    size_t size = 0;
    struct server *server = open_server();
    struct client *ada = join(server, "read");
    recordings_start(server, "read", "{}", id);
    await_seconds(server, id, 1);
    stop(server, id);
    json_decref(recordings_await_end(server, id, "finished"));
    char *path = g_strdup_printf("/api/v1/recordings/%s", id);
    char *media = g_strdup_printf("%s/media", path);
    stall();
    await_held(1);
    g_usleep(3500000);            // from then on it is known to stall
    for (int i = 0; i < 8; i++) { // more than there are threads
        json_decref(recordings_get(server, id));
        assert_int_equal(server_fetch(server, "GET", media, NULL, &data, &size), 503);
        free(data);
    }
    json_decref(recordings_ask(server, 204, "DELETE", path, NULL));
    json_decref(recordings_ask(server, 404, "GET", path, NULL));
    go_on();
    char *dir = g_build_filename(disk_dir, id, NULL);
    for (int waited_ms = 0; g_file_test(dir, G_FILE_TEST_EXISTS); waited_ms += POLL_MS) {
        assert_true(waited_ms < client_slow(PATIENCE_MS));
        g_usleep(POLL_MS * 1000);
    }
    g_free(dir);
    g_free(media);
    g_free(path);
    client_destroy(ada);
    close_server();
}

static void expect_end(struct server *server) {
    siginfo_t info = {0};
    double from_s = now_s();
    server_begin_stop(server);
    while (server_is_alive(server) && now_s() < from_s + client_slow(END_WITHIN_MS) / 1000.0)
        g_usleep(10000);
    assert_false(server_is_alive(server));
    assert_int_equal(waitid(P_PID, (id_t)server_pid(server), &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_code, CLD_EXITED);
    assert_int_equal(info.si_status, 0);
    atomic_store(&disk->waiting, 0); // who waited has gone without a word
    print_message("it ended after %.1f s\n", now_s() - from_s);
}

static void test_slow_disk_holds_neither_the_end_of_the_server_nor_its_start(void **state) {
    char id[40];
    struct server *server = open_server();
    struct client *ada = join(server, "ended");
    recordings_start(server, "ended", "{}", id);
    await_seconds(server, id, 3);
    stall();
    await_held(2);
    expect_end(server);
    assert_true(server_restart(server, SIGTERM)); // the stall goes on
    await_held(1);
    json_decref(recordings_ask(server, 200, "GET", "/readyz", NULL));
    go_on();
    json_decref(recordings_await_end(server, id, "recovered"));
    read_media(server, id);
    client_destroy(ada);
    stall(); // while nothing is recorded
    await_held(1);
    expect_end(server);
    go_on();
    close_server();
}

static int open_scene(void **state) {
    make_disk();
    const char *const flags[] = {"--recordings-floor-mb",
                                 "1",
                                 "--recordings-dir",
                                 disk_dir,
                                 "--recordings-queue-kb",
                                 "256",
                                 NULL};
    return scene_open_in(flags, (const char *const *)environment);
}

static int close_scene(void **state) {
    atomic_store(&disk->is_stalled, 0);
    int result = scene_close(state);
    remove_disk();
    return result;
}

static int clear(void **state) {
    atomic_store(&disk->is_stalled, 0);
    atomic_store(&disk->error, 0);
    server_stop(own_server);
    own_server = NULL;
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, NULL, clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        test(test_slow_disk_delays_nobody_and_the_gap_is_told),
        test(test_slow_disk_costs_nothing_while_the_queue_holds),
        test(test_slow_disk_that_then_refuses_ends_the_recording),
        test(test_slow_disk_holds_no_reader),
        test(test_slow_disk_holds_neither_the_end_of_the_server_nor_its_start),
    };
    return cmocka_run_group_tests(tests, open_scene, close_scene);
}
