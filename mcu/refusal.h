// SPDX-License-Identifier: MIT
// Why a request was not done: one shape for REST (problem+json) and for signaling (`error`).
#ifndef MCU_REFUSAL_H
#define MCU_REFUSAL_H

struct refusal {
    int status;        // the HTTP status it would be: 400, 403, 404, 409, 413, 422, 429, 503 …
    const char *code;  // stable, kebab-case, a literal: "room-full"
    char message[200]; // one plain sentence for a person
    char field[40];    // the field at fault, or ""
};

// Fills *refusal (NULL is allowed) and returns -1, so that callers can `return refusal_set(...)`.
__attribute__((format(printf, 4, 5))) int refusal_set(struct refusal *refusal, int status,
                                                      const char *code, const char *format, ...);

#endif
