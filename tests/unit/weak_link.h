// SPDX-License-Identifier: MIT
// One member on a weak link, in simulated time: a sender that obeys the downlink's choice and asks
// the estimate for its probes, a link with a rate, a queue, delay, jitter and loss that a test may
// change as it goes, a greedy competitor, and a receiver that reports as browsers do. Repeatable by
// seed. With TRACE set in the environment a line each half second tells what happens.
#ifndef TESTS_UNIT_WEAK_LINK_H
#define TESTS_UNIT_WEAK_LINK_H

#include "mcu/bandwidth.h"
#include "mcu/downlink.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEAK_MS INT64_C(1000000)

enum {
    WEAK_PACKETS = 1 << 14, // remembered, ours
    WEAK_QUEUE = 1 << 13,   // packets in the link's queue
    WEAK_FLIGHT = 1 << 13,  // between the link's end and the receiver
    WEAK_REPORTS = 64,      // on their way back
    WEAK_REPORT_PACKETS = 512,
    WEAK_HEADERS = 58,
};

struct weak_flow { // like TCP's Reno: all that the queue holds, half of it after a loss
    bool is_on, was_lost;
    double window;
    int outstanding;
    int64_t halved_ms, acks_ms[WEAK_QUEUE];
    int acks_head, acks_count;
    int64_t bytes;
};

struct weak {
    // what a test sets
    int64_t rate_bps;
    int buffer_ms, delay_ms, jitter_ms; // delay: one way
    double loss, drift_ppm;
    bool is_silent; // no feedback gets through
    struct weak_flow rival;

    struct bandwidth *bandwidth;
    struct downlink downlink;
    int64_t now_ms;
    uint64_t seed;

    // the sender
    int frame;
    bool wants_keyframe;
    double video_due_bytes;
    int64_t audio_due_ms, probe_from_ms, probe_until_ms, probe_bytes;
    int probe_kbps, probe_packet_bytes;
    int64_t sent_ns[WEAK_PACKETS], received_ns[WEAK_PACKETS];
    int sizes[WEAK_PACKETS];
    int next;

    // the link
    struct {
        int id, size; // id -1: the rival's
    } queue[WEAK_QUEUE];
    int queue_head, queue_count;
    int64_t queue_bytes;
    double credit_bytes;
    struct {
        int id;
        int64_t at_ms;
    } flight[WEAK_FLIGHT];
    int flight_count;

    // the receiver
    int reported, highest;
    struct {
        int64_t at_ms;
        int count;
        struct bandwidth_packet packets[WEAK_REPORT_PACKETS];
    } reports[WEAK_REPORTS];
    int reports_head, reports_count;

    // what is seen, since weak_watch()
    int64_t watched_ms, estimate_min_bps, estimate_max_bps, bytes; // bytes: through the link
    int queue_max_ms, queue_seen_max_ms, tier_changes, tier_ups, changes, probes;
    int layers_min;
    bool had_video_always, had_video_ever;
    // Least time between a change of tier and one upwards, and from sound alone to the same.
    int64_t raised_ms, resumed_ms, raise_gap_ms;
};

static inline double weak_random(struct weak *weak) {
    weak->seed = weak->seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(weak->seed >> 11) / (double)(INT64_C(1) << 53);
}

static inline int weak_queue_ms(const struct weak *weak) {
    return (int)(weak->queue_bytes * 8000 / weak->rate_bps);
}

static inline void weak_watch(struct weak *weak) {
    weak->watched_ms = weak->now_ms;
    weak->estimate_min_bps = INT64_MAX;
    weak->estimate_max_bps = weak->bytes = weak->rival.bytes = 0;
    weak->queue_max_ms = weak->queue_seen_max_ms = 0;
    weak->tier_changes = weak->tier_ups = weak->changes = weak->probes = 0;
    weak->layers_min = STAGE_LAYERS;
    weak->had_video_always = true;
    weak->had_video_ever = false;
}

static inline struct weak *weak_create(int64_t rate_bps, int64_t start_bps, uint64_t seed) {
    static const struct downlink_config config = {
        .tier_kbps = {1500, 500, 150}, .audio_kbps = 32, .thrifty_kbps = 14};
    struct weak *weak = calloc(1, sizeof(*weak));
    *weak = (struct weak){.rate_bps = rate_bps, .buffer_ms = 1000, .delay_ms = 50, .seed = seed};
    weak->bandwidth = bandwidth_create(start_bps, 30000, 10000000);
    weak->highest = -1;
    weak->probe_packet_bytes = 255;
    weak->raised_ms = weak->resumed_ms = -100000;
    weak->raise_gap_ms = 1000000;
    weak->wants_keyframe = true;
    downlink_init(&weak->downlink, &config);
    struct downlink_link link = {.estimate_bps = start_bps};
    downlink_update(&weak->downlink, &link, 0);
    weak_watch(weak);
    return weak;
}

