/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backup.h"
#include "client.h"
#include "compaction.h"
#include "dump.h"
#include "file.h"
#include "limits.h"
#include "reply.h"
#include "report.h"
#include "server.h"

enum { MAX_QUEUE = 64 };

struct scan {
    struct scan *next;
    enum scan_kind kind;
    struct server *server;
    struct client *client; /* NULL: no client is waiting */
    uint64_t seq;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
    raft_index wanted; /* applied index when it was queued */
    raft_index index;  /* of the database snapshot */
    raft_term term;
    uint64_t keys;
    uint32_t digest;
    char *path;  /* of a dump */
    int error;   /* of writing a dump */
    bool shrink; /* remove deleted keys from the database's files */
    struct backup *backup;
};

static char *dump_path(struct server *s) { return store_path(&s->store, "outgoing.dump"); }

void scans_init(struct scans *scans, struct server *server) {
    *scans = (struct scans){.server = server, .dump = -1};
    scans->last = &scans->first;
    char *path = dump_path(server);
    unlink(path); /* left by an earlier run */
    free(path);
}

/* --- the queue ----------------------------------------------------------- */

static void on_work(uv_work_t *work) {
    struct scan *scan = work->data;
    struct store *store = &scan->server->store;
    switch (scan->kind) {
        case SCAN_DBSIZE:
        case SCAN_DIGEST:
            dump_digest(store, scan->read, &scan->keys, &scan->digest);
            break;
        case SCAN_FLUSH:
            data_flush(store);
            if (scan->shrink) {
                space_shrink(store);
            }
            break;
        case SCAN_DUMP:
            data_flush(store);
            scan->error = dump_write(store, scan->read, scan->path,
                                     &(struct dump_info){.index = scan->index, .term = scan->term});
            break;
        case SCAN_BACKUP:
            backup_run(scan->backup, store, scan->read, scan->index, scan->term);
            break;
    }
}

static void finish(struct scan *scan);

static void on_done(uv_work_t *work, int status) {
    (void)status;
    struct scan *scan = work->data;
    struct scans *scans = &scan->server->scans;
    scans->first = scan->next;
    if (scans->first == NULL) {
        scans->last = &scans->first;
    }
    scans->n--;
    scans->queued[scan->kind] = false;
    rocksdb_readoptions_destroy(scan->read);
    rocksdb_release_snapshot(scan->server->store.db, scan->snapshot);
    finish(scan);
    free(scan->path);
    free(scan);
}

/* Start the first scan in the queue if the database contains the entries that were applied when it
 * was queued, and the data are not being replaced. */
bool scans_resume(struct server *s) {
    struct scan *scan = s->scans.first;
    if (scan == NULL || scan->read != NULL || s->install.loading || s->stopping != 0) {
        return false;
    }
    if (s->data.busy || s->data.written < scan->wanted) {
        return true;
    }
    s->scans.begun = server_now();
    scan->index = s->data.written;
    if (scan->kind == SCAN_FLUSH || scan->kind == SCAN_DUMP) {
        values_flush_begin(&s->store.values, scan->index);
    }
    scan->term = raft_term_of(&s->raft, scan->index);
    scan->snapshot = rocksdb_create_snapshot(s->store.db);
    scan->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(scan->read, scan->snapshot);
    rocksdb_readoptions_set_fill_cache(scan->read, 0);
    scan->shrink = scan->kind == SCAN_FLUSH && space_may_shrink(&s->space, &s->store);
    if (scan->kind == SCAN_DUMP) {
        scan->path = dump_path(s);
    }
    s->scans.work.data = scan;
    uv_queue_work(s->loop, &s->scans.work, on_work, on_done);
    return false;
}

bool scans_running(const struct scans *scans) {
    return scans->first != NULL && scans->first->read != NULL;
}

static struct scan *enqueue(struct server *s, enum scan_kind kind, struct client *client,
                            uint64_t seq) {
    struct scan *scan = xmalloc(sizeof *scan);
    *scan = (struct scan){
        .kind = kind, .server = s, .client = client, .seq = seq, .wanted = s->data.applied};
    *s->scans.last = scan;
    s->scans.last = &scan->next;
    s->scans.n++;
    s->scans.queued[kind] = true;
    return scan;
}

bool scan_for_backup(struct server *s, struct backup *backup) {
    bool space = s->scans.n < MAX_QUEUE;
    if (space) {
        enqueue(s, SCAN_BACKUP, NULL, 0)->backup = backup;
    }
    return space;
}

