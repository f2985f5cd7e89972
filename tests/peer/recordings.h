// SPDX-License-Identifier: MIT
// Recordings as an operator's program steers them, over REST. What is not answered as it should be
// fails the test (cmocka). JSON is a new reference. One thread.
#ifndef TESTS_PEER_RECORDINGS_H
#define TESTS_PEER_RECORDINGS_H

#include "tests/peer/client.h"
#include "tests/peer/server.h"

enum { RECORDINGS_ID_MAX = 40 };

// Any request, with the status that it must have.
json_t *recordings_ask(struct server *server, int status, const char *method, const char *path,
                       const char *body);
const char *recordings_text(const json_t *json, const char *key); // "": none

void recordings_start(struct server *server, const char *room, const char *body,
                      char id[RECORDINGS_ID_MAX]);
// state: "paused", "recording", "stopped"
void recordings_change(struct server *server, const char *id, const char *state);
json_t *recordings_get(struct server *server, const char *id);
// Until it has ended, as this state.
json_t *recordings_await_end(struct server *server, const char *id, const char *state);
// Until this member has been told that the room's recordings are in this state.
void recordings_expect_told(struct client *client, const char *state);

#endif
