// SPDX-License-Identifier: MIT
#include "mcu/room_record_internal.h"

#include "mcu/errands.h"
#include "mcu/log.h"
#include "mcu/protocol.h"
#include "mcu/room_broadcast.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_EVERY_NS    ROOM_SECOND_NS
#define SPEAKER_EVERY_NS (10 * ROOM_SECOND_NS)
#define WRITE_EVERY_NS   (10 * ROOM_SECOND_NS)

// ---- how far it is ----

void record_get_figures(struct recording *recording, struct library_figures *out) {
    struct recorder_stats stats = {0};
    recorder_get_stats(recording->recorder, &stats);
    *out = (struct library_figures){.state = recording->reason      ? "finishing"
                                             : recording->is_paused ? "paused"
                                                                    : "recording",
                                    .reason = recording->reason,
                                    .duration_ns = stats.duration_ns,
                                    .gap_ns = stats.gap_ns,
                                    .bytes = stats.bytes,
                                    .segments = stats.segments > 0 ? stats.segments : 1,
                                    .gaps = (int)stats.gaps,
                                    .kbps = stats.kbps};
}

void record_note_figures(struct recording *recording) {
    struct library_figures figures;
    record_get_figures(recording, &figures);
    library_note(recording->room->world->library, recording->id, &figures);
}

static int64_t position_ns(struct recording *recording) {
    struct recorder_stats stats = {0};
    recorder_get_stats(recording->recorder, &stats);
    return stats.duration_ns;
}

void record_event(struct recording *recording, const char *type, json_t *more) {
    const struct room *room = recording->room;
    json_t *shown = library_show(room->world->library, recording->id);
    json_t *data = json_pack("{s:o}", "recording", shown ? shown : json_object());
    if (more)
        json_object_update(data, more);
    json_decref(more);
    events_add(room->world->events, type, room->spec.name, data);
}

static bool is_running(const struct recording *recording) {
    return !recording->reason && !recording->is_paused;
}

const char *room_record_state(const struct room *room) {
    const char *state = "stopped";
    for (guint i = 0; i < room->recordings->len; i++) {
        const struct recording *recording = room->recordings->pdata[i];
        if (is_running(recording))
            return "recording";
        if (!recording->reason)
            state = "paused";
    }
    return state;
}

json_t *room_record_list(const struct room *room) {
    json_t *list = json_array();
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        struct library_figures figures;
        if (recording->reason)
            continue;
        record_get_figures(recording, &figures);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:s, s:f, s:I, s:i, s:i}", "id", recording->id,
                            "container", recorder_container_name(recording->container),
                            "audio_only", !recording->has_video, "state", figures.state,
                            "duration_seconds", (double)figures.duration_ns / 1e9, "bytes",
                            (json_int_t)figures.bytes, "kbps", figures.kbps, "gaps", figures.gaps));
    }
    return list;
}

// Takes list.
static void tell(struct room *room, json_t *list) {
    const char *state = room_record_state(room);
    mixer_set_recording(room->mixer, strcmp(state, "recording") == 0);
    room->record_told_ns = mixer_now_ns();
    room_tell_signaling(room, protocol_recording(state, list, room_broadcast_list(room)), NULL);
}

void record_tell(struct room *room) {
    tell(room, room_record_list(room));
}

void record_tell_end(const struct recording *recording) {
    json_t *list = room_record_list(recording->room);
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:b, s:s, s:s}", "id", recording->id, "container",
                        recorder_container_name(recording->container), "audio_only",
                        !recording->has_video, "state", "finishing", "reason", recording->reason));
    tell(recording->room, list);
}

// ---- side files ----

static void write_side_file(const struct recording *recording, const char *name, char *text) {
    char path[LIBRARY_PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/%s", recording->dir, name);
    GError *error = NULL;
    if (text &&
        !g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        log_warn(recording->id, "%s not written: %s", name, error->message);
    g_clear_error(&error);
    free(text);
}

void record_write_side_files(const struct recording *recording, int64_t end_ns, bool is_last) {
    char started_at[32];
    if (!record_notes_begin_writing(recording->notes, is_last))
        return;
    protocol_time(recording->started_unix_ms, started_at);
    json_t *about = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:f}", "id", recording->id, "room",
                              recording->room->spec.name, "title",
                              recording->title[0] ? recording->title : NULL, "container",
                              recorder_container_name(recording->container), "started_at",
                              started_at, "duration_seconds", (double)end_ns / 1e9);
    write_side_file(recording, "chapters.vtt", record_notes_chapters(recording->notes, end_ns));
    write_side_file(recording, "chat.vtt", record_notes_chat(recording->notes));
    write_side_file(recording, "details.json", record_notes_details(recording->notes, about));
    json_decref(about);
    record_notes_end_writing(recording->notes);
}

// A copy of what the errand needs: the recording may have ended before its turn.
struct writing {
    struct recording recording;
    int64_t end_ns;
};

static void write_now(void *user) {
    struct writing *writing = user;
    record_write_side_files(&writing->recording, writing->end_ns, false);
    record_notes_unref(writing->recording.notes);
    room_unref(writing->recording.room);
    free(writing);
    record_count_unfinished(-1);
}

