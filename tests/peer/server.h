// SPDX-License-Identifier: MIT
// The real server as a child process, on a port of its own with a data directory of its own, and
// its REST interface. One thread at a time.
#ifndef TESTS_PEER_SERVER_H
#define TESTS_PEER_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server;

// binary NULL: TESSERA_BINARY, or build/tessera. flags: further ones, NULL-terminated, or NULL.
// Waits until it listens; NULL, and why on stderr, when it does not.
struct server *server_start(const char *binary, const char *const *flags);
// Likewise, with more in its environment: NAME=VALUE each, NULL-terminated, or NULL.
struct server *server_start_in(const char *binary, const char *const *flags,
                               const char *const *environment);
// SIGTERM, then waits. Returns its exit status; -1 when it had to be killed after 5 s, -2 when a
// signal ended it, -3 when a sanitizer reported something. Whatever is not 0 is shown with the
// server's last lines on stderr. Frees. NULL is allowed (0).
int server_stop(struct server *server);
// Ends it with this signal, waits, and starts it again on the same port with the same data. False:
// it does not come to listen.
bool server_restart(struct server *server, int signal_number);
// The two halves, for those who look in between.
void server_begin_stop(struct server *server);

int server_port(const struct server *server);
pid_t server_pid(const struct server *server);
bool server_is_alive(const struct server *server); // false once it ended by itself

// The HTTP status, or 0 without an answer. *out: the JSON body, a new reference, NULL for none; out
// may be NULL. body may be NULL.
int server_request(struct server *server, const char *method, const char *path, const char *body,
                   json_t **out);
// The same, as bytes: *data is to be freed with free().
int server_fetch(struct server *server, const char *method, const char *path, const char *body,
                 char **data, size_t *size_bytes);
// A file as the body. The HTTP status, or 0 without an answer.
int server_upload(struct server *server, const char *method, const char *path, const char *type,
                  const void *body, size_t size_bytes);
// Sum of a counter or gauge of /metrics over its labels; -1 if it is not there.
double server_metric(struct server *server, const char *name);

// From /proc. -1 when it has gone.
int server_fd_count(const struct server *server);
int server_thread_count(const struct server *server);
long server_rss_kib(const struct server *server);
double server_cpu_s(const struct server *server); // user + system, so far
// The same of its threads of this name; 0 where there is none (any more).
double server_thread_cpu_s(const struct server *server, const char *name);
// How long the thread that was let wait most was ready to run without a CPU, since the last call:
// what a busy machine did to the server, and no fault of its own. 0 where the kernel does not tell.
int64_t server_take_starved_ns(struct server *server);

#endif
