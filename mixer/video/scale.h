// SPDX-License-Identifier: MIT
// One picture scaled and converted into another, once: still pictures, not video. Any thread.
#ifndef MIXER_VIDEO_SCALE_H
#define MIXER_VIDEO_SCALE_H

#include <libavutil/frame.h>

// With buffers of its own; NULL when out of memory.
AVFrame *scale_create_frame(enum AVPixelFormat format, int width_px, int height_px);
// Fills `to`, whatever its size and format; yuv in the range that each frame says. 0 or -EINVAL.
int scale_frame(const AVFrame *from, AVFrame *to);

#endif
