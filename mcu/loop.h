// SPDX-License-Identifier: MIT
// The control loop: the ONLY thread that changes rooms, members and peers. A GLib main loop that
// runs on the thread which calls loop_run() (main); before that, the one that made it counts as
// such. Posting is for any thread.
#ifndef MCU_LOOP_H
#define MCU_LOOP_H

#include <stdbool.h>

struct loop;
typedef void (*loop_work)(void *user);

struct loop *loop_create(void);
void loop_destroy(struct loop *loop); // NULL is allowed; work still queued is run first

void loop_run(struct loop *loop); // until loop_quit()
// Any thread. Calls that wait are let go; posted work stays, for loop_drain() or loop_destroy().
void loop_quit(struct loop *loop);
// Runs what is queued, and what that posts, until nothing is left. On the control loop's thread,
// outside of loop_run(): what others posted at the end may hold the last references.
void loop_drain(struct loop *loop);

// Runs work(user) on the control loop, in the order posted. Never blocks.
void loop_post(struct loop *loop, loop_work work, void *user);
// The same, and waits until it ran. On the control loop itself it runs at once, always. From other
// threads: false (and not run) when the loop has quit or quits before its turn.
bool loop_call(struct loop *loop, loop_work work, void *user);

// A timer on the control loop, every interval_ms until stopped. Returns its id (never 0).
// Control loop, or before loop_run().
unsigned loop_every(struct loop *loop, unsigned interval_ms, loop_work work, void *user);
void loop_stop_timer(struct loop *loop, unsigned id); // 0 is allowed

bool loop_is_current(struct loop *loop); // is this thread the control loop's?

#endif
