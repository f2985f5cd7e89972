// SPDX-License-Identifier: MIT
// How much one member's link can take, from what the feedback tells of each packet sent: pure
// mathematics over times that come in as arguments; explained in bandwidth.c. Not locked.
//
// Falls at once when packets begin to queue up or when less arrives than was sent; ignores losses
// that come without a queue; rises only after something was sent at that rate and arrived: media,
// or a probe that it asks for.
#ifndef MCU_BANDWIDTH_H
#define MCU_BANDWIDTH_H

#include <stdbool.h>
#include <stdint.h>

struct bandwidth_packet {
    int64_t sent_ns;     // our clock
    int64_t received_ns; // theirs, whatever its epoch; -1: lost
    int size_bytes;      // with headers
};

// Why the estimate is what it is: for people who ask.
enum bandwidth_reason {
    BANDWIDTH_START, // nothing is known yet
    BANDWIDTH_STEADY,
    BANDWIDTH_QUEUE,   // packets queued up
    BANDWIDTH_LOSS,    // more was lost than chance loses
    BANDWIDTH_SILENCE, // no feedback for a while
    BANDWIDTH_PROBE,   // a probe arrived: there is more room
    BANDWIDTH_REASONS,
};
const char *bandwidth_reason_name(enum bandwidth_reason reason);

struct bandwidth_view {
    int64_t estimate_bps;
    int64_t received_bps, sent_bps; // over the last half second or so
    int64_t queue_ns;               // what waits in the network now
    double loss;                    // 0 .. 1, over the last seconds
    enum bandwidth_reason reason;   // of the last change
};

struct bandwidth_probe {
    int kbps, duration_ms; // of all that is sent meanwhile, media included; 0: none now
};

struct bandwidth;

// start_bps: believed until something is known. The estimate stays within min and max.
struct bandwidth *bandwidth_create(int64_t start_bps, int64_t min_bps, int64_t max_bps);
void bandwidth_destroy(struct bandwidth *bandwidth); // NULL is allowed

// A feedback's packets in the order of sending.
void bandwidth_add(struct bandwidth *bandwidth, const struct bandwidth_packet *packets, int count,
                   int64_t now_ns);
void bandwidth_set_rtt_ns(struct bandwidth *bandwidth, int64_t rtt_ns);
// Feedback that stopped coming is bad news too: to be called a few times a second.
void bandwidth_tick(struct bandwidth *bandwidth, int64_t now_ns);
// Whether more would be of use, and how much: no probe is asked for beyond wanted_bps. Tells when
// one is due, at most once for each (the caller sends it).
struct bandwidth_probe bandwidth_take_probe(struct bandwidth *bandwidth, int64_t wanted_bps,
                                            int64_t now_ns);
void bandwidth_get(const struct bandwidth *bandwidth, struct bandwidth_view *out);

#endif
