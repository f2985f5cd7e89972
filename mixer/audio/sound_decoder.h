// SPDX-License-Identifier: MIT
// Opus to mono samples at 48 kHz, with what a bad link needs: a look into a packet without decoding
// it, FEC, concealment that fades out, and ramps where sound breaks off or begins. One thread per
// decoder; sound_packet_parse() any.
#ifndef MIXER_AUDIO_SOUND_DECODER_H
#define MIXER_AUDIO_SOUND_DECODER_H

#include "mixer/audio/playout.h"

#include <stddef.h>
#include <stdint.h>

enum { SOUND_SAMPLES_MAX = 5760 }; // of one packet: 120 ms

struct sound_decoder;

struct sound_decoder *sound_decoder_create(void);
void sound_decoder_destroy(struct sound_decoder *decoder); // NULL is allowed
// Forgets the sound before; what comes next fades in.
void sound_decoder_reset(struct sound_decoder *decoder);

// Borrows data, which *out points into. 0, or -EINVAL for what is no Opus packet.
int sound_packet_parse(const void *data, size_t size_bytes, struct playout_packet *out);

// Does what the step says; a packet that turns out to be garbage is concealed. noise_rms: how loud
// the comfort noise of a long hole may be. Writes at most SOUND_SAMPLES_MAX samples, returns how
// many.
int sound_decoder_run(struct sound_decoder *decoder, const struct playout_step *step,
                      float noise_rms, float *out);

#endif
