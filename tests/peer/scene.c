// SPDX-License-Identifier: MIT
#include "tests/peer/scene.h"

#include "tests/peer/sender.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FLAGS_MAX = 16 };
enum { COLOURS_MAX = 12, TONES_MAX = 16, COLOUR_NEAR = 45, HEARD_DBFS = -40, UNHEARD_DBFS = -40 };

static struct server *server;
static struct media *colours[COLOURS_MAX];
static struct {
    int hz, peak_dbfs;
    struct media *media;
} tones[TONES_MAX];

int scene_open_in(const char *const *more, const char *const *environment) {
    static const char *const flags[] = {"--limits-joins-per-s",
                                        "1000",
                                        "--limits-connections-per-address",
                                        "900",
                                        "--limits-hello-timeout",
                                        "2",
                                        "--log-level",
                                        "info"};
    const char *all[G_N_ELEMENTS(flags) + FLAGS_MAX + 1];
    size_t count = G_N_ELEMENTS(flags);
    memcpy(all, flags, sizeof(flags));
    while (more && *more && count < G_N_ELEMENTS(all) - 1)
        all[count++] = *more++;
    all[count] = NULL;
    server = server_start_in(NULL, all, environment);
    return server ? 0 : -1;
}

int scene_open_with(const char *const *more) {
    return scene_open_in(more, NULL);
}

int scene_open(void **state) {
    return scene_open_with(NULL);
}

int scene_close(void **state) {
    int status = server_stop(server);
    server = NULL;
    for (int i = 0; i < COLOURS_MAX; i++) {
        media_destroy(colours[i]);
        colours[i] = NULL;
    }
    for (int i = 0; i < TONES_MAX; i++) {
        media_destroy(tones[i].media);
        memset(&tones[i], 0, sizeof(tones[i]));
    }
    assert_int_equal(status, 0);
    return 0;
}

struct server *scene_server(void) {
    return server;
}

struct rgb scene_rgb(int index) {
    struct rgb rgb;
    assert_non_null(media_colour_name(index));
    assert_int_equal(media_colour_from_name(media_colour_name(index), &rgb), 0);
    return rgb;
}

const struct media *scene_colour(int index) {
    assert_in_range(index, 0, COLOURS_MAX - 1);
    if (!colours[index])
        colours[index] = media_create_colour(scene_rgb(index), 320, 180, 30);
    assert_non_null(colours[index]);
    return colours[index];
}

const struct media *scene_tone(int hz, int peak_dbfs) {
    int i = 0;
    while (i < TONES_MAX && tones[i].media &&
           (tones[i].hz != hz || tones[i].peak_dbfs != peak_dbfs))
        i++;
    assert_true(i < TONES_MAX);
    if (!tones[i].media) {
        tones[i].hz = hz;
        tones[i].peak_dbfs = peak_dbfs;
        tones[i].media = media_create_tone(hz, peak_dbfs);
    }
    assert_non_null(tones[i].media);
    return tones[i].media;
}

// --- joining and leaving ---

