// SPDX-License-Identifier: MIT
#include "mixer/video/encoder.h"

void keyframe_gate_init(struct keyframe_gate *gate, int64_t min_interval_ns) {
    *gate = (struct keyframe_gate){.min_interval_ns = min_interval_ns};
}

void keyframe_gate_request(struct keyframe_gate *gate) {
    gate->is_wanted = true;
}

bool keyframe_gate_take(struct keyframe_gate *gate, int64_t now_ns) {
    if (!gate->is_wanted)
        return false;
    if (gate->has_sent && now_ns - gate->last_ns < gate->min_interval_ns)
        return false;
    gate->is_wanted = false;
    gate->has_sent = true;
    gate->last_ns = now_ns;
    return true;
}
