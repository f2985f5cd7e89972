// SPDX-License-Identifier: MIT
// What a client sees: VP8 frames are kept as they come and decoded only when somebody looks, so
// that nine watchers do not cost nine decoders. Any thread; one mutex inside.
#ifndef TESTS_PEER_SIGHT_H
#define TESTS_PEER_SIGHT_H

#include "tests/peer/media.h"

struct sight;

struct sight *sight_create(void);
void sight_destroy(struct sight *sight); // NULL is allowed

void sight_push(struct sight *sight, const void *data, size_t size_bytes);
// The mean colour of a rectangle of the newest picture. 0, or -EAGAIN before the first picture,
// -ERANGE outside of it.
int sight_colour_at(struct sight *sight, int x, int y, int width_px, int height_px,
                    struct rgb *out);
// 0, or -EAGAIN before the first picture.
int sight_size(struct sight *sight, int *width_px, int *height_px);
// Writes the newest picture as a PPM file, for eyes. 0 or negative errno.
int sight_save(struct sight *sight, const char *path);
uint64_t sight_broken_count(struct sight *sight); // frames the decoder refused
// Decodes what is there and tells how many frames became pictures so far.
uint64_t sight_decoded_count(struct sight *sight);

#endif
