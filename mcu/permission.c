// SPDX-License-Identifier: MIT
#include "mcu/permission.h"

int permission_check(const struct caller *caller, enum action action, const struct place *place,
                     struct refusal *refusal) {
    if (caller->kind == CALLER_KEY || action == ACTION_LOOK)
        return 0;
    return refusal_set(refusal, 401, "sign-in-required", "You are not signed in.");
}
