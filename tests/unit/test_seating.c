// SPDX-License-Identifier: MIT
#include "mixer/video/seating.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_NS INT64_C(1000000000)
// 320x192 holds twenty tiles of 64x48.
enum { WIDTH_PX = 320, HEIGHT_PX = 192, FITS = 20, MEMBERS_MAX = 60 };

struct hall {
    struct seating seating;
    struct seating_member members[MEMBERS_MAX];
    struct seating_wish wish;
    struct seating_place places[STAGE_TILES_MAX];
    int count;
    enum layout_kind kind;
};

static void open_hall(struct hall *hall, int count) {
    memset(hall, 0, sizeof(*hall));
    for (int i = 0; i < count; i++)
        hall->members[i].serial = (uint64_t)i + 1;
    hall->wish = (struct seating_wish){
        .members = hall->members, .count = count, .width_px = WIDTH_PX, .height_px = HEIGHT_PX};
}

static void arrange(struct hall *hall, int64_t now_ns) {
    hall->count = seating_arrange(&hall->seating, &hall->wish, now_ns, hall->places, &hall->kind);
}

static uint64_t serial_at(const struct hall *hall, int place) {
    return hall->members[hall->places[place].member].serial;
}

static int place_of(const struct hall *hall, uint64_t serial, enum video_role role) {
    for (int i = 0; i < hall->count; i++)
        if (serial_at(hall, i) == serial && hall->places[i].role == role)
            return i;
    return -1;
}

static void leave(struct hall *hall, int member) {
    hall->wish.count--;
    memmove(hall->members + member, hall->members + member + 1,
            (size_t)(hall->wish.count - member) * sizeof(hall->members[0]));
}

static void test_members_sit_in_the_order_of_joining(void **state) {
    struct hall hall;
    open_hall(&hall, 9);
    arrange(&hall, 0);
    assert_int_equal(hall.count, 9);
    for (int i = 0; i < 9; i++)
        assert_int_equal(serial_at(&hall, i), i + 1);
}

static void test_a_speaker_without_tile_takes_that_of_the_most_silent(void **state) {
    struct hall hall;
    open_hall(&hall, 24);
    for (int i = 0; i < 24; i++)
        hall.members[i].spoke_ns = (100 - i) * SECOND_NS; // the later joined, the longer silent
    hall.members[7].spoke_ns = SECOND_NS;                 // but 8 has been longest
    arrange(&hall, 200 * SECOND_NS);
    assert_int_equal(hall.count, FITS);
    hall.members[22].is_speaking = true;
    arrange(&hall, 201 * SECOND_NS);
    for (int i = 0; i < FITS; i++)
        assert_int_equal(serial_at(&hall, i), i == 7 ? 23 : i + 1);
    // It stays when it falls silent.
    hall.members[22].is_speaking = false;
    hall.members[22].spoke_ns = 201 * SECOND_NS;
    arrange(&hall, 202 * SECOND_NS);
    assert_int_equal(place_of(&hall, 23, VIDEO_CAMERA), 7);
}

static void test_who_speaks_is_not_pushed_out(void **state) {
    struct hall hall;
    open_hall(&hall, 24);
    for (int i = 0; i < 24; i++)
        hall.members[i].is_speaking = true;
    arrange(&hall, SECOND_NS);
    for (int i = 0; i < FITS; i++)
        assert_int_equal(serial_at(&hall, i), i + 1);
}

static void test_the_place_of_one_who_left_goes_to_one_who_waits(void **state) {
    struct hall hall;
    open_hall(&hall, 24);
    arrange(&hall, 0);
    leave(&hall, 4); // serial 5
    arrange(&hall, SECOND_NS);
    assert_int_equal(hall.count, FITS);
    for (int i = 0; i < FITS; i++)
        assert_int_equal(serial_at(&hall, i), i == 4 ? 21 : i + 1);
}

static void test_with_fewer_members_the_others_close_up(void **state) {
    struct hall hall;
    open_hall(&hall, 5);
    arrange(&hall, 0);
    leave(&hall, 1);
    leave(&hall, 1);
    arrange(&hall, SECOND_NS);
    assert_int_equal(hall.count, 3);
    assert_int_equal(serial_at(&hall, 0), 1);
    assert_int_equal(serial_at(&hall, 1), 4);
    assert_int_equal(serial_at(&hall, 2), 5);
    while (hall.wish.count > 0)
        leave(&hall, 0);
    arrange(&hall, SECOND_NS);
    assert_int_equal(hall.count, 0);
}

