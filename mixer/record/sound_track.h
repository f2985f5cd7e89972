// SPDX-License-Identifier: MIT
// The sound's half of a transcoder: Opus in, AAC out, 48 kHz mono, without a hole from its
// beginning on: what is missing is made up for a moment (see sound_decoder.h), then silent. Where
// each packet belongs, its timestamp says, so that the sound cannot drift from the picture. Not
// locked.
#ifndef MIXER_RECORD_SOUND_TRACK_H
#define MIXER_RECORD_SOUND_TRACK_H

#include "mixer/record/muxer.h"

#include <stddef.h>
#include <stdint.h>

struct sound_track;

// Borrows data.
typedef void sound_track_out(void *user, int64_t pts_ns, int64_t duration_ns, const void *data,
                             size_t size_bytes);

// 0 or negative errno (-ENOSYS: no such encoder).
int sound_track_create(int kbps, sound_track_out *out, void *user, struct sound_track **track);
void sound_track_describe(const struct sound_track *track, struct muxer_track *out);
// Before anything else: the sound begins here; what was before is left out.
void sound_track_begin(struct sound_track *track, int64_t begin_ns);
// 0; -EINVAL: no Opus packet; or another negative errno.
int sound_track_push(struct sound_track *track, int64_t pts_ns, const void *data,
                     size_t size_bytes);
// No sound before now_ns will come any more.
int sound_track_reach(struct sound_track *track, int64_t now_ns);
// Goes on to end_ns, and up to an AAC frame further.
int sound_track_finish(struct sound_track *track, int64_t end_ns);
void sound_track_destroy(struct sound_track *track); // NULL is allowed

#endif
