// SPDX-License-Identifier: MIT
// Signing in and out. The cookie is for the pages, the secret in the answer for programs: they are
// the same.
#include "http/api.h"
#include "http/api_people.h"

#include <sodium.h>
#include <string.h>

void api_sign_in(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *body = NULL, *session = NULL;
    char secret[ACCOUNTS_SECRET_MAX] = "";
    if (!people_are_here(request, reply))
        return;
    int result = request_json(request, &body, &refusal);
    if (result == 0)
        result =
            accounts_sign_in(request->site->accounts, body, request->address,
                             request_header(request, "User-Agent"), secret, &session, &refusal);
    people_answer(reply, result, 200, session, &refusal);
    if (result == 0)
        people_set_cookie(request, reply, secret);
    sodium_memzero(secret, sizeof(secret));
    json_decref(body);
}

static int refuse_key(struct refusal *refusal) {
    return refusal_set(refusal, 401, "sign-in-required", "Nobody is signed in.");
}

void api_get_session(struct request *request, struct reply *reply) {
    struct refusal refusal;
    json_t *user = NULL;
    if (!people_are_here(request, reply))
        return;
    int result =
        request->caller.kind == CALLER_USER
            ? accounts_get_user(request->site->accounts, &request->caller, "me", &user, &refusal)
            : refuse_key(&refusal);
    people_answer(reply, result, 200, user ? json_pack("{s:o}", "user", user) : NULL, &refusal);
}

static int read_everywhere(const struct request *request, bool *out, struct refusal *refusal) {
    const char *given = request_query(request, "everywhere");
    *out = given && strcmp(given, "true") == 0;
    if (!given || *out || strcmp(given, "false") == 0)
        return 0;
    refusal_set(refusal, 422, "bad-field", "everywhere must be true or false.");
    strcpy(refusal->field, "everywhere");
    return -1;
}

void api_sign_out(struct request *request, struct reply *reply) {
    struct refusal refusal;
    bool is_everywhere = false;
    if (!people_are_here(request, reply))
        return;
    const char *secret = people_secret(request);
    int result = secret ? read_everywhere(request, &is_everywhere, &refusal) : refuse_key(&refusal);
    if (result == 0) {
        int error = is_everywhere ? accounts_sign_out_everywhere(request->site->accounts,
                                                                 request->caller.user)
                                  : accounts_sign_out(request->site->accounts, secret);
        if (error)
            result = refusal_set(&refusal, 503, "store-failed", "The database does not answer.");
    }
    people_answer(reply, result, 204, NULL, &refusal);
    if (result == 0)
        people_set_cookie(request, reply, NULL);
}
