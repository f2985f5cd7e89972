// SPDX-License-Identifier: MIT
// What happens to a member between joining and leaving, and how one leaves: politely, kicked, cut
// off, killed, or with the whole server.
#include "tests/peer/scene.h"
#include "tests/peer/sender.h"

#include <errno.h>
#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RED, GREEN, BLUE, YELLOW, CYAN, MAGENTA };

struct pair {
    struct client *ada, *ben; // red with 500 Hz, green with 900 Hz
    char ada_id[CLIENT_ID_MAX], ben_id[CLIENT_ID_MAX];
};

static void pair_join(struct pair *pair, const char *room) {
    pair->ada = scene_member(room, "Ada", RED, 500);
    pair->ben = scene_member(room, "Ben", GREEN, 900);
    client_id(pair->ada, pair->ada_id);
    client_id(pair->ben, pair->ben_id);
}

static void pair_leave(struct pair *pair) {
    client_destroy(pair->ada);
    client_destroy(pair->ben);
}

// --- predicates ---

struct expected_member {
    const char *id;
    int audio_muted, video_muted, hand; // -1: whatever
    const char *name;                   // NULL: whatever
};

static bool is_as_expected(struct client *client, void *user) {
    const struct expected_member *expected = user;
    struct client_member member;
    return client_find_member(client, expected->id, &member) &&
           (expected->audio_muted < 0 || member.audio_muted == expected->audio_muted) &&
           (expected->video_muted < 0 || member.video_muted == expected->video_muted) &&
           (expected->hand < 0 || member.hand == expected->hand) &&
           (!expected->name || !strcmp(member.name, expected->name));
}

static bool has_chat(struct client *client, void *user) {
    return client_has_chat(client, user);
}

static bool has_channel(struct client *client, void *user) {
    return client_has_channel(client);
}

static bool has_message(struct client *client, void *user) {
    return client_message_count(client, user) > 0;
}

static bool has_bye(struct client *client, void *user) {
    char reason[64];
    return client_bye(client, reason, sizeof(reason)) && (!user || !strcmp(reason, user));
}

static bool has_picture_size(struct client *client, void *user) {
    int width, height;
    return client_picture_size(client, &width, &height) == 0;
}

static bool has_layout_name(struct client *client, void *user) {
    struct client_layout layout;
    return client_last_layout(client, &layout) && !strcmp(layout.name, user);
}

// --- tests ---

static void test_life_muting_the_camera_shows_the_avatar(void **state) {
    struct pair pair;
    pair_join(&pair, "camera");
    scene_expect_colour(pair.ben, pair.ada_id, false, RED);
    client_send_json(pair.ada, "{\"type\":\"set\",\"video_muted\":true}");
    struct expected_member muted = {pair.ada_id, -1, 1, -1, NULL};
    scene_expect(pair.ben, is_as_expected, &muted);
    scene_expect_not_colour(pair.ben, pair.ada_id, RED);
    scene_expect_colour(pair.ben, pair.ben_id, false, GREEN);
    client_send_json(pair.ada, "{\"type\":\"set\",\"video_muted\":false}");
    scene_expect_colour(pair.ben, pair.ada_id, false, RED);
    pair_leave(&pair);
}

static void test_life_a_muted_microphone_is_not_heard(void **state) {
    struct pair pair;
    pair_join(&pair, "microphone");
    scene_expect_tone(pair.ben, 500, true);
    client_send_json(pair.ada, "{\"type\":\"set\",\"audio_muted\":true}");
    struct expected_member muted = {pair.ada_id, 1, -1, -1, NULL};
    scene_expect(pair.ben, is_as_expected, &muted);
    scene_expect_tone(pair.ben, 500, false);
    scene_expect_tone(pair.ada, 900, true);
    client_send_json(pair.ada, "{\"type\":\"set\",\"audio_muted\":false}");
    scene_expect_tone(pair.ben, 500, true);
    pair_leave(&pair);
}

