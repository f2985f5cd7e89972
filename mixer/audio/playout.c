// SPDX-License-Identifier: MIT
// The cursor is the capture time of what is taken next; all else hangs on it:
//
//     capture time ---->      cursor
//     ... played | ahead      |  queue: [packet][packet][lost][packet]
//                                          ^ arrives late: left of the cursor
//
//     delay = play time - cursor, steered towards the target
//
// While sound flows the cursor moves by what is taken and the delay is changed by resampling alone.
// In silence (start, DTX, a gap of over 100 ms) it is elastic: there the delay jumps, since nobody
// hears it.
//
// The player takes 20 ms a tick. If its window may begin anywhere in a packet, the packet in which
// it ends must have come a whole packet's time before its own end is due. If the window ends where
// a packet ends, that is not so, and up to 20 ms of delay are saved. So with packets of a tick's
// length the target is not any delay that is safe, but the smallest of those that end windows with
// packets:
//
//     packets  [  k-1  ][   k   ][  k+1  ]        safe from here:   |
//     windows     [-----)                          targets:  x      |  x         x
//                       ^ SPARE before a packet's end                  ^ this one
//
// All that lies between two targets is safe as well, so one may glide to the next.
#include "mixer/audio/playout.h"

#include "mixer/audio/jitter.h"
#include "mixer/audio/packet_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS                   INT64_C(1000000)
#define TICK_NS              (20 * MS)
#define SPARE_NS             (2 * MS)   // the resampler's look-ahead and the jitter's tail
#define SILENT_AFTER_NS      (100 * MS) // a gap that long has been faded out
#define SPAN_MAX_NS          (1000 * MS)
#define SKIP_NS              (150 * MS) // more delay than that is cut, not resampled
#define SKIP_QUIET_NS        (40 * MS)  // the same while nobody would hear it
#define LATE_RUN_NS          (200 * MS) // nothing but late packets for so long: their clock has jumped
#define SHRINK_PER_SECOND_NS (5 * MS)
#define GLIDE_PER_SECOND_NS  (15 * MS)    // up to the next target, when there is no hurry
#define EARLY_NS             (3 * MS / 2) // so much before it must it begins
#define LINGER_NS            (4 * MS)     // and so much room there must be to come down again
#define RUN_APART_NS         (500 * MS)   // two times that packets were late, not one
#define RUN_MEMORY_NS        (10000 * MS)
#define TIME_MAX_NS          (INT64_C(1) << 60)

enum { PLAYED_MAX = 64 };

struct playout {
    int64_t min_ns, max_ns, min_delay_ns;
    struct playout_counts counts;
    struct jitter jitter;
    struct packet_queue queue;

    bool is_started;  // the cursor holds
    bool is_breaking; // the cursor jumped amid sound
    bool is_quiet;    // as the player said at the last playout_begin()
    bool is_in_burst; // since the start all packets came at once
    bool is_late_run; // since late_since_ns no packet was in time
    int64_t cursor_ns;
    int64_t played_end_ns; // where the last real packet ended
    int64_t play_ns;       // when what is taken next will be heard, as of the last take
    int64_t gap_ns;        // concealed since the last real packet
    int64_t target_ns;     // of the delay
    int64_t begun_ns;      // the last playout_begin()
    int64_t late_since_ns;
    int64_t packet_ns; // the last packet's duration
    int64_t newest_pts_ns, newest_arrival_ns;
    // Packets that came when their turn had begun: the worst transit, the last two times.
    int64_t dry_transit_ns, dry_ns, dry_before_ns;
    int64_t pending_ns; // concealed while it is open whether the sender was silent or packets late

    int64_t played_pts_ns[PLAYED_MAX]; // a ring: tells a duplicate from a late packet
    unsigned played_count;
};

