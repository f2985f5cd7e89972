// SPDX-License-Identifier: MIT
#include "tests/bench/pictures.h"

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <string.h>

enum {
    WIDTH_PX = 640,
    HEIGHT_PX = 360,
    CELL_PX = 48,
    CELLS = 8,
    COLUMNS = 4,
    LEFT_PX = (WIDTH_PX - COLUMNS * CELL_PX) / 2,
    TOP_PX = (HEIGHT_PX - CELLS / COLUMNS * CELL_PX) / 2,
    FPS = 30,
    KBPS = 530, // what the recorded footage has
    CONTRAST_MIN = 60,
};

// --- decoding ---

static AVCodecContext *open_decoder(void) {
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_VP8);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (context)
        context->thread_count = 1;
    if (context && avcodec_open2(context, codec, NULL) < 0)
        avcodec_free_context(&context);
    return context;
}

// True if picture is a new one.
static bool decode(AVCodecContext *context, const void *data, size_t size_bytes, AVFrame *picture) {
    AVPacket *packet = av_packet_alloc();
    bool is_new = false;
    if (packet && av_new_packet(packet, (int)size_bytes) == 0) {
        memcpy(packet->data, data, size_bytes);
        is_new = avcodec_send_packet(context, packet) == 0 &&
                 avcodec_receive_frame(context, picture) == 0;
    }
    av_packet_free(&packet);
    return is_new;
}

// --- making ---

struct painter {
    const struct media *background;
    AVCodecContext *decoder;
    AVFrame *picture;
};

static void fill_cell(uint8_t *planes[3], const int strides[3], int cell, bool is_white) {
    int left = LEFT_PX + cell % COLUMNS * CELL_PX, top = TOP_PX + cell / COLUMNS * CELL_PX;
    for (int y = top; y < top + CELL_PX; y++)
        memset(planes[0] + y * strides[0] + left, is_white ? 235 : 16, CELL_PX);
    for (int p = 1; p < 3; p++)
        for (int y = top / 2; y < (top + CELL_PX) / 2; y++)
            memset(planes[p] + y * strides[p] + left / 2, 128, CELL_PX / 2);
}

static void paint_number(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                         const int strides[3]) {
    struct painter *painter = user;
    const struct media_frame *frame =
        &painter->background->frames[index % painter->background->count];
    decode(painter->decoder, frame->data, frame->size_bytes, painter->picture);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p ? height_px / 2 : height_px) && painter->picture->data[p]; y++)
            memcpy(planes[p] + y * strides[p],
                   painter->picture->data[p] + y * painter->picture->linesize[p],
                   (size_t)(p ? width_px / 2 : width_px));
    fill_cell(planes, strides, 0, true);
    fill_cell(planes, strides, 1, false);
    for (int bit = 0; bit < CELLS - 2; bit++)
        fill_cell(planes, strides, bit + 2, index >> bit & 1);
}

struct media *pictures_number(const struct media *background) {
    if (background->width_px != WIDTH_PX || background->height_px != HEIGHT_PX)
        return NULL;
    struct painter painter = {background, open_decoder(), av_frame_alloc()};
    struct media *media = NULL;
    if (painter.decoder && painter.picture)
        media = media_create_painted(paint_number, &painter, WIDTH_PX, HEIGHT_PX, FPS,
                                     PICTURES_NUMBERS, KBPS);
    avcodec_free_context(&painter.decoder);
    av_frame_free(&painter.picture);
    return media;
}

static void paint_half(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                       const int strides[3]) {
    struct painter *painter = user;
    const struct media_frame *frame =
        &painter->background->frames[index % painter->background->count];
    decode(painter->decoder, frame->data, frame->size_bytes, painter->picture);
    for (int p = 0; p < 3 && painter->picture->data[p]; p++)
        for (int y = 0; y < (p ? height_px / 2 : height_px); y++) {
            int stride = painter->picture->linesize[p];
            const uint8_t *from = painter->picture->data[p] + 2 * y * stride;
            for (int x = 0; x < (p ? width_px / 2 : width_px); x++)
                planes[p][y * strides[p] + x] =
                    (from[2 * x] + from[2 * x + 1] + from[stride + 2 * x] +
                     from[stride + 2 * x + 1] + 2) /
                    4;
        }
}

struct media *pictures_halve(const struct media *footage, int kbps) {
    struct painter painter = {footage, open_decoder(), av_frame_alloc()};
    struct media *media = NULL;
    if (painter.decoder && painter.picture)
        media = media_create_painted(paint_half, &painter, footage->width_px / 2,
                                     footage->height_px / 2, FPS, MIN(footage->count, 300), kbps);
    avcodec_free_context(&painter.decoder);
    av_frame_free(&painter.picture);
    return media;
}

