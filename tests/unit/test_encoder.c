// SPDX-License-Identifier: MIT
#include "mixer/video/decoder.h"
#include "mixer/video/encoder.h"
#include "mixer/video/layering.h"
#include "mixer/video/settling.h"
#include "tests/unit/footage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    WIDTH = 320,
    HEIGHT = 192,
    HALF = WIDTH / 2,
    WIDE = WIDTH / 16,
    HIGH = HEIGHT / 16,
    FPS = 30,
    KBPS = 400
};

static const int64_t FRAME_NS = 1000000000 / FPS, MS = 1000000;

struct rig {
    struct encoder *encoder;
    struct decoder *decoder;
    AVFrame *canvas, *shown; // shown: what a receiver sees
    uint8_t active[WIDE * HIGH];
    int index;
    int64_t pts_ns;
    size_t size_bytes; // of the last frame
    bool is_keyframe;
};

static struct encoder_config config_of(int width, int height) {
    return (struct encoder_config){.width_px = width,
                                   .height_px = height,
                                   .fps = FPS,
                                   .kbps = KBPS,
                                   .cpu_used = -8,
                                   .threads = 1};
}

// has_layers: points to true if it shall have them; what holds without layers holds with them.
static void rig_open(struct rig *rig, const bool *has_layers) {
    struct encoder_config config = config_of(WIDTH, HEIGHT);
    config.has_layers = *has_layers;
    *rig = (struct rig){.decoder = decoder_create(), .canvas = footage_picture(WIDTH, HEIGHT, 0)};
    assert_int_equal(encoder_create(&config, &rig->encoder), 0);
}

static void rig_close(struct rig *rig) {
    encoder_destroy(rig->encoder);
    decoder_destroy(rig->decoder);
    av_frame_free(&rig->canvas);
    av_frame_free(&rig->shown);
}

// Draws the next moment into a rectangle of the canvas and marks it.
static void rig_move(struct rig *rig, int left, int top, int width, int height) {
    rig->index++;
    footage_draw(rig->canvas, left, top, width, height, rig->index);
    for (int row = top / 16; row < (top + height) / 16; row++)
        memset(rig->active + row * WIDE + left / 16, 1, (size_t)width / 16);
}

// Encodes and shows; then nothing is marked.
static void rig_send_at(struct rig *rig, bool wants_keyframe, int64_t pts_ns) {
    struct packet *packet = NULL;
    rig->pts_ns = pts_ns;
    assert_int_equal(
        encoder_encode(rig->encoder, rig->canvas, rig->active, wants_keyframe, pts_ns, &packet), 0);
    assert_non_null(packet);
    assert_int_equal(packet->pts_ns, pts_ns);
    rig->size_bytes = packet->size_bytes;
    rig->is_keyframe = packet->is_keyframe;
    assert_int_equal(decoder_is_keyframe(VIDEO_VP8, packet->data, packet->size_bytes),
                     packet->is_keyframe);
    av_frame_free(&rig->shown);
    assert_int_equal(decoder_decode(rig->decoder, VIDEO_VP8, packet->data, packet->size_bytes,
                                    pts_ns, &rig->shown),
                     0);
    assert_non_null(rig->shown);
    packet_unref(packet);
    memset(rig->active, 0, sizeof(rig->active));
}

static void rig_send(struct rig *rig, bool wants_keyframe) {
    rig_send_at(rig, wants_keyframe, rig->pts_ns + FRAME_NS);
}

static void test_what_is_decoded_is_what_was_drawn(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 40; i++) {
        rig_move(&rig, 0, 0, WIDTH, HEIGHT);
        rig_send(&rig, false);
        assert_int_equal(rig.is_keyframe, i == 0);
        assert_true(footage_psnr(rig.canvas, rig.shown) > 25);
    }
    assert_true(footage_psnr(rig.canvas, rig.shown) > 34);
    rig_close(&rig);
}

