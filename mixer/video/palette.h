// SPDX-License-Identifier: MIT
// The composite's colours, 0xRRGGBB. They go with the web client's dark theme.
#ifndef MIXER_VIDEO_PALETTE_H
#define MIXER_VIDEO_PALETTE_H

enum {
    PALETTE_BACKGROUND = 0x0f1215, // between the tiles
    PALETTE_TILE = 0x22272d,       // a tile without a picture, before its tint
    PALETTE_SPEAKING = 0x4fd1bd,
};

#endif
