// SPDX-License-Identifier: MIT
#include "mcu/room_record_notes.h"

#include "mcu/protocol.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAT_SHOWN_S = 6 };
#define SECOND_NS INT64_C(1000000000)

struct chapter {
    int64_t at_ns;
    char *title;
};

struct remark {
    int64_t at_ns;
    char *name, *text;
};

struct record_notes {
    atomic_int references;

    // Protected by lock.
    pthread_mutex_t lock;
    GArray *chapters, *chat; // struct chapter, struct remark
    json_t *members, *layouts, *gaps, *pauses;
    bool is_cut, has_news;
    bool is_told; // that there are: whoever was told has not begun to write

    // Held while files are written: by no thread that must not wait.
    pthread_mutex_t writing;
    bool is_closed; // protected by writing
};

static void clear_chapter(gpointer data) {
    g_free(((struct chapter *)data)->title);
}

static void clear_remark(gpointer data) {
    struct remark *remark = data;
    g_free(remark->name);
    g_free(remark->text);
}

struct record_notes *record_notes_create(void) {
    struct record_notes *notes = calloc(1, sizeof(*notes));
    if (!notes)
        return NULL;
    atomic_init(&notes->references, 1);
    pthread_mutex_init(&notes->lock, NULL);
    pthread_mutex_init(&notes->writing, NULL);
    notes->chapters = g_array_new(FALSE, FALSE, sizeof(struct chapter));
    notes->chat = g_array_new(FALSE, FALSE, sizeof(struct remark));
    g_array_set_clear_func(notes->chapters, clear_chapter);
    g_array_set_clear_func(notes->chat, clear_remark);
    notes->members = json_array();
    notes->layouts = json_array();
    notes->gaps = json_array();
    notes->pauses = json_array();
    return notes;
}

struct record_notes *record_notes_ref(struct record_notes *notes) {
    atomic_fetch_add(&notes->references, 1);
    return notes;
}

void record_notes_unref(struct record_notes *notes) {
    if (!notes || atomic_fetch_sub(&notes->references, 1) != 1)
        return;
    g_array_free(notes->chapters, TRUE);
    g_array_free(notes->chat, TRUE);
    json_decref(notes->members);
    json_decref(notes->layouts);
    json_decref(notes->gaps);
    json_decref(notes->pauses);
    pthread_mutex_destroy(&notes->lock);
    pthread_mutex_destroy(&notes->writing);
    free(notes);
}

// ---- writing down ----

static double seconds(int64_t ns) {
    return (double)ns / 1e9;
}

static void append(struct record_notes *notes, json_t *list, json_t *entry) {
    pthread_mutex_lock(&notes->lock);
    bool fits = json_array_size(list) < RECORD_NOTES_MAX;
    if (fits)
        json_array_append(list, entry);
    notes->is_cut |= !fits;
    notes->has_news = true;
    pthread_mutex_unlock(&notes->lock);
    json_decref(entry);
}

void record_notes_add_member(struct record_notes *notes, int64_t at_ns, const char *id,
                             const char *name, const char *role) {
    append(notes, notes->members,
           json_pack("{s:s, s:s, s:s, s:f, s:n}", "id", id, "name", name, "role", role,
                     "joined_seconds", seconds(at_ns), "left_seconds"));
}

void record_notes_end_member(struct record_notes *notes, int64_t at_ns, const char *id) {
    pthread_mutex_lock(&notes->lock);
    for (size_t i = json_array_size(notes->members); i-- > 0;) {
        json_t *member = json_array_get(notes->members, i);
        if (g_strcmp0(json_string_value(json_object_get(member, "id")), id) != 0)
            continue;
        json_object_set_new(member, "left_seconds", json_real(seconds(at_ns)));
        break;
    }
    notes->has_news = true;
    pthread_mutex_unlock(&notes->lock);
}

void record_notes_add_layout(struct record_notes *notes, int64_t at_ns, json_t *layout) {
    json_object_set_new(layout, "at_seconds", json_real(seconds(at_ns)));
    append(notes, notes->layouts, layout);
}

void record_notes_add_gap(struct record_notes *notes, int64_t at_ns, int64_t length_ns) {
    append(notes, notes->gaps,
           json_pack("{s:f, s:f}", "at_seconds", seconds(at_ns), "seconds", seconds(length_ns)));
}

void record_notes_add_pause(struct record_notes *notes, int64_t at_ns, int64_t at_unix_ms,
                            bool is_paused) {
    char at[32];
    protocol_time(at_unix_ms, at);
    append(notes, notes->pauses,
           json_pack("{s:f, s:s, s:s}", "at_seconds", seconds(at_ns), "at", at, "state",
                     is_paused ? "paused" : "resumed"));
}

void record_notes_add_chapter(struct record_notes *notes, int64_t at_ns, const char *title) {
    pthread_mutex_lock(&notes->lock);
    bool fits = notes->chapters->len < RECORD_CHAPTERS_MAX;
    if (fits) {
        struct chapter chapter = {.at_ns = at_ns, .title = g_strdup(title)};
        g_array_append_val(notes->chapters, chapter);
    }
    notes->is_cut |= !fits;
    notes->has_news = true;
    pthread_mutex_unlock(&notes->lock);
}