static void test_keyframes_come_on_request_only(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 200; i++) {
        // A cut of the whole picture is no reason either.
        rig.index += i % 50 == 0 ? 1000 : 0;
        rig_move(&rig, 0, 0, WIDTH, HEIGHT);
        rig_send(&rig, i == 77);
        assert_int_equal(rig.is_keyframe, i == 0 || i == 77);
    }
    rig_close(&rig);
}

static void test_a_keyframe_suffices_for_a_joiner(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 20; i++) {
        rig_move(&rig, 0, 0, HALF, HEIGHT);
        if (i == 10)
            decoder_reset(rig.decoder);
        rig_send(&rig, i == 10);
    }
    assert_true(footage_psnr(rig.canvas, rig.shown) > 25);
    rig_close(&rig);
}

static void test_inactive_macroblocks_stay_as_they_were(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 120; i++) // until the rest is settled
        rig_send(&rig, i == 0);
    assert_true(encoder_is_settled(rig.encoder));
    AVFrame *before = av_frame_clone(rig.shown);
    for (int i = 0; i < 60; i++) {
        rig_move(&rig, 0, 0, HALF, HEIGHT);
        rig_send(&rig, false);
    }
    // The loop filter reaches a few pixels over the edge of what moves.
    for (int y = 0; y < HEIGHT; y++)
        assert_memory_equal(before->data[0] + y * before->linesize[0] + HALF + 16,
                            rig.shown->data[0] + y * rig.shown->linesize[0] + HALF + 16, HALF - 16);
    for (int plane = 1; plane < 3; plane++)
        for (int y = 0; y < HEIGHT / 2; y++)
            assert_memory_equal(before->data[plane] + y * before->linesize[plane] + HALF / 2 + 8,
                                rig.shown->data[plane] + y * rig.shown->linesize[plane] + HALF / 2 +
                                    8,
                                HALF / 2 - 8);
    av_frame_free(&before);
    rig_close(&rig);
}

// A change that is not marked must not be seen: that is what makes it cheap.
static void test_only_what_is_marked_is_looked_at(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 120; i++)
        rig_send(&rig, i == 0);
    AVFrame *before = av_frame_clone(rig.shown);
    footage_draw(rig.canvas, HALF, 0, HALF, HEIGHT, 500);
    rig_send(&rig, false);
    assert_true(footage_psnr(before, rig.shown) > 60);
    memset(rig.active, 1, sizeof(rig.active));
    rig_send(&rig, false);
    assert_true(footage_psnr(rig.canvas, rig.shown) > 25);
    av_frame_free(&before);
    rig_close(&rig);
}

static void test_without_a_map_all_is_looked_at(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 120; i++)
        rig_send(&rig, i == 0);
    footage_draw(rig.canvas, 0, 0, WIDTH, HEIGHT, 500);
    struct packet *packet = NULL;
    assert_int_equal(
        encoder_encode(rig.encoder, rig.canvas, NULL, false, rig.pts_ns + FRAME_NS, &packet), 0);
    AVFrame *frame = NULL;
    assert_int_equal(
        decoder_decode(rig.decoder, VIDEO_VP8, packet->data, packet->size_bytes, 0, &frame), 0);
    assert_true(footage_psnr(rig.canvas, frame) > 25);
    av_frame_free(&frame);
    packet_unref(packet);
    rig_close(&rig);
}

static void test_a_still_picture_becomes_fine_and_then_costs_nothing(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    rig_send(&rig, true);
    double first = footage_psnr(rig.canvas, rig.shown);
    assert_false(encoder_is_settled(rig.encoder));
    int frames = 0;
    for (; !encoder_is_settled(rig.encoder) && frames < 100; frames++)
        rig_send(&rig, false);
    assert_in_range(frames, 5, 70);
    assert_true(footage_psnr(rig.canvas, rig.shown) > first + 4);
    assert_true(footage_psnr(rig.canvas, rig.shown) > 40);
    for (int i = 0; i < 10; i++) {
        rig_send(&rig, false);
        assert_true(rig.size_bytes < 300);
        assert_true(encoder_is_settled(rig.encoder));
    }
    rig_close(&rig);
}

