// SPDX-License-Identifier: MIT
// A member's name as people wrote it, made fit for drawing. Pure; any thread.
#ifndef MIXER_VIDEO_NAME_H
#define MIXER_VIDEO_NAME_H

#include <stddef.h>

enum { NAME_SIZE_BYTES = 192, NAME_INITIALS_SIZE_BYTES = 64 };

// Valid UTF-8 on one line: no control characters, none that turn the direction of what follows,
// white space joined, cut at a character when too long. text may be NULL or broken.
void name_clean(const char *text, char out[NAME_SIZE_BYTES]);

// The same for a longer text, where the first line break stays one; out has room for size_bytes.
void name_clean_lines(const char *text, char *out, size_t size_bytes);

// What stands in the avatar, of a cleaned name: first and last word's first letters in scripts with
// capitals, else the first sign alone. A sign is what a reader takes for one: a letter with its
// marks, an emoji with its tones. Empty for an empty name.
void name_initials(const char *name, char out[NAME_INITIALS_SIZE_BYTES]);

// 0xRRGGBB, always the same for the same text, light enough for dark and dark enough for white
// type.
unsigned name_colour(const char *text);

#endif
