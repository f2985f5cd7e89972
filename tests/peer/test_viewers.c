// SPDX-License-Identifier: MIT
// Hundreds who only watch: they share the encodes of the room, whatever their number. A small and
// slow canvas, because what hundreds of WebRTC clients cost by themselves is not the question here.
#include "tests/peer/scene.h"

#include <glib.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

enum { VIEWERS = 200, VIEWERS_SHORT = 30, AT_ONCE = 10, PACKETS = 10, PATIENCE_MS = 60000 };

static int viewer_count(void) {
    return getenv("TESSERA_TEST_SHORT") ? VIEWERS_SHORT : VIEWERS;
}

static int open_small(void **state) {
    static const char *const flags[] = {"--rooms-canvas-width",
                                        "320",
                                        "--rooms-canvas-height",
                                        "320",
                                        "--rooms-canvas-fps",
                                        "5",
                                        NULL};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return scene_open_with(flags);
}

static struct client *begin_viewer(void) {
    struct client_options options = {
        .port = server_port(scene_server()),
        .room = "theatre",
        .name = "Watcher",
        .more = "{\"role\":\"viewer\"}",
        .offer = {.flows = {FLOW_RECEIVE, FLOW_RECEIVE, FLOW_NONE}},
    };
    return client_create(&options);
}

// A few at a time: the handshakes of all at once would only wait for each other.
static void seat_all(struct client **viewers, int count) {
    for (int i = 0; i < count; i += AT_ONCE) {
        for (int each = i; each < MIN(i + AT_ONCE, count); each++)
            viewers[each] = begin_viewer();
        for (int each = i; each < MIN(i + AT_ONCE, count); each++)
            assert_true(client_wait_picture(viewers[each], client_slow(PATIENCE_MS)));
    }
}

static json_t *room_stats(void) {
    json_t *stats = NULL;
    assert_int_equal(
        server_request(scene_server(), "GET", "/api/v1/rooms/theatre/stats", NULL, &stats), 200);
    return stats;
}

static json_int_t figure(const json_t *stats, const char *part, const char *key) {
    return json_integer_value(json_object_get(json_object_get(stats, part), key));
}

static json_int_t tier_frames(const json_t *stats, size_t tier) {
    const json_t *tiers = json_object_get(json_object_get(stats, "video"), "tiers");
    return json_integer_value(json_object_get(json_array_get(tiers, tier), "frames"));
}

struct progress {
    uint64_t pictures, sounds;
};

static bool has_more(struct client *client, void *user) {
    const struct progress *before = user;
    struct client_stream video, audio;
    client_video(client, &video);
    client_audio(client, &audio);
    return video.count >= before->pictures + PACKETS && audio.count > before->sounds;
}

static void expect_that_all_go_on(struct client **viewers, int count) {
    struct progress *before = g_new0(struct progress, (gsize)count);
    for (int i = 0; i < count; i++) {
        struct client_stream video, audio;
        client_video(viewers[i], &video);
        client_audio(viewers[i], &audio);
        before[i] = (struct progress){video.count, audio.count};
    }
    for (int i = 0; i < count; i++)
        assert_true(client_wait(viewers[i], has_more, &before[i], client_slow(PATIENCE_MS)));
    g_free(before);
}

static void test_viewers_by_the_hundred_share_one_encode_per_tier(void **state) {
    int count = viewer_count();
    struct client *speaker = scene_member("theatre", "Speaker", 0, 500);
    struct client **viewers = g_new0(struct client *, (gsize)count);
    seat_all(viewers, count);
    json_t *before = room_stats();
    assert_int_equal(json_integer_value(json_object_get(before, "viewers")), count);
    assert_int_equal(json_integer_value(json_object_get(before, "members")), 1);
    expect_that_all_go_on(viewers, count);
    json_t *after = room_stats();
    json_int_t ticks = figure(after, "video", "ticks") - figure(before, "video", "ticks");
    json_int_t sounds = figure(after, "audio", "ticks") - figure(before, "audio", "ticks");
    json_int_t encodes = figure(after, "audio", "encodes") - figure(before, "audio", "encodes");
    assert_true(ticks > 0);
    for (size_t tier = 0; tier < 3; tier++) // the tick that runs is not counted yet
        assert_true(tier_frames(after, tier) - tier_frames(before, tier) <= ticks + 1);
    // The speaker's own mix, and what all others share in its two kinds.
    assert_true(encodes <= 3 * (sounds + 1));
    // Of those who watch, the others know no more than how many they are.
    assert_int_equal(client_member_count(speaker), 1);
    json_decref(before);
    json_decref(after);
    scene_leave_all(viewers, count);
    g_free(viewers);
    client_destroy(speaker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_viewers_by_the_hundred_share_one_encode_per_tier),
    };
    return cmocka_run_group_tests(tests, open_small, scene_close);
}
