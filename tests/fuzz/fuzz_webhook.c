// SPDX-License-Identifier: MIT
// libFuzzer target: a webhook as an operator's program may describe it, and its URL. What is taken
// must be shown, kept and read again as the same.
#include "mcu/webhooks_internal.h"
#include "mcu/webhooks_target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_hook(const struct config *config, const json_t *body) {
    struct refusal refusal = {0};
    struct hook *hook = hook_create();
    if (!hook)
        abort();
    if (hook_read(hook, body, true, config, &refusal) == 0) {
        char *kept = hook_dump(hook), *again = NULL;
        struct hook *loaded = kept ? hook_load(hook->id, kept) : NULL;
        if (!loaded || !(again = hook_dump(loaded)) || strcmp(kept, again) != 0)
            abort();
        json_t *shown = hook_show(hook);
        if (!shown)
            abort();
        json_decref(shown);
        hook_destroy(loaded);
        free(kept);
        free(again);
    } else if (refusal.status != 422 || !refusal.field[0]) {
        abort();
    }
    hook_destroy(hook);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config config = {.webhooks_private_targets = size > 0 && data[0] % 2};
    char *text = strndup((const char *)data, size);
    if (!text)
        abort();
    webhooks_target_check_url(text, config.webhooks_private_targets, NULL);
    json_t *body = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body))
        read_hook(&config, body);
    json_decref(body);
    free(text);
    return 0;
}
