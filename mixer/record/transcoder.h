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
    int64_t keyframe_ns;                      // a grid from the first frame on; 0: 2 s
    int64_t repeat_ns; // a still picture is sent again this often; 0: 500 ms
};

// The encoded packets, in the order of their tracks' times, on the clock of what came in; nothing
// is before the first that did. H.264 is Annex B: the muxers of libavformat turn it into what their
// formats want; a frame comes out when the next is there. Borrows data.
typedef void transcoder_out(void *user, enum muxer_codec codec, int64_t pts_ns, int64_t duration_ns,
                            bool is_keyframe, const void *data, size_t size_bytes);

// 0 or negative errno (-ENOSYS: this libavcodec has no such encoder). Tracks with their extradata,
// as muxer_open() wants them, are there at once.
int transcoder_create(const struct transcoder_config *config, transcoder_out *out, void *user,
                      struct transcoder **transcoder);
int transcoder_tracks(const struct transcoder *transcoder,
                      struct muxer_track tracks[MUXER_TRACKS_MAX]); // returns how many
// Sound and picture may come mixed up by up to 300 ms. Holes in the sound are filled with silence,
// so that it stays with the picture; pictures of another size are fitted in. 0; -EAGAIN: waits for
// a keyframe; -EINVAL: this packet is broken (of pictures: a keyframe is needed now), go on with
// the next; any other negative errno is the end of it.
int transcoder_push(struct transcoder *transcoder, bool is_audio, int64_t pts_ns, bool is_keyframe,
                    const void *data, size_t size_bytes);
// Once, at last: both tracks go on to end_ns (or as far as they are), what is left comes out.
int transcoder_finish(struct transcoder *transcoder, int64_t end_ns);
void transcoder_destroy(struct transcoder *transcoder); // NULL is allowed

#endif
