// SPDX-License-Identifier: MIT
// From a client's text to a checked struct message. Each message is a table of fields, so that a
// new message is a new table.
#include "mcu/protocol.h"

#include "mcu/json_depth.h"
#include "mcu/protocol_field.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

struct field {
    const char *name;
    field_read *read;
    size_t offset;
    bool is_required;
    bool takes_null; // else null is as good as absent
};

struct form {
    const char *type;
    const struct field *fields; // ends with a NULL name
    enum action action;         // what its sender must be allowed to do
};

// ---- the messages ----

#define AT(member) .offset = offsetof(struct message, member)

static const struct field join_fields[] = {
    {"room", field_read_room, AT(join.room), .is_required = true},
    {"name", field_read_name_or_default, AT(join.name)},
    {"token", field_read_secret, AT(join.token)},
    {"pin", field_read_secret, AT(join.pin)},
    {"resume", field_read_secret, AT(join.resume)},
    {"audio_muted", field_read_bool, AT(join.audio_muted)},
    {"video_muted", field_read_bool, AT(join.video_muted)},
    {"role", field_read_wish_to_watch, AT(join.is_viewer)},
    {.name = NULL},
};

static const struct field offer_fields[] = {
    {"sdp", field_read_sdp, AT(offer.sdp), .is_required = true},
    {.name = NULL},
};

static const struct field candidate_fields[] = {
    {"candidate", field_read_candidate, AT(candidate.candidate), .is_required = true,
     .takes_null = true},
    {"sdpMid", field_read_mid, AT(candidate.sdp_mid)},
    {"sdpMLineIndex", field_read_mline_index, AT(candidate.mline_index)},
    {.name = NULL},
};

static const struct field chat_fields[] = {
    {"text", field_read_chat, AT(chat.text), .is_required = true},
    {.name = NULL},
};

static const struct field reaction_fields[] = {
    {"emoji", field_read_emoji, AT(reaction.emoji), .is_required = true},
    {.name = NULL},
};

static const struct field set_fields[] = {
    {"name", field_read_name, AT(set.name)},
    {"audio_muted", field_read_switch, AT(set.audio_muted)},
    {"video_muted", field_read_switch, AT(set.video_muted)},
    {"hand", field_read_switch, AT(set.hand)},
    {"screen", field_read_switch, AT(set.screen)},
    {"receive", field_read_receive, AT(set.receive)},
    {.name = NULL},
};

static const struct field no_fields[] = {{.name = NULL}};

static const struct form forms[] = {
    [MESSAGE_JOIN] = {"join", join_fields, ACTION_JOIN},
    [MESSAGE_SEND_OFFER] = {"send-offer", offer_fields, ACTION_BE_THERE},
    [MESSAGE_ICE_CANDIDATE] = {"ice-candidate", candidate_fields, ACTION_BE_THERE},
    [MESSAGE_CHAT] = {"chat", chat_fields, ACTION_CHAT},
    [MESSAGE_REACTION] = {"reaction", reaction_fields, ACTION_REACT},
    // What is set is decided field by field: see member_obey.c.
    [MESSAGE_SET] = {"set", set_fields, ACTION_BE_THERE},
    [MESSAGE_LEAVE] = {"leave", no_fields, ACTION_BE_THERE},
    [MESSAGE_PING] = {"ping", no_fields, ACTION_BE_THERE},
    [MESSAGE_CONTROL] = {NULL, no_fields, ACTION_CHANGE_ROOM},
};

static const struct command {
    const char *type;
    enum hub_operation operation;
    enum action action;
} commands[] = {
    {"admit", HUB_ADMIT, ACTION_ADMIT},
    {"change-member", HUB_CHANGE_MEMBER, ACTION_CHANGE_MEMBER},
    {"change-recording", HUB_CHANGE_RECORDING, ACTION_RECORD},
    {"change-room", HUB_CHANGE_ROOM, ACTION_CHANGE_ROOM},
    {"end-room", HUB_END_ROOM, ACTION_END_ROOM},
    {"kick", HUB_KICK_MEMBER, ACTION_KICK},
    {"list-viewers", HUB_LIST_VIEWERS, ACTION_CHANGE_MEMBER},
    {"mute-all", HUB_MUTE_ALL, ACTION_CHANGE_MEMBER},
    {"refuse", HUB_REFUSE, ACTION_ADMIT},
    {"remove-banner", HUB_REMOVE_BANNER, ACTION_ANNOUNCE},
    {"set-banner", HUB_SET_BANNER, ACTION_ANNOUNCE},
    {"set-layout", HUB_SET_LAYOUT, ACTION_CHANGE_ROOM},
    {"start-broadcast", HUB_START_BROADCAST, ACTION_BROADCAST},
    {"start-recording", HUB_START_RECORDING, ACTION_RECORD},
    {"stop-broadcast", HUB_STOP_BROADCAST, ACTION_BROADCAST},
};

static const struct command *find_command(enum hub_operation operation) {
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].operation == operation)
            return &commands[i];
    return NULL;
}

