// SPDX-License-Identifier: MIT
// Silence: 200 ms of it are encoded, so that every tail is out; then one packet of a lone header
// says that the sender has stopped (RFC 6716 3.1: a frame of no bytes), and from then on a packet
// every 360 ms keeps the receiver's clock and the NAT's memory alive. libopus's own DTX is not
// used: its voice detector takes a steady tone for noise.
//
// FEC: libopus puts it in only where it finds the bitrate high enough for the band, the threshold
// falling as the loss that it is told rises (opus_encoder.c, decide_fec). At 32 kbit/s that needs
// 10 %: less, and there is none. Wideband at 14 kbit/s never gets any, whatever the loss: there FEC
// comes on top.
#include "mixer/audio/outlet.h"

#include "mixer/audio/limiter.h"

#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    PACKET_MAX = 1275,
    TAIL_TICKS = 10,
    REFRESH_TICKS = 18, // a multiple of OUTLET_THRIFTY_TICKS; with the wait for a packet to fill
                        // never more than 400 ms
    LOSS_MIN_PERCENT = 10,
    LOSS_MAX_PERCENT = 30,
    LOSS_SLACK_PERCENT = 2, // so much less, and it counts as less
    COMPLEXITY = 5,
    THRIFTY_COMPLEXITY = 9,
    THRIFTY_LOSS_MIN_PERCENT = 5,
    // With so much loss FEC is worth its bits: told 25 %, libopus keeps it up in wideband at
    // 14 + 4 kbit/s, once it has begun at a higher rate.
    THRIFTY_FEC_FROM_PERCENT = 3,
    THRIFTY_FEC_TOLD_PERCENT = 25,
    THRIFTY_FEC_KBPS = 4,
    THRIFTY_FEC_BEGIN_KBPS = 14,
};
#define FRAME_NS INT64_C(20000000)

struct outlet {
    OpusEncoder *opus;
    struct limiter limiter;
    int kbps, loss_percent;
    int packet_ticks;
    uint64_t next_tick; // what the encoder's state expects; else it is stale
    int silent_packets;
    uint8_t toc; // of the last packet
    bool must_not_predict;
    bool has_extra_fec, must_begin_fec;               // thrifty only
    float last[OUTLET_FRAME];                         // the frame encoded last, limited
    float block[OUTLET_FRAME * OUTLET_THRIFTY_TICKS]; // the packet being filled, limited
};

static int max(int a, int b) {
    return a > b ? a : b;
}

static void tune(struct outlet *outlet) {
    bool is_thrifty = outlet->packet_ticks > 1;
    bool has_extra_fec = is_thrifty && outlet->loss_percent >= THRIFTY_FEC_FROM_PERCENT;
    int least = has_extra_fec ? THRIFTY_FEC_TOLD_PERCENT
                : is_thrifty  ? THRIFTY_LOSS_MIN_PERCENT
                              : LOSS_MIN_PERCENT;
    opus_encoder_ctl(outlet->opus, OPUS_SET_PACKET_LOSS_PERC(max(outlet->loss_percent, least)));
    if (has_extra_fec != outlet->has_extra_fec)
        outlet->must_begin_fec = has_extra_fec;
    outlet->has_extra_fec = has_extra_fec;
}

struct outlet *outlet_create(int kbps, bool is_thrifty) {
    struct outlet *outlet = calloc(1, sizeof(*outlet));
    if (!outlet)
        return NULL;
    // VOIP: hybrid at 32 kbit/s, SILK at 14, the only modes that carry FEC.
    outlet->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    if (!outlet->opus) {
        free(outlet);
        return NULL;
    }
    outlet->kbps = kbps;
    outlet->packet_ticks = is_thrifty ? OUTLET_THRIFTY_TICKS : 1;
    opus_encoder_ctl(outlet->opus,
                     OPUS_SET_COMPLEXITY(is_thrifty ? THRIFTY_COMPLEXITY : COMPLEXITY));
    opus_encoder_ctl(outlet->opus, OPUS_SET_INBAND_FEC(1));
    // A hybrid frame is never longer than 20 ms: 60 ms would be three, and FEC would hold the last
    // of them alone.
    if (is_thrifty)
        opus_encoder_ctl(outlet->opus, OPUS_SET_MAX_BANDWIDTH(OPUS_BANDWIDTH_WIDEBAND));
    tune(outlet);
    limiter_init(&outlet->limiter);
    return outlet;
}

void outlet_destroy(struct outlet *outlet) {
    if (!outlet)
        return;
    opus_encoder_destroy(outlet->opus);
    free(outlet);
}

