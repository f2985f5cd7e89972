// SPDX-License-Identifier: MIT
#include "tests/peer/far.h"

#include "tests/peer/child.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWER_MS = 5000, JOIN_MS = 30000, FLAGS_MAX = 24 };

static struct child *bad_link;
static char *namespace_path, *near_address, *why_not;

struct far_member {
    struct child *child;
    double round_trip_ms;
    int members;
};

static char *text_of(const json_t *object, const char *key) {
    return g_strdup(json_string_value(json_object_get(object, key)));
}
static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

// --- the link ---

const char *far_open(void) {
    const char *binary = getenv("TESSERA_LINK");
    const char *argv[] = {binary ? binary : "build/tests/link/link", "--seed", "1", NULL};
    bad_link = child_start(argv);
    json_t *first = bad_link ? child_read(bad_link, client_slow(ANSWER_MS)) : NULL;
    why_not = text_of(first, "skip");
    namespace_path = text_of(first, "netns");
    near_address = text_of(first, "near");
    json_decref(first);
    if (!why_not && !namespace_path)
        fail_msg("%s did not start", argv[0]);
    return why_not;
}

void far_close(void) {
    int status = child_stop(bad_link);
    bool is_skipped = why_not != NULL;
    bad_link = NULL;
    g_clear_pointer(&namespace_path, g_free);
    g_clear_pointer(&near_address, g_free);
    g_clear_pointer(&why_not, g_free);
    if (!is_skipped)
        assert_int_equal(status, 0);
}

const char *far_near_address(void) {
    return near_address;
}

static json_t *ask(struct child *child, const char *line) {
    json_t *answer = child_ask(child, line, client_slow(ANSWER_MS));
    if (!json_is_object(answer) || json_object_get(answer, "error"))
        fail_msg("no good answer to \"%s\"", line);
    return answer;
}

void far_set(const char *line) {
    json_decref(ask(bad_link, line));
}

void far_link_figures(const char *direction, struct far_figures *out) {
    json_t *answer = ask(bad_link, "stats"), *figures = json_object_get(answer, direction);
    *out = (struct far_figures){
        .packets_in = number_of(figures, "packets_in"),
        .lost = number_of(figures, "lost"),
        .overflowed = number_of(figures, "overflowed"),
        .queue_max_ms = number_of(figures, "queue_max_ms"),
        .kbits_out = number_of(figures, "bytes_out") * 8 / 1000,
    };
    json_decref(answer);
}

// --- members ---

static struct child *start_peer(const char *url, const char *room, const char *const *flags) {
    const char *binary = getenv("TESSERA_PEER");
    const char *argv[FLAGS_MAX] = {binary ? binary : "build/tests/peer/peer",
                                   "--asked",
                                   "--netns",
                                   namespace_path,
                                   "--url",
                                   url,
                                   "--room",
                                   room};
    int count = 8;
    for (; flags && *flags && count < FLAGS_MAX - 1; flags++)
        argv[count++] = *flags;
    return child_start(argv);
}

struct far_member *far_join(int port, const char *room, const char *const *flags, char *member_id) {
    char *url = g_strdup_printf("ws://%s:%d/ws", near_address, port);
    struct far_member *member = g_new0(struct far_member, 1);
    member->child = start_peer(url, room, flags);
    g_free(url);
    json_t *first = member->child ? child_read(member->child, client_slow(JOIN_MS)) : NULL;
    bool is_in = json_is_true(json_object_get(first, "joined"));
    g_strlcpy(member_id, is_in ? json_string_value(json_object_get(first, "id")) : "",
              CLIENT_ID_MAX);
    json_decref(first);
    if (is_in)
        return member;
    far_leave(member);
    fail_msg("the member behind the link did not connect");
    return NULL;
}

void far_leave(struct far_member *member) {
    if (!member)
        return;
    child_stop(member->child);
    g_free(member);
}

static void ask_figures(struct far_member *member, const char *line, struct figures_view *out) {
    json_t *a = ask(member->child, line);
    *out = (struct figures_view){
        .seconds = number_of(a, "seconds"),
        .audio_gap_ms = number_of(a, "audio_gap_ms"),
        .audio_heard_ms = number_of(a, "audio_heard_ms"),
        .audio_repaired_ms = number_of(a, "audio_repaired_ms"),
        .audio_concealed_ms = number_of(a, "audio_concealed_ms"),
        .audio_waited_ms = number_of(a, "audio_waited_ms"),
        .audio_packets = (uint64_t)number_of(a, "audio_packets"),
        .audio_lost = (uint64_t)number_of(a, "audio_lost"),
        .audio_bytes = (uint64_t)number_of(a, "audio_bytes"),
        .audio_packet_ms = number_of(a, "audio_packet_ms"),
        .frames = (uint64_t)number_of(a, "frames"),
        .video_bytes = (uint64_t)number_of(a, "video_bytes"),
        .freeze_ms = number_of(a, "freeze_ms"),
        .fps = number_of(a, "fps"),
        .fps_least = (int)number_of(a, "fps_least"),
        .fps_now = (int)number_of(a, "fps_now"),
        .width_px = (int)number_of(a, "width"),
        .height_px = (int)number_of(a, "height"),
    };
    member->round_trip_ms = number_of(a, "round_trip_ms");
    member->members = (int)number_of(a, "members");
    json_decref(a);
}

void far_begin(struct far_member *member) {
    struct figures_view view;
    ask_figures(member, "begin", &view);
}

void far_figures(struct far_member *member, struct figures_view *out) {
    ask_figures(member, "figures", out);
}

double far_round_trip_ms(struct far_member *member) {
    return member->round_trip_ms;
}
int far_member_count(struct far_member *member) {
    return member->members;
}
