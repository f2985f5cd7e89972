// SPDX-License-Identifier: MIT
// Pictures that carry a number from 0 to 63 in eight cells in their middle: white, black, six bits.
#ifndef TESTS_BENCH_PICTURES_H
#define TESTS_BENCH_PICTURES_H

#include "tests/peer/client.h"

enum { PICTURES_NUMBERS = 64 };

// 64 pictures of 640x360, numbered, over the first ones of background. NULL when that fails.
struct media *pictures_number(const struct media *background);
// The first seconds of it in half the width and height, as a camera sends that obeys a small tile.
struct media *pictures_halve(const struct media *footage, int kbps);
// Footage of our own for where there is none: textures that drift, with noise.
struct media *pictures_generate(int count);

struct pictures_reader;

// Reads numbers from a tile of a VP8 stream that begins with a keyframe. NULL when out of memory.
struct pictures_reader *pictures_reader_create(const struct client_rect *tile);
void pictures_reader_destroy(struct pictures_reader *reader); // NULL is allowed
// Takes every frame in order. -1: no number to be read.
int pictures_read(struct pictures_reader *reader, const void *data, size_t size_bytes);

#endif
