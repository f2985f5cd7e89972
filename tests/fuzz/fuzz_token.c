// SPDX-License-Identifier: MIT
// Whatever is sent as a token is refused with a sentence or keeps its promises. An input that
// starts with a byte below 128 is the token's text; else its header and claims (divided by the
// first newline), signed as a backend would. Built with clang -fsanitize=fuzzer,address,undefined.
#include "mcu/protocol_name.h"
#include "mcu/token.h"

#include <glib.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)
#define SECRET "the fuzzer's own secret, long enough"
#define NOW    INT64_C(1767225600)

enum { INPUT_MAX = 4000, TEXT_MAX = 12000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(char *text, const void *data, size_t bytes) {
    sodium_bin2base64(text + strlen(text), TEXT_MAX - strlen(text), data, bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void sign(const uint8_t *data, size_t size, char text[TEXT_MAX]) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    size_t header_bytes = newline ? (size_t)(newline - data) : 0;
    static const char usual[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    text[0] = '\0';
    append(text, newline ? (const void *)data : usual, newline ? header_bytes : strlen(usual));
    strcat(text, ".");
    if (newline)
        append(text, newline + 1, size - header_bytes - 1);
    else
        append(text, data, size);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)SECRET, strlen(SECRET));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, mac);
    strcat(text, ".");
    append(text, mac, sizeof(mac));
}

static void require_promises(const struct token_claims *claims) {
    char room[ROOM_NAME_MAX];
    struct token_claims again;
    char *text = NULL;
    REQUIRE(protocol_clean_room_name(claims->room, room) && strcmp(room, claims->room) == 0);
    REQUIRE(claims->role >= ROLE_VIEWER && claims->role <= ROLE_MODERATOR);
    REQUIRE(claims->grants < 1U << GRANT_COUNT);
    REQUIRE(claims->expires_s > NOW && claims->expires_s <= NOW + TOKEN_AGE_MAX_S);
    REQUIRE(claims->not_before_s >= 0 && claims->not_before_s <= NOW);
    REQUIRE(g_utf8_validate(claims->name, -1, NULL) && g_utf8_validate(claims->id, -1, NULL));
    for (const char *at = claims->name; *at; at = g_utf8_next_char(at))
        REQUIRE(!g_unichar_iscntrl(g_utf8_get_char(at)));
    REQUIRE(!claims->is_single_use || claims->id[0]);
    // What was read can be minted, and says the same.
    REQUIRE(token_mint(SECRET, claims, &text) == 0);
    REQUIRE(token_read(SECRET, text, NOW, &again, NULL) == 0);
    REQUIRE(memcmp(&again, claims, sizeof(again)) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[TEXT_MAX];
    struct token_claims claims;
    struct refusal refusal = {.code = NULL};
    if (sodium_init() < 0 || size == 0 || size > INPUT_MAX)
        return 0;
    if (data[0] >= 0x80) {
        sign(data + 1, size - 1, text);
    } else {
        memcpy(text, data, size);
        text[size] = '\0';
    }
    if (token_read(SECRET, text, NOW, &claims, &refusal) == 0)
        require_promises(&claims);
    else
        REQUIRE(refusal.code && refusal.message[0] && refusal.status == 401);
    return 0;
}
