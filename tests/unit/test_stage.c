// SPDX-License-Identifier: MIT
// The whole stage, from encoded cameras to the decoded composite. TESSERA_TEST_DUMP=FILE.jpg leaves
// a picture of nine members to look at.
#include "mixer/video/decoder.h"
#include "mixer/video/scene.h"
#include "mixer/video/stage.h"
#include "tests/unit/camera.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

#define MS_NS     INT64_C(1000000)
#define FRAME_NS  INT64_C(33333333)
#define SECOND_NS INT64_C(1000000000)

enum { MEMBERS_MAX = 24 };

static const struct yuv COLOURS[] = {{81, 90, 240},   {145, 54, 34},  {41, 240, 110},
                                     {210, 16, 146},  {170, 166, 16}, {106, 202, 222},
                                     {180, 128, 128}, {120, 60, 170}, {90, 180, 90}};
enum { COLOUR_COUNT = sizeof(COLOURS) / sizeof(COLOURS[0]) };

struct member {
    struct stage_seat *seat;
    char id[STAGE_ID_MAX];
    struct stage_look look;
    struct packet *still[2]; // a keyframe for each role
    int asks, releases;
};

struct fixture {
    struct stage *stage;
    struct decoder *decoder; // what a viewer sees
    AVFrame *seen;           // NULL: nothing yet
    struct stage_view view;
    struct member members[MEMBERS_MAX];
    int count;
    int64_t now_ns;
    unsigned watched;                 // the first tier alone, unless a test says else
    struct packet *sent[STAGE_TIERS]; // in the last tick
    struct packet *last;              // of those, what the viewer got: of the lowest watched tier
};

// ---- helpers ----

static void on_keyframe_wanted(void *user, enum video_role role) {
    ((struct member *)user)->asks++;
}

static void on_release(void *user) {
    ((struct member *)user)->releases++;
}

static const struct stage_seat_ops OPS = {on_keyframe_wanted, on_release};

static struct stage_config config_of(int width_px, int height_px, int fps, int kbps) {
    return (struct stage_config){.width_px = width_px,
                                 .height_px = height_px,
                                 .fps = fps,
                                 .tier_kbps = {kbps, kbps / 3, kbps / 10},
                                 .shows_names = true};
}

static void open_stage(struct fixture *fixture, int width_px, int height_px) {
    memset(fixture, 0, sizeof(*fixture));
    struct stage_config config = config_of(width_px, height_px, 30, 2500);
    fixture->stage = stage_create(&config);
    assert_non_null(fixture->stage);
    fixture->decoder = decoder_create();
    fixture->now_ns = 100 * SECOND_NS;
    fixture->watched = 1;
}

static void drop_sent(struct packet *sent[STAGE_TIERS]) {
    for (int i = 0; i < STAGE_TIERS; i++) {
        packet_unref(sent[i]);
        sent[i] = NULL;
    }
}

static void close_stage(struct fixture *fixture) {
    for (int i = 0; i < fixture->count; i++) {
        struct member *member = &fixture->members[i];
        if (member->seat)
            stage_remove(fixture->stage, member->seat);
        assert_int_equal(member->releases, 1);
        packet_unref(member->still[0]);
        packet_unref(member->still[1]);
    }
    stage_destroy(fixture->stage);
    decoder_destroy(fixture->decoder);
    av_frame_free(&fixture->seen);
    drop_sent(fixture->sent);
}

static struct yuv colour_of(int member) {
    return COLOURS[member % COLOUR_COUNT];
}

static struct member *join(struct fixture *fixture) {
    int index = fixture->count++;
    struct member *member = &fixture->members[index];
    snprintf(member->id, sizeof(member->id), "m%d", index + 1);
    member->look.name = "Ada";
    member->seat = stage_add(fixture->stage, member->id, &member->look, &OPS, member);
    assert_non_null(member->seat);
    member->still[VIDEO_CAMERA] = camera_still(320, 176, colour_of(index));
    member->still[VIDEO_SCREEN] = camera_still(320, 192, colour_of(index + 4));
    return member;
}

static void join_many(struct fixture *fixture, int count) {
    for (int i = 0; i < count; i++)
        join(fixture);
}

static void leave(struct fixture *fixture, int member) {
    stage_remove(fixture->stage, fixture->members[member].seat);
    fixture->members[member].seat = NULL;
}

static int push(struct fixture *fixture, int member, enum video_role role) {
    struct packet *packet = fixture->members[member].still[role];
    return stage_push(fixture->members[member].seat, role, VIDEO_VP8, packet->data,
                      packet->size_bytes, fixture->now_ns, fixture->now_ns, 0);
}

static void push_all(struct fixture *fixture) {
    for (int i = 0; i < fixture->count; i++)
        if (fixture->members[i].seat)
            push(fixture, i, VIDEO_CAMERA);
}

// One watched tick, a frame later; its packet is decoded as a viewer would. True: there was one.
static bool tick(struct fixture *fixture) {
    fixture->now_ns += FRAME_NS;
    drop_sent(fixture->sent);
    assert_int_equal(stage_tick(fixture->stage, fixture->now_ns, fixture->watched, fixture->sent),
                     0);
    stage_take_view(fixture->stage, &fixture->view);
    int lowest = 0;
    for (int i = 0; i < STAGE_TIERS; i++) {
        lowest = fixture->watched >> i & 1 ? i : lowest;
        if (!fixture->sent[i])
            continue;
        assert_true(fixture->watched >> i & 1);
        assert_int_equal(fixture->sent[i]->tier, i);
        assert_int_equal(fixture->sent[i]->pts_ns, fixture->now_ns);
    }
    fixture->last = fixture->sent[lowest];
    if (!fixture->last)
        return false;
    AVFrame *picture = NULL;
    assert_int_equal(decoder_decode(fixture->decoder, VIDEO_VP8, fixture->last->data,
                                    fixture->last->size_bytes, fixture->now_ns, &picture),
                     0);
    assert_non_null(picture);
    av_frame_free(&fixture->seen);
    fixture->seen = picture;
    return true;
}

static void tick_many(struct fixture *fixture, int count) {
    while (count-- > 0)
        tick(fixture);
}

// Everybody sends, for this many frames.
static void run(struct fixture *fixture, int count) {
    while (count-- > 0) {
        push_all(fixture);
        tick(fixture);
    }
}

static int find_tile(const struct fixture *fixture, int member, enum video_role role) {
    for (int i = 0; i < fixture->view.count; i++)
        if (fixture->view.tiles[i].role == role &&
            strcmp(fixture->view.tiles[i].member, fixture->members[member].id) == 0)
            return i;
    return -1;
}

// x, y in canvas pixels.
static struct yuv seen_at(const struct fixture *fixture, int x, int y) {
    const AVFrame *frame = fixture->seen;
    x = x * frame->width / fixture->view.width_px;
    y = y * frame->height / fixture->view.height_px;
    return (struct yuv){frame->data[0][y * frame->linesize[0] + x],
                        frame->data[1][y / 2 * frame->linesize[1] + x / 2],
                        frame->data[2][y / 2 * frame->linesize[2] + x / 2]};
}

