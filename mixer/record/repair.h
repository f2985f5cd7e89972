// SPDX-License-Identifier: MIT
// Recordings that were not finished, made whole: remuxed into a new file beside the old one, which
// takes its place when all of it is on the disk. MP4 becomes a plain one, its index in front, that
// any player seeks in. Any thread; takes as long as reading the file does.
#ifndef MIXER_RECORD_REPAIR_H
#define MIXER_RECORD_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct repair_chapter {
    int64_t at_ns; // in the file
    const char *title;
};

struct repair_config {
    // For a file that has none of its own, rising; each goes up to the next. Those that begin
    // outside of the file are left out.
    const struct repair_chapter *chapters;
    int chapter_count;
    int64_t free_floor_bytes; // ends with -ENOSPC before less is free; 0: when nothing is
};

struct repair_outcome {
    int64_t duration_ns;
    uint64_t bytes;
};

// What is broken at its end is left out. config NULL: all zero. 0; -ENODATA: nothing in it plays
// (the file stays as it is); -ENOSPC: there is no room for a second one; or another negative errno.
int repair_file(const char *path, const struct repair_config *config, struct repair_outcome *out);

// Was it finished: does it tell its duration, and where to seek? Reads its head alone. *out, of one
// that is.
bool repair_is_whole(const char *path, struct repair_outcome *out);
// What plays of one that is not. Reads all of it, writes nothing. 0, -ENODATA or another negative
// errno.
int repair_measure(const char *path, struct repair_outcome *out);
// What a repair that was cut off has left beside it goes, and takes no room any more.
void repair_forget(const char *path);
// Is there room for a second one, and a little more, above what is to stay free?
bool repair_has_room(const char *path, int64_t free_floor_bytes);

// A picture of the file as JPEG, from its keyframe nearest to at_ns; sheet: a contact sheet of
// columns x rows pictures, evenly spread. width_px: of the whole. *jpeg is malloc'ed.
int repair_make_poster(const char *path, int64_t at_ns, int width_px, uint8_t **jpeg,
                       size_t *size_bytes);
int repair_make_sheet(const char *path, int columns, int rows, int width_px, uint8_t **jpeg,
                      size_t *size_bytes);

#endif