// Now and then, so that they are there after a crash as well.
static void keep_side_files(struct recording *recording, int64_t now_ns) {
    if (now_ns - recording->written_ns < WRITE_EVERY_NS ||
        !record_notes_take_news(recording->notes))
        return;
    struct writing *writing = g_new0(struct writing, 1);
    recording->written_ns = now_ns;
    writing->recording = *recording;
    writing->end_ns = position_ns(recording);
    room_ref(recording->room);
    record_notes_ref(recording->notes);
    record_count_unfinished(1);
    errands_send(recording->room->world->disk_errands, write_now, writing);
}

// ---- chapters ----

static void add_chapter(struct recording *recording, const char *title) {
    recorder_add_chapter(recording->recorder, mixer_now_ns(), title);
    record_notes_add_chapter(recording->notes, position_ns(recording), title);
}

__attribute__((format(printf, 2, 3))) static void add_chapters(struct room *room,
                                                               const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *title = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    for (guint i = 0; i < room->recordings->len; i++)
        if (is_running(room->recordings->pdata[i]))
            add_chapter(room->recordings->pdata[i], title);
    g_free(title);
}

static void note_member(struct recording *recording, const struct member *member) {
    if (member_role(member) != ROLE_VIEWER)
        record_notes_add_member(recording->notes, position_ns(recording), member_id(member),
                                member_name(member), role_name(member_role(member)));
}

static json_t *view_to_json(const struct stage_view *view) {
    json_t *tiles = json_array();
    for (int i = 0; i < view->count; i++)
        json_array_append_new(
            tiles, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "member", view->tiles[i].member,
                             "kind", view->tiles[i].role == VIDEO_SCREEN ? "screen" : "camera", "x",
                             view->tiles[i].at.x, "y", view->tiles[i].at.y, "width",
                             view->tiles[i].at.width, "height", view->tiles[i].at.height));
    return json_pack("{s:s, s:{s:i, s:i}, s:o}", "kind", layout_name(view->kind), "canvas", "width",
                     view->width_px, "height", view->height_px, "tiles", tiles);
}

void record_begin_notes(struct recording *recording) {
    struct room *room = recording->room;
    for (guint i = 0; i < room->members->len; i++)
        note_member(recording, room->members->pdata[i]);
    if (room->has_view)
        record_notes_add_layout(recording->notes, 0, view_to_json(&room->view));
    add_chapter(recording, recording->title[0] ? recording->title : room->spec.name);
}

void record_add_pause(struct recording *recording, bool is_paused) {
    record_notes_add_pause(recording->notes, position_ns(recording), room_unix_ms(), is_paused);
}

// ---- what happens in the room ----

void room_record_on_join(struct room *room, const struct member *member) {
    if (member_role(member) == ROLE_VIEWER)
        return;
    for (guint i = 0; i < room->recordings->len; i++)
        note_member(room->recordings->pdata[i], member);
    add_chapters(room, "%s joined", member_name(member));
    room_record_start_by_itself(room);
}

void room_record_on_leave(struct room *room, const char *id, const char *name) {
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        record_notes_end_member(recording->notes, position_ns(recording), id);
    }
    add_chapters(room, "%s left", name);
}

static bool shows_screen(const struct stage_view *view, const char *member) {
    for (int i = 0; i < view->count; i++)
        if (view->tiles[i].role == VIDEO_SCREEN && strcmp(view->tiles[i].member, member) == 0)
            return true;
    return false;
}

static void note_screens(struct room *room, const struct stage_view *view) {
    for (int i = 0; i < view->count; i++) {
        const char *id = view->tiles[i].member;
        if (view->tiles[i].role != VIDEO_SCREEN ||
            (room->has_view && shows_screen(&room->view, id)))
            continue;
        const struct member *member = room_find_member(room, id);
        if (member)
            add_chapters(room, "%s shares the screen", member_name(member));
    }
}

void room_record_on_view(struct room *room, const struct stage_view *view) {
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        record_notes_add_layout(recording->notes, position_ns(recording), view_to_json(view));
    }
    if (room->recordings->len > 0)
        note_screens(room, view);
}

// Who speaks changes all the time: only who holds the floor anew after a while is a chapter.
void room_record_on_speaking(struct room *room) {
    const char *id = room->speaking.main_id;
    const struct member *member = id[0] ? room_find_member(room, id) : NULL;
    int64_t now_ns = mixer_now_ns();
    for (guint i = 0; member && i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        if (!is_running(recording) || strcmp(recording->speaker, id) == 0 ||
            now_ns - recording->speaker_ns < SPEAKER_EVERY_NS)
            continue;
        recording->speaker_ns = now_ns;
        g_strlcpy(recording->speaker, id, sizeof(recording->speaker));
        char *title = g_strdup_printf("%s speaks", member_name(member));
        add_chapter(recording, title);
        g_free(title);
    }
}

void room_record_on_chat(struct room *room, const char *name, const char *text) {
    for (guint i = 0; i < room->recordings->len; i++) {
        struct recording *recording = room->recordings->pdata[i];
        if (is_running(recording))
            record_notes_add_chat(recording->notes, position_ns(recording), name, text);
    }
}

// ---- time passes ----

void room_record_check(struct room *room, int64_t now_ns) {
    for (guint i = 0; i < room->recordings->len; i++) {
        keep_side_files(room->recordings->pdata[i], now_ns);
        record_note_figures(room->recordings->pdata[i]);
    }
    bool is_busy = room->recordings->len > 0 || room->broadcasts->len > 0;
    if (is_busy && now_ns - room->record_told_ns >= TELL_EVERY_NS)
        record_tell(room);
}