static bool is_near(struct yuv a, struct yuv b) {
    return abs(a.y - b.y) < 12 && abs(a.u - b.u) < 12 && abs(a.v - b.v) < 12;
}

// Does the tile show this colour, in its middle and a quarter in from each side?
static bool tile_shows(const struct fixture *fixture, int tile, struct yuv colour) {
    struct rect at = fixture->view.tiles[tile].at;
    for (int i = 1; i < 4; i++)
        if (!is_near(seen_at(fixture, at.x + at.width * i / 4, at.y + at.height / 2), colour))
            return false;
    return true;
}

static bool shows_camera(const struct fixture *fixture, int member) {
    int tile = find_tile(fixture, member, VIDEO_CAMERA);
    return tile >= 0 && tile_shows(fixture, tile, colour_of(member));
}

static struct stage_stats stats_of(const struct fixture *fixture) {
    struct stage_stats stats;
    stage_get_stats(fixture->stage, &stats);
    return stats;
}

static void set_look(struct fixture *fixture, int member) {
    stage_set_look(fixture->members[member].seat, &fixture->members[member].look);
}

static void speak(struct fixture *fixture, int member) {
    const char *ids[] = {fixture->members[member].id};
    stage_set_speaking(fixture->stage, ids, 1, ids[0]);
}

// ---- what is seen ----

static void dump(struct fixture *fixture) {
    const char *path = getenv("TESSERA_TEST_DUMP");
    uint8_t *jpeg = NULL;
    size_t size_bytes;
    if (!path ||
        stage_snapshot(fixture->stage, fixture->now_ns, 0, PICTURE_JPEG, &jpeg, &size_bytes))
        return;
    FILE *file = fopen(path, "wb");
    if (file) {
        fwrite(jpeg, 1, size_bytes, file);
        fclose(file);
    }
    free(jpeg);
}

static void test_members_appear_in_the_tiles_that_the_view_names(void **state) {
    static const int counts[] = {1, 2, 3, 5, 9};
    static const int sizes[][2] = {{1280, 720}, {720, 1280}, {320, 192}};
    for (int i = 0; i < 15; i++) {
        struct fixture fixture;
        open_stage(&fixture, sizes[i / 5][0], sizes[i / 5][1]);
        join_many(&fixture, counts[i % 5]);
        tick(&fixture);
        run(&fixture, 3);
        assert_int_equal(fixture.view.count, counts[i % 5]);
        assert_int_equal(fixture.view.width_px, sizes[i / 5][0]);
        for (int j = 0; j < counts[i % 5]; j++) {
            assert_int_equal(find_tile(&fixture, j, VIDEO_CAMERA), j);
            assert_true(shows_camera(&fixture, j));
        }
        if (i == 4)
            dump(&fixture);
        close_stage(&fixture);
    }
}

static void test_a_removed_member_disappears_at_once_and_the_others_stay(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    join_many(&fixture, 9);
    tick(&fixture);
    run(&fixture, 3);
    leave(&fixture, 4);
    tick(&fixture);
    assert_int_equal(fixture.view.count, 8);
    assert_int_equal(find_tile(&fixture, 4, VIDEO_CAMERA), -1);
    tick_many(&fixture, 2); // the encoder's quality
    for (int i = 0; i < 9; i++)
        assert_int_equal(shows_camera(&fixture, i), i != 4);
    // Where no tile stands any more, nothing of them is left.
    struct rect last = fixture.view.tiles[7].at;
    assert_true(
        is_near(seen_at(&fixture, 1180, last.y + last.height / 2), overlay_colour(0x0f1215)));
    close_stage(&fixture);
}

static void test_without_pictures_there_is_a_stand_in_and_no_black(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    join_many(&fixture, 2);
    tick(&fixture);
    for (int i = 0; i < 2; i++) {
        struct rect at = fixture.view.tiles[i].at;
        struct yuv side = seen_at(&fixture, at.x + at.width / 8, at.y + at.height / 2);
        struct yuv middle = seen_at(&fixture, at.x + at.width / 2 - at.height / 6,
                                    at.y + at.height / 2); // in the avatar's disc
        assert_true(side.y > 40);
        assert_false(is_near(side, middle));
    }
    close_stage(&fixture);
}

static void test_a_stale_tile_becomes_the_stand_in_and_recovers(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    tick(&fixture);
    run(&fixture, 3);
    for (int i = 0; i < 85; i++) { // 2.8 s in which only the first sends
        push(&fixture, 0, VIDEO_CAMERA);
        tick(&fixture);
    }
    assert_true(shows_camera(&fixture, 1));
    for (int i = 0; i < 15; i++) {
        push(&fixture, 0, VIDEO_CAMERA);
        tick(&fixture);
    }
    assert_true(shows_camera(&fixture, 0));
    assert_false(shows_camera(&fixture, 1));
    run(&fixture, 2);
    assert_true(shows_camera(&fixture, 1));
    close_stage(&fixture);
}

static void test_a_muted_camera_is_not_decoded_nor_shown(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    tick(&fixture);
    run(&fixture, 3);
    fixture.members[1].look.video_muted = true;
    set_look(&fixture, 1);
    tick(&fixture);
    uint64_t decoded = stats_of(&fixture).frames_decoded;
    run(&fixture, 3);
    assert_int_equal(stats_of(&fixture).frames_decoded, decoded + 3);
    assert_false(shows_camera(&fixture, 1));
    assert_true(shows_camera(&fixture, 0));
    int asks = fixture.members[1].asks;
    fixture.members[1].look.video_muted = false;
    set_look(&fixture, 1);
    tick(&fixture);
    assert_int_equal(fixture.members[1].asks, asks + 1);
    assert_false(shows_camera(&fixture, 1)); // what was there before is old
    run(&fixture, 2);
    assert_true(shows_camera(&fixture, 1));
    close_stage(&fixture);
}

static void test_a_held_picture_waits_for_its_sound(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    join(&fixture);
    tick(&fixture);
    stage_set_hold_ns(fixture.members[0].seat, 200 * MS_NS);
    push(&fixture, 0, VIDEO_CAMERA);
    tick_many(&fixture, 5); // 167 ms
    assert_false(shows_camera(&fixture, 0));
    tick_many(&fixture, 3);
    assert_true(shows_camera(&fixture, 0));
    close_stage(&fixture);
}

