// SPDX-License-Identifier: MIT
// What the test programs share: one server for a whole program, media made once, and members who
// join a room of the test's own. These functions assert (cmocka); one thread.
#ifndef TESTS_PEER_SCENE_H
#define TESTS_PEER_SCENE_H

#include "tests/peer/client.h"
#include "tests/peer/server.h"

enum { SCENE_GAP_MAX_MS = 500, SCENE_PATIENCE_MS = 10000 };

// Group setup and teardown: the server (with limits raised so that many can join from one address)
// and the media. The teardown asserts that the server ended with 0 and no sanitizer had anything to
// say.
int scene_open(void **state);
int scene_close(void **state);
// As scene_open(), with up to 16 further flags, NULL-terminated.
int scene_open_with(const char *const *flags);
int scene_open_in(const char *const *flags, const char *const *environment); // see server_start_in
struct server *scene_server(void);

// Media that lives until scene_close(). Colours by media_colour_name()'s index; tones at a peak
// level.
const struct media *scene_colour(int index);
struct rgb scene_rgb(int index);
const struct media *scene_tone(int hz, int peak_dbfs); // made when first asked for

// Fills in the port; joins, and asserts that `joined` came and, unless has_no_offer, the
// connection.
struct client *scene_join(const struct client_options *options);
// A member with a camera of this colour (-1: none) and a tone (0: silence), joined and connected.
struct client *scene_member(const char *room, const char *name, int colour, int hz);
void scene_leave_all(struct client **clients, int count); // destroys and clears

// Waits with SCENE_PATIENCE_MS, stretched under sanitizers.
void scene_expect(struct client *client, client_predicate is_true, void *user);
// The tile of this member shows this colour, for this watcher.
void scene_expect_colour(struct client *watcher, const char *member, bool is_screen, int colour);
void scene_expect_not_colour(struct client *watcher, const char *member, int colour);
void scene_expect_members(struct client *client, int count);
void scene_expect_tone(struct client *client, int hz, bool is_heard);
void scene_expect_left(struct client *client, const char *member); // is no member any more
// Pauses are looked for between these two. On a machine that others keep busy, the limit grows by
// what the server's threads, and this process, had to wait for a processor in the same time.
void scene_begin_no_gap(struct client *const *clients, int count);
int64_t scene_end_no_gap(struct client *const *clients, int count); // returns that: ns

#endif