static void test_the_bitrate_is_kept_and_follows(void **state) {
    static const int STEPS_KBPS[] = {KBPS, 150, 300, -1, 1 << 30, KBPS};
    struct rig rig;
    rig_open(&rig, *state);
    for (size_t i = 0; i < sizeof(STEPS_KBPS) / sizeof(STEPS_KBPS[0]); i++) {
        assert_int_equal(encoder_set_kbps(rig.encoder, STEPS_KBPS[i]), 0);
        size_t sum_bytes = 0;
        for (int j = 0; j < 90; j++) {
            rig_move(&rig, 0, 0, WIDTH, HEIGHT);
            rig_send(&rig, false);
            sum_bytes += j >= 30 ? rig.size_bytes : 0;
        }
        if (STEPS_KBPS[i] >= 150 && STEPS_KBPS[i] <= KBPS)
            assert_in_range(sum_bytes * 8 / 2 / 1000, STEPS_KBPS[i] / 2, STEPS_KBPS[i] * 5 / 4);
    }
    rig_close(&rig);
}

// What stands in a receiver's way when everything begins to move after a rest. libvpx alone sends
// most of a second's bits in that frame.
static void test_waking_up_is_no_burst(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    static const int WIDTHS[] = {112, 208, WIDTH};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 120; i++)
            rig_send(&rig, false);
        rig.index += 1000;
        rig_move(&rig, 0, 0, WIDTHS[round], HEIGHT);
        size_t sum_bytes = 0;
        for (int i = 0; i < 10; i++) {
            rig_send(&rig, false);
            sum_bytes += rig.size_bytes;
            assert_true(rig.size_bytes < KBPS * 1000 / 8 / FPS * 10);
            rig_move(&rig, 0, 0, WIDTHS[round], HEIGHT);
        }
        assert_true(sum_bytes < KBPS * 1000 / 8);
    }
    rig_close(&rig);
}

static void test_a_keyframe_is_no_burst(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    for (int i = 0; i < 90; i++) {
        rig_move(&rig, 0, 0, WIDTH, HEIGHT);
        rig_send(&rig, i % 30 == 0);
        assert_true(rig.size_bytes < KBPS * 1000 / 8 / FPS * 10);
    }
    rig_close(&rig);
}

// Ticks that come late, twice, out of order, or after an hour neither fail nor spoil the quality:
// a single step of a microsecond used to leave the rate control at its coarsest.
static void test_the_clock_may_stumble(void **state) {
    struct rig rig;
    rig_open(&rig, *state);
    static const int64_t STUMBLES_NS[] = {0, 1000, -5000000000, 3600000000000, 1, 250000000};
    int64_t now_ns = 1000 * FRAME_NS;
    for (size_t i = 0; i < sizeof(STUMBLES_NS) / sizeof(STUMBLES_NS[0]); i++) {
        now_ns += STUMBLES_NS[i];
        for (int j = 0; j < 60; j++, now_ns += FRAME_NS) {
            rig_move(&rig, 0, 0, WIDTH, HEIGHT);
            rig_send_at(&rig, false, now_ns);
            assert_true(rig.size_bytes < KBPS * 1000 / 8 / FPS * 10);
        }
        assert_true(footage_psnr(rig.canvas, rig.shown) > 32);
        now_ns -= FRAME_NS;
    }
    rig_close(&rig);
}

