// SPDX-License-Identifier: MIT
// A member of a room's mixer that is none of the room's: nobody sees, hears or counts it, and it
// gets the very packets that members get. Control loop, but for tap_request_keyframe(), tap_drain()
// and tap_destroy().
#ifndef MCU_ROOM_TAP_H
#define MCU_ROOM_TAP_H

#include "mixer/mixer.h"

struct tap;

// On the mixer's threads; borrows packet.
typedef void tap_push(void *user, struct packet *packet, bool is_audio);

struct tap *tap_create(tap_push *push, void *user); // closed; NULL when out of memory
// From now on packets come: the top tier's if with_video, all layers, and the mix that everybody
// gets. 0 or negative errno.
int tap_open(struct tap *tap, struct mixer *mixer, const char *id, bool with_video);
void tap_request_keyframe(struct tap *tap); // any thread; nothing while it is closed
void tap_close(struct tap *tap);            // closed is allowed
// Closed before. Waits until no call of push runs any more, nor will. Not on a thread of the
// mixer's.
void tap_drain(struct tap *tap);
void tap_destroy(struct tap *tap); // drained, or never opened; NULL is allowed

#endif
