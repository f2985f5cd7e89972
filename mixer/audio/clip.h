// SPDX-License-Identifier: MIT
// A sound file that somebody sent (WAV, Ogg, FLAC, MP3, WebM, M4A), decoded: 48 kHz, mono. Pure;
// any thread. What is in a file is not trusted.
#ifndef MIXER_AUDIO_CLIP_H
#define MIXER_AUDIO_CLIP_H

#include <stddef.h>

enum { CLIP_SECONDS_MAX = 300 };

struct clip {
    float *samples;
    size_t count;
};

// 0; -EINVAL: no sound that is known, or a broken one; -E2BIG: longer than CLIP_SECONDS_MAX;
// -ENOMEM.
int clip_decode(const void *data, size_t size_bytes, struct clip **out);
void clip_destroy(struct clip *clip); // NULL is allowed

#endif
