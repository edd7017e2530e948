/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "identity.h"
#include "report.h"

enum { FENCE_SIZE = 24 };
#define FENCE_MAGIC 0x454e4654u

/* RocksDB returns a text: a kind ("IO error", "Corruption", ...), the message of strerror() if a
 * system call failed, and the path. */
void store_check(char *error, const char *doing) {
    if (error == NULL) {
        return;
    }
    /* A file that is there but cannot be opened is reported as corruption too. */
    const char *advice = file_advice_of(error);
    bool unreadable = advice != NULL && advice != file_advice(ENOENT);
    if (strncmp(error, "Corruption", strlen("Corruption")) == 0 && !unreadable) {
        die("the database is corrupted: %s: %s; " REPLACE_SERVER, doing, error);
    }
    if (strstr(error, "LOCK") != NULL && (strstr(error, strerror(EAGAIN)) != NULL ||
                                          strstr(error, "lock hold by current process") != NULL)) {
        die("another process uses this directory; stop it first: %s: %s", doing, error);
    }
    die("%s: %s%s%s", doing, error, advice != NULL ? "; " : "", advice != NULL ? advice : "");
}

char *store_path(const struct store *s, const char *name) {
    size_t size = strlen(s->dir) + strlen(name) + 2;
    char *path = xmalloc(size);
    snprintf(path, size, "%s/%s", s->dir, name);
    return path;
}

void store_write(struct store *s, const rocksdb_writeoptions_t *options,
                 rocksdb_writebatch_t *batch) {
    char *error = NULL;
    rocksdb_write(s->db, options, batch, &error);
    store_check(error, "cannot write to the database");
}

void store_sync(struct store *s) {
    char *error = NULL;
    rocksdb_flush_wal(s->db, 1, &error);
    store_check(error, "cannot sync the database");
}

char *store_get(struct store *s, const char *key, size_t *len) {
    char *error = NULL;
    char *value = rocksdb_get_cf(s->db, s->read, s->meta, key, strlen(key), len, &error);
    store_check(error, "cannot read from the database");
    return value;
}

/* --- the fence ----------------------------------------------------------- */

static void fence_write(struct store *s) {
    char record[FENCE_SIZE];
    store_le(record, FENCE_MAGIC, 4);
    store_le(record + 4, s->fenced.hard, 8);
    store_le(record + 12, s->fenced.log, 8);
    store_le(record + 20, crc32c(0, record, 20), 4);
    file_write(s->dir, s->fence, record, sizeof record, 0);
}

void store_note_log(struct store *s, uint64_t ticket) {
    if (ticket > s->fenced.log) {
        s->fenced.log = ticket;
        fence_write(s);
    }
}

static bool fence_open(struct store *s) {
    char *path = store_path(s, "fence");
    s->fence = open(path, O_RDWR | O_CLOEXEC);
    if (s->fence < 0 && errno == ENOENT) {
        free(path);
        return false;
    }
    if (s->fence < 0) {
        file_fail(path, "open the file", errno);
    }
    char record[FENCE_SIZE];
    if (file_read(path, s->fence, record, sizeof record, 0) < sizeof record ||
        load_le(record, 4) != FENCE_MAGIC || load_le(record + 20, 4) != crc32c(0, record, 20)) {
        die("%s is corrupted; " REPLACE_SERVER, path);
    }
    s->fenced = (struct fence){load_le(record + 4, 8), load_le(record + 12, 8)};
    free(path);
    return true;
}

/* The fence file is created last: if it exists, the creation of the store was complete. */
static void fence_create(struct store *s) {
    char *path = store_path(s, "fence");
    char *temporary = store_path(s, "fence.new");
    s->fence = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (s->fence < 0) {
        file_fail(temporary, "create the file", errno);
    }
    fence_write(s);
    file_sync(temporary, s->fence);
    file_rename(temporary, path);
    dir_sync(s->dir);
    free(path);
    free(temporary);
}

void store_check_fence(struct store *s, const struct fence *recovered) {
    if (recovered->hard < s->fenced.hard || recovered->log < s->fenced.log) {
        die("%s is corrupted: the disk lost writes that were synced (recovered term and vote up to "
            "record %llu of %llu, log up to record %llu of %llu); " REPLACE_SERVER,
            s->dir, (unsigned long long)recovered->hard, (unsigned long long)s->fenced.hard,
            (unsigned long long)recovered->log, (unsigned long long)s->fenced.log);
    }
    s->ticket = recovered->hard;
}

void store_recovered(struct store *s, const struct fence *recovered) {
    s->fenced = *recovered;
    fence_write(s);
}

/* --- opening ------------------------------------------------------------- */

