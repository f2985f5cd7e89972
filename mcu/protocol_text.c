// SPDX-License-Identifier: MIT
#include "mcu/protocol_text.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = 6, EMOJI_BYTES_MAX = 32, CANDIDATE_BYTES_MAX = 1024 };

struct range {
    gunichar first, last;
};

// Overrides and isolates reorder what stands around a name; the rest hides differences between
// names.
static const struct range dropped[] = {
    {0x00ad, 0x00ad}, {0x180e, 0x180e}, {0x200b, 0x200b}, {0x202a, 0x202e},
    {0x2060, 0x206f}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

// Allowed beside something visible, but not a name by themselves.
static const struct range invisible[] = {
    {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160}, {0x200c, 0x200f},   {0x2800, 0x2800},
    {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xffa0, 0xffa0}, {0xe0000, 0xe0fff},
};

// Emoji that Unicode counts among letters and punctuation.
static const struct range odd_emoji[] = {
    {0x203c, 0x203c}, {0x2049, 0x2049}, {0x2139, 0x2139}, {0x3030, 0x3030}, {0x303d, 0x303d},
};

static bool is_in(gunichar letter, const struct range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (letter >= ranges[i].first && letter <= ranges[i].last)
            return true;
    return false;
}

#define IS_IN(letter, ranges) is_in(letter, ranges, G_N_ELEMENTS(ranges))

static bool is_dropped(gunichar letter) {
    return g_unichar_iscntrl(letter) || (letter & 0xfffe) == 0xfffe || IS_IN(letter, dropped);
}

static bool is_visible(gunichar letter) {
    return !g_unichar_isspace(letter) && !g_unichar_ismark(letter) && !IS_IN(letter, invisible);
}

// What one character of the input becomes; 0: nothing.
static gunichar clean_letter(gunichar letter, bool keeps_lines) {
    bool is_break = letter == '\n' || letter == 0x2028 || letter == 0x2029;
    if (keeps_lines && (is_break || letter == '\t'))
        return is_break ? '\n' : '\t';
    if (g_unichar_isspace(letter))
        return keeps_lines && letter != '\f' ? letter : ' ';
    return is_dropped(letter) ? 0 : letter;
}

static void append_clean(GString *out, const char *given, bool keeps_lines) {
    int marks = 0;
    for (const char *at = given; *at; at = g_utf8_next_char(at)) {
        if (keeps_lines && at[0] == '\r') { // "\r\n" and "\r" are both one newline
            if (at[1] != '\n')
                g_string_append_c(out, '\n');
            continue;
        }
        gunichar letter = clean_letter(g_utf8_get_char(at), keeps_lines);
        if (!letter)
            continue;
        if (letter == ' ' && !keeps_lines && (out->len == 0 || out->str[out->len - 1] == ' '))
            continue;
        // Stacks of marks are taller than any line, and sorting them in NFC is quadratic.
        marks = g_unichar_ismark(letter) ? marks + 1 : 0;
        if (marks <= MARKS_MAX)
            g_string_append_unichar(out, letter);
    }
}

static void trim(GString *text) {
    while (text->len > 0) {
        const char *last = g_utf8_prev_char(text->str + text->len);
        if (!g_unichar_isspace(g_utf8_get_char(last)))
            break;
        g_string_truncate(text, (gsize)(last - text->str));
    }
    const char *first = text->str;
    while (*first && g_unichar_isspace(g_utf8_get_char(first)))
        first = g_utf8_next_char(first);
    g_string_erase(text, 0, first - text->str);
}

static bool has_visible(const char *text) {
    for (; *text; text = g_utf8_next_char(text))
        if (is_visible(g_utf8_get_char(text)))
            return true;
    return false;
}

static char *clean(const char *given, bool keeps_lines) {
    if (!g_utf8_validate(given, -1, NULL))
        return NULL;
    GString *text = g_string_new(NULL);
    append_clean(text, given, keeps_lines);
    trim(text);
    if (!has_visible(text->str))
        g_string_truncate(text, 0);
    char *normal = g_utf8_normalize(text->str, (gssize)text->len, G_NORMALIZE_DEFAULT_COMPOSE);
    g_string_free(text, TRUE);
    return normal;
}

char *protocol_clean_line(const char *given) {
    return clean(given, false);
}

char *protocol_clean_lines(const char *given) {
    return clean(given, true);
}

// ---- emoji ----

static bool is_pictograph(gunichar letter) {
    if (IS_IN(letter, odd_emoji))
        return true;
    switch (g_unichar_type(letter)) {
    case G_UNICODE_OTHER_SYMBOL:
    case G_UNICODE_MATH_SYMBOL:
    case G_UNICODE_MODIFIER_SYMBOL: // skin tones
        return letter >= 0x80;
    case G_UNICODE_UNASSIGNED: // newer than this GLib
        return letter >= 0x1f000 && letter <= 0x1faff;
    default: return false;
    }
}

static bool is_emoji_glue(gunichar letter) {
    return letter == 0x200d || letter == 0xfe0f || letter == 0x20e3 ||
           (letter >= 0xe0020 && letter <= 0xe007f);
}

// "3", U+FE0F, U+20E3: the only way in for an ASCII character.
static const char *skip_keycap(const char *at) {
    static const char with_selector[] = "\xef\xb8\x8f\xe2\x83\xa3";
    if (!strchr("0123456789#*", at[0]))
        return NULL;
    if (g_str_has_prefix(at + 1, with_selector))
        return at + 1 + strlen(with_selector);
    return g_str_has_prefix(at + 1, with_selector + 3) ? at + 4 : NULL;
}

bool protocol_is_emoji(const char *text) {
    size_t size_bytes = strlen(text);
    if (size_bytes == 0 || size_bytes > EMOJI_BYTES_MAX || !g_utf8_validate(text, -1, NULL))
        return false;
    bool has_picture = false;
    while (*text) {
        gunichar letter = g_utf8_get_char(text);
        const char *after_keycap = letter < 0x80 ? skip_keycap(text) : NULL;
        bool is_picture = after_keycap || is_pictograph(letter);
        if (!is_picture && !(has_picture && is_emoji_glue(letter)))
            return false;
        has_picture = true;
        text = after_keycap ? after_keycap : g_utf8_next_char(text);
    }
    return has_picture;
}

// ---- candidates ----

bool protocol_is_candidate(const char *text) {
    char foundation[33], component[4], transport[9], priority[11], address[256], port[6], type[9];
    int end = 0;
    if (strlen(text) > CANDIDATE_BYTES_MAX)
        return false;
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            return false;
    // A plain space in the format would match none as well.
    int count = sscanf(text,
                       "candidate:%32[A-Za-z0-9+/]%*1[ ]%3[0-9]%*1[ ]%8[A-Za-z]%*1[ ]%10[0-9]"
                       "%*1[ ]%255[^ ]%*1[ ]%5[0-9]%*1[ ]typ%*1[ ]%8[a-z]%n",
                       foundation, component, transport, priority, address, port, type, &end);
    return count == 7 && (text[end] == '\0' || text[end] == ' ') && atoi(port) <= 65535;
}
