// SPDX-License-Identifier: MIT
// Delay through the server, seen from outside: one member's picture carries its frame number as
// black and white cells, its sound changes its pitch in a known order. Both are looked for in what
// another member of the same process receives, hence on the same clock. Analysis is done after the
// run. One thread, but for probe_on_sent().
#ifndef TESTS_BENCH_PROBE_H
#define TESTS_BENCH_PROBE_H

#include "tests/peer/client.h"

struct probe;

struct probe_delays {
    int count; // 0: nothing was found
    double p50_ms, p95_ms;
};

// background: its first pictures are what the cells are drawn over; borrowed for the call only.
// NULL when it cannot be decoded.
struct probe *probe_create(const struct media *background);
void probe_destroy(struct probe *probe); // NULL is allowed

const struct media *probe_video(const struct probe *probe);
const struct media *probe_audio(const struct probe *probe);
// To be called for every frame that the probing member sends (client_set_on_sent()). Sender thread.
void probe_on_sent(void *probe, bool is_audio, int index, int64_t sent_ns);

// What another member got, and where the probing member's tile was. From the packets whose arrival
// is at or after from_ns.
struct probe_delays probe_video_delays(struct probe *probe, const struct client_packet *packets,
                                       int count, const struct client_rect *tile, int64_t from_ns);
struct probe_delays probe_audio_delays(struct probe *probe, const struct client_packet *packets,
                                       int count, int64_t from_ns);

#endif
