// SPDX-License-Identifier: MIT
#include "mixer/record/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CAPACITY_MIN = 256,
    CAPACITY_MAX = 1 << 20,
    MARKS_MAX = 4096,
    PACKET_COST_BYTES = 128, // beside its data: so many small ones are bounded too
};

void intake_entry_finish(struct intake_entry *entry) {
    packet_unref(entry->packet);
    free(entry->title);
    memset(entry, 0, sizeof(*entry));
}

int intake_init(struct intake *intake, size_t bytes_max, bool has_video) {
    memset(intake, 0, sizeof(*intake));
    intake->bytes_max = bytes_max;
    intake->has_video = has_video;
    intake->entries = calloc(CAPACITY_MIN, sizeof(*intake->entries));
    if (!intake->entries)
        return -ENOMEM;
    intake->capacity = CAPACITY_MIN;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&intake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&intake->lock, NULL);
    return 0;
}

static size_t cost_of(const struct packet *packet) {
    return packet ? packet->size_bytes + PACKET_COST_BYTES : 0;
}

static struct intake_entry take_first_locked(struct intake *intake) {
    struct intake_entry entry = intake->entries[intake->first];
    intake->first = (intake->first + 1) % intake->capacity;
    intake->count--;
    intake->bytes -= cost_of(entry.packet);
    intake->marks -= entry.packet == NULL;
    return entry;
}

static void clear_locked(struct intake *intake) {
    while (intake->count > 0) {
        struct intake_entry entry = take_first_locked(intake);
        intake_entry_finish(&entry);
    }
}

void intake_finish(struct intake *intake) {
    clear_locked(intake);
    free(intake->entries);
    pthread_cond_destroy(&intake->changed);
    pthread_mutex_destroy(&intake->lock);
}

static bool grow_locked(struct intake *intake) {
    if (intake->capacity >= CAPACITY_MAX)
        return false;
    int capacity = intake->capacity * 2;
    struct intake_entry *entries = malloc((size_t)capacity * sizeof(*entries));
    if (!entries)
        return false;
    for (int i = 0; i < intake->count; i++)
        entries[i] = intake->entries[(intake->first + i) % intake->capacity];
    free(intake->entries);
    intake->entries = entries;
    intake->capacity = capacity;
    intake->first = 0;
    return true;
}

static bool append_locked(struct intake *intake, const struct intake_entry *entry) {
    if (intake->count == intake->capacity && !grow_locked(intake))
        return false;
    intake->entries[(intake->first + intake->count) % intake->capacity] = *entry;
    intake->count++;
    intake->bytes += cost_of(entry->packet);
    intake->marks += entry->packet == NULL;
    pthread_cond_signal(&intake->changed);
    return true;
}

// Pictures leave some room for the sound, which may go on without them. What is bigger than all the
// room there is waits alone.
static bool has_room_locked(const struct intake *intake, const struct packet *packet,
                            bool is_audio) {
    size_t max = intake->bytes_max;
    if (!is_audio)
        max -= max / 16;
    return intake->bytes == 0 || intake->bytes + cost_of(packet) <= max;
}

static bool is_half_empty_locked(const struct intake *intake) {
    return intake->bytes <= intake->bytes_max / 2;
}

// Whether what is left out ends with this one.
static bool ends_gap_locked(const struct intake *intake, const struct packet *packet,
                            bool is_audio) {
    if (!intake->is_dropping || !is_half_empty_locked(intake))
        return false;
    return intake->has_video ? !is_audio && packet->is_keyframe : true;
}

static bool is_left_out_locked(const struct intake *intake, const struct packet *packet,
                               bool is_audio) {
    if (!has_room_locked(intake, packet, is_audio))
        return true;
    bool sound_goes_on = is_audio && intake->has_video;
    return intake->is_dropping && !sound_goes_on && !ends_gap_locked(intake, packet, is_audio);
}

