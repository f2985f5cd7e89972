// SPDX-License-Identifier: MIT
// What a test shares with the disk it makes slow: a file of this form, which both map. Preloaded
// into the server, slow_disk.so stops its calls to what lies in SLOW_DISK_DIR while is_stalled, and
// lets those that make directories fail with `error`.
#ifndef TESTS_PEER_SLOW_DISK_H
#define TESTS_PEER_SLOW_DISK_H

#include <stdatomic.h>

#define SLOW_DISK_DIR  "TESSERA_SLOW_DISK_DIR"
#define SLOW_DISK_FLAG "TESSERA_SLOW_DISK_FLAG"

struct slow_disk {
    atomic_int is_stalled, error; // the test says
    atomic_int calls, held;       // the disk tells: how many there were, and how many had to wait
    atomic_int waiting;           // how many wait now
};

#endif
