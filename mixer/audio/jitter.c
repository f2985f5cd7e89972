// SPDX-License-Identifier: MIT
// Each window keeps its samples twice, in order of arrival and sorted, so that minimum and
// percentile are a look-up and one packet costs one short memmove.
#include "mixer/audio/jitter.h"

#include <stdbool.h>
#include <string.h>

#define SLOT_NS INT64_C(10000000)

// The first place whose value is not below the given one.
static int lower_bound(const struct jitter_window *window, int64_t value_ns) {
    int low = 0, high = window->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (window->sorted_ns[middle] < value_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void sorted_remove(struct jitter_window *window, int64_t value_ns) {
    int at = lower_bound(window, value_ns);
    window->count--;
    memmove(&window->sorted_ns[at], &window->sorted_ns[at + 1],
            (size_t)(window->count - at) * sizeof(int64_t));
}

static void sorted_insert(struct jitter_window *window, int64_t value_ns) {
    int at = lower_bound(window, value_ns);
    memmove(&window->sorted_ns[at + 1], &window->sorted_ns[at],
            (size_t)(window->count - at) * sizeof(int64_t));
    window->sorted_ns[at] = value_ns;
    window->count++;
}

static void window_add(struct jitter_window *window, int64_t value_ns) {
    if (window->count == window->size)
        sorted_remove(window, window->in_order_ns[window->next]);
    sorted_insert(window, value_ns);
    window->in_order_ns[window->next] = value_ns;
    window->next = (window->next + 1) % window->size;
}

// The newest sample is still open: later packets of its slot may raise it.
static void window_raise_newest(struct jitter_window *window, int64_t value_ns) {
    int newest = (window->next + window->size - 1) % window->size;
    sorted_remove(window, window->in_order_ns[newest]);
    sorted_insert(window, value_ns);
    window->in_order_ns[newest] = value_ns;
}

static int64_t window_p95_ns(const struct jitter_window *window) {
    return window->sorted_ns[(window->count * 95 + 99) / 100 - 1];
}

void jitter_reset(struct jitter *jitter) {
    jitter->recent.size = JITTER_SHORT;
    jitter->past.size = JITTER_LONG;
    jitter->recent.count = jitter->recent.next = 0;
    jitter->past.count = jitter->past.next = 0;
}

void jitter_add(struct jitter *jitter, int64_t pts_ns, int64_t transit_ns) {
    bool is_same_slot = jitter->past.count > 0 && pts_ns >= jitter->slot_pts_ns &&
                        pts_ns < jitter->slot_pts_ns + SLOT_NS;
    if (!is_same_slot) {
        jitter->slot_pts_ns = pts_ns;
        jitter->slot_worst_ns = transit_ns;
        window_add(&jitter->recent, transit_ns);
        window_add(&jitter->past, transit_ns);
    } else if (transit_ns > jitter->slot_worst_ns) {
        jitter->slot_worst_ns = transit_ns;
        window_raise_newest(&jitter->recent, transit_ns);
        window_raise_newest(&jitter->past, transit_ns);
    }
}

int64_t jitter_base_ns(const struct jitter *jitter) {
    return jitter->past.count > 0 ? jitter->past.sorted_ns[0] : 0;
}

int64_t jitter_p95_ns(const struct jitter *jitter) {
    if (jitter->past.count == 0)
        return 0;
    int64_t recent_ns = window_p95_ns(&jitter->recent), past_ns = window_p95_ns(&jitter->past);
    return (recent_ns > past_ns ? recent_ns : past_ns) - jitter->past.sorted_ns[0];
}
