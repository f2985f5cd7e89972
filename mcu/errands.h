// SPDX-License-Identifier: MIT
// Work that is too slow for the control loop and that nobody waits for: files, decoding, sweeping.
// Owns one thread that carries errands out in order. Sending is for any thread.
#ifndef MCU_ERRANDS_H
#define MCU_ERRANDS_H

struct errands;

struct errands *errands_create(void);          // NULL when out of memory or threads
void errands_destroy(struct errands *errands); // what was sent is still done; NULL is allowed
void errands_send(struct errands *errands, void (*work)(void *user), void *user);

#endif
