// SPDX-License-Identifier: MIT
// One file of a recording, from its creation to its end: packets with times of its own in, by a
// muxer (and for MP4 a transcoder) onto the disk. One thread.
#ifndef MIXER_RECORD_REEL_H
#define MIXER_RECORD_REEL_H

#include "mixer/record/recorder.h"

struct reel;

// The number'th of a recording, from 1. Creates the file; nothing is in it before reel_begin(). 0
// or negative errno.
int reel_create(const struct recorder_config *config, int number, struct reel **out);
// Writes the header, for pictures of this size.
int reel_begin(struct reel *reel, int width_px, int height_px);
bool reel_has_begun(const struct reel *reel);
// What the file sounds like where nothing came: false if something else sees to it.
bool reel_needs_sound_filled(const struct reel *reel);
// Times from 0 on. 0 or the first error there was.
int reel_write(struct reel *reel, bool is_audio, int64_t pts_ns, int64_t duration_ns,
               bool is_keyframe, const void *data, size_t size_bytes);
int reel_flush(struct reel *reel); // for when no more comes for a while
void reel_add_chapter(struct reel *reel, int64_t at_ns, const char *title);
uint64_t reel_bytes(const struct reel *reel);
// Writes what belongs to the end, closes, frees. A file that never began is removed. After an error
// what is whole in it stays. 0 or the first error; NULL is allowed. *bytes: its size; NULL is
// allowed.
int reel_close(struct reel *reel, int64_t end_ns, uint64_t *bytes);

#endif
