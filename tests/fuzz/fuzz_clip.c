// SPDX-License-Identifier: MIT
// libFuzzer over the sound files that somebody sends. The first byte picks a head, so that the
// fuzzer need not find each format's magic by itself.
#include "mixer/audio/clip.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *bytes;
    size_t size;
} heads[] = {
    {"", 0},
    {"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0", 20},
    {"OggS\0\2\0\0\0\0\0\0\0\0", 14},
    {"fLaC\0\0\0\x22", 8},
    {"ID3\4\0\0\0\0\0\0", 10},
    {"\xff\xfb\x90\0", 4},
    {"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm", 12},
    {"\0\0\0\x18"
     "ftypM4A \0\0\0\0M4A isom",
     24},
    {"\xff\xf1\x50\x80", 4},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    size_t kind = data[0] % (sizeof(heads) / sizeof(heads[0]));
    size_t bytes = heads[kind].size + size - 1;
    uint8_t *file = malloc(bytes + 1);
    memcpy(file, heads[kind].bytes, heads[kind].size);
    memcpy(file + heads[kind].size, data + 1, size - 1);
    struct clip *clip = NULL;
    if (clip_decode(file, bytes, &clip) == 0) {
        if (clip->count == 0 || clip->count > (size_t)CLIP_SECONDS_MAX * 48000)
            abort();
        for (size_t i = 0; i < clip->count; i++)
            if (!(fabsf(clip->samples[i]) <= 1))
                abort();
    } else if (clip) {
        abort();
    }
    clip_destroy(clip);
    free(file);
    return 0;
}
