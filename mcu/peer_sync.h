// SPDX-License-Identifier: MIT
// Lip sync between the streams of one client. Its sender reports date every packet on the client's
// own clock; audio lays that clock on the room clock, and video is shifted to match. Audio itself
// is never shifted, since a jump would be heard. Pure and not locked: the caller's lock.
#ifndef MCU_PEER_SYNC_H
#define MCU_PEER_SYNC_H

#include <stdbool.h>
#include <stdint.h>

struct peer_sync {
    bool is_known;
    int64_t offset_ns; // room clock minus client's clock
};

// Audio that was captured at client_ns on the client's clock, and has pts_ns on the room clock.
void peer_sync_note_audio(struct peer_sync *sync, int64_t pts_ns, int64_t client_ns);
// What a picture's pts_ns should be on the room clock. A client whose clocks are a second apart or
// more is not believed.
int64_t peer_sync_video_pts(const struct peer_sync *sync, int64_t pts_ns, int64_t client_ns);

#endif
