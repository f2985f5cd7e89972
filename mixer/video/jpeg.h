// SPDX-License-Identifier: MIT
// A picture as a JPEG file (libavcodec's mjpeg). Pure; any thread.
#ifndef MIXER_VIDEO_JPEG_H
#define MIXER_VIDEO_JPEG_H

#include <libavutil/frame.h>
#include <stddef.h>
#include <stdint.h>

// At most width_px wide, keeping the shape (0: as it is). *jpeg is malloc'ed. 0 or negative errno.
int jpeg_encode(const AVFrame *picture, int width_px, uint8_t **jpeg, size_t *size_bytes);

#endif