void outlet_set_loss_percent(struct outlet *outlet, int percent) {
    percent = percent < LOSS_MAX_PERCENT ? percent : LOSS_MAX_PERCENT;
    int fall = outlet->loss_percent - percent;
    if (fall >= 0 && fall < LOSS_SLACK_PERCENT)
        return;
    outlet->loss_percent = percent;
    tune(outlet);
}

static void reset(struct outlet *outlet) {
    opus_encoder_ctl(outlet->opus, OPUS_RESET_STATE);
    outlet->must_begin_fec = outlet->has_extra_fec;
}

// Shows a fresh encoder the frame before, whose packet nobody gets, and takes over what comes after
// it in a packet that is not full.
static void take_over(struct outlet *outlet, const struct outlet *from) {
    uint8_t unused[PACKET_MAX];
    if (opus_encode_float(outlet->opus, from->last, OUTLET_FRAME, unused, sizeof(unused)) < 0)
        reset(outlet);
    outlet->limiter = from->limiter;
    if (outlet->packet_ticks == from->packet_ticks)
        memcpy(outlet->block, from->block, sizeof(outlet->block));
}

// A stale encoder knows of a sound long past: it is begun anew. What runs for others already can
// only stop relying on what came before, for one packet.
void outlet_welcome(struct outlet *outlet, const struct outlet *from, uint64_t tick) {
    bool is_stale = outlet->next_tick != tick;
    outlet->silent_packets = 0;
    if (is_stale) {
        reset(outlet);
        memset(outlet->block, 0, sizeof(outlet->block));
        outlet->next_tick = tick;
    }
    if (!from || from->next_tick != tick)
        return;
    outlet->must_not_predict = true;
    if (is_stale)
        take_over(outlet, from);
}

static bool is_all_zero(const float *pcm, int count) {
    for (int i = 0; i < count; i++)
        if (pcm[i] != 0)
            return false;
    return true;
}

static int bitrate_bps(const struct outlet *outlet) {
    int kbps = outlet->kbps;
    if (outlet->has_extra_fec)
        kbps += outlet->must_begin_fec ? THRIFTY_FEC_BEGIN_KBPS : THRIFTY_FEC_KBPS;
    return kbps * 1000;
}

static struct packet *make_packet(const struct outlet *outlet, const uint8_t *data, size_t size) {
    struct packet *packet = packet_create(PACKET_AUDIO, data, size);
    if (packet)
        packet->duration_ns = outlet->packet_ticks * FRAME_NS;
    return packet;
}

static struct packet *encode(struct outlet *outlet, uint64_t *encodes) {
    uint8_t data[PACKET_MAX];
    opus_encoder_ctl(outlet->opus, OPUS_SET_PREDICTION_DISABLED(outlet->must_not_predict));
    opus_encoder_ctl(outlet->opus, OPUS_SET_BITRATE(bitrate_bps(outlet)));
    outlet->must_not_predict = outlet->must_begin_fec = false;
    ++*encodes;
    int size = opus_encode_float(outlet->opus, outlet->block, outlet->packet_ticks * OUTLET_FRAME,
                                 data, sizeof(data));
    if (size <= 0)
        return NULL;
    outlet->toc = data[0];
    return make_packet(outlet, data, (size_t)size);
}

// The packet is full: sends it, unless it is one of those that are left out in silence.
static struct packet *finish_packet(struct outlet *outlet, uint64_t *encodes) {
    int samples = outlet->packet_ticks * OUTLET_FRAME;
    int tail = (TAIL_TICKS + outlet->packet_ticks - 1) / outlet->packet_ticks;
    int refresh = REFRESH_TICKS / outlet->packet_ticks;
    memcpy(outlet->last, outlet->block + samples - OUTLET_FRAME, sizeof(outlet->last));
    bool is_silent = is_all_zero(outlet->block, samples);
    outlet->silent_packets = is_silent ? outlet->silent_packets + 1 : 0;
    int stopped = outlet->silent_packets - tail - 1;
    bool is_refresh = stopped >= refresh && stopped % refresh == 0;
    if (stopped < 0 || is_refresh)
        return encode(outlet, encodes);
    bool is_after_refresh = stopped > refresh && stopped % refresh == 1;
    if (stopped > 0 && !is_after_refresh)
        return NULL;
    uint8_t header = outlet->toc & 0xfc; // one frame
    return make_packet(outlet, &header, 1);
}

struct packet *outlet_encode(struct outlet *outlet, float pcm[OUTLET_FRAME], uint64_t tick,
                             uint64_t *encodes) {
    int at = (int)(tick % (uint64_t)outlet->packet_ticks);
    limiter_process(&outlet->limiter, pcm);
    memcpy(outlet->block + (size_t)at * OUTLET_FRAME, pcm, OUTLET_FRAME * sizeof(float));
    outlet->next_tick = tick + 1;
    return at + 1 < outlet->packet_ticks ? NULL : finish_packet(outlet, encodes);
}
