// SPDX-License-Identifier: MIT
// What the body of a request says, read field by field: each reader leaves *out as it is when the
// field is not there, and refuses what is of another kind or out of bounds with 422 `bad-field` and
// the field's name. Pure; any thread.
#ifndef MCU_BODY_H
#define MCU_BODY_H

#include "mcu/refusal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// "<field> <must>." Returns -1.
__attribute__((format(printf, 3, 4))) int body_refuse(struct refusal *refusal, const char *field,
                                                      const char *must, ...);
// known ends with NULL. An unknown field is refused by its name.
int body_check_fields(const json_t *body, const char *const *known, struct refusal *refusal);

// 0, or -1 and *refusal.
int body_read_int(const json_t *body, const char *field, int min, int max, int *out,
                  struct refusal *refusal);
int body_read_number(const json_t *body, const char *field, double min, double max, double *out,
                     struct refusal *refusal);
int body_read_bool(const json_t *body, const char *field, bool *out, struct refusal *refusal);
// One line of at most chars_max characters, trimmed, without control characters, into size_bytes;
// null is "".
int body_read_line(const json_t *body, const char *field, int chars_max, char *out,
                   size_t size_bytes, struct refusal *refusal);
// "#rrggbb"
int body_read_colour(const json_t *body, const char *field, uint32_t *rgb, struct refusal *refusal);
// RFC 3339, any offset, from 1970 on; null is 0.
int body_read_time(const json_t *body, const char *field, int64_t *unix_ms,
                   struct refusal *refusal);
bool body_parse_time(const char *text, int64_t *unix_ms);

#endif
