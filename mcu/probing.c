// SPDX-License-Identifier: MIT
#include "mcu/probing.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define MS          INT64_C(1000000)
#define LEAST_BITS  48000 // five full packets: fewer tell little
#define SPAN_MAX    (400 * MS)
#define SPAN_UNUSED (80 * MS)
#define GRACE       (2000 * MS) // what it left is gone by then

double probing_gain(int64_t capacity_bps, bool is_bold) {
    if (capacity_bps < PROBING_THIN_BPS) // a large frame may come on top
        return 1.4;
    return is_bold ? 2 : 1.5;
}

// That leaves such a queue where the capacity is all there is.
static int64_t span_for_ns(int64_t queue_ns, double gain) {
    return (int64_t)((double)queue_ns / MAX(gain - 1, 0.25));
}

int64_t probing_span_ns(int64_t capacity_bps, int64_t sent_bps, double gain) {
    bool is_thin = capacity_bps < PROBING_THIN_BPS;
    int64_t span_ns = span_for_ns(is_thin ? PROBING_QUEUE_NS * 3 / 4 : PROBING_QUEUE_NS, gain);
    if ((double)sent_bps < (double)capacity_bps * 0.75)
        span_ns = MAX(span_ns / 2, SPAN_UNUSED); // who knows whether it is still there
    int64_t telling_ns = (int64_t)(LEAST_BITS * 1e9 / ((double)capacity_bps * gain));
    int64_t most_ns = MIN(span_for_ns(PROBING_QUEUE_NS * 5 / 4, gain), SPAN_MAX);
    return MAX(span_ns, MIN(telling_ns, most_ns));
}

int64_t probing_left_ns(int64_t ended_ns, int64_t sent_ns) {
    double left = 1 - (double)MAX(sent_ns - ended_ns, 0) / (double)GRACE;
    return ended_ns ? (int64_t)((double)(PROBING_QUEUE_NS * 5 / 4) * MAX(left, 0)) : 0;
}
