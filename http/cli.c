// SPDX-License-Identifier: MIT
// The command line taken apart: noun, verb, words, flags; and the help, which the table of commands
// gives.
#include "http/cli.h"

#include "http/cli_command.h"

#include <curl/curl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FILE_BYTES_MAX = 4096 };

const struct cli_flag cli_common_flags[] = {
    {"server", "URL", "where it runs; else TESSERA_SERVER, else http://localhost:8080"},
    {"api-key", "KEY", "its API key (others on this machine can see it in the process list)"},
    {"api-key-file", "FILE", "a file with that key; else the variable TESSERA_API_KEY"},
    {"ca-file", "FILE", "certificates (PEM) to trust, for a server with one of its own making"},
    {"json", NULL, "what the server says, as JSON"},
    {"help", NULL, "this"},
    {NULL, NULL, NULL},
};

int cli_complain(const struct cli *cli, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("tessera: ", cli->err);
    vfprintf(cli->err, format, arguments);
    fputc('\n', cli->err);
    va_end(arguments);
    return status;
}

bool cli_is_command(const char *word) {
    for (int i = 0; i < cli_commands_count; i++)
        if (strcmp(cli_commands[i].noun, word) == 0)
            return true;
    return false;
}

// ---- help ----

static void print_usage(FILE *out, const struct cli_command *command) {
    fprintf(out, "tessera %s%s%s%s%s", command->noun, command->verb ? " " : "",
            command->verb ? command->verb : "", command->words[0] ? " " : "", command->words);
}

static void print_flags(FILE *out, const struct cli_flag *flags) {
    for (; flags && flags->name; flags++) {
        int used =
            fprintf(out, "  --%s %s", flags->name, flags->placeholder ? flags->placeholder : "");
        fprintf(out, "%*s%s\n", MAX(26 - used, 1), "", flags->help);
    }
}

// Of a noun: all its verbs.
static void print_noun_help(FILE *out, const char *noun) {
    for (int i = 0; i < cli_commands_count; i++) {
        if (strcmp(cli_commands[i].noun, noun) != 0)
            continue;
        fputs("Usage: ", out);
        print_usage(out, &cli_commands[i]);
        fprintf(out, "\n  %s\n", cli_commands[i].help);
        print_flags(out, cli_commands[i].flags);
        fputc('\n', out);
    }
    fputs("For all of them:\n", out);
    print_flags(out, cli_common_flags);
}

static void print_command_help(FILE *out, const struct cli_command *command) {
    fputs("Usage: ", out);
    print_usage(out, command);
    fprintf(out, " [--FLAG VALUE]...\n  %s\n\n", command->help);
    print_flags(out, command->flags);
    print_flags(out, cli_common_flags);
}

// ---- flags ----

static int find_flag(const struct cli_flag *flags, const char *name, size_t bytes) {
    for (int i = 0; flags && flags[i].name; i++)
        if (strlen(flags[i].name) == bytes && strncmp(flags[i].name, name, bytes) == 0)
            return i;
    return -1;
}

const char *cli_value(const struct cli *cli, const char *flag) {
    int i = find_flag(cli->command->flags, flag, strlen(flag));
    return i < 0 ? NULL : cli->values[i];
}

static int read_key_file(struct cli *cli, const char *path) {
    char *text = NULL;
    gsize bytes = 0;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, &bytes, &error)) {
        cli_complain(cli, CLI_FAILED, "%s.", error->message);
        g_error_free(error);
        return CLI_FAILED;
    }
    g_strstrip(text);
    bool is_key = text[0] && bytes <= KEY_FILE_BYTES_MAX && !strpbrk(text, "\r\n");
    if (is_key) {
        g_free(cli->api_key);
        cli->api_key = g_strdup(text);
    }
    explicit_bzero(text, bytes);
    g_free(text);
    return is_key ? CLI_OK : cli_complain(cli, CLI_FAILED, "%s holds no key.", path);
}

static int take_common(struct cli *cli, int flag, const char *value) {
    const char *name = cli_common_flags[flag].name;
    if (strcmp(name, "server") == 0)
        cli->server = value;
    else if (strcmp(name, "ca-file") == 0)
        cli->ca_file = value;
    else if (strcmp(name, "json") == 0)
        cli->is_json = true;
    else if (strcmp(name, "help") == 0)
        cli->wants_help = true;
    else if (strcmp(name, "api-key-file") == 0)
        return read_key_file(cli, value);
    else {
        g_free(cli->api_key);
        cli->api_key = g_strdup(value);
    }
    return CLI_OK;
}

