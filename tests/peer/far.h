// SPDX-License-Identifier: MIT
// The far side of a bad link: the link (tests/link) and members who live behind it, each a program
// of its own (tests/peer/peer), since threads cannot be trusted to stay in one network namespace.
// These functions assert (cmocka); one thread.
#ifndef TESTS_PEER_FAR_H
#define TESTS_PEER_FAR_H

#include "tests/peer/client.h"

// Opens the link, good in every respect. NULL; or why it cannot be had here: tests are skipped
// then. To be closed also after that.
const char *far_open(void);
void far_close(void);
const char *far_near_address(void); // of the link's end here: where the far side finds the server

// A line for the link, as `link --help` says.
void far_set(const char *line);

struct far_figures {
    double packets_in, lost, overflowed, queue_max_ms, kbits_out;
};
void far_link_figures(const char *direction, struct far_figures *out); // "down" or "up"

struct far_member;

// flags: of `peer`, NULL-terminated; the address, the room and --asked are added. Waits until it is
// connected. member_id: of CLIENT_ID_MAX bytes.
struct far_member *far_join(int port, const char *room, const char *const *flags, char *member_id);
void far_leave(struct far_member *member); // NULL is allowed
void far_begin(struct far_member *member); // its figures anew
void far_figures(struct far_member *member, struct figures_view *out);
double far_round_trip_ms(struct far_member *member); // as of the figures asked for last
int far_member_count(struct far_member *member);     // likewise

#endif
