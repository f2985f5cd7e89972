// SPDX-License-Identifier: MIT
// Tickets: what opens the files of one recording for whoever holds the address, a browser's player
// for example, which cannot send Authorization. Read only, and for some hours. Pure; any thread. A
// ticket's text is a secret: it is never logged.
//
//   <recording>.<expiry, Unix time>.<HMAC-SHA256 over both, base64url>
//
// Its key is derived from the secret of the join tokens: who changes that ends all tickets, too.
#ifndef MCU_TICKET_H
#define MCU_TICKET_H

#include "mcu/permission.h"

enum { TICKET_BYTES_MAX = RECORDING_ID_MAX + 64 };

// When a ticket given now ends: in so many hours at the earliest, at the next full one then. So the
// same recording has the same address for an hour, and a page that looks again finds nothing new.
int64_t ticket_expiry(int64_t now_s, int hours);
// False: there is no secret, or this is no id of a recording.
bool ticket_make(const char *secret, const char *recording, int64_t expires_s,
                 char out[TICKET_BYTES_MAX]);
// What its holder is; is_local is left alone. 0, or -1 and *refusal: 401 with code ticket-bad (not
// a ticket, another secret) or ticket-expired.
int ticket_read(const char *secret, const char *text, int64_t now_s, struct caller *out,
                struct refusal *refusal);

#endif
