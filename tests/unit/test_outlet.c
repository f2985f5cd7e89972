// SPDX-License-Identifier: MIT
// One outlet alone, with a decoder behind it: what its packets hold.
#include "mixer/audio/outlet.h"
#include "tests/unit/tone.h"

#include <opus/opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PACKETS_MAX = 1000, SECONDS = 12, LONG_FRAME = OUTLET_FRAME * OUTLET_THRIFTY_TICKS };

static struct packet *packets[PACKETS_MAX];

// Twelve seconds of speech through an outlet whose listeners lose so much. Returns how many packets
// that made, with their kbit/s.
static int say(int kbps, bool is_thrifty, int loss_percent, double *spent_kbps) {
    struct outlet *outlet = outlet_create(kbps, is_thrifty);
    float pcm[OUTLET_FRAME];
    uint64_t encodes = 0;
    size_t bytes = 0;
    int count = 0;
    outlet_set_loss_percent(outlet, loss_percent);
    outlet_welcome(outlet, NULL, 0);
    for (uint64_t tick = 0; tick < SECONDS * 50; tick++) {
        tone_fill_voice(pcm, OUTLET_FRAME, 0.2, (int64_t)tick * OUTLET_FRAME);
        struct packet *packet = outlet_encode(outlet, pcm, tick, &encodes);
        assert_int_equal(packet != NULL, !is_thrifty || tick % 3 == 2);
        if (packet)
            bytes += (packets[count++] = packet)->size_bytes;
    }
    assert_int_equal(encodes, count);
    outlet_destroy(outlet);
    *spent_kbps = (double)bytes * 8 / SECONDS / 1000;
    return count;
}

static void forget(int count) {
    for (int i = 0; i < count; i++)
        packet_unref(packets[i]);
}

static int decode(OpusDecoder *decoder, const struct packet *packet, bool is_fec, float *pcm,
                  int samples) {
    return opus_decode_float(decoder, packet ? packet->data : NULL,
                             packet ? (int)packet->size_bytes : 0, pcm, samples, is_fec);
}

// Loses one packet in ten. Returns how far what takes its place strays from it, relative to it, dB.
static double stray_db(int count, int samples, bool with_fec) {
    OpusDecoder *whole = opus_decoder_create(48000, 1, NULL);
    OpusDecoder *lossy = opus_decoder_create(48000, 1, NULL);
    float truth[LONG_FRAME], got[LONG_FRAME];
    double signal = 0, stray = 0;
    for (int i = 0; i < count; i++) {
        bool is_lost = i % 10 == 5 && i + 1 < count;
        assert_int_equal(decode(whole, packets[i], false, truth, samples), samples);
        const struct packet *next = with_fec ? packets[i + 1] : NULL;
        assert_int_equal(
            decode(lossy, is_lost ? next : packets[i], is_lost && with_fec, got, samples), samples);
        for (int s = 0; is_lost && s < samples; s++) {
            signal += truth[s] * truth[s];
            stray += pow(got[s] - truth[s], 2);
        }
    }
    opus_decoder_destroy(whole);
    opus_decoder_destroy(lossy);
    return 10 * log10(stray / signal);
}

struct gain {
    double kbps, fec_db, concealed_db;
};

static struct gain fec_gain(int kbps, bool is_thrifty, int loss_percent) {
    struct gain gain;
    int count = say(kbps, is_thrifty, loss_percent, &gain.kbps);
    int samples = is_thrifty ? LONG_FRAME : OUTLET_FRAME;
    gain.fec_db = stray_db(count, samples, true);
    gain.concealed_db = stray_db(count, samples, false);
    if (getenv("TESSERA_TEST_FIGURES"))
        print_message("%d kbps%s, %d %%: %.1f kbps, FEC %.1f dB, PLC %.1f dB\n", kbps,
                      is_thrifty ? " 60 ms" : "", loss_percent, gain.kbps, gain.fec_db,
                      gain.concealed_db);
    forget(count);
    return gain;
}

static void test_outlet_fec_restores_what_is_lost(void **state) {
    (void)state;
    static const int losses[] = {0, 5, 10, 30, 100};
    for (int l = 0; l < 5; l++) {
        struct gain gain = fec_gain(32, false, losses[l]);
        assert_true(gain.fec_db < gain.concealed_db - 3);
        assert_true(gain.kbps < 36);
    }
}

