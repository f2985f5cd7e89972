// SPDX-License-Identifier: MIT
#include "mixer/audio/clip.h"

#include <errno.h>
#include <stdlib.h>

int clip_decode(const void *data, size_t size_bytes, struct clip **out) {
    return -EINVAL;
}

void clip_destroy(struct clip *clip) {
    if (!clip)
        return;
    free(clip->samples);
    free(clip);
}
