// SPDX-License-Identifier: MIT
// All that one client receives, sound and picture: counted, kept for those who look and listen,
// and, when asked for, measured (figures.h) or kept as packets. Any thread; mutexes inside.
#ifndef TESTS_PEER_INTAKE_H
#define TESTS_PEER_INTAKE_H

#include "tests/peer/client.h"
#include "tests/peer/hearing.h"
#include "tests/peer/sight.h"

struct intake;

struct intake *intake_create(bool keeps_packets, bool keeps_figures);
void intake_destroy(struct intake *intake); // NULL is allowed

void intake_add(struct intake *intake, bool is_audio, const struct transport_media *media);

struct sight *intake_sight(struct intake *intake);     // borrowed
struct hearing *intake_hearing(struct intake *intake); // borrowed
// As the functions of client.h that are named like them.
void intake_video(struct intake *intake, struct client_stream *out);
void intake_audio(struct intake *intake, struct client_stream *out);
void intake_reset_gaps(struct intake *intake);
void intake_figures(struct intake *intake, struct figures_view *out);
void intake_begin_figures(struct intake *intake);
int intake_take_packets(struct intake *intake, struct client_packet **out);

#endif