static void test_speaking_draws_a_ring_and_a_hand_its_mark(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    join_many(&fixture, 4);
    tick(&fixture);
    run(&fixture, 3);
    struct rect at = fixture.view.tiles[2].at;
    struct yuv ring = overlay_colour(0x4fd1bd), badge = overlay_colour(0xf2b84b);
    assert_false(is_near(seen_at(&fixture, at.x + at.width / 2, at.y + 4), ring));
    speak(&fixture, 2);
    fixture.members[2].look.hand = true;
    set_look(&fixture, 2);
    tick_many(&fixture, 20);
    assert_true(is_near(seen_at(&fixture, at.x + at.width / 2, at.y + 4), ring));
    assert_true(is_near(seen_at(&fixture, at.x + at.width / 2, at.y + at.height - 5), ring));
    bool has_badge = false;
    for (int x = at.x + at.width * 3 / 4; x < at.x + at.width && !has_badge; x++)
        has_badge = is_near(seen_at(&fixture, x, at.y + 28), badge);
    assert_true(has_badge);
    assert_true(shows_camera(&fixture, 2));
    stage_set_speaking(fixture.stage, NULL, 0, NULL);
    tick_many(&fixture, 20);
    assert_false(is_near(seen_at(&fixture, at.x + at.width / 2, at.y + 4), ring));
    close_stage(&fixture);
}

static void test_a_phone_turned_on_its_side_is_turned_back(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join(&fixture);
    tick(&fixture);
    // 176x320 turned by 90 degrees fills the canvas; upright it would be letterboxed.
    struct packet *upright = camera_still(176, 320, COLOURS[0]);
    stage_push(fixture.members[0].seat, VIDEO_CAMERA, VIDEO_VP8, upright->data, upright->size_bytes,
               fixture.now_ns, fixture.now_ns, 90);
    tick_many(&fixture, 3);
    assert_true(is_near(seen_at(&fixture, 40, 184), COLOURS[0]));
    stage_push(fixture.members[0].seat, VIDEO_CAMERA, VIDEO_VP8, upright->data, upright->size_bytes,
               fixture.now_ns, fixture.now_ns, 12345);
    tick_many(&fixture, 3);
    assert_false(is_near(seen_at(&fixture, 40, 184), COLOURS[0]));
    packet_unref(upright);
    close_stage(&fixture);
}

// ---- who sits where ----

static void test_hidden_members_are_not_decoded(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192); // holds twenty
    join_many(&fixture, 24);
    tick(&fixture);
    assert_int_equal(fixture.view.count, 20);
    push_all(&fixture);
    assert_int_equal(stats_of(&fixture).frames_decoded, 20);
    assert_int_equal(stats_of(&fixture).frames_skipped_hidden, 4);
    close_stage(&fixture);
}

static void test_one_who_is_hidden_has_no_tile_and_comes_back_to_their_seat(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 3);
    tick(&fixture);
    run(&fixture, 2);
    fixture.members[1].look.hidden = fixture.members[1].look.screen = true;
    set_look(&fixture, 1);
    speak(&fixture, 1);
    uint64_t decoded = stats_of(&fixture).frames_decoded;
    int asks = fixture.members[1].asks;
    run(&fixture, 3);
    push(&fixture, 1, VIDEO_SCREEN);
    tick(&fixture);
    assert_int_equal(fixture.view.kind, LAYOUT_GRID);
    assert_int_equal(fixture.view.count, 2);
    assert_int_equal(find_tile(&fixture, 1, VIDEO_CAMERA), -1);
    assert_int_equal(stats_of(&fixture).frames_decoded, decoded + 6);
    assert_int_equal(stats_of(&fixture).frames_skipped_hidden, 4);
    assert_int_equal(fixture.members[1].asks, asks);
    fixture.members[1].look.hidden = fixture.members[1].look.screen = false;
    set_look(&fixture, 1);
    run(&fixture, 3);
    assert_int_equal(find_tile(&fixture, 1, VIDEO_CAMERA), 2);
    assert_true(shows_camera(&fixture, 1));
    close_stage(&fixture);
}

// Viewers come and go by the hundred: nobody is seated anew for that, and nothing is painted.
static void test_hundreds_of_hidden_seats_change_nothing(void **state) {
    enum { VIEWERS = 300 };
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    join_many(&fixture, 2);
    struct stage_look look = {.name = "Viewer", .hidden = true};
    static const struct stage_seat_ops none = {NULL, NULL};
    struct stage_seat *seats[VIEWERS];
    for (int i = 0; i < VIEWERS; i++)
        seats[i] = stage_add(fixture.stage, "v", &look, &none, NULL);
    join(&fixture);
    tick(&fixture);
    run(&fixture, 2);
    assert_int_equal(fixture.view.count, 3);
    assert_int_equal(find_tile(&fixture, 2, VIDEO_CAMERA), 2);
    uint64_t composed = stats_of(&fixture).frames_composed;
    for (int i = 0; i < VIEWERS; i++)
        stage_remove(fixture.stage, seats[i]);
    tick(&fixture);
    assert_int_equal(stats_of(&fixture).frames_composed, composed);
    assert_int_equal(fixture.view.count, 3);
    close_stage(&fixture);
}

static void test_who_speaks_rotates_in_with_a_keyframe(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    join_many(&fixture, 24);
    tick(&fixture);
    run(&fixture, 2);
    speak(&fixture, 22);
    assert_int_equal(fixture.members[22].asks, 0);
    tick(&fixture);
    int tile = find_tile(&fixture, 22, VIDEO_CAMERA);
    assert_int_equal(tile, 19); // nobody has spoken: the last one's
    for (int i = 0; i < 19; i++)
        assert_int_equal(find_tile(&fixture, i, VIDEO_CAMERA), i);
    assert_int_equal(fixture.members[22].asks, 1);
    assert_false(tile_shows(&fixture, tile, colour_of(22)));
    assert_false(tile_shows(&fixture, tile, colour_of(19)));
    run(&fixture, 3);
    assert_true(tile_shows(&fixture, tile, colour_of(22)));
    close_stage(&fixture);
}

static void test_a_screen_takes_over_and_gives_back(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    stage_set_layout(fixture.stage, &(struct stage_layout){.kind = LAYOUT_SPEAKER});
    join_many(&fixture, 3);
    tick(&fixture);
    run(&fixture, 2);
    assert_int_equal(fixture.view.kind, LAYOUT_SPEAKER);
    fixture.members[1].look.screen = true;
    set_look(&fixture, 1);
    tick(&fixture);
    assert_int_equal(fixture.view.kind, LAYOUT_SCREEN);
    assert_int_equal(fixture.view.count, 4);
    assert_int_equal(find_tile(&fixture, 1, VIDEO_SCREEN), 0);
    assert_true(find_tile(&fixture, 1, VIDEO_CAMERA) > 0);
    push(&fixture, 1, VIDEO_SCREEN);
    run(&fixture, 3);
    assert_true(tile_shows(&fixture, 0, colour_of(1 + 4)));
    for (int i = 0; i < 3; i++)
        assert_true(shows_camera(&fixture, i));
    fixture.members[1].look.screen = false;
    set_look(&fixture, 1);
    tick(&fixture);
    assert_int_equal(fixture.view.kind, LAYOUT_SPEAKER);
    assert_int_equal(fixture.view.count, 3);
    close_stage(&fixture);
}

