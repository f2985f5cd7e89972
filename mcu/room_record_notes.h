// SPDX-License-Identifier: MIT
// What goes on beside a recording: who is there, what the picture shows, what is written, where
// chapters begin, what had to be left out. From it its side files are made. All times are those of
// the recording. Any thread.
#ifndef MCU_ROOM_RECORD_NOTES_H
#define MCU_ROOM_RECORD_NOTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct record_notes;

// More are not kept; that some are missing is said in details.json.
enum { RECORD_NOTES_MAX = 20000, RECORD_CHAPTERS_MAX = 2000 };

struct record_notes *record_notes_create(void); // counted; NULL when out of memory
struct record_notes *record_notes_ref(struct record_notes *notes);
void record_notes_unref(struct record_notes *notes); // NULL is allowed

void record_notes_add_member(struct record_notes *notes, int64_t at_ns, const char *id,
                             const char *name, const char *role);
void record_notes_end_member(struct record_notes *notes, int64_t at_ns, const char *id);
void record_notes_add_layout(struct record_notes *notes, int64_t at_ns, json_t *layout); // takes it
void record_notes_add_gap(struct record_notes *notes, int64_t at_ns, int64_t length_ns);
void record_notes_add_pause(struct record_notes *notes, int64_t at_ns, int64_t at_unix_ms,
                            bool is_paused);
void record_notes_add_chapter(struct record_notes *notes, int64_t at_ns, const char *title);
void record_notes_add_chat(struct record_notes *notes, int64_t at_ns, const char *name,
                           const char *text);

// Has anything been added since the last time? Then it is told once, and not again before it is
// written: who waits for the disk writes what there is then.
bool record_notes_take_news(struct record_notes *notes);

// Two may want to write the same files: one at a time does, and after the last nobody. False: that
// was before. True: record_notes_end_writing() follows.
bool record_notes_begin_writing(struct record_notes *notes, bool is_last);
void record_notes_end_writing(struct record_notes *notes);

// Malloc'ed texts, or NULL when out of memory. WebVTT: chapters, each up to the next; chat, each
// for some seconds.
char *record_notes_chapters(struct record_notes *notes, int64_t end_ns);
char *record_notes_chat(struct record_notes *notes);
// about: what else is to be told in details.json; borrowed.
char *record_notes_details(struct record_notes *notes, const json_t *about);

#endif
