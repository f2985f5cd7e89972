// SPDX-License-Identifier: MIT
// Defaults come from the table and never from what is set, so no secret can show up here.
#include "mcu/config_help.h"

#include "mcu/config_setting.h"

#include <string.h>

static const char intro[] =
    "Tessera " TESSERA_VERSION
    ", a conference server that mixes: everyone receives one video and one "
    "audio.\n"
    "\n"
    "Usage: tessera [--setting VALUE]...                       run the server\n"
    "       tessera room|member|user|token|completion ...      command a server that runs\n"
    "       (tessera room --help, and so on, says how)\n"
    "\n"
    "  --config FILE  Read settings from FILE. Without it: TESSERA_CONFIG, else ./tessera.conf,\n"
    "                 else /etc/tessera/tessera.conf, if it exists.\n"
    "  --help         Print this and exit.\n"
    "  --help-markdown\n"
    "                 Print the settings as a Markdown table and exit.\n"
    "  --version      Print the version and exit.\n"
    "\n"
    "Each setting is a flag, a variable and a key of the file: --rooms-max 20, "
    "TESSERA_ROOMS_MAX=20,\n"
    "or max = 20 below [rooms]. Flags win over variables, and those over the file.\n";

// The help text in lines that fit a terminal.
static void print_wrapped(FILE *print, const char *text) {
    enum { INDENT = 8, WIDTH = 96 };
    int column = INDENT;
    fprintf(print, "%*s", INDENT, "");
    while (*text) {
        int size = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + size > WIDTH) {
            fprintf(print, "\n%*s", INDENT, "");
            column = INDENT;
        }
        column += fprintf(print, "%s%.*s", column > INDENT ? " " : "", size, text);
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', print);
}

static void print_setting(FILE *print, const struct setting *setting) {
    char flag[SETTING_NAME_MAX], text[512];
    setting_flag(setting, flag);
    fprintf(print, "  --%s %s\n", flag, setting->placeholder);
    size_t size = (size_t)snprintf(text, sizeof(text), "%s", setting->help);
    if (setting->type == SETTING_NUMBER)
        snprintf(text + size, sizeof(text) - size, " Default %s, from %d to %d.", setting->initial,
                 setting->min, setting->max);
    else if (setting->initial[0])
        snprintf(text + size, sizeof(text) - size, " Default %s.", setting->initial);
    print_wrapped(print, text);
}

void config_help(FILE *print) {
    const char *group = "";
    fputs(intro, print);
    for (int i = 0; i < settings_count; i++) {
        if (strcmp(group, settings[i].group) != 0)
            fprintf(print, "\n[%s]\n", settings[i].group);
        group = settings[i].group;
        print_setting(print, &settings[i]);
    }
}

static void print_cell(FILE *print, const char *text) {
    for (; *text; text++) {
        if (*text == '|' || *text == '*' || *text == '_')
            fputc('\\', print);
        fputc(*text, print);
    }
}

void config_help_markdown(FILE *print) {
    fputs("| Key | Flag | Variable | Default | What it is |\n|---|---|---|---|---|\n", print);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings[i];
        char flag[SETTING_NAME_MAX], variable[SETTING_NAME_MAX];
        setting_flag(setting, flag);
        setting_variable(setting, variable);
        fprintf(print, "| `%s.%s` | `--%s` | `%s` | ", setting->group, setting->key, flag,
                variable);
        if (setting->initial[0])
            fprintf(print, "`%s`", setting->initial);
        fputs(" | ", print);
        print_cell(print, setting->help);
        if (setting->type == SETTING_NUMBER)
            fprintf(print, " %d to %d.", setting->min, setting->max);
        fputs(" |\n", print);
    }
}
