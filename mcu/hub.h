// SPDX-License-Identifier: MIT
// All rooms of this server, and the doors to them. Owned by main(); changed on the control loop
// only. The REST functions may be called from any thread but media's: they post to the control loop
// and wait.
#ifndef MCU_HUB_H
#define MCU_HUB_H

#include "mcu/config.h"
#include "mcu/loop.h"
#include "mcu/refusal.h"
#include "mcu/store.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct hub;

struct hub_stats {
    int rooms, members, sessions, peers;
    uint64_t joins, refusals;
    uint64_t frames_composed, frames_encoded, video_ticks, video_ticks_late, video_ticks_skipped;
    uint64_t frames_decoded, frames_broken, keyframes;
    uint64_t audio_ticks, audio_ticks_late, audio_encodes;
    double compose_s, encode_s; // sums
};

// Borrows config, store and loop, which must outlive it. NULL when out of memory or when settings
// contradict each other (which is logged).
struct hub *hub_create(const struct config *config, struct store *store, struct loop *loop);
// Ends every room (`bye`, reason server-shutdown), waits for the peers, frees. NULL is allowed.
// On the control loop's thread, after loop_run() has returned. At most ~3 s.
void hub_destroy(struct hub *hub);
// Control loop: says `bye` to all and refuses new joins from now on.
void hub_shut_down(struct hub *hub);

// REST. 0, or -1 and *refusal. Objects are as assets/openapi.yaml says; *out is a new reference.
int hub_list_rooms(struct hub *hub, json_t **out, struct refusal *refusal);
int hub_create_room(struct hub *hub, const json_t *body, json_t **out, struct refusal *refusal);
int hub_get_room(struct hub *hub, const char *room, json_t **out, struct refusal *refusal);
int hub_change_room(struct hub *hub, const char *room, const json_t *body, json_t **out,
                    struct refusal *refusal);
int hub_end_room(struct hub *hub, const char *room, struct refusal *refusal);
int hub_list_members(struct hub *hub, const char *room, json_t **out, struct refusal *refusal);
int hub_kick_member(struct hub *hub, const char *room, const char *member, struct refusal *refusal);
// The composite now. *jpeg is malloc'ed for the caller. width_px 0: as it is.
int hub_snapshot(struct hub *hub, const char *room, int width_px, uint8_t **jpeg,
                 size_t *size_bytes, struct refusal *refusal);
void hub_get_stats(struct hub *hub, struct hub_stats *out);
// The link of every connected member: an array of {room, member, link}, for the metrics. A new
// reference, or NULL.
json_t *hub_list_links(struct hub *hub);
int hub_is_ready(struct hub *hub); // 0 or negative errno: the store answers, the loop turns

const struct config *hub_config(const struct hub *hub);

#endif
