// SPDX-License-Identifier: MIT
// The control loop's side of a session.
#ifndef MCU_SESSION_INTERNAL_H
#define MCU_SESSION_INTERNAL_H

#include "mcu/refusal.h"
#include "mcu/session.h"

struct caller;
struct member;
struct room;

// Control loop. Borrow text; a session whose socket has gone swallows it.
void session_send(struct session *session, const char *text);
void session_refuse(struct session *session, const struct refusal *refusal);
// Says bye and closes the socket. The member, if any, is let go first. message: for the person, or
// NULL.
void session_bye(struct session *session, const char *reason, const char *message);
void session_set_member(struct session *session, struct member *member);
// It waits in this room's lobby; NULL: no longer.
void session_set_waiting(struct session *session, struct room *room);
const struct caller *session_caller(const struct session *session);
const char *session_address(const struct session *session);

#endif
