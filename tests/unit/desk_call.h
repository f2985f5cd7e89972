// SPDX-License-Identifier: MIT
// The whole desk with real Opus on both sides, on made-up clocks: every member says a tone of its
// own. Include once per program.
#ifndef TESTS_UNIT_DESK_CALL_H
#define TESTS_UNIT_DESK_CALL_H

#include "mixer/audio/desk.h"
#include "tests/unit/tone.h"

#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PER_SECOND = 50, MEMBERS_MAX = 8, HEARD_MAX = 48000, FRAME = DESK_FRAME_SAMPLES };

struct member {
    struct desk_channel *channel;
    OpusEncoder *encoder;
    OpusDecoder *decoder;
    double hz, amplitude; // amplitude 0: says nothing, sends silence
    bool is_sending;      // false: sends no packets at all
    bool is_voice;        // says vowels in place of the tone
    bool is_thrifty;      // its packets are of 60 ms
    int64_t said;         // samples
    // What it hears: the last second.
    int heard, packets;
    float sound[HEARD_MAX];
    double jump; // largest step between two samples
    float last;
    int64_t last_source_ns, last_pts_ns, last_packet_ns;
    int64_t longest_gap_ns;
    int released;
};

struct call {
    struct desk *desk;
    struct member members[MEMBERS_MAX];
    int count;
    int64_t now_ns;
    double loss;      // share of packets that never come
    bool is_told;     // whether the desk hears of the loss
    int64_t delay_ns; // of the network
};

// ---- the client's side

__attribute__((unused)) static void hear(struct member *member, const float *pcm, int count) {
    for (int i = 0; i < count; i++) {
        member->jump = fmax(member->jump, fabs(pcm[i] - member->last));
        member->last = pcm[i];
    }
    if (member->heard + count > HEARD_MAX) {
        int drop = member->heard + count - HEARD_MAX;
        memmove(member->sound, member->sound + drop,
                (size_t)(member->heard - drop) * sizeof(float));
        member->heard -= drop;
    }
    memcpy(member->sound + member->heard, pcm, (size_t)count * sizeof(float));
    member->heard += count;
}

__attribute__((unused)) static void on_audio(void *user, struct packet *packet) {
    struct member *member = user;
    float pcm[5760];
    assert_int_equal(packet->kind, PACKET_AUDIO);
    assert_int_equal(packet->duration_ns, (member->is_thrifty ? 3 : 1) * DESK_FRAME_NS);
    assert_true(packet->pts_ns > member->last_pts_ns);
    if (member->last_pts_ns) {
        int64_t gap_ns = packet->pts_ns - member->last_pts_ns;
        member->longest_gap_ns = gap_ns > member->longest_gap_ns ? gap_ns : member->longest_gap_ns;
    }
    member->last_pts_ns = packet->pts_ns;
    member->last_source_ns = packet->source_ns;
    member->packets++;
    int made =
        opus_decode_float(member->decoder, packet->data, (int)packet->size_bytes, pcm, 5760, 0);
    assert_true(made > 0);
    hear(member, pcm, made);
}

__attribute__((unused)) static void on_release(void *user) {
    ((struct member *)user)->released++;
}

static const struct desk_channel_ops member_ops = {on_audio, on_release};

// ---- the call

__attribute__((unused)) static void call_open_with(struct call *call, int loudest) {
    struct desk_config config = {.kbps = 32,
                                 .loudest = loudest,
                                 .playout_min_ns = 20 * TONE_MS,
                                 .playout_max_ns = 120 * TONE_MS};
    memset(call, 0, sizeof(*call));
    call->desk = desk_create(&config);
    assert_non_null(call->desk);
    call->now_ns = 5000 * TONE_MS;
    call->is_told = true;
}

__attribute__((unused)) static void call_open(struct call *call) {
    call_open_with(call, 3);
}

__attribute__((unused)) static struct member *call_join(struct call *call, double hz,
                                                        double amplitude) {
    struct member *member = &call->members[call->count++];
    char id[DESK_ID_MAX];
    snprintf(id, sizeof(id), "m%d", call->count);
    memset(member, 0, sizeof(*member));
    member->hz = hz;
    member->amplitude = amplitude;
    member->is_sending = hz > 0;
    member->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, NULL);
    member->decoder = opus_decoder_create(48000, 1, NULL);
    opus_encoder_ctl(member->encoder, OPUS_SET_BITRATE(40000));
    opus_encoder_ctl(member->encoder, OPUS_SET_COMPLEXITY(2));
    opus_encoder_ctl(member->encoder, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(member->encoder, OPUS_SET_PACKET_LOSS_PERC(20));
    member->channel = desk_add(call->desk, id, &member_ops, member);
    assert_non_null(member->channel);
    desk_set_listening(member->channel, true);
    return member;
}

__attribute__((unused)) static void member_leave(struct call *call, struct member *member) {
    if (!member->channel)
        return;
    desk_remove(call->desk, member->channel);
    member->channel = NULL;
    assert_int_equal(member->released, 1);
}

__attribute__((unused)) static void call_close(struct call *call) {
    for (int i = 0; i < call->count; i++) {
        member_leave(call, &call->members[i]);
        opus_encoder_destroy(call->members[i].encoder);
        opus_decoder_destroy(call->members[i].decoder);
    }
    desk_destroy(call->desk);
}

__attribute__((unused)) static void member_say(struct call *call, struct member *member) {
    float pcm[FRAME];
    unsigned char data[1500];
    if (member->is_voice)
        tone_fill_voice(pcm, FRAME, member->amplitude, member->said);
    else
        tone_fill(pcm, FRAME, member->hz, member->amplitude, member->said);
    member->said += FRAME;
    int size = opus_encode_float(member->encoder, pcm, FRAME, data, sizeof(data));
    assert_true(size > 0);
    if (tone_random() >= call->loss)
        assert_int_equal(desk_push(member->channel, data, (size_t)size, call->now_ns,
                                   call->now_ns + call->delay_ns),
                         0);
    else if (call->is_told)
        desk_push_lost(member->channel, call->now_ns, DESK_FRAME_NS);
}

__attribute__((unused)) static void call_run(struct call *call, int ticks) {
    for (int t = 0; t < ticks; t++) {
        for (int i = 0; i < call->count; i++)
            if (call->members[i].channel && call->members[i].is_sending)
                member_say(call, &call->members[i]);
        call->now_ns += 20 * TONE_MS;
        assert_int_equal(desk_tick(call->desk, call->now_ns), 0);
    }
}

__attribute__((unused)) static double heard_db(const struct member *listener, double hz) {
    return 20 * log10(tone_amplitude(listener->sound, listener->heard, hz) + 1e-9);
}

__attribute__((unused)) static void forget(struct call *call) {
    for (int i = 0; i < call->count; i++) {
        call->members[i].heard = 0;
        call->members[i].packets = 0;
        call->members[i].jump = 0;
        call->members[i].longest_gap_ns = 0;
    }
}

__attribute__((unused)) static uint64_t encodes(const struct call *call) {
    struct desk_stats stats;
    desk_get_stats(call->desk, &stats);
    return stats.encodes;
}

// Between two tones nothing may be steeper than both at their steepest, with some room for the
// codec.
__attribute__((unused)) static double steepest(double hz_a, double a, double hz_b, double b) {
    return 2 * M_PI / TONE_RATE * (hz_a * a + hz_b * b);
}

#endif
