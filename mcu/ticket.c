// SPDX-License-Identifier: MIT
// A ticket is read by making it once more and comparing the texts: so there is one way to write
// each of them, and nothing of what is given is believed before it is known to be ours.
#include "mcu/ticket.h"

#include <glib.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { HOUR_S = 3600, EXPIRY_DIGITS_MAX = 12 };

int64_t ticket_expiry(int64_t now_s, int hours) {
    int64_t earliest_s = now_s + (int64_t)hours * HOUR_S;
    return (earliest_s + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static void sign(const void *key, size_t key_bytes, const char *text,
                 unsigned char out[crypto_auth_hmacsha256_BYTES]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

// A key of its own, so that nothing signed for another purpose with the same secret (join tokens
// are "<base64>.<base64>") is ever a ticket.
static void derive_key(const char *secret, unsigned char out[crypto_auth_hmacsha256_BYTES]) {
    sign(secret, strlen(secret), "tessera tickets", out);
}

// What it opens is part of what is signed: a second kind of ticket will not pass for this one.
static void write_ticket(const char *secret, const char *recording, int64_t expires_s,
                         char out[TICKET_BYTES_MAX]) {
    unsigned char key[crypto_auth_hmacsha256_BYTES], mac[crypto_auth_hmacsha256_BYTES];
    char text[TICKET_BYTES_MAX],
        code[sodium_base64_ENCODED_LEN(sizeof(mac), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    snprintf(text, sizeof(text), "recording files %s %" PRId64, recording, expires_s);
    derive_key(secret, key);
    sign(key, sizeof(key), text, mac);
    sodium_memzero(key, sizeof(key));
    sodium_bin2base64(code, sizeof(code), mac, sizeof(mac),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(out, TICKET_BYTES_MAX, "%s.%" PRId64 ".%s", recording, expires_s, code);
}

static bool is_id(const char *id) {
    size_t bytes = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return bytes > 0 && bytes < RECORDING_ID_MAX && id[bytes] == '\0';
}

bool ticket_make(const char *secret, const char *recording, int64_t expires_s,
                 char out[TICKET_BYTES_MAX]) {
    if (!secret || !secret[0] || !is_id(recording) || expires_s <= 0)
        return false;
    write_ticket(secret, recording, expires_s, out);
    return true;
}

// Its first two parts. False: no ticket looks like that.
static bool split(const char *text, char recording[RECORDING_ID_MAX], int64_t *expires_s) {
    size_t id_bytes = strcspn(text, ".");
    if (id_bytes == 0 || id_bytes >= RECORDING_ID_MAX || text[id_bytes] != '.')
        return false;
    const char *digits = text + id_bytes + 1;
    size_t digit_count = strspn(digits, "0123456789");
    if (digit_count == 0 || digit_count > EXPIRY_DIGITS_MAX || digits[digit_count] != '.')
        return false;
    memcpy(recording, text, id_bytes);
    recording[id_bytes] = '\0';
    *expires_s = g_ascii_strtoll(digits, NULL, 10);
    return true;
}

static bool is_ours(const char *secret, const char *text, const char *recording,
                    int64_t expires_s) {
    char wanted[TICKET_BYTES_MAX];
    bool is_same = ticket_make(secret, recording, expires_s, wanted) &&
                   strlen(text) == strlen(wanted) &&
                   sodium_memcmp(text, wanted, strlen(wanted)) == 0;
    sodium_memzero(wanted, sizeof(wanted));
    return is_same;
}

int ticket_read(const char *secret, const char *text, int64_t now_s, struct caller *out,
                struct refusal *refusal) {
    char recording[RECORDING_ID_MAX];
    int64_t expires_s;
    if (!split(text, recording, &expires_s) || !is_ours(secret, text, recording, expires_s))
        return refusal_set(refusal, 401, "ticket-bad", "This ticket is not one of this server.");
    if (expires_s <= now_s)
        return refusal_set(refusal, 401, "ticket-expired",
                           "This ticket has expired: ask for the recording's address again.");
    out->kind = CALLER_TICKET;
    g_strlcpy(out->recording, recording, sizeof(out->recording));
    return 0;
}