// Of the link since weak_watch(), in kbit/s.
static inline int weak_kbps(const struct weak *weak) {
    return (int)(weak->bytes * 8 / (weak->now_ms - weak->watched_ms));
}

static inline bool weak_is_at_top(const struct weak *weak) {
    const struct downlink_choice *choice = &weak->downlink.choice;
    return choice->has_video && choice->tier == 0 && choice->layers == STAGE_LAYERS;
}

static inline void weak_destroy(struct weak *weak) {
    bandwidth_destroy(weak->bandwidth);
    free(weak);
}

// ---- the link
// ------------------------------------------------------------------------------------

static inline bool weak_enqueue(struct weak *weak, int id, int size) {
    if (weak_queue_ms(weak) >= weak->buffer_ms || weak->queue_count == WEAK_QUEUE)
        return false;
    int tail = (weak->queue_head + weak->queue_count++) % WEAK_QUEUE;
    weak->queue[tail].id = id;
    weak->queue[tail].size = size;
    weak->queue_bytes += size;
    return true;
}

static inline void weak_deliver(struct weak *weak, int id, int size) {
    struct weak_flow *rival = &weak->rival;
    if (id < 0) {
        rival->bytes += size;
        int tail = (rival->acks_head + rival->acks_count++) % WEAK_QUEUE;
        rival->acks_ms[tail] = weak->now_ms + 2 * (int64_t)weak->delay_ms;
        return;
    }
    weak->bytes += size;
    if (weak_random(weak) < weak->loss || weak->flight_count == WEAK_FLIGHT)
        return;
    int late_ms = (int)(weak_random(weak) * (weak->jitter_ms + 1));
    weak->flight[weak->flight_count].id = id;
    weak->flight[weak->flight_count++].at_ms = weak->now_ms + weak->delay_ms + late_ms;
}

static inline void weak_serve(struct weak *weak) {
    weak->credit_bytes += (double)weak->rate_bps / 8000;
    while (weak->queue_count && weak->queue[weak->queue_head].size <= weak->credit_bytes) {
        int id = weak->queue[weak->queue_head].id, size = weak->queue[weak->queue_head].size;
        weak->queue_head = (weak->queue_head + 1) % WEAK_QUEUE;
        weak->queue_count--;
        weak->queue_bytes -= size;
        weak->credit_bytes -= size;
        weak_deliver(weak, id, size);
    }
    if (!weak->queue_count)
        weak->credit_bytes = 0;
}

static inline void weak_compete(struct weak *weak) {
    struct weak_flow *rival = &weak->rival;
    while (rival->acks_count && rival->acks_ms[rival->acks_head] <= weak->now_ms) {
        rival->acks_head = (rival->acks_head + 1) % WEAK_QUEUE;
        rival->acks_count--;
        rival->outstanding--;
        rival->window += 1 / rival->window;
    }
    int64_t rtt_ms = 2 * weak->delay_ms + weak_queue_ms(weak);
    if (rival->was_lost && weak->now_ms - rival->halved_ms > rtt_ms) {
        rival->window = fmax(rival->window / 2, 2);
        rival->halved_ms = weak->now_ms;
    }
    rival->was_lost = false;
    while (rival->is_on && rival->outstanding < (int)rival->window && !rival->was_lost) {
        if (weak_enqueue(weak, -1, 1500))
            rival->outstanding++;
        else
            rival->was_lost = true;
    }
}

// ---- the receiver
// --------------------------------------------------------------------------------

static inline void weak_receive(struct weak *weak) {
    for (int i = 0; i < weak->flight_count; i++) {
        if (weak->flight[i].at_ms > weak->now_ms)
            continue;
        int id = weak->flight[i].id;
        double own_ns = (double)(weak->now_ms * WEAK_MS) * (1 + weak->drift_ppm * 1e-6);
        weak->received_ns[id % WEAK_PACKETS] = INT64_C(77777777777) + (int64_t)own_ns;
        weak->highest = id > weak->highest ? id : weak->highest;
        weak->reported = id < weak->reported ? id : weak->reported; // tells all since then again
        weak->flight[i--] = weak->flight[--weak->flight_count];
    }
}

