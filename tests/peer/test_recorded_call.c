// SPDX-License-Identifier: MIT
// A minute of a call is recorded by the real server: members come and go, one shares a screen,
// there is a pause, and one flashes and beeps about once a second. What is downloaded then is held
// against what happened: whole for ffprobe and ffmpeg, as long as the call was, and with sound and
// picture of one moment together from the beginning to the end.
#include "tests/peer/lively.h"
#include "tests/peer/reading.h"
#include "tests/peer/recordings.h"
#include "tests/peer/scene.h"
#include "tests/peer/sender.h"
#include "tests/peer/watch.h"

#include <glib/gstdio.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM "/api/v1/rooms/minute"

// Not as green as a flash is bright.
enum { RED = 0, BLUE = 2, MAGENTA = 5 };
enum { BEN_HZ = 600, BEEP_HZ = 1000, CY_HZ = 1800, VOICE_DBFS = -18 }; // as watch.h asks
// What happens when, in seconds of what is recorded.
enum {
    JOIN_S = 12,
    SHARE_S = 18,
    UNSHARE_S = 26,
    PAUSE_S = 32,
    LAYOUT_S = 41,
    LEAVE_S = 50,
    END_S = 60,
};
enum { POLL_MS = 100, PATIENCE_MS = 15000, PAUSE_MS = 4000 };
// What is held.
enum {
    LENGTH_MS = 100, // off the truth at most
    SYNC_MS = 40,    // sound and picture apart at most
    DRIFT_MS = 20,   // from one part of the call to another
    EDGE_PAIRS = 5,  // flashes at an end of a part, of which the middle one counts
    PAIRS_MIN = 46,  // of a minute's 57: a busy machine, and tiles that glide, may hide some
    PLACES_MAX = 64,
};
// A machine that others keep busy delays sound, picture or both: what it let the server and the
// sender wait from one poll to the next is granted, but for what is usual, up to so long after. Not
// more than members are promised anyway: 125 ms (ITU-R BT.1359).
enum { POLLS_MAX = 4096, WAIT_USUAL_MS = 20, ECHO_S = 4, GRANT_MAX_MS = 85 };

struct wait {
    double at_s; // of the recording
    int64_t length_ns;
};

struct call {
    char id[40], ada_id[CLIENT_ID_MAX], path[READING_PATH_MAX];
    struct client *ada, *ben, *cy;
    double joined_s; // Cy, in the recording
    // By the machine's clock, since 1970.
    double stop_asked_s, stop_answered_s, start_starved_s;
    struct wait waits[POLLS_MAX]; // one a poll
    int wait_count;
    int faults;
    struct reading reading;
};

static struct media *flash, *beep;

// All that is wrong is told, not the first thing alone.
__attribute__((format(printf, 2, 3))) static void blame(struct call *call, const char *format,
                                                        ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print_message("BAD: %s\n", text);
    call->faults++;
}

// ---- REST ----

static char *fetch(const struct call *call, const char *name) {
    char *path = g_strdup_printf("/api/v1/recordings/%s/%s", call->id, name), *data = NULL;
    size_t size = 0;
    assert_int_equal(server_fetch(scene_server(), "GET", path, NULL, &data, &size), 200);
    char *text = g_strndup(data, size);
    free(data);
    g_free(path);
    return text;
}

static json_t *load_details(const struct call *call) {
    char *text = fetch(call, "details.json");
    json_t *details = json_loads(text, 0, NULL);
    assert_non_null(details);
    g_free(text);
    return details;
}

static double now_s(void) {
    return (double)g_get_real_time() / G_USEC_PER_SEC;
}

static double recorded_s(const struct call *call) {
    json_t *json = recordings_get(scene_server(), call->id);
    double seconds = json_real_value(json_object_get(json, "duration_seconds"));
    json_decref(json);
    return seconds;
}

static int64_t take_wait_ns(void) {
    return server_take_starved_ns(scene_server()) + sender_take_worst_delay_ns();
}

static double look_in(struct call *call) {
    double got_s = recorded_s(call);
    if (call->wait_count < POLLS_MAX)
        call->waits[call->wait_count++] = (struct wait){got_s, take_wait_ns()};
    return got_s;
}

// Of what was recorded from then to then, and shortly before.
static double granted_ms(const struct call *call, double from_s, double to_s) {
    int64_t most_ns = 0;
    for (int i = 0; i < call->wait_count; i++)
        if (call->waits[i].at_s >= from_s - ECHO_S && call->waits[i].at_s <= to_s + 1)
            most_ns = MAX(most_ns, call->waits[i].length_ns);
    return MAX((double)most_ns / 1e6 - WAIT_USUAL_MS, 0);
}

