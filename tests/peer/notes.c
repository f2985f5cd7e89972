// SPDX-License-Identifier: MIT
// One handler per message type; unknown types are only counted.
#include "tests/peer/notes.h"

#include <glib.h>
#include <string.h>

struct notes {
    GMutex lock; // protects all
    char id[CLIENT_ID_MAX];
    char *resume;
    bool was_resumed, has_layout, has_bye;
    struct client_layout layout;
    json_t *members;   // id -> member
    json_t *speaking;  // array of ids, or NULL
    json_t *counts;    // type -> integer
    json_t *newest;    // type -> message
    GPtrArray *chats;  // texts
    GPtrArray *errors; // codes
    char bye_reason[128];
};

struct notes *notes_create(void) {
    struct notes *notes = g_new0(struct notes, 1);
    g_mutex_init(&notes->lock);
    notes->members = json_object();
    notes->counts = json_object();
    notes->newest = json_object();
    notes->chats = g_ptr_array_new_with_free_func(g_free);
    notes->errors = g_ptr_array_new_with_free_func(g_free);
    return notes;
}

void notes_destroy(struct notes *notes) {
    if (!notes)
        return;
    json_decref(notes->members);
    json_decref(notes->counts);
    json_decref(notes->newest);
    json_decref(notes->speaking);
    g_ptr_array_free(notes->chats, TRUE);
    g_ptr_array_free(notes->errors, TRUE);
    g_free(notes->resume);
    g_mutex_clear(&notes->lock);
    g_free(notes);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int number_of(const json_t *object, const char *key) {
    return (int)json_integer_value(json_object_get(object, key));
}

// --- messages ---

static void take_member(struct notes *notes, const json_t *message) {
    json_t *member = json_object_get(message, "member");
    if (member && *text_of(member, "id"))
        json_object_set(notes->members, text_of(member, "id"), member);
}

static void take_chat(struct notes *notes, const json_t *message) {
    g_ptr_array_add(notes->chats, g_strdup(text_of(message, "text")));
}

static void take_joined(struct notes *notes, const json_t *message) {
    size_t i;
    json_t *item;
    g_strlcpy(notes->id, text_of(message, "id"), sizeof(notes->id));
    g_free(notes->resume);
    notes->resume = g_strdup(text_of(message, "resume"));
    notes->was_resumed = json_is_true(json_object_get(message, "resumed"));
    json_object_clear(notes->members);
    json_array_foreach(json_object_get(message, "members"), i, item)
        json_object_set(notes->members, text_of(item, "id"), item);
    json_array_foreach(json_object_get(message, "messages"), i, item) take_chat(notes, item);
}

static void take_member_left(struct notes *notes, const json_t *message) {
    json_object_del(notes->members, text_of(message, "id"));
}

static void take_layout(struct notes *notes, const json_t *message) {
    struct client_layout *layout = &notes->layout;
    const json_t *canvas = json_object_get(message, "canvas");
    memset(layout, 0, sizeof(*layout));
    g_strlcpy(layout->name, text_of(message, "name"), sizeof(layout->name));
    layout->width_px = number_of(canvas, "width");
    layout->height_px = number_of(canvas, "height");
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(message, "tiles"), i, item) {
        if (layout->count == CLIENT_TILES_MAX)
            break;
        struct client_tile *tile = &layout->tiles[layout->count++];
        g_strlcpy(tile->member, text_of(item, "member"), sizeof(tile->member));
        tile->is_screen = !strcmp(text_of(item, "kind"), "screen");
        tile->at = (struct client_rect){number_of(item, "x"), number_of(item, "y"),
                                        number_of(item, "width"), number_of(item, "height")};
    }
    notes->has_layout = true;
}

static void take_speaking(struct notes *notes, const json_t *message) {
    json_decref(notes->speaking);
    notes->speaking = json_deep_copy(json_object_get(message, "members"));
}

static void take_error(struct notes *notes, const json_t *message) {
    g_ptr_array_add(notes->errors, g_strdup(text_of(message, "code")));
}

static void take_bye(struct notes *notes, const json_t *message) {
    notes->has_bye = true;
    g_strlcpy(notes->bye_reason, text_of(message, "reason"), sizeof(notes->bye_reason));
}

static const struct {
    const char *type;
    void (*take)(struct notes *notes, const json_t *message);
} handlers[] = {
    {"bye", take_bye},
    {"chat", take_chat},
    {"error", take_error},
    {"joined", take_joined},
    {"layout", take_layout},
    {"member-joined", take_member},
    {"member-left", take_member_left},
    {"member-updated", take_member},
    {"speaking", take_speaking},
};

