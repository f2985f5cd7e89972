// SPDX-License-Identifier: MIT
// How often something may happen: a token bucket, and a table of buckets and counters by remote
// address. Pure: the time comes in, nothing is locked; each belongs to one thread at a time (or one
// lock).
#ifndef MCU_LIMIT_H
#define MCU_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

// A bucket of `burst` tokens that is refilled at `rate` tokens a second and starts full.
struct limit {
    int64_t interval_ns; // one token's time
    int64_t burst_ns;    // that of a full bucket
    int64_t empty_until_ns;
};

// Rates and bursts below 1 count as 1.
void limit_init(struct limit *limit, int rate_per_s, int burst);
// Takes a token if there is one.
bool limit_take(struct limit *limit, int64_t now_ns);

// Per address. IPv4 (also as ::ffff:1.2.3.4) counts whole, of IPv6 the first 64 bits: a household
// has them all. What is no address shares one entry. At most entries_max are remembered; the ones
// unused for longest are forgotten first, but never those that are inside.
struct limit_table;

struct limit_table *limit_table_create(int entries_max, int rate_per_s, int burst);
void limit_table_destroy(struct limit_table *table); // NULL is allowed

// A token of this address's bucket. False too when the table is full of addresses that are inside.
bool limit_table_take(struct limit_table *table, const char *address, int64_t now_ns);
// Is there a token left in it? Takes none.
bool limit_table_has(struct limit_table *table, const char *address, int64_t now_ns);
// Counts the address in, unless it is inside inside_max times already (or the table is full, as
// above).
bool limit_table_enter(struct limit_table *table, const char *address, int inside_max);
// Once for each enter that said yes.
void limit_table_leave(struct limit_table *table, const char *address);
int limit_table_inside(const struct limit_table *table, const char *address);
int limit_table_size(const struct limit_table *table); // entries remembered

#endif
