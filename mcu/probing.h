// SPDX-License-Identifier: MIT
// How much a probe sends, and for how long: so that a link which is full already is left with a
// tenth of a second of queue and no more (bandwidth.c). Pure.
#ifndef MCU_PROBING_H
#define MCU_PROBING_H

#include <stdbool.h>
#include <stdint.h>

#define PROBING_QUEUE_NS INT64_C(100000000) // left behind at most
#define PROBING_THIN_BPS 200000             // below it packets are few and large

// Of all that is sent meanwhile, by the capacity. Bold: the last one succeeded.
double probing_gain(int64_t capacity_bps, bool is_bold);
int64_t probing_span_ns(int64_t capacity_bps, int64_t sent_bps, double gain);
// What one that ended then may have left in the queue for packets sent at this time. 0 ended: none.
int64_t probing_left_ns(int64_t ended_ns, int64_t sent_ns);

#endif
