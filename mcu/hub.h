// SPDX-License-Identifier: MIT
// All rooms of this server, and the doors to them. Owned by main(); changed on the control loop
// only. The REST functions may be called from any thread but media's: they post to the control loop
// and wait.
#ifndef MCU_HUB_H
#define MCU_HUB_H

#include "mcu/config.h"
#include "mcu/events.h"
#include "mcu/loop.h"
#include "mcu/permission.h"
#include "mcu/refusal.h"
#include "mcu/store.h"
#include "mixer/audio/clip.h"
#include "mixer/histogram.h"
#include "mixer/video/picture.h"
#include "mixer/video/stage.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct library;

struct hub_stats {
    int rooms, members, sessions, peers;
    uint64_t joins, refusals;
    uint64_t frames_composed, frames_encoded, video_ticks, video_ticks_late, video_ticks_skipped;
    uint64_t frames_decoded, frames_broken, keyframes;
    uint64_t audio_ticks, audio_ticks_late, audio_encodes;
    double compose_s, encode_s; // sums
    struct histogram_counts frame_time, video_lateness, audio_lateness,
        playout_delay; // of all rooms
};

// Borrows all of these, which must outlive it. NULL when out of memory or when settings
// contradict each other (which is logged).
// token_secret: of join tokens.
struct hub *hub_create(const struct config *config, struct store *store, struct events *events,
                       const char *token_secret, struct loop *loop);
// Before loop_run(): where rooms put their recordings. Borrowed; without it none can be made.
void hub_set_library(struct hub *hub, struct library *library);
// Ends every room (`bye`, reason server-shutdown), waits for the peers, frees. NULL is allowed.
// On the control loop's thread, after loop_run() has returned. At most ~3 s; what has not ended
// then is left with what it stands on.
void hub_destroy(struct hub *hub);
// Does something still end, of any hub, that could not be waited for? Then what it stands on must
// stay: to be asked after hub_destroy().
bool hub_left_something(void);
// Control loop: says `bye` to all and refuses new joins from now on.
void hub_shut_down(struct hub *hub);

// What can be done with rooms, by REST and by moderators over signaling. What each takes and gives
// is said in assets/openapi.yaml.
enum hub_operation {
    HUB_LIST_ROOMS,
    HUB_CREATE_ROOM,
    HUB_GET_ROOM,
    HUB_CHANGE_ROOM,
    HUB_END_ROOM,
    HUB_GET_LAYOUT,
    HUB_SET_LAYOUT,
    HUB_LIST_MEMBERS,
    HUB_LIST_VIEWERS, // by message alone: REST has them among the members
    HUB_GET_MEMBER,
    HUB_CHANGE_MEMBER,
    HUB_KICK_MEMBER, // body: {"ban": seconds, "reason": text}, both optional
    HUB_MUTE_ALL,
    HUB_LIST_WAITING,
    HUB_ADMIT, // id NULL: all who wait
    HUB_REFUSE,
    HUB_LIST_BANS,
    HUB_LIFT_BAN,
    HUB_LIST_MESSAGES,
    HUB_SEND_MESSAGE,
    HUB_GET_BANNER,
    HUB_SET_BANNER,
    HUB_REMOVE_BANNER,
    HUB_SET_PICTURE, // slot, picture
    HUB_REMOVE_PICTURE,
    HUB_PLAY, // clip, volume
    HUB_STOP_PLAYING,
    HUB_GET_ROOM_STATS,
    HUB_START_RECORDING,
    HUB_LIST_RUNNING_RECORDINGS,
    HUB_CHANGE_RECORDING, // id; body {"state": "recording", "paused" or "stopped"}
    HUB_START_BROADCAST,
    HUB_LIST_BROADCASTS,
    HUB_STOP_BROADCAST, // id
    HUB_OPERATIONS,
};

struct hub_request {
    const struct caller *caller;
    const char *room, *id; // of the path: room; member, who waits, ban
    const json_t *body;    // NULL: none
    const char *if_match;  // entity tag, NULL: none
    const char *cursor;    // of a list, NULL: from its beginning
    int limit;             // likewise
    enum stage_picture slot;
    struct picture *picture; // taken
    const void *file;        // what the picture was decoded from; borrowed
    size_t file_bytes;
    struct clip *clip; // taken
    double volume;
};

// Permission was checked already. 0, or -1 and *refusal; *out is a new reference or NULL (nothing
// to say). Rooms and layouts have "revision" in them: the entity tag is that number in quotes, and
// if_match is held against it (412 `changed-meanwhile`).
int hub_call(struct hub *hub, enum hub_operation operation, const struct hub_request *request,
             json_t **out, struct refusal *refusal);
// The composite now. *file is malloc'ed for the caller. width_px 0: as it is.
int hub_snapshot(struct hub *hub, const char *room, int width_px, enum picture_format format,
                 uint8_t **file, size_t *size_bytes, struct refusal *refusal);
void hub_get_stats(struct hub *hub, struct hub_stats *out);
// The link of every connected member: an array of {room, member, link}, for the metrics. A new
// reference, or NULL.
json_t *hub_list_links(struct hub *hub);
// Who sits there: what they may do now. False: nobody who is in this room has this secret (the
// `resume` of their `joined`). is_local is left alone.
bool hub_recognise_seat(struct hub *hub, const char *room, const char *secret, struct caller *out);
int hub_is_ready(struct hub *hub); // 0 or negative errno: the store answers, the loop turns

const struct config *hub_config(const struct hub *hub);

#endif
