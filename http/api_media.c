// SPDX-License-Identifier: MIT
// Files: pictures for the composite, sounds for the mix, and the composite as a picture. They are
// decoded here, on the request's thread: that is no work for the control loop.
#include "http/api.h"

#include "http/api_call.h"
#include "http/request.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

enum { SNAPSHOT_WIDTH_MIN_PX = 16, SNAPSHOT_WIDTH_MAX_PX = 1920 };

static const double volume_max = 2;

// ---- pictures ----

static int read_slot(const struct request *request, enum stage_picture *out,
                     struct refusal *refusal) {
    static const char *const names[STAGE_PICTURES] = {[STAGE_BACKGROUND] = "background",
                                                      [STAGE_LOGO] = "logo",
                                                      [STAGE_BANNER_PICTURE] = "banner"};
    for (int i = 0; i < STAGE_PICTURES; i++)
        if (strcmp(request_param(request, "slot"), names[i]) == 0) {
            *out = (enum stage_picture)i;
            return 0;
        }
    return refusal_set(refusal, 404, "slot-not-found",
                       "A picture is background, logo or banner: there is no other place for one.");
}

static int refuse_file(int error, const char *code, const char *what, const char *limit,
                       struct refusal *refusal) {
    if (error == -E2BIG)
        return refusal_set(refusal, 413, "too-large", "The %s may %s at most.", what, limit);
    if (error == -ENOMEM)
        return refusal_set(refusal, 503, "server-full", "Out of memory.");
    return refusal_set(refusal, 422, code, "The body is no %s that could be read.", what);
}

static int read_picture(const struct request *request, struct picture **out,
                        struct refusal *refusal) {
    if (!request_has_type(request, "image/png") && !request_has_type(request, "image/jpeg") &&
        !request_has_type(request, "image/webp"))
        return refusal_set(refusal, 415, "not-a-picture",
                           "The body must be image/png, image/jpeg or image/webp.");
    int error = picture_decode(request->body, request->body_bytes, out);
    char limit[64];
    g_snprintf(limit, sizeof(limit), "have %d pixels on a side", PICTURE_SIDE_MAX_PX);
    return error ? refuse_file(error, "bad-picture", "picture", limit, refusal) : 0;
}

void api_set_picture(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    if (read_slot(request, &asked.slot, &refusal) != 0 ||
        read_picture(request, &asked.picture, &refusal) != 0)
        return reply_refusal(reply, &refusal);
    asked.file = request->body;
    asked.file_bytes = request->body_bytes;
    api_finish(request, reply, HUB_SET_PICTURE, &asked, 204);
}

void api_remove_picture(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    if (read_slot(request, &asked.slot, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        api_finish(request, reply, HUB_REMOVE_PICTURE, &asked, 204);
}

// ---- sounds ----

// WebM and M4A are often declared as what they usually hold.
static int read_clip(const struct request *request, struct clip **out, struct refusal *refusal) {
    const char *type = request_header(request, "Content-Type");
    if (!type ||
        (g_ascii_strncasecmp(type, "audio/", 6) != 0 && !request_has_type(request, "video/webm") &&
         !request_has_type(request, "video/mp4") && !request_has_type(request, "application/ogg")))
        return refusal_set(refusal, 415, "not-a-sound", "The body must be a sound: audio/….");
    int error = clip_decode(request->body, request->body_bytes, out);
    char limit[64];
    g_snprintf(limit, sizeof(limit), "last %d seconds", CLIP_SECONDS_MAX);
    return error ? refuse_file(error, "bad-sound", "sound", limit, refusal) : 0;
}

void api_play(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    asked.volume = 1;
    if (request_query_number(request, "volume", 0, volume_max, &asked.volume, &refusal) != 0 ||
        read_clip(request, &asked.clip, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        api_finish(request, reply, HUB_PLAY, &asked, 204);
}

void api_stop_playing(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_STOP_PLAYING);
}

// ---- the composite ----

static void answer_snapshot(struct request *request, struct reply *reply,
                            enum picture_format format) {
    struct refusal refusal;
    uint8_t *file;
    size_t size_bytes;
    int width_px = 0;
    if (request_query_int(request, "width", SNAPSHOT_WIDTH_MIN_PX, SNAPSHOT_WIDTH_MAX_PX, &width_px,
                          &refusal) != 0 ||
        hub_snapshot(request->site->hub, request_param(request, "room"), width_px, format, &file,
                     &size_bytes, &refusal) != 0)
        reply_refusal(reply, &refusal);
    else
        reply_owned(reply, 200, format == PICTURE_PNG ? "image/png" : "image/jpeg", file,
                    size_bytes);
}

void api_get_snapshot_jpeg(struct request *request, struct reply *reply) {
    answer_snapshot(request, reply, PICTURE_JPEG);
}

void api_get_snapshot_png(struct request *request, struct reply *reply) {
    answer_snapshot(request, reply, PICTURE_PNG);
}
