// SPDX-License-Identifier: MIT
// Something that a peer does a little later: one thread for all peers, asleep while nothing is due.
// It is there from the first timer set until no peer is left (peer_timer_finish()). Any thread.
#ifndef MCU_PEER_TIMER_H
#define MCU_PEER_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct peer;

struct peer_timer {
    struct peer *peer;
    // On the timers' thread, inside peer_enter(): must be short. Returns when it is due again, or
    // -1.
    int64_t (*run)(struct peer *peer, int64_t now_ns);
    // Protected by the timers' lock.
    struct peer_timer *next, *previous;
    int64_t due_ns;
    bool is_set; // then it keeps a reference to the peer
};

// The sooner wins when it is set already.
void peer_timer_set(struct peer_timer *timer, int64_t due_ns);
void peer_timer_cancel(struct peer_timer *timer);
// Ends the thread and waits for its end; the next timer that is set starts another.
void peer_timer_finish(void);

#endif