static void test_main_speaker_changes_places_and_not_too_often(void **state) {
    struct hall hall;
    open_hall(&hall, 5);
    hall.wish.width_px = 1280;
    hall.wish.height_px = 720;
    hall.wish.kind = LAYOUT_SPEAKER;
    hall.wish.main_serial = 3;
    arrange(&hall, 10 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 3);
    assert_int_equal(serial_at(&hall, 2), 1);
    assert_true(hall.places[0].at.width > 2 * hall.places[1].at.width);
    hall.wish.main_serial = 4;
    arrange(&hall, 11 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 3);
    assert_true(hall.seating.is_main_pending);
    arrange(&hall, 10 * SECOND_NS + SEATING_MAIN_MIN_NS);
    assert_int_equal(serial_at(&hall, 0), 4);
    assert_int_equal(serial_at(&hall, 3), 3);
    assert_int_equal(serial_at(&hall, 1), 2);
    assert_int_equal(serial_at(&hall, 2), 1);
    assert_false(hall.seating.is_main_pending);
    // Nobody speaks: it stays.
    hall.wish.main_serial = 0;
    arrange(&hall, 20 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 4);
}

static void test_when_the_main_speaker_leaves_the_next_needs_not_wait(void **state) {
    struct hall hall;
    open_hall(&hall, 4);
    hall.wish.kind = LAYOUT_SPEAKER;
    hall.wish.main_serial = 3;
    arrange(&hall, 10 * SECOND_NS);
    leave(&hall, 2);
    hall.wish.main_serial = 4;
    arrange(&hall, 10 * SECOND_NS + 1);
    assert_int_equal(serial_at(&hall, 0), 4);
}

