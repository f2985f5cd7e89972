// SPDX-License-Identifier: MIT
#include "mixer/video/refresh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int refresh_init(struct refresh *refresh, int count) {
    memset(refresh, 0, sizeof(*refresh));
    refresh->count = count;
    refresh->changed = calloc((size_t)count, 1);
    return refresh->changed ? 0 : -ENOMEM;
}

void refresh_finish(struct refresh *refresh) {
    free(refresh->changed);
    refresh->changed = NULL;
}

void refresh_mark(struct refresh *refresh, const uint8_t *dirty) {
    for (int i = 0; i < refresh->count; i++)
        refresh->changed[i] |= dirty[i];
    refresh->is_changed = true;
}

bool refresh_is_due(const struct refresh *refresh, bool is_settled, int64_t now_ns) {
    int64_t quiet_ns = now_ns - refresh->sent_ns;
    return refresh->is_changed || (!is_settled && quiet_ns >= REFRESH_SETTLE_NS) ||
           quiet_ns >= REFRESH_EMPTY_NS;
}

void refresh_note_sent(struct refresh *refresh, int64_t now_ns) {
    memset(refresh->changed, 0, (size_t)refresh->count);
    refresh->is_changed = false;
    refresh->sent_ns = now_ns;
}
