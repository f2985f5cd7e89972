// SPDX-License-Identifier: MIT
// What a request is called in our log and in our answer (X-Request-Id), so that both can be found
// again from either side. Pure; any thread.
#ifndef HTTP_REQUEST_ID_H
#define HTTP_REQUEST_ID_H

enum { REQUEST_ID_BYTES = 65 }; // with its end

// The client's own (or its proxy's) if it is 1 to 64 of [A-Za-z0-9._-], else a new one of 16
// hexadecimal digits. given: NULL if none was sent. After sodium_init().
void request_id_choose(const char *given, char out[REQUEST_ID_BYTES]);

#endif
