// SPDX-License-Identifier: MIT
// Join tokens. What another backend would mint is made here by hand: base64url and HMAC-SHA256,
// with no library for tokens.
#include "mcu/token.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> // after the above, as it asks

#define SECRET "a secret that two backends share, long enough"
#define HS256  "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define NOW    INT64_C(1767225600)
#define EXP    "\"exp\":1767229200" // an hour from then

enum { TEXT_MAX = 16384, MAC = crypto_auth_hmacsha256_BYTES };

// ---- by hand ----

static void sign(const char *secret, const char *text, size_t bytes, unsigned char mac[MAC]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, bytes);
    crypto_auth_hmacsha256_final(&state, mac);
}

static void append(char *text, const void *data, size_t bytes) {
    sodium_bin2base64(text + strlen(text), TEXT_MAX - strlen(text), data, bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const char *mint_with(const char *secret, const char *header, const char *claims) {
    static char text[TEXT_MAX];
    unsigned char mac[MAC];
    text[0] = '\0';
    append(text, header, strlen(header));
    strcat(text, ".");
    append(text, claims, strlen(claims));
    sign(secret, text, strlen(text), mac);
    strcat(text, ".");
    append(text, mac, MAC);
    return text;
}

static const char *mint(const char *claims) {
    return mint_with(SECRET, HS256, claims);
}

// ---- what is expected ----

static struct token_claims expect_good(const char *text) {
    struct token_claims claims;
    struct refusal refusal;
    if (token_read(SECRET, text, NOW, &claims, &refusal) != 0)
        fail_msg("%s: %s", text, refusal.message);
    return claims;
}

static void expect_refusal_at(int64_t now_s, const char *text, const char *code) {
    struct token_claims claims;
    struct refusal refusal = {.code = "none"};
    memset(&claims, 0x5a, sizeof(claims));
    if (token_read(SECRET, text, now_s, &claims, &refusal) != -1)
        fail_msg("taken: %s", text);
    assert_string_equal(refusal.code, code);
    assert_int_equal(refusal.status, 401);
    assert_true(strlen(refusal.message) > 10);
    if (strlen(text) > 20)
        assert_null(strstr(refusal.message, text));
    assert_int_equal(((unsigned char *)&claims)[0], 0x5a); // written on success only
}

static void expect_refusal(const char *text, const char *code) {
    expect_refusal_at(NOW, text, code);
}

// ---- tokens of others ----

static void test_any_backend_can_mint(void **state) {
    struct token_claims claims = expect_good(mint(
        "{\"room\":\"Ada\",\"name\":\"  Zo\\u00eb \\ud83d\\ude42 \",\"role\":\"moderator\","
        "\"permissions\":[\"chat\",\"speak\"],\"once\":true,\"jti\":\"t-1\",\"nbf\":1767225600,"
        "\"iat\":1767225600,\"sub\":\"x\",\"aud\":[1,{}],\"anything\":{\"else\":null}," EXP "}"));
    assert_string_equal(claims.room, "ada");
    assert_string_equal(claims.name, "Zoë 🙂");
    assert_string_equal(claims.id, "t-1");
    assert_int_equal(claims.role, ROLE_MODERATOR);
    assert_int_equal(claims.grants, GRANT_CHAT | GRANT_SPEAK);
    assert_true(claims.is_single_use);
    assert_int_equal(claims.expires_s, NOW + 3600);
    assert_int_equal(claims.not_before_s, NOW);
    assert_int_equal(claims.issued_s, NOW);
}

static void test_a_room_and_an_end_are_enough(void **state) {
    struct token_claims claims = expect_good(mint("{\"room\":\"ada\"," EXP "}"));
    assert_int_equal(claims.role, ROLE_MEMBER);
    assert_int_equal(claims.grants, role_grants(ROLE_MEMBER));
    assert_string_equal(claims.name, "");
    assert_string_equal(claims.id, "");
    assert_false(claims.is_single_use);
    assert_int_equal(claims.not_before_s, 0);
    claims = expect_good(mint("{\"room\":\"ada\",\"role\":\"viewer\"," EXP "}"));
    assert_int_equal(claims.grants, role_grants(ROLE_VIEWER));
    claims = expect_good(mint("{\"room\":\"ada\",\"permissions\":[]," EXP "}"));
    assert_int_equal(claims.grants, 0);
    claims = expect_good(mint("{\"room\":\"ada\",\"exp\":1767229200.75}")); // RFC 7519 2
    assert_int_equal(claims.expires_s, NOW + 3600);
    expect_good(mint_with(SECRET, "{\"alg\":\"HS256\"}", "{\"room\":\"ada\"," EXP "}"));
}

// ---- tokens of ours ----

static const struct token_claims whole = {
    .room = "ada",
    .name = "Zoë",
    .id = "id-1",
    .role = ROLE_VIEWER,
    .grants = GRANT_CHAT,
    .not_before_s = NOW - 5,
    .expires_s = NOW + 60,
    .issued_s = NOW,
    .is_single_use = true,
};

static void test_what_was_minted_is_read(void **state) {
    char *text = NULL;
    assert_int_equal(token_mint(SECRET, &whole, &text), 0);
    struct token_claims claims = expect_good(text);
    assert_memory_equal(&claims, &whole, sizeof(claims));
    free(text);
    for (enum role role = ROLE_VIEWER; role <= ROLE_MODERATOR; role++)
        for (unsigned grants = 0; grants < 1U << GRANT_COUNT; grants++) {
            struct token_claims given = {
                .room = "r", .role = role, .grants = grants, .expires_s = NOW + 1};
            assert_int_equal(token_mint(SECRET, &given, &text), 0);
            claims = expect_good(text);
            assert_int_equal(claims.role, role);
            assert_int_equal(claims.grants, grants);
            free(text);
        }
}

static json_t *open_part(const char *part, size_t chars) {
    unsigned char data[TEXT_MAX];
    size_t bytes;
    assert_int_equal(sodium_base642bin(data, sizeof(data), part, chars, NULL, &bytes, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    json_t *json = json_loadb((char *)data, bytes, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_another_backend_can_verify_ours(void **state) {
    unsigned char wanted[MAC], given[MAC];
    char *text = NULL;
    size_t bytes;
    assert_int_equal(token_mint(SECRET, &whole, &text), 0);
    const char *claims_at = strchr(text, '.') + 1;
    const char *mac_at = strchr(claims_at, '.') + 1;
    sign(SECRET, text, (size_t)(mac_at - text) - 1, wanted);
    assert_int_equal(sodium_base642bin(given, sizeof(given), mac_at, strlen(mac_at), NULL, &bytes,
                                       NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    assert_int_equal(bytes, MAC);
    assert_memory_equal(given, wanted, MAC);
    json_t *header = open_part(text, (size_t)(claims_at - text) - 1);
    assert_string_equal(json_string_value(json_object_get(header, "alg")), "HS256");
    json_t *claims = open_part(claims_at, (size_t)(mac_at - claims_at) - 1);
    json_t *expected =
        json_pack("{s:s, s:s, s:s, s:[s], s:b, s:s, s:i, s:i, s:i}", "room", "ada", "name", "Zoë",
                  "role", "viewer", "permissions", "chat", "once", 1, "jti", "id-1", "exp",
                  (int)NOW + 60, "nbf", (int)NOW - 5, "iat", (int)NOW);
    assert_true(json_equal(claims, expected));
    json_decref(expected);
    json_decref(claims);
    json_decref(header);
    free(text);
}

static void test_nothing_is_minted_that_would_be_refused(void **state) {
    char *text = NULL;
    struct token_claims claims = whole;
    claims.id[0] = '\0'; // a single use that nobody could count
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    claims = whole;
    strcpy(claims.room, "no room");
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    claims = whole;
    claims.role = ROLE_NONE;
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    claims = whole;
    claims.grants = 1U << GRANT_COUNT;
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    claims = whole;
    claims.expires_s = 0;
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    claims = whole;
    claims.not_before_s = claims.expires_s;
    assert_int_equal(token_mint(SECRET, &claims, &text), -EINVAL);
    assert_null(text);
}

// ---- what is no token ----

static void test_only_this_secret_opens(void **state) {
    static const char good[] = "{\"room\":\"ada\"," EXP "}";
    char text[TEXT_MAX];
    expect_refusal(mint_with("another secret", HS256, good), "token-bad");
    expect_refusal(mint_with("", HS256, good), "token-bad");
    strcpy(text, mint(good));
    size_t bytes = strlen(text);
    for (size_t i = 0; i < bytes; i++) { // no character of it may be changed
        char was = text[i];
        text[i] = was == 'A' ? 'B' : was == '.' ? '_' : 'A';
        expect_refusal(text, "token-bad");
        text[i] = was;
    }
    expect_good(text);
    for (size_t cut = 0; cut < bytes; cut++) {
        char was = text[cut];
        text[cut] = '\0';
        expect_refusal(text, "token-bad");
        text[cut] = was;
    }
    strcat(text, "=");
    expect_refusal(text, "token-bad");
}

// A server without a secret has no tokens, not tokens that everybody can sign.
static void test_an_empty_secret_opens_nothing(void **state) {
    struct token_claims claims;
    struct refusal refusal;
    const char *text = mint_with("", HS256, "{\"room\":\"ada\"," EXP "}");
    assert_int_equal(token_read("", text, NOW, &claims, &refusal), -1);
    assert_string_equal(refusal.code, "token-bad");
}

static void test_only_hs256_is_taken(void **state) {
    static const char good[] = "{\"room\":\"ada\"," EXP "}";
    static const char *const headers[] = {"{\"alg\":\"none\",\"typ\":\"JWT\"}",
                                          "{\"alg\":\"None\"}",
                                          "{\"alg\":\"HS384\"}",
                                          "{\"alg\":\"HS512\"}",
                                          "{\"alg\":\"RS256\"}",
                                          "{\"alg\":\"ES256\"}",
                                          "{\"alg\":\"\"}",
                                          "{\"alg\":256}",
                                          "{\"alg\":null}",
                                          "{\"typ\":\"JWT\"}",
                                          "{}",
                                          "[]",
                                          "\"HS256\"",
                                          "",
                                          "{"};
    char text[TEXT_MAX];
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        expect_refusal(mint_with(SECRET, headers[i], good), "token-bad");
    strcpy(text, mint_with(SECRET, headers[0], good)); // as "none" is meant: no signature
    *(strrchr(text, '.') + 1) = '\0';
    expect_refusal(text, "token-bad");
}

static void test_what_is_no_token_is_refused(void **state) {
    static const char *const texts[] = {
        "", ".", "..", "...", "a.b.c", "a.b", "a.b.c.d", "a", "\xff.\xff.\xff", "eyJ.eyJ."};
    char huge[TEXT_MAX];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_refusal(texts[i], "token-bad");
    memset(huge, 'a', sizeof(huge));
    huge[10] = huge[20] = '.';
    huge[sizeof(huge) - 1] = '\0';
    expect_refusal(huge, "token-bad");
    // Well signed, but longer than any token.
    char claims[6000] = "{\"room\":\"ada\"," EXP ",\"x\":\"";
    size_t bytes = strlen(claims);
    memset(claims + bytes, 'x', 4000);
    strcpy(claims + bytes + 4000, "\"}");
    expect_refusal(mint(claims), "token-bad");
}

static void test_every_claim_is_checked(void **state) {
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "7",
        "{",
        "{}",
        "{" EXP "}", // no room
        "{\"room\":null," EXP "}",
        "{\"room\":7," EXP "}",
        "{\"room\":\"\"," EXP "}",
        "{\"room\":\"a b\"," EXP "}",
        "{\"room\":\"../etc\"," EXP "}",
        "{\"room\":\"a\\u0000\"," EXP "}",
        "{\"room\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"," EXP
        "}",
        "{\"room\":\"ada\"}", // no end
        "{\"room\":\"ada\",\"exp\":null}",
        "{\"room\":\"ada\",\"exp\":\"1767229200\"}",
        "{\"room\":\"ada\",\"exp\":true}",
        "{\"room\":\"ada\",\"exp\":0}",
        "{\"room\":\"ada\",\"exp\":-1}",
        "{\"room\":\"ada\",\"exp\":1e300}",
        "{\"room\":\"ada\",\"exp\":9223372036854775807}",
        "{\"room\":\"ada\",\"exp\":99999999999999999999999}",
        "{\"room\":\"ada\",\"nbf\":\"x\"," EXP "}",
        "{\"room\":\"ada\",\"nbf\":-1," EXP "}",
        "{\"room\":\"ada\",\"nbf\":1767229200," EXP "}", // as it ends
        "{\"room\":\"ada\",\"iat\":[]," EXP "}",
        "{\"room\":\"ada\",\"role\":\"none\"," EXP "}",
        "{\"room\":\"ada\",\"role\":\"owner\"," EXP "}",
        "{\"room\":\"ada\",\"role\":\"\"," EXP "}",
        "{\"room\":\"ada\",\"role\":3," EXP "}",
        "{\"room\":\"ada\",\"role\":null," EXP "}",
        "{\"room\":\"ada\",\"name\":7," EXP "}",
        "{\"room\":\"ada\",\"name\":\"\"," EXP "}",
        "{\"room\":\"ada\",\"name\":\" \"," EXP "}",
        "{\"room\":\"ada\",\"name\":\"a\\nb\"," EXP "}",
        "{\"room\":\"ada\",\"name\":\"a\\u0000b\"," EXP "}",
        "{\"room\":\"ada\",\"name\":\"\xff\"," EXP "}",
        "{\"room\":\"ada\",\"permissions\":\"chat\"," EXP "}",
        "{\"room\":\"ada\",\"permissions\":{\"chat\":true}," EXP "}",
        "{\"room\":\"ada\",\"permissions\":[\"chat\",\"moderate\"]," EXP "}",
        "{\"room\":\"ada\",\"permissions\":[1]," EXP "}",
        "{\"room\":\"ada\",\"once\":1," EXP "}",
        "{\"room\":\"ada\",\"once\":\"true\"," EXP "}",
        "{\"room\":\"ada\",\"once\":true," EXP "}", // nobody could count its uses
        "{\"room\":\"ada\",\"jti\":\"\"," EXP "}",
        "{\"room\":\"ada\",\"jti\":7," EXP "}",
        "{\"room\":\"ada\",\"jti\":\"a\\nb\"," EXP "}",
        "{\"room\":\"ada\",\"jti\":\"0123456789012345678901234567890123456789012345678901234567890"
        "12345\"," EXP "}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(mint(bad[i]), "token-bad");
}

static void test_a_name_that_would_be_cut_is_refused(void **state) {
    char claims[1024];
    snprintf(claims, sizeof(claims), "{\"room\":\"ada\",\"name\":\"%0*d\"," EXP "}",
             TOKEN_NAME_MAX - 1, 0);
    assert_int_equal(strlen(expect_good(mint(claims)).name), TOKEN_NAME_MAX - 1);
    snprintf(claims, sizeof(claims), "{\"room\":\"ada\",\"name\":\"%0*d\"," EXP "}", TOKEN_NAME_MAX,
             0);
    expect_refusal(mint(claims), "token-bad");
}

static void test_too_many_permissions_are_refused(void **state) {
    char claims[1024] = "{\"room\":\"ada\"," EXP ",\"permissions\":[\"chat\"";
    for (int i = 0; i < 32; i++)
        strcat(claims, ",\"chat\"");
    strcat(claims, "]}");
    expect_refusal(mint(claims), "token-bad");
}

// ---- time ----

static void test_a_token_has_its_time(void **state) {
    static const char claims[] = "{\"room\":\"ada\",\"nbf\":1767225600," EXP "}";
    struct token_claims out;
    const char *text = mint(claims);
    expect_refusal_at(NOW - 1, text, "token-early");
    assert_int_equal(token_read(SECRET, text, NOW, &out, NULL), 0);
    assert_int_equal(token_read(SECRET, text, NOW + 3599, &out, NULL), 0);
    expect_refusal_at(NOW + 3600, text, "token-expired");
    expect_refusal_at(INT64_MAX, text, "token-expired");
}

static void test_a_token_for_ever_is_refused(void **state) {
    struct token_claims out;
    const char *text = mint("{\"room\":\"ada\",\"exp\":1798848000}"); // 366 days from NOW
    assert_int_equal(1798848000 - NOW, TOKEN_AGE_MAX_S);
    assert_int_equal(token_read(SECRET, text, NOW, &out, NULL), 0);
    expect_refusal_at(NOW - 1, text, "token-bad");
}

// ---- the holder ----

static void test_its_holder_is_what_it_says_and_no_more(void **state) {
    struct caller caller;
    memset(&caller, 0xff, sizeof(caller));
    token_caller(&whole, &caller);
    assert_int_equal(caller.kind, CALLER_ROOM);
    assert_string_equal(caller.room, "ada");
    assert_int_equal(caller.role, ROLE_VIEWER);
    assert_int_equal(caller.grants, GRANT_CHAT);
    assert_int_equal(caller.user, 0);
    assert_false(caller.is_local);
    assert_string_equal(caller.user_name, "");
}

static int start(void **state) {
    return sodium_init() < 0 ? -1 : 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_backend_can_mint),
        cmocka_unit_test(test_a_room_and_an_end_are_enough),
        cmocka_unit_test(test_what_was_minted_is_read),
        cmocka_unit_test(test_another_backend_can_verify_ours),
        cmocka_unit_test(test_nothing_is_minted_that_would_be_refused),
        cmocka_unit_test(test_only_this_secret_opens),
        cmocka_unit_test(test_an_empty_secret_opens_nothing),
        cmocka_unit_test(test_only_hs256_is_taken),
        cmocka_unit_test(test_what_is_no_token_is_refused),
        cmocka_unit_test(test_every_claim_is_checked),
        cmocka_unit_test(test_a_name_that_would_be_cut_is_refused),
        cmocka_unit_test(test_too_many_permissions_are_refused),
        cmocka_unit_test(test_a_token_has_its_time),
        cmocka_unit_test(test_a_token_for_ever_is_refused),
        cmocka_unit_test(test_its_holder_is_what_it_says_and_no_more),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
