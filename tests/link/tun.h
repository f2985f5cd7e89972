// SPDX-License-Identifier: MIT
// Two TUN devices with a network namespace of its own behind the second one. Nothing has a name on
// disk: all of it goes with the file descriptors, however the process ends.
#ifndef TESTS_LINK_TUN_H
#define TESTS_LINK_TUN_H

enum { TUN_ADDRESS_MAX = 16, TUN_NAME_MAX = 16 };

struct tun_pair {
    int near_fd, far_fd; // IP packets, not blocking
    int namespace_fd;    // the far side's, for setns()
    char near_name[TUN_NAME_MAX];
    char near_address[TUN_ADDRESS_MAX], far_address[TUN_ADDRESS_MAX];
};

// The near side is where the caller is. number settles name and addresses (one of 16384 nets).
// 0, or a negative errno with *step saying what could not be done.
int tun_open(struct tun_pair *pair, unsigned number, const char **step);
void tun_close(struct tun_pair *pair);

#endif
