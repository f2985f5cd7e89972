// SPDX-License-Identifier: MIT
// A credential that is sent on purpose (Authorization) and is wrong is an error, whatever was asked
// for. A cookie is sent by the browser, on purpose or not: one that is worth nothing counts as
// none, so that the front page, the sign-in and a guest's call go on working, and only who needed
// it is told that it has ended.
#include "http/access.h"

#include "http/headers.h"
#include "http/request.h"
#include "http/routes.h"

#include "mcu/accounts.h"
#include "mcu/ticket.h"
#include "mcu/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SIGN_IN_PREFIX "ts_"

struct access {
    unsigned char key_hash[crypto_generichash_BYTES];
    const char *token_secret;
    struct accounts *accounts;
    struct store *store;
};

static void hash(const char *key, unsigned char out[crypto_generichash_BYTES]) {
    crypto_generichash(out, crypto_generichash_BYTES, (const unsigned char *)key, strlen(key), NULL,
                       0);
}

struct access *access_create(const char *api_key, const char *token_secret,
                             struct accounts *accounts, struct store *store) {
    if (sodium_init() < 0)
        return NULL;
    struct access *access = calloc(1, sizeof(*access));
    if (!access)
        return NULL;
    hash(api_key, access->key_hash);
    access->token_secret = token_secret;
    access->accounts = accounts;
    access->store = store;
    return access;
}

void access_destroy(struct access *access) {
    if (!access)
        return;
    sodium_memzero(access, sizeof(*access));
    free(access);
}

// ---- where it comes from ----

// What a proxy on this machine passes on is not local: its client may be anywhere.
static bool is_local(const struct request *request) {
    bool is_loopback =
        strncmp(request->address, "127.", 4) == 0 || strcmp(request->address, "::1") == 0;
    return is_loopback && !request_header(request, "X-Forwarded-For") &&
           !request_header(request, "Forwarded") && !request_header(request, "Via");
}

bool access_is_own_page(const struct request *request) {
    const char *origin = request_header(request, "Origin");
    // Behind our own TLS, a page that came in the clear may be anybody's.
    bool is_clear = origin && request->site->is_tls && strncasecmp(origin, "https://", 8) != 0;
    return origin && !is_clear && headers_is_same_origin(origin, request_header(request, "Host"));
}

static bool is_site(const struct request *request, const char *wanted) {
    const char *site = request_header(request, "Sec-Fetch-Site");
    return site && strcmp(site, wanted) == 0;
}

// Browsers send Origin with every request that may change something, and with every one that
// crosses origins through fetch(): a foreign one (or "null") ends it. Without it:
//
//   - to read, a request of another site's page counts only when it opens a page or a file of ours
//     (a link to an invitation): that site sees nothing of it. What it embeds does not count.
//   - to change, there must be the browser's word that it was one of our own pages or the person
//     themselves (Fetch Metadata). Neither header means a program, which can send Authorization.
static bool may_use_cookie(const struct request *request) {
    const char *mode = request_header(request, "Sec-Fetch-Mode");
    bool is_ours = is_site(request, "same-origin") || is_site(request, "none");
    if (request_header(request, "Origin"))
        return access_is_own_page(request) &&
               (is_ours || !request_header(request, "Sec-Fetch-Site"));
    if (!request_is(request, "GET"))
        return is_ours;
    return is_ours || !request_header(request, "Sec-Fetch-Site") ||
           (mode && strcmp(mode, "navigate") == 0);
}

// ---- who it is ----

// Hashes of equal length are compared, so that neither time nor length tells anything of the key.
static bool key_is_right(const struct access *access, const char *given) {
    unsigned char given_hash[crypto_generichash_BYTES];
    hash(given, given_hash);
    return sodium_memcmp(given_hash, access->key_hash, sizeof(given_hash)) == 0;
}

