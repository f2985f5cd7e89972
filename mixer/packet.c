// SPDX-License-Identifier: MIT
#include "mixer/packet.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// The count stands before the public struct, so that readers cannot touch it by accident.
struct packet_head {
    atomic_int references;
    struct packet packet;
};

static struct packet_head *head_of(struct packet *packet) {
    return (struct packet_head *)((char *)packet - offsetof(struct packet_head, packet));
}

struct packet *packet_create(enum packet_kind kind, const void *data, size_t size_bytes) {
    struct packet_head *head = malloc(sizeof(*head) + size_bytes);
    if (!head)
        return NULL;
    memset(head, 0, sizeof(*head));
    atomic_init(&head->references, 1);
    head->packet.kind = kind;
    head->packet.size_bytes = size_bytes;
    memcpy(head->packet.data, data, size_bytes);
    return &head->packet;
}

struct packet *packet_ref(struct packet *packet) {
    atomic_fetch_add_explicit(&head_of(packet)->references, 1, memory_order_relaxed);
    return packet;
}

void packet_unref(struct packet *packet) {
    if (packet &&
        atomic_fetch_sub_explicit(&head_of(packet)->references, 1, memory_order_acq_rel) == 1)
        free(head_of(packet));
}