static void test_outlet_thrifty_spends_on_fec_only_when_packets_get_lost(void **state) {
    (void)state;
    struct gain clean = fec_gain(14, true, 0);
    assert_true(clean.kbps < 15);
    static const int losses[] = {3, 10, 30, 100};
    for (int l = 0; l < 4; l++) {
        struct gain gain = fec_gain(14, true, losses[l]);
        assert_true(gain.fec_db < gain.concealed_db - 3);
        assert_true(gain.kbps < 19);
    }
}

// A listener's loss comes and goes; the encoder goes on, and so does the decoder.
static void test_outlet_fec_follows_the_loss(void **state) {
    (void)state;
    struct outlet *outlet = outlet_create(14, true);
    float pcm[OUTLET_FRAME];
    uint64_t encodes = 0;
    size_t bytes[4] = {0};
    outlet_welcome(outlet, NULL, 0);
    for (uint64_t tick = 0; tick < 4 * 600; tick++) {
        int phase = (int)(tick / 600);
        outlet_set_loss_percent(outlet, phase == 1 ? 10 : phase == 2 ? 9 + (int)(tick % 2) : 0);
        tone_fill_voice(pcm, OUTLET_FRAME, 0.2, (int64_t)tick * OUTLET_FRAME);
        struct packet *packet = outlet_encode(outlet, pcm, tick, &encodes);
        if (packet)
            bytes[phase] += packet->size_bytes;
        packet_unref(packet);
    }
    assert_true(bytes[1] > bytes[0] + bytes[0] / 8);
    assert_true(bytes[2] > bytes[0] + bytes[0] / 8);
    assert_true(bytes[3] < bytes[0] + bytes[0] / 16);
    outlet_destroy(outlet);
}

// FEC of the last third only is what a packet of three frames would hold.
static void test_outlet_thrifty_packet_is_one_frame(void **state) {
    (void)state;
    static const int kbps[] = {6, 14, 24, 40};
    for (int k = 0; k < 4; k++) {
        double spent;
        int count = say(kbps[k], true, k % 2 ? 20 : 0, &spent);
        for (int i = 0; i < count; i++) {
            assert_int_equal(opus_packet_get_nb_frames(packets[i]->data, 2), 1);
            assert_int_equal(opus_packet_get_samples_per_frame(packets[i]->data, 48000),
                             LONG_FRAME);
            assert_int_equal(packets[i]->duration_ns, 60 * TONE_MS);
        }
        forget(count);
    }
}

static void test_outlet_rests_in_silence(void **state) {
    (void)state;
    for (int is_thrifty = 0; is_thrifty < 2; is_thrifty++) {
        struct outlet *outlet = outlet_create(is_thrifty ? 14 : 32, is_thrifty);
        OpusDecoder *decoder = opus_decoder_create(48000, 1, NULL);
        float pcm[OUTLET_FRAME] = {0}, out[LONG_FRAME];
        uint64_t encodes = 0, last_tick = 0;
        int lone_headers = 0, sent = 0;
        outlet_welcome(outlet, NULL, 0);
        for (uint64_t tick = 0; tick < 600; tick++) {
            struct packet *packet = outlet_encode(outlet, pcm, tick, &encodes);
            if (!packet)
                continue;
            int samples = is_thrifty ? LONG_FRAME : OUTLET_FRAME;
            assert_int_equal(packet->duration_ns, samples / 960 * 20 * TONE_MS);
            assert_int_equal(decode(decoder, packet, false, out, LONG_FRAME), samples);
            assert_true(tick - last_tick <= 18);
            last_tick = tick;
            lone_headers += packet->size_bytes == 1;
            sent++;
            packet_unref(packet);
        }
        assert_true(encodes < 60);
        assert_in_range(lone_headers, 25, 35);
        assert_int_equal(encodes + (uint64_t)lone_headers, sent);
        opus_decoder_destroy(decoder);
        outlet_destroy(outlet);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outlet_fec_restores_what_is_lost),
        cmocka_unit_test(test_outlet_thrifty_spends_on_fec_only_when_packets_get_lost),
        cmocka_unit_test(test_outlet_fec_follows_the_loss),
        cmocka_unit_test(test_outlet_thrifty_packet_is_one_frame),
        cmocka_unit_test(test_outlet_rests_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
