// SPDX-License-Identifier: MIT
// What the mixer's tick threads need to reach a member's present link: the link may come and go
// while they send. Owned by the mixer member, which frees it when no tick can call any more. Part
// of member.
#ifndef MCU_MEMBER_FEED_H
#define MCU_MEMBER_FEED_H

#include "mcu/link.h"
#include "mixer/mixer.h"

struct member_feed;

struct member_feed *member_feed_create(void); // NULL when out of memory
void member_feed_destroy(struct member_feed *feed);
// Keeps a reference to the link; NULL: none now. Any thread.
void member_feed_set_link(struct member_feed *feed, struct link *link);

// For mixer_add_member() with the feed as user; its release() destroys the feed.
extern const struct mixer_member_ops member_feed_ops;

#endif
