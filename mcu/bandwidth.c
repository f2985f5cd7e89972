// SPDX-License-Identifier: MIT
// How the estimate is found.
//
// Delay. Of each packet we know when it left by our clock and when it came by theirs. The
// difference is the way's delay plus an unknown constant, and drifts with the two clocks (200 ppm:
// 6 ms in half a minute). The least difference of the last 15 to 30 s, the base, is the empty way;
// what the newest packets have beyond it is
//
//     queue = least(received - sent of the newest packets) - base
//
// There is a base for each of four sizes of packets, see delays.h.
//
// The least, not the mean: jitter delays each packet on its own, and of five packets or more one is
// always nearly undelayed; a queue delays them all. What may be left of jitter grows with it, so
//
//     threshold = 40 ms + 1.5 x spread      spread: median less least, averaged while it is calm
//
// Falling. When all the newest packets stood in a queue, the link was never idle between them, so
// the rate at which they came in IS what the link gives us, however it came to that. The capacity
// falls to 0.9 of it; doing so twice, or for a queue that our own keyframe made, changes nothing,
// so a false alarm is cheap. While a queue of q remains, the estimate is
//
//     capacity x (1 - (q - threshold) / 1 s), but not under 0.65 x capacity
//
// so that a deep queue is gone in a few seconds and the estimate comes back as it goes.
//
// Someone else's queue. Once packets that were sent after a fall come in, a queue of our own must
// shrink by (1 - sent / link rate) seconds a second. A second in which it does not, though all that
// we send arrives, is a fall in vain; we take one more step down (0.81) to be sure. After two or
// three such, it is another flow that fills whatever there is, as every download does, and to fall
// further would only make room for it: the way is contended. Queues are then ignored until it has
// been calm for ten seconds, or less arrives than is sent (the passage, received by sent, tells).
//
// Loss. Below a fifth it is taken for chance: radio links lose that much without being full. Above,
// and without a queue, the capacity follows what arrives (a policer drops and never queues). If as
// much is lost after that, it was chance after all: this loss is then accepted, and only a tenth
// more of it counts.
//
// Silence. Each second without feedback halves the capacity.
//
// Beginning. The start is low, for a keyframe sized for more would fill a thin link's queue for
// seconds; as long as nothing speaks against it a probe with g = 3 goes out every 300 ms.
//
// Rising. What arrived without a queue, fits: the capacity is never below the received rate of the
// last second. Beyond that only probes tell: now and then the sender is asked to send, padding and
// media together, at g x capacity for 100 ms / (g - 1), so that a link which is full already is
// left with 100 ms of queue and no more; half as long where much less than the capacity was sent
// lately, because then nobody knows whether it is still there. If the delay grew by d over a time
// t,
//
//     link rate = probe rate / (1 + d / t)
//
// is exact for one queue in the way. Next to no growth: the capacity is what the probe showed, and
// the next one may come after two seconds, with g = 2. Growth: it is 0.9 of the link rate, but what
// was believed before stays, unless it was far off; the next probe waits twice as long (up to ten
// seconds, or five below 200 kbit/s), with g = 1.5. What a probe leaves in the queue is no reason
// to fall for two seconds.
//
// Below 200 kbit/s packets are few, and probes tell little. There the capacity creeps up as well,
// by a twentieth a second after two calm ones, to 1.35 of what arrives.
#include "mcu/bandwidth.h"

#include "mcu/arrivals.h"
#include "mcu/delays.h"
#include "mcu/probing.h"

#include <stdlib.h>

#define MS        INT64_C(1000000)
#define SECOND    (1000 * MS)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

enum { NEWEST_MIN = 5, NEWEST_MAX = 64, SIZE_MAX_BYTES = 65536 };

