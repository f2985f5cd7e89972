// SPDX-License-Identifier: MIT
// Finds flashes and beeps (lively.h) in what a client received, or in a file's packets, afterwards:
// decoding on the way would shift what is measured. Any thread.
#ifndef TESTS_PEER_WATCH_H
#define TESTS_PEER_WATCH_H

#include "tests/peer/client.h"

enum { WATCH_EVENTS_MAX = 128 };

struct watch_place { // where the one who flashes is in the picture
    int64_t from_ns; // on the timeline
    struct client_rect at;
};

struct watch_pair { // on the timeline
    int64_t flash_ns, beep_ns;
};

struct watch_skew { // the sound's time minus the picture's
    double least_ms, median_ms, most_ms;
    int outside; // of what ITU-R BT.1359 finds acceptable: 45 ms before to 125 ms after
};

struct watch {
    int flashes, beeps, pairs;
    struct watch_pair all[WATCH_EVENTS_MAX];
    struct watch_skew timeline; // as a player shows it that obeys the sender reports
    struct watch_skew arrival;  // as a player shows it that does not wait
};

// places: by time, the first from the beginning. What came within settle_ns of the first packet
// does not count. A beep is 1 kHz; others may speak at 200, 600, 1400, 1800 Hz, ...
void watch_flashes(const struct client_packet *packets, int count, const struct watch_place *places,
                   int place_count, int64_t settle_ns, struct watch *out);
// Of some of the pairs, on the timeline.
struct watch_skew watch_skew_of(const struct watch_pair *pairs, int count);

#endif
