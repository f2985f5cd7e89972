// SPDX-License-Identifier: MIT
#include "mixer/video/picture.h"
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
    assert_int_equal(picture_encode(picture, PICTURE_JPEG, width_px, &jpeg, &size_bytes), 0);
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

static void test_a_jpeg_keeps_the_picture(void **state) {
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
    assert_int_equal(picture_encode(picture, PICTURE_JPEG, -1, &jpeg, &size_bytes), -EINVAL);
    assert_int_equal(picture_encode(empty, PICTURE_PNG, 0, &jpeg, &size_bytes), -EINVAL);
    assert_null(jpeg);
    av_frame_free(&empty);
    av_frame_free(&picture);
}

// ---- files that people send ----

struct file {
    uint8_t *data;
    size_t size_bytes;
};

// By libavcodec's own encoder; takes the frame.
static struct file write_file(enum AVCodecID id, AVFrame *frame) {
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_encoder(id));
    AVPacket *packet = av_packet_alloc();
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = frame->format;
    context->time_base = (AVRational){1, 1};
    context->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    assert_int_equal(avcodec_open2(context, NULL, NULL), 0);
    assert_int_equal(avcodec_send_frame(context, frame), 0);
    avcodec_send_frame(context, NULL);
    assert_int_equal(avcodec_receive_packet(context, packet), 0);
    struct file file = {malloc((size_t)packet->size), (size_t)packet->size};
    memcpy(file.data, packet->data, file.size_bytes);
    av_packet_free(&packet);
    avcodec_free_context(&context);
    av_frame_free(&frame);
    return file;
}

// Opaque on the left, half clear on the right.
static AVFrame *two_halves(int format, int width_px, int height_px) {
    AVFrame *frame = footage_blank(format, width_px, height_px);
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            uint8_t rgba[] = {200, 100, 50, x < width_px / 2 ? 255 : 128};
            int bytes = format == AV_PIX_FMT_RGB24 ? 3 : 4;
            uint8_t *at = frame->data[0] + (ptrdiff_t)y * frame->linesize[0] + x * bytes;
            memcpy(at, rgba, (size_t)bytes);
            if (format == AV_PIX_FMT_BGRA) {
                at[0] = rgba[2];
                at[2] = rgba[0];
            }
        }
    return frame;
}

static struct picture *read_file(const struct file *file) {
    struct picture *picture = NULL;
    assert_int_equal(picture_decode(file->data, file->size_bytes, &picture), 0);
    return picture;
}

static void assert_pixel(const AVFrame *frame, int x, int y, int a, int r, int g, int b,
                         int slack) {
    const uint32_t *row =
        (const uint32_t *)(const void *)(frame->data[0] + (ptrdiff_t)y * frame->linesize[0]);
    int wanted[] = {b, g, r, a};
    for (int i = 0; i < 4; i++)
        assert_in_range(row[x] >> (8 * i) & 255, wanted[i] > slack ? wanted[i] - slack : 0,
                        wanted[i] + slack);
}

static void test_transparency_is_kept(void **state) {
    static const struct {
        enum AVCodecID id;
        int format, slack;
    } CASES[] = {{AV_CODEC_ID_PNG, AV_PIX_FMT_RGBA, 1}, {AV_CODEC_ID_WEBP, AV_PIX_FMT_BGRA, 6}};
    for (int i = 0; i < 2; i++) {
        struct file file = write_file(CASES[i].id, two_halves(CASES[i].format, 64, 48));
        struct picture *picture = read_file(&file);
        assert_int_equal(picture_width_px(picture), 64);
        assert_int_equal(picture_height_px(picture), 48);
        AVFrame *frame = picture_fit(picture, 64, 48);
        assert_pixel(frame, 10, 20, 255, 200, 100, 50, CASES[i].slack);
        assert_pixel(frame, 50, 20, 128, 100, 50, 25, CASES[i].slack);
        av_frame_free(&frame);
        picture_destroy(picture);
        free(file.data);
    }
}

static void test_a_picture_without_transparency_is_opaque(void **state) {
    AVFrame *grey = footage_blank(AV_PIX_FMT_YUVJ420P, 320, 240);
    footage_fill(grey, 120, 128, 128);
    struct file files[] = {write_file(AV_CODEC_ID_PNG, two_halves(AV_PIX_FMT_RGB24, 320, 240)),
                           write_file(AV_CODEC_ID_MJPEG, grey)};
    for (int i = 0; i < 2; i++) {
        struct picture *picture = read_file(&files[i]);
        AVFrame *frame = picture_cover(picture, 64, 64);
        assert_int_equal(frame->width, 64);
        assert_int_equal(frame->height, 64);
        if (i == 0)
            assert_pixel(frame, 50, 32, 255, 200, 100, 50, 1);
        else
            assert_pixel(frame, 50, 32, 255, 120, 120, 120, 2);
        av_frame_free(&frame);
        picture_destroy(picture);
        free(files[i].data);
    }
}

