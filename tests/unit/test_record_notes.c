// SPDX-License-Identifier: MIT
#include "mcu/hls_files.h"
#include "mcu/room_broadcast.h"
#include "mcu/room_record_notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> // after the above, as it asks

#define SECOND INT64_C(1000000000)

// ---- side files ----

static void test_each_chapter_lasts_until_the_next(void **state) {
    struct record_notes *notes = record_notes_create();
    record_notes_add_chapter(notes, 0, "Office");
    record_notes_add_chapter(notes, 61 * SECOND + 500000000, "Ada <joined>\n\n--> & left");
    char *text = record_notes_chapters(notes, 3700 * SECOND);
    assert_string_equal(text, "WEBVTT\n"
                              "\n1\n00:00:00.000 --> 00:01:01.500\nOffice\n"
                              "\n2\n00:01:01.500 --> 01:01:40.000\n"
                              "Ada &lt;joined&gt;  --&gt; &amp; left\n");
    free(text);
    record_notes_unref(notes);
}

// Else it would be no cue at all.
static void test_no_cue_has_no_length(void **state) {
    struct record_notes *notes = record_notes_create();
    record_notes_add_chapter(notes, SECOND, "One");
    char *text = record_notes_chapters(notes, 0);
    assert_non_null(strstr(text, "00:00:01.000 --> 00:00:01.010\n"));
    free(text);
    record_notes_unref(notes);
}

static void test_chat_cannot_break_out_of_its_cue(void **state) {
    struct record_notes *notes = record_notes_create();
    record_notes_add_chat(notes, 2 * SECOND, "A>b", "<c.loud>hi</c>\n\n9\n00:00:00.000 --> 1");
    char *text = record_notes_chat(notes);
    assert_string_equal(text, "WEBVTT\n\n1\n00:00:02.000 --> 00:00:08.000\n"
                              "<v A&gt;b>&lt;c.loud&gt;hi&lt;/c&gt;  9 00:00:00.000 --&gt; 1\n");
    free(text);
    record_notes_unref(notes);
}

static void test_details_tell_who_was_there(void **state) {
    struct record_notes *notes = record_notes_create();
    record_notes_add_member(notes, 0, "m1", "Ada", "moderator");
    record_notes_add_member(notes, SECOND, "m2", "Ben", "member");
    record_notes_end_member(notes, 5 * SECOND, "m2");
    record_notes_add_gap(notes, 3 * SECOND, SECOND / 2);
    record_notes_add_layout(notes, SECOND, json_pack("{s:s}", "kind", "grid"));
    json_t *about = json_pack("{s:s}", "id", "x");
    char *text = record_notes_details(notes, about);
    json_t *json = json_loads(text, 0, NULL);
    const json_t *members = json_object_get(json, "members");
    assert_int_equal(json_array_size(members), 2);
    assert_true(json_is_null(json_object_get(json_array_get(members, 0), "left_seconds")));
    assert_true(json_real_value(json_object_get(json_array_get(members, 1), "left_seconds")) == 5);
    assert_int_equal(json_array_size(json_object_get(json, "gaps_at")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "layouts")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "x");
    json_decref(json);
    json_decref(about);
    free(text);
    record_notes_unref(notes);
}

static void test_no_more_is_kept_than_fits(void **state) {
    struct record_notes *notes = record_notes_create();
    for (int i = 0; i < RECORD_CHAPTERS_MAX + 10; i++)
        record_notes_add_chapter(notes, i * SECOND, "x");
    json_t *about = json_object();
    char *text = record_notes_details(notes, about);
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "chapters")), RECORD_CHAPTERS_MAX);
    assert_true(json_is_true(json_object_get(json, "is_cut")));
    json_decref(json);
    json_decref(about);
    free(text);
    record_notes_unref(notes);
}

static void test_nobody_writes_after_the_last(void **state) {
    struct record_notes *notes = record_notes_create();
    assert_true(record_notes_begin_writing(notes, false));
    record_notes_end_writing(notes);
    assert_true(record_notes_begin_writing(notes, true));
    record_notes_end_writing(notes);
    assert_false(record_notes_begin_writing(notes, false));
    record_notes_unref(notes);
}

static void test_news_are_told_once(void **state) {
    struct record_notes *notes = record_notes_create();
    assert_false(record_notes_take_news(notes));
    record_notes_add_chapter(notes, 0, "x");
    assert_true(record_notes_take_news(notes));
    assert_false(record_notes_take_news(notes));
    record_notes_add_chapter(notes, 1, "y");
    assert_false(record_notes_take_news(notes)); // while the first to be told waits
    assert_true(record_notes_begin_writing(notes, false));
    record_notes_end_writing(notes);
    assert_true(record_notes_take_news(notes));
    record_notes_unref(notes);
}

// ---- URLs of live outputs ----

static void test_only_whole_urls_of_public_hosts_are_taken(void **state) {
    static const struct {
        const char *url;
        bool is_good, is_good_inside;
    } table[] = {
        {"rtmp://live.example.org/app/key", true, true},
        {"RTMPS://live.example.org/app", true, true},
        {"rtmp://8.8.8.8/app/key", true, true},
        {"rtmp://127.0.0.1/app/key", false, true},
        {"rtmp://127.1/app/key", false, true},
        {"rtmp://2130706433/app/key", false, true},
        {"rtmp://0x7f000001/app/key", false, true},
        {"rtmp://localhost:1935/app/key", false, true},
        {"rtmp://user@10.0.0.1/app/key", false, true},
        {"rtmp://[::1]/app/key", false, true},
        {"rtmp://live.example.org", false, false},
        {"rtmp://live.example.org/", false, false},
        {"rtmp:///app/key", false, false},
        {"http://live.example.org/app", false, false},
        {"file:///etc/passwd", false, false},
        {"rtmp://live.example.org/app key", false, false},
        {"rtmp://live.example.org/app\nkey", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct refusal refusal;
        if ((broadcast_url_check(table[i].url, false, &refusal) == 0) != table[i].is_good ||
            (broadcast_url_check(table[i].url, true, &refusal) == 0) != table[i].is_good_inside)
            fail_msg("%s", table[i].url);
    }
}

static void test_hls_serves_its_own_files_alone(void **state) {
    assert_string_equal(hls_files_type("index.m3u8"), "application/vnd.apple.mpegurl");
    assert_string_equal(hls_files_type("init.mp4"), "video/mp4");
    assert_non_null(hls_files_type("segment-00012.m4s"));
    assert_null(hls_files_type("../tessera.db"));
    assert_null(hls_files_type("a/b.m4s"));
    assert_null(hls_files_type("..m4s"));
    assert_null(hls_files_type(".m4s"));
    assert_null(hls_files_type("index.m3u8.tmp"));
    assert_null(hls_files_type(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_chapter_lasts_until_the_next),
        cmocka_unit_test(test_no_cue_has_no_length),
        cmocka_unit_test(test_chat_cannot_break_out_of_its_cue),
        cmocka_unit_test(test_details_tell_who_was_there),
        cmocka_unit_test(test_no_more_is_kept_than_fits),
        cmocka_unit_test(test_nobody_writes_after_the_last),
        cmocka_unit_test(test_news_are_told_once),
        cmocka_unit_test(test_only_whole_urls_of_public_hosts_are_taken),
        cmocka_unit_test(test_hls_serves_its_own_files_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
