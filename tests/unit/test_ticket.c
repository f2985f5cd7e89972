// SPDX-License-Identifier: MIT
// Tickets: what is one, and that nothing else is.
#include "mcu/ticket.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> // after the above, as it asks

#define SECRET "a secret that nobody else has, long enough"
#define FILM   "019bd2f0a00-0123456789abcdef"
#define NOW    INT64_C(1767225600)
#define UNTIL  (NOW + 3600)

enum { MAC = crypto_auth_hmacsha256_BYTES };

static void expect_refused(const char *text, const char *code) {
    struct caller caller = {.kind = CALLER_NOBODY};
    struct refusal refusal = {.status = 0};
    if (ticket_read(SECRET, text, NOW, &caller, &refusal) == 0)
        fail_msg("\"%s\" opens %s", text, caller.recording);
    assert_int_equal(refusal.status, 401);
    assert_string_equal(refusal.code, code);
    assert_int_equal(caller.kind, CALLER_NOBODY);
    assert_string_equal(caller.recording, "");
}

static void make(char out[TICKET_BYTES_MAX]) {
    assert_true(ticket_make(SECRET, FILM, UNTIL, out));
}

static void test_a_ticket_says_which_recording(void **state) {
    char text[TICKET_BYTES_MAX];
    struct caller caller = {.kind = CALLER_NOBODY, .is_local = true};
    make(text);
    assert_int_equal(ticket_read(SECRET, text, NOW, &caller, NULL), 0);
    assert_int_equal(caller.kind, CALLER_TICKET);
    assert_string_equal(caller.recording, FILM);
    assert_true(caller.is_local);
    assert_int_equal(
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."),
        strlen(text)); // nothing to escape in a query
}

// Made by hand, as the header says.
static void sign(const void *key, size_t key_bytes, const char *text, unsigned char mac[MAC]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, mac);
}

static void test_a_ticket_is_what_it_is_said_to_be(void **state) {
    unsigned char key[MAC], mac[MAC];
    char wanted[200], text[TICKET_BYTES_MAX];
    sign(SECRET, strlen(SECRET), "tessera tickets", key);
    sign(key, MAC, "recording files " FILM " 1767229200", mac);
    strcpy(wanted, FILM ".1767229200.");
    sodium_bin2base64(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), mac, MAC,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    make(text);
    assert_string_equal(text, wanted);
    // The same secret without the step between signs join tokens.
    sign(SECRET, strlen(SECRET), "recording files " FILM " 1767229200", mac);
    sodium_bin2base64(wanted + strlen(FILM ".1767229200."), 50, mac, MAC,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    expect_refused(wanted, "ticket-bad");
}

static void test_a_ticket_ends_to_the_second(void **state) {
    char text[TICKET_BYTES_MAX];
    struct caller caller = {.kind = CALLER_NOBODY};
    struct refusal refusal;
    make(text);
    assert_int_equal(ticket_read(SECRET, text, UNTIL - 1, &caller, NULL), 0);
    assert_int_equal(ticket_read(SECRET, text, UNTIL, &caller, &refusal), -1);
    assert_string_equal(refusal.code, "ticket-expired");
    assert_true(ticket_make(SECRET, FILM, NOW, text));
    expect_refused(text, "ticket-expired");
}

// Every byte by every other, one too many and one too few at every place.
static void test_no_byte_of_a_ticket_may_be_another(void **state) {
    char good[TICKET_BYTES_MAX], text[TICKET_BYTES_MAX + 1];
    make(good);
    size_t bytes = strlen(good);
    for (size_t at = 0; at < bytes; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, good, bytes + 1);
            text[at] = (char)byte;
            if (strcmp(text, good) != 0)
                expect_refused(text, "ticket-bad");
            memcpy(text, good, at);
            text[at] = (char)(byte ? byte : 'x');
            memcpy(text + at + 1, good + at, bytes - at + 1);
            expect_refused(text, "ticket-bad");
        }
        memcpy(text, good, at);
        memcpy(text + at, good + at + 1, bytes - at);
        expect_refused(text, "ticket-bad");
    }
}

