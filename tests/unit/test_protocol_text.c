// SPDX-License-Identifier: MIT
#include "mcu/protocol.h"
#include "mcu/protocol_text.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct config config = {
    .message_bytes_max = 262144,
    .sdp_bytes_max = 131072,
    .chat_bytes_max = 2000,
    .name_chars_max = 64,
};

static void test_names_are_cleaned(void **state) {
    static const struct {
        const char *given, *clean;
    } cases[] = {
        {"Ada", "Ada"},
        {"  Ada \t Lovelace\r\n", "Ada Lovelace"},
        {"A\xc2\xa0\xe3\x80\x80"
         "B",
         "A B"}, // no-break and ideographic space
        {"A\xe2\x80\xa8"
         "B",
         "A B"}, // line separator
        {"A\x01\x1b[31mB\x7f\xc2\x9b", "A[31mB"},
        {"A\xe2\x80\xae"
         "B\xe2\x80\xac",
         "AB"}, // right-to-left override
        {"A\xe2\x81\xa6"
         "B\xe2\x81\xa9",
         "AB"}, // isolate
        {"A\xe2\x80\x8b\xef\xbb\xbf\xe2\x81\xa0"
         "B",
         "AB"}, // zero width
        {"A\xc2\xad"
         "B\xef\xbf\xbf",
         "AB"},                                // soft hyphen, no character
        {"Ame\xcc\x81lie", "Am\xc3\xa9lie"},   // composed
        {"e\xe2\x80\x8b\xcc\x81", "\xc3\xa9"}, // also over what was dropped
        {"سارة أحمد", "سارة أحمد"},
        {"می\xe2\x80\x8cخواهم", "می\xe2\x80\x8cخواهم"}, // Persian needs its joiner
        {"田中 さくら", "田中 さくら"},
        {"👩🏽‍🚀 Zoë", "👩🏽‍🚀 Zoë"},
        {"<b>&amp;\"'`", "<b>&amp;\"'`"}, // no markup here: whoever draws it escapes
        {"\xe2\x80\x8d\xe2\x80\x8c", ""}, // joiners alone
        {"\xe2\x80\x8f\xef\xb8\x8f", ""},
        {"\xe3\x85\xa4", ""}, // Hangul filler
        {"\xcc\x81\xcc\x81", ""},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *clean = protocol_clean_line(cases[i].given);
        assert_non_null(clean);
        assert_string_equal(clean, cases[i].clean);
        char *again = protocol_clean_line(clean);
        assert_string_equal(again, clean); // nothing is left to clean
        free(clean);
        free(again);
    }
    assert_null(protocol_clean_line("\xff"));
}

static void test_names_carry_few_marks_per_letter(void **state) {
    GString *given = g_string_new("q");
    for (int i = 0; i < 50000; i++) // of two classes, in the wrong order: the worst case to sort
        g_string_append(given, i % 2 ? "\xcc\xa3" : "\xcc\x81");
    char *clean = protocol_clean_line(given->str);
    assert_int_equal(g_utf8_strlen(clean, -1), 1 + 6);
    free(clean);
    g_string_free(given, TRUE);
}

static void test_names_are_counted_in_characters(void **state) {
    struct refusal refusal;
    GString *given = g_string_new(NULL);
    for (int i = 0; i < 64; i++)
        g_string_append(given, "👍");
    char *clean = protocol_clean_name(&config, given->str, &refusal);
    assert_string_equal(clean, given->str);
    free(clean);
    g_string_append(given, "👍");
    assert_null(protocol_clean_name(&config, given->str, &refusal));
    assert_string_equal(refusal.code, "bad-field");
    assert_string_equal(refusal.field, "name");
    assert_null(protocol_clean_name(&config, "  ", &refusal));
    assert_null(protocol_clean_name(&config, "\xff", &refusal));
    assert_null(protocol_clean_name(&config, "", NULL));
    g_string_free(given, TRUE);
}

