// SPDX-License-Identifier: MIT
#include "mcu/webhooks.h"

#include <stdlib.h>

struct webhooks {
    struct store *store;
};

struct webhooks *webhooks_create(const struct config *config, struct store *store,
                                 struct events *events) {
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    if (webhooks)
        webhooks->store = store;
    return webhooks;
}

void webhooks_destroy(struct webhooks *webhooks) {
    free(webhooks);
}
