// SPDX-License-Identifier: MIT
// The bad link that the tests bring along does what it says: else what they show is worth nothing.
#include "tests/link/model.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

// The words of a setting, then NULL.
static struct link_model *make(uint64_t seed, const char *const *words) {
    struct link_settings settings;
    link_settings_init(&settings);
    for (; *words; words++)
        assert_int_equal(link_settings_set(&settings, *words), 0);
    struct link_model *model = link_model_create(&settings, seed);
    assert_non_null(model);
    return model;
}

#define MAKE(seed, ...) make(seed, (const char *const[]){__VA_ARGS__, NULL})

static void change(struct link_model *model, const char *word, int64_t now_ns) {
    struct link_settings settings = *link_model_settings(model);
    assert_int_equal(link_settings_set(&settings, word), 0);
    link_model_set(model, &settings, now_ns);
}

static void push(struct link_model *model, int number, size_t size_bytes, int64_t now_ns) {
    uint8_t packet[LINK_PACKET_BYTES_MAX] = {(uint8_t)number, (uint8_t)(number >> 8)};
    assert_int_equal(link_model_push(model, packet, size_bytes, now_ns), 0);
}

// The number of the next packet, and when it came out; -1 when none will.
static int take(struct link_model *model, int64_t *out_ns) {
    uint8_t packet[LINK_PACKET_BYTES_MAX];
    for (;;) {
        int64_t next_ns = link_model_next_ns(model);
        if (next_ns < 0)
            return -1;
        *out_ns = next_ns;
        if (link_model_pop(model, packet, next_ns) > 0)
            return packet[0] | packet[1] << 8;
    }
}

static void assert_near_ns(int64_t a, int64_t b) {
    assert_in_range(a - b + 1000, 0, 2000);
}

static void test_link_model_settings_are_read_or_refused(void **state) {
    struct link_settings settings;
    link_settings_init(&settings);
    assert_true(settings.keeps_order);
    assert_int_equal(link_settings_set(&settings, "rate=300"), 0);
    assert_int_equal(link_settings_set(&settings, "loss=2.5"), 0);
    assert_int_equal(link_settings_set(&settings, "order=free"), 0);
    assert_int_equal(link_settings_set(&settings, "jitter-over=400"), 0);
    assert_int_equal(settings.rate_kbps, 300);
    assert_true(settings.loss_percent == 2.5);
    assert_false(settings.keeps_order);
    assert_int_equal(settings.jitter_over_bytes, 400);
    static const char *const refused[] = {"rate",     "rate=",    "rate=x", "rate=-1",
                                          "loss=101", "order=no", "=3",     "speed=3",
                                          "rates=3",  "rate=3x",  "rat=3",  "loss=nan"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(link_settings_set(&settings, refused[i]), -EINVAL);
    assert_int_equal(settings.rate_kbps, 300);
}

static void test_link_model_without_settings_hands_on_at_once(void **state) {
    struct link_model *model = MAKE(1, "rate=0");
    int64_t out_ns;
    push(model, 7, 1200, 5 * MS);
    assert_int_equal(take(model, &out_ns), 7);
    assert_int_equal(out_ns, 5 * MS);
    assert_int_equal(link_model_next_ns(model), -1);
    link_model_destroy(model);
}

static void test_link_model_rate_spaces_packets_and_counts_the_wait(void **state) {
    struct link_model *model = MAKE(1, "rate=800", "delay=20"); // 100 bytes a millisecond
    int64_t out_ns;
    struct link_stats stats;
    for (int i = 0; i < 4; i++)
        push(model, i, 1000, 0);
    link_model_get_stats(model, &stats, 0);
    assert_near_ns(stats.queue_ns, 40 * MS);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(take(model, &out_ns), i);
        assert_near_ns(out_ns, 10 * MS * (i + 1) + 20 * MS);
    }
    link_model_get_stats(model, &stats, 100 * MS);
    assert_near_ns(stats.queue_max_ns, 30 * MS);
    assert_int_equal(stats.queue_ns, 0);
    assert_int_equal(stats.packets_out, 4);
    assert_int_equal(stats.bytes_out, 4000);
    link_model_destroy(model);
}

static void test_link_model_queue_drops_at_its_tail(void **state) {
    struct link_model *model = MAKE(1, "rate=800", "queue=50");
    struct link_stats stats;
    int64_t out_ns;
    for (int i = 0; i < 20; i++)
        push(model, i, 1000, 0);
    link_model_get_stats(model, &stats, 0);
    assert_int_equal(stats.packets_in, 20);
    assert_int_equal(stats.overflowed, 14); // one more than 50 ms of them may wait
    for (int i = 0; i < 6; i++)
        assert_int_equal(take(model, &out_ns), i);
    assert_int_equal(take(model, &out_ns), -1);
    link_model_destroy(model);
}

static void test_link_model_queue_in_bytes_drops_as_well(void **state) {
    struct link_model *model = MAKE(1, "rate=800", "queue-bytes=2500");
    struct link_stats stats;
    for (int i = 0; i < 5; i++)
        push(model, i, 1000, 0);
    link_model_get_stats(model, &stats, 0);
    assert_int_equal(stats.overflowed, 3);
    link_model_destroy(model);
}

static void test_link_model_new_rate_holds_for_those_who_wait(void **state) {
    struct link_model *model = MAKE(1, "rate=800");
    int64_t out_ns;
    push(model, 0, 1000, 0);
    push(model, 1, 1000, 0);
    change(model, "rate=80", 5 * MS); // half of the first one is out
    assert_int_equal(take(model, &out_ns), 0);
    assert_near_ns(out_ns, 55 * MS);
    assert_int_equal(take(model, &out_ns), 1);
    assert_near_ns(out_ns, 155 * MS);
    link_model_destroy(model);
}

