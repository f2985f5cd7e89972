// SPDX-License-Identifier: MIT
// libFuzzer target: pictures that strangers upload, and what is made of them.
#include "mixer/video/picture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    // The address sanitizer sees a read over the end only if the file ends its own allocation.
    uint8_t *copy = malloc(size ? size : 1);
    struct picture *picture = NULL;
    if (!copy)
        abort();
    memcpy(copy, data, size);
    int result = picture_decode(copy, size, &picture);
    free(copy);
    if ((result == 0) != (picture != NULL))
        abort();
    if (!picture)
        return 0;
    int64_t area = (int64_t)picture_width_px(picture) * picture_height_px(picture);
    if (area < 1 || area > PICTURE_AREA_MAX_PX)
        abort();
    AVFrame *fitting = picture_fit(picture, 160, 90), *covering = picture_cover(picture, 64, 48);
    if (!fitting || fitting->width > 160 || fitting->height > 90 || !covering ||
        covering->width != 64)
        abort();
    av_frame_free(&fitting);
    av_frame_free(&covering);
    picture_destroy(picture);
    return 0;
}
