// SPDX-License-Identifier: MIT
// Silence: 200 ms of it are encoded, so that every tail is out; then one packet of a lone header
// says that the sender has stopped (RFC 6716 3.1: a frame of no bytes), and from then on a frame
// every 380 ms keeps the receiver's clock and the NAT's memory alive. libopus's own DTX is not
// used: its voice detector takes a steady tone for noise.
#include "mixer/audio/outlet.h"

#include "mixer/audio/limiter.h"

#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    PACKET_MAX = 1275,
    TAIL_TICKS = 10,
    REFRESH_TICKS = 19,
    COMPLEXITY = 5,
    EXPECTED_LOSS_PERCENT = 10,
};

struct outlet {
    OpusEncoder *opus;
    struct limiter limiter;
    uint64_t next_tick; // what the encoder's state expects; else it is stale
    int silent_ticks;
    uint8_t toc; // of the last packet
    bool must_not_predict;
    float last[OUTLET_FRAME]; // the frame encoded last, limited
};

struct outlet *outlet_create(int kbps) {
    struct outlet *outlet = calloc(1, sizeof(*outlet));
    if (!outlet)
        return NULL;
    // VOIP: hybrid at this rate, the only mode that carries FEC, and one mode for all outlets.
    outlet->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    if (!outlet->opus) {
        free(outlet);
        return NULL;
    }
    opus_encoder_ctl(outlet->opus, OPUS_SET_BITRATE(kbps * 1000));
    opus_encoder_ctl(outlet->opus, OPUS_SET_COMPLEXITY(COMPLEXITY));
    opus_encoder_ctl(outlet->opus, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(outlet->opus, OPUS_SET_PACKET_LOSS_PERC(EXPECTED_LOSS_PERCENT));
    limiter_init(&outlet->limiter);
    return outlet;
}

void outlet_destroy(struct outlet *outlet) {
    if (!outlet)
        return;
    opus_encoder_destroy(outlet->opus);
    free(outlet);
}

// A stale encoder knows of a sound long past: it is begun anew and shown the frame before, whose
// packet nobody gets. What runs for others already can only stop relying on what came before, for
// one frame.
void outlet_welcome(struct outlet *outlet, const struct outlet *from, uint64_t tick) {
    bool is_stale = outlet->next_tick != tick;
    outlet->silent_ticks = 0;
    if (is_stale)
        opus_encoder_ctl(outlet->opus, OPUS_RESET_STATE);
    if (!from || from->next_tick != tick)
        return;
    outlet->must_not_predict = true;
    if (!is_stale)
        return;
    uint8_t unused[PACKET_MAX];
    if (opus_encode_float(outlet->opus, from->last, OUTLET_FRAME, unused, sizeof(unused)) < 0)
        opus_encoder_ctl(outlet->opus, OPUS_RESET_STATE);
    outlet->limiter = from->limiter;
}

static bool is_all_zero(const float *pcm) {
    for (int i = 0; i < OUTLET_FRAME; i++)
        if (pcm[i] != 0)
            return false;
    return true;
}

static struct packet *encode(struct outlet *outlet, const float *pcm, uint64_t *encodes) {
    uint8_t data[PACKET_MAX];
    opus_encoder_ctl(outlet->opus, OPUS_SET_PREDICTION_DISABLED(outlet->must_not_predict));
    outlet->must_not_predict = false;
    ++*encodes;
    int size = opus_encode_float(outlet->opus, pcm, OUTLET_FRAME, data, sizeof(data));
    if (size <= 0)
        return NULL;
    outlet->toc = data[0];
    return packet_create(PACKET_AUDIO, data, (size_t)size);
}

struct packet *outlet_encode(struct outlet *outlet, float pcm[OUTLET_FRAME], uint64_t tick,
                             uint64_t *encodes) {
    limiter_process(&outlet->limiter, pcm);
    memcpy(outlet->last, pcm, sizeof(outlet->last));
    outlet->next_tick = tick + 1;
    outlet->silent_ticks = is_all_zero(pcm) ? outlet->silent_ticks + 1 : 0;
    int stopped_ticks = outlet->silent_ticks - TAIL_TICKS - 1;
    bool is_refresh = stopped_ticks >= REFRESH_TICKS && stopped_ticks % REFRESH_TICKS == 0;
    if (stopped_ticks < 0 || is_refresh)
        return encode(outlet, pcm, encodes);
    bool is_after_refresh = stopped_ticks > REFRESH_TICKS && stopped_ticks % REFRESH_TICKS == 1;
    if (stopped_ticks > 0 && !is_after_refresh)
        return NULL;
    uint8_t header = outlet->toc & 0xfc; // one frame
    return packet_create(PACKET_AUDIO, &header, 1);
}
