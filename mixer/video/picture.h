// SPDX-License-Identifier: MIT
// Still pictures: files that people send (PNG, JPEG, WebP) to something that can be laid on a
// canvas, and the canvas to a file. Pure; any thread. What is in a file is not trusted.
#ifndef MIXER_VIDEO_PICTURE_H
#define MIXER_VIDEO_PICTURE_H

#include <libavutil/frame.h>
#include <stddef.h>
#include <stdint.h>

enum { PICTURE_SIDE_MAX_PX = 8192, PICTURE_AREA_MAX_PX = 25 << 20 };

enum picture_format { PICTURE_JPEG, PICTURE_PNG };

// A decoded picture with its transparency. Immutable; counted.
struct picture;

// 0; -EINVAL: no picture that is known, or a broken one; -E2BIG: more than PICTURE_SIDE_MAX_PX wide
// or high, or more than PICTURE_AREA_MAX_PX in all, which is known before anything of that size is
// allocated; -ENOMEM. What is larger than any canvas is kept at a canvas' size.
int picture_decode(const void *data, size_t size_bytes, struct picture **out);
struct picture *picture_ref(struct picture *picture); // returns a new reference; NULL is allowed
void picture_destroy(struct picture *picture);        // drops one; NULL is allowed
int picture_width_px(const struct picture *picture);  // as it was in the file, but upright
int picture_height_px(const struct picture *picture);

// Both return a picture of the caller's in AV_PIX_FMT_RGB32, premultiplied (cairo's ARGB32), or
// NULL when out of memory. fit: all of it, scaled down to stay within. cover: fills the size, what
// stands over on two sides is cut.
AVFrame *picture_fit(const struct picture *picture, int max_width_px, int max_height_px);
AVFrame *picture_cover(const struct picture *picture, int width_px, int height_px);

// At most width_px wide, keeping the shape (0: as it is). *file is malloc'ed. 0 or negative errno.
int picture_encode(const AVFrame *frame, enum picture_format format, int width_px, uint8_t **file,
                   size_t *size_bytes);

#endif