static void test_spotlight_and_custom_show_whom_they_name(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    join_many(&fixture, 5);
    struct stage_layout layout = {
        .kind = LAYOUT_SPOTLIGHT, .chosen_count = 4, .chosen = {"m4", "nobody", "m2", "m4"}};
    stage_set_layout(fixture.stage, &layout);
    tick(&fixture);
    run(&fixture, 3);
    assert_int_equal(fixture.view.kind, LAYOUT_SPOTLIGHT);
    assert_int_equal(fixture.view.count, 5);
    assert_int_equal(find_tile(&fixture, 3, VIDEO_CAMERA), 0);
    assert_int_equal(find_tile(&fixture, 1, VIDEO_CAMERA), 1);
    for (int i = 0; i < 5; i++)
        assert_true(shows_camera(&fixture, i));
    layout = (struct stage_layout){.kind = LAYOUT_CUSTOM,
                                   .slot_count = 4,
                                   .slots = {{50, 50, 40, 40, 5, SLOT_NEXT_SPEAKER, ""},
                                             {0, 0, 100, 100, -1, SLOT_MEMBER, "m1"},
                                             {0, 0, 25, 25, 0, SLOT_MEMBER, "nobody"},
                                             {75, 0, 25, 25, 0, SLOT_SCREEN, ""}}};
    stage_set_layout(fixture.stage, &layout);
    speak(&fixture, 4);
    run(&fixture, 3);
    assert_int_equal(fixture.view.kind, LAYOUT_CUSTOM);
    assert_int_equal(fixture.view.count, 2);
    assert_int_equal(find_tile(&fixture, 0, VIDEO_CAMERA), 0); // below
    assert_int_equal(fixture.view.tiles[0].at.width, 1280);
    assert_int_equal(find_tile(&fixture, 4, VIDEO_CAMERA), 1);
    assert_true(shows_camera(&fixture, 4));
    assert_true(is_near(seen_at(&fixture, 300, 300), colour_of(0)));
    // Who is on no tile is not decoded, and a screen has its slot.
    uint64_t skipped = stats_of(&fixture).frames_skipped_hidden;
    fixture.members[2].look.screen = true;
    set_look(&fixture, 2);
    run(&fixture, 1);
    assert_int_equal(stats_of(&fixture).frames_skipped_hidden, skipped + 3);
    assert_int_equal(fixture.view.kind, LAYOUT_CUSTOM);
    assert_true(find_tile(&fixture, 2, VIDEO_SCREEN) >= 0);
    close_stage(&fixture);
}

// Many tiles on the way cost one keyframe, at the end; clients are told the end at once.
static void test_tiles_on_their_way_cost_one_keyframe_in_the_end(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 5);
    struct stage_layout layout = {.kind = LAYOUT_GRID, .is_animated = true};
    stage_set_layout(fixture.stage, &layout);
    tick(&fixture);
    run(&fixture, 30);
    uint64_t keyframes = stats_of(&fixture).keyframes;
    layout.kind = LAYOUT_SPEAKER;
    stage_set_layout(fixture.stage, &layout);
    run(&fixture, 1);
    struct rect large = fixture.view.tiles[0].at;
    assert_int_equal(fixture.view.kind, LAYOUT_SPEAKER);
    struct rect expected[LAYOUT_CELLS_MAX];
    layout_place(LAYOUT_SPEAKER, 640, 368, 5, expected);
    assert_memory_equal(&large, &expected[0], sizeof(large));
    // Not there yet: its lower right still shows the ground or another.
    assert_false(is_near(seen_at(&fixture, large.x + large.width - 24, large.y + large.height - 24),
                         colour_of(0)));
    run(&fixture, 3);
    assert_int_equal(stats_of(&fixture).keyframes, keyframes);
    run(&fixture, 12);
    assert_int_equal(stats_of(&fixture).keyframes, keyframes + 1);
    for (int i = 0; i < 5; i++)
        assert_true(shows_camera(&fixture, i));
    close_stage(&fixture);
}

static void test_a_banner_moves_the_tiles_in_the_view(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    tick(&fixture);
    struct stage_banner banner = {
        .text = "Hello", .is_at_top = true, .colour_rgb = 0xffffff, .background_rgb = 0x00ff00};
    stage_set_banner(fixture.stage, &banner);
    stage_set_background(fixture.stage, 0x0000ff);
    run(&fixture, 3);
    assert_true(fixture.view.tiles[0].at.y >= 16);
    assert_int_equal(fixture.view.height_px, 368);
    assert_true(is_near(seen_at(&fixture, 4, 4), overlay_colour(0x00ff00)));
    assert_true(is_near(seen_at(&fixture, 4, 360), overlay_colour(0x0000ff)));
    for (int i = 0; i < 2; i++)
        assert_true(shows_camera(&fixture, i));
    stage_set_banner(fixture.stage, NULL);
    run(&fixture, 3);
    assert_true(is_near(seen_at(&fixture, 4, 4), overlay_colour(0x0000ff)));
    close_stage(&fixture);
}

static void test_another_canvas_goes_on_with_the_same_pictures(void **state) {
    static const int SIZES[][3] = {{1280, 720, 30}, {320, 192, 15}, {720, 1280, 25}};
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 3);
    tick(&fixture);
    run(&fixture, 3);
    fixture.watched = 3;
    for (int i = 0; i < 3; i++) {
        struct stage_config config = config_of(SIZES[i][0], SIZES[i][1], SIZES[i][2], 1500);
        uint64_t encoded = stats_of(&fixture).frames_encoded;
        assert_int_equal(stage_set_canvas(fixture.stage, &config), 0);
        assert_true(tick(&fixture)); // of pictures that were there
        assert_true(fixture.sent[0]->is_keyframe && fixture.sent[1]->is_keyframe);
        assert_int_equal(fixture.view.width_px, SIZES[i][0]);
        assert_int_equal(fixture.view.height_px, SIZES[i][1]);
        assert_int_equal(fixture.seen->width, SIZES[i][0] / 2);
        assert_int_equal(stats_of(&fixture).frames_encoded, encoded + 2);
        assert_int_equal(stats_of(&fixture).tiers[0].kbps, 1500);
        run(&fixture, 2);
        for (int j = 0; j < 3; j++)
            assert_true(shows_camera(&fixture, j));
    }
    struct stage_config odd = config_of(100, 100, 30, 1500);
    assert_int_equal(stage_set_canvas(fixture.stage, &odd), -EINVAL);
    run(&fixture, 1);
    assert_int_equal(fixture.view.width_px, 720);
    close_stage(&fixture);
}

static void test_each_frame_s_time_is_counted(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    join_many(&fixture, 1);
    tick(&fixture);
    run(&fixture, 9);
    struct stage_stats stats = stats_of(&fixture);
    uint64_t sum = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        sum += stats.frame_time.counts[i];
    assert_int_equal(sum, 10);
    assert_true(stats.frame_time.sum_ns >= stats.compose_ns + stats.encode_ns);
    close_stage(&fixture);
}

