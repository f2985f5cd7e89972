// SPDX-License-Identifier: MIT
#include "mixer/video/picture.h"

#include "mixer/video/jpeg.h"

#include <errno.h>
#include <stdlib.h>

struct picture {
    AVFrame *frame;
};

int picture_decode(const void *data, size_t size_bytes, struct picture **out) {
    return -EINVAL;
}

void picture_destroy(struct picture *picture) {
    free(picture);
}

int picture_encode(const AVFrame *frame, enum picture_format format, int width_px, uint8_t **file,
                   size_t *size_bytes) {
    return jpeg_encode(frame, width_px, file, size_bytes);
}
