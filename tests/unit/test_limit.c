// SPDX-License-Identifier: MIT
#include "mcu/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static int take_all(struct limit *limit, int64_t now_ns) {
    int taken = 0;
    while (taken < 100000 && limit_take(limit, now_ns))
        taken++;
    return taken;
}

static void test_limit_starts_full_and_stops_at_the_burst(void **state) {
    struct limit limit;
    limit_init(&limit, 10, 30);
    assert_int_equal(take_all(&limit, 0), 30);
    assert_false(limit_take(&limit, 0));
}

static void test_limit_refills_at_its_rate_and_never_over_the_burst(void **state) {
    struct limit limit;
    limit_init(&limit, 10, 30);
    take_all(&limit, 1000 * MS);
    assert_false(limit_take(&limit, 1099 * MS));
    assert_true(limit_take(&limit, 1100 * MS));
    assert_false(limit_take(&limit, 1100 * MS));
    assert_int_equal(take_all(&limit, 1600 * MS), 5);
    assert_int_equal(take_all(&limit, INT64_C(86400000) * MS), 30);
}

static void test_limit_lets_a_steady_rate_through_for_ever(void **state) {
    struct limit limit;
    limit_init(&limit, 50, 1);
    for (int i = 0; i < 10000; i++)
        assert_true(limit_take(&limit, i * 20 * MS));
}

static void test_limit_takes_nonsense_as_one(void **state) {
    struct limit limit;
    limit_init(&limit, 0, -5);
    assert_int_equal(take_all(&limit, 0), 1);
    assert_int_equal(take_all(&limit, 1000 * MS), 1);
    assert_int_equal(take_all(&limit, 1001 * MS), 0);
}

static void test_limit_survives_a_clock_that_steps_back(void **state) {
    struct limit limit;
    limit_init(&limit, 10, 1);
    assert_true(limit_take(&limit, 5000 * MS));
    assert_false(limit_take(&limit, 1000 * MS));
    assert_true(limit_take(&limit, 5100 * MS));
}

static void test_table_holds_each_address_to_its_own_bucket(void **state) {
    struct limit_table *table = limit_table_create(10, 1, 2);
    assert_true(limit_table_take(table, "10.0.0.1", 0));
    assert_true(limit_table_take(table, "10.0.0.1", 0));
    assert_false(limit_table_take(table, "10.0.0.1", 0));
    assert_true(limit_table_take(table, "10.0.0.2", 0));
    limit_table_destroy(table);
}

static void test_table_knows_an_address_in_its_other_clothes(void **state) {
    static const struct {
        const char *a, *b;
        bool are_same;
    } cases[] = {
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"2001:db8::1", "2001:db8::ffff:1", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
        {"fe80::1%eth0", "fe80::2", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::a00:1", false},
        {"nonsense", "", true},
        {"nonsense", NULL, true},
        {"0.0.0.0", "nonsense", false},
        {"::", "nonsense", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct limit_table *table = limit_table_create(10, 1, 1);
        assert_true(limit_table_take(table, cases[i].a, 0));
        assert_int_equal(limit_table_take(table, cases[i].b, 0), !cases[i].are_same);
        limit_table_destroy(table);
    }
}

static void test_table_forgets_the_address_unused_for_longest(void **state) {
    struct limit_table *table = limit_table_create(2, 1, 1);
    assert_true(limit_table_take(table, "10.0.0.1", 0));
    assert_true(limit_table_take(table, "10.0.0.2", 0));
    assert_false(limit_table_take(table, "10.0.0.1", 0)); // used again: 2 is now the older one
    assert_true(limit_table_take(table, "10.0.0.3", 0));
    assert_int_equal(limit_table_size(table), 2);
    assert_false(limit_table_take(table, "10.0.0.1", 0));
    assert_true(limit_table_take(table, "10.0.0.2", 0)); // was forgotten
    limit_table_destroy(table);
}

static void test_table_never_grows_over_its_size(void **state) {
    struct limit_table *table = limit_table_create(100, 1, 1);
    char address[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(address, sizeof(address), "10.1.%d.%d", i / 256, i % 256);
        assert_true(limit_table_take(table, address, 0));
        assert_true(limit_table_size(table) <= 100);
    }
    limit_table_destroy(table);
}

static void test_table_counts_who_is_inside(void **state) {
    struct limit_table *table = limit_table_create(10, 1, 1);
    assert_true(limit_table_enter(table, "10.0.0.1", 2));
    assert_true(limit_table_enter(table, "10.0.0.1", 2));
    assert_false(limit_table_enter(table, "10.0.0.1", 2));
    assert_int_equal(limit_table_inside(table, "10.0.0.1"), 2);
    limit_table_leave(table, "10.0.0.1");
    assert_true(limit_table_enter(table, "10.0.0.1", 2));
    limit_table_leave(table, "10.0.0.1");
    limit_table_leave(table, "10.0.0.1");
    limit_table_leave(table, "10.0.0.1"); // one too many
    limit_table_leave(table, "10.0.0.9"); // never entered
    assert_int_equal(limit_table_inside(table, "10.0.0.1"), 0);
    limit_table_destroy(table);
}

static void test_table_never_forgets_who_is_inside(void **state) {
    struct limit_table *table = limit_table_create(2, 1, 1);
    assert_true(limit_table_enter(table, "10.0.0.1", 1));
    assert_true(limit_table_enter(table, "10.0.0.2", 1));
    assert_false(limit_table_enter(table, "10.0.0.3", 1));
    assert_false(limit_table_take(table, "10.0.0.3", 0));
    assert_false(limit_table_enter(table, "10.0.0.1", 1));
    limit_table_leave(table, "10.0.0.1");
    assert_true(limit_table_enter(table, "10.0.0.3", 1));
    assert_int_equal(limit_table_inside(table, "10.0.0.2"), 1);
    limit_table_destroy(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_starts_full_and_stops_at_the_burst),
        cmocka_unit_test(test_limit_refills_at_its_rate_and_never_over_the_burst),
        cmocka_unit_test(test_limit_lets_a_steady_rate_through_for_ever),
        cmocka_unit_test(test_limit_takes_nonsense_as_one),
        cmocka_unit_test(test_limit_survives_a_clock_that_steps_back),
        cmocka_unit_test(test_table_holds_each_address_to_its_own_bucket),
        cmocka_unit_test(test_table_knows_an_address_in_its_other_clothes),
        cmocka_unit_test(test_table_forgets_the_address_unused_for_longest),
        cmocka_unit_test(test_table_never_grows_over_its_size),
        cmocka_unit_test(test_table_counts_who_is_inside),
        cmocka_unit_test(test_table_never_forgets_who_is_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