// Until so much is recorded.
static void await_recorded(struct call *call, int seconds) {
    double begun_s = now_s(), got_s = look_in(call);
    double most_s = seconds - got_s + client_slow(PATIENCE_MS) / 1e3;
    for (; got_s < seconds && now_s() - begun_s < most_s; got_s = look_in(call))
        g_usleep(POLL_MS * 1000);
    if (got_s < seconds)
        fail_msg("%.1f s are recorded after %.1f s, and should be %d", got_s, now_s() - begun_s,
                 seconds);
}

// ---- the call ----

static struct client *join(const char *name, int colour, int hz) {
    return scene_join(&(struct client_options){.room = "minute",
                                               .name = name,
                                               .camera = scene_colour(colour),
                                               .microphone = scene_tone(hz, VOICE_DBFS)});
}

// So that all of them are seen and heard from the first moment on.
static void gather(struct call *call) {
    call->ada = scene_join(&(struct client_options){.room = "minute",
                                                    .name = "Ada",
                                                    .camera = flash,
                                                    .microphone = beep,
                                                    .sends_by_clock = true});
    call->ben = join("Ben", RED, BEN_HZ);
    client_id(call->ada, call->ada_id);
    char ben_id[CLIENT_ID_MAX];
    client_id(call->ben, ben_id);
    scene_expect_colour(call->ada, ben_id, false, RED);
    scene_expect_tone(call->ada, BEN_HZ, true);
    scene_expect_tone(call->ben, BEEP_HZ, true);
}

static void start(struct call *call) {
    take_wait_ns();
    json_t *json =
        recordings_ask(scene_server(), 201, "POST", ROOM "/recordings", "{\"title\":\"Weekly\"}");
    g_strlcpy(call->id, recordings_text(json, "id"), sizeof(call->id));
    json_decref(json);
    for (int waited_ms = 0; recorded_s(call) <= 0 && waited_ms < client_slow(PATIENCE_MS);
         waited_ms += POLL_MS)
        g_usleep(POLL_MS * 1000);
    call->start_starved_s = (double)take_wait_ns() / 1e9;
    recordings_expect_told(call->ada, "recording");
}

static void play_first_half(struct call *call) {
    await_recorded(call, JOIN_S);
    call->joined_s = recorded_s(call);
    call->cy = join("Cy", BLUE, CY_HZ);
    client_send_json(call->ada, "{\"type\":\"chat\",\"text\":\"Hello & welcome\"}");
    await_recorded(call, SHARE_S);
    client_share_screen(call->ben, scene_colour(MAGENTA));
    client_send_json(call->ben, "{\"type\":\"set\",\"screen\":true}");
    await_recorded(call, UNSHARE_S);
    client_send_json(call->ben, "{\"type\":\"set\",\"screen\":false}");
    client_share_screen(call->ben, NULL);
}

static void pause_for_a_while(struct call *call) {
    await_recorded(call, PAUSE_S);
    recordings_change(scene_server(), call->id, "paused");
    recordings_expect_told(call->cy, "paused");
    for (double begun_s = now_s(); now_s() - begun_s < PAUSE_MS / 1e3; look_in(call))
        g_usleep(POLL_MS * 1000);
    recordings_change(scene_server(), call->id, "recording");
    recordings_expect_told(call->cy, "recording");
}

static void play_second_half(struct call *call) {
    await_recorded(call, LAYOUT_S);
    json_decref(
        recordings_ask(scene_server(), 200, "PUT", ROOM "/layout", "{\"kind\":\"sidebar\"}"));
    await_recorded(call, LEAVE_S);
    client_send_json(call->ben, "{\"type\":\"leave\"}");
    await_recorded(call, END_S);
    call->stop_asked_s = now_s();
    recordings_change(scene_server(), call->id, "stopped");
    call->stop_answered_s = now_s();
    recordings_expect_told(call->cy, "stopped");
}

// ---- how long it was ----

struct span { // of a time that is known so well
    double least_s, most_s;
};

static double unix_s(const char *text) {
    GDateTime *at = g_date_time_new_from_iso8601(text, NULL);
    if (!at)
        fail_msg("\"%s\" is no time", text);
    double seconds = (double)g_date_time_to_unix(at) + g_date_time_get_microsecond(at) / 1e6;
    g_date_time_unref(at);
    return seconds;
}

