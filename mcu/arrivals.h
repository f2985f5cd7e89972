// SPDX-License-Identifier: MIT
// The packets that one member was sent in the last seconds, and what its feedback told of each: the
// sums that the estimate of its link (bandwidth.h) is made of. Pure and not locked; a plain value
// inside of its owner.
#ifndef MCU_ARRIVALS_H
#define MCU_ARRIVALS_H

#include "mcu/bandwidth.h"

enum { ARRIVALS_MAX = 2048, ARRIVALS_SIZES = 4, ARRIVALS_SIZE_BYTES = 320 };

struct arrivals {
    struct {
        struct bandwidth_packet packet;
        unsigned round;      // that told of it last
    } entries[ARRIVALS_MAX]; // by time of sending
    int count;
    unsigned round;
    int64_t latest_ns; // arrival
    // What packets of a size take longer than the least ones, by themselves: see bandwidth.c.
    int64_t longer_ns[ARRIVALS_SIZES];
};

// Sizes are told apart this finely.
int arrivals_size_class(int size_bytes);

struct arrivals_tally {
    int64_t sent_bytes, received_bytes;
    int sent, received;
};

// A feedback begins: what is told of a packet again, is told by a later one.
void arrivals_begin_round(struct arrivals *arrivals);
// Feedback may tell of a packet again: that one which was missing came after all, or only what is
// known. False: no news.
bool arrivals_keep(struct arrivals *arrivals, const struct bandwidth_packet *packet);
// Those sent longer than this before the newest.
void arrivals_forget_older(struct arrivals *arrivals, int64_t span_ns);
void arrivals_clear(struct arrivals *arrivals);

int64_t arrivals_newest_sent_ns(const struct arrivals *arrivals); // 0: none
// What was sent within (from, until], and what of it came.
struct arrivals_tally arrivals_tally(const struct arrivals *arrivals, int64_t from_ns,
                                     int64_t until_ns);
double arrivals_loss(const struct arrivals_tally *tally); // 0 .. 1
int64_t arrivals_rate_bps(int64_t bytes, int64_t span_ns);
// In the time before the newest packet, and before the latest arrival.
int64_t arrivals_sent_bps(const struct arrivals *arrivals, int64_t span_ns);
int64_t arrivals_received_bps(const struct arrivals *arrivals, int64_t span_ns);

// Delays are less what a packet of that size takes longer by itself.
// The delays of the last packets that came, ascending; how many there are, at most max. *from_ns:
// when the first of them was sent.
int arrivals_newest_delays(const struct arrivals *arrivals, int max, int64_t *delays_ns,
                           int64_t *from_ns);
// The least delay of those sent within [from, until]; INT64_MAX: none came.
int64_t arrivals_least_delay_ns(const struct arrivals *arrivals, int64_t from_ns, int64_t until_ns);

#endif