static void test_nonsense_is_refused(void **state) {
    static const struct encoder_config WRONG[] = {
        {640, 361, 30, 1000, -8, 1, false, {0}, 0},
        {0, 0, 30, 1000, -8, 1, false, {0}, 0},
        {640, 368, 0, 1000, -8, 1, false, {0}, 0},
        {640, 368, 30, 1000, 40, 1, false, {0}, 0},
        {16384, 16384, 30, 1000, -8, 1, false, {0}, 0},
        {-16, 368, 30, 1000, -8, 1, false, {0}, 0},
        {640, 368, 30, 1000, -8, 1, true, {0}, 64},
        {640, 368, 30, 1000, -8, 1, true, {101, 0}, 0},
        {640, 368, 30, 1000, -8, 1, true, {0, -1}, 0},
    };
    struct encoder *encoder = NULL;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
        assert_int_equal(encoder_create(&WRONG[i], &encoder), -EINVAL);
    assert_null(encoder);

    struct encoder_config config = config_of(WIDTH, HEIGHT);
    assert_int_equal(encoder_create(&config, &encoder), 0);
    AVFrame *other = footage_picture(160, 96, 0);
    struct packet *packet = NULL;
    assert_int_equal(encoder_encode(encoder, other, NULL, false, 0, &packet), -EINVAL);
    assert_int_equal(encoder_encode(encoder, NULL, NULL, false, 0, &packet), -EINVAL);
    assert_null(packet);
    av_frame_free(&other);
    encoder_destroy(encoder);
    encoder_destroy(NULL);
}

static void test_every_canvas_and_thread_count_works(void **state) {
    static const int SIZES[][2] = {{1280, 720}, {720, 1280}, {1920, 1088}, {320, 192},
                                   {16, 16},    {320, 180},  {80, 44}};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct encoder_config config = config_of(SIZES[i][0], SIZES[i][1]);
        config.threads = (int)i;
        config.has_layers = i % 2;
        struct encoder *encoder = NULL;
        struct decoder *decoder = decoder_create();
        assert_int_equal(encoder_create(&config, &encoder), 0);
        for (int j = 0; j < 4; j++) {
            AVFrame *canvas = footage_picture(SIZES[i][0], SIZES[i][1], j), *shown = NULL;
            struct packet *packet = NULL;
            assert_int_equal(encoder_encode(encoder, canvas, NULL, false, j * FRAME_NS, &packet),
                             0);
            assert_int_equal(
                decoder_decode(decoder, VIDEO_VP8, packet->data, packet->size_bytes, 0, &shown), 0);
            assert_true(footage_psnr(canvas, shown) > 25);
            av_frame_free(&shown);
            av_frame_free(&canvas);
            packet_unref(packet);
        }
        encoder_destroy(encoder);
        decoder_destroy(decoder);
    }
}

static void test_a_flood_of_requests_is_one_keyframe_an_interval(void **state) {
    struct keyframe_gate gate;
    keyframe_gate_init(&gate, 300 * MS);
    int taken = 0;
    for (int64_t now_ms = 0; now_ms < 3000; now_ms++) {
        for (int i = 0; i < 20; i++)
            keyframe_gate_request(&gate);
        taken += keyframe_gate_take(&gate, now_ms * MS);
    }
    assert_int_equal(taken, 10);
}

static void test_a_request_within_the_interval_is_served_after_it(void **state) {
    struct keyframe_gate gate;
    keyframe_gate_init(&gate, 300 * MS);
    assert_false(keyframe_gate_take(&gate, 0));
    keyframe_gate_request(&gate);
    assert_true(keyframe_gate_take(&gate, 5 * MS)); // the first waits for nothing
    assert_false(keyframe_gate_take(&gate, 6 * MS));
    keyframe_gate_request(&gate);
    assert_false(keyframe_gate_take(&gate, 304 * MS));
    assert_true(keyframe_gate_take(&gate, 305 * MS));
    assert_false(keyframe_gate_take(&gate, 900 * MS)); // served once
    keyframe_gate_request(&gate);
    assert_true(keyframe_gate_take(&gate, 901 * MS));
}

static void code(struct settling *settling, const uint8_t *changed, bool is_keyframe, bool is_base,
                 int quantiser) {
    settling_update(settling, changed, is_keyframe);
    settling_pick(settling, is_base);
    settling_note_coded(settling, is_base, quantiser);
}

