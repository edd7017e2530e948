/* SPDX-License-Identifier: MIT */
/* A server whose log is a file. It is killed in the middle of its work, loses a part of its last
 * write, runs out of space and meets a disk that fails; what it acknowledged is still there. The
 * cluster has one server, so that no network is needed. */
#define _GNU_SOURCE
#include "check.h"
#include "logfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BURST = 8, COMPACT_AFTER = 300, TRAILING = 50, KILLS = 24 };

/* The snapshot: its metadata, and the state machine, which counts commands and adds them up. The
 * configuration never changes here, so it is not stored. */
struct state {
    raft_index index;
    raft_term term;
    unsigned long long count, sum;
};

struct server {
    struct raft raft;
    struct log log;
    struct state state;           /* index and term are those of the last applied entry */
    raft_index stored;            /* last entry of the next batch */
    unsigned long long ticket;    /* of its write; 0: there is nothing to acknowledge */
    unsigned long long recovered; /* commands that log and snapshot had at the start */
};

static raft_time now = 1000;
static struct raft_server self = {1, "one", RAFT_VOTER};

/* --- the server ---------------------------------------------------------- */

static void apply(struct server *s) {
    while (s->state.index < raft_commit_index(&s->raft)) {
        const struct raft_entry *e = &s->log.entries[++s->state.index - s->log.first];
        s->state.term = e->term;
        if (e->type == RAFT_COMMAND) {
            unsigned long long number;
            memcpy(&number, e->buf.base, sizeof number);
            CHECK(number == ++s->state.count); /* commands are numbers: 1, 2, 3... */
            s->state.sum += number;
        }
    }
}

/* [carry out] */
static void carry_out(struct server *s, const struct raft_update *u) {
    if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) { /* duty 1 */
        log_vote(&s->log, raft_current_term(&s->raft), raft_voted_for(&s->raft));
    }
    if (u->flags & RAFT_UPDATE_ENTRIES) { /* duty 2 */
        log_entries(&s->log, &u->entries);
    }
    if ((u->flags & RAFT_UPDATE_ENTRIES) && u->entries.n > 0) {
        s->stored = u->entries.index + u->entries.n - 1;
        s->ticket = u->entries.write;
    }
    /* Duty 4: encode the messages, but do not send them yet. */
    if (u->flags & RAFT_UPDATE_COMMIT_INDEX) { /* duty 5 */
        apply(s);
    }
}
/* [carry out end] */

static void step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = now++;
    CHECK(raft_step(&s->raft, event, &update) == 0);
    carry_out(s, &update);
}

/* [turn] */
/* Call this after all events of a turn of the event loop were stepped. */
static int finish_turn(struct server *s) {
    int status = log_sync(&s->log); /* one sync for all of them */
    if (status != LOG_OK) {
        return status; /* LOG_FULL: try again later. Until then no message may leave. */
    }
    /* Now the messages of these updates may leave. */
    if (s->ticket != 0) {
        struct raft_event event = {.type = RAFT_STORED};
        event.stored.index = s->stored;
        event.stored.write = s->ticket;
        s->ticket = 0;
        step(s, &event); /* its update belongs to the next turn */
    }
    return LOG_OK;
}
/* [turn end] */

/* [snapshot] */
/* The snapshot must be durable before the log forgets the entries that it covers. */
static void compact(struct server *s) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    event.snapshot.metadata.index = s->state.index;
    event.snapshot.trailing = TRAILING;
    CHECK(replace_file(s->log.dir, "snapshot", &s->state, sizeof s->state) == LOG_OK);
    step(s, &event);
    CHECK(log_compact(&s->log, raft_first_index(&s->raft)) == LOG_OK);
}
/* [snapshot end] */

static void read_snapshot(struct server *s) {
    int fd = openat(s->log.dir, "snapshot", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        CHECK(read(fd, &s->state, sizeof s->state) == sizeof s->state);
        close(fd);
    }
}

/* [start] */
static int start(struct server *s, const char *dir) {
    struct raft_event event = {.type = RAFT_START};
    struct raft_update update;
    struct raft_snapshot_metadata metadata = {.configuration = {&self, 1}};
    memset(s, 0, sizeof *s);
    int status = log_open(&s->log, dir);
    if (status != LOG_OK) {
        return status;
    }
    read_snapshot(s);
    metadata.index = s->state.index;
    metadata.term = s->state.term;
    event.time = now++;
    event.start.term = s->log.term;
    event.start.voted_for = s->log.voted_for;
    event.start.metadata = metadata.index > 0 ? &metadata : NULL;
    event.start.start_index = s->log.first;
    event.start.entries = s->log.entries;
    event.start.n_entries = s->log.n;
    CHECK(raft_init(&s->raft, self.id, self.address) == 0);
    CHECK(raft_step(&s->raft, &event, &update) == 0);
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n == 0) {
        log_clear(&s->log, update.entries.index); /* it is older than the snapshot */
        update.flags &= ~(unsigned)RAFT_UPDATE_ENTRIES;
    }
    carry_out(s, &update);
    return LOG_OK;
}
/* [start end] */

