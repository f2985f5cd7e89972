// SPDX-License-Identifier: MIT
// The hub as the rest of mcu/ sees it. Control loop only, but for hub_loop() and hub_config().
#ifndef MCU_HUB_INTERNAL_H
#define MCU_HUB_INTERNAL_H

#include "mcu/hub.h"
#include "mcu/protocol.h"
#include "mcu/room.h"

struct session;

struct loop *hub_loop(const struct hub *hub); // any thread
struct store *hub_store(const struct hub *hub);
void hub_count_session(struct hub *hub, int change);
void hub_count_refusal(struct hub *hub);

// A session wants in: limits, then the room (made on first join unless settings forbid), then its
// seat.
int hub_join(struct hub *hub, struct session *session, struct message *join,
             struct refusal *refusal);

struct room *hub_find_room(struct hub *hub, const char *name); // borrowed, or NULL
int hub_make_room(struct hub *hub, const struct room_spec *spec, struct room **out,
                  struct refusal *refusal);
// The room of this name, live or, if it is somebody's own, made from what is kept of it. NULL and
// *refusal (404) if there is none.
struct room *hub_open_room(struct hub *hub, const char *name, struct refusal *refusal);
void hub_drop_room(struct hub *hub, struct room *room, const char *reason, const char *message);
struct room *hub_next_room(struct hub *hub, size_t index); // in order of making; NULL at the end
bool hub_is_shutting_down(const struct hub *hub);
// As hub_call(), already on the control loop.
int hub_control(struct hub *hub, enum hub_operation operation, const struct hub_request *request,
                json_t **out, struct refusal *refusal);
// Wrong PINs are counted per address.
bool hub_may_try_pin(struct hub *hub, const char *address);
void hub_count_wrong_pin(struct hub *hub, const char *address);
void hub_fill_stats(struct hub *hub, struct hub_stats *out);

#endif
