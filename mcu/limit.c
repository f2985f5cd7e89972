// SPDX-License-Identifier: MIT
// The bucket keeps one number, the time at which all tokens taken so far will have been refilled;
// it is full when that lies in the past.
#include "mcu/limit.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

struct key {
    unsigned char bytes[8]; // IPv6: the first 64 bits; IPv4: the last four
    unsigned char family;   // 4, 6, or 0 for what is no address
};

struct entry {
    struct key key;
    struct limit limit;
    int inside;
    GList place; // in `idle` while nobody is inside
};

struct limit_table {
    int entries_max, rate_per_s, burst;
    GHashTable *entries; // owns
    GQueue idle;         // borrows; the one used last at the head
};

void limit_init(struct limit *limit, int rate_per_s, int burst) {
    limit->interval_ns = NS_PER_S / MAX(rate_per_s, 1);
    limit->burst_ns = MAX(burst, 1) * limit->interval_ns;
    limit->empty_until_ns = INT64_MIN;
}

bool limit_take(struct limit *limit, int64_t now_ns) {
    int64_t until_ns = MAX(limit->empty_until_ns, now_ns) + limit->interval_ns;
    if (until_ns - now_ns > limit->burst_ns)
        return false;
    limit->empty_until_ns = until_ns;
    return true;
}

static struct key key_from_address(const char *address) {
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct key key = {.family = 0};
    struct in6_addr six;
    char text[INET6_ADDRSTRLEN];
    g_strlcpy(text, address ? address : "", sizeof(text));
    text[strcspn(text, "%")] = '\0'; // fe80::1%eth0
    if (inet_pton(AF_INET, text, key.bytes + 4) == 1) {
        key.family = 4;
    } else if (inet_pton(AF_INET6, text, &six) == 1) {
        bool is_mapped = memcmp(six.s6_addr, mapped, sizeof(mapped)) == 0;
        key.family = is_mapped ? 4 : 6;
        if (is_mapped)
            memcpy(key.bytes + 4, six.s6_addr + 12, 4);
        else
            memcpy(key.bytes, six.s6_addr, 8);
    }
    return key;
}

static guint key_hash(gconstpointer data) {
    guint64 bits;
    memcpy(&bits, ((const struct key *)data)->bytes, sizeof(bits));
    bits *= G_GUINT64_CONSTANT(0x9e3779b97f4a7c15); // the neighbours in a net differ in few bits
    return (guint)(bits >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b) {
    return memcmp(a, b, sizeof(struct key)) == 0;
}

struct limit_table *limit_table_create(int entries_max, int rate_per_s, int burst) {
    struct limit_table *table = calloc(1, sizeof(*table));
    if (!table)
        return NULL;
    table->entries_max = MAX(entries_max, 1);
    table->rate_per_s = rate_per_s;
    table->burst = burst;
    table->entries = g_hash_table_new_full(key_hash, key_equal, NULL, free);
    g_queue_init(&table->idle);
    return table;
}

void limit_table_destroy(struct limit_table *table) {
    if (!table)
        return;
    g_hash_table_destroy(table->entries);
    free(table);
}

static struct entry *find(const struct limit_table *table, const char *address) {
    struct key key = key_from_address(address);
    return g_hash_table_lookup(table->entries, &key);
}

static bool make_room(struct limit_table *table) {
    if (limit_table_size(table) < table->entries_max)
        return true;
    GList *oldest = g_queue_pop_tail_link(&table->idle);
    if (!oldest)
        return false;
    struct entry *entry = oldest->data;
    g_hash_table_remove(table->entries, &entry->key);
    return true;
}

static struct entry *add(struct limit_table *table, const char *address) {
    struct entry *entry = make_room(table) ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry)
        return NULL;
    entry->key = key_from_address(address);
    entry->place.data = entry;
    limit_init(&entry->limit, table->rate_per_s, table->burst);
    g_hash_table_insert(table->entries, &entry->key, entry);
    g_queue_push_head_link(&table->idle, &entry->place);
    return entry;
}

static struct entry *find_or_add(struct limit_table *table, const char *address) {
    struct entry *entry = find(table, address);
    if (!entry)
        return add(table, address);
    if (entry->inside == 0) {
        g_queue_unlink(&table->idle, &entry->place);
        g_queue_push_head_link(&table->idle, &entry->place);
    }
    return entry;
}

bool limit_table_take(struct limit_table *table, const char *address, int64_t now_ns) {
    struct entry *entry = find_or_add(table, address);
    return entry && limit_take(&entry->limit, now_ns);
}

bool limit_table_has(struct limit_table *table, const char *address, int64_t now_ns) {
    struct entry *entry = find(table, address);
    if (!entry)
        return true;
    struct limit copy = entry->limit;
    return limit_take(&copy, now_ns);
}

bool limit_table_enter(struct limit_table *table, const char *address, int inside_max) {
    struct entry *entry = find_or_add(table, address);
    if (!entry || entry->inside >= inside_max)
        return false;
    if (entry->inside++ == 0)
        g_queue_unlink(&table->idle, &entry->place);
    return true;
}

void limit_table_leave(struct limit_table *table, const char *address) {
    struct entry *entry = find(table, address);
    if (!entry || entry->inside == 0)
        return;
    if (--entry->inside == 0)
        g_queue_push_head_link(&table->idle, &entry->place);
}

int limit_table_inside(const struct limit_table *table, const char *address) {
    struct entry *entry = find(table, address);
    return entry ? entry->inside : 0;
}

int limit_table_size(const struct limit_table *table) {
    return (int)g_hash_table_size(table->entries);
}
