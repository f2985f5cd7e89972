// SPDX-License-Identifier: MIT
#include "mixer/histogram.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static void test_histogram_bounds_grow_from_half_a_millisecond_to_five_seconds(void **state) {
    assert_int_equal(histogram_bounds_ns[0], MS / 2);
    for (int i = 1; i < HISTOGRAM_CLASSES - 1; i++)
        assert_true(histogram_bounds_ns[i] > histogram_bounds_ns[i - 1]);
    assert_int_equal(histogram_bounds_ns[HISTOGRAM_CLASSES - 2], 5000 * MS);
}

// As Prometheus' `le` says: a bound belongs to its own class.
static void test_histogram_puts_each_value_into_its_class(void **state) {
    struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    struct histogram_counts counts = {{0}, 0};
    int64_t sum_ns = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES - 1; i++) {
        histogram_add(&histogram, histogram_bounds_ns[i]);
        histogram_add(&histogram, histogram_bounds_ns[i] + 1);
        sum_ns += 2 * histogram_bounds_ns[i] + 1;
    }
    histogram_sum(&histogram, &counts);
    assert_int_equal(counts.counts[0], 1);
    for (int i = 1; i < HISTOGRAM_CLASSES - 1; i++)
        assert_int_equal(counts.counts[i], 2);
    assert_int_equal(counts.counts[HISTOGRAM_CLASSES - 1], 1);
    assert_int_equal(counts.sum_ns, sum_ns);
}

static void test_histogram_counts_what_is_negative_as_nothing(void **state) {
    struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    struct histogram_counts counts = {{0}, 0};
    histogram_add(&histogram, -5 * MS);
    histogram_add(&histogram, 0);
    histogram_add(&histogram, 3600 * 1000 * MS);
    histogram_sum(&histogram, &counts);
    assert_int_equal(counts.counts[0], 2);
    assert_int_equal(counts.counts[HISTOGRAM_CLASSES - 1], 1);
    assert_int_equal(counts.sum_ns, 3600 * 1000 * MS);
}

static void test_histogram_sums_and_merges_add_up(void **state) {
    struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    histogram_add(&histogram, 3 * MS);
    struct histogram_counts once = {{0}, 0}, twice = {{0}, 0};
    histogram_sum(&histogram, &once);
    histogram_sum(&histogram, &twice);
    histogram_sum(&histogram, &twice);
    assert_int_equal(twice.counts[3], 2);
    histogram_merge(&twice, &once);
    assert_int_equal(twice.counts[3], 3);
    assert_int_equal(twice.sum_ns, 9 * MS);
    assert_int_equal(once.counts[3], 1);
}

static void *add_many(void *user) {
    for (int i = 0; i < 20000; i++)
        histogram_add(user, i % 16 * MS);
    return NULL;
}

static void test_histogram_loses_nothing_between_threads(void **state) {
    struct histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, add_many, &histogram);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    struct histogram_counts counts = {{0}, 0};
    histogram_sum(&histogram, &counts);
    uint64_t sum = 0;
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        sum += counts.counts[i];
    assert_int_equal(sum, 60000);
    assert_int_equal(counts.sum_ns, 60000 / 16 * 120 * MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_bounds_grow_from_half_a_millisecond_to_five_seconds),
        cmocka_unit_test(test_histogram_puts_each_value_into_its_class),
        cmocka_unit_test(test_histogram_counts_what_is_negative_as_nothing),
        cmocka_unit_test(test_histogram_sums_and_merges_add_up),
        cmocka_unit_test(test_histogram_loses_nothing_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