#define TIME_MAX        (INT64_MAX / 8)
#define HISTORY         (4 * SECOND)
#define AGE_MAX         (20 * SECOND) // older feedback tells nothing about now
#define CLOCK_JUMP      (10 * SECOND) // no queue is that long
#define THRESHOLD       (40 * MS)
#define SPREAD_MAX      (80 * MS)
#define REACTION        (100 * MS) // until a sender sends what it was told
#define PROBE_AGAIN     (2 * SECOND)
#define PROBE_AGAIN_MAX (10 * SECOND)
#define FIRST_PROBE     (300 * MS) // and the pause while each one succeeds since
#define CONTENDED_FOR   (10 * SECOND)
#define VAIN_FOR        (3 * SECOND) // so long after a queue its falls in vain still count
#define LOSS_HEAVY      0.2
#define FALL_TO         0.9
#define CREEP_TO        1.35
#define CREEP_PER_S     0.05
#define DRAIN_MIN       0.65
#define PASSAGE_MIN     0.88

struct probe {
    int64_t from_ns, until_ns; // sent between
    int64_t bps;
    int64_t queue_ns, sent_bps;
    double loss;               // before it
    int64_t again_ns, next_ns; // the pause, and its end
    bool is_out;
};

struct bandwidth {
    int64_t min_bps, max_bps, capacity_bps, estimate_bps;
    enum bandwidth_reason reason;
    bool has_begun;
    bool has_proof;   // the capacity is no mere guess
    bool is_starting; // nothing has spoken against more yet
    int64_t now_ns, fed_ns, rtt_ns;

    struct arrivals arrivals;

    struct delays delays;
    int64_t queue_ns, spread_ns, newest_from_ns; // newest: sent since then
    int64_t received_bps, sent_bps;
    double loss, loss_accepted;
    double chance;  // the loss while there is no queue
    double passage; // received by sent, losses aside: under 1 while a queue of ours grows

    int overs;               // rounds over the threshold, one after another
    int64_t busy_arrival_ns; // since then the link was never idle
    int64_t calm_ns;         // since then there was no queue
    int64_t crept_ns;        // when it was last seen whether the capacity may creep up

    bool is_falling; // a fall whose effect is being watched
    int64_t fell_ns, fall_bps;
    int vain_falls; // one after another
    bool has_effect;
    int64_t effect_ns, effect_queue_ns;
    bool is_contended;
    int64_t contended_queue_ns; // when it was found so
    bool is_lossy;
    int64_t lossy_ns, loss_fell_ns;
    struct probe probe;
};

const char *bandwidth_reason_name(enum bandwidth_reason reason) {
    static const char *const names[BANDWIDTH_REASONS] = {"start", "steady",  "queue",
                                                         "loss",  "silence", "probe"};
    return (unsigned)reason < BANDWIDTH_REASONS ? names[reason] : "";
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return MAX(low, MIN(value, high));
}

static int64_t scaled(int64_t value, double factor) {
    return (int64_t)((double)value * factor);
}

struct bandwidth *bandwidth_create(int64_t start_bps, int64_t min_bps, int64_t max_bps) {
    struct bandwidth *bandwidth = calloc(1, sizeof(*bandwidth));
    if (!bandwidth)
        return NULL;
    bandwidth->min_bps = clamp(min_bps, 1, INT64_C(1) << 40);
    bandwidth->max_bps = clamp(max_bps, bandwidth->min_bps, INT64_C(1) << 40);
    bandwidth->capacity_bps = clamp(start_bps, bandwidth->min_bps, bandwidth->max_bps);
    bandwidth->estimate_bps = bandwidth->capacity_bps;
    bandwidth->probe.again_ns = PROBE_AGAIN;
    bandwidth->passage = 1;
    return bandwidth;
}

void bandwidth_destroy(struct bandwidth *bandwidth) {
    free(bandwidth);
}

void bandwidth_set_rtt_ns(struct bandwidth *bandwidth, int64_t rtt_ns) {
    bandwidth->rtt_ns = clamp(rtt_ns, 0, 5 * SECOND);
}

