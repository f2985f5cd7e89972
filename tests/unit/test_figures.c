// SPDX-License-Identifier: MIT
// What the tests of bad links measure with: a pause that is not there, or one that is missed, would
// make them worthless.
#include "tests/peer/figures.h"

#include <math.h>
#include <opus.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MS       INT64_C(1000000)
#define BEGIN_NS (5000 * MS)

enum { RATE_HZ = 48000, PACKETS = 64, PACKET_BYTES_MAX = 400 };

// Speech-like packets of one length, one after another.
struct packets {
    int length_ms, count;
    struct {
        uint8_t data[PACKET_BYTES_MAX];
        int size_bytes;
    } all[PACKETS];
};

static void encode(struct packets *packets, int length_ms, int kbps, bool has_fec) {
    int error, samples = RATE_HZ / 1000 * length_ms;
    OpusEncoder *encoder = opus_encoder_create(RATE_HZ, 1, OPUS_APPLICATION_VOIP, &error);
    assert_non_null(encoder);
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(kbps * 1000));
    opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(has_fec));
    opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(has_fec ? 20 : 0));
    opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    *packets = (struct packets){.length_ms = length_ms, .count = PACKETS};
    int16_t sound[2880];
    for (int i = 0; i < PACKETS; i++) {
        for (int s = 0; s < samples; s++) {
            double t = (double)(i * samples + s) / RATE_HZ;
            sound[s] =
                (int16_t)(8000 * sin(2 * M_PI * 220 * t) * (0.6 - 0.4 * cos(2 * M_PI * 4 * t)));
        }
        packets->all[i].size_bytes =
            opus_encode(encoder, sound, samples, packets->all[i].data, PACKET_BYTES_MAX);
        assert_true(packets->all[i].size_bytes > 0);
    }
    opus_encoder_destroy(encoder);
}

// Packet i comes at its time and late_ms.
static void hear(struct figures *figures, const struct packets *packets, int i, int late_ms) {
    int samples = RATE_HZ / 1000 * packets->length_ms;
    figures_add_audio(figures, packets->all[i].data, (size_t)packets->all[i].size_bytes,
                      (uint16_t)(65530 + i), (uint32_t)(0xffffff00u + (uint32_t)(i * samples)),
                      BEGIN_NS + (i * packets->length_ms + late_ms) * MS);
}

static struct figures_view after(const struct figures *figures, const struct packets *packets,
                                 int i) {
    struct figures_view view;
    figures_get(figures, &view, BEGIN_NS + i * packets->length_ms * MS);
    return view;
}

static void test_figures_see_no_pause_in_a_steady_sound(void **state) {
    for (int length_ms = 20; length_ms <= 60; length_ms += 40) {
        struct packets packets;
        struct figures figures = {0};
        encode(&packets, length_ms, 32, false);
        figures_begin(&figures, BEGIN_NS);
        for (int i = 0; i < PACKETS; i++)
            hear(&figures, &packets, i, i % 3 * 20); // jitter of 40 ms
        struct figures_view view = after(&figures, &packets, PACKETS);
        assert_true(view.audio_gap_ms == 0);
        assert_true(view.audio_concealed_ms == 0);
        assert_int_equal(view.audio_lost, 0);
        assert_int_equal(view.audio_packets, PACKETS);
        assert_true(view.audio_heard_ms == PACKETS * length_ms);
        assert_true(view.audio_packet_ms == length_ms);
    }
}

static void test_figures_tell_fec_from_a_hole(void **state) {
    struct packets with, without;
    int flagged = 0;
    encode(&with, 20, 32, true);
    encode(&without, 20, 32, false);
    for (int i = 2; i < PACKETS; i++) {
        flagged += figures_has_fec(with.all[i].data, (size_t)with.all[i].size_bytes);
        assert_false(figures_has_fec(without.all[i].data, (size_t)without.all[i].size_bytes));
    }
    assert_true(flagged > PACKETS / 2);
    assert_false(figures_has_fec((const uint8_t *)"", 0));
}

// One packet is lost, and the next one has it again or not.
static struct figures_view lose_one(bool has_fec, int length_ms) {
    struct packets packets;
    struct figures figures = {0};
    encode(&packets, length_ms, 32, has_fec);
    int lost = 10;
    while (has_fec &&
           !figures_has_fec(packets.all[lost + 1].data, (size_t)packets.all[lost + 1].size_bytes))
        lost++;
    figures_begin(&figures, BEGIN_NS);
    for (int i = 0; i < PACKETS; i++)
        if (i != lost)
            hear(&figures, &packets, i, 0);
    return after(&figures, &packets, PACKETS);
}

