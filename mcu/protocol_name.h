// SPDX-License-Identifier: MIT
// Names of rooms. Pure; any thread. Part of protocol.
#ifndef MCU_PROTOCOL_NAME_H
#define MCU_PROTOCOL_NAME_H

#include <stdbool.h>

enum { ROOM_NAME_MAX = 64 }; // bytes, with the NUL

// 1-63 of a-z 0-9 - _ (given in any case, made lower). False for anything else.
bool protocol_clean_room_name(const char *given, char out[ROOM_NAME_MAX]);

#endif
