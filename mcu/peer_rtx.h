// SPDX-License-Identifier: MIT
// How much of what a client misses is sent again. rtprtxsend answers every NACK; on a link that is
// too narrow that loses more, and so on: 1.5 Mbit/s became 123. So there is an allowance, and the
// same packet is not sent twice before the first could have arrived. Pure; the caller's one thread.
#ifndef MCU_PEER_RTX_H
#define MCU_PEER_RTX_H

#include <stdbool.h>
#include <stdint.h>

enum { PEER_RTX_SLOTS = 512 };

struct peer_rtx {
    double unpaced_bps, bps; // the allowance
    int pace_kbps;
    double credit_bits;
    int64_t refilled_ns;
    struct {
        uint32_t ssrc, sequence;
        int64_t served_ns; // 0 never
        int times;
    } slots[PEER_RTX_SLOTS];
};

// The allowance is a fifth of what is sent, but not less than 300 kbit/s. A quarter of a second of
// it may be spent at once.
void peer_rtx_init(struct peer_rtx *rtx, int sent_kbps, int64_t now_ns);
// A fifth of what the link takes, once that is known: at least 50 kbit/s, and what a keyframe on a
// bad link loses may be repaired at once. 0: not known, as at the beginning.
void peer_rtx_set_pace(struct peer_rtx *rtx, int kbps);
// Whether to send it again: three times at most. It is counted as sent then.
bool peer_rtx_allows(struct peer_rtx *rtx, uint32_t ssrc, uint32_t sequence, int64_t now_ns);

#endif