static void test_fit_keeps_the_shape_and_never_enlarges(void **state) {
    struct file file = write_file(AV_CODEC_ID_PNG, two_halves(AV_PIX_FMT_RGBA, 400, 100));
    struct picture *picture = picture_ref(read_file(&file));
    picture_destroy(picture); // one of two
    static const int CASES[][4] = {
        {160, 90, 160, 40}, {160, 10, 40, 10}, {4000, 4000, 400, 100}, {1, 1, 1, 1}};
    for (int i = 0; i < 4; i++) {
        AVFrame *frame = picture_fit(picture, CASES[i][0], CASES[i][1]);
        assert_int_equal(frame->width, CASES[i][2]);
        assert_int_equal(frame->height, CASES[i][3]);
        av_frame_free(&frame);
    }
    // Cut left and right: the border of the halves stays in the middle.
    AVFrame *frame = picture_cover(picture, 50, 50);
    assert_pixel(frame, 20, 25, 255, 200, 100, 50, 1);
    assert_pixel(frame, 30, 25, 128, 100, 50, 25, 1);
    av_frame_free(&frame);
    picture_destroy(picture);
    free(file.data);
}

static void put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t crc_of(const uint8_t *data, size_t size_bytes) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size_bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void test_what_claims_to_be_huge_is_refused_before_it_is_made(void **state) {
    static const struct {
        uint32_t width, height;
    } CASES[] = {{8193, 1}, {1, 8193}, {8192, 8192}, {100000, 100000}, {5200, 5200}};
    struct file file = write_file(AV_CODEC_ID_PNG, two_halves(AV_PIX_FMT_RGBA, 64, 48));
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct picture *picture = NULL;
        put_u32(file.data + 16, CASES[i].width);
        put_u32(file.data + 20, CASES[i].height);
        put_u32(file.data + 29, crc_of(file.data + 12, 17));
        int error = picture_decode(file.data, file.size_bytes, &picture);
        // libavcodec has a limit of its own, far above.
        assert_int_equal(error, CASES[i].width == 100000 ? -EINVAL : -E2BIG);
        assert_null(picture);
    }
    free(file.data);
}

static void test_broken_files_are_refused(void **state) {
    static const enum AVCodecID IDS[] = {AV_CODEC_ID_PNG, AV_CODEC_ID_WEBP, AV_CODEC_ID_MJPEG};
    static const char *const NONE[] = {"", "GIF89a0123456789abcdef", "\x89PNG\r\n\x1a\n01234567",
                                       "\xff\xd8\xff\xe0 and then nothing more",
                                       "RIFF\x10\0\0\0WEBPVP8 0123456789"};
    struct picture *picture = NULL;
    for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
        assert_int_equal(picture_decode(NONE[i], i == 4 ? 24 : strlen(NONE[i]), &picture), -EINVAL);
    for (int i = 0; i < 3; i++) {
        AVFrame *frame = i == 2 ? footage_picture(160, 96, 0) : two_halves(AV_PIX_FMT_RGBA, 64, 48);
        frame->format = i == 2 ? AV_PIX_FMT_YUVJ420P : frame->format;
        if (i == 1)
            frame->format = AV_PIX_FMT_BGRA;
        struct file file = write_file(IDS[i], frame);
        for (size_t size = 0; size < file.size_bytes / 2; size += 7)
            assert_int_equal(picture_decode(file.data, size, &picture), -EINVAL);
        free(file.data);
    }
    assert_null(picture);
}

static void test_a_jpeg_of_countless_scans_is_refused(void **state) {
    AVFrame *frame = footage_picture(160, 96, 0);
    frame->format = AV_PIX_FMT_YUVJ420P;
    struct file file = write_file(AV_CODEC_ID_MJPEG, frame);
    file.data = realloc(file.data, file.size_bytes + 2000);
    for (int i = 0; i < 1000; i++)
        memcpy(file.data + file.size_bytes + 2 * (size_t)i, "\xff\xda", 2);
    struct picture *picture = NULL;
    assert_int_equal(picture_decode(file.data, file.size_bytes + 2000, &picture), -EINVAL);
    assert_int_equal(picture_decode(file.data, file.size_bytes, &picture), 0);
    picture_destroy(picture);
    free(file.data);
}

