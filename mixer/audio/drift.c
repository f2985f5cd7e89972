// SPDX-License-Identifier: MIT
// A PI controller around the delay's error e (seconds), critically damped with a time constant of
// 10 s: a clock of 200 ppm costs a millisecond of delay while it is being learned, and 0.02 %
// of pitch.
#include "mixer/audio/drift.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define PULL        0.2
#define LEARN       (PULL * PULL / 4)
#define LEARNED_MAX 0.003
// Beyond this error it is jitter or a new target, no clock: pull harder and learn nothing.
#define NEAR_S        0.004
#define LEARN_NEAR_S  0.010
#define MOVING_SHARE  400 // a target that moves by more than this part of the time leads the error
#define PULL_DOWN     0.6 // too late: at leisure
#define PULL_UP       1.5 // too early: packets are about to be missed
#define SPEED_MAX     0.03
#define MEAN_PER_TICK (1.0 / 6000) // of 20 ms: two minutes
#define SPEED_STEP    0.002        // per tick, so that the pitch glides

static double clamp(double value, double limit) {
    return fmax(-limit, fmin(limit, value));
}

static double approach(struct drift *drift, double wanted) {
    drift->speed += clamp(wanted - drift->speed, SPEED_STEP);
    drift->mean += (drift->speed - drift->mean) * MEAN_PER_TICK;
    return 1 + drift->speed;
}

double drift_update(struct drift *drift, int64_t error_ns, int64_t shrink_ns, int64_t tick_ns) {
    double error_s = (double)error_ns * 1e-9, tick_s = (double)tick_ns * 1e-9;
    double beyond_s = error_s - clamp(error_s, NEAR_S);
    double pull = PULL * clamp(error_s, NEAR_S) + (beyond_s < 0 ? PULL_UP : PULL_DOWN) * beyond_s;
    bool is_moving = llabs(shrink_ns) * MOVING_SHARE > tick_ns;
    if (fabs(error_s) < LEARN_NEAR_S && !is_moving)
        drift->learned = clamp(drift->learned + LEARN * error_s * tick_s, LEARNED_MAX);
    pull += (double)shrink_ns / (double)tick_ns;
    return approach(drift, drift->learned + clamp(pull, SPEED_MAX));
}

double drift_idle(struct drift *drift) {
    return approach(drift, drift->learned);
}

double drift_ppm(const struct drift *drift) {
    return drift->mean * 1e6;
}