static void set_capacity(struct bandwidth *bandwidth, int64_t bps, enum bandwidth_reason reason) {
    bps = clamp(bps, bandwidth->min_bps, bandwidth->max_bps);
    if (bps != bandwidth->capacity_bps)
        bandwidth->reason = reason;
    bandwidth->capacity_bps = bps;
    bandwidth->has_proof = true;
}

// ---- time ----

static void advance(struct bandwidth *bandwidth, int64_t now_ns) {
    now_ns = clamp(now_ns, 0, TIME_MAX);
    if (!bandwidth->has_begun) {
        bandwidth->has_begun = bandwidth->is_starting = true;
        bandwidth->now_ns = bandwidth->fed_ns = bandwidth->calm_ns = now_ns;
        bandwidth->probe.next_ns = now_ns + FIRST_PROBE;
    }
    bandwidth->now_ns = MAX(bandwidth->now_ns, now_ns);
}

// ---- the packets of the last seconds ----

static bool is_sane(const struct bandwidth *bandwidth, const struct bandwidth_packet *packet) {
    return packet->size_bytes > 0 && packet->size_bytes < SIZE_MAX_BYTES && packet->sent_ns >= 0 &&
           packet->sent_ns <= bandwidth->now_ns && packet->received_ns < TIME_MAX &&
           packet->sent_ns >= bandwidth->now_ns - AGE_MAX;
}

static int64_t newest_sent_ns(const struct bandwidth *bandwidth) {
    return arrivals_newest_sent_ns(&bandwidth->arrivals);
}

static int64_t sent_bps(const struct bandwidth *bandwidth, int64_t span_ns) {
    return arrivals_sent_bps(&bandwidth->arrivals, span_ns);
}

static int64_t received_bps(const struct bandwidth *bandwidth, int64_t span_ns) {
    return arrivals_received_bps(&bandwidth->arrivals, span_ns);
}

// ---- queue ----

static void forget_delays(struct bandwidth *bandwidth) {
    delays_forget(&bandwidth->delays);
    arrivals_clear(&bandwidth->arrivals);
    bandwidth->overs = 0;
    bandwidth->is_falling = bandwidth->is_contended = bandwidth->probe.is_out = false;
}

static int64_t base_ns(const struct bandwidth *bandwidth) {
    return delays_base_ns(&bandwidth->delays);
}

static int64_t threshold_ns(const struct bandwidth *bandwidth) {
    return THRESHOLD + bandwidth->spread_ns * 3 / 2;
}

static void measure_queue(struct bandwidth *bandwidth, int came) {
    delays_get_longer(&bandwidth->delays, bandwidth->capacity_bps, bandwidth->arrivals.longer_ns);
    int64_t delays[NEWEST_MAX];
    int count =
        arrivals_newest_delays(&bandwidth->arrivals, (int)clamp(came, NEWEST_MIN, NEWEST_MAX),
                               delays, &bandwidth->newest_from_ns);
    if (!count)
        return;
    bandwidth->queue_ns = MAX(delays[0] - base_ns(bandwidth), 0);
    if (bandwidth->queue_ns < threshold_ns(bandwidth) && count >= NEWEST_MIN) {
        int64_t spread_ns = MIN(delays[count / 2] - delays[0], SPREAD_MAX);
        bandwidth->spread_ns += (spread_ns - bandwidth->spread_ns) / 16;
    }
}

// ---- falling ----

static void fall(struct bandwidth *bandwidth, int64_t link_bps, enum bandwidth_reason reason) {
    set_capacity(bandwidth, MIN(bandwidth->capacity_bps, scaled(link_bps, FALL_TO)), reason);
    bandwidth->is_falling = true;
    bandwidth->has_effect = bandwidth->is_contended = bandwidth->is_starting = false;
    bandwidth->fell_ns = bandwidth->now_ns;
    bandwidth->fall_bps = link_bps;
}

