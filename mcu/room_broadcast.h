// SPDX-License-Identifier: MIT
// A room's live outputs: pushed to an RTMP server, or as HLS for GET /hls/<room>/. Control loop
// only. Part of room.
#ifndef MCU_ROOM_BROADCAST_H
#define MCU_ROOM_BROADCAST_H

#include "mcu/room.h"

enum { BROADCAST_URL_MAX = 1001 };

struct broadcast_wish {
    bool is_hls;
    bool may_be_private;         // the server may be on a private address
    char url[BROADCAST_URL_MAX]; // of RTMP, with its secret: never logged, listed or kept
};

// 0 and *out, or -1 and *refusal: 409 too-many-broadcasts or broadcast-running (HLS), 503.
int room_broadcast_start(struct room *room, const struct broadcast_wish *wish, json_t **out,
                         struct refusal *refusal);
int room_broadcast_stop(struct room *room, const char *id, struct refusal *refusal); // 404
json_t *room_broadcast_list(const struct room *room);
void room_broadcast_end_all(struct room *room); // the room ends; before its mixer does

// rtmp or rtmps, a host, something behind it. may_be_private: false keeps it from addresses, given
// as such, that are not of the public internet. 0, or -1 and *refusal (field "url"). Pure.
int broadcast_url_check(const char *url, bool may_be_private, struct refusal *refusal);

#endif