static void push_locked(struct intake *intake, struct packet *packet, bool is_audio) {
    int64_t end_ns = packet->pts_ns + packet->duration_ns;
    intake->newest_ns = end_ns > intake->newest_ns ? end_ns : intake->newest_ns;
    struct intake_entry entry = {
        .kind = is_audio ? INTAKE_SOUND : INTAKE_VIDEO,
        .at_ns = packet->pts_ns,
        .packet = packet,
    };
    bool ends_gap = ends_gap_locked(intake, packet, is_audio);
    if (ends_gap)
        entry.gap_ns = packet->pts_ns - intake->gap_from_ns;
    if (!is_left_out_locked(intake, packet, is_audio) && append_locked(intake, &entry)) {
        packet_ref(packet);
        intake->is_dropping &= !ends_gap;
    } else if (!intake->is_dropping) {
        intake->is_dropping = true;
        intake->gap_from_ns = packet->pts_ns;
    }
}

void intake_push(struct intake *intake, struct packet *packet, bool is_audio) {
    pthread_mutex_lock(&intake->lock);
    if (!intake->is_closed)
        push_locked(intake, packet, is_audio);
    pthread_mutex_unlock(&intake->lock);
}

static bool mark_locked(struct intake *intake, enum intake_kind kind, int64_t at_ns,
                        const char *title) {
    // The one mark that may not get lost.
    if (intake->is_closed || (intake->marks >= MARKS_MAX && kind != INTAKE_STOP))
        return false;
    struct intake_entry entry = {.kind = kind, .at_ns = at_ns};
    if (title) {
        entry.title = strdup(title);
        if (!entry.title)
            return false;
    }
    if (kind == INTAKE_STOP && intake->is_dropping && at_ns > intake->gap_from_ns)
        entry.gap_ns = at_ns - intake->gap_from_ns;
    if (append_locked(intake, &entry))
        return true;
    intake_entry_finish(&entry);
    return false;
}

bool intake_mark(struct intake *intake, enum intake_kind kind, int64_t at_ns, const char *title) {
    pthread_mutex_lock(&intake->lock);
    bool is_marked = mark_locked(intake, kind, at_ns, title);
    pthread_mutex_unlock(&intake->lock);
    return is_marked;
}

bool intake_mark_stop(struct intake *intake) {
    pthread_mutex_lock(&intake->lock);
    bool is_marked = mark_locked(intake, INTAKE_STOP, intake->newest_ns, NULL);
    pthread_mutex_unlock(&intake->lock);
    return is_marked;
}

static struct timespec deadline_in(int64_t timeout_ns) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    int64_t ns = deadline.tv_nsec + timeout_ns;
    deadline.tv_sec += ns / 1000000000;
    deadline.tv_nsec = ns % 1000000000;
    return deadline;
}

bool intake_pop(struct intake *intake, int64_t timeout_ns, struct intake_entry *out) {
    struct timespec deadline = deadline_in(timeout_ns);
    pthread_mutex_lock(&intake->lock);
    int error = 0;
    while (intake->count == 0 && error == 0)
        error = pthread_cond_timedwait(&intake->changed, &intake->lock, &deadline);
    bool has_one = intake->count > 0;
    if (has_one)
        *out = take_first_locked(intake);
    pthread_mutex_unlock(&intake->lock);
    return has_one;
}

void intake_close(struct intake *intake) {
    pthread_mutex_lock(&intake->lock);
    intake->is_closed = true;
    clear_locked(intake);
    pthread_mutex_unlock(&intake->lock);
}

bool intake_lacks_keyframe(struct intake *intake) {
    pthread_mutex_lock(&intake->lock);
    bool lacks = intake->is_dropping && intake->has_video && is_half_empty_locked(intake);
    pthread_mutex_unlock(&intake->lock);
    return lacks;
}

int64_t intake_newest_ns(struct intake *intake) {
    pthread_mutex_lock(&intake->lock);
    int64_t newest_ns = intake->newest_ns;
    pthread_mutex_unlock(&intake->lock);
    return newest_ns;
}
