// SPDX-License-Identifier: MIT
// Whatever a client sends is either taken whole or refused with a sentence, and what was taken
// keeps its promises. Built with clang -fsanitize=fuzzer,address,undefined.
#include "mcu/downlink.h"
#include "mcu/protocol.h"
#include "mcu/protocol_text.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Small limits, so that inputs of a few hundred bytes reach them.
static const struct config config = {
    .message_bytes_max = 1000,
    .sdp_bytes_max = 300,
    .chat_bytes_max = 50,
    .name_chars_max = 10,
};

static void require_name(const char *name) {
    REQUIRE(name && *name && g_utf8_validate(name, -1, NULL));
    REQUIRE(g_utf8_strlen(name, -1) <= config.name_chars_max);
    for (const char *at = name; *at; at = g_utf8_next_char(at))
        REQUIRE(!g_unichar_iscntrl(g_utf8_get_char(at)));
}

static void require_promises(const struct message *message) {
    switch (message->type) {
    case MESSAGE_JOIN:
        REQUIRE(message->join.room && *message->join.room);
        REQUIRE(strlen(message->join.room) < ROOM_NAME_MAX);
        require_name(message->join.name);
        break;
    case MESSAGE_SEND_OFFER:
        REQUIRE(message->offer.sdp && strlen(message->offer.sdp) <= (size_t)config.sdp_bytes_max);
        break;
    case MESSAGE_ICE_CANDIDATE:
        REQUIRE(message->candidate.candidate && message->candidate.mline_index >= 0 &&
                message->candidate.mline_index < 32);
        break;
    case MESSAGE_CHAT:
        REQUIRE(message->chat.text && *message->chat.text);
        REQUIRE(strlen(message->chat.text) <= (size_t)config.chat_bytes_max);
        break;
    case MESSAGE_REACTION: REQUIRE(strlen(message->reaction.emoji) <= 32); break;
    case MESSAGE_SET:
        if (message->set.name)
            require_name(message->set.name);
        REQUIRE(message->set.receive >= -1 && message->set.receive < DOWNLINK_WISHES);
        break;
    case MESSAGE_LEAVE:
    case MESSAGE_PING: break;
    }
}

// The server's own words must be JSON, whatever they quote.
static void require_json(char *text) {
    json_t *json = json_loads(text, 0, NULL);
    REQUIRE(json);
    json_decref(json);
    free(text);
}

static void parse(const char *text, size_t size) {
    struct message message;
    struct refusal refusal = {.code = NULL};
    if (protocol_parse(&config, text, size, &message, &refusal) == 0) {
        require_promises(&message);
        message_finish(&message);
    } else {
        REQUIRE(refusal.code && refusal.message[0]);
        require_json(protocol_error(&refusal));
    }
}

static void clean(const char *text) {
    struct refusal refusal;
    char room[ROOM_NAME_MAX];
    char *name = protocol_clean_name(&config, text, &refusal);
    if (name)
        require_name(name);
    free(name);
    char *line = protocol_clean_line(text);
    if (line) {
        char *again = protocol_clean_line(line);
        REQUIRE(strcmp(line, again) == 0);
        free(again);
    }
    free(line);
    protocol_clean_room_name(text, room);
    protocol_is_emoji(text);
    protocol_is_candidate(text);
    json_decref(protocol_ice_servers(text));
    require_json(protocol_chat(1, text, text, text, 0, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = g_strndup((const char *)data, size); // ends at the first NUL
    parse((const char *)data, size);
    clean(text);
    g_free(text);
    return 0;
}
