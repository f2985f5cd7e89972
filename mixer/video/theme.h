// SPDX-License-Identifier: MIT
// How a room wants its composite to look, as it was set: colour, pictures, banner. A value that
// shares its pictures with its copies. Not locked.
#ifndef MIXER_VIDEO_THEME_H
#define MIXER_VIDEO_THEME_H

#include "mixer/video/stage.h"

struct theme {
    uint32_t background_rgb;
    struct picture *pictures[STAGE_PICTURES]; // NULL: none
    bool has_banner;                          // of text; a picture may stand there alone
    struct stage_banner banner;
    bool is_recording;
    unsigned serial; // counts the changes
};

void theme_init(struct theme *theme); // the palette's ground and nothing else
void theme_finish(struct theme *theme);
// Keeps references to the pictures of from. to must be finished, or zeroed.
void theme_copy(const struct theme *from, struct theme *to);

void theme_set_background(struct theme *theme, uint32_t rgb);
// Takes picture, and returns the one that it replaces.
struct picture *theme_set_picture(struct theme *theme, enum stage_picture slot,
                                  struct picture *picture);
void theme_set_banner(struct theme *theme, const struct stage_banner *banner); // NULL: none
void theme_set_recording(struct theme *theme, bool is_recording);

#endif