enum action message_action(const struct message *message) {
    if (message->type == MESSAGE_CONTROL)
        return find_command(message->control.operation)->action;
    return forms[message->type].action;
}

const char *message_type_name(enum message_type type) {
    return forms[type].type;
}

static void message_init(struct message *message, enum message_type type) {
    memset(message, 0, sizeof(*message));
    message->type = type;
    if (type == MESSAGE_SET)
        message->set.audio_muted = message->set.video_muted = message->set.hand =
            message->set.screen = message->set.receive = -1;
}

void message_finish(struct message *message) {
    switch (message->type) {
    case MESSAGE_JOIN:
        free(message->join.room);
        free(message->join.name);
        free(message->join.token);
        free(message->join.pin);
        free(message->join.resume);
        break;
    case MESSAGE_SEND_OFFER: free(message->offer.sdp); break;
    case MESSAGE_ICE_CANDIDATE:
        free(message->candidate.candidate);
        free(message->candidate.sdp_mid);
        break;
    case MESSAGE_CHAT: free(message->chat.text); break;
    case MESSAGE_REACTION: free(message->reaction.emoji); break;
    case MESSAGE_SET: free(message->set.name); break;
    case MESSAGE_CONTROL:
        free(message->control.id);
        json_decref(message->control.body);
        break;
    case MESSAGE_LEAVE:
    case MESSAGE_PING: break;
    }
    message_init(message, message->type); // finished twice does no harm
}

// ---- parsing ----

static int load(const struct config *config, const char *text, size_t size_bytes, json_t **out,
                struct refusal *refusal) {
    json_error_t error;
    if (size_bytes > (size_t)config->message_bytes_max)
        return refusal_set(refusal, 413, "too-large", "A message may have at most %d bytes.",
                           config->message_bytes_max);
    if (json_depth_is_too_much(text, size_bytes))
        return refusal_set(refusal, 400, "bad-json",
                           "The message is nested more than %d levels deep.", JSON_DEPTH_MAX);
    json_t *object = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        return refusal_set(refusal, 400, "bad-json",
                           "The message is not valid JSON (near byte %d).", error.position);
    if (!json_is_object(object)) {
        json_decref(object);
        return refusal_set(refusal, 400, "bad-json", "A message must be a JSON object.");
    }
    *out = object;
    return 0;
}

static int read_type(const json_t *object, struct reader *reader, enum message_type *out,
                     const struct command **command) {
    reader->field = "type";
    const json_t *value = json_object_get(object, "type");
    if (!value)
        return field_refuse(reader, "is missing");
    const char *type = field_text(reader, value);
    if (!type)
        return -1;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (forms[i].type && strcmp(forms[i].type, type) == 0) {
            *out = (enum message_type)i;
            return 0;
        }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].type, type) == 0) {
            *out = MESSAGE_CONTROL;
            *command = &commands[i];
            return 0;
        }
    return refusal_set(reader->refusal, 400, "unknown-type", "There is no message of this type.");
}

// The same body as by REST: what is wrong with it is found where that is read.
static int read_command(json_t *object, const struct command *command, struct reader *reader,
                        struct message *message) {
    reader->field = "id";
    const json_t *id = json_object_get(object, "id");
    const char *text = id && !json_is_null(id) ? field_text(reader, id) : NULL;
    if (id && !json_is_null(id) && !text)
        return -1;
    message->control.operation = command->operation;
    message->control.id = g_strdup(text);
    message->control.body = json_copy(object);
    json_object_del(message->control.body, "type");
    json_object_del(message->control.body, "id");
    return 0;
}

// Fields that a message does not know are left alone: a newer client may talk to an older server.
static int read_fields(const json_t *object, struct reader *reader, struct message *message) {
    for (const struct field *field = forms[message->type].fields; field->name; field++) {
        reader->field = field->name;
        const json_t *value = json_object_get(object, field->name);
        bool is_given = value && (field->takes_null || !json_is_null(value));
        if (!is_given && field->is_required)
            return field_refuse(reader, "is missing");
        if (is_given && field->read(reader, value, (char *)message + field->offset) < 0)
            return -1;
    }
    return 0;
}

int protocol_parse(const struct config *config, const char *text, size_t size_bytes,
                   struct message *out, struct refusal *refusal) {
    struct reader reader = {.config = config, .refusal = refusal};
    json_t *object = NULL;
    enum message_type type = MESSAGE_PING;
    const struct command *command = NULL;
    if (load(config, text, size_bytes, &object, refusal) < 0)
        return -1;
    int result = read_type(object, &reader, &type, &command);
    if (result == 0) {
        struct message message;
        message_init(&message, type);
        result = command ? read_command(object, command, &reader, &message)
                         : read_fields(object, &reader, &message);
        if (result == 0 && type == MESSAGE_JOIN && !message.join.name)
            message.join.name = g_strdup(FIELD_DEFAULT_NAME);
        if (result == 0)
            *out = message;
        else
            message_finish(&message);
    }
    json_decref(object);
    return result;
}
