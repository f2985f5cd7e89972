// SPDX-License-Identifier: MIT
// The kinds of fields that messages have: each reader checks one JSON value and writes it where the
// message wants it. Pure; any thread. Part of protocol.
#ifndef MCU_PROTOCOL_FIELD_H
#define MCU_PROTOCOL_FIELD_H

#include "mcu/config.h"
#include "mcu/refusal.h"

#include <jansson.h>

#define FIELD_DEFAULT_NAME "Guest"

struct reader {
    const struct config *config;
    const char *field; // the name of the one being read
    struct refusal *refusal;
};

// bad-field, with a sentence that goes on after the field's name. Returns -1.
__attribute__((format(printf, 2, 3))) int field_refuse(const struct reader *reader,
                                                       const char *format, ...);
// The string in value, or NULL and the refusal.
const char *field_text(const struct reader *reader, const json_t *value);

// 0, or -1 and the refusal. target is a char ** whose string the caller frees, unless it says else.
typedef int field_read(const struct reader *reader, const json_t *value, void *target);

field_read field_read_room;
field_read field_read_name;
field_read field_read_name_or_default; // an empty one becomes FIELD_DEFAULT_NAME
field_read field_read_secret;          // opaque: token, pin, resume
field_read field_read_sdp;
field_read field_read_candidate; // "" and null are the end of candidates
field_read field_read_mid;
field_read field_read_mline_index; // int
field_read field_read_chat;
field_read field_read_emoji;
field_read field_read_receive;       // int: enum downlink_wish
field_read field_read_bool;          // bool
field_read field_read_wish_to_watch; // bool: the role is "viewer", not "member"
field_read field_read_switch;        // int: 0 or 1

#endif
