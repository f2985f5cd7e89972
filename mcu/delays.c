// SPDX-License-Identifier: MIT
#include "mcu/delays.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define SECOND    INT64_C(1000000000)
#define BASE_TURN (15 * SECOND)

static void forget_bases(int64_t *base_ns) {
    for (int size = 0; size < ARRIVALS_SIZES; size++)
        base_ns[size] = INT64_MAX;
}

void delays_forget(struct delays *delays) {
    delays->has_base = false;
}

static void turn(struct delays *delays, int64_t now_ns) {
    if (!delays->has_base) {
        forget_bases(delays->base_ns[0]);
        forget_bases(delays->base_ns[1]);
    } else if (now_ns - delays->turned_ns > BASE_TURN) {
        memcpy(delays->base_ns[1], delays->base_ns[0], sizeof(delays->base_ns[1]));
        forget_bases(delays->base_ns[0]);
    } else {
        return;
    }
    delays->has_base = true;
    delays->turned_ns = now_ns;
}

// A smaller packet would have come as soon as this one, at least.
void delays_learn(struct delays *delays, int64_t delay_ns, int size_bytes, int64_t now_ns) {
    turn(delays, now_ns);
    for (int size = arrivals_size_class(size_bytes); size >= 0; size--)
        delays->base_ns[0][size] = MIN(delays->base_ns[0][size], delay_ns);
    delays->last_ns = delay_ns;
}

static int64_t base_of_size_ns(const struct delays *delays, int size) {
    return MIN(delays->base_ns[0][size], delays->base_ns[1][size]);
}

int64_t delays_base_ns(const struct delays *delays) {
    return base_of_size_ns(delays, 0);
}

void delays_get_longer(const struct delays *delays, int64_t capacity_bps,
                       int64_t longer_ns[ARRIVALS_SIZES]) {
    longer_ns[0] = 0;
    for (int size = 1; size < ARRIVALS_SIZES; size++) {
        int64_t bits = (int64_t)size * ARRIVALS_SIZE_BYTES * 8;
        int64_t most_ns = bits * SECOND / capacity_bps;
        int64_t known_ns = base_of_size_ns(delays, size);
        longer_ns[size] =
            known_ns == INT64_MAX ? most_ns : MIN(known_ns - base_of_size_ns(delays, 0), most_ns);
    }
}