static void test_the_view_is_told_once_when_it_changes(void **state) {
    struct fixture fixture;
    struct stage_view view;
    struct packet *out[STAGE_TIERS];
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    stage_tick(fixture.stage, fixture.now_ns, 1, out);
    drop_sent(out);
    assert_true(stage_take_view(fixture.stage, &view));
    assert_false(stage_take_view(fixture.stage, &view));
    fixture.members[0].look.hand = true; // no matter of the view
    set_look(&fixture, 0);
    stage_tick(fixture.stage, fixture.now_ns + FRAME_NS, 1, out);
    drop_sent(out);
    assert_false(stage_take_view(fixture.stage, &view));
    join(&fixture);
    stage_tick(fixture.stage, fixture.now_ns + 2 * FRAME_NS, 1, out);
    drop_sent(out);
    assert_true(stage_take_view(fixture.stage, &view));
    assert_int_equal(view.count, 3);
    assert_string_equal(view.tiles[2].member, "m3");
    close_stage(&fixture);
}

// ---- what is encoded ----

static void test_only_the_moving_tile_is_painted(void **state) {
    struct scene scene;
    assert_int_equal(scene_init(&scene, 1280, 720), 0);
    struct scene_place places[9];
    struct rect cells[LAYOUT_CELLS_MAX];
    assert_int_equal(layout_place(LAYOUT_GRID, 1280, 720, 9, cells), 9);
    memset(places, 0, sizeof(places));
    for (int i = 0; i < 9; i++) {
        places[i].serial = (uint64_t)i + 1;
        places[i].at = cells[i];
        strcpy(places[i].look.name, "Ada");
        places[i].look.shows_name = true;
    }
    scene_arrange(&scene, places, 9, 0, false);
    assert_true(scene_paint(&scene));
    canvas_clean(&scene.canvas);
    scene_arrange(&scene, places, 9, 0, false);
    assert_false(scene_paint(&scene));
    struct canvas picture;
    assert_int_equal(canvas_init(&picture, 320, 192, COLOURS[0]), 0);
    cell_show(&scene.cells[4].cell, &(struct feed_picture){.frame = av_frame_clone(picture.frame)});
    assert_true(scene_paint(&scene));
    for (int row = 0; row < scene.canvas.rows; row++) {
        for (int column = 0; column < scene.canvas.columns; column++) {
            int x = column * 16, y = row * 16;
            bool is_inside = x >= cells[4].x && x < cells[4].x + cells[4].width &&
                             y >= cells[4].y && y < cells[4].y + cells[4].height;
            assert_int_equal(scene.canvas.dirty[row * scene.canvas.columns + column], is_inside);
        }
    }
    canvas_finish(&picture);
    scene_finish(&scene);
}

static void test_an_unchanged_canvas_is_not_encoded(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 4);
    for (int i = 0; i < 4; i++) { // no camera: nothing moves, nothing goes stale
        fixture.members[i].look.video_muted = true;
        set_look(&fixture, i);
    }
    tick_many(&fixture, 90);
    uint64_t encoded = stats_of(&fixture).frames_encoded;
    size_t sent_bytes = 0;
    for (int i = 0; i < 300; i++) // ten seconds
        if (tick(&fixture))
            sent_bytes += fixture.last->size_bytes;
    assert_in_range(stats_of(&fixture).frames_encoded - encoded, 4, 6);
    assert_true(sent_bytes < 2000);
    assert_true(stats_of(&fixture).frames_unchanged > 290);
    close_stage(&fixture);
}

// The first frame of a picture that then stands still is coarse; it must not stay so.
static void test_a_still_picture_settles_at_high_quality(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    join_many(&fixture, 9);
    for (int i = 0; i < 9; i++) {
        fixture.members[i].look.video_muted = true;
        fixture.members[i].look.name = "محمد عبد الله 王小明 Ada 🦊";
        set_look(&fixture, i);
    }
    tick_many(&fixture, 90);
    struct scene scene;
    assert_int_equal(scene_init(&scene, 1280, 720), 0);
    struct scene_place places[9];
    memset(places, 0, sizeof(places));
    for (int i = 0; i < 9; i++) {
        places[i].serial = (uint64_t)i + 1;
        places[i].at = fixture.view.tiles[i].at;
        name_clean(fixture.members[i].look.name, places[i].look.name);
        places[i].look.colour = name_colour(places[i].look.name);
        places[i].look.shows_name = true;
    }
    scene_arrange(&scene, places, 9, 0, false);
    scene_paint(&scene);
    double error = 0;
    for (int y = 0; y < 720; y++)
        for (int x = 0; x < 1280; x++) {
            int difference = seen_at(&fixture, x, y).y -
                             scene.canvas.frame->data[0][y * scene.canvas.frame->linesize[0] + x];
            error += difference * difference;
        }
    assert_true(error / (1280 * 720) < 6.5); // 40 dB
    scene_finish(&scene);
    close_stage(&fixture);
}

static void test_a_late_joiner_gets_a_keyframe(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    run(&fixture, 20);
    assert_false(fixture.last->is_keyframe);
    stage_request_keyframe(fixture.stage, 0);
    decoder_reset(fixture.decoder);
    run(&fixture, 1);
    assert_true(fixture.last->is_keyframe);
    assert_true(shows_camera(&fixture, 0));
    assert_true(fixture.last->source_ns > 0);
    close_stage(&fixture);
}

static void test_a_flood_of_requests_is_few_keyframes(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    join(&fixture);
    for (int i = 0; i < 90; i++) { // three seconds
        for (int j = 0; j < 100; j++)
            stage_request_keyframe(fixture.stage, 0);
        run(&fixture, 1);
    }
    assert_in_range(stats_of(&fixture).keyframes, 8, 11);
    close_stage(&fixture);
}

static void test_an_unwatched_room_does_nothing(void **state) {
    struct fixture fixture;
    struct packet *out[STAGE_TIERS];
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    for (int i = 0; i < 10; i++) {
        fixture.now_ns += FRAME_NS;
        push_all(&fixture);
        assert_int_equal(stage_tick(fixture.stage, fixture.now_ns, 0, out), 0);
        for (int j = 0; j < STAGE_TIERS; j++)
            assert_null(out[j]);
    }
    assert_int_equal(stats_of(&fixture).frames_decoded, 0);
    assert_int_equal(stats_of(&fixture).frames_composed, 0);
    assert_int_equal(fixture.members[0].asks, 0);
    // Somebody comes to watch.
    assert_true(tick(&fixture));
    assert_true(fixture.last->is_keyframe);
    assert_int_equal(fixture.members[0].asks, 1);
    run(&fixture, 2);
    assert_true(shows_camera(&fixture, 0));
    // And goes; the thread that ticks may simply stop.
    fixture.now_ns += 10 * SECOND_NS;
    uint64_t decoded = stats_of(&fixture).frames_decoded;
    push_all(&fixture);
    assert_int_equal(stats_of(&fixture).frames_decoded, decoded);
    decoder_reset(fixture.decoder);
    assert_true(tick(&fixture));
    assert_true(fixture.last->is_keyframe);
    assert_int_equal(fixture.members[0].asks, 2);
    assert_false(shows_camera(&fixture, 0)); // ten seconds old
    run(&fixture, 2);
    assert_true(shows_camera(&fixture, 0));
    close_stage(&fixture);
}

