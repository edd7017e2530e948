/* SPDX-License-Identifier: MIT */
#include "backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mark.h"
#include "reply.h"
#include "report.h"
#include "server.h"

enum { MAX_NAME = 200 };
#define RESTORED "restored" /* a mark: the index and term of the backup that was loaded */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct backup {
    struct server *server;
    struct client *client;
    uint64_t seq;
    char *path;
    char *part; /* its name until it is complete */
    bool linearizable;
    int error; /* of errno */
    struct dump_info info;
};

/* --- writing ------------------------------------------------------------- */

static char *backup_path(struct store *s, const char *prefix, const char *name,
                         const char *suffix) {
    char file[MAX_NAME + 32];
    snprintf(file, sizeof file, "backup/%s%s%s", prefix, name, suffix);
    return store_path(s, file);
}

void backup_begin(struct server *s, struct client *client, uint64_t seq, const char *name,
                  size_t len, bool linearizable) {
    char copy[MAX_NAME + 1] = "";
    memcpy(copy, name, len <= MAX_NAME ? len : 0);
    if (copy[0] == '\0' || copy[0] == '.' || strspn(copy, NAME_CHARACTERS) != len) {
        client_error(client, seq,
                     "ERR the name of a backup has 1 to 200 of the characters A-Z a-z 0-9 . _ - "
                     "and does not begin with a dot");
        return;
    }
    struct backup *b = xmalloc(sizeof *b);
    *b = (struct backup){.server = s, .client = client, .seq = seq, .linearizable = linearizable};
    b->path = backup_path(&s->store, "", copy, "");
    b->part = backup_path(&s->store, ".", copy, ".part");
    if (!scan_for_backup(s, b)) {
        client_error(client, seq, "TRYAGAIN too many scans are queued; nothing was done");
        free(b->path);
        free(b->part);
        free(b);
    }
}

static int sync_directory(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* Make the directory of the backups if there is none. */
static int make_directory(struct store *s) {
    char *dir = store_path(s, "backup");
    int error = mkdir(dir, 0755) == 0 ? sync_directory(s->dir) : errno == EEXIST ? 0 : errno;
    free(dir);
    return error;
}

/* Give the complete file its name. No other thread makes files there. */
static int publish(struct store *s, struct backup *b) {
    if (access(b->path, F_OK) == 0) {
        return EEXIST;
    }
    if (rename(b->part, b->path) != 0) {
        return errno;
    }
    char *dir = store_path(s, "backup");
    int error = sync_directory(dir);
    free(dir);
    return error;
}

void backup_run(struct backup *b, struct store *store, rocksdb_readoptions_t *read,
                raft_index index, raft_term term) {
    b->info = (struct dump_info){.index = index, .term = term};
    b->error = access(b->path, F_OK) == 0 ? EEXIST : make_directory(store);
    if (b->error != 0) {
        return;
    }
    b->error = dump_write(store, read, b->part, &b->info);
    if (b->error == 0) {
        b->error = publish(store, b);
    }
    if (b->error != 0) {
        unlink(b->part);
    }
}

static void reply_written(struct backup *b) {
    struct buf *out = &b->server->scratch;
    out->len = 0;
    reply_array(out, 14);
    reply_string(out, "path");
    reply_string(out, b->path);
    reply_string(out, "index");
    reply_integer(out, (long long)b->info.index);
    reply_string(out, "term");
    reply_integer(out, (long long)b->info.term);
    reply_string(out, "keys");
    reply_integer(out, (long long)b->info.keys);
    reply_string(out, "bytes");
    reply_integer(out, (long long)b->info.bytes);
    char checksum[16];
    snprintf(checksum, sizeof checksum, "%08" PRIx32, b->info.checksum);
    reply_string(out, "checksum");
    reply_string(out, checksum);
    reply_string(out, "consistency");
    reply_string(out, b->linearizable ? "linearizable" : "this server's data, maybe stale");
    client_scratch(b->server, b->client, b->seq);
}

void backup_done(struct backup *b) {
    if (b->error == 0) {
        report("wrote the backup %s at entry %llu, %llu keys, %llu bytes", b->path, b->info.index,
               (unsigned long long)b->info.keys, (unsigned long long)b->info.bytes);
        reply_written(b);
    } else {
        char text[900];
        snprintf(text, sizeof text, "ERR cannot write %.600s: %s; nothing was changed", b->path,
                 strerror(b->error));
        report("%s", text);
        client_error(b->client, b->seq, text);
    }
    free(b->path);
    free(b->part);
    free(b);
}

void backup_clean(struct store *s) {
    char *path = store_path(s, "backup");
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (e->d_name[0] == '.' && len > 5 && strcmp(e->d_name + len - 5, ".part") == 0) {
            unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    free(path);
}

/* --- reading ------------------------------------------------------------- */

int backup_check(const char *path) {
    struct dump_info info;
    const char *wrong = dump_inspect(path, &info);
    if (wrong != NULL) {
        fprintf(stderr, "%s: %s\n", path, wrong);
        return 1;
    }
    printf("index:%llu\nterm:%llu\nkeys:%llu\nbytes:%llu\nchecksum:%08" PRIx32 "\nintact:yes\n",
           info.index, info.term, (unsigned long long)info.keys, (unsigned long long)info.bytes,
           info.checksum);
    return 0;
}

bool backup_restored(struct store *s) {
    struct mark mark;
    return mark_get(s, RESTORED, &mark);
}

static void check_founder(const struct options *o) {
    if (o->bootstrap.conf.n == 0) {
        die("--restore founds a new cluster: give --bootstrap as well");
    }
    if (!options_founder(o)) {
        die("--restore is for the server with the lowest ID of --bootstrap, which is not this one; "
            "the others receive the data from it");
    }
}

void backup_restore(struct server *s) {
    const char *path = s->options->restore;
    struct mark mark;
    check_founder(s->options);
    if (mark_get(&s->store, RESTORED, &mark)) {
        report("--restore: the backup at entry %llu was restored before", (raft_index)mark.a);
        return;
    }
    struct hard_state hard;
    struct base base;
    if (s->store.cluster_id != 0 || store_load_hard_state(&s->store, &hard) ||
        store_load_base(&s->store, BASE_KEY, &base)) {
        die("--restore: %s belongs to a cluster already; use an empty directory", s->store.dir);
    }
    struct dump_info info;
    const char *wrong = dump_inspect(path, &info);
    if (wrong != NULL) {
        die("--restore: %s: %s", path, wrong);
    }
    dump_load(&s->store, path, info.index, 1);
    mark_put(&s->store, RESTORED, (struct mark){info.index, info.term});
    report("restored %llu keys from %s, the data at entry %llu", (unsigned long long)info.keys,
           path, info.index);
}