static void test_newest_screen_is_large_and_sharers_keep_their_cameras(void **state) {
    struct hall hall;
    open_hall(&hall, 6);
    hall.wish.width_px = 1280;
    hall.wish.height_px = 720;
    arrange(&hall, 0);
    hall.members[4].screen_sequence = 1;
    hall.members[1].screen_sequence = 2;
    arrange(&hall, SECOND_NS);
    assert_int_equal(hall.kind, LAYOUT_SCREEN);
    assert_int_equal(hall.count, 8);
    assert_int_equal(place_of(&hall, 2, VIDEO_SCREEN), 0);
    assert_int_equal(place_of(&hall, 5, VIDEO_SCREEN), 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(place_of(&hall, (uint64_t)i + 1, VIDEO_CAMERA), 2 + i);
    hall.members[4].screen_sequence = hall.members[1].screen_sequence = 0;
    arrange(&hall, 2 * SECOND_NS);
    assert_int_equal(hall.kind, LAYOUT_GRID);
    assert_int_equal(hall.count, 6);
}

static void test_sharers_never_take_all_tiles(void **state) {
    struct hall hall;
    open_hall(&hall, MEMBERS_MAX);
    for (int i = 0; i < MEMBERS_MAX; i++)
        hall.members[i].screen_sequence = (uint64_t)(i * 7 % MEMBERS_MAX) + 1;
    arrange(&hall, 0);
    int screens = 0;
    for (int i = 0; i < hall.count; i++)
        screens += hall.places[i].role == VIDEO_SCREEN;
    assert_int_equal(screens, SEATING_SCREENS_MAX);
    assert_true(hall.count > SEATING_SCREENS_MAX);
    for (int i = 0; i < screens; i++)
        assert_int_equal(hall.members[hall.places[i].member].screen_sequence, MEMBERS_MAX - i);
}

static void choose(struct hall *hall, int *chosen, int count) {
    for (int i = 0; i < count; i++)
        hall->members[chosen[i]].is_fixed = true;
    hall->wish.kind = LAYOUT_SPOTLIGHT;
    hall->wish.chosen = chosen;
    hall->wish.chosen_count = count;
}

static void test_the_chosen_are_large_in_their_order_and_the_others_in_the_strip(void **state) {
    struct hall hall;
    open_hall(&hall, 6);
    hall.wish.width_px = 1280;
    hall.wish.height_px = 720;
    choose(&hall, (int[]){4, 1}, 2);
    arrange(&hall, 0);
    assert_int_equal(hall.kind, LAYOUT_SPOTLIGHT);
    assert_int_equal(hall.count, 6);
    static const uint64_t SERIALS[] = {5, 2, 1, 3, 4, 6};
    for (int i = 0; i < 6; i++)
        assert_int_equal(serial_at(&hall, i), SERIALS[i]);
    assert_int_equal(hall.places[0].at.width, hall.places[1].at.width);
    assert_true(hall.places[1].at.width > hall.places[2].at.width);
    // Who speaks in the strip stays there.
    hall.members[3].is_speaking = true;
    hall.wish.main_serial = 4;
    arrange(&hall, 10 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 5);
    assert_int_equal(serial_at(&hall, 4), 4);
}

static void test_a_screen_is_one_of_the_chosen(void **state) {
    struct hall hall;
    open_hall(&hall, 4);
    hall.wish.width_px = 1280;
    hall.wish.height_px = 720;
    choose(&hall, (int[]){2}, 1);
    hall.members[0].screen_sequence = 1;
    arrange(&hall, 0);
    assert_int_equal(hall.kind, LAYOUT_SPOTLIGHT);
    assert_int_equal(place_of(&hall, 1, VIDEO_SCREEN), 0);
    assert_int_equal(place_of(&hall, 3, VIDEO_CAMERA), 1);
    assert_int_equal(hall.places[0].at.width, hall.places[1].at.width);
    assert_true(place_of(&hall, 1, VIDEO_CAMERA) > 1);
}

static void test_a_spotlight_on_nobody_follows_the_speaker(void **state) {
    struct hall hall;
    open_hall(&hall, 4);
    hall.wish.kind = LAYOUT_SPOTLIGHT;
    hall.wish.main_serial = 3;
    arrange(&hall, 10 * SECOND_NS);
    assert_int_equal(hall.kind, LAYOUT_SPEAKER);
    assert_int_equal(serial_at(&hall, 0), 3);
}

static void test_a_sidebar_follows_the_speaker(void **state) {
    struct hall hall;
    open_hall(&hall, 9);
    hall.wish.width_px = 1280;
    hall.wish.height_px = 720;
    hall.wish.kind = LAYOUT_SIDEBAR;
    hall.wish.main_serial = 8; // has no tile yet
    hall.members[7].is_speaking = true;
    arrange(&hall, 10 * SECOND_NS);
    assert_int_equal(hall.kind, LAYOUT_SIDEBAR);
    assert_int_equal(hall.count, 5);
    assert_int_equal(serial_at(&hall, 0), 8);
}

static void set_slots(struct hall *hall, const struct seating_slot *slots, int count) {
    hall->wish.kind = LAYOUT_CUSTOM;
    hall->wish.slots = slots;
    hall->wish.slot_count = count;
}

static void test_who_holds_a_next_speaker_slot_stays_until_another_speaks(void **state) {
    struct hall hall;
    open_hall(&hall, 5);
    struct seating_slot slots[] = {{{0, 0, 160, 96}, 0, SLOT_NEXT_SPEAKER, -1},
                                   {{160, 0, 160, 96}, 0, SLOT_NEXT_SPEAKER, -1},
                                   {{0, 96, 160, 96}, 0, SLOT_MEMBER, 2}};
    hall.members[2].is_fixed = true;
    set_slots(&hall, slots, 3);
    hall.members[3].spoke_ns = 2 * SECOND_NS;
    hall.members[1].spoke_ns = SECOND_NS;
    arrange(&hall, 5 * SECOND_NS);
    assert_int_equal(hall.count, 3);
    assert_int_equal(serial_at(&hall, 0), 4); // who spoke last
    assert_int_equal(serial_at(&hall, 1), 2);
    assert_int_equal(serial_at(&hall, 2), 3);
    // Whoever has a slot of their own takes no other.
    hall.members[2].is_speaking = true;
    arrange(&hall, 6 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 4);
    assert_int_equal(serial_at(&hall, 1), 2);
    // A newcomer takes the place of the most silent; the other stays.
    hall.members[2].is_speaking = false;
    hall.members[4].is_speaking = true;
    arrange(&hall, 7 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 0), 4);
    assert_int_equal(serial_at(&hall, 1), 5);
    hall.members[4].is_speaking = false;
    hall.members[4].spoke_ns = 8 * SECOND_NS;
    arrange(&hall, 20 * SECOND_NS);
    assert_int_equal(serial_at(&hall, 1), 5);
}

