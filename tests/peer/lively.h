// SPDX-License-Identifier: MIT
// Media for tests of bad links: pictures that take the bits they are given, as a camera's do, and
// a flash and a beep of the same moment. As media.h says.
#ifndef TESTS_PEER_LIVELY_H
#define TESTS_PEER_LIVELY_H

#include "tests/peer/media.h"

enum { LIVELY_FLASH_MS = 1040 };

// Two seconds of coarse noise around a grey of its own: nothing in it repeats but the whole.
struct media *lively_create_camera(unsigned seed, int width_px, int height_px, int fps, int kbps);
// A tone in four syllables a second, each out of silence, but none so long that the mix would rest.
// Opus sends again (FEC) only what it takes for speech: nearly nine in ten packets of this, and one
// in two of media_create_tone().
struct media *lively_create_voice(int hz, double peak_dbfs, int kbps);
// LIVELY_FLASH_MS each: white for the first 160 ms, dark else; and 1 kHz for the first 160 ms. To
// be sent by the clock (client_options.sends_by_clock), so that both begin together. Five in a row
// come at five phases, evenly spread, of a picture that is made 30 times a second: the middle one
// of them tells more than a frame's length would.
struct media *lively_create_flash(void);
struct media *lively_create_beep(void);

#endif
