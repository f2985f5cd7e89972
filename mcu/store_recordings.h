// SPDX-License-Identifier: MIT
// Recordings, as store keeps them: for library.c. Errors and threads as in store.h; callbacks run
// without a lock held.
#ifndef MCU_STORE_RECORDINGS_H
#define MCU_STORE_RECORDINGS_H

#include "mcu/store.h"

struct store_recording {
    const char *id, *room, *title, *container, *state; // borrowed for the time of the callback
    const char *reason;                                // "": none
    int64_t owner, call;                               // 0: nobody's, of none that is remembered
    int64_t started_unix_ms;
    int64_t ended_unix_ms; // 0: it was not finished
    int64_t duration_ms, bytes, gap_ms;
    int segments, gaps;
    bool has_video;
};
typedef void store_each_recording_fn(void *user, const struct store_recording *recording);

// Not ended. Ids rise with time: they are what lists are sorted by. -EEXIST.
int store_add_recording(struct store *store, const struct store_recording *recording);
// State, reason, end, and all that is counted. -ENOENT: it has gone meanwhile.
int store_end_recording(struct store *store, const struct store_recording *recording);
int store_get_recording(struct store *store, const char *id, store_each_recording_fn *each,
                        void *user); // -ENOENT

// The newest first, those with an id below `before` (NULL: all), at most max; of one owner, room or
// call (the first that is set), or of all.
struct store_recordings_of {
    int64_t owner, call;
    const char *room, *before;
    int max;
};
int store_each_recording(struct store *store, const struct store_recordings_of *which,
                         store_each_recording_fn *each, void *user);
int store_each_unfinished_recording(struct store *store, int max, store_each_recording_fn *each,
                                    void *user);
// That ended before this time, the oldest first.
int store_each_old_recording(struct store *store, int64_t before_unix_ms, int max,
                             store_each_recording_fn *each, void *user);
int store_remove_recording(struct store *store, const char *id); // -ENOENT
int store_sum_recordings(struct store *store, int64_t *bytes, int64_t *count);

// Those whose rows have gone, by whatever way, and whose files may still be there.
int store_each_gone_recording(struct store *store, int max,
                              void (*each)(void *user, const char *id), void *user);
int store_forget_gone_recording(struct store *store, const char *id);

#endif
