// SPDX-License-Identifier: MIT
#include "tests/link/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NETS = 16384 };

static int set_address(int socket_fd, struct ifreq *request, unsigned long what, uint32_t address) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&request->ifr_addr, &in, sizeof(in));
    return ioctl(socket_fd, what, request) < 0 ? -errno : 0;
}

static int bring_up(int socket_fd, struct ifreq *request) {
    if (ioctl(socket_fd, SIOCGIFFLAGS, request) < 0)
        return -errno;
    request->ifr_flags |= IFF_UP;
    return ioctl(socket_fd, SIOCSIFFLAGS, request) < 0 ? -errno : 0;
}

// In the namespace where the caller is.
static int configure(const char *name, uint32_t address) {
    int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return -errno;
    struct ifreq request = {0}, loopback = {.ifr_name = "lo"};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int result = set_address(socket_fd, &request, SIOCSIFADDR, address);
    if (result == 0)
        result = set_address(socket_fd, &request, SIOCSIFNETMASK, 0xfffffffc);
    if (result == 0)
        result = bring_up(socket_fd, &request);
    if (result == 0)
        bring_up(socket_fd, &loopback);
    close(socket_fd);
    return result;
}

static int open_device(const char *name, uint32_t address, const char **step) {
    *step = "open /dev/net/tun";
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    *step = "make a TUN device";
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int result = ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : 0;
    if (result == 0) {
        *step = "give a TUN device its address";
        result = configure(name, address);
    }
    if (result == 0)
        return fd;
    close(fd);
    return result;
}

static void write_address(char out[TUN_ADDRESS_MAX], uint32_t address) {
    struct in_addr in = {htonl(address)};
    inet_ntop(AF_INET, &in, out, TUN_ADDRESS_MAX);
}

// The far device, made in a new namespace; the caller is back in its own when this returns.
static int open_far(struct tun_pair *pair, uint32_t address, const char **step) {
    *step = "tell its own network namespace";
    int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home_fd < 0)
        return -errno;
    *step = "make a network namespace";
    int result = unshare(CLONE_NEWNET) < 0 ? -errno : 0;
    if (result == 0) {
        pair->namespace_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        result = pair->far_fd = open_device("far", address, step);
        if (setns(home_fd, CLONE_NEWNET) < 0) {
            *step = "return to its own network namespace";
            result = -errno;
        }
    }
    close(home_fd);
    return result < 0 ? result : 0;
}

int tun_open(struct tun_pair *pair, unsigned number, const char **step) {
    uint32_t net = 0x0a4d0000 + number % NETS * 4; // 10.77.0.0/16 in nets of four addresses
    *pair = (struct tun_pair){-1, -1, -1, "", "", ""};
    snprintf(pair->near_name, sizeof(pair->near_name), "tl%u", number);
    write_address(pair->near_address, net + 1);
    write_address(pair->far_address, net + 2);
    int result = open_far(pair, net + 2, step);
    if (result == 0) {
        pair->near_fd = open_device(pair->near_name, net + 1, step);
        result = pair->near_fd < 0 ? pair->near_fd : 0;
    }
    if (result < 0)
        tun_close(pair);
    return result;
}

void tun_close(struct tun_pair *pair) {
    int *fds[] = {&pair->near_fd, &pair->far_fd, &pair->namespace_fd};
    for (int i = 0; i < 3; i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}
