// SPDX-License-Identifier: MIT
// Hashing of passwords: Argon2id by libsodium, with constant cost (about 0.1 s and 64 MB each), so
// few at once. Any thread that may wait that long.
#ifndef MCU_PASSWORD_H
#define MCU_PASSWORD_H

enum { PASSWORD_BYTES_MIN = 8, PASSWORD_BYTES_MAX = 128, PASSWORD_HASH_MAX = 128 };

struct passwords;

struct passwords *passwords_create(void); // NULL when out of memory
void passwords_destroy(struct passwords *passwords);

// 0, -EBUSY when too many are at it already, -ENOMEM.
int passwords_hash(struct passwords *passwords, const char *password, char out[PASSWORD_HASH_MAX]);
// 0: it is this one. -EACCES: it is not. hash NULL, of a user who is not there: takes as long, and
// it is not. -EBUSY as above.
int passwords_verify(struct passwords *passwords, const char *password, const char *hash);

#endif