struct client *scene_join(const struct client_options *options) {
    struct client_options full = *options;
    full.port = server_port(server);
    struct client *client = client_create(&full);
    assert_non_null(client);
    if (!client_wait_joined(client, client_slow(SCENE_PATIENCE_MS))) {
        char code[64];
        client_last_error(client, code, sizeof(code));
        fail_msg("%s did not join %s: error \"%s\", close code %d", full.name, full.room, code,
                 client_close_code(client));
    }
    if (!full.has_no_offer && !client_wait_connected(client, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("%s joined %s but did not connect", full.name, full.room);
    return client;
}

struct client *scene_member(const char *room, const char *name, int colour, int hz) {
    struct client_options options = {
        .room = room,
        .name = name,
        .camera = colour >= 0 ? scene_colour(colour) : NULL,
        .microphone = scene_tone(hz, -12),
    };
    return scene_join(&options);
}

void scene_leave_all(struct client **clients, int count) {
    for (int i = 0; i < count; i++) {
        client_destroy(clients[i]);
        clients[i] = NULL;
    }
}

// --- expectations ---

void scene_expect(struct client *client, client_predicate is_true, void *user) {
    assert_true(client_wait(client, is_true, user, client_slow(SCENE_PATIENCE_MS)));
}

struct sighting {
    const char *member;
    bool is_screen, has_tile;
    struct rgb wanted, seen;
};

static bool shows_colour(struct client *client, void *user) {
    struct sighting *sighting = user;
    struct client_tile tile;
    sighting->has_tile = client_find_tile(client, sighting->member, sighting->is_screen, &tile);
    return sighting->has_tile && client_tile_colour(client, &tile, &sighting->seen) == 0 &&
           media_colour_distance(sighting->seen, sighting->wanted) <= COLOUR_NEAR;
}

static bool shows_another_colour(struct client *client, void *user) {
    struct sighting *sighting = user;
    struct client_tile tile;
    return client_find_tile(client, sighting->member, sighting->is_screen, &tile) &&
           client_tile_colour(client, &tile, &sighting->seen) == 0 &&
           media_colour_distance(sighting->seen, sighting->wanted) > COLOUR_NEAR;
}

void scene_expect_colour(struct client *watcher, const char *member, bool is_screen, int colour) {
    struct sighting sighting = {member, is_screen, false, scene_rgb(colour), {0, 0, 0}};
    if (!client_wait(watcher, shows_colour, &sighting, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("%s %s: %s, the picture is %d %d %d there, not %s", member,
                 is_screen ? "screen" : "camera", sighting.has_tile ? "has a tile" : "has no tile",
                 sighting.seen.r, sighting.seen.g, sighting.seen.b, media_colour_name(colour));
}

void scene_expect_not_colour(struct client *watcher, const char *member, int colour) {
    struct sighting sighting = {member, false, false, scene_rgb(colour), {0, 0, 0}};
    if (!client_wait(watcher, shows_another_colour, &sighting, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("the tile of %s is still %s", member, media_colour_name(colour));
}

static bool has_members(struct client *client, void *user) {
    return client_member_count(client) == *(const int *)user;
}

void scene_expect_members(struct client *client, int count) {
    if (!client_wait(client, has_members, &count, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("%d members are known, not %d", client_member_count(client), count);
}

struct listening {
    int hz;
    bool is_heard;
    double dbfs;
};

static bool hears(struct client *client, void *user) {
    struct listening *listening = user;
    if (client_tone_dbfs(client, listening->hz, &listening->dbfs) < 0)
        return false;
    return listening->is_heard ? listening->dbfs > HEARD_DBFS : listening->dbfs < UNHEARD_DBFS;
}

void scene_expect_tone(struct client *client, int hz, bool is_heard) {
    struct listening listening = {hz, is_heard, -999};
    if (!client_wait(client, hears, &listening, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("%d Hz is at %.1f dBFS, and should %sbe heard", hz, listening.dbfs,
                 is_heard ? "" : "not ");
}

static bool has_no_member(struct client *client, void *user) {
    struct client_member member;
    return !client_find_member(client, user, &member);
}

void scene_expect_left(struct client *client, const char *member) {
    if (!client_wait(client, has_no_member, (void *)member, client_slow(SCENE_PATIENCE_MS)))
        fail_msg("%s is still a member", member);
}

void scene_begin_no_gap(struct client *const *clients, int count) {
    sender_take_worst_delay_ns();
    server_take_starved_ns(server);
    for (int i = 0; i < count; i++)
        client_reset_gaps(clients[i]);
}

int64_t scene_end_no_gap(struct client *const *clients, int count) {
    int64_t starved_ns = server_take_starved_ns(server) + sender_take_worst_delay_ns();
    int64_t most_ns = client_slow(SCENE_GAP_MAX_MS) * INT64_C(1000000) + starved_ns;
    for (int i = 0; i < count; i++) {
        struct client_stream video, audio;
        client_video(clients[i], &video);
        client_audio(clients[i], &audio);
        assert_true(video.count > 0 && audio.count > 0);
        if (video.max_gap_ns > most_ns || audio.max_gap_ns > most_ns)
            fail_msg(
                "the stream paused: video %.0f ms, audio %.0f ms; the machine let wait %.0f ms",
                (double)video.max_gap_ns / 1e6, (double)audio.max_gap_ns / 1e6,
                (double)starved_ns / 1e6);
        if (video.max_gap_ns > SCENE_GAP_MAX_MS * INT64_C(1000000))
            print_message("a pause of %.0f ms; the machine let wait %.0f ms\n",
                          (double)video.max_gap_ns / 1e6, (double)starved_ns / 1e6);
    }
    return starved_ns;
}
