/* SPDX-License-Identifier: MIT */
/* Jobs that read or write all data. They run on a worker thread, one at a time: counting keys,
 * digests, flushes for log compaction, dumps for other servers, backups.
 *
 * Log compaction copies nothing: after a flush has made the data durable up to some entry, the
 * data are the snapshot at that entry. A dump (dump.h) is written only when another server needs
 * one. It holds the data at the last applied entry, and a snapshot at that entry is reported to
 * libraft. */
#ifndef KV_SCAN_H
#define KV_SCAN_H

#include <uv.h>

#include "store.h"

struct server;
struct client;
struct scan;
struct backup;

enum scan_kind { SCAN_DBSIZE, SCAN_DIGEST, SCAN_FLUSH, SCAN_DUMP, SCAN_BACKUP };

struct scans {
    struct server *server;
    struct scan *first;
    struct scan **last;
    unsigned n;
    bool queued[SCAN_BACKUP + 1]; /* kinds that are queued, for those queued only once */
    uv_work_t work;
    raft_time begun; /* the running scan */
    int dump;        /* file descriptor of the current dump, -1: none */
    raft_index dump_index;
    uint64_t dump_size;
};

void scans_init(struct scans *scans, struct server *server);

/* Queue a scan whose result is the reply to a client. */
void scan_for_client(struct server *s, enum scan_kind kind, struct client *client, uint64_t seq);

/* Queue a backup. It holds the data at the entry applied now, or a later one. False: the queue is
 * full. */
bool scan_for_backup(struct server *s, struct backup *backup);

/* Begin a log compaction if enough entries were applied since the last one. */
void compaction_check(struct server *s);

/* Start the next scan if possible; true if it needs the changes written to the database first. */
bool scans_resume(struct server *s);

/* True while a worker thread reads the database. */
bool scans_running(const struct scans *scans);

/* Attach a chunk of the dump to an outgoing InstallSnapshot. The chunk is valid until the next
 * call. False: there is no dump at that entry yet; one is queued. */
bool dump_attach(struct server *s, struct raft_install_snapshot *m);

#endif