// Which of 2000 packets arrive.
static int arrivals(uint64_t seed, const char *word, bool out[2000]) {
    struct link_model *model = MAKE(seed, "loss=10", word);
    int64_t out_ns;
    int count = 0, number;
    memset(out, 0, 2000 * sizeof(*out));
    for (int i = 0; i < 2000; i++)
        push(model, i, 500, i * MS);
    while ((number = take(model, &out_ns)) >= 0) {
        out[number] = true;
        count++;
    }
    struct link_stats stats;
    link_model_get_stats(model, &stats, 5000 * MS);
    assert_int_equal(stats.lost + stats.packets_out, 2000);
    link_model_destroy(model);
    return count;
}

static void test_link_model_loss_is_as_asked_and_repeats_by_seed(void **state) {
    bool once[2000], again[2000], other[2000], with_jitter[2000];
    int count = arrivals(11, "delay=1", once);
    assert_in_range(count, 1740, 1860);
    arrivals(11, "delay=1", again);
    arrivals(11, "jitter=40", with_jitter);
    arrivals(12, "delay=1", other);
    assert_memory_equal(once, again, sizeof(once));
    assert_memory_equal(once, with_jitter, sizeof(once));
    assert_memory_not_equal(once, other, sizeof(once));
}

// How often a packet came out after a later one; the least and the most it was on its way.
static int disorder(struct link_model *model, size_t size_bytes, int64_t *least_ns,
                    int64_t *most_ns) {
    int before = 0, number, last = -1;
    int64_t out_ns;
    *least_ns = INT64_MAX;
    *most_ns = 0;
    for (int i = 0; i < 1000; i++)
        push(model, i, size_bytes, i * 5 * MS);
    while ((number = take(model, &out_ns)) >= 0) {
        int64_t way_ns = out_ns - number * 5 * MS;
        *least_ns = way_ns < *least_ns ? way_ns : *least_ns;
        *most_ns = way_ns > *most_ns ? way_ns : *most_ns;
        before += number < last;
        last = number;
    }
    link_model_destroy(model);
    return before;
}

static void test_link_model_jitter_keeps_order_unless_told(void **state) {
    int64_t least_ns, most_ns;
    assert_int_equal(disorder(MAKE(1, "delay=10", "jitter=40"), 500, &least_ns, &most_ns), 0);
    assert_in_range(least_ns, 10 * MS, 30 * MS);
    assert_in_range(most_ns, 45 * MS, 50 * MS);
    assert_true(disorder(MAKE(1, "delay=10", "jitter=40", "order=free"), 500, &least_ns, &most_ns) >
                100);
    assert_in_range(least_ns, 10 * MS, 11 * MS);
    assert_in_range(most_ns, 49 * MS, 50 * MS);
}

static void test_link_model_jitter_can_spare_small_packets(void **state) {
    struct link_model *model = MAKE(1, "delay=10", "jitter=100", "jitter-over=400");
    int64_t out_ns, late_ns = 0;
    for (int i = 0; i < 100; i++)
        push(model, i, i % 2 ? 400 : 401, i * 10 * MS);
    int number;
    while ((number = take(model, &out_ns)) >= 0) {
        int64_t way_ns = out_ns - number * 10 * MS;
        if (number % 2)
            assert_int_equal(way_ns, 10 * MS);
        else if (way_ns > late_ns)
            late_ns = way_ns;
    }
    assert_true(late_ns > 80 * MS);
    link_model_destroy(model);
}

static void test_link_model_figures_begin_anew(void **state) {
    struct link_model *model = MAKE(1, "rate=800", "queue=10");
    struct link_stats stats;
    for (int i = 0; i < 5; i++)
        push(model, i, 1000, 0);
    link_model_reset_stats(model);
    link_model_get_stats(model, &stats, 0);
    assert_int_equal(stats.packets_in, 0);
    assert_int_equal(stats.overflowed, 0);
    assert_true(stats.queue_ns > 0); // not a count: it is still there
    link_model_destroy(model);
}

static void test_link_model_refuses_what_is_no_packet(void **state) {
    struct link_model *model = MAKE(1, "rate=800");
    uint8_t large[LINK_PACKET_BYTES_MAX + 1] = {0};
    assert_int_equal(link_model_push(model, large, sizeof(large), 0), -EMSGSIZE);
    assert_int_equal(link_model_push(model, large, 0, 0), -EMSGSIZE);
    link_model_destroy(model);
    link_model_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_model_settings_are_read_or_refused),
        cmocka_unit_test(test_link_model_without_settings_hands_on_at_once),
        cmocka_unit_test(test_link_model_rate_spaces_packets_and_counts_the_wait),
        cmocka_unit_test(test_link_model_queue_drops_at_its_tail),
        cmocka_unit_test(test_link_model_queue_in_bytes_drops_as_well),
        cmocka_unit_test(test_link_model_new_rate_holds_for_those_who_wait),
        cmocka_unit_test(test_link_model_loss_is_as_asked_and_repeats_by_seed),
        cmocka_unit_test(test_link_model_jitter_keeps_order_unless_told),
        cmocka_unit_test(test_link_model_jitter_can_spare_small_packets),
        cmocka_unit_test(test_link_model_figures_begin_anew),
        cmocka_unit_test(test_link_model_refuses_what_is_no_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
