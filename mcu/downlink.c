// SPDX-License-Identifier: MIT
// The ladder, with the default bitrates (kbit/s of video, headers aside):
//
//     step    0      1      2      3      4      5      6      7
//     tier    none   2      2      2      1      1      0      0
//     layers         1      2      3      2      3      2      3
//     video          60     90     150    300    500    900    1500
//
// One layer of the greater tiers is left out: a quarter of the frame rate at the price of a smaller
// picture that moves in full.
//
// A step is held with three quarters of its bitrate, because its encoder lowers its own target to
// what its members can take; it is entered with all of it, and with 15 % to spare where that is
// another tier, because a change of tier costs a keyframe and shows.
#include "mcu/downlink.h"

#include <string.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define SECOND      INT64_C(1000000000)
#define HELD_FOR    (3 * SECOND)      // that much room must have been there before a step up
#define HELD_SOON   (SECOND * 7 / 10) // the first time, and for pictures after sound alone
#define BEGINNING   (5 * SECOND)
#define LOW_FOR     (SECOND * 3 / 2) // a dip does not stop the picture
#define RAISE_PAUSE (10 * SECOND)    // between a change of tier and the next one upwards

// Headers of a packet: IP 20, UDP 8, RTP 12 with the extensions 8, SRTP 10 bytes.
enum { HEADER_BITS = 58 * 8, AUDIO_PER_S = 50, THRIFTY_PER_S = 17 };
#define VIDEO_HEADERS 1.06

#define HOLD       0.75
#define ENTER_TIER 1.15

enum { STOP_BPS = 80000, DIP_BPS = 45000, RESUME_BPS = 100000 };
enum { THRIFTY_BPS = 200000, GENEROUS_BPS = 260000 };
// Heavy loss asks for fewer packets only where they weigh something; elsewhere short ones conceal
// better.
enum { LOSSY_BPS = 500000 };
#define LOSS_HEAVY 0.15
#define LOSS_LIGHT 0.08

enum { NO_VIDEO, STEPS = 8 };
static const struct {
    int tier, layers;
} ladder[STEPS] = {
    {2, 0}, {2, 1}, {2, 2}, {2, 3}, {1, 2}, {1, 3}, {0, 2}, {0, 3},
};

static const int default_percent[STAGE_LAYERS - 1] = {40, 60};

const char *downlink_wish_name(enum downlink_wish wish) {
    static const char *const names[DOWNLINK_WISHES] = {"auto", "high", "medium", "low", "audio"};
    return (unsigned)wish < DOWNLINK_WISHES ? names[wish] : "";
}

bool downlink_wish_of(const char *name, enum downlink_wish *out) {
    for (int wish = 0; name && wish < DOWNLINK_WISHES; wish++) {
        if (strcmp(name, downlink_wish_name(wish)) != 0)
            continue;
        *out = wish;
        return true;
    }
    return false;
}

const char *downlink_reason_name(enum downlink_reason reason) {
    static const char *const names[DOWNLINK_REASONS] = {"start", "link", "loss", "wish", "ceiling"};
    return (unsigned)reason < DOWNLINK_REASONS ? names[reason] : "";
}

static int top_step(const struct downlink *downlink) {
    switch (MAX(downlink->wish, downlink->ceiling)) {
    case DOWNLINK_MEDIUM: return 5;
    case DOWNLINK_LOW: return 3;
    case DOWNLINK_AUDIO: return NO_VIDEO;
    default: return STEPS - 1;
    }
}

static int current_step(const struct downlink *downlink) {
    const struct downlink_choice *choice = &downlink->choice;
    int step = STEPS - 1;
    while (step > NO_VIDEO && !(choice->has_video && ladder[step].tier == choice->tier &&
                                ladder[step].layers == choice->layers))
        step--;
    return step;
}

static int64_t audio_bps(const struct downlink *downlink, bool is_thrifty) {
    const struct downlink_config *config = &downlink->config;
    int kbps = is_thrifty ? config->thrifty_kbps : config->audio_kbps;
    return (int64_t)kbps * 1000 + HEADER_BITS * (is_thrifty ? THRIFTY_PER_S : AUDIO_PER_S);
}

static int percent_of(const struct downlink *downlink, int step) {
    int layers = ladder[step].layers;
    return layers == 0              ? 0
           : layers == STAGE_LAYERS ? 100
                                    : downlink->config.layer_percent[layers - 1];
}

// What a step takes in all, when its video has `part` of its bitrate.
static int64_t step_bps(const struct downlink *downlink, int step, double part) {
    double kbps =
        (double)downlink->config.tier_kbps[ladder[step].tier] * percent_of(downlink, step) / 100;
    int64_t video_bps = (int64_t)(kbps * 1000 * part * VIDEO_HEADERS);
    int64_t thrifty_bps = video_bps + audio_bps(downlink, true);
    return thrifty_bps < THRIFTY_BPS ? thrifty_bps : video_bps + audio_bps(downlink, false);
}

