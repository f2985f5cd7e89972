// SPDX-License-Identifier: MIT
// The settings as people read them. Part of config.
#ifndef MCU_CONFIG_HELP_H
#define MCU_CONFIG_HELP_H

#include <stdio.h>

void config_help(FILE *print);          // tessera --help
void config_help_markdown(FILE *print); // the README's table

#endif
