// SPDX-License-Identifier: MIT
#include "http/cli_table.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 12, CELL_MAX = 40, GAP = 2 };

// Where letters stand on a terminal: wide ones take two places, marks none.
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar letter = g_utf8_get_char(text);
        width += g_unichar_iszerowidth(letter) ? 0 : g_unichar_iswide(letter) ? 2 : 1;
    }
    return width;
}

// Somebody else has written it: no escape sequence of theirs reaches the terminal.
static char *make_harmless(const char *text) {
    GString *out = g_string_new(NULL);
    char *valid = g_utf8_make_valid(text, -1);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);
        g_string_append_unichar(
            out, g_unichar_isprint(letter) || g_unichar_iszerowidth(letter) ? letter : '?');
    }
    g_free(valid);
    return g_string_free(out, FALSE);
}

static char *format_cell(const json_t *value) {
    if (json_is_string(value))
        return make_harmless(json_string_value(value));
    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_object(value)) // a layout, say
        return format_cell(json_object_get(value, "kind"));
    if (!value || json_is_null(value))
        return g_strdup("-");
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *cell = make_harmless(text ? text : "-");
    free(text);
    return cell;
}

// In a table a long text is cut; its whole is in --json.
static char *format_short_cell(const json_t *value) {
    char *cell = format_cell(value);
    if (g_utf8_strlen(cell, -1) <= CELL_MAX)
        return cell;
    char *cut = g_utf8_substring(cell, 0, CELL_MAX - 1);
    char *marked = g_strconcat(cut, "…", NULL);
    g_free(cut);
    g_free(cell);
    return marked;
}

static void print_cell(FILE *out, const char *text, int width, bool is_last) {
    fprintf(out, "%s%*s", text, is_last ? 0 : width - width_of(text) + GAP, "");
}

static void measure(const json_t *rows, const struct cli_column *columns, int widths[COLUMNS_MAX]) {
    size_t row;
    json_t *object;
    for (int i = 0; i < COLUMNS_MAX && columns[i].title; i++) {
        widths[i] = width_of(columns[i].title);
        json_array_foreach((json_t *)rows, row, object) {
            char *cell = format_short_cell(json_object_get(object, columns[i].key));
            widths[i] = MAX(widths[i], width_of(cell));
            g_free(cell);
        }
    }
}

void cli_print_table(FILE *out, const json_t *rows, const struct cli_column *columns) {
    int widths[COLUMNS_MAX] = {0};
    size_t row;
    json_t *object;
    if (json_array_size(rows) == 0) {
        fputs("There are none.\n", out);
        return;
    }
    measure(rows, columns, widths);
    for (int i = 0; i < COLUMNS_MAX && columns[i].title; i++)
        print_cell(out, columns[i].title, widths[i], !columns[i + 1].title);
    fputc('\n', out);
    json_array_foreach((json_t *)rows, row, object) {
        for (int i = 0; i < COLUMNS_MAX && columns[i].title; i++) {
            char *cell = format_short_cell(json_object_get(object, columns[i].key));
            print_cell(out, cell, widths[i], !columns[i + 1].title);
            g_free(cell);
        }
        fputc('\n', out);
    }
}

void cli_print_object(FILE *out, const json_t *object, const struct cli_column *columns) {
    int width = 0;
    for (const struct cli_column *each = columns; each->title; each++)
        width = MAX(width, width_of(each->title));
    for (const struct cli_column *each = columns; each->title; each++) {
        const json_t *value = json_object_get(object, each->key);
        if (!value || json_is_null(value))
            continue;
        char *cell = format_cell(value);
        print_cell(out, each->title, width, false);
        fprintf(out, "%s\n", cell);
        g_free(cell);
    }
}