static void test_life_a_raised_hand_and_a_new_name_are_seen(void **state) {
    struct pair pair;
    pair_join(&pair, "hand");
    client_send_json(pair.ada, "{\"type\":\"set\",\"hand\":true,\"name\":\"Ada Lovelace\"}");
    struct expected_member raised = {pair.ada_id, -1, -1, 1, "Ada Lovelace"};
    scene_expect(pair.ben, is_as_expected, &raised);
    client_send_json(pair.ada, "{\"type\":\"set\",\"hand\":false}");
    struct expected_member lowered = {pair.ada_id, -1, -1, 0, "Ada Lovelace"};
    scene_expect(pair.ben, is_as_expected, &lowered);
    pair_leave(&pair);
}

static void test_life_chat_reaches_all_and_those_who_come_later(void **state) {
    struct pair pair;
    pair_join(&pair, "chat");
    struct client_options signaling = {.room = "chat", .name = "Cy", .has_no_offer = true};
    struct client *cy = scene_join(&signaling);
    scene_expect(pair.ada, has_channel, NULL);
    scene_expect(pair.ben, has_channel, NULL);
    char over_channel[] = "{\"type\":\"chat\",\"text\":\"over the channel <b>\"}",
         first[] = "over the channel <b>", second[] = "over the socket \xe4\xbd\xa0";
    assert_int_equal(client_send_channel(pair.ada, over_channel), 0);
    client_send_json(cy, "{\"type\":\"chat\",\"text\":\"%s\"}", second);
    struct client *all[] = {pair.ada, pair.ben, cy};
    for (int i = 0; i < 3; i++) {
        scene_expect(all[i], has_chat, first);
        scene_expect(all[i], has_chat, second);
    }
    struct client *late = scene_join(&signaling);
    scene_expect(late, has_chat, first);
    scene_expect(late, has_chat, second);
    client_destroy(late);
    client_destroy(cy);
    pair_leave(&pair);
}

static void test_life_a_reaction_reaches_the_others(void **state) {
    struct pair pair;
    pair_join(&pair, "reaction");
    client_send_json(pair.ada, "{\"type\":\"reaction\",\"emoji\":\"\xf0\x9f\x91\x8d\"}");
    scene_expect(pair.ben, has_message, (void *)"reaction");
    pair_leave(&pair);
}

static void test_life_a_shared_screen_is_the_large_tile(void **state) {
    struct pair pair;
    pair_join(&pair, "screen");
    client_send_json(pair.ada, "{\"type\":\"set\",\"screen\":true}");
    client_share_screen(pair.ada, scene_colour(BLUE));
    scene_expect(pair.ben, has_layout_name, (void *)"screen");
    scene_expect_colour(pair.ben, pair.ada_id, true, BLUE);
    scene_expect_colour(pair.ben, pair.ben_id, false, GREEN);
    struct client_tile screen, camera;
    assert_true(client_find_tile(pair.ben, pair.ada_id, true, &screen));
    assert_true(client_find_tile(pair.ben, pair.ben_id, false, &camera));
    assert_true(screen.at.width * screen.at.height > 2 * camera.at.width * camera.at.height);
    client_send_json(pair.ada, "{\"type\":\"set\",\"screen\":false}");
    client_share_screen(pair.ada, NULL);
    scene_expect(pair.ben, has_layout_name, (void *)"grid");
    scene_expect_colour(pair.ben, pair.ada_id, false, RED);
    pair_leave(&pair);
}

static struct client *join_offering(const char *room, struct transport_options offer) {
    struct client_options options = {.room = room, .name = "Odd", .offer = offer};
    if (offer.flows[TRANSPORT_CAMERA] == FLOW_BOTH)
        options.camera = scene_colour(YELLOW);
    if (offer.flows[TRANSPORT_AUDIO] == FLOW_BOTH)
        options.microphone = scene_tone(1300, -12);
    return scene_join(&options);
}

