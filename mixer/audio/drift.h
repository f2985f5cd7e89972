// SPDX-License-Identifier: MIT
// Turns the error of a playout delay into the speed at which to play: a slow loop that learns how
// far the sender's clock is off, and a faster pull, at most 3 %, for errors that the ear will not
// grudge. A plain value; the caller serialises.
#ifndef MIXER_AUDIO_DRIFT_H
#define MIXER_AUDIO_DRIFT_H

#include <stdint.h>

struct drift {
    double learned; // the sender's clock against ours, 1e-6 is one ppm
    double speed;   // source samples per played sample, less one
    double mean; // of speed, over minutes: a target in steps hides the clock from what is learned
};

// error_ns: more delay than wanted (negative: less). shrink_ns: what of it is new since the target
// came down on purpose; that says nothing about clocks. Returns source samples per played sample.
double drift_update(struct drift *drift, int64_t error_ns, int64_t shrink_ns, int64_t tick_ns);
// Nothing plays, nothing can be learned: the speed that is right for the clock alone.
double drift_idle(struct drift *drift);
double drift_ppm(const struct drift *drift);

#endif
