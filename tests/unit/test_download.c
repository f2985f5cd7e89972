// SPDX-License-Identifier: MIT
// Files of the disk over HTTP: whole, in part, not again. HLS serves as the example: it needs no
// credential.
#include "http_fixture.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define TEXT "0123456789abcdefghij"

static struct {
    char dir[64];
    char *room_dir;
} place;

static char *in_room(const char *name) {
    return g_build_filename(place.room_dir, name, NULL);
}

static void write_file(const char *name, const char *text) {
    char *path = in_room(name);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    g_free(path);
}

static struct hub *start(void) {
    strcpy(place.dir, "/tmp/test_download_XXXXXX");
    assert_non_null(mkdtemp(place.dir));
    place.room_dir = g_build_filename(place.dir, "hls", "ada", NULL);
    assert_int_equal(g_mkdir_with_parents(place.room_dir, 0700), 0);
    write_file("index.m3u8", TEXT);
    struct hub *hub = fixture_prepare();
    free(hub->config.data_dir);
    hub->config.data_dir = strdup(place.dir);
    fixture_serve(hub);
    return hub;
}

static void remove_one(const char *name) {
    char *path = in_room(name);
    g_unlink(path);
    g_free(path);
}

static void stop(struct hub *hub) {
    char *hls = g_build_filename(place.dir, "hls", NULL);
    fixture_stop(hub);
    remove_one("index.m3u8");
    remove_one("link.m4s");
    remove_one("empty.m4s");
    g_rmdir(place.room_dir);
    g_rmdir(hls);
    g_rmdir(place.dir);
    g_free(hls);
    g_free(place.room_dir);
}

static struct answer *get(const struct hub *hub, const char *method, const char *name,
                          const char *more) {
    char target[200];
    snprintf(target, sizeof(target), "/hls/ada/%s", name);
    return client_ask(hub, method, target, more, NULL);
}

static void expect(const struct hub *hub, const char *more, int status, const char *body,
                   const char *content_range) {
    struct answer *answer = get(hub, "GET", "index.m3u8", more);
    if (answer->status != status)
        fail_msg("%s gives %d, not %d", more, answer->status, status);
    if (body) {
        assert_int_equal(answer->body_bytes, strlen(body));
        assert_memory_equal(answer->body, body, strlen(body));
    }
    if (content_range)
        assert_string_equal(answer_header(answer, "Content-Range"), content_range);
    else
        assert_null(answer_header(answer, "Content-Range"));
    free(answer);
}

static void test_a_file_is_sent_whole_or_in_part(void **state) {
    struct hub *hub = start();
    expect(hub, "", 200, TEXT, NULL);
    expect(hub, "Range: bytes=2-4\r\n", 206, "234", "bytes 2-4/20");
    expect(hub, "Range: bytes=-3\r\n", 206, "hij", "bytes 17-19/20");
    expect(hub, "Range: bytes=18-\r\n", 206, "ij", "bytes 18-19/20");
    expect(hub, "Range: bytes=0-1,4-5\r\n", 200, TEXT, NULL);
    expect(hub, "Range: bytes=20-\r\n", 416, NULL, "bytes */20");
    stop(hub);
}

static void test_a_part_of_another_file_is_no_part(void **state) {
    struct hub *hub = start();
    char same[200], etag[100];
    struct answer *answer = get(hub, "GET", "index.m3u8", "");
    g_strlcpy(etag, answer_header(answer, "ETag"), sizeof(etag));
    assert_string_equal(answer_header(answer, "Accept-Ranges"), "bytes");
    assert_string_equal(answer_header(answer, "Cache-Control"), "no-store");
    assert_string_equal(answer_header(answer, "Content-Type"), "application/vnd.apple.mpegurl");
    free(answer);
    snprintf(same, sizeof(same), "Range: bytes=2-4\r\nIf-Range: %s\r\n", etag);
    expect(hub, same, 206, "234", "bytes 2-4/20");
    expect(hub, "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n", 200, TEXT, NULL);
    snprintf(same, sizeof(same), "If-None-Match: %s\r\n", etag);
    expect(hub, same, 304, "", NULL);
    write_file("index.m3u8", TEXT "k");
    expect(hub, same, 200, TEXT "k", NULL);
    stop(hub);
}

static void test_head_tells_how_much_there_is(void **state) {
    struct hub *hub = start();
    struct answer *answer = get(hub, "HEAD", "index.m3u8", "Range: bytes=2-4\r\n");
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->body_bytes, 0);
    assert_string_equal(answer_header(answer, "Content-Length"), "20");
    free(answer);
    stop(hub);
}

static void test_what_is_no_file_of_the_room_is_not_there(void **state) {
    static const char *const names[] = {"gone.m4s",         "link.m4s", "secret",
                                        "..%2f..%2fsecret", "%2e%2e",   "index.m3u8.tmp"};
    struct hub *hub = start();
    char *link = in_room("link.m4s");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    g_free(link);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct answer *answer = get(hub, "GET", names[i], "");
        if (answer->status != 404 && answer->status != 400)
            fail_msg("%s: %d", names[i], answer->status);
        free(answer);
    }
    write_file("empty.m4s", "");
    struct answer *answer = get(hub, "GET", "empty.m4s", "");
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->body_bytes, 0);
    free(answer);
    stop(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_sent_whole_or_in_part),
        cmocka_unit_test(test_a_part_of_another_file_is_no_part),
        cmocka_unit_test(test_head_tells_how_much_there_is),
        cmocka_unit_test(test_what_is_no_file_of_the_room_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