// A second in which the queue did not shrink as one of our own would: is it ours?
static void judge_vain_fall(struct bandwidth *bandwidth, int64_t link_bps, double slack,
                            int64_t shrunk_ns) {
    bool all_arrives = bandwidth->passage > PASSAGE_MIN;
    bandwidth->vain_falls++;
    if (bandwidth->vain_falls > (slack > 0.15 ? 1 : 2) && shrunk_ns > -100 * MS && all_arrives) {
        bandwidth->is_contended = true;
        bandwidth->contended_queue_ns = bandwidth->queue_ns;
        return;
    }
    if (all_arrives) // the link gives more than we send: a step, no more, to see what comes of it
        link_bps = MAX(link_bps, bandwidth->capacity_bps);
    fall(bandwidth, scaled(link_bps, FALL_TO), BANDWIDTH_QUEUE);
}

// A queue stands although what comes now was sent after a fall.
static void watch_effect(struct bandwidth *bandwidth, int64_t link_bps) {
    int64_t sent_ns = newest_sent_ns(bandwidth);
    if (!bandwidth->has_effect) {
        bandwidth->has_effect = true;
        bandwidth->effect_ns = sent_ns;
        bandwidth->effect_queue_ns = bandwidth->queue_ns;
    }
    int64_t passed_ns = sent_ns - bandwidth->effect_ns;
    if (passed_ns < SECOND)
        return;
    bandwidth->has_effect = false; // the next second begins
    double sent = (double)sent_bps(bandwidth, passed_ns);
    double slack = 1 - sent / (double)MAX(bandwidth->fall_bps, 1);
    int64_t shrunk_ns = bandwidth->effect_queue_ns - bandwidth->queue_ns;
    if (shrunk_ns <= MAX(20 * MS, scaled(passed_ns, slack * 0.4)))
        judge_vain_fall(bandwidth, link_bps, slack, shrunk_ns);
}

static void measure_passage(struct bandwidth *bandwidth) {
    double sent = (double)bandwidth->sent_bps * (1 - bandwidth->loss);
    double passage = sent > 0 ? MIN((double)bandwidth->received_bps / sent, 1.5) : 1;
    bandwidth->passage += (passage - bandwidth->passage) / 10;
}

// So little is sent, and comes, that the queue can hardly be ours. But a capacity that is a guess
// tells nothing of what the link takes.
static bool is_idle(const struct bandwidth *bandwidth) {
    return bandwidth->has_proof && bandwidth->sent_bps < scaled(bandwidth->capacity_bps, 0.6) &&
           received_bps(bandwidth, SECOND) > scaled(sent_bps(bandwidth, SECOND), 0.9);
}

// Even before a fall shows: the link gives less than we fell to, and less than we send.
static bool is_far_less(const struct bandwidth *bandwidth, int64_t link_bps) {
    return bandwidth->now_ns - bandwidth->fell_ns > 300 * MS && bandwidth->passage < 0.95 &&
           !is_idle(bandwidth) && link_bps < scaled(bandwidth->capacity_bps, 0.85) &&
           link_bps < scaled(bandwidth->sent_bps, 0.9 * (1 - bandwidth->loss));
}

// By much, and because less arrives than is sent: no rival does that for long.
static bool has_grown(const struct bandwidth *bandwidth) {
    return bandwidth->queue_ns > bandwidth->contended_queue_ns + 100 * MS &&
           bandwidth->passage < 0.95;
}