void record_notes_add_chat(struct record_notes *notes, int64_t at_ns, const char *name,
                           const char *text) {
    pthread_mutex_lock(&notes->lock);
    bool fits = notes->chat->len < RECORD_NOTES_MAX;
    if (fits) {
        struct remark remark = {.at_ns = at_ns, .name = g_strdup(name), .text = g_strdup(text)};
        g_array_append_val(notes->chat, remark);
    }
    notes->is_cut |= !fits;
    notes->has_news = true;
    pthread_mutex_unlock(&notes->lock);
}

bool record_notes_take_news(struct record_notes *notes) {
    pthread_mutex_lock(&notes->lock);
    bool has_news = notes->has_news && !notes->is_told;
    notes->has_news &= !has_news;
    notes->is_told |= has_news;
    pthread_mutex_unlock(&notes->lock);
    return has_news;
}

bool record_notes_begin_writing(struct record_notes *notes, bool is_last) {
    pthread_mutex_lock(&notes->writing);
    pthread_mutex_lock(&notes->lock);
    notes->is_told = false;
    pthread_mutex_unlock(&notes->lock);
    bool was_closed = notes->is_closed;
    notes->is_closed |= is_last;
    if (was_closed)
        pthread_mutex_unlock(&notes->writing);
    return !was_closed;
}

void record_notes_end_writing(struct record_notes *notes) {
    pthread_mutex_unlock(&notes->writing);
}

// ---- WebVTT ----

// A cue ends at an empty line, and markup begins at < and &: so none of these is left in it.
static void put_escaped(GString *out, const char *text) {
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '&': g_string_append(out, "&amp;"); break;
        case '<': g_string_append(out, "&lt;"); break;
        case '>': g_string_append(out, "&gt;"); break;
        case '\r':
        case '\n': g_string_append_c(out, ' '); break;
        default: g_string_append_c(out, *c); break;
        }
}

static void put_time(GString *out, int64_t ns) {
    int64_t ms = ns > 0 ? ns / 1000000 : 0;
    g_string_append_printf(out, "%02lld:%02d:%02d.%03d", (long long)(ms / 3600000),
                           (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
}

// No cue of no length: it would be none.
static void put_times(GString *out, int64_t from_ns, int64_t to_ns) {
    put_time(out, from_ns);
    g_string_append(out, " --> ");
    put_time(out, MAX(to_ns, from_ns + SECOND_NS / 100));
    g_string_append_c(out, '\n');
}

// Made by GLib, freed by the caller with free(): the same allocator.
static char *give(GString *text) {
    char *copy = strdup(text->str);
    g_string_free(text, TRUE);
    return copy;
}

char *record_notes_chapters(struct record_notes *notes, int64_t end_ns) {
    GString *out = g_string_new("WEBVTT\n");
    pthread_mutex_lock(&notes->lock);
    for (guint i = 0; i < notes->chapters->len; i++) {
        const struct chapter *chapter = &g_array_index(notes->chapters, struct chapter, i);
        bool is_last = i + 1 == notes->chapters->len;
        int64_t to_ns = is_last ? end_ns : chapter[1].at_ns;
        g_string_append_printf(out, "\n%u\n", i + 1);
        put_times(out, chapter->at_ns, to_ns);
        put_escaped(out, chapter->title);
        g_string_append_c(out, '\n');
    }
    pthread_mutex_unlock(&notes->lock);
    return give(out);
}

char *record_notes_chat(struct record_notes *notes) {
    GString *out = g_string_new("WEBVTT\n");
    pthread_mutex_lock(&notes->lock);
    for (guint i = 0; i < notes->chat->len; i++) {
        const struct remark *remark = &g_array_index(notes->chat, struct remark, i);
        g_string_append_printf(out, "\n%u\n", i + 1);
        put_times(out, remark->at_ns, remark->at_ns + CHAT_SHOWN_S * SECOND_NS);
        g_string_append(out, "<v ");
        put_escaped(out, remark->name);
        g_string_append_c(out, '>');
        put_escaped(out, remark->text);
        g_string_append_c(out, '\n');
    }
    pthread_mutex_unlock(&notes->lock);
    return give(out);
}

// ---- JSON ----

static json_t *list_chapters_locked(const struct record_notes *notes) {
    json_t *list = json_array();
    for (guint i = 0; i < notes->chapters->len; i++) {
        const struct chapter *chapter = &g_array_index(notes->chapters, struct chapter, i);
        json_array_append_new(list, json_pack("{s:f, s:s}", "at_seconds", seconds(chapter->at_ns),
                                              "title", chapter->title));
    }
    return list;
}

char *record_notes_details(struct record_notes *notes, const json_t *about) {
    json_t *json = json_copy((json_t *)about);
    pthread_mutex_lock(&notes->lock);
    json_object_set(json, "members", notes->members);
    json_object_set(json, "layouts", notes->layouts);
    json_object_set(json, "gaps_at", notes->gaps);
    json_object_set(json, "pauses", notes->pauses);
    json_object_set_new(json, "chapters", list_chapters_locked(notes));
    json_object_set_new(json, "is_cut", json_boolean(notes->is_cut));
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    // Lists are the notes': they are let go while nobody else counts them.
    json_decref(json);
    pthread_mutex_unlock(&notes->lock);
    return text;
}
