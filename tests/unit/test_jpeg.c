// SPDX-License-Identifier: MIT
#include "mixer/video/jpeg.h"
#include "tests/unit/footage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static AVFrame *read_jpeg(const uint8_t *data, size_t size_bytes) {
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
    assert_int_equal(av_new_packet(packet, (int)size_bytes), 0);
    memcpy(packet->data, data, size_bytes);
    assert_int_equal(avcodec_send_packet(context, packet), 0);
    assert_int_equal(avcodec_receive_frame(context, frame), 0);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    return frame;
}

// Encodes and reads back.
static AVFrame *there_and_back(const AVFrame *picture, int width_px) {
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    assert_int_equal(jpeg_encode(picture, width_px, &jpeg, &size_bytes), 0);
    assert_true(size_bytes > 100);
    assert_memory_equal(jpeg, ((uint8_t[]){0xff, 0xd8, 0xff}), 3);
    assert_memory_equal(jpeg + size_bytes - 2, ((uint8_t[]){0xff, 0xd9}), 2);
    AVFrame *frame = read_jpeg(jpeg, size_bytes);
    free(jpeg);
    return frame;
}

static void test_it_is_as_large_as_asked_and_never_larger(void **state) {
    static const int CASES[][5] = {{640, 368, 0, 640, 368},    {640, 368, 320, 320, 184},
                                   {640, 368, 4000, 640, 368}, {640, 368, 333, 333, 191},
                                   {720, 1280, 90, 90, 160},   {321, 241, 0, 321, 241},
                                   {640, 368, 1, 16, 9},       {16, 16, 16, 16, 16}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        AVFrame *picture = footage_blank(AV_PIX_FMT_YUV420P, CASES[i][0], CASES[i][1]);
        footage_fill(picture, 100, 110, 140);
        AVFrame *frame = there_and_back(picture, CASES[i][2]);
        assert_int_equal(frame->width, CASES[i][3]);
        assert_int_equal(frame->height, CASES[i][4]);
        av_frame_free(&frame);
        av_frame_free(&picture);
    }
}

static void assert_sample(int value, int wanted) {
    if (abs(value - wanted) > 2)
        assert_int_equal(value, wanted);
}

static void test_limited_range_becomes_full(void **state) {
    static const struct {
        enum AVColorRange range;
        int luma, wanted;
    } CASES[] = {{AVCOL_RANGE_UNSPECIFIED, 16, 0},
                 {AVCOL_RANGE_UNSPECIFIED, 235, 255},
                 {AVCOL_RANGE_MPEG, 126, 128},
                 {AVCOL_RANGE_JPEG, 16, 16},
                 {AVCOL_RANGE_JPEG, 235, 235}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        for (int width_px = 0; width_px <= 64; width_px += 64) { // converted alone, and scaled
            AVFrame *picture = footage_blank(AV_PIX_FMT_YUV420P, 128, 96);
            picture->color_range = CASES[i].range;
            footage_fill(picture, CASES[i].luma, 128, 128);
            AVFrame *frame = there_and_back(picture, width_px);
            assert_sample(frame->data[0][frame->linesize[0] * 20 + 20], CASES[i].wanted);
            assert_sample(frame->data[1][frame->linesize[1] * 10 + 10], 128);
            av_frame_free(&frame);
            av_frame_free(&picture);
        }
}

static void test_the_picture_is_kept(void **state) {
    AVFrame *picture = footage_picture(640, 368, 0);
    picture->color_range = AVCOL_RANGE_JPEG;
    AVFrame *frame = there_and_back(picture, 0);
    assert_true(footage_psnr(picture, frame) > 33);
    av_frame_free(&frame);
    av_frame_free(&picture);
}

static void test_nonsense_is_refused(void **state) {
    AVFrame *picture = footage_picture(64, 48, 0), *empty = av_frame_alloc();
    uint8_t *jpeg = NULL;
    size_t size_bytes = 0;
    assert_int_equal(jpeg_encode(picture, -1, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(jpeg_encode(empty, 0, &jpeg, &size_bytes), -EINVAL);
    assert_null(jpeg);
    av_frame_free(&empty);
    av_frame_free(&picture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_as_large_as_asked_and_never_larger),
        cmocka_unit_test(test_limited_range_becomes_full),
        cmocka_unit_test(test_the_picture_is_kept),
        cmocka_unit_test(test_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
