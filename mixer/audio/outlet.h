// SPDX-License-Identifier: MIT
// One mix on its way out: limiter, Opus encoder, and the silence between words, which is not sent.
// One outlet serves all who are not in the mix; each member that is has its own, since it must not
// hear itself. Both come in two kinds: 20 ms a packet, and 60 ms for narrow links. The packets of a
// kind all begin at the same ticks, so that a listener may be moved from one outlet to another
// between packets; within one, only to a fresh outlet of the same kind, which takes over what the
// packet holds so far. One thread.
#ifndef MIXER_AUDIO_OUTLET_H
#define MIXER_AUDIO_OUTLET_H

#include "mixer/packet.h"

#include <stdbool.h>
#include <stdint.h>

// A thrifty outlet's packets begin at the ticks divisible by OUTLET_THRIFTY_TICKS.
enum { OUTLET_FRAME = 960, OUTLET_THRIFTY_TICKS = 3 };

struct outlet;

struct outlet *outlet_create(int kbps, bool is_thrifty);
void outlet_destroy(struct outlet *outlet); // NULL is allowed

// How much of what is sent gets lost; FEC follows. 0 at first. From 3 % on a thrifty outlet spends
// a few kbit/s more for it.
void outlet_set_loss_percent(struct outlet *outlet, int percent);

// A listener comes over from another outlet (NULL: it is new) before this tick's frame: goes on
// from the sound that it has just heard, so that its decoder sees no break. tick: the number of
// this tick. All welcomes of a tick come before its first outlet_encode().
void outlet_welcome(struct outlet *outlet, const struct outlet *from, uint64_t tick);

// Limits pcm in place and encodes it; a thrifty outlet every third time, when a packet is full.
// Returns a new reference with its duration, or NULL when there is nothing to send: the packet is
// not full, silence goes on, and the listeners know (or no memory, or the encoder failed). *encodes
// grows by one if the encoder ran.
struct packet *outlet_encode(struct outlet *outlet, float pcm[OUTLET_FRAME], uint64_t tick,
                             uint64_t *encodes);

#endif