static void test_life_a_viewer_sees_and_hears_without_sending(void **state) {
    struct pair pair;
    pair_join(&pair, "viewer");
    struct client *viewer = join_offering(
        "viewer", (struct transport_options){.flows = {FLOW_RECEIVE, FLOW_RECEIVE, FLOW_NONE},
                                             .has_channel = true});
    scene_expect_colour(viewer, pair.ada_id, false, RED);
    scene_expect_tone(viewer, 500, true);
    scene_expect_tone(viewer, 900, true);
    client_destroy(viewer);
    pair_leave(&pair);
}

static void test_life_sound_alone_picture_alone_and_channel_alone_work(void **state) {
    struct pair pair;
    pair_join(&pair, "parts");
    struct client *sound = join_offering(
        "parts", (struct transport_options){.flows = {FLOW_BOTH, FLOW_NONE, FLOW_NONE},
                                            .has_channel = false});
    scene_expect_tone(sound, 500, true);
    scene_expect_tone(pair.ada, 1300, true);
    struct client *picture = join_offering(
        "parts", (struct transport_options){.flows = {FLOW_NONE, FLOW_BOTH, FLOW_NONE},
                                            .has_channel = true});
    char id[CLIENT_ID_MAX];
    client_id(picture, id);
    scene_expect_colour(picture, pair.ben_id, false, GREEN);
    scene_expect_colour(pair.ada, id, false, YELLOW);
    struct client *channel = join_offering(
        "parts", (struct transport_options){.flows = {FLOW_NONE, FLOW_NONE, FLOW_NONE},
                                            .has_channel = true});
    scene_expect(channel, has_channel, NULL);
    assert_int_equal(client_send_channel(channel, "{\"type\":\"chat\",\"text\":\"hello\"}"), 0);
    scene_expect(pair.ada, has_chat, (void *)"hello");
    struct client *odd[] = {sound, picture, channel};
    scene_leave_all(odd, 3);
    scene_expect_members(pair.ada, 2);
    pair_leave(&pair);
}

static void test_life_who_leaves_is_gone_at_once(void **state) {
    struct pair pair;
    pair_join(&pair, "leave");
    scene_expect_members(pair.ada, 2);
    client_send_json(pair.ben, "{\"type\":\"leave\"}");
    scene_expect_left(pair.ada, pair.ben_id);
    assert_true(client_wait_closed(pair.ben, client_slow(SCENE_PATIENCE_MS)));
    pair_leave(&pair);
}

static void test_life_the_seat_is_kept_when_the_socket_is_cut(void **state) {
    struct pair pair;
    pair_join(&pair, "resume");
    scene_expect_colour(pair.ben, pair.ada_id, false, RED);
    scene_expect_members(pair.ben, 2);
    scene_begin_no_gap(&pair.ben, 1);
    char *token = client_resume_token(pair.ada);
    assert_non_null(token);
    client_cut_socket(pair.ada);
    assert_true(client_wait_closed(pair.ada, client_slow(SCENE_PATIENCE_MS)));
    struct client_options options = {
        .room = "resume", .name = "Ada", .resume = token, .camera = scene_colour(CYAN)};
    struct client *again = scene_join(&options);
    char id[CLIENT_ID_MAX];
    client_id(again, id);
    assert_string_equal(id, pair.ada_id);
    scene_expect_colour(pair.ben, pair.ada_id, false, CYAN);
    assert_int_equal(client_member_count(pair.ben), 2);
    assert_int_equal(client_message_count(pair.ben, "member-left"), 0);
    scene_end_no_gap(&pair.ben, 1);
    g_free(token);
    client_destroy(again);
    pair_leave(&pair);
}

static void test_life_a_wrong_resume_token_is_a_new_member(void **state) {
    struct pair pair;
    pair_join(&pair, "wrong-token");
    struct client_options options = {
        .room = "wrong-token", .name = "Eve", .resume = "not-a-token", .has_no_offer = true};
    struct client *eve = scene_join(&options);
    char id[CLIENT_ID_MAX];
    client_id(eve, id);
    assert_string_not_equal(id, pair.ada_id);
    assert_string_not_equal(id, pair.ben_id);
    client_destroy(eve);
    pair_leave(&pair);
}