static void stop(struct server *s) {
    raft_close(&s->raft);
    log_close(&s->log);
}

/* --- the work ------------------------------------------------------------ */

static unsigned long long last_command(const struct server *s) {
    unsigned long long number = s->state.count;
    for (unsigned i = 0; i < s->log.n; i++) {
        number += s->log.entries[i].type == RAFT_COMMAND && s->log.first + i > s->state.index;
    }
    return number;
}

static void submit(struct server *s) {
    struct raft_event event = {.type = RAFT_SUBMIT};
    struct raft_entry entries[BURST];
    unsigned long long numbers[BURST], last = last_command(s);
    for (unsigned i = 0; i < BURST; i++) {
        numbers[i] = last + 1 + i;
        entries[i] = (struct raft_entry){.type = RAFT_COMMAND, .batch = s};
        entries[i].buf.base = &numbers[i];
        entries[i].buf.len = sizeof numbers[i];
    }
    event.submit.entries = entries;
    event.submit.n = BURST;
    step(s, &event);
}

/* Start, and found the cluster if the disk is empty. The server leads: it is alone. */
static void lead(struct server *s, const char *dir) {
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    CHECK(start(s, dir) == LOG_OK);
    s->recovered = last_command(s);
    if (raft_last_index(&s->raft) == 0) {
        event.bootstrap.conf = (struct raft_configuration){&self, 1};
        step(s, &event);
    }
    while (raft_commit_index(&s->raft) < raft_last_index(&s->raft) ||
           raft_state(&s->raft) != RAFT_LEADER) {
        CHECK(finish_turn(s) == LOG_OK);
        if (raft_timeout(&s->raft) <= now + 10000) {
            struct raft_event timeout = {.type = RAFT_TIMEOUT};
            now = raft_timeout(&s->raft) > now ? raft_timeout(&s->raft) : now;
            step(s, &timeout);
        }
    }
    CHECK(s->state.count == s->recovered);
}

/* Work until this process is killed, and tell the parent what was acknowledged to clients. */
static void work(const char *dir, int out, unsigned turns, int (*last_sync)(int fd)) {
    struct server s;
    lead(&s, dir);
    CHECK(write(out, &s.recovered, sizeof s.recovered) == sizeof s.recovered);
    for (unsigned i = 0;; i++) {
        s.log.sync = i == turns ? last_sync : s.log.sync;
        submit(&s);
        CHECK(finish_turn(&s) == LOG_OK);
        CHECK(write(out, &s.state.count, sizeof s.state.count) == sizeof s.state.count);
        if (s.log.n > COMPACT_AFTER) {
            compact(&s);
        }
    }
}

/* Run work() in a process of its own, and kill it. Returns what it recovered; `*acknowledged` is
 * what it told last. */
static unsigned long long run(const char *dir, int msecs, int (*last_sync)(int fd),
                              unsigned long long *acknowledged) {
    int ends[2];
    unsigned long long recovered, number;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(ends[0]);
        work(dir, ends[1], last_sync != NULL ? (unsigned)rand() % 50 : ~0u, last_sync);
    }
    close(ends[1]);
    CHECK(read(ends[0], &recovered, sizeof recovered) == sizeof recovered);
    *acknowledged = recovered;
    if (last_sync == NULL) {
        usleep((useconds_t)msecs * 1000);
        CHECK(kill(child, SIGKILL) == 0);
    }
    while (read(ends[0], &number, sizeof number) == sizeof number) {
        *acknowledged = number;
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    close(ends[0]);
    return recovered;
}

/* --- what can happen ----------------------------------------------------- */

/* [tear] */
/* The machine stops while it writes a batch: the end is missing, or reads as zeros. */
static int tear(int fd) {
    struct stat status;
    CHECK(fstat(fd, &status) == 0);
    CHECK(ftruncate(fd, status.st_size - 1 - rand() % (BURST * 40)) == 0);
    CHECK(rand() % 2 == 0 || ftruncate(fd, status.st_size) == 0);
    raise(SIGKILL);
    return 0;
}
/* [tear end] */

static int fail(int fd) { return (void)fd, -1; }