static void judge_queue_over(struct bandwidth *bandwidth) {
    int64_t span_ns = MIN(bandwidth->arrivals.latest_ns - bandwidth->busy_arrival_ns, 500 * MS);
    if (span_ns < 100 * MS)
        return;
    // What chance takes, it takes behind the queue as well as before it.
    int64_t link_bps = scaled(received_bps(bandwidth, span_ns), 1 / (1 - bandwidth->chance));
    if (is_idle(bandwidth))
        link_bps = MAX(link_bps, bandwidth->capacity_bps);
    if (bandwidth->is_contended) {
        if (bandwidth->passage < PASSAGE_MIN || has_grown(bandwidth))
            fall(bandwidth, link_bps, BANDWIDTH_QUEUE);
    } else if (!bandwidth->is_falling || is_far_less(bandwidth, link_bps)) {
        fall(bandwidth, link_bps, BANDWIDTH_QUEUE);
    } else if (bandwidth->newest_from_ns > bandwidth->fell_ns + REACTION) {
        watch_effect(bandwidth, link_bps);
    }
}

static void judge_queue(struct bandwidth *bandwidth) {
    int64_t limit_ns = threshold_ns(bandwidth);
    if (bandwidth->queue_ns > limit_ns)
        bandwidth->calm_ns = bandwidth->now_ns;
    limit_ns += probing_left_ns(bandwidth->probe.until_ns, bandwidth->newest_from_ns);
    if (bandwidth->queue_ns <= limit_ns) {
        bandwidth->overs = 0;
        bandwidth->is_falling = false;
        if (bandwidth->now_ns - bandwidth->calm_ns > VAIN_FOR)
            bandwidth->vain_falls = 0;
        if (bandwidth->now_ns - bandwidth->calm_ns > CONTENDED_FOR)
            bandwidth->is_contended = false;
        return;
    }
    if (bandwidth->overs++ == 0)
        bandwidth->busy_arrival_ns =
            bandwidth->newest_from_ns + base_ns(bandwidth) + bandwidth->queue_ns;
    if (bandwidth->overs > 1 || bandwidth->queue_ns > 2 * limit_ns)
        judge_queue_over(bandwidth);
}

// ---- loss ----

static void measure_loss(struct bandwidth *bandwidth, int64_t until_ns) {
    struct arrivals_tally tally =
        arrivals_tally(&bandwidth->arrivals, until_ns - 2 * SECOND, until_ns);
    if (tally.sent >= 10)
        bandwidth->loss = arrivals_loss(&tally);
    bandwidth->loss_accepted = MIN(bandwidth->loss_accepted, bandwidth->loss);
    if (bandwidth->now_ns - bandwidth->calm_ns > 2 * SECOND)
        bandwidth->chance = MIN(bandwidth->loss, LOSS_HEAVY);
}

static bool is_loss_heavy(const struct bandwidth *bandwidth) {
    if (!bandwidth->is_contended && bandwidth->now_ns - bandwidth->calm_ns < 2 * SECOND)
        return false; // a queue that ran over, and has its own judge
    return bandwidth->loss > MAX(LOSS_HEAVY, bandwidth->loss_accepted + 0.1);
}

static void judge_loss(struct bandwidth *bandwidth) {
    int64_t until_ns = newest_sent_ns(bandwidth), fell_ns = bandwidth->loss_fell_ns;
    measure_loss(bandwidth, until_ns);
    bool was_lossy = bandwidth->is_lossy;
    bandwidth->is_lossy = is_loss_heavy(bandwidth);
    if (!bandwidth->is_lossy || !was_lossy)
        bandwidth->lossy_ns = bandwidth->now_ns;
    if (!bandwidth->is_lossy || bandwidth->now_ns - bandwidth->lossy_ns < SECOND / 2)
        return;
    if (fell_ns && until_ns - 2 * SECOND < fell_ns + REACTION)
        return; // what was sent before the last fall still counts among them
    if (fell_ns && until_ns - fell_ns < 4 * SECOND) {
        bandwidth->loss_accepted = bandwidth->loss;
        return;
    }
    struct arrivals_tally last = arrivals_tally(&bandwidth->arrivals, until_ns - SECOND, until_ns);
    int64_t came_bps = arrivals_rate_bps(last.received_bytes, SECOND);
    // Where little was sent, the part that came tells, not how much it was.
    if (arrivals_rate_bps(last.sent_bytes, SECOND) < scaled(bandwidth->capacity_bps, 0.75))
        came_bps = MAX(came_bps, scaled(bandwidth->capacity_bps, 1 - arrivals_loss(&last)));
    set_capacity(bandwidth, MIN(bandwidth->capacity_bps, came_bps), BANDWIDTH_LOSS);
    bandwidth->loss_fell_ns = bandwidth->now_ns;
}

