// SPDX-License-Identifier: MIT
// How often something took how long: counts in fixed classes, as Prometheus' histograms want them.
// Adding is a single atomic addition or two: RT safe, any thread.
#ifndef MIXER_HISTOGRAM_H
#define MIXER_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_CLASSES = 14 };

// The upper bounds of the classes but the last, which has none: 0.5 ms to 5 s.
extern const int64_t histogram_bounds_ns[HISTOGRAM_CLASSES - 1];

struct histogram { // zeroed is empty
    atomic_uint_fast64_t counts[HISTOGRAM_CLASSES];
    atomic_int_fast64_t sum_ns;
};

struct histogram_counts { // a copy; not cumulated
    uint64_t counts[HISTOGRAM_CLASSES];
    int64_t sum_ns;
};

void histogram_add(struct histogram *histogram, int64_t value_ns); // negative counts as 0
// *out += what was counted.
void histogram_sum(const struct histogram *histogram, struct histogram_counts *out);
void histogram_merge(struct histogram_counts *out, const struct histogram_counts *more);

#endif
