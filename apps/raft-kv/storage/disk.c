/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include "report.h"
#include "server.h"

enum {
    INLINE_ENTRIES = 4,  /* fewer entries than this are synced on the event loop's thread, */
    SLOW_MS = 2,         /* unless such a sync took longer than this */
    SLOW_PAUSE_MS = 1000 /* within this time before */
};

/* --- the log ------------------------------------------------------------- */

static void on_sync(uv_work_t *work) {
    struct server *s = work->data;
    values_sync_run(&s->store.values);
    journal_sync_run(&s->log.journal);
    if (s->sync.base) {
        store_sync(&s->store);
    }
}

static void on_synced(uv_work_t *work, int status) {
    (void)status;
    struct server *s = work->data;
    s->sync.running = false;
    journal_sync_end(&s->log.journal);
    values_sync_end(&s->store.values);
    store_note_log(&s->store, s->sync.ticket);
    if (s->sync.base) {
        journal_reclaim(&s->log.journal, s->sync.reclaim);
        values_base_end(&s->store.values);
    }
    struct raft_event event = {.type = RAFT_STORED};
    event.stored.index = s->sync.index;
    event.stored.write = s->sync.write;
    if (s->sync.write != 0 && server_step(s, &event) != 0) {
        die("internal error: RAFT_STORED was rejected: %s", raft_errmsg(&s->raft));
    }
}

static void run_sync(void *context) { on_sync(context); }

static void end_sync(void *context) { on_synced(context, 0); }

/* Usually a worker thread syncs, and entries appended meanwhile share the next sync. A few entries
 * are synced on this thread: on a fast disk that is quicker than the two thread switches. But a
 * leader that has followers must not wait for its own disk: two followers may be quicker. */
static void sync_begin(struct server *s) {
    struct raft_configuration conf;
    server_configuration(s, &conf);
    bool few = s->log.written < s->sync.index + INLINE_ENTRIES && !(server_leads(s) && conf.n > 2);
    s->sync.wanted = false;
    s->sync.running = true;
    s->sync.base = s->sync.wanted_base;
    s->sync.wanted_base = false;
    s->sync.reclaim = s->log.reclaim;
    s->sync.index = s->log.written;
    s->sync.write = s->write;
    s->sync.ticket = s->log.journal.ticket;
    s->sync.work.data = s;
    journal_sync_begin(&s->log.journal);
    values_sync_begin(&s->store.values);
    if (s->sync.base) {
        values_base_begin(&s->store.values);
    }
    few = few && s->store.values.sync.n == 0;
    if (few && !s->sync.base && server_now() > s->sync.last_slow + SLOW_PAUSE_MS) {
        uint64_t begin = uv_hrtime();
        on_sync(&s->sync.work);
        if (uv_hrtime() - begin > SLOW_MS * 1000000u) {
            s->sync.last_slow = server_now();
        }
        on_synced(&s->sync.work, 0);
    } else {
        s->sync.job = (struct job){NULL, run_sync, end_sync, &s->sync.work};
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
}

static void spare_begin(struct server *s) {
    if (journal_wants_spare(&s->log.journal)) {
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
    spare_begin(s);
}

/* --- the data ------------------------------------------------------------ */

static void on_data(void *context) {
    struct server *s = context;
    data_write_run(&s->data);
}

static void on_data_written(void *context) {
    struct server *s = context;
    data_write_end(&s->data);
    install_resume(s);
}

void disk_write_data(struct server *s) {
    bool wanted = scans_resume(s);
    wanted = (wanted || data_write_due(&s->data)) && !s->data.busy && !s->install.loading;
    s->hold_data = wanted && s->data.applied > raft_last_stored(&s->raft); /* see apply() */
    if (wanted && !s->hold_data) {
        data_write_begin(&s->data);
        s->writing = (struct job){NULL, on_data, on_data_written, s};
        background_queue(&s->background, &s->writing);
    }
}