static void test_life_a_full_room_says_so(void **state) {
    assert_int_equal(server_request(scene_server(), "POST", "/api/v1/rooms",
                                    "{\"id\":\"small\",\"max_members\":2}", NULL),
                     201);
    struct pair pair;
    pair_join(&pair, "small");
    struct client_options options = {
        .port = server_port(scene_server()), .room = "small", .name = "Cy", .has_no_offer = true};
    struct client *third = client_create(&options);
    assert_true(client_wait_error(third, "room-full", client_slow(SCENE_PATIENCE_MS)));
    scene_expect_members(pair.ada, 2);
    client_destroy(third);
    pair_leave(&pair);
}

static void test_life_a_kicked_member_is_told(void **state) {
    struct pair pair;
    pair_join(&pair, "kick");
    char path[128];
    snprintf(path, sizeof(path), "/api/v1/rooms/kick/members/%s", pair.ben_id);
    assert_int_equal(server_request(scene_server(), "DELETE", path, NULL, NULL), 204);
    scene_expect(pair.ben, has_bye, (void *)"kicked");
    assert_true(client_wait_closed(pair.ben, client_slow(SCENE_PATIENCE_MS)));
    scene_expect_left(pair.ada, pair.ben_id);
    assert_int_equal(server_request(scene_server(), "DELETE", path, NULL, NULL), 404);
    pair_leave(&pair);
}

static void test_life_the_end_of_the_room_is_told_to_all(void **state) {
    struct pair pair;
    pair_join(&pair, "closing");
    assert_int_equal(server_request(scene_server(), "DELETE", "/api/v1/rooms/closing", NULL, NULL),
                     204);
    scene_expect(pair.ada, has_bye, NULL);
    scene_expect(pair.ben, has_bye, NULL);
    assert_true(client_wait_closed(pair.ada, client_slow(SCENE_PATIENCE_MS)));
    assert_int_equal(server_request(scene_server(), "GET", "/api/v1/rooms/closing", NULL, NULL),
                     404);
    pair_leave(&pair);
}

// --- a process that dies ---

static pid_t spawn_peer(const char *room) {
    const char *binary = getenv("TESSERA_PEER") ? getenv("TESSERA_PEER") : "build/tests/peer/peer";
    char url[64];
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/ws", server_port(scene_server()));
    const char *args[] = {binary,   "--url",   url,         "--room", room,
                          "--name", "Dee",     "--colour",  "blue",   "--tone",
                          "1300",   "--quiet", "--seconds", "120",    NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execv(binary, (char *const *)args);
        _exit(127);
    }
    return pid;
}

static bool has_three_tiles(struct client *client, void *user) {
    struct client_layout layout;
    char *third = user;
    if (!client_last_layout(client, &layout) || layout.count != 3)
        return false;
    g_strlcpy(third, layout.tiles[2].member, CLIENT_ID_MAX);
    return true;
}

static bool has_no_tile(struct client *client, void *user) {
    struct client_tile tile;
    struct client_member member;
    return !client_find_tile(client, user, false, &tile) &&
           !client_find_member(client, user, &member);
}

static void test_life_who_is_killed_leaves_the_grid_in_eight_seconds(void **state) {
    struct pair pair;
    pair_join(&pair, "killed");
    pid_t pid = spawn_peer("killed");
    assert_true(pid > 0);
    char dee[CLIENT_ID_MAX];
    scene_expect(pair.ada, has_three_tiles, dee);
    scene_expect_colour(pair.ada, dee, false, BLUE);
    struct client *others[] = {pair.ada, pair.ben};
    scene_begin_no_gap(others, 2);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(client_wait(pair.ada, has_no_tile, dee, client_slow(8000)));
    scene_expect_tone(pair.ada, 1300, false);
    scene_expect_colour(pair.ada, pair.ben_id, false, GREEN);
    scene_end_no_gap(others, 2);
    pair_leave(&pair);
}

// --- many lives ---

struct footprint {
    int fds, threads;
};