void notes_take(struct notes *notes, const json_t *message) {
    const char *type = message ? text_of(message, "type") : "broken";
    g_mutex_lock(&notes->lock);
    json_object_set_new(notes->counts, type, json_integer(number_of(notes->counts, type) + 1));
    json_object_set(notes->newest, type, (json_t *)message);
    for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++)
        if (!strcmp(type, handlers[i].type))
            handlers[i].take(notes, message);
    g_mutex_unlock(&notes->lock);
}

// --- questions ---

void notes_id(struct notes *notes, char out[CLIENT_ID_MAX]) {
    g_mutex_lock(&notes->lock);
    memcpy(out, notes->id, CLIENT_ID_MAX);
    g_mutex_unlock(&notes->lock);
}

char *notes_resume_token(struct notes *notes) {
    g_mutex_lock(&notes->lock);
    char *token = g_strdup(notes->resume);
    g_mutex_unlock(&notes->lock);
    return token;
}

bool notes_was_resumed(struct notes *notes) {
    g_mutex_lock(&notes->lock);
    bool was_resumed = notes->was_resumed;
    g_mutex_unlock(&notes->lock);
    return was_resumed;
}

bool notes_layout(struct notes *notes, struct client_layout *out) {
    g_mutex_lock(&notes->lock);
    bool has_layout = notes->has_layout;
    *out = notes->layout;
    g_mutex_unlock(&notes->lock);
    return has_layout;
}

int notes_member_count(struct notes *notes) {
    g_mutex_lock(&notes->lock);
    int count = (int)json_object_size(notes->members);
    // `joined` lists the members; whether that includes the one who joined does not matter here.
    if (*notes->id && !json_object_get(notes->members, notes->id))
        count++;
    g_mutex_unlock(&notes->lock);
    return count;
}

bool notes_find_member(struct notes *notes, const char *id, struct client_member *out) {
    g_mutex_lock(&notes->lock);
    const json_t *member = json_object_get(notes->members, id);
    memset(out, 0, sizeof(*out));
    g_strlcpy(out->id, text_of(member, "id"), sizeof(out->id));
    g_strlcpy(out->name, text_of(member, "name"), sizeof(out->name));
    g_strlcpy(out->role, text_of(member, "role"), sizeof(out->role));
    out->audio_muted = json_is_true(json_object_get(member, "audio_muted"));
    out->video_muted = json_is_true(json_object_get(member, "video_muted"));
    out->hand = json_is_true(json_object_get(member, "hand"));
    out->screen = json_is_true(json_object_get(member, "screen"));
    g_mutex_unlock(&notes->lock);
    return *out->id != '\0';
}

bool notes_is_speaking(struct notes *notes, const char *id) {
    bool is_speaking = false;
    size_t i;
    json_t *item;
    g_mutex_lock(&notes->lock);
    json_array_foreach(notes->speaking, i, item) is_speaking =
        is_speaking || !g_strcmp0(json_string_value(item), id);
    g_mutex_unlock(&notes->lock);
    return is_speaking;
}

bool notes_has_chat(struct notes *notes, const char *text) {
    g_mutex_lock(&notes->lock);
    bool has = g_ptr_array_find_with_equal_func(notes->chats, text, g_str_equal, NULL);
    g_mutex_unlock(&notes->lock);
    return has;
}

bool notes_has_error(struct notes *notes, const char *code) {
    g_mutex_lock(&notes->lock);
    bool has = code ? g_ptr_array_find_with_equal_func(notes->errors, code, g_str_equal, NULL)
                    : notes->errors->len > 0;
    g_mutex_unlock(&notes->lock);
    return has;
}

void notes_last_error(struct notes *notes, char *code, size_t code_bytes) {
    g_mutex_lock(&notes->lock);
    guint count = notes->errors->len;
    g_strlcpy(code, count ? g_ptr_array_index(notes->errors, count - 1) : "", code_bytes);
    g_mutex_unlock(&notes->lock);
}

bool notes_bye(struct notes *notes, char *reason, size_t reason_bytes) {
    g_mutex_lock(&notes->lock);
    bool has_bye = notes->has_bye;
    g_strlcpy(reason, notes->bye_reason, reason_bytes);
    g_mutex_unlock(&notes->lock);
    return has_bye;
}

int notes_message_count(struct notes *notes, const char *type) {
    g_mutex_lock(&notes->lock);
    int count = number_of(notes->counts, type);
    g_mutex_unlock(&notes->lock);
    return count;
}

json_t *notes_last_message(struct notes *notes, const char *type) {
    g_mutex_lock(&notes->lock);
    json_t *message = json_incref(json_object_get(notes->newest, type));
    g_mutex_unlock(&notes->lock);
    return message;
}
