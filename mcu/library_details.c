// SPDX-License-Identifier: MIT
// details.json is written while a recording runs, so what a crash took from memory is still there,
// as it was some seconds before.
#include "mcu/library_internal.h"
#include "mcu/log.h"
#include "mcu/room_record_notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const json_t *object, const char *key) {
    double number = json_number_value(json_object_get(object, key));
    return number > 0 && number < 1e9 ? number : 0;
}

static void add_up_gaps(struct library_details *details) {
    const json_t *gaps = json_object_get(details->json, "gaps_at");
    double seconds = 0;
    for (size_t i = 0; i < json_array_size(gaps); i++)
        seconds += number_of(json_array_get(gaps, i), "seconds");
    details->gaps = (int)json_array_size(gaps);
    details->gap_ms = (int64_t)(seconds * 1000);
}

static void take_chapters(struct library_details *details) {
    const json_t *list = json_object_get(details->json, "chapters");
    size_t count = MIN(json_array_size(list), RECORD_CHAPTERS_MAX);
    details->chapters = g_new0(struct repair_chapter, count + 1);
    for (size_t i = 0; i < count; i++) {
        const json_t *chapter = json_array_get(list, i);
        const char *title = json_string_value(json_object_get(chapter, "title"));
        if (title)
            details->chapters[details->chapter_count++] = (struct repair_chapter){
                .at_ns = (int64_t)(number_of(chapter, "at_seconds") * 1e9), .title = title};
    }
}

static json_t *load(const char *dir, const char *id, char path[LIBRARY_PATH_MAX]) {
    if (!library_side_path(dir, id, "details.json", path))
        return NULL;
    json_t *json = json_load_file(path, 0, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

void library_details_read(const char *dir, const char *id, struct library_details *out) {
    char path[LIBRARY_PATH_MAX];
    *out = (struct library_details){.json = load(dir, id, path)};
    add_up_gaps(out);
    take_chapters(out);
}

void library_details_finish(struct library_details *details) {
    g_free(details->chapters);
    json_decref(details->json);
    *details = (struct library_details){0};
}

void library_details_skip(struct library_details *details, int64_t duration_ns) {
    for (int i = 0; i < details->chapter_count; i++)
        details->chapters[i].at_ns -= duration_ns;
}

// ---- writing ----

static int store_json(const char *path, const json_t *json) {
    char *text = json_dumps(json, JSON_INDENT(2));
    int error = text ? library_write_file(path, text, strlen(text)) : -ENOMEM;
    free(text);
    return error;
}

// What was the last chapter when it was written down may have gone on for long.
static int write_chapters(const char *path, json_t *json, int64_t duration_ns) {
    struct library_details fresh = {.json = json};
    struct record_notes *notes = record_notes_create();
    if (!notes)
        return -ENOMEM;
    take_chapters(&fresh);
    for (int i = 0; i < fresh.chapter_count; i++)
        record_notes_add_chapter(notes, fresh.chapters[i].at_ns, fresh.chapters[i].title);
    char *text = record_notes_chapters(notes, duration_ns);
    int error = text ? library_write_file(path, text, strlen(text)) : -ENOMEM;
    free(text);
    g_free(fresh.chapters);
    record_notes_unref(notes);
    return error;
}

void library_details_write(const char *dir, const char *id, const struct library_details *details,
                           int64_t duration_ns) {
    char path[LIBRARY_PATH_MAX];
    int error = 0;
    if (!details->json)
        return;
    json_object_set_new(details->json, "duration_seconds", json_real((double)duration_ns / 1e9));
    if (library_side_path(dir, id, "details.json", path))
        error = store_json(path, details->json);
    if (!error && library_side_path(dir, id, "chapters.vtt", path))
        error = write_chapters(path, details->json, duration_ns);
    if (error)
        log_warn(id, "its details are as they were: %s", strerror(-error));
}

void library_details_add_sheet(const char *dir, const char *id, json_t *sheet) {
    char path[LIBRARY_PATH_MAX];
    json_t *json = load(dir, id, path);
    if (json) {
        json_object_set(json, "sheet", sheet);
        int error = store_json(path, json);
        if (error)
            log_warn(id, "its sheet is not told in its details: %s", strerror(-error));
    }
    json_decref(json);
    json_decref(sheet);
}
