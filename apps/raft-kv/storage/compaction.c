/* SPDX-License-Identifier: MIT */
#include "compaction.h"

enum {
    ROOM_BYTES = 1024 * 1024, /* of log after which it is compacted if there is little room */
    ROOM_INTERVAL = 200,      /* ms between such compactions */
    SILENCE = 30000,          /* ms without contact after which a transfer is ignored */
    SENDING_FACTOR = 8        /* times --compact-size, see compaction_most_bytes() */
};

uint64_t compaction_most_bytes(const struct compaction *c) {
    uint64_t usual = SENDING_FACTOR * c->max_bytes;
    return 2 * c->dump_size > usual ? 2 * c->dump_size : usual;
}

/* The log is not compacted while this is true, so it must end, however slow the receiver is. */
static bool wait_for_transfer(const struct compaction *c) {
    return c->sending && c->silence < SILENCE && c->bytes < compaction_most_bytes(c);
}

/* True if the log should be compacted, and deleted keys removed, to make room on the disk. */
static bool lacks_room(const struct compaction *c) {
    return c->tight && c->waited >= ROOM_INTERVAL && (c->deletions > 0 || c->bytes >= ROOM_BYTES);
}

bool compaction_due(const struct compaction *c) {
    bool grown = c->entries >= c->max_entries || c->bytes >= c->max_bytes;
    return c->entries > 0 && ((grown && !wait_for_transfer(c)) || lacks_room(c));
}