/* The disk is full: what was acknowledged stays, and the server goes on when there is space. */
static void fill(const char *dir) {
    struct server s;
    struct rlimit limit, old;
    lead(&s, dir);
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    limit = old;
    limit.rlim_cur = (rlim_t)s.log.size + 1000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    int status = LOG_OK;
    while (status == LOG_OK) {
        submit(&s);
        status = finish_turn(&s);
    }
    unsigned long long committed = s.state.count;
    CHECK(status == LOG_FULL && s.ticket != 0);
    CHECK(finish_turn(&s) == LOG_FULL && s.state.count == committed);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(finish_turn(&s) == LOG_OK && s.state.count == committed + BURST);
    stop(&s);
}

/* A sync fails. A later one may succeed, although the data is lost: so the log does not try. */
static void fail_once(const char *dir) {
    struct server s;
    lead(&s, dir);
    unsigned long long committed = s.state.count;
    s.log.sync = fail;
    submit(&s);
    CHECK(finish_turn(&s) == LOG_FAILED);
    s.log.sync = fdatasync;
    CHECK(finish_turn(&s) == LOG_FAILED && s.state.count == committed);
    stop(&s);
}

/* [lie] */
/* The disk said that the last batch was durable, and it was not. No error shows it. */
static void lose(const char *dir) {
    struct server s;
    lead(&s, dir);
    off_t size = s.log.size;
    submit(&s);
    CHECK(finish_turn(&s) == LOG_OK);
    unsigned long long acknowledged = s.state.count;
    CHECK(ftruncate(s.log.fd, size) == 0);
    stop(&s);
    lead(&s, dir); /* it starts, and lacks what it had acknowledged */
    CHECK(s.recovered == acknowledged - BURST);
    stop(&s);
}
/* [lie end] */

/* A byte of a batch that was synced changes. */
static void damage(const char *dir) {
    struct server s;
    unsigned char byte;
    lead(&s, dir);
    off_t at = s.log.size - 1; /* another batch follows */
    submit(&s);
    CHECK(finish_turn(&s) == LOG_OK);
    int fd = openat(s.log.dir, "log", O_RDWR | O_CLOEXEC);
    stop(&s);
    CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    CHECK(start(&s, dir) == LOG_DAMAGED);
    log_close(&s.log);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
    lead(&s, dir);
    stop(&s);
}

/* Another leader replaces entries; then a snapshot replaces the log. */
static void rewrite(const char *dir) {
    char byte = 'x';
    struct log l;
    struct raft_entry entries[4] = {{.type = RAFT_BARRIER}};
    struct raft_update_entries update = {.index = 1, .batch = entries, .n = 4};
    for (unsigned i = 0; i < 4; i++) {
        entries[i] = (struct raft_entry){.term = 1, .type = RAFT_COMMAND, .buf = {&byte, 1}};
    }
    CHECK(log_open(&l, dir) == LOG_OK && l.n == 0);
    log_entries(&l, &update);
    CHECK(log_sync(&l) == LOG_OK);
    entries[0].term = 2;
    update = (struct raft_update_entries){.index = 3, .batch = entries, .n = 1};
    log_vote(&l, 2, 7);
    log_entries(&l, &update);
    CHECK(log_sync(&l) == LOG_OK);
    log_close(&l);
    CHECK(log_open(&l, dir) == LOG_OK && l.first == 1 && l.n == 3);
    CHECK(l.term == 2 && l.voted_for == 7 && l.entries[1].term == 1 && l.entries[2].term == 2);
    update.n = 0;
    log_entries(&l, &update);
    CHECK(log_sync(&l) == LOG_OK && l.n == 2);
    log_clear(&l, 10);
    CHECK(log_sync(&l) == LOG_OK);
    log_close(&l);
    CHECK(log_open(&l, dir) == LOG_OK && l.first == 10 && l.n == 0 && l.term == 2);
    CHECK(unlinkat(l.dir, "log", 0) == 0);
    log_close(&l);
}

int main(void) {
    char dir[] = "disk-XXXXXX";
    unsigned long long told, before = 0, n_torn = 0;
    CHECK(mkdtemp(dir) != NULL);
    rewrite(dir);
    for (int i = 0; i < KILLS; i++) {
        bool torn = i % 2 == 1;
        CHECK(run(dir, rand() % 20, torn ? tear : NULL, &told) >= before);
        n_torn += torn;
        before = told;
    }
    printf("%llu commands were acknowledged; killed %d times, %llu times with half a batch\n", told,
           KILLS, n_torn);
    fill(dir);
    fail_once(dir);
    damage(dir);
    lose(dir);

    struct server s;
    lead(&s, dir);
    CHECK(s.recovered >= told && s.state.sum == s.state.count * (s.state.count + 1) / 2);
    CHECK(s.state.index > COMPACT_AFTER);
    static const char *const files[] = {"log", "log.new", "snapshot", "snapshot.new"};
    for (int i = 0; i < 4; i++) {
        unlinkat(s.log.dir, files[i], 0);
    }
    stop(&s);
    return rmdir(dir) == 0 ? 0 : 1;
}
