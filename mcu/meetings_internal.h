// SPDX-License-Identifier: MIT
// What the files of meetings share. Part of meetings.
#ifndef MCU_MEETINGS_INTERNAL_H
#define MCU_MEETINGS_INTERNAL_H

#include "mcu/permission.h"
#include "mcu/refusal.h"

#include <stdint.h>

// Whose meetings and calls the caller may reach: theirs, or all (0) with the key. 0, or -1 and
// *refusal.
int meetings_owner(const struct caller *caller, int64_t *owner, struct refusal *refusal);
int meetings_refuse_memory(struct refusal *refusal); // -1

#endif
