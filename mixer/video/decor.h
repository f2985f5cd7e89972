// SPDX-License-Identifier: MIT
// A theme made ready for one canvas: the ground behind the tiles, what lies over them, and where
// tiles may stand. Drawn once when one of them changes. Immutable after creation.
//
//   +--------------------------+
//   | LOGO   |           * REC |
//   |  tiles |      tiles      |
//   +--------------------------+
//   |  banner: text, picture   |   or at the top; tiles make room for it, so that it covers no name
//   +--------------------------+
#ifndef MIXER_VIDEO_DECOR_H
#define MIXER_VIDEO_DECOR_H

#include "mixer/video/bezel.h"
#include "mixer/video/label.h"
#include "mixer/video/theme.h"

enum decor_layer { DECOR_BANNER, DECOR_LOGO, DECOR_RECORDING, DECOR_LAYERS };

struct decor {
    struct yuv background;
    AVFrame *ground; // as large as the canvas; NULL: the colour alone
    struct bezel *bezel;
    struct decor_piece {
        struct overlay *overlay; // NULL: none
        struct rect at;
    } pieces[DECOR_LAYERS]; // never over each other
    struct rect area;       // of the tiles; on macroblocks
};

// What cannot be drawn for want of memory is left out, but 0 only with all that is needed; else
// -ENOMEM.
int decor_init(struct decor *decor, const struct theme *theme, struct label_kit *kit, int width_px,
               int height_px);
void decor_finish(struct decor *decor); // zeroed is allowed

#endif