static bool is_as_small(struct client *client, void *user) {
    const struct footprint *before = user;
    // A connection of REST or a thread of a pool may come and go; one leak a cycle would be dozens.
    return server_fd_count(scene_server()) <= before->fds + 3 &&
           server_thread_count(scene_server()) <= before->threads + 3;
}

static void join_and_leave(int times) {
    for (int i = 0; i < times; i++) {
        struct client *guest = scene_member("cycles", "Guest", i % 2 ? BLUE : -1, i % 3 ? 700 : 0);
        assert_true(client_wait_picture(guest, client_slow(SCENE_PATIENCE_MS)));
        client_destroy(guest);
    }
}

static void test_life_thirty_guests_leave_nothing_behind(void **state) {
    int cycles = getenv("TESSERA_TEST_SHORT") ? 6 : 30;
    struct pair pair;
    pair_join(&pair, "cycles");
    join_and_leave(3); // what is made once and kept is there now
    scene_expect_members(pair.ada, 2);
    struct footprint before = {server_fd_count(scene_server()),
                               server_thread_count(scene_server())};
    scene_begin_no_gap(&pair.ada, 1);
    join_and_leave(cycles);
    scene_expect_members(pair.ada, 2);
    bool is_small = client_wait(pair.ada, is_as_small, &before, client_slow(SCENE_PATIENCE_MS));
    if (!is_small)
        fail_msg("fds %d -> %d, threads %d -> %d", before.fds, server_fd_count(scene_server()),
                 before.threads, server_thread_count(scene_server()));
    scene_end_no_gap(&pair.ada, 1);
    pair_leave(&pair);
}

static void test_life_sigterm_says_bye_and_ends_with_zero(void **state) {
    static const char *const flags[] = {"--limits-joins-per-s", "1000", NULL};
    struct server *server = server_start(NULL, flags);
    assert_non_null(server);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) {
        struct client_options options = {.port = server_port(server),
                                         .room = i < 2 ? "one" : "two",
                                         .name = "Ada",
                                         .camera = scene_colour(i),
                                         .microphone = scene_tone(500, -12)};
        clients[i] = client_create(&options);
    }
    for (int i = 0; i < 3; i++)
        assert_true(client_wait_picture(clients[i], client_slow(SCENE_PATIENCE_MS)));
    scene_expect(clients[0], has_picture_size, NULL);
    server_begin_stop(server);
    for (int i = 0; i < 3; i++) {
        scene_expect(clients[i], has_bye, NULL);
        assert_true(client_wait_closed(clients[i], client_slow(SCENE_PATIENCE_MS)));
    }
    int status = server_stop(server); // asserts the five seconds
    scene_leave_all(clients, 3);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_muting_the_camera_shows_the_avatar),
        cmocka_unit_test(test_life_a_muted_microphone_is_not_heard),
        cmocka_unit_test(test_life_a_raised_hand_and_a_new_name_are_seen),
        cmocka_unit_test(test_life_chat_reaches_all_and_those_who_come_later),
        cmocka_unit_test(test_life_a_reaction_reaches_the_others),
        cmocka_unit_test(test_life_a_shared_screen_is_the_large_tile),
        cmocka_unit_test(test_life_a_viewer_sees_and_hears_without_sending),
        cmocka_unit_test(test_life_sound_alone_picture_alone_and_channel_alone_work),
        cmocka_unit_test(test_life_who_leaves_is_gone_at_once),
        cmocka_unit_test(test_life_the_seat_is_kept_when_the_socket_is_cut),
        cmocka_unit_test(test_life_a_wrong_resume_token_is_a_new_member),
        cmocka_unit_test(test_life_a_full_room_says_so),
        cmocka_unit_test(test_life_a_kicked_member_is_told),
        cmocka_unit_test(test_life_the_end_of_the_room_is_told_to_all),
        cmocka_unit_test(test_life_who_is_killed_leaves_the_grid_in_eight_seconds),
        cmocka_unit_test(test_life_thirty_guests_leave_nothing_behind),
        cmocka_unit_test(test_life_sigterm_says_bye_and_ends_with_zero),
    };
    return cmocka_run_group_tests(tests, scene_open, scene_close);
}