static void test_snapshot_of_an_unwatched_room(void **state) {
    struct fixture fixture;
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    push_all(&fixture);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            stage_snapshot(fixture.stage, fixture.now_ns, 320, PICTURE_JPEG, &jpeg, &size_bytes),
            0);
        assert_true(size_bytes > 500);
        assert_int_equal(jpeg[0], 0xff);
        assert_int_equal(jpeg[1], 0xd8);
        free(jpeg);
        assert_int_equal(stats_of(&fixture).frames_decoded, 2 * i);
        // It asked, and is answered.
        assert_int_equal(fixture.members[0].asks, 1);
        fixture.now_ns += SECOND_NS;
        push_all(&fixture);
    }
    assert_int_equal(stats_of(&fixture).frames_encoded, 0);
    // After some seconds the room sleeps again.
    uint64_t decoded = stats_of(&fixture).frames_decoded;
    fixture.now_ns += 10 * SECOND_NS;
    push_all(&fixture);
    assert_int_equal(stats_of(&fixture).frames_decoded, decoded);
    close_stage(&fixture);
}

// ---- tiers ----

static void test_a_tier_alone_shows_what_the_canvas_does(void **state) {
    static const int sizes[][2] = {{1280, 720}, {720, 1280}, {640, 368}, {320, 176}};
    for (int i = 0; i < 12; i++) {
        struct fixture fixture;
        int tier = i % 3, width = sizes[i / 3][0], height = sizes[i / 3][1];
        open_stage(&fixture, width, height);
        fixture.watched = 1U << tier;
        join_many(&fixture, 4);
        assert_true(tick(&fixture));
        assert_true(fixture.last->is_keyframe);
        run(&fixture, 6);
        assert_int_equal(fixture.seen->width, width >> tier);
        assert_int_equal(fixture.seen->height, height >> tier);
        for (int j = 0; j < 4; j++)
            assert_true(shows_camera(&fixture, j));
        struct stage_stats stats = stats_of(&fixture);
        for (int j = 0; j < STAGE_TIERS; j++) {
            assert_int_equal(stats.tiers[j].frames > 0, j == tier);
            assert_int_equal(stats.tiers[j].kbps > 0, j == tier);
        }
        close_stage(&fixture);
    }
}

// What changed while nobody needed the copy is in it when somebody does.
static void test_a_tier_that_wakes_up_shows_the_whole_canvas(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 1280, 720);
    fixture.watched = 4;
    join_many(&fixture, 4);
    run(&fixture, 6);
    fixture.watched = 1;
    decoder_reset(fixture.decoder);
    run(&fixture, 10);
    fixture.members[2].look.video_muted = true;
    set_look(&fixture, 2);
    run(&fixture, 10);
    for (int i = 0; i < 2; i++) { // the quarter alone, then the half beside it
        fixture.watched = i ? 6 : 4;
        decoder_reset(fixture.decoder);
        assert_true(tick(&fixture));
        assert_true(fixture.sent[2 - i]->is_keyframe);
        run(&fixture, 6);
        for (int j = 0; j < 4; j++)
            assert_int_equal(shows_camera(&fixture, j), j != 2);
        fixture.watched = 1;
        decoder_reset(fixture.decoder);
        run(&fixture, 2);
    }
    close_stage(&fixture);
}

// A snapshot paints what the thread that stopped ticking did not: the copy knows nothing of it.
static void test_what_a_snapshot_painted_is_in_every_tier(void **state) {
    struct fixture fixture;
    uint8_t *jpeg = NULL;
    size_t size_bytes;
    open_stage(&fixture, 640, 368);
    fixture.watched = 4;
    join_many(&fixture, 4);
    run(&fixture, 6);
    assert_true(shows_camera(&fixture, 2));
    fixture.now_ns += 3 * SECOND_NS;
    fixture.members[2].look.video_muted = true;
    set_look(&fixture, 2);
    assert_int_equal(
        stage_snapshot(fixture.stage, fixture.now_ns, 0, PICTURE_JPEG, &jpeg, &size_bytes), 0);
    free(jpeg);
    decoder_reset(fixture.decoder);
    run(&fixture, 6);
    for (int i = 0; i < 4; i++)
        assert_int_equal(shows_camera(&fixture, i), i != 2);
    close_stage(&fixture);
}

static void test_a_keyframe_is_of_the_tier_that_was_asked(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    fixture.watched = 7;
    join_many(&fixture, 2);
    run(&fixture, 20);
    for (int asked = 0; asked < STAGE_TIERS; asked++) {
        stage_request_keyframe(fixture.stage, asked);
        run(&fixture, 1);
        for (int i = 0; i < STAGE_TIERS; i++)
            assert_int_equal(fixture.sent[i]->is_keyframe, i == asked);
    }
    // Where everything moves, all have one.
    run(&fixture, 10);
    join(&fixture);
    run(&fixture, 1);
    for (int i = 0; i < STAGE_TIERS; i++)
        assert_true(fixture.sent[i]->is_keyframe);
    close_stage(&fixture);
}

static void test_a_tier_aims_at_what_it_is_told(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    fixture.watched = 3;
    join(&fixture);
    run(&fixture, 1);
    static const int CASES[][2] = {{400, 400}, {5000, 833}, {100, 100}, {0, 833}};
    for (int i = 0; i < 4; i++) {
        stage_set_tier_kbps(fixture.stage, 1, CASES[i][0]);
        run(&fixture, 1);
        assert_int_equal(stats_of(&fixture).tiers[0].kbps, 2500);
        assert_int_equal(stats_of(&fixture).tiers[1].kbps, CASES[i][1]);
        assert_int_equal(stats_of(&fixture).tiers[2].kbps, 0);
    }
    close_stage(&fixture);
}

// Who gets layer 0 alone sees what moved last, soon after it stopped.
static void test_layer_0_alone_is_not_left_with_an_old_picture(void **state) {
    for (int moves = 1; moves <= 8; moves++) {
        struct fixture fixture;
        open_stage(&fixture, 640, 368);
        fixture.watched = 4;
        join_many(&fixture, 2);
        struct decoder *viewer = fixture.decoder;
        run(&fixture, 40); // nothing moves any more
        struct decoder *other = decoder_create();
        fixture.decoder = other;
        stage_request_keyframe(fixture.stage, 2);
        AVFrame *shown = NULL;
        for (int i = 0; i < 4 + moves + 8; i++) {
            if (i >= 4 && i < 4 + moves) {
                struct packet *next = camera_still(320, 176, COLOURS[i % 3]);
                stage_push(fixture.members[0].seat, VIDEO_CAMERA, VIDEO_VP8, next->data,
                           next->size_bytes, fixture.now_ns, fixture.now_ns, 0);
                packet_unref(next);
            }
            if (!tick(&fixture) || fixture.last->temporal_layer > 0)
                continue;
            av_frame_free(&shown);
            assert_int_equal(decoder_decode(viewer, VIDEO_VP8, fixture.last->data,
                                            fixture.last->size_bytes, fixture.now_ns, &shown),
                             0);
        }
        av_frame_free(&fixture.seen);
        fixture.seen = shown;
        assert_true(tile_shows(&fixture, 0, COLOURS[(3 + moves) % 3]));
        decoder_destroy(viewer);
        close_stage(&fixture);
    }
}

