// SPDX-License-Identifier: MIT
// Recordings that were not finished, made whole: remuxed into a new file beside the old one, which
// takes its place when all of it is on the disk. Any thread; takes as long as reading the file
// does.
#ifndef MIXER_RECORD_REPAIR_H
#define MIXER_RECORD_REPAIR_H

#include <stddef.h>
#include <stdint.h>

struct repair_outcome {
    int64_t duration_ns;
    uint64_t bytes;
};

// What is broken at its end is left out. 0; -ENODATA: nothing in it plays (the file stays as it
// is); or another negative errno.
int repair_file(const char *path, struct repair_outcome *out);
// A picture of the file as JPEG, from its keyframe nearest to at_ns; sheet: a contact sheet of
// columns x rows pictures, evenly spread. width_px: of the whole. *jpeg is malloc'ed.
int repair_make_poster(const char *path, int64_t at_ns, int width_px, uint8_t **jpeg,
                       size_t *size_bytes);
int repair_make_sheet(const char *path, int columns, int rows, int width_px, uint8_t **jpeg,
                      size_t *size_bytes);

#endif