static void test_a_macroblock_at_rest_is_looked_at_until_it_is_fine(void **state) {
    struct settling settling;
    assert_int_equal(settling_init(&settling, 2, 1), 0);
    uint8_t changed[2] = {1, 0};
    code(&settling, NULL, true, true, 40);
    assert_true(settling.active[0] && settling.active[1]);
    int looked = 0, frames = 0;
    for (; settling.unsettled > 1 && frames < 1000; frames++) {
        code(&settling, changed, false, true, 40);
        assert_true(settling.active[0]);
        assert_int_equal(settling.woken, 0);
        looked += settling.active[1];
    }
    assert_in_range(frames, 30, 100); // coarse: often
    assert_int_equal(looked, frames - 4);
    assert_false(settling.active[1]);
    assert_false(settling_is_over(&settling));

    code(&settling, (uint8_t[]){0, 1}, false, true, 8);
    assert_int_equal(settling.woken, 1);
    assert_false(settling.active[0]);
    for (frames = 0; !settling_is_over(&settling) && frames < 1000; frames++)
        code(&settling, (uint8_t[]){0, 0}, false, true, 8);
    assert_in_range(frames, 5, 20); // fine: a few times
    settling_finish(&settling);
    settling_finish(&settling);
}

// ---- layers ----

static void test_what_changed_is_coded_until_a_base_frame_has_it(void **state) {
    struct settling settling;
    assert_int_equal(settling_init(&settling, 2, 2), 0);
    code(&settling, NULL, true, true, 8);
    for (int i = 0; i < 100; i++)
        code(&settling, (uint8_t[]){0, 0}, false, true, 8);
    assert_true(settling_is_over(&settling));
    code(&settling, (uint8_t[]){0, 1}, false, false, 8);
    for (int i = 0; i < 20; i++) {
        code(&settling, (uint8_t[]){0, 0}, false, false, 8);
        assert_true(settling.active[1] && !settling.active[0]);
    }
    settling_update(&settling, (uint8_t[]){0, 0}, false);
    settling_pick(&settling, true); // refused by the encoder: nothing is noted
    assert_true(settling.active[1]);
    code(&settling, (uint8_t[]){0, 0}, false, true, 40);
    assert_true(settling.active[1]);
    assert_false(settling_is_over(&settling));
    code(&settling, (uint8_t[]){0, 0}, false, false, 8);
    assert_false(settling.active[1]); // made finer in base frames only
    code(&settling, (uint8_t[]){0, 0}, false, true, 8);
    assert_true(settling.active[1]);
    settling_finish(&settling);
}

static void test_the_pattern_follows_time(void **state) {
    static const struct {
        int slots[10], layers[10];
    } cases[] = {
        {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 2, 1, 2, 0, 2, 1, 2, 0, 2}}, // each frame
        {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1}}, // every other one
        {{3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1}},
        {{4, 4, 4, 4, 9, 4, 5, 4, 4, 4}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {{1, 1, 60, 1, 1, 2, 1, 1, 1, 1}, {0, 2, 0, 2, 1, 0, 2, 1, 2, 0}},  // after a rest
        {{-5, 0, -9, 0, 0, 0, 1, 1, 1, 1}, {0, 2, 1, 2, 0, 2, 1, 2, 0, 2}}, // whatever the clock
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct layering layering;
        layering_init(&layering);
        for (int j = 0; j < 10; j++) {
            layering_advance(&layering, cases[i].slots[j]);
            int layer = layering_choose(&layering, false);
            assert_int_equal(layer, cases[i].layers[j]);
            layering_note_sent(&layering, layer);
        }
    }
}

// Three receivers of one stream, each without the layers above its own; rig.decoder gets all.
struct ladder {
    struct rig rig;
    struct decoder *decoders[3];
    AVFrame *shown[3];
    int64_t shown_ns[3];
    int counts[3]; // of packets, by layer
    size_t sums_bytes[3];
    int layer; // of the last one
};

static void ladder_open(struct ladder *ladder, int kbps) {
    struct encoder_config config = config_of(WIDTH, HEIGHT);
    config.has_layers = true;
    config.kbps = kbps;
    *ladder = (struct ladder){.rig.canvas = footage_picture(WIDTH, HEIGHT, 0),
                              .rig.decoder = decoder_create()};
    assert_int_equal(encoder_create(&config, &ladder->rig.encoder), 0);
    for (int i = 0; i < 3; i++)
        ladder->decoders[i] = decoder_create();
}

