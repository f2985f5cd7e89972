// SPDX-License-Identifier: MIT
// One sender's video decoder (libavcodec): encoded frames in, pictures out. Not locked: one thread
// at a time. The codec and the size may change from frame to frame; a client can send anything.
#ifndef MIXER_VIDEO_DECODER_H
#define MIXER_VIDEO_DECODER_H

#include "mixer/video/stage.h"

#include <libavutil/frame.h>

enum { DECODER_SIDE_MAX_PX = 4096, DECODER_AREA_MAX_PX = 4096 * 2304 };

struct decoder;

struct decoder *decoder_create(void);
void decoder_destroy(struct decoder *decoder); // NULL is allowed

// Decodes one whole frame. *out is a new reference (owned by the caller, yuv420p or what the codec
// gave), or NULL if this frame shows nothing. 0; -EAGAIN: waiting for a keyframe, the data was not
// looked at further; -EINVAL: broken or over the size limit, the decoder now waits for a keyframe.
int decoder_decode(struct decoder *decoder, enum video_codec codec, const void *data,
                   size_t size_bytes, int64_t pts_ns, AVFrame **out);
// Forget all state: the next frame must be a keyframe.
void decoder_reset(struct decoder *decoder);
// Is the frame a keyframe, as far as its first bytes tell?
bool decoder_is_keyframe(enum video_codec codec, const void *data, size_t size_bytes);

#endif
