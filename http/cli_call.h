// SPDX-License-Identifier: MIT
// One call of the REST interface, by libcurl. Part of cli.
#ifndef HTTP_CLI_CALL_H
#define HTTP_CLI_CALL_H

#include "http/cli_command.h"

#include <jansson.h>

// path: below /api/v1, escaped. Takes body (NULL: none). 0 and *out (a new reference; NULL when the
// server has said nothing), or CLI_FAILED with the reason on err.
int cli_call(const struct cli *cli, const char *method, const char *path, json_t *body,
             json_t **out);
// All pages of a list: *out is {"<plural>": [...]}.
int cli_call_list(const struct cli *cli, const char *path, const char *plural, json_t **out);
// A path: %1 and %2 in the format are replaced, escaped as one segment each. To be freed with
// g_free().
char *cli_path(const char *format, const char *first, const char *second);

#endif