static void ladder_close(struct ladder *ladder) {
    for (int i = 0; i < 3; i++) {
        decoder_destroy(ladder->decoders[i]);
        av_frame_free(&ladder->shown[i]);
    }
    rig_close(&ladder->rig);
}

static void assert_same_picture(const AVFrame *a, const AVFrame *b) {
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < a->height >> (plane > 0); y++)
            assert_memory_equal(a->data[plane] + y * a->linesize[plane],
                                b->data[plane] + y * b->linesize[plane], a->width >> (plane > 0));
}

static void show(struct decoder *decoder, const struct packet *packet, AVFrame **shown) {
    av_frame_free(shown);
    assert_int_equal(
        decoder_decode(decoder, VIDEO_VP8, packet->data, packet->size_bytes, packet->pts_ns, shown),
        0);
    assert_non_null(*shown);
}

// Encodes; whoever gets the packet shows it, and all who get it see the very same.
static void ladder_send_after(struct ladder *ladder, bool wants_keyframe, int64_t step_ns) {
    struct rig *rig = &ladder->rig;
    struct packet *packet = NULL;
    rig->pts_ns += step_ns;
    assert_int_equal(encoder_encode(rig->encoder, rig->canvas, rig->active, wants_keyframe,
                                    rig->pts_ns, &packet),
                     0);
    assert_non_null(packet);
    ladder->layer = packet->temporal_layer;
    assert_in_range(ladder->layer, 0, 2);
    assert_true(!packet->is_keyframe || ladder->layer == 0);
    ladder->counts[ladder->layer]++;
    ladder->sums_bytes[ladder->layer] += packet->size_bytes;
    rig->size_bytes = packet->size_bytes;
    rig->is_keyframe = packet->is_keyframe;
    show(rig->decoder, packet, &rig->shown);
    for (int i = ladder->layer; i < 3; i++) {
        show(ladder->decoders[i], packet, &ladder->shown[i]);
        assert_same_picture(ladder->shown[i], rig->shown);
    }
    packet_unref(packet);
    memset(rig->active, 0, sizeof(rig->active));
}

static void ladder_send(struct ladder *ladder, bool wants_keyframe) {
    ladder_send_after(ladder, wants_keyframe, FRAME_NS);
}

static void test_who_leaves_out_layers_sees_the_same_pictures(void **state) {
    struct ladder ladder;
    ladder_open(&ladder, KBPS);
    for (int i = 0; i < 240; i++) {
        rig_move(&ladder.rig, 0, 0, i % 90 < 60 ? WIDTH : HALF, HEIGHT);
        ladder_send(&ladder, i == 130);
        assert_int_equal(ladder.rig.is_keyframe, i == 0 || i == 130);
        assert_true(footage_psnr(ladder.rig.canvas, ladder.shown[2]) > 25);
    }
    assert_true(ladder.counts[0] >= 60 && ladder.counts[0] <= 66);
    assert_true(ladder.counts[1] >= 58 && ladder.counts[1] <= 60);
    ladder_close(&ladder);
}

// Blocks come and go at random, frames are skipped: in each frame every block must be what it is on
// the canvas, though the frame that showed it first was one that nobody else is predicted from.
static void test_no_block_is_left_behind_by_a_frame_that_was_dropped(void **state) {
    struct ladder ladder;
    uint32_t seed = 1;
    ladder_open(&ladder, 4000);
    for (int i = 0; i < 300; i++) {
        int changes = (int)(footage_random(&seed) % 6);
        for (int j = 0; j < changes; j++) {
            int x = (int)(footage_random(&seed) % (WIDE / 2)) * 32;
            int y = (int)(footage_random(&seed) % (HIGH / 2)) * 32;
            ladder.rig.index += 40;
            rig_move(&ladder.rig, x, y, 32, 32);
        }
        int64_t slots = footage_random(&seed) % 5 ? 1 : footage_random(&seed) % 4 + 1;
        ladder_send_after(&ladder, false, slots * FRAME_NS);
        for (int y = 0; y < HEIGHT; y += 32)
            for (int x = 0; x < WIDTH; x += 32)
                assert_true(footage_psnr_in(ladder.rig.canvas, ladder.shown[2], x, y, 32, 32) > 27);
    }
    ladder_close(&ladder);
}

