// SPDX-License-Identifier: MIT
// What accounts and meetings have in common, besides body.h: texts that a person filled in, e-mail
// addresses, what a store in trouble means for who asked. Pure; any thread.
#ifndef MCU_PEOPLE_H
#define MCU_PEOPLE_H

#include "mcu/refusal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { PEOPLE_EMAIL_MAX = 254 }; // bytes

// A string, borrowed from body. NULL when it is not there (or null): an error if is_needed. 0, or
// -1 and *refusal.
int people_read_text(const json_t *body, const char *field, bool is_needed, const char **out,
                     struct refusal *refusal);
// The same as one line (or lines) of clean text, malloc'ed, 1 to chars_max characters.
int people_read_line(const json_t *body, const char *field, int chars_max, char **out,
                     struct refusal *refusal);
int people_read_lines(const json_t *body, const char *field, int chars_max, char **out,
                      struct refusal *refusal);

// An address that can stand in a mail's or a calendar's header as it is: ASCII, without quotes.
bool people_is_email(const char *text);

// 503 `store-busy` or `store-failed`, logged. Returns -1.
int people_refuse_store(struct refusal *refusal, int error);

#endif
