// SPDX-License-Identifier: MIT
// From what is sent (VP8, Opus) to what old players and platforms take (H.264, AAC): decodes and
// encodes anew, which costs a third of a core for 720p. Not locked: one thread at a time.
#ifndef MIXER_RECORD_TRANSCODER_H
#define MIXER_RECORD_TRANSCODER_H

#include "mixer/record/muxer.h"

struct transcoder;

struct transcoder_config {
    bool has_video;
    int width_px, height_px, fps, video_kbps; // 0 kbps: by quality
    int audio_kbps;                           // 0: 96
    int64_t keyframe_ns;                      // at least this often; 0: 2 s
};

// The encoded packets, in the order of their tracks' times. Borrows data.
typedef void transcoder_out(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                            bool is_keyframe, const void *data, size_t size_bytes);

// 0 or negative errno (-ENOSYS: this libavcodec has no such encoder). Tracks with their extradata,
// as muxer_open() wants them, are there at once.
int transcoder_create(const struct transcoder_config *config, transcoder_out *out, void *user,
                      struct transcoder **transcoder);
int transcoder_tracks(const struct transcoder *transcoder,
                      struct muxer_track tracks[MUXER_TRACKS_MAX]); // returns how many
// Holes in the sound are filled with silence, so that it stays with the picture. 0 or negative
// errno.
int transcoder_push(struct transcoder *transcoder, bool is_audio, int64_t pts_ns, bool is_keyframe,
                    const void *data, size_t size_bytes);
int transcoder_finish(struct transcoder *transcoder, int64_t end_ns); // gives out what is left
void transcoder_destroy(struct transcoder *transcoder);               // NULL is allowed

#endif