// A frame in which nothing is new is for all: what moved last reaches layer 0 with it.
static void test_the_last_state_reaches_layer_0(void **state) {
    for (int moves = 1; moves < 8; moves++) {
        struct ladder ladder;
        ladder_open(&ladder, KBPS);
        ladder_send(&ladder, true);
        for (int i = 0; i < moves; i++) {
            rig_move(&ladder.rig, 64, 64, 64, 64);
            ladder_send(&ladder, false);
        }
        ladder_send_after(&ladder, false, 3 * FRAME_NS);
        assert_int_equal(ladder.layer, 0);
        assert_true(footage_psnr_in(ladder.rig.canvas, ladder.shown[0], 64, 64, 64, 64) > 25);
        for (int i = 0; i < 60 && !encoder_is_settled(ladder.rig.encoder); i++) {
            ladder_send_after(&ladder, false, 4 * FRAME_NS);
            assert_int_equal(ladder.layer, 0);
        }
        assert_true(encoder_is_settled(ladder.rig.encoder));
        assert_true(footage_psnr(ladder.rig.canvas, ladder.shown[0]) > 38);
        ladder_close(&ladder);
    }
}

static void test_each_layer_keeps_its_share(void **state) {
    static const int STEPS_KBPS[] = {KBPS, 150, 300};
    struct ladder ladder;
    ladder_open(&ladder, KBPS);
    for (size_t i = 0; i < sizeof(STEPS_KBPS) / sizeof(STEPS_KBPS[0]); i++) {
        assert_int_equal(encoder_set_kbps(ladder.rig.encoder, STEPS_KBPS[i]), 0);
        for (int j = 0; j < 150; j++) {
            if (j == 30)
                memset(ladder.sums_bytes, 0, sizeof(ladder.sums_bytes));
            rig_move(&ladder.rig, 0, 0, WIDTH, HEIGHT);
            ladder_send(&ladder, false);
        }
        size_t sum = 0;
        for (int layer = 0; layer < 3; layer++) {
            static const int SHARES[] = {40, 60, 100};
            sum += ladder.sums_bytes[layer];
            int kbps = (int)(sum * 8 / 4 / 1000), aim = STEPS_KBPS[i] * SHARES[layer] / 100;
            assert_in_range(kbps, aim / 2, aim * 5 / 4);
        }
    }
    ladder_close(&ladder);
}

// Who joins a layer from below does so at any frame of layer 0. What comes after it looks just like
// the layer 1 before it, to tempt the encoder.
static void test_layers_may_be_joined_at_any_base_frame(void **state) {
    struct ladder ladder;
    ladder_open(&ladder, KBPS);
    for (int i = 0; i < 80; i++) {
        int round = (i + 2) / 4;
        ladder.rig.index = i % 4 == 1 || i % 4 == 2 ? 1000 * round : 7;
        rig_move(&ladder.rig, 0, 0, WIDTH, HEIGHT);
        ladder_send(&ladder, false);
        // The one without upper layers becomes the one with all: it knows nothing but layer 0.
        if (ladder.layer == 0 && i > 0) {
            struct decoder *low = ladder.decoders[0];
            ladder.decoders[0] = ladder.decoders[2];
            ladder.decoders[2] = low;
        }
    }
    ladder_close(&ladder);
}

