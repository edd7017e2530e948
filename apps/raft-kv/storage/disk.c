/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include "report.h"
#include "server.h"

enum {
    SPACE_BYTES = 1024 * 1024, /* of log after which the free space is looked at */
    SPACE_MS = 1000,           /* or after this time */
    INLINE_ENTRIES = 4,        /* fewer entries than this are synced on the event loop's thread, */
    SLOW_MS = 2,               /* unless such a sync took longer than this */
    SLOW_PAUSE_MS = 1000       /* within this time before */
};

/* --- the log ------------------------------------------------------------- */

static void on_sync(void *context) {
    struct server *s = context;
    uint64_t begin = uv_hrtime();
    values_sync_run(&s->store.values);
    journal_sync_run(&s->log.journal);
    if (s->sync.base) {
        store_sync(&s->store);
    }
    s->sync.took = uv_hrtime() - begin;
}

static void on_synced(void *context) {
    struct server *s = context;
    s->sync.running = false;
    watch_synced(s, s->sync.took);
    journal_sync_end(&s->log.journal);
    values_sync_end(&s->store.values);
    store_note_log(&s->store, s->sync.ticket);
    if (s->sync.base) {
        journal_reclaim(&s->log.journal, s->sync.reclaim);
        values_base_end(&s->store.values);
        disk_check_space(s);
    }
    struct raft_event event = {.type = RAFT_STORED};
    event.stored.index = s->sync.index;
    event.stored.write = s->sync.write;
    if (s->sync.write != 0 && server_step(s, &event) != 0) {
        die("internal error: RAFT_STORED was rejected: %s", raft_errmsg(&s->raft));
    }
}

/* Usually a worker thread syncs, and entries appended meanwhile share the next sync. A few entries
 * are synced on this thread: on a fast disk that is quicker than the two thread switches. But a
 * leader that has followers must not wait for its own disk: two followers may be quicker. */
static void sync_begin(struct server *s) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    bool few = s->log.written < s->sync.index + INLINE_ENTRIES && !(server_leads(s) && conf.n > 2);
    s->sync.wanted = false;
    s->sync.running = true;
    s->sync.begun = server_now();
    s->sync.told = false;
    s->sync.base = s->sync.wanted_base;
    s->sync.wanted_base = false;
    s->sync.reclaim = s->log.reclaim;
    s->sync.index = s->log.written;
    s->sync.write = s->write;
    s->sync.ticket = s->log.journal.ticket;
    journal_sync_begin(&s->log.journal);
    values_sync_begin(&s->store.values);
    if (s->sync.base) {
        values_base_begin(&s->store.values);
    }
    few = few && s->store.values.sync.n == 0;
    if (few && !s->sync.base && server_now() > s->sync.last_slow + SLOW_PAUSE_MS) {
        on_sync(s);
        if (s->sync.took > SLOW_MS * 1000000u) {
            s->sync.last_slow = server_now();
        }
        on_synced(s);
    } else {
        s->sync.job = (struct job){NULL, on_sync, on_synced, s};
        background_queue(&s->syncer, &s->sync.job);
    }
}

void disk_sync_log(struct server *s) {
    log_write(&s->log);
    journal_sync_begin(&s->log.journal);
    journal_sync_run(&s->log.journal);
    journal_sync_end(&s->log.journal);
    s->sync.wanted = true; /* the next sync tells libraft */
}

static void on_spare(void *context) {
    struct server *s = context;
    journal_make_spare(&s->log.journal);
}

static void on_spare_made(void *context) {
    struct server *s = context;
    journal_spare_made(&s->log.journal);
    report_debug("prepared the next file of the log");
}

static void spare_begin(struct server *s) {
    if (s->space.level == SPACE_PLENTY && journal_wants_spare(&s->log.journal)) {
        s->spare = (struct job){NULL, on_spare, on_spare_made, s};
        background_queue(&s->background, &s->spare);
    }
}

void disk_write_log(struct server *s) {
    if (!s->sync.running) { /* otherwise it would have to wait for the next sync anyway */
        s->sync.wanted = log_write(&s->log) || s->sync.wanted;
        if (s->sync.wanted) {
            sync_begin(s);
        }
    }
    if (s->log.bytes_written > s->space.logged + SPACE_BYTES ||
        server_now() >= s->space.checked + SPACE_MS) {
        disk_check_space(s);
    }
    spare_begin(s);
}

/* --- the data ------------------------------------------------------------ */

void disk_check_space(struct server *s) {
    uint64_t pending = 0;
    rocksdb_property_int_cf(s->store.db, s->store.data, "rocksdb.cur-size-all-mem-tables",
                            &pending);
    space_check(&s->space, pending + s->data.fresh.bytes.len + s->data.writing.bytes.len);
    if (s->space.level != SPACE_PLENTY) {
        values_drop_spares(&s->store.values);
    }
    s->space.logged = s->log.bytes_written;
    s->space.checked = server_now();
}

static void on_data(void *context) {
    struct server *s = context;
    data_write_run(&s->data);
}

static void on_data_written(void *context) {
    struct server *s = context;
    data_write_end(&s->data);
    report_debug("wrote the changes up to entry %llu to the database", s->data.written);
    install_resume(s);
}

void disk_write_data(struct server *s) {
    bool wanted = scans_resume(s);
    wanted = pages_resume(s) || wanted;
    wanted = (wanted || data_write_due(&s->data)) && !s->data.busy && !s->install.loading;
    s->hold_data = wanted && s->data.applied > raft_last_stored(&s->raft); /* see apply() */
    if (wanted && !s->hold_data) {
        data_write_begin(&s->data);
        s->writing = (struct job){NULL, on_data, on_data_written, s};
        background_queue(&s->background, &s->writing);
    }
}
