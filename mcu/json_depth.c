// SPDX-License-Identifier: MIT
#include "mcu/json_depth.h"

bool json_depth_is_too_much(const char *text, size_t size_bytes) {
    int depth = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < size_bytes; i++) {
        char letter = text[i];
        if (is_in_string && letter == '\\')
            i++;
        else if (letter == '"')
            is_in_string = !is_in_string;
        else if (!is_in_string && (letter == '{' || letter == '['))
            depth++;
        else if (!is_in_string && (letter == '}' || letter == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return true;
    }
    return false;
}
