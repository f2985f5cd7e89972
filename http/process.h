// SPDX-License-Identifier: MIT
// What the kernel says of this process. Pure reading; any thread.
#ifndef HTTP_PROCESS_H
#define HTTP_PROCESS_H

#include <stdint.h>

struct process_figures {
    uint64_t resident_bytes, virtual_bytes;
    double cpu_s, started_unix_s;
    int threads, open_fds;
    uint64_t max_fds;
};

void process_measure(struct process_figures *out); // what cannot be read stays 0
// As many descriptors as the system lets us have: a call takes a handful.
void process_raise_fd_limit(void);

#endif
