// SPDX-License-Identifier: MIT
#include "mcu/arrivals.h"

#include <stdlib.h>
#include <string.h>

#define MAX(a, b) ((a) > (b) ? (a) : (b))

int arrivals_size_class(int size_bytes) {
    int class = size_bytes / ARRIVALS_SIZE_BYTES;
    return class < 0 ? 0 : class < ARRIVALS_SIZES ? class : ARRIVALS_SIZES - 1;
}

static int64_t delay_ns(const struct arrivals *arrivals, const struct bandwidth_packet *packet) {
    return packet->received_ns - packet->sent_ns -
           arrivals->longer_ns[arrivals_size_class(packet->size_bytes)];
}

void arrivals_begin_round(struct arrivals *arrivals) {
    arrivals->round++;
}

void arrivals_clear(struct arrivals *arrivals) {
    arrivals->count = 0;
    arrivals->latest_ns = 0;
}

static void forget_oldest(struct arrivals *arrivals, int count) {
    arrivals->count -= count;
    memmove(arrivals->entries, arrivals->entries + count,
            (size_t)arrivals->count * sizeof(arrivals->entries[0]));
}

void arrivals_forget_older(struct arrivals *arrivals, int64_t span_ns) {
    int64_t from_ns = arrivals_newest_sent_ns(arrivals) - span_ns;
    int old = 0;
    while (old < arrivals->count && arrivals->entries[old].packet.sent_ns < from_ns)
        old++;
    if (old)
        forget_oldest(arrivals, old);
}

// Whether this entry, of an earlier round, is the packet.
static bool is_same(const struct arrivals *arrivals, int at,
                    const struct bandwidth_packet *packet) {
    const struct bandwidth_packet *known = &arrivals->entries[at].packet;
    return arrivals->entries[at].round != arrivals->round &&
           known->size_bytes == packet->size_bytes &&
           (known->received_ns == packet->received_ns || known->received_ns < 0 ||
            packet->received_ns < 0);
}

static void insert(struct arrivals *arrivals, int at, const struct bandwidth_packet *packet) {
    memmove(arrivals->entries + at + 1, arrivals->entries + at,
            (size_t)(arrivals->count - at) * sizeof(arrivals->entries[0]));
    arrivals->entries[at].packet = *packet;
    arrivals->entries[at].round = arrivals->round;
    arrivals->count++;
}

bool arrivals_keep(struct arrivals *arrivals, const struct bandwidth_packet *packet) {
    if (arrivals->count == ARRIVALS_MAX)
        forget_oldest(arrivals, ARRIVALS_MAX / 4);
    arrivals->latest_ns = MAX(arrivals->latest_ns, packet->received_ns);
    int at = arrivals->count;
    while (at > 0 && arrivals->entries[at - 1].packet.sent_ns > packet->sent_ns)
        at--;
    for (int i = at - 1; i >= 0 && arrivals->entries[i].packet.sent_ns == packet->sent_ns; i--) {
        if (!is_same(arrivals, i, packet))
            continue;
        struct bandwidth_packet *known = &arrivals->entries[i].packet;
        bool is_news = known->received_ns < 0 && packet->received_ns >= 0;
        known->received_ns = MAX(known->received_ns, packet->received_ns);
        arrivals->entries[i].round = arrivals->round; // another one like it is another packet
        return is_news;
    }
    insert(arrivals, at, packet);
    return true;
}

int64_t arrivals_newest_sent_ns(const struct arrivals *arrivals) {
    return arrivals->count ? arrivals->entries[arrivals->count - 1].packet.sent_ns : 0;
}

struct arrivals_tally arrivals_tally(const struct arrivals *arrivals, int64_t from_ns,
                                     int64_t until_ns) {
    struct arrivals_tally tally = {0};
    for (int i = arrivals->count - 1; i >= 0; i--) {
        const struct bandwidth_packet *packet = &arrivals->entries[i].packet;
        if (packet->sent_ns <= from_ns)
            break;
        if (packet->sent_ns > until_ns)
            continue;
        tally.sent++;
        tally.sent_bytes += packet->size_bytes;
        if (packet->received_ns < 0)
            continue;
        tally.received++;
        tally.received_bytes += packet->size_bytes;
    }
    return tally;
}

double arrivals_loss(const struct arrivals_tally *tally) {
    return tally->sent ? 1 - (double)tally->received / tally->sent : 0;
}

int64_t arrivals_rate_bps(int64_t bytes, int64_t span_ns) {
    return span_ns > 0 ? (int64_t)((double)bytes * 8e9 / (double)span_ns) : 0;
}

int64_t arrivals_sent_bps(const struct arrivals *arrivals, int64_t span_ns) {
    int64_t until_ns = arrivals_newest_sent_ns(arrivals);
    struct arrivals_tally tally = arrivals_tally(arrivals, until_ns - span_ns, until_ns);
    return arrivals_rate_bps(tally.sent_bytes, span_ns);
}

int64_t arrivals_received_bps(const struct arrivals *arrivals, int64_t span_ns) {
    int64_t bytes = 0, from_ns = MAX(arrivals->latest_ns - span_ns, -1);
    for (int i = 0; i < arrivals->count; i++)
        if (arrivals->entries[i].packet.received_ns > from_ns)
            bytes += arrivals->entries[i].packet.size_bytes;
    return arrivals_rate_bps(bytes, span_ns);
}

static int compare_delays(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

int arrivals_newest_delays(const struct arrivals *arrivals, int max, int64_t *delays_ns,
                           int64_t *from_ns) {
    int count = 0;
    for (int i = arrivals->count - 1; i >= 0 && count < max; i--) {
        const struct bandwidth_packet *packet = &arrivals->entries[i].packet;
        if (packet->received_ns < 0)
            continue;
        delays_ns[count++] = delay_ns(arrivals, packet);
        *from_ns = packet->sent_ns;
    }
    qsort(delays_ns, (size_t)count, sizeof(delays_ns[0]), compare_delays);
    return count;
}

int64_t arrivals_least_delay_ns(const struct arrivals *arrivals, int64_t from_ns,
                                int64_t until_ns) {
    int64_t least_ns = INT64_MAX;
    for (int i = arrivals->count - 1; i >= 0; i--) {
        const struct bandwidth_packet *packet = &arrivals->entries[i].packet;
        if (packet->sent_ns < from_ns)
            break;
        if (packet->received_ns < 0 || packet->sent_ns > until_ns)
            continue;
        int64_t packet_ns = delay_ns(arrivals, packet);
        least_ns = packet_ns < least_ns ? packet_ns : least_ns;
    }
    return least_ns;
}
