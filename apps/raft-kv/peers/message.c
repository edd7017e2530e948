/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <stdlib.h>
#include <wire.h>

#include "limits.h"
#include "session.h"

void message_memory_free(struct message_memory *m) {
    free(m->entries);
    buf_free(&m->payloads);
    buf_free(&m->decoded);
    *m = (struct message_memory){0};
}

/* Attach the entries to the message. Those before `log->cached` are valid until the next log_get()
 * only, so that their payloads are copied. */
static bool attach_entries(struct message_memory *memory, struct raft_append_entries *m,
                           struct log *log) {
    size_t bytes = 0;
    unsigned n = 0;
    unsigned n_copied = 0;
    memory->payloads.len = 0;
    for (; n < m->n_entries && bytes < MAX_MESSAGE_ENTRIES_BYTES; n++) {
        raft_index index = m->prev_log_index + 1 + n;
        const struct log_entry *e = log_get(log, index);
        if (e == NULL) {
            return false;
        }
        if (index < log->cached) {
            buf_put(&memory->payloads, e->data, e->len);
            n_copied++;
        }
        memory->entries = array_grow(memory->entries, n, &memory->cap, sizeof *memory->entries);
        memory->entries[n] = (struct raft_entry){.term = e->term,
                                                 .type = (enum raft_entry_type)e->type,
                                                 .buf = {(void *)e->data, e->len}};
        bytes += e->len;
    }
    const char *copy = memory->payloads.data; /* does not move any more */
    for (unsigned i = 0; i < n_copied; i++) {
        memory->entries[i].buf.base = (void *)copy;
        copy += memory->entries[i].buf.len;
    }
    m->entries = memory->entries;
    m->n_entries = n;
    return true;
}

bool message_encode(struct message_memory *memory, struct buf *b, raft_id own_id,
                    struct raft_message *message, struct log *log, struct session *session) {
    if (message->type == RAFT_APPEND_ENTRIES &&
        !attach_entries(memory, &message->append_entries, log)) {
        return false;
    }
    size_t size = wire_size(message, "");
    if (size == 0) {
        return false;
    }
    size_t begun = frame_begin(b);
    buf_put_int(b, FRAME_MESSAGE, 1);
    wire_encode(message, own_id, "", buf_room(b, size));
    b->len += size;
    session_seal(session, b, begun);
    if (message->type == RAFT_APPEND_ENTRIES) {
        message->append_entries.entries = NULL; /* the message belongs to the library */
    }
    return true;
}

bool message_decode(struct message_memory *memory, struct block *block, const char *content,
                    size_t len, struct raft_message *message) {
    size_t size = len > 0 && content[0] == FRAME_MESSAGE ? wire_memory(content + 1, len - 1) : 0;
    memory->decoded.len = 0;
    if (size == 0 ||
        wire_decode_into(content + 1, len - 1, buf_room(&memory->decoded, size), message) != 0) {
        return false;
    }
    struct raft_append_entries *m = &message->append_entries;
    for (unsigned i = 0; message->type == RAFT_APPEND_ENTRIES && i < m->n_entries; i++) {
        m->entries[i].batch = block;
    }
    return true;
}