// A JPEG whose EXIF says how the camera was held.
static struct file turned_file(int orientation) {
    AVFrame *frame = footage_blank(AV_PIX_FMT_YUVJ420P, 64, 48);
    footage_fill(frame, 40, 128, 128);
    for (int y = 0; y < 24; y++) // bright in the upper left quarter
        memset(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], 220, 32);
    struct file plain = write_file(AV_CODEC_ID_MJPEG, frame);
    uint8_t exif[] = {0xff,
                      0xe1,
                      0,
                      34,
                      'E',
                      'x',
                      'i',
                      'f',
                      0,
                      0,
                      'I',
                      'I',
                      42,
                      0,
                      8,
                      0,
                      0,
                      0,
                      1,
                      0,
                      0x12,
                      1,
                      3,
                      0,
                      1,
                      0,
                      0,
                      0,
                      (uint8_t)orientation,
                      0,
                      0,
                      0,
                      0,
                      0,
                      0,
                      0};
    struct file file = {malloc(plain.size_bytes + sizeof(exif)), plain.size_bytes + sizeof(exif)};
    memcpy(file.data, plain.data, 2);
    memcpy(file.data + 2, exif, sizeof(exif));
    memcpy(file.data + 2 + sizeof(exif), plain.data + 2, plain.size_bytes - 2);
    free(plain.data);
    return file;
}

static void test_a_photo_stands_upright_however_the_camera_was_held(void **state) {
    // Where the bright quarter must be: right, lower.
    static const int WANTED[][2] = {{0, 0}, {0, 0}, {1, 0}, {1, 1}, {0, 1},
                                    {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}};
    for (int i = 1; i <= 9; i++) { // 9 is none
        struct file file = turned_file(i);
        struct picture *picture = read_file(&file);
        bool is_sideways = i >= 5 && i <= 8;
        int width = is_sideways ? 48 : 64, height = is_sideways ? 64 : 48;
        assert_int_equal(picture_width_px(picture), width);
        assert_int_equal(picture_height_px(picture), height);
        AVFrame *frame = picture_fit(picture, 64, 64);
        assert_int_equal(frame->width, width);
        int x = width / 4, y = height / 4;
        for (int quarter = 0; quarter < 4; quarter++) {
            int luma = quarter % 2 == WANTED[i][0] && quarter / 2 == WANTED[i][1] ? 220 : 40;
            assert_pixel(frame, x + quarter % 2 * width / 2, y + quarter / 2 * height / 2, 255,
                         luma, luma, luma, 6);
        }
        av_frame_free(&frame);
        picture_destroy(picture);
        free(file.data);
    }
}

static void test_texts_in_a_png_are_not_even_read(void **state) {
    struct file file = write_file(AV_CODEC_ID_PNG, two_halves(AV_PIX_FMT_RGBA, 64, 48));
    enum { HEAD = 33, CHUNK = 12 + 8 }; // signature and IHDR; then a zTXt whose text is no zlib
    uint8_t *data = malloc(file.size_bytes + CHUNK);
    memcpy(data, file.data, HEAD);
    put_u32(data + HEAD, 8);
    memcpy(data + HEAD + 4, "zTXtk\0\0\xff\xff\xff\xff\xff", 12);
    put_u32(data + HEAD + 16, 0xbad);
    memcpy(data + HEAD + CHUNK, file.data + HEAD, file.size_bytes - HEAD);
    struct picture *picture = NULL;
    assert_int_equal(picture_decode(data, file.size_bytes + CHUNK, &picture), 0);
    picture_destroy(picture);
    free(data);
    free(file.data);
}

static void test_a_png_keeps_every_pixel(void **state) {
    AVFrame *canvas = footage_blank(AV_PIX_FMT_YUV420P, 128, 96);
    struct file file = {0};
    footage_fill(canvas, 81, 90, 240); // red
    assert_int_equal(picture_encode(canvas, PICTURE_PNG, 64, &file.data, &file.size_bytes), 0);
    assert_memory_equal(file.data, "\x89PNG", 4);
    struct picture *picture = read_file(&file);
    assert_int_equal(picture_width_px(picture), 64);
    assert_int_equal(picture_height_px(picture), 48);
    AVFrame *frame = picture_fit(picture, 64, 48);
    assert_pixel(frame, 0, 0, 255, 254, 0, 0, 2);
    assert_pixel(frame, 63, 47, 255, 254, 0, 0, 2);
    av_frame_free(&frame);
    picture_destroy(picture);
    av_frame_free(&canvas);
    free(file.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_as_large_as_asked_and_never_larger),
        cmocka_unit_test(test_limited_range_becomes_full),
        cmocka_unit_test(test_a_jpeg_keeps_the_picture),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_transparency_is_kept),
        cmocka_unit_test(test_a_picture_without_transparency_is_opaque),
        cmocka_unit_test(test_fit_keeps_the_shape_and_never_enlarges),
        cmocka_unit_test(test_what_claims_to_be_huge_is_refused_before_it_is_made),
        cmocka_unit_test(test_broken_files_are_refused),
        cmocka_unit_test(test_a_jpeg_of_countless_scans_is_refused),
        cmocka_unit_test(test_a_photo_stands_upright_however_the_camera_was_held),
        cmocka_unit_test(test_texts_in_a_png_are_not_even_read),
        cmocka_unit_test(test_a_png_keeps_every_pixel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
