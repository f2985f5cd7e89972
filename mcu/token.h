// SPDX-License-Identifier: MIT
// Join tokens: JSON Web Tokens, HS256 and nothing else, that any backend can mint with the shared
// secret. Pure; any thread. A token's text is a secret: it is never logged.
//
// Claims: room, role ("viewer", "member", "moderator"; absent: member), name (how the person is
// called; absent: they choose), permissions (a list of grants; absent: the role's), once (true: it
// opens the door a single time), and the registered exp, nbf, iat, jti. exp is required.
#ifndef MCU_TOKEN_H
#define MCU_TOKEN_H

#include "mcu/permission.h"

enum { TOKEN_NAME_MAX = 260, TOKEN_ID_MAX = 65, TOKEN_BYTES_MAX = 4096 };
#define TOKEN_AGE_MAX_S (INT64_C(366) * 86400)

struct token_claims {
    char room[ROOM_NAME_MAX];
    char name[TOKEN_NAME_MAX]; // "": none
    char id[TOKEN_ID_MAX];     // jti
    enum role role;
    unsigned grants;
    int64_t not_before_s, expires_s, issued_s; // Unix time; 0: not given
    bool is_single_use;
};

// *out is malloc'ed. 0 or negative errno; -EINVAL: token_read() would refuse such claims (a single
// use needs an id).
int token_mint(const char *secret, const struct token_claims *claims, char **out);
// 0, or -1 and *refusal: 401 with code token-bad (not a token, another algorithm, another secret, a
// claim that makes no sense), token-expired or token-early. Whether a single-use token was used is
// the store's to say (store_use_token()).
int token_read(const char *secret, const char *text, int64_t now_s, struct token_claims *out,
               struct refusal *refusal);
// What the holder of it is in its room. is_local is false.
void token_caller(const struct token_claims *claims, struct caller *out);

#endif