static inline void weak_report(struct weak *weak) {
    if (weak->highest < weak->reported || weak->reports_count == WEAK_REPORTS)
        return;
    int slot = (weak->reports_head + weak->reports_count) % WEAK_REPORTS, count = 0;
    for (; weak->reported <= weak->highest && count < WEAK_REPORT_PACKETS; weak->reported++) {
        int at = weak->reported % WEAK_PACKETS;
        weak->reports[slot].packets[count++] =
            (struct bandwidth_packet){weak->sent_ns[at], weak->received_ns[at], weak->sizes[at]};
    }
    weak->reports[slot].count = count;
    weak->reports[slot].at_ms = weak->now_ms + weak->delay_ms;
    if (!weak->is_silent && weak_random(weak) >= weak->loss)
        weak->reports_count++;
}

// ---- the sender
// ----------------------------------------------------------------------------------

static inline void weak_send(struct weak *weak, int size) {
    int id = weak->next++, at = id % WEAK_PACKETS;
    weak->sent_ns[at] = weak->now_ms * WEAK_MS;
    weak->received_ns[at] = -1;
    weak->sizes[at] = size;
    weak->probe_bytes += size;
    weak_enqueue(weak, id, size);
}

static inline void weak_send_frame(struct weak *weak, double bytes) {
    for (; bytes > 0; bytes -= 1150)
        weak_send(weak, (int)fmin(bytes, 1150) + WEAK_HEADERS);
}

static inline double weak_encoder_kbps(const struct weak *weak) {
    static const double part[] = {0, 0.4, 0.6, 1};
    const struct downlink_choice *choice = &weak->downlink.choice;
    double kbps = weak->downlink.config.tier_kbps[choice->tier];
    return choice->video_kbps ? fmin(kbps, choice->video_kbps / part[choice->layers]) : kbps;
}

// Frames of three layers: 0 2 1 2, with 40, 20 and 40 % of the bits.
static inline void weak_send_video(struct weak *weak) {
    static const int layers[] = {0, 2, 1, 2};
    static const double parts[] = {0.4 / 7.5, 0.2 / 7.5, 0.4 / 15};
    const struct downlink_choice *choice = &weak->downlink.choice;
    int layer = layers[weak->frame++ % 4];
    if (!choice->has_video || (layer >= choice->layers && !weak->wants_keyframe))
        return;
    double bytes = weak_encoder_kbps(weak) * 125 * parts[layer];
    bytes *= 0.7 + 0.6 * weak_random(weak);
    if (weak->wants_keyframe)
        bytes = fmax(4000, weak_encoder_kbps(weak) * 125 / 30 * 8);
    weak->wants_keyframe = false;
    weak_send_frame(weak, bytes);
}

static inline void weak_send_audio(struct weak *weak) {
    bool is_thrifty = weak->downlink.choice.is_thrifty;
    weak->audio_due_ms = weak->now_ms + (is_thrifty ? 60 : 20);
    weak_send(weak, WEAK_HEADERS + (is_thrifty ? 14 * 60 / 8 : 32 * 20 / 8));
}

static inline void weak_send_probe(struct weak *weak) {
    if (weak->now_ms > weak->probe_until_ms)
        return;
    int64_t due = (weak->now_ms - weak->probe_from_ms) * weak->probe_kbps / 8;
    while (weak->probe_bytes < due)
        weak_send(weak, weak->probe_packet_bytes + WEAK_HEADERS);
}

static inline void weak_trace(struct weak *weak, const struct bandwidth_view *view) {
    const struct downlink_choice *choice = &weak->downlink.choice;
    if (!getenv("TRACE") || weak->now_ms / 100 % 5)
        return;
    printf("%6.1f rate %5d est %5d recv %5d sent %5d q %4d (%4d) loss %2.0f%% %-7s %s%d l%d %s "
           "video %d rival %.0f\n",
           (double)weak->now_ms / 1000, (int)(weak->rate_bps / 1000),
           (int)(view->estimate_bps / 1000), (int)(view->received_bps / 1000),
           (int)(view->sent_bps / 1000), weak_queue_ms(weak), (int)(view->queue_ns / WEAK_MS),
           view->loss * 100, bandwidth_reason_name(view->reason), choice->has_video ? "t" : "no ",
           choice->tier, choice->layers, choice->is_thrifty ? "thrifty" : "-", choice->video_kbps,
           weak->rival.is_on ? weak->rival.window : 0);
}

