// SPDX-License-Identifier: MIT
// A room's pictures outlive it, and the process, as files: <data_dir>/pictures/<room>.<slot>, whose
// names are made of clean room names alone. Which of them are a room's stands in its settings in
// the store: a file that is left over by somebody else's room of the same name is nobody's.
#include "mcu/room_internal.h"

#include "mcu/errands.h"
#include "mcu/log.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const slot_names[STAGE_PICTURES] = {"background", "logo", "banner"};

static char *path_of(const struct room *room, enum stage_picture slot) {
    return g_strdup_printf("%s/pictures/%s.%s", room->world->config->data_dir, room->spec.name,
                           slot_names[slot]);
}

struct picture_errand {
    char *path;
    GBytes *data;      // NULL: remove the file
    struct room *room; // to be given the picture
    enum stage_picture slot;
    struct picture *picture;
};

static void free_errand(struct picture_errand *errand) {
    g_free(errand->path);
    if (errand->data)
        g_bytes_unref(errand->data);
    free(errand);
}

static void keep(void *user) {
    struct picture_errand *errand = user;
    char *dir = g_path_get_dirname(errand->path);
    GError *error = NULL;
    gsize size;
    const char *data = errand->data ? g_bytes_get_data(errand->data, &size) : NULL;
    if (!data)
        g_unlink(errand->path);
    else if (g_mkdir_with_parents(dir, 0700) != 0 ||
             !g_file_set_contents_full(errand->path, data, (gssize)size,
                                       G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        log_warn(errand->path, "picture not kept: %s", error ? error->message : "no directory");
    g_clear_error(&error);
    g_free(dir);
    free_errand(errand);
}

static void send(struct room *room, enum stage_picture slot, GBytes *data) {
    struct picture_errand *errand = calloc(1, sizeof(*errand));
    if (!errand)
        return;
    errand->path = path_of(room, slot);
    errand->data = data ? g_bytes_ref(data) : NULL;
    errands_send(room->world->errands, keep, errand);
}

void room_set_picture(struct room *room, enum stage_picture slot, struct picture *picture,
                      GBytes *data) {
    room->has_picture[slot] = picture != NULL;
    mixer_set_picture(room->mixer, slot, picture);
    send(room, slot, data);
    room_on_settings_changed(room);
}

// ---- coming back ----

static void show(void *user) {
    struct picture_errand *errand = user;
    struct room *room = errand->room;
    if (room->is_ended || !room->has_picture[errand->slot])
        picture_destroy(errand->picture);
    else
        mixer_set_picture(room->mixer, errand->slot, errand->picture);
    room_unref(room);
    free_errand(errand);
}

static void load(void *user) {
    struct picture_errand *errand = user;
    char *data = NULL;
    gsize size = 0;
    if (!g_file_get_contents(errand->path, &data, &size, NULL) ||
        picture_decode(data, size, &errand->picture) != 0)
        log_warn(errand->path, "picture not found again");
    g_free(data);
    loop_post(errand->room->world->loop, show, errand);
}

void room_recall_pictures(struct room *room, const json_t *slots) {
    for (int slot = 0; slot < STAGE_PICTURES; slot++) {
        struct picture_errand *errand;
        bool is_kept = false;
        for (size_t i = 0; i < json_array_size(slots); i++)
            is_kept |=
                g_strcmp0(json_string_value(json_array_get(slots, i)), slot_names[slot]) == 0;
        if (!is_kept || !(errand = calloc(1, sizeof(*errand))))
            continue;
        room->has_picture[slot] = true;
        errand->path = path_of(room, slot);
        errand->slot = slot;
        errand->room = room_ref(room);
        errands_send(room->world->errands, load, errand);
    }
}

json_t *room_list_pictures(const struct room *room) {
    json_t *list = json_array();
    for (int slot = 0; slot < STAGE_PICTURES; slot++)
        if (room->has_picture[slot])
            json_array_append_new(list, json_string(slot_names[slot]));
    return list;
}

void room_forget_pictures(struct room *room) {
    for (int slot = 0; slot < STAGE_PICTURES; slot++)
        if (room->has_picture[slot])
            send(room, slot, NULL);
}
