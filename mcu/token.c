// SPDX-License-Identifier: MIT
// From a token's text to its claims:
//
//   text -> length, two dots -> signature (constant time) -> libjwt -> algorithm -> claims -> time
//
// Only who knows the secret gets past the signature, so what comes after may speak of details.
#include "mcu/token.h"

#include "mcu/protocol_text.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { MAC_BYTES = crypto_auth_hmacsha256_BYTES, PERMISSIONS_MAX = 32 };
static const unsigned every_grant = (1U << GRANT_COUNT) - 1;
static const double time_max_s = 9007199254740992.0; // 2^53: what JSON's numbers carry exactly

static int refuse(struct refusal *refusal, const char *sentence) {
    return refusal_set(refusal, 401, "token-bad", "%s", sentence);
}

// ---- what claims may be ----

static bool is_printable(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at == 0x7f)
            return false;
    return true;
}

// A sentence, or NULL when all is well.
static const char *find_fault(const struct token_claims *claims) {
    char room[ROOM_NAME_MAX];
    if (!protocol_clean_room_name(claims->room, room) || strcmp(room, claims->room) != 0)
        return "The token's room is no name of a room.";
    if (claims->role < ROLE_VIEWER || claims->role > ROLE_MODERATOR)
        return "The token's role must be viewer, member or moderator.";
    if ((claims->grants & ~every_grant) != 0)
        return "The token has a permission that this server does not know.";
    if (claims->expires_s <= 0)
        return "The token must say when it expires (exp).";
    if (claims->not_before_s < 0 || claims->not_before_s >= claims->expires_s)
        return "The token expires before it begins.";
    if (!is_printable(claims->id) || (claims->is_single_use && !claims->id[0]))
        return "A token for a single use needs an identifier (jti).";
    return NULL;
}

// ---- mint ----

static json_t *write_claims(const struct token_claims *claims) {
    json_t *json = json_pack("{s:s, s:s, s:I}", "room", claims->room, "role",
                             role_name(claims->role), "exp", (json_int_t)claims->expires_s);
    if (claims->name[0])
        json_object_set_new(json, "name", json_string(claims->name));
    if (claims->grants != role_grants(claims->role))
        json_object_set_new(json, "permissions", permission_grants_to_json(claims->grants));
    if (claims->is_single_use)
        json_object_set_new(json, "once", json_true());
    if (claims->id[0])
        json_object_set_new(json, "jti", json_string(claims->id));
    if (claims->not_before_s > 0)
        json_object_set_new(json, "nbf", json_integer(claims->not_before_s));
    if (claims->issued_s > 0)
        json_object_set_new(json, "iat", json_integer(claims->issued_s));
    return json;
}

static int encode(const char *secret, const char *claims, char **out) {
    jwt_t *jwt = NULL;
    int result = -jwt_new(&jwt);
    if (result == 0)
        result =
            -jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen(secret));
    if (result == 0)
        result = -jwt_add_grants_json(jwt, claims);
    if (result == 0 && !(*out = jwt_encode_str(jwt)))
        result = -ENOMEM;
    jwt_free(jwt);
    return result;
}

int token_mint(const char *secret, const struct token_claims *claims, char **out) {
    if (find_fault(claims))
        return -EINVAL;
    json_t *json = write_claims(claims);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    int result = text ? encode(secret, text, out) : -ENOMEM;
    free(text);
    return result;
}

// ---- the claims of a token ----

static const char *read_room(const json_t *json, struct token_claims *out) {
    const char *room = json_string_value(json);
    return room && protocol_clean_room_name(room, out->room)
               ? NULL
               : "The token's room is no name of a room.";
}

static const char *read_role(const json_t *json, struct token_claims *out) {
    if (!json) {
        out->role = ROLE_MEMBER;
        return NULL;
    }
    return role_from_name(json_string_value(json), &out->role)
               ? NULL
               : "The token's role must be viewer, member or moderator.";
}

// As a name that came with a join is cleaned; but what would have to be cut is refused.
static const char *read_name(const json_t *json, struct token_claims *out) {
    const char *fault = "The token's name must be a short line of text.";
    const char *given = json_string_value(json);
    if (!json)
        return NULL;
    if (!given || !is_printable(given) || strlen(given) >= TOKEN_NAME_MAX)
        return fault;
    char *name = protocol_clean_line(given);
    bool is_good = name && name[0] && strlen(name) < TOKEN_NAME_MAX;
    if (is_good)
        strcpy(out->name, name);
    free(name);
    return is_good ? NULL : fault;
}

static const char *read_permissions(const json_t *json, struct token_claims *out) {
    enum grant grant;
    size_t i;
    json_t *each;
    out->grants = json ? 0 : role_grants(out->role);
    if (json && (!json_is_array(json) || json_array_size(json) > PERMISSIONS_MAX))
        return "The token's permissions must be a list of names.";
    json_array_foreach(json, i, each) {
        if (!grant_from_name(json_string_value(each), &grant))
            return "The token has a permission that this server does not know.";
        out->grants |= grant;
    }
    return NULL;
}