// Much that begins to move after a while is layer 0 wherever the pattern is; a little waits.
static void test_what_wakes_up_at_once_is_coded_once(void **state) {
    for (int i = 0; i < 8; i++) {
        struct ladder ladder;
        bool is_much = i / 4;
        ladder_open(&ladder, KBPS);
        ladder_send(&ladder, true);
        for (int j = 0; j < 120 + i % 4; j++) {
            rig_move(&ladder.rig, 0, 0, 64, HEIGHT);
            ladder_send(&ladder, false);
        }
        rig_move(&ladder.rig, 0, 0, 64, HEIGHT);
        rig_move(&ladder.rig, HALF, 0, is_much ? HALF : 32, is_much ? HEIGHT : 32);
        ladder_send(&ladder, false);
        assert_int_equal(ladder.layer == 0, is_much || i % 4 == 3);
        ladder_close(&ladder);
    }
}

static void test_a_keyframe_fits_its_link(void **state) {
    static const int CASES[][3] = {{320, 180, 150}, {640, 360, 500}, {1280, 720, 1500}};
    for (int i = 0; i < 3; i++) {
        struct encoder_config config = config_of(CASES[i][0], CASES[i][1]);
        config.kbps = CASES[i][2];
        config.has_layers = true;
        config.quantiser_max = 63;
        size_t frame_bytes = (size_t)config.kbps * 1000 / 8 / FPS;
        struct encoder *encoder = NULL;
        assert_int_equal(encoder_create(&config, &encoder), 0);
        AVFrame *canvas = footage_picture(CASES[i][0], CASES[i][1], 0);
        for (int j = 0; j < 90; j++) {
            struct packet *packet = NULL;
            footage_draw(canvas, 0, 0, CASES[i][0], CASES[i][1], j);
            assert_int_equal(
                encoder_encode(encoder, canvas, NULL, j % 30 == 0, j * FRAME_NS, &packet), 0);
            assert_int_equal(packet->is_keyframe, j % 30 == 0);
            assert_true(packet->size_bytes < 8 * frame_bytes);
            assert_true(config.kbps > 150 || packet->size_bytes < 4000);
            packet_unref(packet);
        }
        av_frame_free(&canvas);
        encoder_destroy(encoder);
    }
}

#define WITH(test, layers)                                                                         \
    { #test "(" #layers ")", test, NULL, NULL, &layers }
#define BOTH(test) WITH(test, plain), WITH(test, layered)

int main(void) {
    static bool plain = false, layered = true;

    const struct CMUnitTest tests[] = {
        BOTH(test_what_is_decoded_is_what_was_drawn),
        BOTH(test_keyframes_come_on_request_only),
        BOTH(test_a_keyframe_suffices_for_a_joiner),
        BOTH(test_inactive_macroblocks_stay_as_they_were),
        BOTH(test_only_what_is_marked_is_looked_at),
        BOTH(test_without_a_map_all_is_looked_at),
        BOTH(test_a_still_picture_becomes_fine_and_then_costs_nothing),
        BOTH(test_the_bitrate_is_kept_and_follows),
        BOTH(test_waking_up_is_no_burst),
        BOTH(test_a_keyframe_is_no_burst),
        BOTH(test_the_clock_may_stumble),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_every_canvas_and_thread_count_works),
        cmocka_unit_test(test_a_flood_of_requests_is_one_keyframe_an_interval),
        cmocka_unit_test(test_a_request_within_the_interval_is_served_after_it),
        cmocka_unit_test(test_a_macroblock_at_rest_is_looked_at_until_it_is_fine),
        cmocka_unit_test(test_what_changed_is_coded_until_a_base_frame_has_it),
        cmocka_unit_test(test_the_pattern_follows_time),
        cmocka_unit_test(test_who_leaves_out_layers_sees_the_same_pictures),
        cmocka_unit_test(test_no_block_is_left_behind_by_a_frame_that_was_dropped),
        cmocka_unit_test(test_the_last_state_reaches_layer_0),
        cmocka_unit_test(test_each_layer_keeps_its_share),
        cmocka_unit_test(test_layers_may_be_joined_at_any_base_frame),
        cmocka_unit_test(test_what_wakes_up_at_once_is_coded_once),
        cmocka_unit_test(test_a_keyframe_fits_its_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
