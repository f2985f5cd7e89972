// SPDX-License-Identifier: MIT
// Completion scripts, made of the table of commands: what is in it is completed.
#include "http/cli_command.h"

#include <string.h>

static bool is_first_of_noun(int index) {
    return index == 0 || strcmp(cli_commands[index].noun, cli_commands[index - 1].noun) != 0;
}

static void print_nouns(FILE *out) {
    for (int i = 0; i < cli_commands_count; i++)
        if (is_first_of_noun(i))
            fprintf(out, "%s%s", i > 0 ? " " : "", cli_commands[i].noun);
}

// The verbs of a noun, or what else may stand there.
static void print_verbs(FILE *out, const char *noun) {
    const char *space = "";
    for (int i = 0; i < cli_commands_count; i++) {
        if (strcmp(cli_commands[i].noun, noun) != 0)
            continue;
        if (cli_commands[i].verb)
            fprintf(out, "%s%s", space, cli_commands[i].verb);
        else if (strcmp(noun, "completion") == 0)
            fputs("bash zsh fish", out);
        space = " ";
    }
}

static void print_flags(FILE *out, const struct cli_command *command) {
    const char *space = "";
    for (const struct cli_flag *flag = command->flags; flag && flag->name; flag++, space = " ")
        fprintf(out, "%s--%s", space, flag->name);
    for (const struct cli_flag *flag = cli_common_flags; flag->name; flag++, space = " ")
        fprintf(out, "%s--%s", space, flag->name);
}

// One case of the shell's `case "$noun $verb" in`.
static void print_flag_cases(FILE *out) {
    for (int i = 0; i < cli_commands_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        fprintf(out, "        \"%s %s\"%s) flags=\"", command->noun,
                command->verb ? command->verb : "", command->verb ? "" : "*");
        print_flags(out, command);
        fputs("\" ;;\n", out);
    }
}

static void print_verb_cases(FILE *out) {
    for (int i = 0; i < cli_commands_count; i++) {
        if (!is_first_of_noun(i))
            continue;
        fprintf(out, "        %s) verbs=\"", cli_commands[i].noun);
        print_verbs(out, cli_commands[i].noun);
        fputs("\" ;;\n", out);
    }
}

static void print_cases(FILE *out) {
    fputs("    case \"$1\" in\n", out);
    print_verb_cases(out);
    fputs("    esac\n    case \"$1 $2\" in\n", out);
    print_flag_cases(out);
    fputs("    esac\n", out);
}

static void print_bash(FILE *out) {
    fputs("# bash completion of tessera: source it, or put it into\n"
          "# /usr/share/bash-completion/completions/tessera\n"
          "_tessera_words() {\n    local verbs= flags=\n",
          out);
    print_cases(out);
    fputs("    case \"$3\" in\n        1) echo \"", out);
    print_nouns(out);
    fputs(" --help --version\" ;;\n"
          "        2) echo \"${verbs:-$flags} --help\" ;;\n"
          "        *) echo \"$flags\" ;;\n"
          "    esac\n}\n"
          "_tessera() {\n"
          "    COMPREPLY=($(compgen -W \"$(_tessera_words \"${COMP_WORDS[1]}\" "
          "\"${COMP_WORDS[2]}\" \"$COMP_CWORD\")\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
          "}\n"
          "complete -o default -F _tessera tessera\n",
          out);
}

static void print_zsh(FILE *out) {
    fputs("#compdef tessera\n"
          "# zsh completion of tessera: put it as _tessera into a directory of $fpath\n"
          "_tessera() {\n    local verbs= flags=\n"
          "    set -- \"$words[2]\" \"$words[3]\"\n",
          out);
    print_cases(out);
    fputs("    case $CURRENT in\n        2) compadd -- ", out);
    print_nouns(out);
    fputs(" --help --version ;;\n"
          "        3) compadd -- ${=verbs:-$flags} --help ;;\n"
          "        *) compadd -- ${=flags}; _files ;;\n"
          "    esac\n}\n"
          "compdef _tessera tessera\n",
          out);
}

static void print_fish_flags(FILE *out, const struct cli_command *command,
                             const struct cli_flag *flags) {
    for (; flags && flags->name; flags++) {
        fprintf(out, "complete -c tessera -n '__fish_seen_subcommand_from %s", command->noun);
        if (command->verb)
            fprintf(out, "; and __fish_seen_subcommand_from %s", command->verb);
        fprintf(out, "' -l %s%s -d '%s'\n", flags->name, flags->placeholder ? " -r" : "",
                flags->help);
    }
}

static void print_fish(FILE *out) {
    fputs("# fish completion of tessera: put it into ~/.config/fish/completions/tessera.fish\n"
          "complete -c tessera -f\n",
          out);
    fputs("complete -c tessera -n __fish_use_subcommand -a '", out);
    print_nouns(out);
    fputs("'\n", out);
    for (int i = 0; i < cli_commands_count; i++) {
        const struct cli_command *command = &cli_commands[i];
        if (is_first_of_noun(i) && (command->verb || strcmp(command->noun, "completion") == 0)) {
            fprintf(out,
                    "complete -c tessera -n '__fish_seen_subcommand_from %s; and not "
                    "__fish_seen_subcommand_from ",
                    command->noun);
            print_verbs(out, command->noun);
            fputs("' -a '", out);
            print_verbs(out, command->noun);
            fputs("'\n", out);
        }
        print_fish_flags(out, command, command->flags);
        print_fish_flags(out, command, cli_common_flags);
    }
}

bool cli_print_completion(const char *shell, FILE *out) {
    if (strcmp(shell, "bash") == 0)
        print_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        print_fish(out);
    else
        return false;
    return true;
}
