// SPDX-License-Identifier: MIT
// Live outputs of a room, and the files of HLS.
#include "http/api.h"

#include "http/api_call.h"
#include "http/download.h"
#include "http/request.h"
#include "mcu/hls_files.h"

#include <glib.h>
#include <string.h>

void api_start_broadcast(struct request *request, struct reply *reply) {
    struct refusal refusal;
    struct hub_request asked = api_ask(request);
    json_t *body = NULL, *out = NULL;
    int result = request_json(request, &body, &refusal);
    asked.body = body;
    if (result == 0)
        result = hub_call(request->site->hub, HUB_START_BROADCAST, &asked, &out, &refusal);
    json_decref(body);
    if (result != 0) {
        reply_refusal(reply, &refusal);
        return;
    }
    char *escaped = g_uri_escape_string(asked.room, NULL, FALSE);
    char *prefix = g_strdup_printf("/api/v1/rooms/%s/broadcasts/", escaped);
    json_incref(out);
    api_answer(reply, 201, out);
    api_add_location(reply, prefix, out);
    json_decref(out);
    g_free(prefix);
    g_free(escaped);
}

void api_list_broadcasts(struct request *request, struct reply *reply) {
    api_read(request, reply, HUB_LIST_BROADCASTS);
}

void api_stop_broadcast(struct request *request, struct reply *reply) {
    api_do(request, reply, HUB_STOP_BROADCAST);
}

// Whoever can open the room's page can watch: it is what HLS is started for.
void api_get_hls_file(struct request *request, struct reply *reply) {
    char room[ROOM_NAME_MAX];
    struct refusal refusal;
    const char *name = request_param(request, "file"), *type = hls_files_type(name);
    if (!type || !protocol_clean_room_name(request_param(request, "room"), room)) {
        refusal_set(&refusal, 404, "file-not-found", "There is no such file.");
        reply_refusal(reply, &refusal);
        return;
    }
    char *dir = hls_files_dir(request->site->config, room);
    char *path = g_strdup_printf("%s/%s", dir, name);
    bool is_playlist = strcmp(name, "index.m3u8") == 0;
    const struct download file = {.path = path,
                                  .type = type,
                                  .cache_control = is_playlist ? NULL : "no-cache",
                                  .missing = "file-not-found"};
    download_answer(request, reply, &file);
    g_free(path);
    g_free(dir);
}