static void test_figures_a_lost_packet_is_a_pause_unless_it_comes_again(void **state) {
    for (int length_ms = 20; length_ms <= 60; length_ms += 40) {
        struct figures_view hole = lose_one(false, length_ms), mended = lose_one(true, length_ms);
        assert_int_equal(hole.audio_lost, 1);
        assert_true(hole.audio_gap_ms == length_ms);
        assert_true(hole.audio_concealed_ms == length_ms);
        assert_int_equal(mended.audio_lost, 1);
        assert_true(mended.audio_gap_ms == 0);
        assert_true(mended.audio_repaired_ms == length_ms);
    }
}

static void test_figures_a_stall_is_a_pause_beyond_what_is_held(void **state) {
    struct packets packets;
    struct figures figures = {0};
    encode(&packets, 20, 32, false);
    figures_begin(&figures, BEGIN_NS);
    for (int i = 0; i < 20; i++)
        hear(&figures, &packets, i, 0);
    for (int i = 20; i < 40; i++)
        hear(&figures, &packets, i, 260); // 60 of them were held back
    struct figures_view view = after(&figures, &packets, 53);
    assert_in_range((int)lround(view.audio_gap_ms), 199, 201);
    view = after(&figures, &packets, 400); // nothing came any more
    assert_true(view.audio_gap_ms > 6000);
}

static void test_figures_begun_anew_forget_pauses_and_see_those_that_last(void **state) {
    struct packets packets;
    struct figures figures = {0};
    encode(&packets, 20, 32, false);
    figures_begin(&figures, BEGIN_NS);
    hear(&figures, &packets, 0, 0);
    hear(&figures, &packets, 1, 900);
    figures_begin(&figures, BEGIN_NS + 2000 * MS);
    struct figures_view view;
    figures_get(&figures, &view, BEGIN_NS + 2000 * MS);
    assert_true(view.audio_gap_ms == 0);
    figures_get(&figures, &view, BEGIN_NS + 2300 * MS);
    assert_in_range((int)lround(view.audio_gap_ms), 299, 301);
}

static void test_figures_count_frames_freezes_and_the_emptiest_second(void **state) {
    struct figures figures = {0};
    struct figures_view view;
    figures_begin(&figures, BEGIN_NS);
    for (int at_ms = 0; at_ms < 5000; at_ms += 50)
        if (at_ms <= 2000 || at_ms >= 3200)
            figures_add_frame(&figures, 100, 640, 360, BEGIN_NS + at_ms * MS);
    figures_get(&figures, &view, BEGIN_NS + 5000 * MS);
    assert_int_equal(view.frames, 77);
    assert_true(view.freeze_ms == 1200);
    assert_int_equal(view.fps_least, 0);
    assert_int_equal(view.fps_now, 19); // the second is open at its beginning
    assert_true(fabs(view.fps - 77 / 5.0) < 0.01);
    assert_int_equal(view.width_px, 640);
    figures_get(&figures, &view, BEGIN_NS + 9000 * MS);
    assert_true(view.freeze_ms == 4050);
}

static void test_figures_find_the_slow_second_among_good_ones(void **state) {
    struct figures figures = {0};
    struct figures_view view;
    int step_ms = 50;
    figures_begin(&figures, BEGIN_NS);
    for (int at_ms = 0; at_ms < 6000; at_ms += step_ms) {
        step_ms = at_ms >= 2000 && at_ms < 3500 ? 125 : 50;
        figures_add_frame(&figures, 100, 320, 180, BEGIN_NS + at_ms * MS);
    }
    figures_get(&figures, &view, BEGIN_NS + 6000 * MS);
    assert_in_range(view.fps_least, 7, 8);
    assert_true(view.freeze_ms == 125);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_see_no_pause_in_a_steady_sound),
        cmocka_unit_test(test_figures_tell_fec_from_a_hole),
        cmocka_unit_test(test_figures_a_lost_packet_is_a_pause_unless_it_comes_again),
        cmocka_unit_test(test_figures_a_stall_is_a_pause_beyond_what_is_held),
        cmocka_unit_test(test_figures_begun_anew_forget_pauses_and_see_those_that_last),
        cmocka_unit_test(test_figures_count_frames_freezes_and_the_emptiest_second),
        cmocka_unit_test(test_figures_find_the_slow_second_among_good_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
