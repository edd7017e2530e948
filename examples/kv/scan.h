/* SPDX-License-Identifier: MIT */
/* Work that reads or writes all the data and so runs on a worker thread, one at a
 * time: counting keys, digests, flushes for compaction, dumps for other servers.
 *
 * The log is compacted without copying anything: once a flush has made the data
 * durable up to some entry, the data are the snapshot. A dump is made only when
 * another server needs one, at the entry applied then, and the raft is told of a
 * snapshot there. */
#ifndef KV_SCAN_H
#define KV_SCAN_H

#include <uv.h>

#include "store.h"

struct server;
struct client;
struct scan;

enum scan_kind { SCAN_DBSIZE, SCAN_DIGEST, SCAN_FLUSH, SCAN_DUMP };

struct scans {
    struct server *server;
    struct scan *first;
    struct scan **last;
    unsigned n;
    bool queued[SCAN_DUMP + 1]; /* of the kinds of which one is enough */
    uv_work_t work;
    int dump; /* file descriptor of the current dump, -1: none */
    raft_index dump_index;
    uint64_t dump_size;
};

void scans_init(struct scans *scans, struct server *server);

/* Queue a scan that answers a client. */
void scan_for_client(struct server *s, enum scan_kind kind, struct client *client, uint64_t seq);

/* Compact the log if enough was applied since the last time. */
void compaction_check(struct server *s);

/* Go on with what waits; true if that needs the data written to the database. */
bool scans_go_on(struct server *s);

/* Attach a chunk of the dump to an outgoing InstallSnapshot, valid until the next
 * call. False: there is no such dump yet; one is being made. */
bool dump_attach(struct server *s, struct raft_install_snapshot *m);

#endif