static double event_s(const char *type) {
    json_t *list =
               recordings_ask(scene_server(), 200, "GET", ROOM "/events?after=0&limit=200", NULL),
           *event;
    double seconds = 0;
    size_t i;
    json_array_foreach(json_object_get(list, "events"), i, event) {
        if (strcmp(recordings_text(event, "type"), type) == 0)
            seconds = unix_s(recordings_text(event, "at"));
    }
    json_decref(list);
    if (seconds == 0)
        fail_msg("there was no event %s", type);
    return seconds;
}

// The server notes when it was paused and went on, to the millisecond.
static double pause_of(const json_t *details) {
    const json_t *pauses = json_object_get(details, "pauses");
    const json_t *from = json_array_get(pauses, 0), *to = json_array_get(pauses, 1);
    assert_string_equal(recordings_text(from, "state"), "paused");
    assert_string_equal(recordings_text(to, "state"), "resumed");
    return unix_s(recordings_text(to, "at")) - unix_s(recordings_text(from, "at"));
}

// It began between the server's note of it and the event, and ended between question and answer.
static void check_length(struct call *call, const json_t *details, double pause_s) {
    struct span start = {unix_s(recordings_text(details, "started_at")),
                         event_s("recording-started")};
    struct span stop = {call->stop_asked_s, call->stop_answered_s};
    double least_s = stop.least_s - start.most_s - pause_s;
    double most_s = stop.most_s - start.least_s - pause_s, got_s = call->reading.duration_s;
    print_message("length %.3f s, the truth is %.3f to %.3f s; pause %.3f s; as it began the server"
                  " had to wait %.0f ms for a processor\n",
                  got_s, least_s, most_s, pause_s, call->start_starved_s * 1e3);
    // The first picture of it may have been waited for.
    if (got_s < least_s - LENGTH_MS / 1e3 - call->start_starved_s ||
        got_s > most_s + LENGTH_MS / 1e3)
        blame(call, "it is %.3f s long, and should be %.3f to %.3f s", got_s, least_s, most_s);
}

// ---- what ffmpeg makes of it ----

// Runs to its end, and has nothing to complain of.
static void expect_silent(struct call *call, const char *const *argv) {
    char *complaints = NULL;
    int status = 0;
    GError *error = NULL;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                      NULL, NULL, NULL, &complaints, &status, &error))
        fail_msg("%s: %s", argv[0], error->message);
    if (status != 0 || complaints[0])
        blame(call, "%s: status %d: %s", argv[0], status, complaints);
    g_free(complaints);
}

static void check_with_ffmpeg(struct call *call) {
    expect_silent(call, (const char *const[]){"ffprobe", "-v", "error", "-show_format",
                                              "-show_streams", "-i", call->path, NULL});
    expect_silent(call, (const char *const[]){"ffmpeg", "-nostdin", "-v", "error", "-i", call->path,
                                              "-f", "null", "-", NULL});
}

// ---- flash and beep ----

static int number_of(const json_t *json, const char *key) {
    return (int)json_integer_value(json_object_get(json, key));
}

static bool find_camera(const json_t *layout, const char *member, struct client_rect *out) {
    const json_t *tile;
    size_t i;
    json_array_foreach(json_object_get(layout, "tiles"), i, tile) {
        if (strcmp(recordings_text(tile, "member"), member) == 0 &&
            strcmp(recordings_text(tile, "kind"), "camera") == 0) {
            *out = (struct client_rect){number_of(tile, "x"), number_of(tile, "y"),
                                        number_of(tile, "width"), number_of(tile, "height")};
            return true;
        }
    }
    return false;
}

// Where Ada is in the picture, as the details beside the recording tell.
static int list_places(const struct call *call, const json_t *details, struct watch_place *places) {
    const json_t *layout;
    int count = 0;
    size_t i;
    json_array_foreach(json_object_get(details, "layouts"), i, layout) {
        struct client_rect at;
        double at_s = json_real_value(json_object_get(layout, "at_seconds"));
        if (count < PLACES_MAX && find_camera(layout, call->ada_id, &at))
            places[count++] = (struct watch_place){(int64_t)(at_s * 1e9), at};
    }
    assert_in_range(count, 1, PLACES_MAX - 1);
    return count;
}

