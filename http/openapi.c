// SPDX-License-Identifier: MIT
// libyaml's events to jansson's objects, with a stack of the containers that are open.
#include "http/openapi.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 64, KEY_MAX = 256 };

struct reading {
    struct {
        json_t *container;
        char key[KEY_MAX]; // of a mapping: whose value comes next
        bool has_key;
    } open[DEPTH_MAX];
    int depth;
    json_t *document; // owns all
    const char *problem;
};

static int fail(struct reading *reading, const char *problem) {
    reading->problem = problem;
    return -EINVAL;
}

// Takes value.
static int put(struct reading *reading, json_t *value) {
    int result = 0;
    if (!value)
        return -ENOMEM;
    if (reading->depth == 0) {
        if (reading->document) {
            json_decref(value);
            return fail(reading, "there is more than one document");
        }
        reading->document = value;
        return 0;
    }
    json_t *container = reading->open[reading->depth - 1].container;
    if (json_is_array(container)) {
        result = json_array_append_new(container, value);
    } else {
        const char *key = reading->open[reading->depth - 1].key;
        reading->open[reading->depth - 1].has_key = false;
        if (json_object_get(container, key)) {
            json_decref(value);
            return fail(reading, "a key stands there twice");
        }
        result = json_object_set_new(container, key, value);
    }
    return result == 0 ? 0 : -ENOMEM;
}

static int open_container(struct reading *reading, json_t *container) {
    if (reading->depth == DEPTH_MAX) {
        json_decref(container);
        return fail(reading, "it is nested too deep");
    }
    int result = put(reading, container);
    if (result != 0)
        return result;
    reading->open[reading->depth].container = container;
    reading->open[reading->depth++].has_key = false;
    return 0;
}

static bool is_number(const char *text, bool *is_whole) {
    const char *at = text + (*text == '-');
    size_t digits = strspn(at, "0123456789");
    *is_whole = at[digits] == '\0';
    if (digits == 0 || *is_whole)
        return digits > 0;
    return at[digits] == '.' && strspn(at + digits + 1, "0123456789") == strlen(at + digits + 1);
}

static json_t *plain_value(const char *text) {
    bool is_whole;
    if (strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || !*text)
        return json_null();
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(*text == 't');
    if (!is_number(text, &is_whole))
        return json_string(text);
    return is_whole ? json_integer(strtoll(text, NULL, 10)) : json_real(strtod(text, NULL));
}

static bool is_key_due(const struct reading *reading) {
    return reading->depth > 0 && json_is_object(reading->open[reading->depth - 1].container) &&
           !reading->open[reading->depth - 1].has_key;
}

static int take_scalar(struct reading *reading, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    if (!is_key_due(reading))
        return put(reading, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                                ? plain_value(text)
                                : json_stringn(text, event->data.scalar.length));
    if (strlen(text) >= KEY_MAX)
        return fail(reading, "a key is too long");
    strcpy(reading->open[reading->depth - 1].key, text);
    reading->open[reading->depth - 1].has_key = true;
    return 0;
}

static int take(struct reading *reading, const yaml_event_t *event) {
    bool opens =
        event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT;
    if (opens && is_key_due(reading))
        return fail(reading, "a key is no text");
    switch (event->type) {
    case YAML_MAPPING_START_EVENT: return open_container(reading, json_object());
    case YAML_SEQUENCE_START_EVENT: return open_container(reading, json_array());
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: reading->depth--; return 0;
    case YAML_SCALAR_EVENT: return take_scalar(reading, event);
    case YAML_ALIAS_EVENT: return fail(reading, "it has an alias");
    default: return 0;
    }
}

static int read_events(yaml_parser_t *parser, struct reading *reading) {
    int result = 0;
    for (bool is_over = false; result == 0 && !is_over;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail(reading, parser->problem ? parser->problem : "it is no YAML");
        is_over = event.type == YAML_STREAM_END_EVENT;
        result = take(reading, &event);
        yaml_event_delete(&event);
    }
    return result;
}

int openapi_read(const char *yaml, size_t size_bytes, json_t **out, char *error, int error_bytes) {
    struct reading reading = {.problem = "out of memory"};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, size_bytes);
    int result = read_events(&parser, &reading);
    if (result == 0 && !reading.document)
        result = fail(&reading, "it is empty");
    if (result == 0)
        *out = reading.document;
    else
        json_decref(reading.document);
    if (result != 0)
        snprintf(error, (size_t)error_bytes, "line %zu: %s", parser.mark.line + 1, reading.problem);
    yaml_parser_delete(&parser);
    return result;
}
