// SPDX-License-Identifier: MIT
// Still pictures: files that people send (PNG, JPEG, WebP) to something that can be laid on a
// canvas, and the canvas to a file. Pure; any thread. What is in a file is not trusted.
#ifndef MIXER_VIDEO_PICTURE_H
#define MIXER_VIDEO_PICTURE_H

#include <libavutil/frame.h>
#include <stddef.h>
#include <stdint.h>

enum { PICTURE_SIDE_MAX_PX = 8192 };

enum picture_format { PICTURE_JPEG, PICTURE_PNG };

// A decoded picture with its transparency. Immutable.
struct picture;

// 0; -EINVAL: no picture that is known, or a broken one; -E2BIG: more than PICTURE_SIDE_MAX_PX wide
// or high; -ENOMEM.
int picture_decode(const void *data, size_t size_bytes, struct picture **out);
void picture_destroy(struct picture *picture); // NULL is allowed
int picture_width_px(const struct picture *picture);
int picture_height_px(const struct picture *picture);

// At most width_px wide, keeping the shape (0: as it is). *file is malloc'ed. 0 or negative errno.
int picture_encode(const AVFrame *frame, enum picture_format format, int width_px, uint8_t **file,
                   size_t *size_bytes);

#endif
