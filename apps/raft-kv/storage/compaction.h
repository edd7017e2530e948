/* SPDX-License-Identifier: MIT */
/* When the log is compacted: the decision alone, without a server. */
#ifndef KV_COMPACTION_H
#define KV_COMPACTION_H

#include <stdbool.h>
#include <stdint.h>

struct compaction {
    /* --compact-entries and --compact-size, the latter in bytes */
    uint64_t max_entries;
    uint64_t max_bytes;
    /* The log since the last snapshot: applied entries, and bytes written. */
    uint64_t entries;
    uint64_t bytes;
    /* The disk. */
    bool tight;         /* there may soon be too little room */
    uint64_t deletions; /* keys deleted while there was little room, since the last shrinking */
    uint64_t waited;    /* ms since a compaction was begun for lack of room */
    /* The dump that is being sent to other servers. */
    bool sending;       /* false: the other members of this entry have no meaning */
    uint64_t dump_size; /* bytes */
    uint64_t silence;   /* ms without contact with its receivers, of the one that was heard last */
};

/* True if the log should be compacted now. A transfer of a dump delays that, because a newer
 * snapshot restarts the transfer from the beginning; but only while a receiver responds and the log
 * has less than compaction_most_bytes(). */
bool compaction_due(const struct compaction *c);

/* The bytes of log that a transfer of a dump can delay a compaction for. */
uint64_t compaction_most_bytes(const struct compaction *c);

#endif
