// SPDX-License-Identifier: MIT
// libFuzzer target: the decoder reads what strangers send. The first byte chooses the codec; then
// frames follow, each after two bytes of length, so that state carries over from one to the next.
#include "mixer/video/decoder.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The address sanitizer sees a read over the end only if the frame ends its own allocation.
static void decode_copy(struct decoder *decoder, enum video_codec codec, const uint8_t *data,
                        size_t size_bytes, int64_t pts_ns) {
    uint8_t *copy = malloc(size_bytes ? size_bytes : 1);
    if (!copy)
        abort();
    for (size_t i = 0; i < size_bytes; i++)
        copy[i] = data[i];
    AVFrame *frame = NULL;
    int result = decoder_decode(decoder, codec, copy, size_bytes, pts_ns, &frame);
    if (result && frame)
        abort();
    if (frame && (frame->width > DECODER_SIDE_MAX_PX || frame->height > DECODER_SIDE_MAX_PX))
        abort();
    av_frame_free(&frame);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct decoder *decoder = decoder_create();
    if (!decoder)
        abort();
    enum video_codec codec = (enum video_codec)(data[0] % 4);
    size_t at = 1;
    for (int frames = 0; frames < 16 && at + 2 <= size; frames++) {
        size_t length = (size_t)data[at] | (size_t)data[at + 1] << 8;
        at += 2;
        length = length > size - at ? size - at : length;
        decode_copy(decoder, codec, data + at, length, frames);
        at += length;
    }
    decoder_destroy(decoder);
    return 0;
}
