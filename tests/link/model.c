// SPDX-License-Identifier: MIT
//   push -> [queue, drops at its tail] -> line: rate, loss -> [in flight: delay, jitter] -> pop
// A packet's time on the line is worked out when its turn comes, so that a new rate holds for all
// who still wait.
#include "tests/link/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 2 }; // without and with jitter: each keeps its own order

struct packet {
    struct packet *next;
    int64_t in_ns, out_ns;
    size_t size_bytes;
    uint8_t data[];
};

struct queue {
    struct packet *head, *tail;
};

struct link_model {
    struct link_settings settings;
    uint64_t random;
    struct queue waiting, flying; // flying: by out_ns
    int64_t waiting_bytes;
    double head_bits;      // what of the waiting queue's head is still to be sent
    int64_t head_since_ns; // as of this time
    int64_t last_out_ns[CLASSES];
    struct link_stats stats;
};

// --- settings ---

void link_settings_init(struct link_settings *settings) {
    *settings = (struct link_settings){.keeps_order = true};
}

static int read_number(const char *text, double most, double *out) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < 0 || value > most)
        return -EINVAL;
    *out = value;
    return 0;
}

static int set_order(struct link_settings *settings, const char *value) {
    if (strcmp(value, "kept") && strcmp(value, "free"))
        return -EINVAL;
    settings->keeps_order = !strcmp(value, "kept");
    return 0;
}

int link_settings_set(struct link_settings *settings, const char *word) {
    const struct {
        const char *name;
        int *field;
    } numbers[] = {
        {"rate", &settings->rate_kbps},   {"queue", &settings->queue_ms},
        {"delay", &settings->delay_ms},   {"queue-bytes", &settings->queue_bytes},
        {"jitter", &settings->jitter_ms}, {"jitter-over", &settings->jitter_over_bytes},
    };
    const char *equals = strchr(word, '=');
    if (!equals)
        return -EINVAL;
    size_t length = (size_t)(equals - word);
    double value;
    if (length == 5 && !strncmp(word, "order", length))
        return set_order(settings, equals + 1);
    if (length == 4 && !strncmp(word, "loss", length))
        return read_number(equals + 1, 100, &settings->loss_percent);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strlen(numbers[i].name) == length && !strncmp(word, numbers[i].name, length)) {
            int result = read_number(equals + 1, 1e8, &value);
            if (result == 0)
                *numbers[i].field = (int)value;
            return result;
        }
    return -EINVAL;
}

// --- life ---

struct link_model *link_model_create(const struct link_settings *settings, uint64_t seed) {
    struct link_model *model = calloc(1, sizeof(*model));
    if (!model)
        return NULL;
    model->settings = *settings;
    model->random = seed;
    return model;
}

static void free_all(struct queue *queue) {
    while (queue->head) {
        struct packet *packet = queue->head;
        queue->head = packet->next;
        free(packet);
    }
}

void link_model_destroy(struct link_model *model) {
    if (!model)
        return;
    free_all(&model->waiting);
    free_all(&model->flying);
    free(model);
}

void link_model_set_seed(struct link_model *model, uint64_t seed) {
    model->random = seed;
}

const struct link_settings *link_model_settings(const struct link_model *model) {
    return &model->settings;
}

// --- the line ---