static void test_slots_without_anybody_stay_empty_and_screens_come_newest_first(void **state) {
    struct hall hall;
    open_hall(&hall, 2);
    struct seating_slot slots[] = {{{0, 0, 320, 192}, 0, SLOT_SCREEN, -1},
                                   {{160, 0, 160, 96}, 0, SLOT_MEMBER, -1},
                                   {{0, 0, 64, 48}, 0, SLOT_SCREEN, -1}};
    set_slots(&hall, slots, 3);
    arrange(&hall, 0);
    assert_int_equal(hall.kind, LAYOUT_CUSTOM);
    assert_int_equal(hall.count, 0);
    hall.members[0].screen_sequence = 7;
    hall.members[1].screen_sequence = 8;
    arrange(&hall, 0);
    assert_int_equal(hall.kind, LAYOUT_CUSTOM);
    assert_int_equal(hall.count, 2);
    assert_int_equal(place_of(&hall, 2, VIDEO_SCREEN), 0);
    assert_int_equal(place_of(&hall, 1, VIDEO_SCREEN), 1);
    assert_int_equal(hall.places[1].at.width, 64);
}

static void test_places_come_in_the_order_in_which_they_lie(void **state) {
    struct hall hall;
    open_hall(&hall, 4);
    static const int Z[] = {5, -2, 5, 0};
    struct seating_slot slots[4];
    for (int i = 0; i < 4; i++) {
        slots[i] = (struct seating_slot){{0, 0, 64, 48}, Z[i], SLOT_MEMBER, i};
        hall.members[i].is_fixed = true;
    }
    set_slots(&hall, slots, 4);
    arrange(&hall, 0);
    static const uint64_t SERIALS[] = {2, 4, 1, 3};
    for (int i = 0; i < 4; i++)
        assert_int_equal(serial_at(&hall, i), SERIALS[i]);
}

// Kinds change, people and screens come and go, slots are of all sources.
static void test_any_wish_seats_nobody_twice(void **state) {
    struct hall hall;
    unsigned seed = 11;
    struct seating_slot slots[STAGE_TILES_MAX];
    int chosen[STAGE_TILES_MAX];
    open_hall(&hall, MEMBERS_MAX);
    for (int round = 0; round < 3000; round++) {
        hall.wish.count = (int)((seed = seed * 1664525 + 1013904223) >> 8) % MEMBERS_MAX + 1;
        hall.wish.kind = (enum layout_kind)((seed >> 20) % 6);
        hall.wish.chosen = chosen;
        hall.wish.slots = slots;
        hall.wish.chosen_count = hall.wish.slot_count = 0;
        hall.wish.main_serial = seed >> 16 & 63;
        for (int i = 0; i < hall.wish.count; i++) {
            seed = seed * 1664525 + 1013904223;
            hall.members[i].is_fixed = false;
            hall.members[i].is_speaking = (seed >> 10) % 7 == 0;
            hall.members[i].spoke_ns = seed >> 12;
            hall.members[i].screen_sequence =
                (seed >> 24) % 11 == 0 ? (uint64_t)(round * MEMBERS_MAX + i + 1) : 0;
            bool has_own = (seed >> 14) % 3 == 0 && i < STAGE_TILES_MAX;
            if (hall.wish.kind == LAYOUT_SPOTLIGHT && has_own) {
                hall.members[i].is_fixed = true;
                chosen[hall.wish.chosen_count++] = i;
            } else if (hall.wish.kind == LAYOUT_CUSTOM && i < STAGE_TILES_MAX) {
                hall.members[i].is_fixed = has_own;
                slots[hall.wish.slot_count++] =
                    (struct seating_slot){{0, 0, 64, 48},
                                          (int)(seed >> 18) % 5,
                                          has_own           ? SLOT_MEMBER
                                          : (seed >> 7) % 2 ? SLOT_SCREEN
                                                            : SLOT_NEXT_SPEAKER,
                                          has_own ? i : -1};
            }
        }
        arrange(&hall, round * SECOND_NS / 5);
        assert_in_range(hall.count, 0, STAGE_TILES_MAX);
        for (int i = 0; i < hall.count; i++) {
            assert_in_range(hall.places[i].member, 0, hall.wish.count - 1);
            assert_int_equal(place_of(&hall, serial_at(&hall, i), hall.places[i].role), i);
        }
    }
}

