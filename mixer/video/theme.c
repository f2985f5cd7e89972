// SPDX-License-Identifier: MIT
#include "mixer/video/theme.h"

#include "mixer/video/palette.h"

#include <string.h>

void theme_init(struct theme *theme) {
    memset(theme, 0, sizeof(*theme));
    theme->background_rgb = PALETTE_BACKGROUND;
}

void theme_finish(struct theme *theme) {
    for (int i = 0; i < STAGE_PICTURES; i++) {
        picture_destroy(theme->pictures[i]);
        theme->pictures[i] = NULL;
    }
}

void theme_copy(const struct theme *from, struct theme *to) {
    *to = *from;
    for (int i = 0; i < STAGE_PICTURES; i++)
        to->pictures[i] = picture_ref(from->pictures[i]);
}

void theme_set_background(struct theme *theme, uint32_t rgb) {
    theme->background_rgb = rgb & 0xffffff;
    theme->serial++;
}

struct picture *theme_set_picture(struct theme *theme, enum stage_picture slot,
                                  struct picture *picture) {
    if ((unsigned)slot >= STAGE_PICTURES)
        return picture;
    struct picture *old = theme->pictures[slot];
    theme->pictures[slot] = picture;
    theme->serial++;
    return old;
}

void theme_set_banner(struct theme *theme, const struct stage_banner *banner) {
    theme->has_banner = banner && banner->text[0];
    theme->banner = theme->has_banner ? *banner : (struct stage_banner){0};
    theme->banner.text[sizeof(theme->banner.text) - 1] = '\0';
    theme->serial++;
}

// What is as it was changes nothing: all would be painted anew.
void theme_set_recording(struct theme *theme, bool is_recording) {
    if (theme->is_recording == is_recording)
        return;
    theme->is_recording = is_recording;
    theme->serial++;
}
