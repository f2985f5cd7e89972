// SPDX-License-Identifier: MIT
// A helper program of a test that is asked by lines and answers each with a line of JSON. One
// thread at a time.
#ifndef TESTS_PEER_CHILD_H
#define TESTS_PEER_CHILD_H

#include <jansson.h>

struct child;

// argv as of execv(). NULL when it cannot be started. Its stderr is the caller's.
struct child *child_start(const char *const *argv);
// Closes its stdin and waits; SIGTERM after 5 s, SIGKILL after 10. Its exit status, or -1. NULL is
// allowed (0).
int child_stop(struct child *child);

// The next line it says, a new reference; NULL after timeout_ms or at its end.
json_t *child_read(struct child *child, int timeout_ms);
// Says a line (without its end) and returns the answer, as child_read().
json_t *child_ask(struct child *child, const char *line, int timeout_ms);

#endif
