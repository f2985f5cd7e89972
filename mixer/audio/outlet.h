// SPDX-License-Identifier: MIT
// One mix on its way out: limiter, Opus encoder, and the silence between words, which is not sent.
// One outlet serves all who are not in the mix; each member that is has its own, since it must not
// hear itself. A listener may be moved from one to the other between frames. One thread.
#ifndef MIXER_AUDIO_OUTLET_H
#define MIXER_AUDIO_OUTLET_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stdint.h>

enum { OUTLET_FRAME = 960 };

struct outlet;

struct outlet *outlet_create(int kbps);
void outlet_destroy(struct outlet *outlet); // NULL is allowed

// A listener comes over from another outlet (NULL: it is new) before this tick's frame: goes on
// from the sound that it has just heard, so that its decoder sees no break. tick: the number of
// this tick. All welcomes of a tick come before its first outlet_encode().
void outlet_welcome(struct outlet *outlet, const struct outlet *from, uint64_t tick);

// Limits pcm in place and encodes it. Returns a new reference, or NULL when there is nothing to
// send: silence goes on, and the listeners know (or no memory, or the encoder failed). *encodes
// grows by one if the encoder ran.
struct packet *outlet_encode(struct outlet *outlet, float pcm[OUTLET_FRAME], uint64_t tick,
                             uint64_t *encodes);

#endif
