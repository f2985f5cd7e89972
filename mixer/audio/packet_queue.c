// SPDX-License-Identifier: MIT
#include "mixer/audio/packet_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void packet_queue_init(struct packet_queue *queue) {
    memset(queue, 0, sizeof(*queue));
}

void packet_queue_finish(struct packet_queue *queue) {
    for (int i = 0; i < PACKET_QUEUE_MAX; i++)
        free(queue->entries[i].data);
    memset(queue, 0, sizeof(*queue));
}

void packet_queue_clear(struct packet_queue *queue) {
    queue->count = 0;
    queue->bytes = 0;
}

static void remove_at(struct packet_queue *queue, int at) {
    struct queued_packet removed = queue->entries[at];
    queue->count--;
    queue->bytes -= removed.size_bytes;
    memmove(&queue->entries[at], &queue->entries[at + 1],
            (size_t)(queue->count - at) * sizeof(removed));
    queue->entries[queue->count] = removed;
}

void packet_queue_drop_first(struct packet_queue *queue) {
    remove_at(queue, 0);
}

static int reserve(struct queued_packet *entry, size_t size_bytes) {
    if (size_bytes <= entry->capacity_bytes)
        return 0;
    uint8_t *grown = realloc(entry->data, size_bytes);
    if (!grown)
        return -ENOMEM;
    entry->data = grown;
    entry->capacity_bytes = size_bytes;
    return 0;
}

// Two packets may touch or overlap a little (their times are estimates), but not by half of either.
static bool is_same_time(const struct queued_packet *a, const struct queued_packet *b) {
    int64_t from_ns = a->pts_ns > b->pts_ns ? a->pts_ns : b->pts_ns;
    int64_t to_ns = a->end_ns < b->end_ns ? a->end_ns : b->end_ns;
    int64_t a_ns = a->end_ns - a->pts_ns, b_ns = b->end_ns - b->pts_ns;
    return 2 * (to_ns - from_ns) > (a_ns < b_ns ? a_ns : b_ns);
}

// Makes room in time: a packet takes the place of the loss marks it belies, nothing replaces a
// packet.
static int clear_the_way(struct packet_queue *queue, const struct queued_packet *packet) {
    for (int i = queue->count - 1; i >= 0; i--) {
        struct queued_packet *other = &queue->entries[i];
        if (!is_same_time(other, packet))
            continue;
        if (!other->is_lost || packet->is_lost)
            return -EEXIST;
        remove_at(queue, i);
    }
    return 0;
}

int packet_queue_insert(struct packet_queue *queue, const struct queued_packet *packet) {
    int rc = clear_the_way(queue, packet);
    if (rc)
        return rc;
    if (queue->count == PACKET_QUEUE_MAX ||
        queue->bytes + packet->size_bytes > PACKET_QUEUE_BYTES_MAX)
        return -ENOBUFS;
    struct queued_packet entry = queue->entries[queue->count];
    rc = reserve(&entry, packet->size_bytes);
    queue->entries[queue->count] = entry;
    if (rc)
        return rc;
    uint8_t *data = entry.data;
    size_t capacity_bytes = entry.capacity_bytes;
    entry = *packet;
    entry.data = data;
    entry.capacity_bytes = capacity_bytes;
    if (packet->size_bytes > 0)
        memcpy(data, packet->data, packet->size_bytes);

    int at = queue->count;
    while (at > 0 && queue->entries[at - 1].pts_ns > packet->pts_ns)
        at--;
    memmove(&queue->entries[at + 1], &queue->entries[at],
            (size_t)(queue->count - at) * sizeof(entry));
    queue->entries[at] = entry;
    queue->count++;
    queue->bytes += packet->size_bytes;
    return 0;
}

const struct queued_packet *packet_queue_first_real(const struct packet_queue *queue) {
    for (int i = 0; i < queue->count; i++)
        if (!queue->entries[i].is_lost)
            return &queue->entries[i];
    return NULL;
}
