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
    double bps; // the allowance; a quarter of a second of it may be spent at once
    double credit_bits;
    int64_t refilled_ns;
    struct {
        uint32_t ssrc, sequence;
        int64_t served_ns; // 0 never
    } slots[PEER_RTX_SLOTS];
};

// The allowance is a fifth of what is sent, but not less than 300 kbit/s.
void peer_rtx_init(struct peer_rtx *rtx, int sent_kbps, int64_t now_ns);
// Whether to send it again. It is counted as sent then.
bool peer_rtx_allows(struct peer_rtx *rtx, uint32_t ssrc, uint32_t sequence, int64_t now_ns);

#endif
