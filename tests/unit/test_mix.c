// SPDX-License-Identifier: MIT
// Who is heard, and the sums, against a plain twin; the floor.
#include "mixer/audio/floor.h"
#include "mixer/audio/mix.h"
#include "mixer/audio/tail.h"
#include "tests/unit/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { VOICES = 9, SEATS = 3 };

struct table {
    struct mix_voice voices[VOICES];
    struct mix_voice *list[VOICES];
    float pcm[VOICES][MIX_FRAME];
};

static void table_set(struct table *table) {
    memset(table, 0, sizeof(*table));
    for (int v = 0; v < VOICES; v++) {
        table->list[v] = &table->voices[v];
        table->voices[v].pcm = table->pcm[v];
        table->voices[v].loudness_dbfs = -127;
    }
}

static void say(struct table *table, int voice, double dbfs) {
    table->voices[voice].is_open = dbfs > -100;
    table->voices[voice].loudness_dbfs = dbfs;
}

static int choose(struct table *table) {
    return mix_choose(table->list, VOICES, SEATS);
}

static bool is_seated(const struct table *table, int voice) {
    return table->voices[voice].is_seated;
}

static void fill_random(struct table *table) {
    for (int v = 0; v < VOICES; v++)
        for (int i = 0; i < MIX_FRAME; i++)
            table->pcm[v][i] = (float)(tone_random() - 0.5);
}

static void test_mix_member_never_hears_itself(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    for (int v = 0; v < SEATS; v++)
        say(&table, v, -20);
    choose(&table);
    fill_random(&table);
    for (int self = 0; self < SEATS; self++) {
        float sum[MIX_FRAME], without[MIX_FRAME];
        mix_sum(table.list, VOICES, &table.voices[self], sum);
        // Whatever it says, its own mix is the same to the bit.
        for (int i = 0; i < MIX_FRAME; i++)
            table.pcm[self][i] = (float)tone_random();
        mix_sum(table.list, VOICES, &table.voices[self], without);
        assert_memory_equal(sum, without, sizeof(sum));
    }
    for (int v = 1; v < SEATS; v++)
        say(&table, v, -127);
    float sum[MIX_FRAME];
    choose(&table);
    assert_false(mix_sum(table.list, VOICES, &table.voices[0], sum));
    assert_true(tone_rms(sum, MIX_FRAME) == 0);
}

static void test_mix_equals_its_plain_twin(void **state) {
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct table table;
        table_set(&table);
        fill_random(&table);
        for (int v = 0; v < VOICES; v++) {
            table.voices[v].is_open = tone_random() < 0.6;
            table.voices[v].is_seated = tone_random() < 0.6;
        }
        int except = (int)(tone_random() * (VOICES + 1)) - 1;
        float sum[MIX_FRAME];
        mix_sum(table.list, VOICES, except < 0 ? NULL : &table.voices[except], sum);
        for (int i = 0; i < MIX_FRAME; i++) {
            double twin = 0;
            for (int v = 0; v < VOICES; v++)
                if (v != except && table.voices[v].is_open && table.voices[v].is_seated)
                    twin += table.pcm[v][i];
            assert_true(fabs(sum[i] - twin) < 1e-5);
        }
    }
}

static void test_mix_seats_the_loudest(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    for (int v = 0; v < VOICES; v++)
        say(&table, v, -50 + 3 * ((v * 4) % VOICES)); // loudest: those with (4 v) % 9 of 8, 7, 6
    assert_int_equal(choose(&table), SEATS);
    for (int v = 0; v < VOICES; v++)
        assert_int_equal(is_seated(&table, v), (v * 4) % VOICES >= VOICES - SEATS);
}

static void test_mix_set_does_not_flap(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    for (int v = 0; v < 4; v++)
        say(&table, v, -20 - v);
    choose(&table);
    // Four of nearly the same loudness, each in turn the loudest: the first three stay.
    for (int i = 0; i < 500; i++) {
        for (int v = 0; v < 4; v++)
            say(&table, v, -22 + 5 * (tone_random() - 0.5));
        choose(&table);
        assert_true(is_seated(&table, 0) && is_seated(&table, 1) && is_seated(&table, 2));
    }
}

static void test_mix_a_louder_voice_takes_the_weakest_seat(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    say(&table, 0, -20);
    say(&table, 1, -40);
    say(&table, 2, -25);
    choose(&table);
    say(&table, 3, -15);
    int ticks = 0, seated = 0;
    while (!is_seated(&table, 3) && ticks++ < 20) {
        seated = choose(&table);
        assert_true(seated <= SEATS);
    }
    assert_in_range(ticks, 3, 10);
    assert_false(is_seated(&table, 1));
    assert_true(is_seated(&table, 0) && is_seated(&table, 2));
}

static void test_mix_keeps_a_seat_that_nobody_contests(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    say(&table, 0, -20);
    choose(&table);
    say(&table, 0, -127);
    for (int i = 0; i < 90; i++)
        choose(&table);
    assert_true(is_seated(&table, 0));
    for (int i = 0; i < 20; i++)
        choose(&table);
    assert_false(is_seated(&table, 0));

    // But who is silent gives way at once.
    for (int v = 0; v < SEATS; v++)
        say(&table, v, -20);
    choose(&table);
    say(&table, 1, -127);
    say(&table, 5, -45);
    assert_int_equal(choose(&table), SEATS);
    assert_true(is_seated(&table, 5));
    assert_false(is_seated(&table, 1));
}

