// SPDX-License-Identifier: MIT
// JSON objects as a table for people. Part of cli.
#ifndef HTTP_CLI_TABLE_H
#define HTTP_CLI_TABLE_H

#include <jansson.h>
#include <stdio.h>

struct cli_column {
    const char *title, *key; // title NULL ends a list
};

// A line per object, columns as wide as what is in them; an empty list is said to be empty.
void cli_print_table(FILE *out, const json_t *rows, const struct cli_column *columns);
// One object: a line per column that it has.
void cli_print_object(FILE *out, const json_t *object, const struct cli_column *columns);

#endif