static const char *read_id(const json_t *json, struct token_claims *out) {
    const char *id = json_string_value(json);
    if (!json)
        return NULL;
    if (!id || !id[0] || strlen(id) >= TOKEN_ID_MAX)
        return "The token's identifier (jti) must be a text of 1 to 64 bytes.";
    strcpy(out->id, id);
    return NULL;
}

// RFC 7519 2, NumericDate: fractions are allowed, and of no use here.
static const char *read_time(const json_t *json, int64_t *out) {
    double time_s = json_number_value(json);
    if (!json)
        return NULL;
    if (!json_is_number(json) || !(time_s >= 0 && time_s <= time_max_s))
        return "The token's times (exp, nbf, iat) must be seconds since 1970.";
    *out = json_is_integer(json) ? json_integer_value(json) : (int64_t)time_s;
    return NULL;
}

static const char *read_once(const json_t *json, struct token_claims *out) {
    if (json && !json_is_boolean(json))
        return "The token's \"once\" must be true or false.";
    out->is_single_use = json_is_true(json);
    return NULL;
}

// Returns a sentence, or NULL when they were read and make sense.
static const char *read_claims(const json_t *json, struct token_claims *out) {
    const char *fault = read_room(json_object_get(json, "room"), out);
    if (!fault)
        fault = read_role(json_object_get(json, "role"), out);
    if (!fault)
        fault = read_name(json_object_get(json, "name"), out);
    if (!fault)
        fault = read_permissions(json_object_get(json, "permissions"), out);
    if (!fault)
        fault = read_id(json_object_get(json, "jti"), out);
    if (!fault)
        fault = read_once(json_object_get(json, "once"), out);
    if (!fault)
        fault = read_time(json_object_get(json, "exp"), &out->expires_s);
    if (!fault)
        fault = read_time(json_object_get(json, "nbf"), &out->not_before_s);
    if (!fault)
        fault = read_time(json_object_get(json, "iat"), &out->issued_s);
    return fault ? fault : find_fault(out);
}

// ---- the token ----

// libjwt 1.10 compares signatures byte by byte until the first difference (CVE-2024-25189), so it
// is only asked about tokens whose signature has been compared here.
static bool is_signed(const char *secret, const char *text, size_t signed_bytes) {
    unsigned char wanted[MAC_BYTES], given[MAC_BYTES];
    const char *signature = text + signed_bytes + 1;
    size_t bytes = 0;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, signed_bytes);
    crypto_auth_hmacsha256_final(&state, wanted);
    bool is_right =
        sodium_base642bin(given, sizeof(given), signature, strlen(signature), NULL, &bytes, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
        bytes == MAC_BYTES && sodium_memcmp(given, wanted, MAC_BYTES) == 0;
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(wanted, sizeof(wanted));
    return is_right;
}

// Three parts between two dots. Returns where the second is, or NULL.
static const char *find_signature(const char *text) {
    if (strnlen(text, TOKEN_BYTES_MAX + 1) > TOKEN_BYTES_MAX)
        return NULL;
    const char *first = strchr(text, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    return second && !strchr(second + 1, '.') ? second : NULL;
}

// The claims as JSON, or NULL. libjwt takes whatever algorithm the header names.
static json_t *decode(const char *secret, const char *text) {
    jwt_t *jwt = NULL;
    json_t *json = NULL;
    if (jwt_decode(&jwt, text, (const unsigned char *)secret, (int)strlen(secret)) == 0 &&
        jwt_get_alg(jwt) == JWT_ALG_HS256) {
        char *claims = jwt_get_grants_json(jwt, NULL);
        json = claims ? json_loads(claims, 0, NULL) : NULL;
        free(claims);
    }
    jwt_free(jwt);
    return json;
}

static int check_time(const struct token_claims *claims, int64_t now_s, struct refusal *refusal) {
    if (now_s >= claims->expires_s)
        return refusal_set(refusal, 401, "token-expired", "This token has expired.");
    if (claims->expires_s - now_s > TOKEN_AGE_MAX_S)
        return refuse(refusal, "A token may be valid for 366 days at most.");
    if (now_s < claims->not_before_s)
        return refusal_set(refusal, 401, "token-early", "This token is not valid yet.");
    return 0;
}

int token_read(const char *secret, const char *text, int64_t now_s, struct token_claims *out,
               struct refusal *refusal) {
    struct token_claims claims = {.role = ROLE_NONE};
    const char *signature = find_signature(text);
    if (!secret[0] || !signature || !is_signed(secret, text, (size_t)(signature - text)))
        return refuse(refusal, "This is no token of this server.");
    json_t *json = decode(secret, text);
    const char *fault =
        json ? read_claims(json, &claims) : "The token must be a JSON Web Token with HS256.";
    json_decref(json);
    if (fault)
        return refuse(refusal, fault);
    if (check_time(&claims, now_s, refusal) != 0)
        return -1;
    *out = claims;
    return 0;
}

void token_caller(const struct token_claims *claims, struct caller *out) {
    *out = (struct caller){.kind = CALLER_ROOM, .role = claims->role, .grants = claims->grants};
    memcpy(out->room, claims->room, sizeof(out->room));
}
