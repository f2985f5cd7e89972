// SPDX-License-Identifier: MIT
// Opus packets that wait for their time, in order of capture, and the marks of those that the
// transport gave up. Bounded in count and bytes; what it frees it uses again. A plain value; the
// caller serialises.
#ifndef MIXER_AUDIO_PACKET_QUEUE_H
#define MIXER_AUDIO_PACKET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A second of 2.5 ms packets; a second at Opus's highest rate is 64 KiB.
enum { PACKET_QUEUE_MAX = 400, PACKET_QUEUE_BYTES_MAX = 256 * 1024 };

struct queued_packet {
    int64_t pts_ns, end_ns, arrival_ns;
    int frame_samples; // of one of its frames: what its FEC can restore of its predecessor
    bool has_fec, is_lost;
    size_t size_bytes, capacity_bytes;
    uint8_t *data;
};

struct packet_queue {
    int count;
    size_t bytes;
    struct queued_packet entries[PACKET_QUEUE_MAX]; // beyond count: free, but with their memory
};

void packet_queue_init(struct packet_queue *queue);
void packet_queue_finish(struct packet_queue *queue);
void packet_queue_clear(struct packet_queue *queue);

// Copies data. 0; -EEXIST when that time is taken by a packet; -ENOBUFS when full; -ENOMEM.
int packet_queue_insert(struct packet_queue *queue, const struct queued_packet *packet);
void packet_queue_drop_first(struct packet_queue *queue);
// The first that is no loss mark, or NULL. Valid until the next change.
const struct queued_packet *packet_queue_first_real(const struct packet_queue *queue);

#endif
