// SPDX-License-Identifier: MIT
// Entries of an intake in the order of their times: pictures, sound and marks come by different
// ways, so one that is earlier may come a little later. A picture waits longer for the sound that
// goes with it: nothing may stand in a file before what is earlier. A plain value; one thread.
#ifndef MIXER_RECORD_LINEUP_H
#define MIXER_RECORD_LINEUP_H

#include "mixer/record/intake.h"

enum { LINEUP_MAX = 128 };
#define LINEUP_WINDOW_NS INT64_C(200000000)
#define LINEUP_SOUND_NS  INT64_C(1000000000) // so late it may come on a busy machine

struct lineup {
    int count;
    int64_t newest_ns;
    int64_t sound_ns; // the end of the newest sound
    struct intake_entry entries[LINEUP_MAX];
};

// Takes the entry. Only while lineup_take() has nothing more to give.
void lineup_add(struct lineup *lineup, struct intake_entry *entry);
// The earliest, once nothing before it is expected, or anyway (takes_all). False: none.
bool lineup_take(struct lineup *lineup, bool takes_all, struct intake_entry *out);
void lineup_finish(struct lineup *lineup);

#endif
