// SPDX-License-Identifier: MIT
#include "mcu/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int refusal_set(struct refusal *refusal, int status, const char *code, const char *format, ...) {
    if (!refusal)
        return -1;
    refusal->status = status;
    refusal->code = code;
    refusal->field[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
    return -1;
}