struct edge { // some pairs at an end of a part of the call
    const char *name;
    const struct watch_pair *pairs;
    double pause_s; // before it, since the beginning
    // Found out.
    double median_ms, off_clock_ms, granted_ms;
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// They came by the clock, so what passed between two of them is a multiple of their distance. How
// far from it these are, the middle one of them.
static double off_clock_ms(const struct edge *edge, int64_t from_ns) {
    double off_ms[EDGE_PAIRS];
    for (int i = 0; i < EDGE_PAIRS; i++) {
        double passed_ms = (double)(edge->pairs[i].beep_ns - from_ns) / 1e6 + edge->pause_s * 1e3;
        off_ms[i] = remainder(passed_ms, LIVELY_FLASH_MS);
    }
    qsort(off_ms, EDGE_PAIRS, sizeof(off_ms[0]), by_size);
    return off_ms[EDGE_PAIRS / 2];
}

static void measure_edge(const struct call *call, struct edge *edge, int64_t from_ns) {
    const struct watch_pair *pairs = edge->pairs;
    double begin_s = (double)pairs[0].flash_ns / 1e9;
    double end_s = (double)pairs[EDGE_PAIRS - 1].flash_ns / 1e9;
    struct watch_skew skew = watch_skew_of(pairs, EDGE_PAIRS);
    edge->median_ms = skew.median_ms;
    edge->off_clock_ms = off_clock_ms(edge, from_ns);
    edge->granted_ms = granted_ms(call, begin_s, end_s);
    print_message("%s, %.1f to %.1f s: sound after picture by %.1f ms (%.1f to %.1f), beeps off the"
                  " clock by %.1f ms; %.0f ms are granted\n",
                  edge->name, begin_s, end_s, skew.median_ms, skew.least_ms, skew.most_ms,
                  edge->off_clock_ms, edge->granted_ms);
}

static void judge_edge(struct call *call, const struct edge *edge, const struct edge *first) {
    double granted_ms = MAX(edge->granted_ms, first->granted_ms);
    if (fabs(edge->median_ms) > SYNC_MS + MIN(edge->granted_ms, GRANT_MAX_MS))
        blame(call, "%s sound and picture are %.1f ms apart", edge->name, edge->median_ms);
    if (fabs(edge->median_ms - first->median_ms) > DRIFT_MS + MIN(granted_ms, GRANT_MAX_MS))
        blame(call, "%s sound and picture have drifted by %.1f ms", edge->name,
              edge->median_ms - first->median_ms);
    if (fabs(edge->off_clock_ms - first->off_clock_ms) > LENGTH_MS + granted_ms)
        blame(call, "%s the recording's clock is %.1f ms off", edge->name,
              edge->off_clock_ms - first->off_clock_ms);
}

static void check_sync(struct call *call, const json_t *details, double pause_s) {
    struct watch_place places[PLACES_MAX];
    struct watch watch;
    const GArray *packets = call->reading.packets;
    int place_count = list_places(call, details, places);
    watch_flashes((const struct client_packet *)(const void *)packets->data, (int)packets->len,
                  places, place_count, 0, &watch);
    print_message("%d flashes, %d beeps, %d pairs, in %d layouts: %.1f ms (%.1f to %.1f)\n",
                  watch.flashes, watch.beeps, watch.pairs, place_count, watch.timeline.median_ms,
                  watch.timeline.least_ms, watch.timeline.most_ms);
    assert_in_range(watch.pairs, PAIRS_MIN, END_S + 2);
    int before = 0;
    while (before < watch.pairs && watch.all[before].flash_ns < PAUSE_S * INT64_C(1000000000))
        before++;
    assert_in_range(before, 2 * EDGE_PAIRS, watch.pairs - 2 * EDGE_PAIRS);
    int after = before; // the first may lie to either side
    while (watch.all[after].flash_ns < (PAUSE_S + 1) * INT64_C(1000000000))
        after++;
    struct edge edges[] = {
        {.name = "at the start", .pairs = watch.all},
        {.name = "before the pause", .pairs = watch.all + before - EDGE_PAIRS},
        {.name = "after the pause", .pairs = watch.all + after, .pause_s = pause_s},
        {.name = "at the end", .pairs = watch.all + watch.pairs - EDGE_PAIRS, .pause_s = pause_s},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(edges); i++)
        measure_edge(call, &edges[i], watch.all[0].beep_ns);
    for (size_t i = 0; i < G_N_ELEMENTS(edges); i++)
        judge_edge(call, &edges[i], &edges[0]);
}

// ---- the rest ----

static void check_told(const struct call *call, const json_t *json) {
    double told_s = json_real_value(json_object_get(json, "duration_seconds"));
    assert_true(fabs(told_s - call->reading.duration_s) < 0.1);
    assert_string_equal(recordings_text(json, "reason"), "asked");
    assert_string_equal(recordings_text(json, "title"), "Weekly");
    assert_int_equal(number_of(json, "gaps"), 0);
}

static void check_sound(const struct call *call) {
    const struct reading *reading = &call->reading;
    double end_s = reading->duration_s;
    assert_true(reading_hears(reading, BEN_HZ, 2, JOIN_S));
    assert_true(reading_hears(reading, BEEP_HZ, 2, JOIN_S));
    assert_true(reading_is_fainter(reading, CY_HZ, 2, JOIN_S - 1, BEN_HZ));
    assert_true(reading_hears_somewhere(reading, CY_HZ, call->joined_s));
    assert_true(reading_hears_somewhere(reading, CY_HZ, end_s - 3));
    assert_true(reading_is_fainter(reading, BEN_HZ, end_s - 3, end_s - 0.1, CY_HZ));
}

static void check_side_files(const struct call *call, const json_t *details) {
    char *chapters = fetch(call, "chapters.vtt"), *chat = fetch(call, "chat.vtt");
    assert_true(g_str_has_prefix(chapters, "WEBVTT\n"));
    assert_non_null(strstr(chapters, "Cy joined"));
    assert_non_null(strstr(chapters, "Ben left"));
    assert_non_null(strstr(chapters, "Ben shares the screen"));
    assert_non_null(strstr(chat, "<v Ada>Hello &amp; welcome"));
    const json_t *members = json_object_get(details, "members"), *member;
    assert_int_equal(json_array_size(members), 3);
    int left = 0;
    size_t i;
    json_array_foreach(members, i, member) left +=
        json_is_real(json_object_get(member, "left_seconds"));
    assert_int_equal(left, 1);
    assert_int_equal(json_array_size(json_object_get(details, "pauses")), 2);
    assert_true(json_array_size(json_object_get(details, "layouts")) >= 5);
    g_free(chat);
    g_free(chapters);
}

static void check_packets(struct call *call) {
    const struct reading *reading = &call->reading;
    double end_s = reading->duration_s, granted_s = granted_ms(call, END_S, END_S) / 1e3;
    print_message("%d pictures, the last at %.3f s, the last sound at %.3f s\n", reading->pictures,
                  reading->video_end_s, reading->audio_end_s);
    assert_int_equal(reading->frames, reading->pictures);
    assert_true(reading->pictures > END_S * 10);
    assert_true(reading->chapters >= 4);
    if (reading->audio_end_s < end_s - LENGTH_MS / 1e3)
        blame(call, "the sound ends %.3f s early", end_s - reading->audio_end_s);
    if (reading->video_end_s < end_s - LENGTH_MS / 1e3 - granted_s)
        blame(call, "the picture ends %.3f s early", end_s - reading->video_end_s);
}

static void test_recorded_call_of_a_minute_is_whole_and_in_sync(void **state) {
    static struct call call;
    *state = &call;
    gather(&call);
    start(&call);
    play_first_half(&call);
    pause_for_a_while(&call);
    play_second_half(&call);

    json_t *json = recordings_await_end(scene_server(), call.id, "finished"),
           *details = load_details(&call);
    double pause_s = pause_of(details);
    reading_download(scene_server(), call.id, call.path);
    reading_open_with_packets(call.path, &call.reading);
    check_with_ffmpeg(&call);
    check_packets(&call);
    check_length(&call, details, pause_s);
    check_sync(&call, details, pause_s);
    check_told(&call, json);
    check_sound(&call);
    check_side_files(&call, details);
    json_decref(details);
    json_decref(json);
    if (call.faults > 0)
        fail_msg("%d things are wrong", call.faults);
}

// Also after a failed assertion.
static int leave(void **state) {
    struct call *call = *state;
    if (call->path[0])
        g_unlink(call->path);
    reading_close(&call->reading);
    client_destroy(call->ada);
    client_destroy(call->ben);
    client_destroy(call->cy);
    return 0;
}

static int open_scene(void **state) {
    static const char *const flags[] = {"--recordings-floor-mb", "10", NULL};
    flash = lively_create_flash();
    beep = lively_create_beep();
    return flash && beep ? scene_open_with(flags) : -1;
}

static int close_scene(void **state) {
    media_destroy(flash);
    media_destroy(beep);
    return scene_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_recorded_call_of_a_minute_is_whole_and_in_sync, leave),
    };
    return cmocka_run_group_tests(tests, open_scene, close_scene);
}
