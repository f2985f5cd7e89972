// SPDX-License-Identifier: MIT
// The picture's half of a transcoder: VP8 in, H.264 out (Annex B, its parameter sets apart; in the
// same order, each frame when the next one is there). Frames keep their times, which may be as
// irregular as a still room's; where it must, the last picture is sent again. Not locked.
#ifndef MIXER_RECORD_PICTURE_TRACK_H
#define MIXER_RECORD_PICTURE_TRACK_H

#include "mixer/record/muxer.h"

#include <stdbool.h>
#include <stdint.h>

struct picture_track;

struct picture_track_config {
    int width_px, height_px, fps, kbps; // 0 kbps: by quality
    int64_t keyframe_ns;                // a grid of keyframes, from the first frame on
    int64_t repeat_ns;                  // a picture at least this often; 0: only on that grid
};

// Borrows data.
typedef void picture_track_out(void *user, int64_t pts_ns, int64_t duration_ns, bool is_keyframe,
                               const void *data, size_t size_bytes);

// 0 or negative errno (-ENOSYS: no such encoder).
int picture_track_create(const struct picture_track_config *config, picture_track_out *out,
                         void *user, struct picture_track **track);
void picture_track_describe(const struct picture_track *track, struct muxer_track *out);
// 0; -EAGAIN: waits for a keyframe; -EINVAL: broken, waits for one from now on; or another.
int picture_track_push(struct picture_track *track, int64_t pts_ns, const void *data,
                       size_t size_bytes);
// No frame before now_ns will come any more: what has to be repeated until then is. One that comes
// all the same is moved behind what is out.
int picture_track_reach(struct picture_track *track, int64_t now_ns);
// Shows the last picture until end_ns.
int picture_track_finish(struct picture_track *track, int64_t end_ns);
void picture_track_destroy(struct picture_track *track); // NULL is allowed

#endif
