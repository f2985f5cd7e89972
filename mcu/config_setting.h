// SPDX-License-Identifier: MIT
// The one table of settings from which the file's keys, the flags, the variables, --help and the
// README's table derive. Part of config.
#ifndef MCU_CONFIG_SETTING_H
#define MCU_CONFIG_SETTING_H

#include "mcu/config.h"

#include <stdbool.h>
#include <stddef.h>

enum setting_type {
    SETTING_TEXT,
    SETTING_NUMBER,
    SETTING_SWITCH,
    SETTING_LEVEL,
    SETTING_FORMAT,
    SETTING_CREATE
};
enum { SETTING_NAME_MAX = 64, SETTING_ERROR_MAX = 200 };

struct setting {
    const char *group, *key; // in the file
    const char *flag;        // NULL: <group>-<key>
    enum setting_type type;
    size_t offset;           // of its field in struct config
    const char *initial;     // the default, as a user would write it
    int min, max;            // of a number
    const char *placeholder; // what --help shows for the value
    const char *help;        // one sentence
    // For texts that can be wrong: the end of a sentence like "<key> ...", or NULL for a good one.
    const char *(*find_fault)(const char *value);
    bool is_secret;
};

extern const struct setting settings[];
extern const int settings_count;

void setting_flag(const struct setting *setting, char out[SETTING_NAME_MAX]); // "rooms-max"
void setting_variable(const struct setting *setting,
                      char out[SETTING_NAME_MAX]); // "TESSERA_ROOMS_MAX"

// Writes value into its field of *config. 0, or -1 and the end of a sentence that began with the
// setting's name.
int setting_apply(const struct setting *setting, const char *value, struct config *config,
                  char error[SETTING_ERROR_MAX]);

#endif