static void paint_drift(void *user, int index, int width_px, int height_px, uint8_t *planes[3],
                        const int strides[3]) {
    GRand *random = user;
    double turn = index * 0.08;
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++) {
            double wave = sin(x * 0.031 + turn) + sin(y * 0.047 - turn * 1.3) +
                          sin((x + y) * 0.11 + turn * 0.4);
            planes[0][y * strides[0] + x] =
                (uint8_t)(125 + 28 * wave + (double)(g_rand_int(random) & 7));
        }
    for (int p = 1; p < 3; p++)
        for (int y = 0; y < height_px / 2; y++)
            for (int x = 0; x < width_px / 2; x++)
                planes[p][y * strides[p] + x] = (uint8_t)(128 + 40 * sin(x * 0.02 * p + turn));
}

struct media *pictures_generate(int count) {
    GRand *random = g_rand_new_with_seed(1);
    struct media *media =
        media_create_painted(paint_drift, random, WIDTH_PX, HEIGHT_PX, FPS, count, KBPS);
    g_rand_free(random);
    return media;
}

// --- reading ---

struct pictures_reader {
    struct client_rect tile;
    AVCodecContext *decoder;
    AVFrame *picture;
    int found[2]; // numbers read when the tile is taken as cropped, and as letterboxed
};

struct pictures_reader *pictures_reader_create(const struct client_rect *tile) {
    struct pictures_reader *reader = g_new0(struct pictures_reader, 1);
    reader->tile = *tile;
    reader->decoder = open_decoder();
    reader->picture = av_frame_alloc();
    if (reader->decoder && reader->picture)
        return reader;
    pictures_reader_destroy(reader);
    return NULL;
}

void pictures_reader_destroy(struct pictures_reader *reader) {
    if (!reader)
        return;
    avcodec_free_context(&reader->decoder);
    av_frame_free(&reader->picture);
    g_free(reader);
}

// The mean brightness in the middle of a cell, the clip being scaled about the tile's centre; -1 if
// that is not in the picture.
static double cell_luma(const struct pictures_reader *reader, double scale, int cell) {
    const struct client_rect *tile = &reader->tile;
    double from_centre_x = LEFT_PX + (cell % COLUMNS + 0.5) * CELL_PX - WIDTH_PX / 2.0,
           from_centre_y = TOP_PX + (cell / COLUMNS + 0.5) * CELL_PX - HEIGHT_PX / 2.0;
    int centre_x = (int)(tile->x + tile->width / 2.0 + from_centre_x * scale),
        centre_y = (int)(tile->y + tile->height / 2.0 + from_centre_y * scale);
    int reach = (int)(CELL_PX * scale / 5);
    const AVFrame *picture = reader->picture;
    if (reach < 1 || centre_x - reach < 0 || centre_y - reach < 0 ||
        centre_x + reach >= picture->width || centre_y + reach >= picture->height)
        return -1;
    double sum = 0;
    for (int y = centre_y - reach; y <= centre_y + reach; y++)
        for (int x = centre_x - reach; x <= centre_x + reach; x++)
            sum += picture->data[0][y * picture->linesize[0] + x];
    return sum / ((2 * reach + 1) * (2 * reach + 1));
}

static int read_number(const struct pictures_reader *reader, double scale) {
    double white = cell_luma(reader, scale, 0), black = cell_luma(reader, scale, 1);
    if (white < 0 || black < 0 || white - black < CONTRAST_MIN)
        return -1;
    int number = 0;
    for (int bit = 0; bit < CELLS - 2; bit++) {
        double share = (cell_luma(reader, scale, bit + 2) - black) / (white - black);
        if (share > 0.3 && share < 0.7)
            return -1; // between two pictures
        number |= (share >= 0.7) << bit;
    }
    return number;
}

int pictures_read(struct pictures_reader *reader, const void *data, size_t size_bytes) {
    if (!decode(reader->decoder, data, size_bytes, reader->picture))
        return -1;
    double across = (double)reader->tile.width / WIDTH_PX,
           down = (double)reader->tile.height / HEIGHT_PX;
    double scales[2] = {MAX(across, down), MIN(across, down)};
    int numbers[2];
    for (int i = 0; i < 2; i++) {
        numbers[i] = read_number(reader, scales[i]);
        reader->found[i] += numbers[i] >= 0;
    }
    return numbers[reader->found[1] > reader->found[0]];
}
