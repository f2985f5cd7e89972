// SPDX-License-Identifier: MIT
#include "mcu/peer_sync.h"

static const int64_t apart_max_ns = 1000000000;
static const int64_t step_ns = 100000000; // the client's clock was set: begin anew
enum { SMOOTHING = 32 };                  // packets

static int64_t distance(int64_t a, int64_t b) {
    return a > b ? a - b : b - a;
}

void peer_sync_note_audio(struct peer_sync *sync, int64_t pts_ns, int64_t client_ns) {
    int64_t offset_ns = pts_ns - client_ns;
    if (!sync->is_known || distance(offset_ns, sync->offset_ns) > step_ns)
        sync->offset_ns = offset_ns;
    else
        sync->offset_ns += (offset_ns - sync->offset_ns) / SMOOTHING;
    sync->is_known = true;
}

int64_t peer_sync_video_pts(const struct peer_sync *sync, int64_t pts_ns, int64_t client_ns) {
    if (!sync->is_known)
        return pts_ns;
    int64_t synced_ns = client_ns + sync->offset_ns;
    return distance(synced_ns, pts_ns) < apart_max_ns ? synced_ns : pts_ns;
}