// ---- rising ----

static bool is_calm(const struct bandwidth *bandwidth) {
    if (bandwidth->is_contended) // as calm as it gets
        return is_idle(bandwidth) && bandwidth->loss < LOSS_HEAVY / 2;
    int64_t calm_for_ns = bandwidth->is_starting ? FIRST_PROBE - 50 * MS : SECOND;
    return bandwidth->now_ns - bandwidth->calm_ns > calm_for_ns && !bandwidth->is_lossy &&
           bandwidth->queue_ns < threshold_ns(bandwidth) / 2;
}

static void follow_received(struct bandwidth *bandwidth) {
    if (!is_calm(bandwidth) || bandwidth->is_contended)
        return;
    int64_t bps = MIN(received_bps(bandwidth, SECOND), sent_bps(bandwidth, SECOND));
    if (bps > bandwidth->capacity_bps)
        set_capacity(bandwidth, bps, BANDWIDTH_STEADY);
}

// A thin link carries so few packets that a probe tells little; but a queue that begins is soon
// seen, and small.
static void creep(struct bandwidth *bandwidth) {
    int64_t span_ns = MIN(bandwidth->now_ns - bandwidth->crept_ns, SECOND / 2);
    bandwidth->crept_ns = bandwidth->now_ns;
    if (bandwidth->capacity_bps >= PROBING_THIN_BPS || !is_calm(bandwidth) ||
        bandwidth->is_contended || bandwidth->is_starting ||
        bandwidth->now_ns - bandwidth->calm_ns < 2 * SECOND)
        return;
    int64_t most_bps = MIN(scaled(received_bps(bandwidth, 2 * SECOND), CREEP_TO), PROBING_THIN_BPS);
    int64_t bps =
        scaled(bandwidth->capacity_bps, 1 + CREEP_PER_S * (double)span_ns / (double)SECOND);
    if (bandwidth->capacity_bps < most_bps)
        set_capacity(bandwidth, MIN(bps, most_bps), BANDWIDTH_STEADY);
}

// How much the delay grew from before the probe to its last third; the least of it.
static int64_t probe_growth_ns(const struct bandwidth *bandwidth) {
    const struct probe *probe = &bandwidth->probe;
    int64_t from_ns = probe->until_ns - (probe->until_ns - probe->from_ns) / 3;
    int64_t least_ns = arrivals_least_delay_ns(&bandwidth->arrivals, from_ns, probe->until_ns);
    return least_ns == INT64_MAX ? 0 : least_ns - base_ns(bandwidth) - probe->queue_ns;
}

// A rate found that is far under what was believed, and not used lately, is believed as well; but
// it takes nothing from what was sent without harm before the probe.
static void learn_from_probe(struct bandwidth *bandwidth, int64_t link_bps, int64_t probe_bps) {
    int64_t capacity_bps = bandwidth->capacity_bps;
    if (link_bps > capacity_bps)
        set_capacity(bandwidth, link_bps, BANDWIDTH_PROBE);
    else if (link_bps < scaled(capacity_bps, 0.7) && probe_bps > capacity_bps)
        set_capacity(bandwidth, MIN(capacity_bps, MAX(link_bps, bandwidth->probe.sent_bps)),
                     BANDWIDTH_QUEUE);
    if (link_bps < scaled(capacity_bps, 0.8))
        bandwidth->probe.until_ns = 0; // what queues now is no mere leftover
}