// ---- bad input ----

static void test_bad_frames_of_one_do_not_touch_the_others(void **state) {
    struct fixture fixture;
    uint8_t garbage[3000];
    unsigned seed = 1;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 3);
    tick(&fixture);
    struct packet *good = fixture.members[1].still[0];
    uint8_t *cut = malloc(good->size_bytes);
    for (int i = 0; i < 200; i++) {
        for (size_t j = 0; j < sizeof(garbage); j++)
            garbage[j] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        memcpy(cut, good->data, good->size_bytes);
        cut[seed % good->size_bytes] ^= 0x55;
        struct stage_seat *seat = fixture.members[1].seat;
        stage_push(seat, VIDEO_CAMERA, (enum video_codec)(i % 4), garbage, seed % 3000,
                   fixture.now_ns, fixture.now_ns, i);
        stage_push(seat, VIDEO_CAMERA, VIDEO_VP8, cut, seed % good->size_bytes, fixture.now_ns,
                   fixture.now_ns, 0);
        stage_push(seat, VIDEO_CAMERA, VIDEO_VP8, cut, good->size_bytes, INT64_MIN, fixture.now_ns,
                   0);
        stage_push_lost(seat, VIDEO_CAMERA);
        push(&fixture, 0, VIDEO_CAMERA);
        push(&fixture, 2, VIDEO_CAMERA);
        tick(&fixture);
    }
    free(cut);
    assert_true(stats_of(&fixture).frames_broken > 0);
    assert_in_range(fixture.members[1].asks, 10, 25); // in 6.7 s
    assert_int_equal(
        stage_push(fixture.members[1].seat, (enum video_role)7, VIDEO_VP8, garbage, 1, 0, 0, 0),
        -EINVAL);
    run(&fixture, 3);
    for (int i = 0; i < 3; i++)
        assert_true(shows_camera(&fixture, i));
    close_stage(&fixture);
}

static void test_any_size_that_is_sent_fits_its_tile(void **state) {
    static const int sizes[][2] = {{16, 16}, {4096, 16}, {16, 2048}, {1920, 1088}, {176, 144}};
    struct fixture fixture;
    open_stage(&fixture, 640, 368);
    join_many(&fixture, 2);
    tick(&fixture);
    for (int i = 0; i < 5; i++) {
        struct packet *packet = camera_still(sizes[i][0], sizes[i][1], COLOURS[i]);
        assert_int_equal(stage_push(fixture.members[0].seat, VIDEO_CAMERA, VIDEO_VP8, packet->data,
                                    packet->size_bytes, fixture.now_ns, fixture.now_ns, 90 * i),
                         0);
        push(&fixture, 1, VIDEO_CAMERA);
        tick_many(&fixture, 3);
        struct rect at = fixture.view.tiles[0].at;
        // Of a hair's breadth little is left in the tile.
        bool is_hair = sizes[i][0] > 16 * sizes[i][1] || sizes[i][1] > 16 * sizes[i][0];
        assert_true(is_hair || is_near(seen_at(&fixture, at.x + at.width / 2, at.y + at.height / 2),
                                       COLOURS[i]));
        assert_true(shows_camera(&fixture, 1));
        packet_unref(packet);
    }
    close_stage(&fixture);
}

