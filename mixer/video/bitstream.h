// SPDX-License-Identifier: MIT
// What the first bytes of an encoded frame tell, without decoding it. Pure; any thread.
#ifndef MIXER_VIDEO_BITSTREAM_H
#define MIXER_VIDEO_BITSTREAM_H

#include "mixer/video/stage.h"

// False if it is none or cannot be told.
bool bitstream_is_keyframe(enum video_codec codec, const uint8_t *data, size_t size_bytes);

// The picture's size, of VP8 and VP9 keyframes only. False, and nothing written, otherwise.
bool bitstream_read_size(enum video_codec codec, const uint8_t *data, size_t size_bytes,
                         int *width_px, int *height_px);

#endif