static void test_mix_never_seats_more_than_there_are_seats(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    for (int i = 0; i < 5000; i++) {
        for (int v = 0; v < VOICES; v++)
            if (tone_random() < 0.1)
                say(&table, v, tone_random() < 0.4 ? -127 : -50 + 45 * tone_random());
        int seated = 0, reported = choose(&table);
        for (int v = 0; v < VOICES; v++)
            seated += is_seated(&table, v);
        assert_int_equal(seated, reported);
        assert_true(seated <= SEATS);
    }
}

static void test_mix_fades_in_and_out(void **state) {
    (void)state;
    struct table table;
    table_set(&table);
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < MIX_FRAME; i++)
            table.pcm[v][i] = 0.5f;
    table.voices[0].is_entering = true;
    table.voices[1].is_leaving = true;
    mix_shape(table.list, VOICES);
    assert_true(table.pcm[0][0] == 0 && table.pcm[0][MIX_FRAME - 1] == 0.5f);
    assert_true(fabs(table.pcm[1][0] - 0.5) < 1e-3 && table.pcm[1][MIX_FRAME - 1] == 0);
    for (int v = 0; v < 2; v++)
        for (int i = 1; i < MIX_FRAME; i++)
            assert_true(fabs(table.pcm[v][i] - table.pcm[v][i - 1]) < 0.003);
}

static void test_mix_who_vanishes_fades_out(void **state) {
    (void)state;
    struct tails tails;
    float pcm[MIX_FRAME], out[MIX_FRAME] = {0};
    tone_fill(pcm, MIX_FRAME, 440, 0.5, 17);
    tails_clear(&tails);
    tails_remember(&tails, 1, pcm);
    tails_remember(&tails, 2, pcm);
    tails_drop(&tails, 1); // still there
    tails_play(&tails, out);
    double steepest = 2 * M_PI * 440 / TONE_RATE * 0.5 + 0.5 / TAIL_SAMPLES;
    assert_true(fabs(out[0] - pcm[MIX_FRAME - 1]) < steepest);
    for (int i = 1; i < MIX_FRAME; i++)
        assert_true(fabs(out[i] - out[i - 1]) < steepest);
    assert_true(tone_rms(out, TAIL_SAMPLES) > 0.05);
    assert_true(tone_rms(out + TAIL_SAMPLES, MIX_FRAME - TAIL_SAMPLES) == 0);
}

static void test_floor_is_taken_by_dominance_and_held_through_silence(void **state) {
    (void)state;
    struct floor floor = {0};
    struct floor_voice voices[] = {{1, false, -127}, {2, false, -127}};
    floor_update(&floor, voices, 2, 20 * TONE_MS);
    assert_int_equal(floor.holder, 0);
    voices[0] = (struct floor_voice){1, true, -30};
    floor_update(&floor, voices, 2, 20 * TONE_MS);
    assert_int_equal(floor.holder, 1);
    voices[0].is_speaking = false;
    for (int i = 0; i < 500; i++)
        floor_update(&floor, voices, 2, 20 * TONE_MS);
    assert_int_equal(floor.holder, 1);
    voices[1] = (struct floor_voice){2, true, -40};
    int ticks = 0;
    while (floor.holder == 1 && ticks < 100) {
        floor_update(&floor, voices, 2, 20 * TONE_MS);
        ticks++;
    }
    assert_in_range(ticks, 24, 28); // half a second
    // The other answers at once, louder: not within the first second.
    voices[0] = (struct floor_voice){1, true, -20};
    ticks = 0;
    while (floor.holder == 2 && ticks < 100) {
        floor_update(&floor, voices, 2, 20 * TONE_MS);
        ticks++;
    }
    assert_in_range(ticks, 49, 53);
    // Nearly as loud is not louder.
    voices[1].loudness_dbfs = -18;
    for (int i = 0; i < 500; i++)
        floor_update(&floor, voices, 2, 20 * TONE_MS);
    assert_int_equal(floor.holder, 1);
    // Who holds it leaves.
    floor_update(&floor, &voices[1], 1, 20 * TONE_MS);
    assert_int_equal(floor.holder, 2);
    floor_update(&floor, NULL, 0, 20 * TONE_MS);
    assert_int_equal(floor.holder, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix_member_never_hears_itself),
        cmocka_unit_test(test_mix_equals_its_plain_twin),
        cmocka_unit_test(test_mix_seats_the_loudest),
        cmocka_unit_test(test_mix_set_does_not_flap),
        cmocka_unit_test(test_mix_a_louder_voice_takes_the_weakest_seat),
        cmocka_unit_test(test_mix_keeps_a_seat_that_nobody_contests),
        cmocka_unit_test(test_mix_never_seats_more_than_there_are_seats),
        cmocka_unit_test(test_mix_fades_in_and_out),
        cmocka_unit_test(test_mix_who_vanishes_fades_out),
        cmocka_unit_test(test_floor_is_taken_by_dominance_and_held_through_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
