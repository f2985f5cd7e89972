// SPDX-License-Identifier: MIT
// Pictures of any size into one: scaled as far as they fit, the rest black. Not locked: one thread
// at a time.
#ifndef MIXER_RECORD_LETTERBOX_H
#define MIXER_RECORD_LETTERBOX_H

#include <libavutil/frame.h>

struct letterbox;

// Even sizes. Returns NULL when out of memory.
struct letterbox *letterbox_create(int width_px, int height_px);
void letterbox_destroy(struct letterbox *letterbox); // NULL is allowed
// Borrows a yuv420p picture. *out is a new reference: to the picture itself where it fits as it is.
// 0 or negative errno.
int letterbox_fit(struct letterbox *letterbox, const AVFrame *picture, AVFrame **out);

#endif
