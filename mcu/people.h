// SPDX-License-Identifier: MIT
// What accounts and meetings have in common: the fields of a JSON object that a person filled in,
// e-mail addresses, what a store in trouble means for who asked. Pure; any thread.
#ifndef MCU_PEOPLE_H
#define MCU_PEOPLE_H

#include "mcu/refusal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { PEOPLE_EMAIL_MAX = 254 }; // bytes

// 422 `bad-field`, with a sentence that goes on after the field's name. Returns -1.
__attribute__((format(printf, 3, 4))) int
people_refuse_field(struct refusal *refusal, const char *field, const char *format, ...);
// known ends with NULL. 0, or -1 and *refusal that names the field that is none.
int people_check_fields(const json_t *body, const char *const *known, struct refusal *refusal);
// A string, borrowed from body. NULL when it is not there (or null): an error if is_needed. 0, or
// -1 and *refusal.
int people_read_text(const json_t *body, const char *field, bool is_needed, const char **out,
                     struct refusal *refusal);
// The same as one line (or lines) of clean text, malloc'ed, 1 to chars_max characters.
int people_read_line(const json_t *body, const char *field, int chars_max, char **out,
                     struct refusal *refusal);
int people_read_lines(const json_t *body, const char *field, int chars_max, char **out,
                      struct refusal *refusal);

// A whole number; left as it is when not there.
int people_read_int(const json_t *body, const char *field, int min, int max, int *out,
                    struct refusal *refusal);
// RFC 3339, any offset, from 1970 on; left as it is when not there.
int people_read_time(const json_t *body, const char *field, int64_t *unix_ms,
                     struct refusal *refusal);
bool people_parse_time(const char *text, int64_t *unix_ms);

// An address that can stand in a mail's or a calendar's header as it is: ASCII, without quotes.
bool people_is_email(const char *text);

// 503 `store-busy` or `store-failed`, logged. Returns -1.
int people_refuse_store(struct refusal *refusal, int error);

#endif
