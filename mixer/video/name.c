// SPDX-License-Identifier: MIT
#include "mixer/video/name.h"

#include <pango/pango.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// U+202A-202E and U+2066-2069 would turn around what stands beside the name; line and paragraph
// separators and the rest of Unicode's controls have no place on one line.
static bool is_unfit(gunichar sign) {
    return (sign >= 0x202a && sign <= 0x202e) || (sign >= 0x2066 && sign <= 0x2069) ||
           sign == 0x2028 || sign == 0x2029 || sign == 0xfeff ||
           g_unichar_type(sign) == G_UNICODE_PRIVATE_USE;
}

static void clean(const char *text, char *out, size_t size_bytes, int breaks) {
    size_t size = 0;
    char gap = '\0';
    // Ten kilobytes of name are not made valid only to be cut off.
    char head[4 * NAME_SIZE_BYTES];
    g_strlcpy(head, text ? text : "", sizeof(head));
    char *valid = g_utf8_make_valid(head, -1);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar sign = g_utf8_get_char(at);
        if (g_unichar_isspace(sign) || g_unichar_iscntrl(sign)) {
            if (size > 0 && gap != '\n')
                gap = sign == '\n' && breaks > 0 ? '\n' : ' ';
            continue;
        }
        size_t length = (size_t)(g_utf8_next_char(at) - at);
        if (is_unfit(sign))
            continue;
        if (size + (gap != '\0') + length >= size_bytes)
            break;
        if (gap)
            out[size++] = gap;
        breaks -= gap == '\n';
        gap = '\0';
        memcpy(out + size, at, length);
        size += length;
    }
    out[size] = '\0';
    g_free(valid);
}

void name_clean(const char *text, char out[NAME_SIZE_BYTES]) {
    clean(text, out, NAME_SIZE_BYTES, 0);
}

void name_clean_lines(const char *text, char *out, size_t size_bytes) {
    clean(text, out, size_bytes, 1);
}

// Bytes of the first sign (grapheme cluster) of text, at most max_bytes, whole characters.
static size_t first_sign_bytes(const char *text, size_t max_bytes) {
    PangoLogAttr attributes[NAME_SIZE_BYTES + 1];
    int count = (int)g_utf8_strlen(text, -1);
    if (count == 0 || count >= NAME_SIZE_BYTES)
        return 0;
    pango_get_log_attrs(text, (int)strlen(text), -1, NULL, attributes, count + 1);
    const char *end = g_utf8_next_char(text);
    for (int i = 1; i < count && !attributes[i].is_cursor_position; i++) {
        const char *next = g_utf8_next_char(end);
        if ((size_t)(next - text) > max_bytes)
            break;
        end = next;
    }
    return (size_t)(end - text);
}

static bool has_capitals(gunichar sign) {
    return g_unichar_toupper(sign) != g_unichar_tolower(sign);
}

// The first sign of text, capital if there is such a thing.
static size_t append_initial(const char *text, char *out, size_t room_bytes) {
    size_t bytes = first_sign_bytes(text, room_bytes - 1);
    if (bytes == 0)
        return 0;
    char capital[8];
    int length = g_unichar_to_utf8(g_unichar_toupper(g_utf8_get_char(text)), capital);
    size_t marks = bytes - (size_t)(g_utf8_next_char(text) - text);
    if ((size_t)length + marks >= room_bytes)
        return 0;
    memcpy(out, capital, (size_t)length);
    memcpy(out + length, g_utf8_next_char(text), marks);
    return (size_t)length + marks;
}

// Not g_unichar_ispunct(): that takes emoji for punctuation.
static bool is_punctuation(gunichar sign) {
    switch (g_unichar_type(sign)) {
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION: return true;
    default: return false;
    }
}

// Where a word's letters begin: "(Ada" and "@ada" are A.
static const char *skip_signs(const char *word) {
    const char *at = word;
    while (*at && *at != ' ' && is_punctuation(g_utf8_get_char(at)))
        at = g_utf8_next_char(at);
    return *at && *at != ' ' ? at : word;
}

void name_initials(const char *name, char out[NAME_INITIALS_SIZE_BYTES]) {
    const char *first = skip_signs(name);
    size_t size = append_initial(first, out, NAME_INITIALS_SIZE_BYTES / 2);
    const char *last = strrchr(name, ' ');
    if (size > 0 && last) {
        last = skip_signs(last + 1);
        if (has_capitals(g_utf8_get_char(first)) && has_capitals(g_utf8_get_char(last)))
            size += append_initial(last, out + size, NAME_INITIALS_SIZE_BYTES / 2);
    }
    out[size] = '\0';
}

unsigned name_colour(const char *text) {
    // Chosen by eye: told apart at a glance, none so bright that it outshines a face beside it.
    static const unsigned colours[] = {0x4f6bd8, 0x8a5bd1, 0xb8508f, 0xc2574a, 0xb5722a, 0x6f8a2c,
                                       0x2f8f5b, 0x1f8a8c, 0x2b7fb8, 0x6a6fc4, 0x9a5a73, 0x5c7a8c};
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    hash ^= hash >> 15;
    return colours[hash % (sizeof(colours) / sizeof(colours[0]))];
}
