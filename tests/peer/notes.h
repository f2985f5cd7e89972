// SPDX-License-Identifier: MIT
// What the server told one client, by whatever road: the newest of each kind, kept as structs. Any
// thread; one mutex inside.
#ifndef TESTS_PEER_NOTES_H
#define TESTS_PEER_NOTES_H

#include "tests/peer/client.h"

#include <jansson.h>

struct notes;

struct notes *notes_create(void);
void notes_destroy(struct notes *notes); // NULL is allowed

void notes_take(struct notes *notes, const json_t *message); // borrows; NULL counts as "broken"

// As the functions of client.h that are named like them.
void notes_id(struct notes *notes, char out[CLIENT_ID_MAX]);
char *notes_resume_token(struct notes *notes);
bool notes_was_resumed(struct notes *notes);
bool notes_layout(struct notes *notes, struct client_layout *out);
int notes_member_count(struct notes *notes);
bool notes_find_member(struct notes *notes, const char *id, struct client_member *out);
bool notes_is_speaking(struct notes *notes, const char *id);
bool notes_has_chat(struct notes *notes, const char *text);
bool notes_has_error(struct notes *notes, const char *code); // code NULL: any
void notes_last_error(struct notes *notes, char *code, size_t code_bytes);
bool notes_bye(struct notes *notes, char *reason, size_t reason_bytes);
json_t *notes_last_message(struct notes *notes, const char *type);
int notes_message_count(struct notes *notes, const char *type);

#endif
