// SPDX-License-Identifier: MIT
// A command, and a command line taken apart. Part of cli.
#ifndef HTTP_CLI_COMMAND_H
#define HTTP_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_FLAGS_MAX = 16, CLI_WORDS_MAX = 4 };

struct cli;

struct cli_flag {
    const char *name;        // without the dashes; NULL ends a list
    const char *placeholder; // of its value; NULL: it has none
    const char *help;
};

struct cli_command {
    const char *noun, *verb; // verb NULL: the noun alone is the command
    const char *words;       // what follows, as the usage shows it
    int words_min, words_max;
    const char *help;
    const struct cli_flag *flags; // besides those that all commands have
    int (*run)(struct cli *cli);  // gives the exit status
};

struct cli {
    const struct cli_command *command;
    FILE *out, *err;
    const char *words[CLI_WORDS_MAX]; // borrowed from argv
    int word_count;
    const char *values[CLI_FLAGS_MAX]; // of the command's flags; a flag without a value: ""
    const char *server, *ca_file;
    char *api_key; // owned; NULL: none
    bool is_json, wants_help;
};

// Sorted by noun, then verb.
extern const struct cli_command cli_commands[];
extern const int cli_commands_count;
extern const struct cli_flag cli_common_flags[];

// argv: what comes behind noun and verb. 0, or CLI_USAGE or CLI_FAILED with a sentence on err.
int cli_parse(struct cli *cli, int argc, char **argv);
void cli_finish(struct cli *cli);
// The value of a flag of the command; NULL: not given.
const char *cli_value(const struct cli *cli, const char *flag);
// "tessera: <sentence>" on err. Gives status.
__attribute__((format(printf, 3, 4))) int cli_complain(const struct cli *cli, int status,
                                                       const char *format, ...);
// cli_complete.c: writes the script for this shell. False: there is none for it.
bool cli_print_completion(const char *shell, FILE *out);

#endif