// What part of the probe the link has let through at its pace: 1 is all.
static double probe_part(const struct bandwidth *bandwidth, const struct arrivals_tally *tally) {
    const struct probe *probe = &bandwidth->probe;
    double came = (1 - arrivals_loss(tally)) / MAX(1 - probe->loss, 0.1);
    if (came > 0.9) // but for chance
        came = 1;
    if (probe->loss > LOSS_HEAVY)
        came *= 1 - probe->loss; // too much to be taken for chance alone
    int64_t span_ns = probe->until_ns - probe->from_ns;
    int64_t growth_ns = MAX(probe_growth_ns(bandwidth) - bandwidth->spread_ns - 5 * MS, 0);
    return came / (1 + (double)growth_ns / ((double)span_ns * 2 / 3));
}

// Where every bit counts, and what a probe takes is little.
static int64_t again_max_ns(const struct bandwidth *bandwidth) {
    return bandwidth->capacity_bps < PROBING_THIN_BPS ? PROBE_AGAIN_MAX / 2 : PROBE_AGAIN_MAX;
}

static void judge_probe(struct bandwidth *bandwidth) {
    struct probe *probe = &bandwidth->probe;
    if (!probe->is_out || newest_sent_ns(bandwidth) < probe->until_ns + 20 * MS)
        return;
    struct arrivals_tally tally =
        arrivals_tally(&bandwidth->arrivals, probe->from_ns, probe->until_ns);
    int64_t bps = arrivals_rate_bps(tally.sent_bytes, probe->until_ns - probe->from_ns);
    double part = probe_part(bandwidth, &tally);
    bool is_whole = part > 0.85;
    probe->is_out = false;
    learn_from_probe(bandwidth, scaled(MIN(bps, probe->bps), is_whole ? part : part * FALL_TO),
                     bps);
    bandwidth->is_starting &= is_whole;
    probe->again_ns = is_whole && !bandwidth->is_contended
                          ? PROBE_AGAIN
                          : MIN(probe->again_ns * 2, again_max_ns(bandwidth));
    probe->next_ns = bandwidth->now_ns + (bandwidth->is_starting ? FIRST_PROBE : probe->again_ns);
}

static bool is_probe_due(struct bandwidth *bandwidth, int64_t wanted_bps) {
    struct probe *probe = &bandwidth->probe;
    if (probe->is_out && bandwidth->now_ns > probe->until_ns + bandwidth->rtt_ns + 2 * SECOND)
        probe->is_out = false; // nobody has told of it
    return !probe->is_out && bandwidth->now_ns >= probe->next_ns && bandwidth->delays.has_base &&
           is_calm(bandwidth) && wanted_bps > bandwidth->capacity_bps;
}

static double probe_gain(const struct bandwidth *bandwidth, int64_t wanted_bps) {
    double gain = probing_gain(bandwidth->capacity_bps, bandwidth->probe.again_ns == PROBE_AGAIN);
    if (bandwidth->is_starting)
        gain = 3;
    if (bandwidth->is_contended)
        gain = 1.4;
    return MIN(gain, (double)wanted_bps / (double)bandwidth->capacity_bps);
}

struct bandwidth_probe bandwidth_take_probe(struct bandwidth *bandwidth, int64_t wanted_bps,
                                            int64_t now_ns) {
    advance(bandwidth, now_ns);
    wanted_bps = MIN(wanted_bps, bandwidth->max_bps);
    if (!is_probe_due(bandwidth, wanted_bps))
        return (struct bandwidth_probe){0, 0};
    double gain = probe_gain(bandwidth, wanted_bps);
    int64_t span_ns = probing_span_ns(bandwidth->capacity_bps, bandwidth->sent_bps, gain);
    struct probe *probe = &bandwidth->probe;
    probe->is_out = true;
    probe->from_ns = bandwidth->now_ns;
    probe->until_ns = bandwidth->now_ns + span_ns;
    probe->queue_ns = bandwidth->queue_ns;
    probe->sent_bps = bandwidth->sent_bps;
    probe->loss = bandwidth->loss;
    probe->bps = scaled(bandwidth->capacity_bps, gain);
    return (struct bandwidth_probe){.kbps = (int)(probe->bps / 1000),
                                    .duration_ms = (int)(span_ns / MS)};
}

