// SPDX-License-Identifier: MIT
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h> // after the above, as it asks

static const struct asked {
    const char *header;
    enum range_outcome outcome;
    uint64_t first, count;
} table[] = {
    {NULL, RANGE_WHOLE, 0, 1000},
    {"", RANGE_WHOLE, 0, 1000},
    {"bytes=0-0", RANGE_PART, 0, 1},
    {"bytes=0-999", RANGE_PART, 0, 1000},
    {"bytes=10-19", RANGE_PART, 10, 10},
    {"Bytes=10-19", RANGE_PART, 10, 10},
    {"bytes= 10-19 ", RANGE_PART, 10, 10},
    {"bytes=990-5000", RANGE_PART, 990, 10},
    {"bytes=500-", RANGE_PART, 500, 500},
    {"bytes=999-", RANGE_PART, 999, 1},
    {"bytes=1000-", RANGE_NONE, 0, 1000},
    {"bytes=1000-2000", RANGE_NONE, 0, 1000},
    {"bytes=-1", RANGE_PART, 999, 1},
    {"bytes=-400", RANGE_PART, 600, 400},
    {"bytes=-5000", RANGE_PART, 0, 1000},
    {"bytes=-0", RANGE_NONE, 0, 1000},
    // what is none is left alone, as the RFC allows
    {"bytes=19-10", RANGE_WHOLE, 0, 1000},
    {"bytes=-", RANGE_WHOLE, 0, 1000},
    {"bytes=", RANGE_WHOLE, 0, 1000},
    {"bytes=x-10", RANGE_WHOLE, 0, 1000},
    {"bytes=1-x", RANGE_WHOLE, 0, 1000},
    {"bytes=1--2", RANGE_WHOLE, 0, 1000},
    {"bytes=+1-2", RANGE_WHOLE, 0, 1000},
    {"bytes=99999999999999999999999-", RANGE_WHOLE, 0, 1000},
    {"bytes=1-99999999999999999999999", RANGE_WHOLE, 0, 1000},
    {"bytes=0-1,5-6", RANGE_WHOLE, 0, 1000},
    {"lines=0-1", RANGE_WHOLE, 0, 1000},
};

static void test_the_whole_table_holds(void **state) {
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct range range;
        const struct asked *asked = &table[i];
        enum range_outcome outcome = range_choose(asked->header, 1000, &range);
        if (outcome != asked->outcome || range.first != asked->first || range.count != asked->count)
            fail_msg("%s: %d, %llu+%llu", asked->header, (int)outcome,
                     (unsigned long long)range.first, (unsigned long long)range.count);
    }
}

static void test_an_empty_file_has_no_parts(void **state) {
    struct range range;
    assert_int_equal(range_choose("bytes=0-", 0, &range), RANGE_NONE);
    assert_int_equal(range_choose("bytes=-5", 0, &range), RANGE_NONE);
    assert_int_equal(range_choose(NULL, 0, &range), RANGE_WHOLE);
}

static void test_no_part_reaches_beyond_the_end(void **state) {
    struct range range;
    for (uint64_t size = 1; size < 40; size++)
        for (uint64_t first = 0; first < 45; first++)
            for (uint64_t last = 0; last < 45; last++) {
                char header[40];
                snprintf(header, sizeof(header), "bytes=%d-%d", (int)first, (int)last);
                if (range_choose(header, size, &range) != RANGE_NONE)
                    assert_true(range.count > 0 && range.first + range.count <= size);
            }
}

static void test_a_range_is_fresh_with_the_same_strong_tag_alone(void **state) {
    assert_true(range_is_fresh(NULL, "\"a\""));
    assert_true(range_is_fresh("\"a\"", "\"a\""));
    assert_false(range_is_fresh("\"b\"", "\"a\""));
    assert_false(range_is_fresh("W/\"a\"", "\"a\""));
    assert_false(range_is_fresh("Sat, 21 Nov 2026 14:00:00 GMT", "\"a\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_table_holds),
        cmocka_unit_test(test_an_empty_file_has_no_parts),
        cmocka_unit_test(test_no_part_reaches_beyond_the_end),
        cmocka_unit_test(test_a_range_is_fresh_with_the_same_strong_tag_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
