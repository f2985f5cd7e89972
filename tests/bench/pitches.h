// SPDX-License-Identifier: MIT
// A sound of two seconds that changes its pitch every 200 ms, and the finding of these changes.
#ifndef TESTS_BENCH_PITCHES_H
#define TESTS_BENCH_PITCHES_H

#include "tests/peer/client.h"

enum { PITCHES = 10, PITCHES_PACKET_SAMPLES = 960 };

// Where the change from pitch i-1 to pitch i is heard in the decoded loop, at 48 kHz.
struct pitch_changes {
    int64_t at_samples[PITCHES];
};

struct media *pitches_create(void); // NULL when it cannot be made
// Decodes what is sent and looks for the changes there, so that the encoder's own delay is not
// counted as the server's. 0 or -EINVAL.
int pitches_find_in_loop(const struct media *loop, struct pitch_changes *out);

struct pitches_heard;

// Decodes the audio packets among those. NULL without any.
struct pitches_heard *pitches_decode(const struct client_packet *packets, int count);
void pitches_heard_destroy(struct pitches_heard *heard); // NULL is allowed
// When the change to this pitch was heard between the two times: the arrival of its packet plus its
// place within it. 0: not found.
int64_t pitches_find(const struct pitches_heard *heard, int pitch, int64_t from_ns, int64_t to_ns);

#endif