// SplitMix64 (Steele, Lea, Flood 2014): any seed will do. 0 <= result < 1.
static double draw(struct link_model *model) {
    uint64_t z = model->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static int64_t line_ns(const struct link_model *model, double bits) {
    return model->settings.rate_kbps > 0 ? (int64_t)(bits * 1e6 / model->settings.rate_kbps) : 0;
}

static int64_t head_done_ns(const struct link_model *model) {
    return model->head_since_ns + line_ns(model, model->head_bits);
}

static void fly(struct link_model *model, struct packet *packet) {
    struct packet **place = &model->flying.head;
    // Most leave last.
    if (model->flying.tail && model->flying.tail->out_ns <= packet->out_ns)
        place = &model->flying.tail->next;
    while (*place && (*place)->out_ns <= packet->out_ns)
        place = &(*place)->next;
    packet->next = *place;
    *place = packet;
    if (!packet->next)
        model->flying.tail = packet;
}

// Both are drawn for every packet, so that a setting of one does not shift the chances of the
// other.
static void leave_line(struct link_model *model, struct packet *packet, int64_t at_ns) {
    const struct link_settings *settings = &model->settings;
    bool is_lost = draw(model) * 100 < settings->loss_percent;
    double jitter_ns = draw(model) * settings->jitter_ms * 1e6;
    int has_jitter = packet->size_bytes > (size_t)settings->jitter_over_bytes;
    if (is_lost) {
        model->stats.lost++;
        free(packet);
        return;
    }
    packet->out_ns = at_ns + settings->delay_ms * INT64_C(1000000);
    if (has_jitter)
        packet->out_ns += (int64_t)jitter_ns;
    int64_t *last_ns = &model->last_out_ns[has_jitter];
    if (settings->keeps_order && packet->out_ns < *last_ns)
        packet->out_ns = *last_ns;
    *last_ns = packet->out_ns;
    fly(model, packet);
}

static void begin_head(struct link_model *model, int64_t at_ns) {
    struct packet *head = model->waiting.head;
    model->head_since_ns = at_ns;
    model->head_bits = head ? (double)head->size_bytes * 8 : 0;
    if (head && at_ns - head->in_ns > model->stats.queue_max_ns)
        model->stats.queue_max_ns = at_ns - head->in_ns;
}

static void advance(struct link_model *model, int64_t now_ns) {
    struct packet *head;
    while ((head = model->waiting.head) && head_done_ns(model) <= now_ns) {
        int64_t done_ns = head_done_ns(model);
        model->waiting.head = head->next;
        model->waiting.tail = head->next ? model->waiting.tail : NULL;
        model->waiting_bytes -= (int64_t)head->size_bytes;
        begin_head(model, done_ns);
        leave_line(model, head, done_ns);
    }
}

void link_model_set(struct link_model *model, const struct link_settings *settings,
                    int64_t now_ns) {
    advance(model, now_ns);
    if (model->waiting.head) {
        model->head_bits -=
            (double)(now_ns - model->head_since_ns) * model->settings.rate_kbps / 1e6;
        model->head_since_ns = now_ns;
    }
    model->settings = *settings;
}

// --- in and out ---

static int64_t queue_ns(const struct link_model *model) {
    return line_ns(model, (double)model->waiting_bytes * 8);
}

static bool has_room(const struct link_model *model, size_t size_bytes) {
    const struct link_settings *settings = &model->settings;
    if (!model->waiting.head) // an idle line takes whatever comes
        return true;
    if (settings->queue_ms > 0 && settings->rate_kbps > 0 &&
        queue_ns(model) > settings->queue_ms * INT64_C(1000000))
        return false;
    return settings->queue_bytes == 0 ||
           model->waiting_bytes + (int64_t)size_bytes <= settings->queue_bytes;
}

int link_model_push(struct link_model *model, const void *data, size_t size_bytes, int64_t now_ns) {
    if (size_bytes == 0 || size_bytes > LINK_PACKET_BYTES_MAX)
        return -EMSGSIZE;
    advance(model, now_ns);
    model->stats.packets_in++;
    model->stats.bytes_in += size_bytes;
    if (!has_room(model, size_bytes)) {
        model->stats.overflowed++;
        return 0;
    }
    struct packet *packet = malloc(sizeof(*packet) + size_bytes);
    if (!packet)
        return -ENOMEM;
    *packet = (struct packet){.in_ns = now_ns, .size_bytes = size_bytes};
    memcpy(packet->data, data, size_bytes);
    if (model->waiting.head)
        model->waiting.tail->next = packet;
    else
        model->waiting.head = packet;
    model->waiting.tail = packet;
    model->waiting_bytes += (int64_t)size_bytes;
    if (model->waiting.head == packet)
        begin_head(model, now_ns);
    advance(model, now_ns);
    return 0;
}

size_t link_model_pop(struct link_model *model, void *out, int64_t now_ns) {
    advance(model, now_ns);
    struct packet *packet = model->flying.head;
    if (!packet || packet->out_ns > now_ns)
        return 0;
    model->flying.head = packet->next;
    if (!packet->next)
        model->flying.tail = NULL;
    size_t size_bytes = packet->size_bytes;
    memcpy(out, packet->data, size_bytes);
    model->stats.packets_out++;
    model->stats.bytes_out += size_bytes;
    free(packet);
    return size_bytes;
}

int64_t link_model_next_ns(const struct link_model *model) {
    int64_t next_ns = model->flying.head ? model->flying.head->out_ns : -1;
    if (model->waiting.head && (next_ns < 0 || head_done_ns(model) < next_ns))
        next_ns = head_done_ns(model);
    return next_ns;
}

// --- figures ---

void link_model_get_stats(struct link_model *model, struct link_stats *out, int64_t now_ns) {
    advance(model, now_ns);
    *out = model->stats;
    out->queue_ns = queue_ns(model);
}

void link_model_reset_stats(struct link_model *model) {
    memset(&model->stats, 0, sizeof(model->stats));
}