static void test_room_names_are_made_lower_or_refused(void **state) {
    char name[ROOM_NAME_MAX];
    assert_true(protocol_clean_room_name("Team-A_1", name));
    assert_string_equal(name, "team-a_1");
    char *longest = g_strnfill(63, 'R');
    assert_true(protocol_clean_room_name(longest, name));
    assert_int_equal(strlen(name), 63);
    g_free(longest);
    static const char *const bad[] = {"", " ", "a b", "a/b", ".", "..", "a.b", "ä", "a%20", "a\n"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(protocol_clean_room_name(bad[i], name));
}

static void test_chat_keeps_its_lines(void **state) {
    static const struct {
        const char *given, *clean;
    } cases[] = {
        {"a\nb", "a\nb"},
        {"a\r\nb\rc", "a\nb\nc"},
        {"if x:\n\treturn  2", "if x:\n\treturn  2"},
        {"\n\n a \n\n", "a"},
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xa9"
         "c",
         "a\nb\nc"},
        {"a\x08\x1b\xe2\x80\xae"
         "b",
         "ab"},
        {"a\fb", "a b"},
        {"<script>alert(1)</script>", "<script>alert(1)</script>"},
        {" \t\r\n", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *clean = protocol_clean_lines(cases[i].given);
        assert_string_equal(clean, cases[i].clean);
        free(clean);
    }
    assert_null(protocol_clean_lines("\xc3"));
}

static void test_reactions_are_emoji_and_nothing_else(void **state) {
    static const char *const good[] = {"👍",
                                       "❤️",
                                       "😂",
                                       "👩🏽‍🚀",
                                       "👨‍👩‍👧‍👦",
                                       "🇩🇪",
                                       "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
                                       "1️⃣",
                                       "#️⃣",
                                       "*⃣",
                                       "‼️",
                                       "ℹ️",
                                       "🎉🎉🎉",
                                       "☺",
                                       "✋🏿",
                                       "™️",
                                       "㊙️",
                                       "➕",
                                       "↔️",
                                       "🫡",
                                       "🫨"};
    for (size_t i = 0; i < COUNT(good); i++)
        if (!protocol_is_emoji(good[i]))
            fail_msg("refused: %s", good[i]);
    static const char *const bad[] = {
        "",
        "a",
        "1",
        "#",
        "ok",
        " ",
        "👍 ",
        "👍a",
        "<img>",
        "é",
        "я",
        "中",
        "ا",
        "1\xef\xb8\x8f",
        "\xef\xb8\x8f",
        "\xe2\x80\x8d",
        "\xe2\x80\x8d👍",
        "👍\n",
        "\xff",
        "\xf0\x9f",
        "\xe2\x80\xae👍",
        "👍\xe2\x80\xae",
        "\xe2\x83\xa3",
        "🎉🎉🎉🎉🎉🎉🎉🎉🎉" /* 36 bytes */,
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        if (protocol_is_emoji(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static void test_candidates_follow_their_grammar(void **state) {
    static const char *const candidates[] = {
        "garbage",
        "candidate:",
        "candidate:1",
        "candidate:1 1 udp 1 10.0.0.1 9",
        "candidate:1 1 udp 1 10.0.0.1 9 type host",
        "candidate:1 1 udp 1 10.0.0.1 9typ host",
        "candidate:1 1udp 1 10.0.0.1 9 typ host",
        "candidate:1  1 udp 1 10.0.0.1 9 typ host",
        "candidate:1 1 udp 1 10.0.0.1 99999 typ host",
        "candidate:1 1 udp 1 10.0.0.1 -9 typ host",
        "candidate:1 1 udp 99999999999 10.0.0.1 9 typ host",
        "candidate:1 99999 udp 1 10.0.0.1 9 typ host",
        "candidate:1 1 udp 1 10.0.0.1 9 typ HOST",
        "candidate:1 1 udp 1 10.0.0.1 9 typ hosthosthost",
        "candidate:1 1 udp 1 10.0.0.1 9 typ host!",
        "candidate:? 1 udp 1 10.0.0.1 9 typ host",
        "a=candidate:1 1 udp 1 10.0.0.1 9 typ host",
        " candidate:1 1 udp 1 10.0.0.1 9 typ host",
        "candidate:1 1 udp 1 10.0.0.1 9 typ host\r\na=x",
        "candidate:1 1 udp 1 10.0.0.1 9 typ host \xc3\xa4",
        "candidate:1 1 udp 1 10.0.0.1 9 typ host\x7f",
    };
    for (size_t i = 0; i < COUNT(candidates); i++)
        if (protocol_is_candidate(candidates[i]))
            fail_msg("taken: %s", candidates[i]);
    assert_true(protocol_is_candidate("candidate:1 1 udp 1 10.0.0.1 9 typ host"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_cleaned),
        cmocka_unit_test(test_names_carry_few_marks_per_letter),
        cmocka_unit_test(test_names_are_counted_in_characters),
        cmocka_unit_test(test_room_names_are_made_lower_or_refused),
        cmocka_unit_test(test_chat_keeps_its_lines),
        cmocka_unit_test(test_reactions_are_emoji_and_nothing_else),
        cmocka_unit_test(test_candidates_follow_their_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