// Two tickets that are good, and parts of both.
static void test_parts_of_two_tickets_are_none(void **state) {
    char one[TICKET_BYTES_MAX], other[TICKET_BYTES_MAX], text[2 * TICKET_BYTES_MAX];
    make(one);
    assert_true(ticket_make(SECRET, "another-recording", UNTIL, other));
    snprintf(text, sizeof(text), FILM "%s", strchr(other, '.'));
    expect_refused(text, "ticket-bad");
    assert_true(ticket_make(SECRET, FILM, UNTIL + 3600, other));
    snprintf(text, sizeof(text), FILM ".%lld%s", (long long)UNTIL + 3600, strrchr(one, '.'));
    expect_refused(text, "ticket-bad");
    snprintf(text, sizeof(text), "%s.%s", one, other);
    expect_refused(text, "ticket-bad");
}

static void test_what_is_no_ticket_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "...",
        FILM,
        FILM ".",
        FILM "..",
        FILM ".1767229200.",
        FILM ".1767229200",
        FILM ".-1.AAAA",
        FILM ".99999999999999999999.AAAA",
        FILM ".0x7fffffff.AAAA",
        FILM ". 1767229200.AAAA",
        "ADA.1767229200.AAAA",
        "../x.1767229200.AAAA",
        "0123456789012345678901234567890123456789.1767229200.AAAA",
    };
    char text[TICKET_BYTES_MAX + 8], good[TICKET_BYTES_MAX];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_refused(texts[i], "ticket-bad");
    make(good);
    snprintf(text, sizeof(text), "%.*s.0%s", (int)strlen(FILM), good, good + strlen(FILM) + 1);
    expect_refused(text, "ticket-bad"); // the same time, written otherwise
    snprintf(text, sizeof(text), "%s=", good);
    expect_refused(text, "ticket-bad");
}

static void test_another_secret_makes_other_tickets(void **state) {
    char text[TICKET_BYTES_MAX];
    assert_true(ticket_make(SECRET "x", FILM, UNTIL, text));
    expect_refused(text, "ticket-bad");
}

static void test_without_a_secret_there_are_none(void **state) {
    char text[TICKET_BYTES_MAX];
    struct caller caller = {.kind = CALLER_NOBODY};
    make(text);
    assert_int_equal(ticket_read("", text, NOW, &caller, NULL), -1);
    assert_int_equal(ticket_read(NULL, text, NOW, &caller, NULL), -1);
    assert_false(ticket_make("", FILM, UNTIL, text));
    assert_false(ticket_make(NULL, FILM, UNTIL, text));
    assert_false(ticket_make(SECRET, "no id", UNTIL, text));
    assert_false(ticket_make(SECRET, "", UNTIL, text));
    assert_false(ticket_make(SECRET, "01234567890123456789012345678901", UNTIL, text));
}

// So long at the least, an hour longer at the most, and the same until the hour is over.
static void test_the_end_of_a_ticket_stays_for_an_hour(void **state) {
    const int64_t hour_s = 3600;
    assert_int_equal(ticket_expiry(NOW, 6), NOW + 6 * hour_s); // NOW is a full hour
    for (int64_t later_s = 1; later_s <= hour_s; later_s++)
        assert_int_equal(ticket_expiry(NOW + later_s, 6), NOW + 7 * hour_s);
    assert_int_equal(ticket_expiry(NOW + hour_s + 1, 6), NOW + 8 * hour_s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_says_which_recording),
        cmocka_unit_test(test_a_ticket_is_what_it_is_said_to_be),
        cmocka_unit_test(test_a_ticket_ends_to_the_second),
        cmocka_unit_test(test_no_byte_of_a_ticket_may_be_another),
        cmocka_unit_test(test_parts_of_two_tickets_are_none),
        cmocka_unit_test(test_what_is_no_ticket_is_refused),
        cmocka_unit_test(test_another_secret_makes_other_tickets),
        cmocka_unit_test(test_without_a_secret_there_are_none),
        cmocka_unit_test(test_the_end_of_a_ticket_stays_for_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