static int64_t enter_bps(const struct downlink *downlink, int from, int step) {
    bool is_other_tier = from == NO_VIDEO || ladder[step].tier != ladder[from].tier;
    int64_t bps = step_bps(downlink, step, is_other_tier && from != NO_VIDEO ? ENTER_TIER : 1);
    return from == NO_VIDEO ? MAX(bps, RESUME_BPS) : bps;
}

static int64_t hold_bps(const struct downlink *downlink, int step) {
    return step == NO_VIDEO ? 0 : MAX(step_bps(downlink, step, HOLD), STOP_BPS + 1);
}

static int held_step(const struct downlink *downlink, int step, int64_t estimate_bps) {
    while (step > NO_VIDEO && hold_bps(downlink, step) > estimate_bps)
        step--;
    return step;
}

// The highest that could be entered from here; `from` when there is none.
static int entered_step(const struct downlink *downlink, int from, int top, int64_t estimate_bps) {
    int step = top;
    while (step > from && enter_bps(downlink, from, step) > estimate_bps)
        step--;
    return step;
}

static bool is_tier_step(int from, int step) {
    return (from == NO_VIDEO) != (step == NO_VIDEO) || ladder[from].tier != ladder[step].tier;
}

static void note_fit(struct downlink *downlink, int step, int64_t now_ns) {
    if (!downlink->fits)
        downlink->fits_since_ns = now_ns;
    if (!downlink->fits || step > downlink->reached_step)
        downlink->reached_since_ns = now_ns;
    downlink->fits = true;
    downlink->reached_step = step;
}

// The first time it is what the probes find that matters, so it is soon enough when they are
// through. Pictures come back soon as well, unless they have just done so in vain.
static bool has_fitted(const struct downlink *downlink, int from, int64_t now_ns) {
    bool is_beginning = !downlink->has_changed && now_ns - downlink->begun_ns < BEGINNING;
    bool is_soon = from == NO_VIDEO
                       ? !downlink->has_resumed || now_ns - downlink->resumed_ns >= RAISE_PAUSE
                       : is_beginning;
    return now_ns - downlink->fits_since_ns >= HELD_FOR ||
           (is_soon && now_ns - downlink->reached_since_ns >= HELD_SOON);
}

static int raised_step(struct downlink *downlink, int from, int top, int64_t estimate_bps,
                       int64_t now_ns) {
    int step = entered_step(downlink, from, top, estimate_bps);
    if (step <= from) {
        downlink->fits = false;
        return from;
    }
    note_fit(downlink, step, now_ns);
    if (!has_fitted(downlink, from, now_ns))
        return from;
    if (downlink->has_raised && from != NO_VIDEO && now_ns - downlink->raised_ns < RAISE_PAUSE)
        while (step > from && is_tier_step(from, step))
            step--;
    return step;
}

static bool wants_thrift(const struct downlink *downlink, const struct downlink_link *link) {
    bool is_thrifty = downlink->choice.is_thrifty;
    if (link->estimate_bps <= 0)
        return false;
    if (link->estimate_bps < (is_thrifty ? GENEROUS_BPS : THRIFTY_BPS))
        return true;
    return link->estimate_bps < LOSSY_BPS && link->loss > (is_thrifty ? LOSS_LIGHT : LOSS_HEAVY);
}

static enum downlink_reason reason_of(const struct downlink *downlink,
                                      const struct downlink_link *link, int from, int step) {
    if (step == top_step(downlink) && step < STEPS - 1)
        return downlink->wish >= downlink->ceiling ? DOWNLINK_BY_WISH : DOWNLINK_BY_CEILING;
    if (link->estimate_bps <= 0)
        return DOWNLINK_BY_START;
    if (step < from && link->loss > LOSS_HEAVY)
        return DOWNLINK_BY_LOSS;
    return step == from && downlink->choice.reason == DOWNLINK_BY_LOSS ? DOWNLINK_BY_LOSS
                                                                       : DOWNLINK_BY_LINK;
}

static bool is_low_long(struct downlink *downlink, const struct downlink_link *link,
                        int64_t now_ns) {
    if (!downlink->is_low)
        downlink->low_since_ns = now_ns;
    downlink->is_low = true;
    return now_ns - downlink->low_since_ns >= LOW_FOR || link->estimate_bps < DIP_BPS;
}

