// SPDX-License-Identifier: MIT
#include "mixer/histogram.h"

#define MS INT64_C(1000000)

const int64_t histogram_bounds_ns[HISTOGRAM_CLASSES - 1] = {
    MS / 2,  1 * MS,   2 * MS,   5 * MS,   10 * MS,   20 * MS,   40 * MS,
    80 * MS, 160 * MS, 320 * MS, 640 * MS, 1280 * MS, 5000 * MS,
};

void histogram_add(struct histogram *histogram, int64_t value_ns) {
    int which = 0;
    value_ns = value_ns < 0 ? 0 : value_ns;
    while (which < HISTOGRAM_CLASSES - 1 && value_ns > histogram_bounds_ns[which])
        which++;
    atomic_fetch_add_explicit(&histogram->counts[which], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, value_ns, memory_order_relaxed);
}

void histogram_sum(const struct histogram *histogram, struct histogram_counts *out) {
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        out->counts[i] += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
    out->sum_ns += atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
}

void histogram_merge(struct histogram_counts *out, const struct histogram_counts *more) {
    for (int i = 0; i < HISTOGRAM_CLASSES; i++)
        out->counts[i] += more->counts[i];
    out->sum_ns += more->sum_ns;
}
