// SPDX-License-Identifier: MIT
// What one member is to receive, from what its link can take and what it asked for: which tier of
// the composite, how many temporal layers, which sound, or sound alone. Pure; times come in as
// arguments. Not locked.
//
// Down at once, up slowly: a change to a higher tier at most once in ten seconds, and only when the
// estimate has held with room to spare; back to pictures after sound alone likewise.
#ifndef MCU_DOWNLINK_H
#define MCU_DOWNLINK_H

#include "mixer/video/stage.h"

#include <stdbool.h>
#include <stdint.h>

// What a member asked for: a ceiling. AUTO is as much as the link carries.
enum downlink_wish {
    DOWNLINK_AUTO,
    DOWNLINK_HIGH,   // as AUTO
    DOWNLINK_MEDIUM, // tier 1 at most
    DOWNLINK_LOW,    // tier 2 at most
    DOWNLINK_AUDIO,  // sound alone
    DOWNLINK_WISHES,
};
const char *downlink_wish_name(enum downlink_wish wish); // "auto" ...
// False: no such name.
bool downlink_wish_of(const char *name, enum downlink_wish *out);

// Why the choice is what it is: for the page's words, the log and the metrics.
enum downlink_reason {
    DOWNLINK_BY_START,
    DOWNLINK_BY_LINK,    // the estimate
    DOWNLINK_BY_LOSS,    // heavy loss
    DOWNLINK_BY_WISH,    // the member's own
    DOWNLINK_BY_CEILING, // the room's
    DOWNLINK_REASONS,
};
const char *downlink_reason_name(enum downlink_reason reason);

struct downlink_config {
    int tier_kbps[STAGE_TIERS];          // all layers of each
    int layer_percent[STAGE_LAYERS - 1]; // what the lower layers take of it; 0: 40 and 60
    int audio_kbps, thrifty_kbps;
};

// What is known now.
struct downlink_link {
    int64_t estimate_bps; // 0: nothing is known (no feedback yet): all is given
    double loss;
};

struct downlink_choice {
    bool has_video;
    int tier, layers;
    bool is_thrifty;
    int video_kbps; // what is left for video, 0: not known
    enum downlink_reason reason;
};

struct downlink {
    struct downlink_config config;
    enum downlink_wish wish, ceiling;
    struct downlink_choice choice;
    // Private, as all above is read-only for others.
    int64_t begun_ns, raised_ns, resumed_ns, low_since_ns;
    int64_t fits_since_ns, reached_since_ns; // any step up, and the one that is reached now
    int reached_step;
    bool is_known, has_raised, has_resumed, fits, is_low, has_changed;
};

void downlink_init(struct downlink *downlink, const struct downlink_config *config);
// What the steps cost is another matter now; what was chosen stays until the next update.
void downlink_set_config(struct downlink *downlink, const struct downlink_config *config);
void downlink_set_wish(struct downlink *downlink, enum downlink_wish wish);
void downlink_set_ceiling(struct downlink *downlink, enum downlink_wish ceiling);
// To be called a few times a second. True: the choice is another.
bool downlink_update(struct downlink *downlink, const struct downlink_link *link, int64_t now_ns);
// What the highest step that may be had would take in all: what a probe should try for, also where
// that step is held with less than it could use. 0: sound alone is wanted.
int64_t downlink_next_bps(const struct downlink *downlink);

#endif