static int choose_step(struct downlink *downlink, const struct downlink_link *link, int from,
                       int64_t now_ns) {
    int top = top_step(downlink);
    if (link->estimate_bps <= 0)
        return top;
    if (!downlink->is_known) { // what came before was a guess
        downlink->begun_ns = now_ns;
        downlink->has_changed = false;
        return entered_step(downlink, NO_VIDEO, top, link->estimate_bps);
    }
    int held = held_step(downlink, MIN(from, top), link->estimate_bps);
    if (held == NO_VIDEO && top != NO_VIDEO && from != NO_VIDEO &&
        !is_low_long(downlink, link, now_ns))
        held = NO_VIDEO + 1;
    if (held > NO_VIDEO && link->estimate_bps > STOP_BPS)
        downlink->is_low = false;
    if (held < from) {
        downlink->fits = false;
        return held;
    }
    return raised_step(downlink, from, top, link->estimate_bps, now_ns);
}

static void set_step(struct downlink *downlink, int step) {
    downlink->choice.has_video = step != NO_VIDEO;
    downlink->choice.tier = ladder[step].tier;
    downlink->choice.layers = ladder[step].layers;
}

// The next change must fit for a while, and one of the tier has to wait for longer.
static void hold_on(struct downlink *downlink, int from, int step, int64_t now_ns) {
    if (step == from)
        return;
    downlink->fits = false;
    if (!downlink->is_known)
        return;
    downlink->has_changed = true;
    if (!is_tier_step(from, step))
        return;
    if (from == NO_VIDEO) {
        downlink->has_resumed = true;
        downlink->resumed_ns = now_ns;
    }
    downlink->has_raised = true;
    downlink->raised_ns = now_ns;
}

static int video_kbps(const struct downlink *downlink, int64_t estimate_bps) {
    if (!downlink->choice.has_video || estimate_bps <= 0)
        return 0;
    int64_t bps = estimate_bps - audio_bps(downlink, downlink->choice.is_thrifty);
    return (int)((double)MAX(bps, 1000) / VIDEO_HEADERS / 1000);
}

void downlink_set_config(struct downlink *downlink, const struct downlink_config *config) {
    downlink->config = *config;
    for (int tier = 0; tier < STAGE_TIERS; tier++)
        downlink->config.tier_kbps[tier] = MAX(config->tier_kbps[tier], 1);
    for (int layer = 0; layer < STAGE_LAYERS - 1; layer++)
        if (config->layer_percent[layer] <= 0)
            downlink->config.layer_percent[layer] = default_percent[layer];
}

void downlink_init(struct downlink *downlink, const struct downlink_config *config) {
    *downlink = (struct downlink){0};
    downlink_set_config(downlink, config);
    set_step(downlink, STEPS - 1);
}

// What a person asks for comes at once, if the link carries it.
static void set_limit(struct downlink *downlink, enum downlink_wish *limit,
                      enum downlink_wish wish) {
    if (*limit == wish || (unsigned)wish >= DOWNLINK_WISHES)
        return;
    *limit = wish;
    downlink->has_raised = false;
    downlink->fits = true;
    downlink->fits_since_ns = -HELD_FOR;
}

void downlink_set_wish(struct downlink *downlink, enum downlink_wish wish) {
    set_limit(downlink, &downlink->wish, wish);
}

void downlink_set_ceiling(struct downlink *downlink, enum downlink_wish ceiling) {
    set_limit(downlink, &downlink->ceiling, ceiling);
}

bool downlink_update(struct downlink *downlink, const struct downlink_link *link, int64_t now_ns) {
    struct downlink_choice before = downlink->choice;
    now_ns = MAX(0, MIN(now_ns, INT64_MAX / 4));
    struct downlink_link known = *link;
    known.estimate_bps = MIN(link->estimate_bps, INT64_C(1) << 40);
    int from = current_step(downlink);
    int step = choose_step(downlink, &known, from, now_ns);
    hold_on(downlink, from, step, now_ns);
    downlink->choice.reason = reason_of(downlink, &known, from, step);
    set_step(downlink, step);
    downlink->choice.is_thrifty = wants_thrift(downlink, &known);
    downlink->choice.video_kbps = video_kbps(downlink, known.estimate_bps);
    downlink->is_known = known.estimate_bps > 0;
    return downlink->choice.has_video != before.has_video || downlink->choice.tier != before.tier ||
           downlink->choice.layers != before.layers || downlink->choice.reason != before.reason ||
           downlink->choice.is_thrifty != before.is_thrifty;
}

int64_t downlink_next_bps(const struct downlink *downlink) {
    int step = current_step(downlink), top = top_step(downlink);
    if (top == NO_VIDEO)
        return 0;
    int64_t bps = step < top ? enter_bps(downlink, step, top) : step_bps(downlink, top, 1);
    return bps * 21 / 20; // surely, not just barely
}
