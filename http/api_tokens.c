// SPDX-License-Identifier: MIT
// Minting join tokens. Nothing is remembered of them: what a token says is in it, and its signature
// vouches for that. The ready link carries it in the fragment, which browsers keep to themselves:
// it is in no request, no log, no Referer.
#include "http/api.h"
#include "http/request.h"

#include "mcu/body.h"
#include "mcu/protocol.h"
#include "mcu/token.h"

#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DEFAULT_S = 3600, ID_BYTES = 18, PERMISSIONS_MAX = 32 };

// ---- what is asked ----

static int read_room(const json_t *body, struct token_claims *out, struct refusal *refusal) {
    const char *room = json_string_value(json_object_get(body, "room"));
    if (!room || !protocol_clean_room_name(room, out->room))
        return body_refuse(refusal, "room", "must be 1 to %d letters a-z, digits, - or _",
                           ROOM_NAME_MAX - 1);
    return 0;
}

static int read_name(const struct config *config, const json_t *body, struct token_claims *out,
                     struct refusal *refusal) {
    const json_t *given = json_object_get(body, "name");
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_string(given))
        return body_refuse(refusal, "name", "must be a string");
    char *name = protocol_clean_name(config, json_string_value(given), refusal);
    if (!name)
        return -1;
    size_t bytes = g_strlcpy(out->name, name, sizeof(out->name));
    free(name);
    return bytes < sizeof(out->name)
               ? 0
               : body_refuse(refusal, "name", "must be at most %d bytes long", TOKEN_NAME_MAX - 1);
}

static int read_role(const json_t *body, struct token_claims *out, struct refusal *refusal) {
    const json_t *given = json_object_get(body, "role");
    out->role = ROLE_MEMBER;
    if (given && !role_from_name(json_string_value(given), &out->role))
        return body_refuse(refusal, "role", "must be viewer, member or moderator");
    return 0;
}

static int read_permissions(const json_t *body, struct token_claims *out, struct refusal *refusal) {
    const json_t *given = json_object_get(body, "permissions");
    enum grant grant;
    size_t i;
    json_t *each;
    out->grants = given ? 0 : role_grants(out->role);
    if (given && (!json_is_array(given) || json_array_size(given) > PERMISSIONS_MAX))
        return body_refuse(refusal, "permissions", "must be a list of names");
    json_array_foreach(given, i, each) {
        if (!grant_from_name(json_string_value(each), &grant))
            return body_refuse(refusal, "permissions",
                               "may name speak, camera, screen, chat, react and record");
        out->grants |= grant;
    }
    return 0;
}

static int read_end(const json_t *body, int64_t now_s, struct token_claims *out,
                    struct refusal *refusal) {
    int64_t at_ms = 0;
    int in_s = DEFAULT_S;
    bool has_time = json_is_string(json_object_get(body, "expires_at"));
    if (has_time && json_object_get(body, "expires_in"))
        return body_refuse(refusal, "expires_in", "and expires_at exclude each other");
    if (body_read_int(body, "expires_in", 1, (int)TOKEN_AGE_MAX_S, &in_s, refusal) != 0 ||
        body_read_time(body, "expires_at", &at_ms, refusal) != 0)
        return -1;
    out->expires_s = has_time ? at_ms / 1000 : now_s + in_s;
    if (out->expires_s <= now_s || out->expires_s - now_s > TOKEN_AGE_MAX_S)
        return body_refuse(refusal, "expires_at", "must be within the next 366 days");
    return 0;
}

static int read_times(const json_t *body, int64_t now_s, struct token_claims *out,
                      struct refusal *refusal) {
    int64_t begin_ms = 0;
    out->issued_s = now_s;
    if (read_end(body, now_s, out, refusal) != 0 ||
        body_read_time(body, "not_before", &begin_ms, refusal) != 0)
        return -1;
    out->not_before_s = MAX(begin_ms / 1000, 0);
    if (out->not_before_s >= out->expires_s)
        return body_refuse(refusal, "not_before", "must be before the token expires");
    return 0;
}

static void make_id(char id[TOKEN_ID_MAX]) {
    unsigned char random[ID_BYTES];
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(id, TOKEN_ID_MAX, random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

// Whether the caller may do it is seen as soon as the room is known: nobody learns from a refusal
// what else would be wrong in a room that is not theirs.
static int read_claims(const struct request *request, const json_t *body, int64_t now_s,
                       struct token_claims *out, struct refusal *refusal) {
    static const char *const known[] = {"room",        "name",       "role",
                                        "permissions", "not_before", "expires_at",
                                        "expires_in",  "single_use", NULL};
    const struct site *site = request->site;
    *out = (struct token_claims){.role = ROLE_NONE};
    if (read_room(body, out, refusal) != 0 ||
        access_check_room(site->access, ACTION_MINT_TOKEN, &request->caller, out->room, refusal) !=
            0 ||
        body_check_fields(body, known, refusal) != 0 ||
        read_name(site->config, body, out, refusal) != 0 || read_role(body, out, refusal) != 0 ||
        read_permissions(body, out, refusal) != 0 || read_times(body, now_s, out, refusal) != 0 ||
        body_read_bool(body, "single_use", &out->is_single_use, refusal) != 0)
        return -1;
    make_id(out->id);
    return 0;
}

// ---- the answer ----

// The server as the client has called it, or "" when that is no plain name: then the link is a
// path, which is as good for whoever knows the server. A proxy's word on TLS is taken: only the
// link of the one who asks depends on it.
static void find_base(const struct request *request, char *out, size_t out_bytes) {
    const char *host = request_header(request, "Host");
    const char *proto = request_header(request, "X-Forwarded-Proto");
    bool is_tls = request->site->is_tls || (proto && strcasecmp(proto, "https") == 0);
    out[0] = '\0';
    if (host && host[0] && strlen(host) <= 255 &&
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") ==
            strlen(host))
        snprintf(out, out_bytes, "http%s://%s", is_tls ? "s" : "", host);
}

static json_t *show(const struct request *request, const struct token_claims *claims,
                    const char *token) {
    char base[300], time_text[32];
    find_base(request, base, sizeof(base));
    protocol_time(claims->expires_s * 1000, time_text);
    char *link = g_strdup_printf("%s/r/%s#token=%s", base, claims->room, token);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "token", token, "link", link, "room", claims->room,
                  "role", role_name(claims->role), "expires_at", time_text);
    g_free(link);
    return json;
}

static int mint(const struct request *request, const json_t *body, json_t **out,
                struct refusal *refusal) {
    struct token_claims claims;
    char *token = NULL;
    if (read_claims(request, body, time(NULL), &claims, refusal) != 0)
        return -1;
    if (token_mint(request->site->token_secret, &claims, &token) != 0)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    *out = show(request, &claims, token);
    free(token);
    return 0;
}

void api_mint_token(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *out = NULL;
    if (request_json(request, &body, &refusal) != 0 || mint(request, body, &out, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        reply_json(reply, 201, out);
    json_decref(body);
}