// ---- all together ----

static void publish(struct bandwidth *bandwidth) {
    int64_t over_ns = bandwidth->queue_ns - threshold_ns(bandwidth);
    double drain = 1;
    if (over_ns > 0 && bandwidth->is_falling && !bandwidth->is_contended)
        drain = MAX(1 - (double)over_ns / (double)SECOND, DRAIN_MIN);
    bandwidth->estimate_bps =
        clamp(scaled(bandwidth->capacity_bps, drain), bandwidth->min_bps, bandwidth->max_bps);
}

// How many are news; and how many of them came.
static int take_packets(struct bandwidth *bandwidth, const struct bandwidth_packet *packets,
                        int count, int *came) {
    int fresh = 0;
    *came = 0;
    for (int i = 0; i < count; i++) {
        if (!is_sane(bandwidth, &packets[i]) || !arrivals_keep(&bandwidth->arrivals, &packets[i]))
            continue;
        fresh++;
        if (packets[i].received_ns < 0)
            continue;
        ++*came;
        int64_t delay_ns = packets[i].received_ns - packets[i].sent_ns;
        if (bandwidth->delays.has_base &&
            llabs(delay_ns - bandwidth->delays.last_ns) > CLOCK_JUMP) {
            forget_delays(bandwidth);
            arrivals_keep(&bandwidth->arrivals, &packets[i]);
        }
        delays_learn(&bandwidth->delays, delay_ns, packets[i].size_bytes, bandwidth->now_ns);
    }
    return fresh;
}

void bandwidth_add(struct bandwidth *bandwidth, const struct bandwidth_packet *packets, int count,
                   int64_t now_ns) {
    advance(bandwidth, now_ns);
    arrivals_begin_round(&bandwidth->arrivals);
    int came;
    if (!take_packets(bandwidth, packets, count, &came))
        return;
    bandwidth->fed_ns = bandwidth->now_ns;
    arrivals_forget_older(&bandwidth->arrivals, HISTORY);
    measure_queue(bandwidth, came);
    bandwidth->received_bps = received_bps(bandwidth, SECOND / 2);
    bandwidth->sent_bps = sent_bps(bandwidth, SECOND / 2);
    measure_passage(bandwidth);
    judge_probe(bandwidth);
    judge_queue(bandwidth);
    judge_loss(bandwidth);
    follow_received(bandwidth);
    creep(bandwidth);
    publish(bandwidth);
}

void bandwidth_tick(struct bandwidth *bandwidth, int64_t now_ns) {
    advance(bandwidth, now_ns);
    if (!bandwidth->delays.has_base ||
        bandwidth->now_ns - bandwidth->fed_ns < SECOND + bandwidth->rtt_ns)
        return;
    set_capacity(bandwidth, bandwidth->capacity_bps / 2, BANDWIDTH_SILENCE);
    bandwidth->fed_ns = bandwidth->now_ns - bandwidth->rtt_ns; // the next second begins
    publish(bandwidth);
}

void bandwidth_get(const struct bandwidth *bandwidth, struct bandwidth_view *out) {
    *out = (struct bandwidth_view){
        .estimate_bps = bandwidth->estimate_bps,
        .received_bps = bandwidth->received_bps,
        .sent_bps = bandwidth->sent_bps,
        .queue_ns = bandwidth->queue_ns,
        .loss = bandwidth->loss,
        .reason = bandwidth->reason,
    };
}