static void test_odd_configurations_are_refused(void **state) {
    static const int bad[][4] = {
        {1280, 719, 30, 2500}, {0, 0, 30, 2500},      {16, 16, 30, 2500}, {3840, 2160, 30, 2500},
        {1280, 720, 0, 2500},  {1280, 720, 61, 2500}, {1280, 720, 30, 0}, {-1280, -720, 30, 1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct stage_config config = config_of(bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        assert_null(stage_create(&config));
    }
    stage_destroy(NULL);
}

// ---- threads ----

// Removes its own seat from within the callback: the push goes on with what it holds.
struct suicide {
    struct stage *stage;
    struct stage_seat *seat;
    int releases, releases_during_push;
};

static void on_wanted_leave(void *user, enum video_role role) {
    struct suicide *suicide = user;
    if (!suicide->seat)
        return;
    stage_remove(suicide->stage, suicide->seat);
    suicide->seat = NULL;
    suicide->releases_during_push = suicide->releases;
}

static void on_suicide_released(void *user) {
    ((struct suicide *)user)->releases++;
}

static void test_a_seat_removed_during_its_push_is_released_after_it(void **state) {
    struct fixture fixture;
    open_stage(&fixture, 320, 192);
    tick(&fixture);
    struct suicide suicide = {.stage = fixture.stage};
    struct stage_look look = {.name = "Ada"};
    struct stage_seat_ops ops = {on_wanted_leave, on_suicide_released};
    suicide.seat = stage_add(fixture.stage, "m1", &look, &ops, &suicide);
    uint8_t garbage[100] = {1}; // no keyframe: one is asked for
    stage_push(suicide.seat, VIDEO_CAMERA, VIDEO_VP8, garbage, sizeof(garbage), fixture.now_ns,
               fixture.now_ns, 0);
    assert_null(suicide.seat);
    assert_int_equal(suicide.releases_during_push, 0);
    assert_int_equal(suicide.releases, 1);
    close_stage(&fixture);
}

struct party {
    struct stage *stage;
    struct packet *still;
    atomic_bool is_over;
    atomic_llong now_ns;
    atomic_int releases, asks;
};

struct guest {
    struct party *party;
    struct stage_seat *seat;
    pthread_t thread;
};

static void on_guest_asked(void *user, enum video_role role) {
    atomic_fetch_add(&((struct party *)user)->asks, 1);
}

static void on_guest_released(void *user) {
    atomic_fetch_add(&((struct party *)user)->releases, 1);
}

static void *run_guest(void *argument) {
    struct guest *guest = argument;
    const struct packet *still = guest->party->still;
    for (int i = 0; i < 40; i++) {
        int64_t now_ns = atomic_load(&guest->party->now_ns);
        stage_push(guest->seat, (enum video_role)(i % 8 == 7), VIDEO_VP8, still->data,
                   i % 10 == 9 ? 20 : still->size_bytes, now_ns, now_ns, 0);
        stage_set_hold_ns(guest->seat, i % 3 * 100 * MS_NS);
        stage_lateness_ns(guest->seat);
        if (i % 13 == 12)
            stage_push_lost(guest->seat, VIDEO_CAMERA);
    }
    return NULL;
}

static void *run_ticks(void *argument) {
    struct party *party = argument;
    for (int i = 0; !atomic_load(&party->is_over); i++) {
        int64_t now_ns = atomic_fetch_add(&party->now_ns, FRAME_NS) + FRAME_NS;
        struct packet *out[STAGE_TIERS];
        stage_tick(party->stage, now_ns, i % 40 < 35 ? (unsigned)i / 7 % 8 : 0, out);
        drop_sent(out);
        struct stage_view view;
        stage_take_view(party->stage, &view);
    }
    return NULL;
}

static void *run_questions(void *argument) {
    struct party *party = argument;
    while (!atomic_load(&party->is_over)) {
        uint8_t *jpeg = NULL;
        size_t size_bytes;
        if (stage_snapshot(party->stage, atomic_load(&party->now_ns), 160, PICTURE_JPEG, &jpeg,
                           &size_bytes) == 0)
            free(jpeg);
        for (int tier = -1; tier <= STAGE_TIERS; tier++) {
            stage_request_keyframe(party->stage, tier);
            stage_set_tier_kbps(party->stage, tier, 100 * tier);
        }
        struct stage_stats stats;
        stage_get_stats(party->stage, &stats);
    }
    return NULL;
}

// Guests come, push on threads of their own, and go, while the room is ticked and asked.
static void test_members_come_and_go_while_all_threads_run(void **state) {
    enum { GUESTS = 3, ROUNDS = 6 };
    struct stage_config config = config_of(320, 192, 30, 500);
    struct party party = {.stage = stage_create(&config),
                          .still = camera_still(64, 48, COLOURS[0])};
    atomic_init(&party.now_ns, 100 * SECOND_NS);
    pthread_t ticks, questions;
    assert_int_equal(pthread_create(&ticks, NULL, run_ticks, &party), 0);
    assert_int_equal(pthread_create(&questions, NULL, run_questions, &party), 0);
    const struct stage_seat_ops ops = {on_guest_asked, on_guest_released};
    for (int round = 0; round < ROUNDS; round++) {
        struct guest guests[GUESTS];
        for (int i = 0; i < GUESTS; i++) {
            char id[STAGE_ID_MAX];
            snprintf(id, sizeof(id), "g%d", i);
            struct stage_look look = {.name = "王 🦊", .screen = i == round % GUESTS};
            guests[i].party = &party;
            guests[i].seat = stage_add(party.stage, id, &look, &ops, &party);
            assert_int_equal(pthread_create(&guests[i].thread, NULL, run_guest, &guests[i]), 0);
            look.hand = true;
            stage_set_look(guests[i].seat, &look);
        }
        const char *ids[] = {"g1", "g2"};
        stage_set_speaking(party.stage, ids, 2, ids[round % 2]);
        stage_set_layout(party.stage, &(struct stage_layout){.kind = (enum layout_kind)(round % 2),
                                                             .is_animated = true});
        stage_set_background(party.stage, 0x102030 * (unsigned)round);
        struct stage_banner banner = {.text = "王 🦊", .is_at_top = round % 3 == 0};
        stage_set_banner(party.stage, round % 2 ? &banner : NULL);
        config = config_of(round % 2 ? 320 : 368, round % 2 ? 192 : 640, 10 + round, 500);
        assert_int_equal(stage_set_canvas(party.stage, &config), 0);
        for (int i = 0; i < GUESTS; i++) {
            pthread_join(guests[i].thread, NULL);
            stage_remove(party.stage, guests[i].seat);
        }
    }
    atomic_store(&party.is_over, true);
    pthread_join(ticks, NULL);
    pthread_join(questions, NULL);
    assert_int_equal(atomic_load(&party.releases), GUESTS * ROUNDS);
    stage_destroy(party.stage);
    packet_unref(party.still);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_appear_in_the_tiles_that_the_view_names),
        cmocka_unit_test(test_a_removed_member_disappears_at_once_and_the_others_stay),
        cmocka_unit_test(test_without_pictures_there_is_a_stand_in_and_no_black),
        cmocka_unit_test(test_a_stale_tile_becomes_the_stand_in_and_recovers),
        cmocka_unit_test(test_a_muted_camera_is_not_decoded_nor_shown),
        cmocka_unit_test(test_a_held_picture_waits_for_its_sound),
        cmocka_unit_test(test_speaking_draws_a_ring_and_a_hand_its_mark),
        cmocka_unit_test(test_a_phone_turned_on_its_side_is_turned_back),
        cmocka_unit_test(test_hidden_members_are_not_decoded),
        cmocka_unit_test(test_one_who_is_hidden_has_no_tile_and_comes_back_to_their_seat),
        cmocka_unit_test(test_hundreds_of_hidden_seats_change_nothing),
        cmocka_unit_test(test_who_speaks_rotates_in_with_a_keyframe),
        cmocka_unit_test(test_a_screen_takes_over_and_gives_back),
        cmocka_unit_test(test_spotlight_and_custom_show_whom_they_name),
        cmocka_unit_test(test_tiles_on_their_way_cost_one_keyframe_in_the_end),
        cmocka_unit_test(test_a_banner_moves_the_tiles_in_the_view),
        cmocka_unit_test(test_another_canvas_goes_on_with_the_same_pictures),
        cmocka_unit_test(test_each_frame_s_time_is_counted),
        cmocka_unit_test(test_the_view_is_told_once_when_it_changes),
        cmocka_unit_test(test_only_the_moving_tile_is_painted),
        cmocka_unit_test(test_an_unchanged_canvas_is_not_encoded),
        cmocka_unit_test(test_a_still_picture_settles_at_high_quality),
        cmocka_unit_test(test_a_late_joiner_gets_a_keyframe),
        cmocka_unit_test(test_a_flood_of_requests_is_few_keyframes),
        cmocka_unit_test(test_an_unwatched_room_does_nothing),
        cmocka_unit_test(test_snapshot_of_an_unwatched_room),
        cmocka_unit_test(test_a_tier_alone_shows_what_the_canvas_does),
        cmocka_unit_test(test_a_tier_that_wakes_up_shows_the_whole_canvas),
        cmocka_unit_test(test_what_a_snapshot_painted_is_in_every_tier),
        cmocka_unit_test(test_a_keyframe_is_of_the_tier_that_was_asked),
        cmocka_unit_test(test_a_tier_aims_at_what_it_is_told),
        cmocka_unit_test(test_layer_0_alone_is_not_left_with_an_old_picture),
        cmocka_unit_test(test_bad_frames_of_one_do_not_touch_the_others),
        cmocka_unit_test(test_any_size_that_is_sent_fits_its_tile),
        cmocka_unit_test(test_odd_configurations_are_refused),
        cmocka_unit_test(test_a_seat_removed_during_its_push_is_released_after_it),
        cmocka_unit_test(test_members_come_and_go_while_all_threads_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