static int64_t clamp_ns(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static int64_t samples_ns(int64_t samples) {
    return samples * 1000000000 / 48000;
}

// Rounded down to what Opus can conceal.
static int quantum_samples(int64_t duration_ns) {
    return (int)(duration_ns / (5 * MS / 2)) * PLAYOUT_QUANTUM_SAMPLES;
}

void playout_destroy(struct playout *playout) {
    if (!playout)
        return;
    packet_queue_finish(&playout->queue);
    free(playout);
}

void playout_set_min_delay_ns(struct playout *playout, int64_t delay_ns) {
    playout->min_delay_ns = clamp_ns(delay_ns, 0, SPAN_MAX_NS / 2);
}

// ---- packets in

// Forgets what was known of the sender's timeline; the next packet starts a new one.
static void resync(struct playout *playout) {
    packet_queue_clear(&playout->queue);
    jitter_reset(&playout->jitter);
    playout->is_started = playout->is_late_run = false;
    playout->is_in_burst = true;
    playout->played_count = 0;
    playout->pending_ns = 0;
    playout->dry_transit_ns = 0;
    playout->dry_ns = playout->dry_before_ns = -TIME_MAX_NS;
}

struct playout *playout_create(int64_t min_ns, int64_t max_ns) {
    struct playout *playout = calloc(1, sizeof(*playout));
    if (!playout)
        return NULL;
    playout->min_ns = clamp_ns(min_ns, 0, SPAN_MAX_NS / 2);
    playout->max_ns = clamp_ns(max_ns, playout->min_ns, SPAN_MAX_NS / 2);
    playout->packet_ns = TICK_NS;
    packet_queue_init(&playout->queue);
    playout->gap_ns = SILENT_AFTER_NS;
    resync(playout);
    return playout;
}

static bool was_played(const struct playout *playout, int64_t pts_ns) {
    unsigned known = playout->played_count < PLAYED_MAX ? playout->played_count : PLAYED_MAX;
    for (unsigned i = 0; i < known; i++)
        if (llabs(playout->played_pts_ns[i] - pts_ns) < MS)
            return true;
    return false;
}

static bool is_sane_time(int64_t time_ns) {
    return time_ns > -TIME_MAX_NS && time_ns < TIME_MAX_NS;
}

// Whether this is too far from all we hold to belong to the same timeline.
static bool is_out_of_span(const struct playout *playout, int64_t pts_ns) {
    const struct packet_queue *queue = &playout->queue;
    if (playout->is_started)
        return llabs(pts_ns - playout->cursor_ns) > SPAN_MAX_NS;
    if (queue->count == 0)
        return false;
    return llabs(pts_ns - queue->entries[0].pts_ns) > SPAN_MAX_NS ||
           llabs(pts_ns - queue->entries[queue->count - 1].pts_ns) > SPAN_MAX_NS;
}

// What was concealed meanwhile: packets that were missing, or the sender's silence.
static void settle_pending(struct playout *playout, bool was_loss) {
    if (was_loss && playout->pending_ns > 0) {
        int64_t packets = (playout->pending_ns + playout->packet_ns / 2) / playout->packet_ns;
        playout->counts.concealed += packets > 0 ? (uint64_t)packets : 1;
    }
    playout->pending_ns = 0;
}

// The packet's time has passed. Nothing has been heard since the one before it but concealment?
// Then it is played yet: more delay hurts less than a hole. Returns whether it can be.
static bool rewind_to(struct playout *playout, int64_t pts_ns) {
    bool is_next = playout->gap_ns > 0 && pts_ns >= playout->played_end_ns - playout->packet_ns / 2;
    int64_t delay_ns = playout->play_ns - pts_ns;
    int64_t delay_max_ns = jitter_base_ns(&playout->jitter) + playout->max_ns;
    if (delay_max_ns < playout->target_ns)
        delay_max_ns = playout->target_ns;
    if (!is_next || packet_queue_first_real(&playout->queue) || delay_ns > delay_max_ns)
        return false;
    playout->cursor_ns = pts_ns;
    return true;
}

static bool is_silent(const struct playout *playout) {
    return playout->gap_ns >= SILENT_AFTER_NS;
}

// A path that now and then holds packets back (its buffer waits for a hole to be filled) does so
// too rarely for the percentile, and yet each time is heard.
static void note_dry(struct playout *playout, int64_t pts_ns, int64_t arrival_ns) {
    bool is_dry = playout->is_started && !is_silent(playout) && playout->gap_ns > 0 &&
                  pts_ns < playout->cursor_ns;
    if (!is_dry)
        return;
    bool is_new = arrival_ns - playout->dry_ns > RUN_APART_NS;
    if (arrival_ns - playout->dry_ns > RUN_MEMORY_NS)
        playout->dry_transit_ns = 0;
    if (is_new)
        playout->dry_before_ns = playout->dry_ns;
    playout->dry_ns = arrival_ns;
    if (arrival_ns - pts_ns > playout->dry_transit_ns)
        playout->dry_transit_ns = arrival_ns - pts_ns;
}

// The transit that should be in time, above the fastest.
static int64_t spread_ns(const struct playout *playout) {
    int64_t spread_ns = jitter_p95_ns(&playout->jitter);
    int64_t dry_ns = playout->dry_transit_ns - jitter_base_ns(&playout->jitter);
    bool comes_again = playout->begun_ns - playout->dry_ns < RUN_MEMORY_NS &&
                       playout->dry_ns - playout->dry_before_ns < RUN_MEMORY_NS;
    return comes_again && dry_ns > spread_ns ? dry_ns : spread_ns;
}

// Returns whether the packet is beyond use.
static bool judge_late(struct playout *playout, int64_t pts_ns, int64_t end_ns,
                       int64_t arrival_ns) {
    if (!playout->is_started || end_ns > playout->cursor_ns) {
        playout->is_late_run = false;
        settle_pending(playout, pts_ns <= playout->played_end_ns + playout->packet_ns / 2);
        return false;
    }
    playout->counts.late++;
    settle_pending(playout, true);
    if (rewind_to(playout, pts_ns)) {
        playout->is_late_run = false;
        return false;
    }
    if (!playout->is_late_run) {
        playout->is_late_run = true;
        playout->late_since_ns = arrival_ns;
    } else if (arrival_ns - playout->late_since_ns > LATE_RUN_NS) {
        resync(playout);
        jitter_add(&playout->jitter, pts_ns, arrival_ns - pts_ns);
        return false;
    }
    return true;
}

// What was sent before the connection was up comes all at once when it is: that says nothing of how
// evenly packets will come.
static void note_arrival(struct playout *playout, int64_t pts_ns, int64_t arrival_ns) {
    bool is_at_once = arrival_ns - playout->newest_arrival_ns < playout->packet_ns / 4;
    playout->is_in_burst &= playout->jitter.past.count == 0 || is_at_once;
    if (playout->is_in_burst)
        jitter_reset(&playout->jitter);
    jitter_add(&playout->jitter, pts_ns, arrival_ns - pts_ns);
    playout->newest_pts_ns = pts_ns;
    playout->newest_arrival_ns = arrival_ns;
}

int playout_push(struct playout *playout, const struct playout_packet *packet, int64_t pts_ns,
                 int64_t arrival_ns) {
    if (!is_sane_time(pts_ns) || !is_sane_time(arrival_ns) || packet->samples <= 0 ||
        packet->size_bytes > PLAYOUT_PACKET_MAX)
        return -EINVAL;
    playout->counts.packets++;
    if (is_out_of_span(playout, pts_ns))
        resync(playout);
    if (was_played(playout, pts_ns))
        return -EEXIST;
    struct queued_packet entry = {.pts_ns = pts_ns,
                                  .end_ns = pts_ns + samples_ns(packet->samples),
                                  .arrival_ns = arrival_ns,
                                  .frame_samples = packet->frame_samples,
                                  .has_fec = packet->has_fec,
                                  .size_bytes = packet->size_bytes,
                                  .data = (uint8_t *)packet->data};
    note_arrival(playout, pts_ns, arrival_ns);
    note_dry(playout, pts_ns, arrival_ns);
    if (judge_late(playout, pts_ns, entry.end_ns, arrival_ns))
        return -ESTALE;
    playout->packet_ns = entry.end_ns - pts_ns;
    return packet_queue_insert(&playout->queue, &entry);
}

void playout_push_lost(struct playout *playout, int64_t pts_ns, int64_t duration_ns) {
    if (!is_sane_time(pts_ns) || is_out_of_span(playout, pts_ns))
        return;
    int64_t packet_ns = playout->packet_ns;
    // GStreamer's gaps may come without a duration, or as one for many packets.
    duration_ns = duration_ns <= 0 ? packet_ns : clamp_ns(duration_ns, packet_ns, SPAN_MAX_NS);
    int count = (int)((duration_ns + packet_ns / 2) / packet_ns);
    playout->counts.lost += (uint64_t)count;
    for (int i = 0; i < count; i++) {
        struct queued_packet mark = {.pts_ns = pts_ns + i * packet_ns, .is_lost = true};
        mark.end_ns = mark.pts_ns + packet_ns;
        if (playout->is_started && mark.end_ns <= playout->cursor_ns + packet_ns / 2)
            settle_pending(playout, true);
        else
            packet_queue_insert(&playout->queue, &mark);
    }
}

// ---- the delay

// The smallest delay, not below least_ns, with which windows end with packets.
static int64_t align_ns(const struct playout *playout, int64_t least_ns) {
    int64_t from_ns = playout->begun_ns - playout->newest_pts_ns + SPARE_NS - least_ns;
    int64_t up_ns = from_ns % TICK_NS;
    return least_ns + (up_ns < 0 ? up_ns + TICK_NS : up_ns);
}

static bool is_aligning(const struct playout *playout) {
    return playout->packet_ns == TICK_NS && playout->begun_ns > 0;
}

// With what is safe for any phase of sender and tick, or for the right phase only.
static int64_t least_delay_ns(const struct playout *playout, bool is_aligned) {
    int64_t phase_ns = is_aligned ? 0 : TICK_NS;
    int64_t hold_ns = clamp_ns(phase_ns + SPARE_NS + spread_ns(playout),
                               playout->min_ns - (TICK_NS - phase_ns), playout->max_ns);
    int64_t delay_ns = jitter_base_ns(&playout->jitter) + hold_ns;
    // 0 is no wish: a timeline may lie ahead of the arrivals, its times are only estimates.
    bool is_too_early = playout->min_delay_ns > 0 && delay_ns < playout->min_delay_ns;
    return is_too_early ? playout->min_delay_ns : delay_ns;
}

static int64_t smaller(int64_t one, int64_t other) {
    return one < other ? one : other;
}

static int64_t wanted_delay_ns(const struct playout *playout) {
    int64_t always_ns = least_delay_ns(playout, false);
    if (!is_aligning(playout))
        return always_ns;
    int64_t least_ns = least_delay_ns(playout, true) + EARLY_NS;
    int64_t wanted_ns = smaller(align_ns(playout, least_ns), always_ns);
    if (!playout->is_started || playout->target_ns <= wanted_ns)
        return wanted_ns;
    int64_t lingering_ns = smaller(align_ns(playout, least_ns + LINGER_NS), always_ns);
    return smaller(playout->target_ns, lingering_ns);
}

// Returns how much the target came down (or glided up: negative) little by little.
static int64_t steer_target(struct playout *playout, int64_t passed_ns) {
    int64_t wanted_ns = wanted_delay_ns(playout);
    int64_t above_ns = playout->target_ns - wanted_ns;
    // Where windows end with packets, packet for packet is played whatever the clocks do.
    if (playout->is_started && is_aligning(playout) && llabs(above_ns) < MS &&
        align_ns(playout, wanted_ns) == wanted_ns) {
        playout->target_ns = wanted_ns;
        return above_ns;
    }
    bool is_safe = playout->target_ns >= least_delay_ns(playout, is_aligning(playout));
    if (playout->is_started && above_ns < 0 && is_safe) {
        int64_t glide_ns = clamp_ns(GLIDE_PER_SECOND_NS * (passed_ns / 1000) / MS, 0, -above_ns);
        playout->target_ns += glide_ns;
        return above_ns < -MS ? -glide_ns : 0;
    }
    if (!playout->is_started || above_ns <= 0 || above_ns > SKIP_NS) {
        playout->target_ns = wanted_ns;
        return 0;
    }
    int64_t speed_ns = above_ns / 5 > SHRINK_PER_SECOND_NS ? above_ns / 5 : SHRINK_PER_SECOND_NS;
    int64_t shrink_ns = clamp_ns(speed_ns * (passed_ns / 1000) / MS, 0, above_ns);
    playout->target_ns -= shrink_ns;
    // The last millisecond may as well be a clock's drift, which the player has to learn.
    return above_ns > MS ? shrink_ns : 0;
}

// Time that must be cut out now because resampling would take too long.
static void skip_excess(struct playout *playout, int64_t excess_ns) {
    bool is_due = excess_ns > SKIP_NS || (playout->is_quiet && excess_ns > SKIP_QUIET_NS);
    if (!is_due || is_silent(playout) || playout->queue.count == 0)
        return;
    playout->is_breaking = true;
    playout->cursor_ns += excess_ns + samples_ns(2 * PLAYOUT_QUANTUM_SAMPLES);
}

struct playout_course playout_begin(struct playout *playout, int64_t now_ns, int64_t ahead_ns,
                                    bool is_quiet) {
    struct playout_course course = {0};
    int64_t passed_ns = clamp_ns(now_ns - playout->begun_ns, 0, 5 * TICK_NS);
    playout->begun_ns = now_ns;
    playout->is_quiet = is_quiet;
    course.shrink_ns = steer_target(playout, passed_ns);
    if (!playout->is_started)
        return course;
    int64_t error_ns = now_ns + ahead_ns - playout->cursor_ns - playout->target_ns;
    skip_excess(playout, error_ns);
    course.is_playing = !is_silent(playout) && !playout->is_breaking;
    course.error_ns = error_ns;
    return course;
}

// ---- pieces out

static void conceal(struct playout *playout, int samples, struct playout_step *out) {
    out->kind = PLAYOUT_CONCEAL;
    out->samples = samples;
    if (!is_silent(playout))
        playout->gap_ns += samples_ns(samples);
}

static void copy_packet(const struct queued_packet *packet, struct playout_step *out) {
    out->arrival_ns = packet->arrival_ns;
    out->size_bytes = packet->size_bytes;
    memcpy(out->data, packet->data, packet->size_bytes);
}

// Drops what lies before the cursor. Loss marks count now that it is known how they were filled.
static void drop_passed(struct playout *playout, bool by_fec) {
    struct packet_queue *queue = &playout->queue;
    while (queue->count > 0) {
        const struct queued_packet *first = &queue->entries[0];
        int64_t grace_ns = first->is_lost ? (first->end_ns - first->pts_ns) / 2 : 0;
        if (first->end_ns > playout->cursor_ns + grace_ns)
            return;
        if (first->is_lost && !by_fec)
            playout->counts.concealed++;
        packet_queue_drop_first(queue);
    }
}

// Times are estimates: packets this far apart still touch.
static int64_t tolerance_ns(const struct queued_packet *packet) {
    return clamp_ns((packet->end_ns - packet->pts_ns) / 2, 0, 10 * MS);
}

static void take_packet(struct playout *playout, const struct queued_packet *packet,
                        struct playout_step *out) {
    out->kind = PLAYOUT_PACKET;
    out->samples = (int)((packet->end_ns - packet->pts_ns) * 48 / MS);
    int64_t passed_ns = playout->cursor_ns - packet->pts_ns;
    if (passed_ns > tolerance_ns(packet))
        out->skip_samples = (int)(passed_ns * 48 / MS);
    copy_packet(packet, out);
    playout->played_pts_ns[playout->played_count++ % PLAYED_MAX] = packet->pts_ns;
    playout->cursor_ns = playout->played_end_ns = packet->end_ns;
    playout->gap_ns = 0;
    playout->pending_ns = 0;
    drop_passed(playout, false);
}

static void restore(struct playout *playout, const struct queued_packet *next,
                    struct playout_step *out) {
    out->kind = PLAYOUT_FEC;
    out->samples = next->frame_samples;
    copy_packet(next, out);
    playout->counts.recovered_by_fec++;
    playout->cursor_ns = next->pts_ns;
    playout->gap_ns = 0;
    drop_passed(playout, true);
}

// A hole amid sound, with the packet after it at hand, whose FEC restores the one frame before it.
static void bridge_hole(struct playout *playout, const struct queued_packet *next,
                        struct playout_step *out) {
    int hole_samples = quantum_samples(next->pts_ns - playout->cursor_ns + 5 * MS / 4);
    int beyond_samples = hole_samples - (next->has_fec ? next->frame_samples : 0);
    if (next->has_fec && abs(beyond_samples) <= next->frame_samples / 4) {
        restore(playout, next, out);
        return;
    }
    // FEC has no use for a hole of less than a frame.
    int samples = beyond_samples > 0 ? beyond_samples : hole_samples;
    conceal(playout, (int)clamp_ns(samples, PLAYOUT_QUANTUM_SAMPLES, PLAYOUT_STEP_SAMPLES), out);
    playout->cursor_ns += samples_ns(out->samples);
    drop_passed(playout, false);
}

// Silence until the packet's time has come. False if that is now.
static bool wait_for(struct playout *playout, const struct queued_packet *next, int64_t play_ns,
                     struct playout_step *out) {
    // Rounded up from a millisecond: half a quantum too late is better than a hole at the start.
    int samples = quantum_samples(next->pts_ns + playout->target_ns - play_ns + 3 * MS / 2);
    if (samples <= 0) {
        if (playout->cursor_ns < next->pts_ns)
            playout->cursor_ns = next->pts_ns;
        return false;
    }
    conceal(playout, samples < PLAYOUT_STEP_SAMPLES ? samples : PLAYOUT_STEP_SAMPLES, out);
    playout->cursor_ns = clamp_ns(play_ns + samples_ns(out->samples) - playout->target_ns,
                                  playout->cursor_ns, next->pts_ns);
    return true;
}

// Nothing at hand: late, lost or not sent. While the delay is below its target the time that passes
// makes it grow; in a long silence the cursor just follows the clock.
static void run_dry(struct playout *playout, int64_t play_ns, int need_samples,
                    struct playout_step *out) {
    int quanta = (need_samples + PLAYOUT_QUANTUM_SAMPLES - 1) / PLAYOUT_QUANTUM_SAMPLES;
    conceal(playout, (int)clamp_ns(quanta, 1, 8) * PLAYOUT_QUANTUM_SAMPLES, out);
    int64_t step_ns = samples_ns(out->samples);
    int64_t on_target_ns = play_ns + step_ns - playout->target_ns;
    if (is_silent(playout) && on_target_ns > playout->cursor_ns)
        playout->cursor_ns = on_target_ns;
    else
        playout->cursor_ns += clamp_ns(on_target_ns - playout->cursor_ns, 0, step_ns);
    playout->pending_ns += step_ns;
    drop_passed(playout, false);
}

static void take_next(struct playout *playout, int64_t play_ns, int need_samples,
                      struct playout_step *out) {
    drop_passed(playout, false);
    const struct queued_packet *next = packet_queue_first_real(&playout->queue);
    if (!next) {
        run_dry(playout, play_ns, need_samples, out);
        return;
    }
    bool is_far_too_early =
        playout->is_quiet && playout->cursor_ns + playout->target_ns - play_ns > SKIP_QUIET_NS;
    if ((is_silent(playout) || is_far_too_early) && wait_for(playout, next, play_ns, out))
        return;
    if (next->pts_ns - playout->cursor_ns <= tolerance_ns(next))
        take_packet(playout, next, out);
    else
        bridge_hole(playout, next, out);
}

// What waits longer than it must was sent before the connection was up: nobody misses it.
static bool start(struct playout *playout, int64_t play_ns) {
    const struct queued_packet *first = packet_queue_first_real(&playout->queue);
    if (!first)
        return false;
    playout->target_ns = wanted_delay_ns(playout);
    playout->is_started = true;
    playout->cursor_ns = first->pts_ns;
    if (playout->cursor_ns < play_ns - playout->target_ns - playout->packet_ns)
        playout->cursor_ns = play_ns - playout->target_ns;
    playout->played_end_ns = playout->cursor_ns;
    playout->gap_ns = SILENT_AFTER_NS;
    return true;
}

void playout_take(struct playout *playout, int64_t play_ns, int need_samples,
                  struct playout_step *out) {
    out->samples = out->skip_samples = 0;
    out->arrival_ns = 0;
    out->size_bytes = 0;
    if (playout->is_breaking) {
        playout->is_breaking = false;
        out->kind = PLAYOUT_BREAK;
        out->samples = 2 * PLAYOUT_QUANTUM_SAMPLES;
        drop_passed(playout, false);
    } else if (!playout->is_started && !start(playout, play_ns)) {
        conceal(playout, PLAYOUT_STEP_SAMPLES, out);
    } else {
        take_next(playout, play_ns, need_samples, out);
    }
    playout->play_ns = play_ns + samples_ns(out->samples);
}

// ---- figures

struct playout_counts playout_counts(const struct playout *playout) {
    return playout->counts;
}

int64_t playout_delay_ns(const struct playout *playout) {
    if (!playout->is_started)
        return 0;
    return playout->play_ns - playout->cursor_ns;
}

int64_t playout_hold_ns(const struct playout *playout) {
    if (!playout->is_started)
        return 0;
    return playout_delay_ns(playout) - jitter_base_ns(&playout->jitter);
}

int64_t playout_jitter_ns(const struct playout *playout) {
    return jitter_p95_ns(&playout->jitter);
}

int64_t playout_queued_ns(const struct playout *playout) {
    const struct packet_queue *queue = &playout->queue;
    return queue->count > 0 ? queue->entries[queue->count - 1].end_ns - queue->entries[0].pts_ns
                            : 0;
}
