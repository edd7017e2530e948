/* SPDX-License-Identifier: MIT */
#include "shim.h"

/* Go gets the records after the step, so that nothing of Go runs while C is on the stack. */
static void emit(struct raft_tracer *tracer, int type, const void *info) {
    struct shim_handle *h = tracer->impl;
    if (h->n_records == h->capacity) {
        size_t capacity = h->capacity * 2 + 16;
        struct shim_record *records = realloc(h->records, capacity * sizeof *records);
        if (records == NULL) {
            abort(); /* as Go does when memory runs out */
        }
        h->records = records;
        h->capacity = capacity;
    }
    h->records[h->n_records].type = type;
    h->records[h->n_records++].info = *(const struct raft_tracer_info *)info;
}

int shim_step(struct shim_handle *h) {
    h->n_records = 0;
    return raft_step(&h->raft, &h->event, &h->update);
}

int shim_trace(struct shim_handle *h, int enabled) {
    h->tracer.impl = h;
    h->tracer.version = 1;
    h->tracer.emit = emit;
    return raft_set_tracer(&h->raft, enabled ? &h->tracer : NULL);
}

void shim_free(struct shim_handle *h) {
    raft_close(&h->raft);
    free(h->records);
    free(h);
}
