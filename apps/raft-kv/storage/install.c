/* SPDX-License-Identifier: MIT */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dump.h"
#include "file.h"
#include "report.h"
#include "server.h"

#define INCOMING "incoming.dump"
#define COMPLETE "install.dump"

/* Steps 2 and 3 of install.h. Can be repeated. */
static void finish(struct store *s, const struct base *base) {
    char *complete = store_path(s, COMPLETE);
    dump_load(s, complete, base->index, base->index);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    store_put_base(s, batch, BASE_KEY, base); /* of an empty log */
    rocksdb_writebatch_delete_cf(batch, s->meta, INSTALL_KEY, strlen(INSTALL_KEY));
    store_write(s, s->write_sync, batch);
    rocksdb_writebatch_destroy(batch);
    unlink(complete);
    free(complete);
}

void install_recover(struct store *s) {
    struct base base;
    if (store_load_base(s, INSTALL_KEY, &base)) {
        report("resuming the installation of the snapshot at entry %llu", base.index);
        finish(s, &base);
        members_free(&base.members);
    }
    char *incoming = store_path(s, INCOMING);
    char *complete = store_path(s, COMPLETE);
    unlink(incoming);
    unlink(complete);
    free(incoming);
    free(complete);
}

/* --- on the worker thread ------------------------------------------------ */

static void write_chunk(const struct install *in, const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (in->offset == 0 ? O_TRUNC : 0), 0644);
    if (fd < 0) {
        file_fail(path, "create the file", errno);
    }
    file_write(path, fd, in->chunk.data, in->chunk.len, in->offset);
    file_sync(path, fd);
    close(fd);
}

static void on_work(uv_work_t *work) {
    struct install *in = work->data;
    struct store *s = &in->server->store;
    char *incoming = store_path(s, INCOMING);
    char *complete = store_path(s, COMPLETE);
    write_chunk(in, incoming);
    in->intact = true;
    if (in->last) {
        in->intact = dump_verify(incoming, in->base.index, in->base.term);
        if (in->intact) {
            file_rename(incoming, complete);
            dir_sync(s->dir);
            store_save_base(s, s->write_sync, INSTALL_KEY, &in->base);
            finish(s, &in->base);
        }
    }
    free(incoming);
    free(complete);
}

/* --- on the loop's thread ------------------------------------------------ */

static void on_done(uv_work_t *work, int status) {
    (void)status;
    struct install *in = work->data;
    struct server *s = in->server;
    raft_index index = in->base.index;
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    event.persisted_snapshot.metadata.index = in->intact ? index : 0;
    event.persisted_snapshot.metadata.term = in->base.term;
    event.persisted_snapshot.offset = in->offset;
    event.persisted_snapshot.last = in->last;
    in->busy = in->loading = false;
    members_free(&in->base.members);
    if (!in->intact) {
        report_warn("discarded the snapshot at entry %llu: the received file is damaged", index);
    } else if (in->last) {
        proposals_replaced(s, 0);
        log_reset(&s->log, index);
        data_reset(&s->data, index);
        report("installed the snapshot at entry %llu, %llu bytes, in %llu ms", index,
               (unsigned long long)(in->offset + in->chunk.len), server_now() - in->begun);
    }
    int error = server_step(s, &event);
    if (error != 0 || (in->last && in->intact && raft_snapshot_index(&s->raft) != index)) {
        die("the installed snapshot was rejected: %s; restart the server to use it",
            raft_errmsg(&s->raft));
    }
}

void install_chunk(struct server *s, const struct raft_update_snapshot *update) {
    struct install *in = &s->install;
    if (in->busy) {
        die("internal error: two snapshot chunks at the same time");
    }
    in->server = s;
    in->busy = true;
    in->loading = update->last;
    in->base = (struct base){.index = update->metadata.index,
                             .term = update->metadata.term,
                             .conf_index = update->metadata.configuration_index};
    s->sync.wanted = log_write(&s->log) || s->sync.wanted;
    log_end(&s->log, &in->base); /* no entries are appended until the installation has ended */
    members_copy(&in->base.members, &update->metadata.configuration);
    in->chunk.len = 0;
    buf_put(&in->chunk, update->chunk.base, update->chunk.len);
    in->offset = update->offset;
    in->begun = in->offset == 0 ? server_now() : in->begun;
    in->last = update->last;
    in->waiting = true;
    install_resume(s);
}

void install_resume(struct server *s) {
    struct install *in = &s->install;
    if (in->waiting && !(in->loading && s->data.busy)) {
        in->waiting = false;
        in->work.data = in;
        uv_queue_work(s->loop, &in->work, on_work, on_done);
    }
}