static bool is_token(const char *given) {
    const char *first = strchr(given, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    return second && !strchr(second + 1, '.');
}

// A token that opens the door a single time may be shown here as often as one likes: it is used up
// by the join.
static int recognise_token(const struct access *access, const char *given, struct caller *out,
                           struct refusal *refusal) {
    struct token_claims claims;
    bool was_local = out->is_local;
    const char *secret = access->token_secret ? access->token_secret : "";
    if (token_read(secret, given, time(NULL), &claims, refusal) != 0)
        return -1;
    token_caller(&claims, out);
    out->is_local = was_local;
    return 0;
}

static bool recognise_sign_in(const struct access *access, const char *given, struct caller *out) {
    struct caller user = {.kind = CALLER_NOBODY};
    if (!access->accounts || strncmp(given, SIGN_IN_PREFIX, strlen(SIGN_IN_PREFIX)) != 0 ||
        strlen(given) >= ACCOUNTS_SECRET_MAX || !accounts_recognise(access->accounts, given, &user))
        return false;
    user.is_local = out->is_local;
    *out = user;
    return true;
}

// The key may look like anything, so it comes first.
static int recognise_bearer(const struct access *access, const char *given, struct caller *out,
                            struct refusal *refusal) {
    if (key_is_right(access, given)) {
        out->kind = CALLER_KEY;
        return 0;
    }
    if (strncmp(given, SIGN_IN_PREFIX, strlen(SIGN_IN_PREFIX)) == 0)
        return recognise_sign_in(access, given, out)
                   ? 0
                   : refusal_set(refusal, 401, "sign-in-ended",
                                 "This sign-in has ended: sign in again.");
    if (is_token(given))
        return recognise_token(access, given, out, refusal);
    return refusal_set(refusal, 401, "key-wrong", "This is not the API key of this server.");
}

// A page in the call has nothing else to upload with, if its person came as a guest. For what
// cannot be said by a message only: who moderates because nobody else did shall not read what
// others have recorded in a room of this name before.
static int recognise_seat(const struct request *request, const char *given, struct caller *out,
                          struct refusal *refusal) {
    if (request->route && request->route->action == ACTION_ANNOUNCE &&
        hub_recognise_seat(request->site->hub, request_param(request, "room"), given, out))
        return 0;
    return refusal_set(refusal, 401, "seat-bad",
                       "Nobody in this room has this seat, or a seat does not count for this.");
}

// The cookie, if it counts here.
static const char *find_cookie(const struct request *request) {
    const char *secret =
        MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, ACCESS_COOKIE);
    return secret && secret[0] && may_use_cookie(request) ? secret : NULL;
}

// Elsewhere the word is free: a page may have a query of its own.
static int recognise_ticket(const struct access *access, const struct request *request,
                            struct caller *out, struct refusal *refusal) {
    const char *ticket = request_is_api(request) ? request_query(request, "ticket") : NULL;
    return ticket ? ticket_read(access->token_secret, ticket, time(NULL), out, refusal) : 0;
}

int access_recognise(const struct access *access, const struct request *request, struct caller *out,
                     struct refusal *refusal) {
    static const char scheme[] = "Bearer ", seat_scheme[] = "Seat ";
    *out = (struct caller){.kind = CALLER_NOBODY, .is_local = is_local(request)};
    const char *given = request_header(request, "Authorization");
    if (given && strncasecmp(given, seat_scheme, sizeof(seat_scheme) - 1) == 0)
        return recognise_seat(request, given + sizeof(seat_scheme) - 1, out, refusal);
    if (given && strncasecmp(given, scheme, sizeof(scheme) - 1) != 0)
        return refusal_set(refusal, 401, "key-wrong",
                           "The Authorization of this server is Bearer, with a key or a token.");
    if (given)
        return recognise_bearer(access, given + sizeof(scheme) - 1, out, refusal);
    int result = recognise_ticket(access, request, out, refusal);
    const char *cookie = out->kind == CALLER_NOBODY ? find_cookie(request) : NULL;
    return cookie && recognise_sign_in(access, cookie, out) ? 0 : result;
}

// ---- what they may do ----

int access_check_room(const struct access *access, enum action action, const struct caller *caller,
                      const char *room, struct refusal *refusal) {
    char name[ROOM_NAME_MAX];
    struct place place = {.room = NULL};
    if (protocol_clean_room_name(room, name))
        place.room = name;
    // Only a person can own a room; nobody else makes us look, and whether there is such a room
    // tells nobody anything.
    if (place.room && caller->kind == CALLER_USER && access->store &&
        store_get_room_owner(access->store, name, &place.owner) != 0)
        return refusal_set(refusal, 503, "not-ready", "The server cannot read its store now.");
    return permission_check(caller, action, &place, refusal);
}

int access_check(const struct access *access, enum action action, const struct request *request,
                 struct refusal *refusal) {
    const struct caller *caller = &request->caller;
    const char *room = request_param(request, "room");
    // The room of a token stands in the body: until that is read, it might be the caller's own.
    const struct place own = {.room = NULL, .owner = caller->user};
    int result = action == ACTION_MINT_TOKEN && !room[0]
                     ? permission_check(caller, action, &own, refusal)
                     : access_check_room(access, action, caller, room, refusal);
    if (result != 0 && caller->kind == CALLER_NOBODY && find_cookie(request))
        return refusal_set(refusal, 401, "sign-in-ended", "Your sign-in has ended: sign in again.");
    return result;
}
