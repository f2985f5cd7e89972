// SPDX-License-Identifier: MIT
// Every HTTP connection has a moment by which its present phase must be over: the head of a
// request, its body and answer, the wait for the next one. libmicrohttpd's own timeout counts from
// the last byte, so a client that sends one byte every few seconds would stay for ever. Any thread;
// one mutex, held for list work and shutdown(2) only.
#ifndef HTTP_DEADLINE_H
#define HTTP_DEADLINE_H

#include <stdint.h>

struct deadlines;
struct deadline; // of one connection

struct deadlines *deadlines_create(void);
void deadlines_destroy(struct deadlines *deadlines); // NULL is allowed; with no deadline left

struct deadline *deadlines_add(struct deadlines *deadlines, int fd, int64_t at_ms);
void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline); // NULL is allowed
void deadlines_move(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms);
// Shuts the socket of every connection that is late; its thread then sees the end of it.
// Returns how many.
int deadlines_sweep(struct deadlines *deadlines, int64_t now_ms);

#define DEADLINE_NEVER INT64_MAX

#endif
