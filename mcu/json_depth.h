// SPDX-License-Identifier: MIT
// How deep a JSON text is nested, before anything recurses over it. Pure; any thread.
#ifndef MCU_JSON_DEPTH_H
#define MCU_JSON_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_DEPTH_MAX = 16 }; // no message and no body needs more

// jansson recurses, and stops only at 2048 levels.
bool json_depth_is_too_much(const char *text, size_t size_bytes);

#endif