static inline void weak_note_choice(struct weak *weak, const struct downlink_choice *before) {
    const struct downlink_choice *choice = &weak->downlink.choice;
    int was = before->has_video ? before->tier : STAGE_TIERS;
    int is = choice->has_video ? choice->tier : STAGE_TIERS;
    weak->changes += was != is || before->layers != choice->layers;
    weak->tier_changes += was != is;
    weak->tier_ups += is < was;
    bool is_resumed = is < was && was == STAGE_TIERS;
    int64_t since_ms = weak->now_ms - (is_resumed ? weak->resumed_ms : weak->raised_ms);
    if (is < was && since_ms < weak->raise_gap_ms)
        weak->raise_gap_ms = since_ms;
    if (is_resumed)
        weak->resumed_ms = weak->now_ms;
    if (was != is) {
        weak->raised_ms = weak->now_ms;
        weak->wants_keyframe = true;
    }
    weak->had_video_always &= choice->has_video;
    weak->had_video_ever |= choice->has_video;
    weak->layers_min = choice->layers < weak->layers_min ? choice->layers : weak->layers_min;
}

static inline void weak_steer(struct weak *weak) {
    struct bandwidth_view view;
    struct downlink_choice before = weak->downlink.choice;
    int64_t now_ns = weak->now_ms * WEAK_MS;
    bandwidth_tick(weak->bandwidth, now_ns);
    bandwidth_get(weak->bandwidth, &view);
    struct downlink_link link = {.estimate_bps = view.estimate_bps, .loss = view.loss};
    downlink_update(&weak->downlink, &link, now_ns);
    weak_note_choice(weak, &before);
    struct bandwidth_probe probe =
        bandwidth_take_probe(weak->bandwidth, downlink_next_bps(&weak->downlink), now_ns);
    if (probe.kbps) {
        weak->probes++;
        weak->probe_kbps = probe.kbps;
        weak->probe_bytes = 0;
        weak->probe_from_ms = weak->now_ms;
        weak->probe_until_ms = weak->now_ms + probe.duration_ms;
        if (getenv("TRACE"))
            printf("%6.1f probe %d kbit/s for %d ms\n", (double)weak->now_ms / 1000, probe.kbps,
                   probe.duration_ms);
    }
    weak->estimate_min_bps =
        view.estimate_bps < weak->estimate_min_bps ? view.estimate_bps : weak->estimate_min_bps;
    weak->estimate_max_bps =
        view.estimate_bps > weak->estimate_max_bps ? view.estimate_bps : weak->estimate_max_bps;
    int seen_ms = (int)(view.queue_ns / WEAK_MS);
    weak->queue_seen_max_ms = seen_ms > weak->queue_seen_max_ms ? seen_ms : weak->queue_seen_max_ms;
    weak_trace(weak, &view);
}

static inline void weak_take_reports(struct weak *weak) {
    while (weak->reports_count && weak->reports[weak->reports_head].at_ms <= weak->now_ms) {
        int slot = weak->reports_head;
        bandwidth_set_rtt_ns(weak->bandwidth, (2 * weak->delay_ms + weak_queue_ms(weak)) * WEAK_MS);
        bandwidth_add(weak->bandwidth, weak->reports[slot].packets, weak->reports[slot].count,
                      weak->now_ms * WEAK_MS);
        weak->reports_head = (weak->reports_head + 1) % WEAK_REPORTS;
        weak->reports_count--;
    }
}

static inline void weak_run(struct weak *weak, int64_t span_ms) {
    for (int64_t end_ms = weak->now_ms + span_ms; weak->now_ms < end_ms; weak->now_ms++) {
        if (weak->now_ms * 3 / 100 != (weak->now_ms - 1) * 3 / 100)
            weak_send_video(weak);
        if (weak->now_ms >= weak->audio_due_ms)
            weak_send_audio(weak);
        weak_send_probe(weak);
        weak_compete(weak);
        weak_serve(weak);
        weak_receive(weak);
        if (weak->now_ms % 100 == 0)
            weak_report(weak);
        weak_take_reports(weak);
        if (weak->now_ms % 100 == 50)
            weak_steer(weak);
        int queue_ms = weak_queue_ms(weak);
        weak->queue_max_ms = queue_ms > weak->queue_max_ms ? queue_ms : weak->queue_max_ms;
    }
}

#endif