void scan_for_client(struct server *s, enum scan_kind kind, struct client *client, uint64_t seq) {
    if (s->scans.n >= MAX_QUEUE) {
        client_error(client, seq, "TRYAGAIN too many scans are queued; nothing was done");
        return;
    }
    enqueue(s, kind, client, seq);
}

/* --- compaction ---------------------------------------------------------- */

static void dump_forget(struct scans *scans) {
    if (scans->dump >= 0) {
        close(scans->dump);
        char *path = dump_path(scans->server);
        unlink(path);
        free(path);
    }
    scans->dump = -1;
    scans->dump_index = 0;
}

/* The first entry in the last `bytes` of the journal, rounded up to whole segments. */
static raft_index recent_entry(const struct log *l, uint64_t bytes) {
    uint64_t segments = bytes / l->journal.segment_bytes + 1;
    size_t i = 0;
    while (i < l->n_marks && l->marks[i].place.segment + segments < l->journal.next) {
        i++;
    }
    return i < l->n_marks ? l->marks[i].first : l->last + 1;
}

static uint64_t compact_size(const struct server *s) {
    return (uint64_t)s->options->compact_size * 1024 * 1024;
}

/* How many entries to keep in the log: fewer if they are large, or if there is little room. */
static unsigned trailing(const struct server *s, raft_index index) {
    uint64_t bytes = compact_size(s) / 2;
    if (space_tight(&s->space) && s->space.reserve / 8 < bytes) {
        bytes = s->space.reserve / 8;
    }
    raft_index first = recent_entry(&s->log, bytes);
    uint64_t fit = first <= index ? index + 1 - first : 0;
    return fit < s->options->trailing ? (unsigned)fit : s->options->trailing;
}

static bool needs_snapshot(struct server *s, raft_id id, struct raft_peer *progress) {
    return raft_progress(&s->raft, id, progress) == 0 && progress->mode == RAFT_PROGRESS_SNAPSHOT;
}

/* Let the servers that need a snapshot get the newest one, from the beginning. Else libraft goes
 * on with an older one as long as the receiver acknowledges chunks, and keeps the log from there
 * on. */
static void restart_transfers(struct server *s) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    for (unsigned i = 0; i < conf.n; i++) {
        struct raft_peer progress;
        if (needs_snapshot(s, conf.servers[i].id, &progress)) {
            peers_unreachable(&s->peers, conf.servers[i].id);
        }
    }
}

/* The data are durable up to `index`: take a snapshot there and compact the log. */
static void compact(struct server *s, raft_index index) {
    if (index > s->data.applied_durable) {
        s->data.applied_durable = index;
    }
    struct base base = {.index = index, .term = raft_term_of(&s->raft, index)};
    struct raft_configuration conf;
    if (index <= raft_snapshot_index(&s->raft) || s->install.busy ||
        raft_configuration_at(&s->raft, index, &conf, &base.conf_index) != 0) {
        return;
    }
    values_flush_end(&s->store.values);
    members_copy(&base.members, &conf);
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    event.snapshot.metadata.index = index;
    event.snapshot.trailing = trailing(s, index);
    int error = server_step(s, &event);
    if (error != 0) {
        report_warn("cannot take a snapshot at entry %llu: %s", index, raft_errmsg(&s->raft));
    } else {
        log_write(&s->log);
        s->sync.wanted = s->sync.wanted_base = true;
        log_compact(&s->log, raft_first_index(&s->raft), &base);
        report("took a snapshot at entry %llu in %llu ms; the log begins at entry %llu", index,
               server_now() - s->scans.begun, s->log.first);
        if (s->scans.dump >= 0) {
            dump_forget(&s->scans);
            restart_transfers(s);
        }
    }
    members_free(&base.members);
}

/* Tell whether this server is sending the dump to others, and when it last heard of one of them. */
static void look_at_transfers(struct server *s, struct compaction *c) {
    struct raft_configuration conf;
    if (!server_leads(s) || s->scans.dump < 0) {
        return;
    }
    server_configuration(s, &conf);
    for (unsigned i = 0; i < conf.n; i++) {
        struct raft_peer progress;
        if (needs_snapshot(s, conf.servers[i].id, &progress)) {
            uint64_t silence = server_now() - progress.last_contact;
            c->silence = c->sending && c->silence < silence ? c->silence : silence;
            c->sending = true;
        }
    }
    c->dump_size = s->scans.dump_size;
}

