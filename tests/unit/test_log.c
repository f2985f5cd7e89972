// SPDX-License-Identifier: MIT
#include "mcu/log.h"

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved_stderr = -1;
static FILE *captured;

static int capture(void **state) {
    captured = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
    log_set_level(LOG_INFO);
    log_set_format(LOG_TEXT);
    return 0;
}

static int release(void **state) {
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    fclose(captured);
    return 0;
}

static char *read_captured(void) {
    long size = lseek(STDERR_FILENO, 0, SEEK_END);
    char *text = g_malloc0((gsize)size + 1);
    assert_int_equal(pread(fileno(captured), text, (size_t)size, 0), size);
    return text;
}

// The one line that was written, without its time: "2026-01-02T03:04:05.678Z ".
static void check_line(const char *wanted) {
    char *text = read_captured();
    assert_true(
        g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z [^\n]*\n$", text,
                             G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY, 0));
    text[strlen(text) - 1] = '\0';
    assert_string_equal(text + 25, wanted);
    g_free(text);
}

static void test_log_line_has_time_level_object_and_message(void **state) {
    log_warn("room ada", "has %d members", 7);
    check_line("warn  [room ada] has 7 members");
}

static void test_log_line_may_be_about_nothing(void **state) {
    log_error(NULL, "out of %s", "luck");
    check_line("error out of luck");
}

static void test_log_keeps_a_message_on_its_line(void **state) {
    log_info("x\ny", "a\r\nb\tc\x1b[2J\x7f %s", "\xc2\x9b\xe2\x80\xa8");
    check_line("info  [x\\x0ay] a\\x0d\\x0ab\\x09c\\x1b[2J\\x7f \\xc2\\x9b\\xe2\\x80\\xa8");
}

static void test_log_keeps_every_script_and_escapes_what_is_no_utf8(void **state) {
    log_info(NULL, "%s", "سارة 田中 👍 \xff\xf0\x9f");
    check_line("info  سارة 田中 👍 \\xff\\xf0\\x9f");
}

static void test_log_cuts_a_message_that_is_too_long(void **state) {
    char *text = g_strnfill(100000, 'x');
    log_info(NULL, "%s", text);
    g_free(text);
    char *line = read_captured();
    assert_true(strlen(line) < 1100);
    assert_true(g_str_has_suffix(line, "xxx...\n"));
    g_free(line);
}

static void test_log_keeps_a_long_message_of_escapes_on_its_line(void **state) {
    char *object = g_strnfill(10000, '\n'), *text = g_strnfill(10000, '\x1b');
    log_info(object, "%s", text);
    g_free(object);
    g_free(text);
    char *line = read_captured();
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    g_free(line);
}

static void test_log_level_holds_back_what_is_below_it(void **state) {
    log_set_level(LOG_WARN);
    assert_int_equal(log_get_level(), LOG_WARN);
    log_info(NULL, "no");
    log_debug(NULL, "no");
    log_error(NULL, "yes");
    check_line("error yes");
}

static void test_log_levels_have_names(void **state) {
    static const char *const names[] = {"error", "warn", "info", "debug"};
    enum log_level level = LOG_ERROR;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(log_level_from_name(names[i], &level), 0);
        assert_int_equal(level, i);
    }
    level = LOG_WARN;
    assert_int_equal(log_level_from_name("INFO", &level), -EINVAL);
    assert_int_equal(log_level_from_name("", &level), -EINVAL);
    assert_int_equal(level, LOG_WARN);
}

// The one line that was written, as JSON.
static json_t *read_json(void) {
    char *text = read_captured();
    json_error_t error;
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!line)
        fail_msg("%s: %s", error.text, text);
    assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",
                                     json_string_value(json_object_get(line, "at")), 0, 0));
    g_free(text);
    assert_int_equal(ftruncate(fileno(captured), 0), 0);
    lseek(fileno(captured), 0, SEEK_SET);
    return line;
}

static void check_json(const char *level, const char *object, const char *message) {
    json_t *line = read_json();
    assert_string_equal(json_string_value(json_object_get(line, "level")), level);
    assert_string_equal(json_string_value(json_object_get(line, "message")), message);
    if (object)
        assert_string_equal(json_string_value(json_object_get(line, "object")), object);
    assert_int_equal(json_object_size(line), object ? 4 : 3);
    json_decref(line);
}

