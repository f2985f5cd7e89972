// SPDX-License-Identifier: MIT
// Finds flashes and beeps (lively.h) in what a client received, afterwards: decoding on the way
// would shift what is measured. Any thread.
#ifndef TESTS_PEER_WATCH_H
#define TESTS_PEER_WATCH_H

#include "tests/peer/client.h"

struct watch_skew { // the sound's time minus the picture's
    double least_ms, median_ms, most_ms;
    int outside; // of what ITU-R BT.1359 finds acceptable: 45 ms before to 125 ms after
};

struct watch {
    int flashes, beeps, pairs;
    struct watch_skew timeline; // as a player shows it that obeys the sender reports
    struct watch_skew arrival;  // as a player shows it that does not wait
};

// What came within settle_ns of the first packet does not count.
void watch_flashes(const struct client_packet *packets, int count, const struct client_tile *tile,
                   int64_t settle_ns, struct watch *out);

#endif