static rocksdb_options_t *options_create(bool create) {
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, create);
    rocksdb_options_set_create_missing_column_families(o, create);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_wal_recovery_mode(o, rocksdb_point_in_time_recovery);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(o, 64u << 20);
    rocksdb_options_set_max_write_buffer_number(o, 4);
    rocksdb_options_set_bytes_per_sync(
        o, 256u << 10); /* small writes, so that syncs of the log wait less */
    rocksdb_options_set_allow_mmap_reads(o, 0);
    rocksdb_options_set_allow_mmap_writes(o, 0);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    rocksdb_options_set_keep_log_file_num(o, 2);
    /* RocksDB's info log is not needed. If the disk is full and assertions are compiled in, it
     * aborts the process before the error is returned. */
    rocksdb_options_set_info_log_level(o, 4);
    rocksdb_options_set_max_total_wal_size(o, 8u << 20); /* also allocated in advance */
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_compaction_bytes(o, 512u << 20); /* space.c counts on less than 640 */
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(64u << 20);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom(10));
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_cache_destroy(cache); /* the table factory holds its own reference */
    rocksdb_block_based_options_destroy(table);
    return o;
}

static void database_open(struct store *s, bool create, unsigned open_files) {
    static const char *const names[] = {"default", "data"};
    rocksdb_options_t *o = options_create(create);
    rocksdb_options_set_max_open_files(o, (int)open_files);
    const rocksdb_options_t *each[] = {o, o};
    rocksdb_column_family_handle_t *handles[2] = {NULL, NULL};
    char *path = store_path(s, "db");
    char *error = NULL;
    s->db = rocksdb_open_column_families(o, path, 2, names, each, handles, &error);
    store_check(error, "cannot open the database");
    s->meta = handles[0];
    s->data = handles[1];
    /* Run flushes on the threads of low priority as well: no client waits for them. */
    rocksdb_env_t *env = rocksdb_create_default_env();
    rocksdb_env_set_high_priority_background_threads(env, 0);
    rocksdb_env_lower_thread_pool_cpu_priority(env);
    rocksdb_env_destroy(env);
    rocksdb_options_destroy(o);
    free(path);
}

void store_open(struct store *s, const char *dir, const char *cluster, raft_id id,
                unsigned open_files) {
    *s = (struct store){.dir = xstrdup(dir)};
    dir_make(dir);
    s->fresh = !fence_open(s);
    s->write = rocksdb_writeoptions_create();
    s->write_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(s->write_sync, 1);
    s->write_data = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(s->write_data, 1);
    s->read = rocksdb_readoptions_create();
    database_open(s, s->fresh, open_files);
    identity_open(s, cluster, id);
    char *values = store_path(s, "values");
    values_open(&s->values, values);
    free(values);
    if (s->fresh) {
        struct hard_state hard;
        if (s->cluster_id != 0 || store_load_hard_state(s, &hard)) {
            die("%s/fence is missing: the file was deleted or the disk lost it; " REPLACE_SERVER,
                dir);
        }
        fence_create(s);
    }
}

void store_close(struct store *s) {
    rocksdb_column_family_handle_destroy(s->meta);
    rocksdb_column_family_handle_destroy(s->data);
    rocksdb_close(s->db);
    rocksdb_writeoptions_destroy(s->write);
    rocksdb_writeoptions_destroy(s->write_sync);
    rocksdb_writeoptions_destroy(s->write_data);
    rocksdb_readoptions_destroy(s->read);
    close(s->fence);
    values_close(&s->values);
    free(s->dir);
}

/* --- records ------------------------------------------------------------- */

bool store_load_hard_state(struct store *s, struct hard_state *hard) {
    size_t len = 0;
    char *value = store_get(s, "hard-state", &len);
    if (value == NULL) {
        *hard = (struct hard_state){0};
        return false;
    }
    if (!hard_state_decode(value, len, hard)) {
        die("%s: the stored term and vote are corrupted; " REPLACE_SERVER, s->dir);
    }
    free(value);
    return true;
}

void store_save_hard_state(struct store *s, raft_term term, raft_id voted_for) {
    struct hard_state hard = {term, voted_for, ++s->ticket};
    struct buf b = {0};
    hard_state_encode(&b, &hard);
    char *error = NULL;
    rocksdb_put_cf(s->db, s->write_sync, s->meta, "hard-state", 10, b.data, b.len, &error);
    store_check(error, "cannot store term and vote");
    buf_free(&b);
    s->fenced.hard = hard.ticket;
    fence_write(s);
}

bool store_load_base(struct store *s, const char *key, struct base *base) {
    size_t len = 0;
    char *value = store_get(s, key, &len);
    if (value == NULL) {
        *base = (struct base){0};
        return false;
    }
    if (!base_decode(value, len, base)) {
        die("%s: the record \"%s\" is corrupted; " REPLACE_SERVER, s->dir, key);
    }
    free(value);
    return true;
}

void store_put_base(struct store *s, rocksdb_writebatch_t *batch, const char *key,
                    const struct base *base) {
    struct buf b = {0};
    base_encode(&b, base);
    rocksdb_writebatch_put_cf(batch, s->meta, key, strlen(key), b.data, b.len);
    buf_free(&b);
}

void store_save_base(struct store *s, const rocksdb_writeoptions_t *options, const char *key,
                     const struct base *base) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    store_put_base(s, batch, key, base);
    store_write(s, options, batch);
    rocksdb_writebatch_destroy(batch);
}