static void test_log_json_is_one_object_a_line(void **state) {
    log_set_format(LOG_JSON);
    log_warn("room ada", "has %d members", 7);
    check_json("warn", "room ada", "has 7 members");
    log_error(NULL, "out of luck");
    check_json("error", NULL, "out of luck");
    log_info("", "%s", "");
    check_json("info", "", "");
}

static void test_log_json_keeps_what_a_client_wrote(void **state) {
    log_set_format(LOG_JSON);
    log_info("a\"b\\c", "%s", "\"},{\"level\":\"error\"\r\n\t\x1b[2J \x7f \xc2\x9b \xe2\x80\xa8");
    check_json("info", "a\"b\\c",
               "\"},{\"level\":\"error\"\r\n\t\x1b[2J \x7f \xc2\x9b \xe2\x80\xa8");
    log_info(NULL, "%s", "سارة 田中 👍 </script>");
    check_json("info", NULL, "سارة 田中 👍 </script>");
    log_info(NULL, "%s", "\xff|\xf0\x9f|\xc0\x80|\xed\xa0\x80");
    check_json("info", NULL, "\\xff|\\xf0\\x9f|\\xc0\\x80|\\xed\\xa0\\x80");
}

static void test_log_json_is_valid_for_any_bytes_of_any_length(void **state) {
    log_set_format(LOG_JSON);
    guint32 seed = 7;
    for (int i = 0; i < 2000; i++) {
        char object[3000], text[3000];
        for (size_t at = 0; at < sizeof(text); at++) {
            seed = seed * 1664525u + 1013904223u;
            text[at] = (char)(seed >> 24);
            object[at] = i % 3 ? (char)(seed >> 16) : '"';
        }
        object[seed % sizeof(object)] = text[(seed >> 8) % sizeof(text)] = '\0';
        object[sizeof(object) - 1] = text[sizeof(text) - 1] = '\0';
        log_info(i % 7 ? object : NULL, "%s", text);
        json_decref(read_json());
    }
    // A long object leaves the message its room.
    char *object = g_strnfill(10000, '\n'), *text = g_strnfill(900, '\x1b');
    log_info(object, "%s", text);
    json_t *line = read_json();
    assert_string_equal(json_string_value(json_object_get(line, "message")), text);
    json_decref(line);
    g_free(object);
    g_free(text);
}

static void test_log_formats_have_names(void **state) {
    enum log_format format = LOG_TEXT;
    assert_int_equal(log_format_from_name("json", &format), 0);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_from_name("text", &format), 0);
    assert_int_equal(format, LOG_TEXT);
    assert_int_equal(log_format_from_name("JSON", &format), -EINVAL);
    assert_int_equal(log_format_from_name("", &format), -EINVAL);
}

static void *write_many(void *user) {
    for (int i = 0; i < 200; i++)
        log_info("thread", "%s", (const char *)user);
    return NULL;
}

static void test_log_lines_of_several_threads_never_mix(void **state) {
    static const char *const texts[] = {"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb",
                                        "cccccccccccccccccccc"};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, write_many, (void *)texts[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    char *text = read_captured();
    char **lines = g_strsplit(text, "\n", -1);
    assert_int_equal(g_strv_length(lines), 601); // an empty one behind the last newline
    for (int i = 0; i < 600; i++) {
        const char *message = lines[i] + 25 + strlen("info  [thread] ");
        assert_true(strcmp(message, texts[0]) == 0 || strcmp(message, texts[1]) == 0 ||
                    strcmp(message, texts[2]) == 0);
    }
    g_strfreev(lines);
    g_free(text);
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_log_line_has_time_level_object_and_message),
        LOG_TEST(test_log_line_may_be_about_nothing),
        LOG_TEST(test_log_keeps_a_message_on_its_line),
        LOG_TEST(test_log_keeps_every_script_and_escapes_what_is_no_utf8),
        LOG_TEST(test_log_cuts_a_message_that_is_too_long),
        LOG_TEST(test_log_keeps_a_long_message_of_escapes_on_its_line),
        LOG_TEST(test_log_level_holds_back_what_is_below_it),
        LOG_TEST(test_log_levels_have_names),
        LOG_TEST(test_log_json_is_one_object_a_line),
        LOG_TEST(test_log_json_keeps_what_a_client_wrote),
        LOG_TEST(test_log_json_is_valid_for_any_bytes_of_any_length),
        LOG_TEST(test_log_formats_have_names),
        LOG_TEST(test_log_lines_of_several_threads_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
