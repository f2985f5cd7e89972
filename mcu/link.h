// SPDX-License-Identifier: MIT
// What ties a member to one WebRTC connection: media goes straight from the peer's threads to the
// mixer and back; everything else is posted to the control loop and reaches the member there. A
// member that connects anew gets a new link; the old one dies by itself when its last user lets go.
#ifndef MCU_LINK_H
#define MCU_LINK_H

#include "mcu/bandwidth.h"
#include "mcu/loop.h"
#include "mcu/peer.h"
#include "mixer/mixer.h"

struct link;
struct member;

// Control loop. object is for the log. NULL when out of memory or threads.
struct link *link_create(struct loop *loop, const struct config *config, const char *object,
                         struct member *member, struct mixer_member *mix);
// Control loop. Takes the reference of link_create(): the member hears nothing more of this link,
// and the connection closes. NULL is allowed.
void link_detach(struct link *link);

// Control loop, a few times a second: what the link can take, now. Sends a probe towards wanted_bps
// (0: as much as there is will do) when one is due. False: the client has told of no packet yet,
// and *out is no more than a guess.
bool link_estimate(struct link *link, int64_t rtt_ns, int64_t wanted_bps, int64_t now_ns,
                   struct bandwidth_view *out);

// Any thread that holds a reference.
struct link *link_ref(struct link *link);
void link_unref(struct link *link);        // NULL is allowed
struct peer *link_peer(struct link *link); // borrowed for as long as the reference is held

#endif
