// SPDX-License-Identifier: MIT
// One direction of a bad link, as pure arithmetic over packets and times: a queue that drops at its
// tail, a line of some rate, then loss on the line, delay and jitter. Times come in as arguments
// and never go back. What it loses is settled by the seed and the order of the packets. Not locked.
#ifndef TESTS_LINK_MODEL_H
#define TESTS_LINK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_PACKET_BYTES_MAX = 2048 };

struct link_settings {
    int rate_kbps;         // 0: no limit, and so no queue
    int queue_ms;          // how long a queue may get at the present rate; 0: any length
    int queue_bytes;       // the same in bytes; 0: any
    int delay_ms;          // of every packet
    int jitter_ms;         // added on top, uniform from 0 up to this
    int jitter_over_bytes; // jitter only for IP packets larger than this; 0: for all
    bool keeps_order;    // a packet waits for the one before it (of those with, or without jitter)
    double loss_percent; // each packet on its own, whatever its size
};

struct link_stats {
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    uint64_t lost;        // by chance
    uint64_t overflowed;  // by the queue's end
    int64_t queue_max_ns; // the longest that a packet waited for those before it
    int64_t queue_ns;     // what waits now would take this long
};

struct link_model;

// Order is kept on the links that people use: a late packet holds up those behind it.
void link_settings_init(struct link_settings *settings);
// One word, "rate=300" and so on: rate queue queue-bytes delay jitter jitter-over order loss.
// 0, or -EINVAL and nothing changed.
int link_settings_set(struct link_settings *settings, const char *word);

struct link_model *link_model_create(const struct link_settings *settings, uint64_t seed);
void link_model_destroy(struct link_model *model); // NULL is allowed
// Those on their way keep the delay that they were given; those in the queue leave at the new rate.
void link_model_set(struct link_model *model, const struct link_settings *settings, int64_t now_ns);
const struct link_settings *link_model_settings(const struct link_model *model);

// Chance begins anew.
void link_model_set_seed(struct link_model *model, uint64_t seed);

// Copies the packet, or drops it. 0 or -ENOMEM, -EMSGSIZE.
int link_model_push(struct link_model *model, const void *data, size_t size_bytes, int64_t now_ns);
// The next packet that is out by now, into out[LINK_PACKET_BYTES_MAX]; its size, or 0: none.
size_t link_model_pop(struct link_model *model, void *out, int64_t now_ns);
// When something happens next; -1: nothing will.
int64_t link_model_next_ns(const struct link_model *model);

void link_model_get_stats(struct link_model *model, struct link_stats *out, int64_t now_ns);
void link_model_reset_stats(struct link_model *model);

#endif
