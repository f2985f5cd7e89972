// SPDX-License-Identifier: MIT
// The commands of the command line (`tessera room list`), which speak REST to a running server.
// They share the program with the server and nothing else. One thread.
#ifndef HTTP_CLI_H
#define HTTP_CLI_H

#include <stdbool.h>
#include <stdio.h>

// Is this first word of the command line one of the commands' and not the server's?
bool cli_is_command(const char *word);
// argv[0] is that first word. The exit status: 0; 1 when the server cannot be reached or refuses; 2
// when the command line makes no sense. What was asked for goes to out, what went wrong to err.
int cli_run(int argc, char **argv, FILE *out, FILE *err);

#endif
