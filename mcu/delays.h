// SPDX-License-Identifier: MIT
// What packets take on an empty way: the least of the last 15 to 30 s, for each of a few sizes. A
// narrow link takes long over a large packet, 64 ms for 1200 bytes at 150 kbit/s, and that is no
// queue. Pure and not locked; a plain value inside of its owner.
#ifndef MCU_DELAYS_H
#define MCU_DELAYS_H

#include "mcu/arrivals.h"

struct delays {
    bool has_base;
    int64_t base_ns[2][ARRIVALS_SIZES], turned_ns, last_ns;
};

void delays_forget(struct delays *delays);
// delay: received by their clock less sent by ours, whatever the difference of the two.
void delays_learn(struct delays *delays, int64_t delay_ns, int size_bytes, int64_t now_ns);
int64_t delays_base_ns(const struct delays *delays); // of the smallest
// What packets of each size take longer than the smallest: what they ever did, at most; but not
// longer than a link of this capacity takes over their bytes.
void delays_get_longer(const struct delays *delays, int64_t capacity_bps,
                       int64_t longer_ns[ARRIVALS_SIZES]);

#endif