/* A snapshot must be committed. After a restart the applied entries may be ahead of the commit
 * index that is known yet. */
static bool can_be_snapshot(const struct server *s) {
    return s->data.applied <= raft_commit_index(&s->raft) && !s->install.busy;
}

void compaction_check(struct server *s) {
    raft_index done = raft_snapshot_index(&s->raft);
    struct compaction c = {.max_entries = s->options->compact_entries,
                           .max_bytes = compact_size(s),
                           .entries = s->data.applied > done ? s->data.applied - done : 0,
                           .bytes = s->log.bytes_written,
                           .tight = space_tight(&s->space),
                           .deletions = s->space.deletions,
                           .waited = server_now() - s->space.compacted};
    look_at_transfers(s, &c);
    if (compaction_due(&c) && can_be_snapshot(s) && !s->scans.queued[SCAN_FLUSH] &&
        !s->scans.queued[SCAN_DUMP]) {
        s->space.compacted = server_now();
        report_debug("compacting the log: entry %llu is applied, the last snapshot is at %llu",
                     s->data.applied, done);
        enqueue(s, SCAN_FLUSH, NULL, 0);
    }
}

/* --- dumps for other servers --------------------------------------------- */

static void dump_made(struct server *s, const struct scan *scan) {
    struct scans *scans = &s->scans;
    if (scan->error != 0) {
        file_fail(scan->path, "write the snapshot", scan->error);
    }
    compact(s, scan->index);
    if (raft_snapshot_index(&s->raft) != scan->index) {
        unlink(scan->path); /* a snapshot was installed meanwhile */
        return;
    }
    scans->dump = open(scan->path, O_RDONLY | O_CLOEXEC);
    off_t size = scans->dump >= 0 ? lseek(scans->dump, 0, SEEK_END) : -1;
    if (size < 0) {
        file_fail(scan->path, "open the file", errno);
    }
    scans->dump_index = scan->index;
    scans->dump_size = (uint64_t)size;
    report("wrote a dump at entry %llu, %llu bytes, in %llu ms", scan->index,
           (unsigned long long)scans->dump_size, server_now() - scans->begun);
    restart_transfers(s);
}

/* True if the disk has room for a dump. Else the server that needs it must wait. */
static bool dump_has_room(struct server *s) {
    uint64_t bytes = 0;
    rocksdb_property_int_cf(s->store.db, s->store.data, "rocksdb.estimate-live-data-size", &bytes);
    bytes += values_live(&s->store.values);
    bool room = space_has(&s->space, bytes);
    if (!room) {
        report_warn(
            "a server needs a snapshot of about %llu bytes, but the disk has no room for it",
            (unsigned long long)bytes);
    }
    return room;
}

bool dump_attach(struct server *s, struct raft_install_snapshot *m) {
    static char chunk[SNAPSHOT_CHUNK];
    struct scans *scans = &s->scans;
    if (scans->dump < 0 || scans->dump_index != m->last_index) {
        if (!scans->queued[SCAN_DUMP] && can_be_snapshot(s) && dump_has_room(s)) {
            dump_forget(scans);
            enqueue(s, SCAN_DUMP, NULL, 0);
        }
        return false;
    }
    if (m->version == 0 && scans->dump_size > sizeof chunk) {
        return false; /* that server does not support chunks */
    }
    ssize_t n = pread(scans->dump, chunk, sizeof chunk, (off_t)m->offset);
    if (n <= 0) {
        file_fail_fd("dump", scans->dump, n < 0 ? "read the file" : "read a truncated file",
                     n < 0 ? errno : EIO);
    }
    m->data.base = chunk;
    m->data.len = (size_t)n;
    m->last = m->offset + (uint64_t)n >= scans->dump_size;
    return true;
}

static void finish(struct scan *scan) {
    struct server *s = scan->server;
    char text[128];
    switch (scan->kind) {
        case SCAN_DBSIZE:
            client_integer(scan->client, scan->seq, (long long)scan->keys);
            break;
        case SCAN_DIGEST:
            snprintf(text, sizeof text, "*3\r\n:%llu\r\n:%llu\r\n$8\r\n%08x\r\n", scan->index,
                     (unsigned long long)scan->keys, scan->digest);
            client_reply(scan->client, scan->seq, text, strlen(text));
            break;
        case SCAN_FLUSH:
            compact(s, scan->index);
            break;
        case SCAN_DUMP:
            dump_made(s, scan);
            break;
        case SCAN_BACKUP:
            backup_done(scan->backup);
            break;
    }
}
