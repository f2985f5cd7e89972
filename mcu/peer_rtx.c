// SPDX-License-Identifier: MIT
#include "mcu/peer_rtx.h"

#include <string.h>

enum {
    BPS_MIN = 300000,
    PACED_BPS_MIN = 50000,
    PACKET_BITS = 1200 * 8,
    BURST_BITS_MIN = 7 * PACKET_BITS,
    TIMES_MAX = 3,
};
static const int64_t again_ns = 80000000;      // sooner, the first answer is still on its way
static const int64_t another_ns = 10000000000; // later, the same number is another packet

void peer_rtx_init(struct peer_rtx *rtx, int sent_kbps, int64_t now_ns) {
    memset(rtx, 0, sizeof(*rtx));
    double share = sent_kbps * 1000.0 / 5;
    rtx->bps = rtx->unpaced_bps = share > BPS_MIN ? share : BPS_MIN;
    rtx->credit_bits = rtx->bps / 4;
    rtx->refilled_ns = now_ns;
}

void peer_rtx_set_pace(struct peer_rtx *rtx, int kbps) {
    if (kbps == rtx->pace_kbps)
        return;
    double share = kbps * 1000.0 / 5;
    rtx->pace_kbps = kbps;
    rtx->bps = kbps <= 0 ? rtx->unpaced_bps : share > PACED_BPS_MIN ? share : PACED_BPS_MIN;
}

static void refill(struct peer_rtx *rtx, int64_t now_ns) {
    double most = rtx->bps / 4 > BURST_BITS_MIN ? rtx->bps / 4 : BURST_BITS_MIN;
    rtx->credit_bits += rtx->bps * (double)(now_ns - rtx->refilled_ns) / 1e9;
    if (rtx->credit_bits > most)
        rtx->credit_bits = most;
    rtx->refilled_ns = now_ns;
}

bool peer_rtx_allows(struct peer_rtx *rtx, uint32_t ssrc, uint32_t sequence, int64_t now_ns) {
    refill(rtx, now_ns);
    __typeof__(rtx->slots[0]) *slot = &rtx->slots[sequence % PEER_RTX_SLOTS];
    bool is_known = slot->served_ns && slot->ssrc == ssrc && slot->sequence == sequence &&
                    now_ns - slot->served_ns < another_ns;
    bool is_on_its_way = is_known && now_ns - slot->served_ns < again_ns;
    if (is_on_its_way || (is_known && slot->times >= TIMES_MAX) || rtx->credit_bits < PACKET_BITS)
        return false;
    rtx->credit_bits -= PACKET_BITS;
    slot->times = is_known ? slot->times + 1 : 1;
    slot->ssrc = ssrc;
    slot->sequence = sequence;
    slot->served_ns = now_ns;
    return true;
}
