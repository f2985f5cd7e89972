// SPDX-License-Identifier: MIT
// The estimate over what browsers behind bad links really told: recorded feedback, played as it
// came. What was sent then cannot be changed any more, so this asks only whether the link is judged
// rightly.
#include "mcu/bandwidth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FEEDBACK_MAX = 2000, PACKETS_MAX = 512 };
#define US        INT64_C(1000)
#define SECOND_NS INT64_C(1000000000)
#define START_BPS 900000

struct moment {
    int64_t at_ns, estimate_bps, queue_ns;
};

struct replay {
    struct bandwidth *bandwidth;
    struct bandwidth_packet packets[PACKETS_MAX];
    int packet_count;
    int64_t now_ns, sent_ns;
    struct moment moments[FEEDBACK_MAX];
    int count;
    int told_at; // the feedback before which the link was told something last
};

static void feed(struct replay *replay) {
    if (replay->packet_count == 0 || replay->count == FEEDBACK_MAX)
        return;
    struct bandwidth_view view;
    bandwidth_add(replay->bandwidth, replay->packets, replay->packet_count, replay->now_ns);
    bandwidth_tick(replay->bandwidth, replay->now_ns);
    bandwidth_get(replay->bandwidth, &view);
    replay->moments[replay->count++] =
        (struct moment){replay->now_ns, view.estimate_bps, view.queue_ns};
    replay->packet_count = 0;
}

static void add_packet(struct replay *replay, const char *line) {
    long sent_us, way_us;
    char way[32];
    int size;
    assert_int_equal(sscanf(line, "%ld %31s %d", &sent_us, way, &size), 3);
    assert_true(replay->packet_count < PACKETS_MAX);
    way_us = strtol(way, NULL, 10);
    replay->sent_ns += sent_us * US;
    // The far clock's epoch is nobody's business; it only must not be negative, which says "lost".
    int64_t received_ns = way[0] == '-' && !way[1] ? -1 : replay->sent_ns + way_us * US + SECOND_NS;
    replay->packets[replay->packet_count++] =
        (struct bandwidth_packet){replay->sent_ns, received_ns, size};
}

static struct replay *play(const char *name) {
    struct replay *replay = calloc(1, sizeof(*replay));
    char path[128], line[128];
    snprintf(path, sizeof(path), "tests/unit/traces/%s.txt", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    replay->bandwidth = bandwidth_create(START_BPS, 30000, 100000000);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        if (line[0] != '@' && line[0] != '!') {
            add_packet(replay, line);
            continue;
        }
        feed(replay);
        if (line[0] == '!')
            replay->told_at = replay->count;
        else
            replay->now_ns = strtol(line + 1, NULL, 10) * US;
    }
    feed(replay);
    fclose(file);
    assert_true(replay->count > 100);
    return replay;
}

static void replay_free(struct replay *replay) {
    bandwidth_destroy(replay->bandwidth);
    free(replay);
}

// The least and the greatest estimate between two times after the link was told something last.
static void range(const struct replay *replay, int from_s, int until_s, int64_t *least_bps,
                  int64_t *greatest_bps) {
    int64_t told_ns = replay->moments[replay->told_at].at_ns;
    *least_bps = INT64_MAX;
    *greatest_bps = 0;
    for (int i = replay->told_at; i < replay->count; i++) {
        const struct moment *moment = &replay->moments[i];
        if (moment->at_ns < told_ns + from_s * SECOND_NS ||
            moment->at_ns > told_ns + until_s * SECOND_NS)
            continue;
        *least_bps = moment->estimate_bps < *least_bps ? moment->estimate_bps : *least_bps;
        *greatest_bps = moment->estimate_bps > *greatest_bps ? moment->estimate_bps : *greatest_bps;
    }
    assert_true(*greatest_bps > 0);
}

static void test_trace_of_a_drop_to_300_kbps_is_followed_in_time(void **state) {
    (void)state;
    struct replay *replay = play("drop");
    int64_t least_bps, greatest_bps;
    assert_true(replay->moments[replay->told_at - 1].estimate_bps > 500000);
    range(replay, 2, 11, &least_bps, &greatest_bps);
    assert_true(greatest_bps <= 350000);
    assert_true(least_bps >= 100000);
    replay_free(replay);
}

static void test_trace_of_loss_and_jitter_is_taken_for_no_narrow_link(void **state) {
    (void)state;
    struct replay *replay = play("lossy");
    int64_t least_bps, greatest_bps;
    range(replay, 0, 20, &least_bps, &greatest_bps);
    assert_true(least_bps >= START_BPS * 9 / 10);
    replay_free(replay);
}

static void test_trace_of_150_kbps_ends_within_its_means(void **state) {
    (void)state;
    struct replay *replay = play("thin");
    int64_t least_bps, greatest_bps;
    range(replay, 5, 20, &least_bps, &greatest_bps);
    assert_true(greatest_bps <= 250000);
    assert_true(least_bps >= 60000);
    replay_free(replay);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_of_a_drop_to_300_kbps_is_followed_in_time),
        cmocka_unit_test(test_trace_of_loss_and_jitter_is_taken_for_no_narrow_link),
        cmocka_unit_test(test_trace_of_150_kbps_ends_within_its_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