// Whatever happens: nobody sits twice, nobody sits who is not there, and every tile is taken.
static void test_seating_is_sound_under_random_changes(void **state) {
    struct hall hall;
    open_hall(&hall, 10);
    uint64_t last_serial = 10, sequence = 0;
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        seed = seed * 1664525 + 1013904223;
        int pick = (int)(seed >> 8) % (hall.wish.count > 0 ? hall.wish.count : 1);
        switch (seed >> 28) {
        case 0:
        case 1:
        case 2:
            if (hall.wish.count < MEMBERS_MAX)
                hall.members[hall.wish.count++] = (struct seating_member){.serial = ++last_serial};
            break;
        case 3:
        case 4:
            if (hall.wish.count > 0)
                leave(&hall, pick);
            break;
        case 5:
            hall.members[pick].screen_sequence ^= hall.members[pick].screen_sequence
                                                      ? hall.members[pick].screen_sequence
                                                      : ++sequence;
            break;
        case 6: hall.wish.kind = (enum layout_kind)(seed >> 10 & 1); break;
        case 7: hall.wish.main_serial = hall.members[pick].serial; break;
        default: hall.members[pick].is_speaking ^= true;
        }
        arrange(&hall, round * SECOND_NS / 5);
        int cameras = 0, screens = 0;
        for (int i = 0; i < hall.count; i++) {
            assert_in_range(hall.places[i].member, 0, hall.wish.count - 1);
            assert_int_equal(place_of(&hall, serial_at(&hall, i), hall.places[i].role), i);
            cameras += hall.places[i].role == VIDEO_CAMERA;
            screens += hall.places[i].role == VIDEO_SCREEN;
        }
        struct rect cells[LAYOUT_CELLS_MAX];
        int wanted = hall.wish.count + screens;
        wanted = wanted < LAYOUT_CELLS_MAX ? wanted : LAYOUT_CELLS_MAX;
        assert_int_equal(cameras + screens,
                         layout_place(hall.kind, WIDTH_PX, HEIGHT_PX, wanted, cells));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_sit_in_the_order_of_joining),
        cmocka_unit_test(test_a_speaker_without_tile_takes_that_of_the_most_silent),
        cmocka_unit_test(test_who_speaks_is_not_pushed_out),
        cmocka_unit_test(test_the_place_of_one_who_left_goes_to_one_who_waits),
        cmocka_unit_test(test_with_fewer_members_the_others_close_up),
        cmocka_unit_test(test_main_speaker_changes_places_and_not_too_often),
        cmocka_unit_test(test_when_the_main_speaker_leaves_the_next_needs_not_wait),
        cmocka_unit_test(test_newest_screen_is_large_and_sharers_keep_their_cameras),
        cmocka_unit_test(test_sharers_never_take_all_tiles),
        cmocka_unit_test(test_the_chosen_are_large_in_their_order_and_the_others_in_the_strip),
        cmocka_unit_test(test_a_screen_is_one_of_the_chosen),
        cmocka_unit_test(test_a_spotlight_on_nobody_follows_the_speaker),
        cmocka_unit_test(test_a_sidebar_follows_the_speaker),
        cmocka_unit_test(test_who_holds_a_next_speaker_slot_stays_until_another_speaks),
        cmocka_unit_test(test_slots_without_anybody_stay_empty_and_screens_come_newest_first),
        cmocka_unit_test(test_places_come_in_the_order_in_which_they_lie),
        cmocka_unit_test(test_any_wish_seats_nobody_twice),
        cmocka_unit_test(test_seating_is_sound_under_random_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