// argv[*at] is "--name=value", or "--name" with its value behind it.
static int parse_flag(struct cli *cli, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2;
    size_t bytes = strcspn(name, "=");
    int own = find_flag(cli->command->flags, name, bytes);
    int common = find_flag(cli_common_flags, name, bytes);
    if (own < 0 && common < 0)
        return cli_complain(cli, CLI_USAGE, "There is no flag --%.*s here. Try tessera %s --help.",
                            (int)bytes, name, cli->command->noun);
    const struct cli_flag *flag = own >= 0 ? &cli->command->flags[own] : &cli_common_flags[common];
    const char *value = name[bytes] ? name + bytes + 1 : "";
    if (!flag->placeholder && name[bytes])
        return cli_complain(cli, CLI_USAGE, "--%s takes no value.", flag->name);
    if (flag->placeholder && !name[bytes]) {
        if (*at + 1 >= argc)
            return cli_complain(cli, CLI_USAGE, "--%s needs a value.", flag->name);
        value = argv[++*at];
    }
    if (own < 0)
        return take_common(cli, common, value);
    cli->values[own] = value;
    return CLI_OK;
}

static int check(const struct cli *cli) {
    if (cli->wants_help)
        return CLI_OK;
    if (cli->word_count < cli->command->words_min || cli->word_count > cli->command->words_max) {
        fputs("tessera: Usage: ", cli->err);
        print_usage(cli->err, cli->command);
        fputc('\n', cli->err);
        return CLI_USAGE;
    }
    if (!g_str_has_prefix(cli->server, "http://") && !g_str_has_prefix(cli->server, "https://"))
        return cli_complain(cli, CLI_USAGE, "The server must be a URL like http://localhost:8080.");
    // A line break in it would be a header of its own.
    for (const char *at = cli->api_key; at && *at; at++)
        if (*at <= ' ' || *at > '~')
            return cli_complain(cli, CLI_USAGE, "The API key must be printable, without spaces.");
    return CLI_OK;
}

int cli_parse(struct cli *cli, int argc, char **argv) {
    const char *server = getenv("TESSERA_SERVER"), *key = getenv("TESSERA_API_KEY");
    bool are_words_only = false;
    int result = CLI_OK;
    cli->server = server && server[0] ? server : "http://localhost:8080";
    cli->api_key = key && key[0] ? g_strdup(key) : NULL;
    for (int i = 0; i < argc && result == CLI_OK; i++) {
        if (!are_words_only && strcmp(argv[i], "--") == 0)
            are_words_only = true;
        else if (!are_words_only && strcmp(argv[i], "-h") == 0)
            cli->wants_help = true;
        else if (!are_words_only && g_str_has_prefix(argv[i], "-") && argv[i][1] != '\0')
            result = g_str_has_prefix(argv[i], "--")
                         ? parse_flag(cli, argc, argv, &i)
                         : cli_complain(cli, CLI_USAGE,
                                        "There is no flag %s. Flags have two dashes.", argv[i]);
        else if (cli->word_count < CLI_WORDS_MAX)
            cli->words[cli->word_count++] = argv[i];
        else
            result = cli_complain(cli, CLI_USAGE, "\"%s\" is one word too many.", argv[i]);
    }
    return result == CLI_OK ? check(cli) : result;
}

void cli_finish(struct cli *cli) {
    if (cli->api_key)
        explicit_bzero(cli->api_key, strlen(cli->api_key));
    g_free(cli->api_key);
    cli->api_key = NULL;
}

// ---- the command ----

static const struct cli_command *find(const char *noun, const char *verb) {
    for (int i = 0; i < cli_commands_count; i++) {
        const struct cli_command *each = &cli_commands[i];
        if (strcmp(each->noun, noun) == 0 &&
            (!each->verb || (verb && strcmp(each->verb, verb) == 0)))
            return each;
    }
    return NULL;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run(struct cli *cli, int argc, char **argv) {
    int result = cli_parse(cli, argc, argv);
    if (result != CLI_OK)
        return result;
    if (cli->wants_help) {
        print_command_help(cli->out, cli->command);
        return CLI_OK;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return cli_complain(cli, CLI_FAILED, "libcurl does not start.");
    result = cli->command->run(cli);
    curl_global_cleanup();
    return result;
}

int cli_run(int argc, char **argv, FILE *out, FILE *err) {
    const char *verb = argc > 1 ? argv[1] : NULL;
    struct cli cli = {.command = find(argv[0], verb), .out = out, .err = err};
    if (!cli.command && verb && is_help(verb)) {
        print_noun_help(out, argv[0]);
        return CLI_OK;
    }
    if (!cli.command)
        return cli_complain(&cli, CLI_USAGE, "%s%s%s. Try tessera %s --help.",
                            verb ? "There is no command \"" : "Something is missing behind \"",
                            verb ? verb : argv[0], "\"", argv[0]);
    int used = cli.command->verb ? 2 : 1;
    int result = run(&cli, argc - used, argv + used);
    cli_finish(&cli);
    return result;
}
