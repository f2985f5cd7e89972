// SPDX-License-Identifier: MIT
// Which text a client may put before other people's eyes. Pure; any thread. Part of protocol.
#ifndef MCU_PROTOCOL_TEXT_H
#define MCU_PROTOCOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Both return a malloc'ed NFC string, "" when nothing visible is left, NULL when given is no UTF-8.
// Control characters, bidi overrides and isolates and zero-width characters are gone, but for the
// joiners that emoji, Persian and Indic scripts need; both ends are trimmed. No character carries
// more than six combining marks.
char *protocol_clean_line(const char *given);  // runs of white space become one space
char *protocol_clean_lines(const char *given); // spaces, newlines and tabs stay

// One to 32 bytes of emoji and nothing else.
bool protocol_is_emoji(const char *text);
// RFC 8839 5.1, without the "a=".
bool protocol_is_candidate(const char *text);

#endif
