// SPDX-License-Identifier: MIT
// Is there a reason to send a frame, and which macroblocks changed since the last one that was
// sent? Pure; not locked.
//
// Three reasons:
//  - something was painted;
//  - the encoder has not settled: what stands still now is coarser than it could be. The pace of
//    its base frames at 30 a second is enough for that: nothing else is made finer, and whoever
//    gets those alone is to get no more of them than usual;
//  - nothing was sent for two seconds: an empty frame of some bytes. A receiver notices the loss of
//    the last packet only when another follows, and its stall detection stays calm.
#ifndef MIXER_VIDEO_REFRESH_H
#define MIXER_VIDEO_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#define REFRESH_SETTLE_NS INT64_C(120000000)
#define REFRESH_EMPTY_NS  INT64_C(2000000000)

struct refresh {
    int count;        // of macroblocks
    uint8_t *changed; // one byte each: painted since the last frame that was sent
    bool is_changed;
    int64_t sent_ns;
};

int refresh_init(struct refresh *refresh, int count); // 0 or -ENOMEM
void refresh_finish(struct refresh *refresh);         // zeroed or finished is allowed

void refresh_mark(struct refresh *refresh, const uint8_t *dirty);
bool refresh_is_due(const struct refresh *refresh, bool is_settled, int64_t now_ns);
// A frame with all that had changed was sent.
void refresh_note_sent(struct refresh *refresh, int64_t now_ns);

#endif
