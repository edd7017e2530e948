/* SPDX-License-Identifier: MIT */
/* Unit tests of the journal. Whatever a crash leaves of its files, a replay returns a prefix of the
 * records written, and that prefix contains every synced record. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"

enum { SEGMENT = 512, RECORDS = 60, MAX = 200 };

/* The records that a replay found. */
struct found {
    struct journal *journal;
    unsigned n;
    struct {
        struct journal_place place;
        unsigned number;
        size_t len;
    } records[1000];
};

static void payload_of(unsigned number, char payload[MAX], size_t *len) {
    *len = 4 + number * 37 % 90;
    memset(payload, (char)number, *len);
    store_le(payload, number, 4);
}

static bool on_record(void *context, const struct journal_place *place, const char *payload) {
    struct found *found = context;
    char expected[MAX];
    size_t len;
    unsigned number = (unsigned)load_le(payload, 4);
    payload_of(number, expected, &len);
    CHECK(place->len == len && memcmp(payload, expected, len) == 0);
    CHECK(found->n < 1000);
    found->records[found->n].place = *place;
    found->records[found->n].number = number;
    found->n++;
    return true;
}

static void put(struct journal *j, unsigned number) {
    char payload[MAX];
    size_t len;
    payload_of(number, payload, &len);
    journal_append(j, payload, len);
}

static void reopen(struct journal *j, const char *dir, uint64_t first, uint64_t ticket,
                   struct found *found) {
    journal_open(j, dir, SEGMENT);
    found->n = 0;
    found->journal = j;
    journal_replay(j, first, ticket, on_record, found);
}

/* A new journal with records 0 .. RECORDS - 1. */
static void fill(struct journal *j, const char *dir, struct found *found) {
    remove_tree(dir);
    reopen(j, dir, 0, 0, found);
    CHECK(found->n == 0);
    journal_trim(j);
    for (unsigned i = 0; i < RECORDS; i++) {
        put(j, i);
    }
    CHECK(j->n > 5);
    journal_sync_begin(j);
    CHECK(j->sync.n == j->n && j->sync.dir); /* all segments written to, and the directory */
    journal_sync_run(j);
    journal_sync_end(j);
    journal_sync_begin(j);
    CHECK(j->sync.n == 0 && !j->sync.dir);
    journal_sync_end(j);
}

static void check_read(struct journal *j, const struct found *found) {
    struct buf b = {0};
    for (unsigned i = 0; i < found->n; i++) {
        CHECK(load_le(journal_read(j, &found->records[i].place, &b), 4) ==
              found->records[i].number);
    }
    buf_free(&b);
}

static void test_replay(const char *dir) {
    static struct found found;
    struct journal j;
    fill(&j, dir, &found);
    journal_close(&j);
    for (unsigned round = 0; round < 3; round++) { /* each appends to a used segment */
        reopen(&j, dir, 0, 0, &found);
        CHECK(found.n == RECORDS + round);
        for (unsigned i = 0; i < found.n; i++) {
            CHECK(found.records[i].number == i);
        }
        check_read(&j, &found);
        journal_trim(&j);
        put(&j, found.n);
        journal_close(&j);
    }
    reopen(&j, dir, 0, 7, &found); /* the journal does not begin at this ticket */
    CHECK(found.n == 0);
    journal_close(&j);
}

static char *segment_path(const char *dir, uint64_t number, char path[4200]) {
    snprintf(path, 4200, "%s/%020llu.log", dir, (unsigned long long)number);
    return path;
}

/* After damage to any byte of a segment, a replay ends before the record that holds the byte. */
static void test_damage(const char *dir) {
    static struct found whole;
    static struct found found;
    struct journal j;
    fill(&j, dir, &whole);
    journal_close(&j);
    reopen(&j, dir, 0, 0, &whole);
    journal_close(&j);
    for (unsigned i = 0; i < whole.n; i++) {
        const struct journal_place *place = &whole.records[i].place;
        char path[4200];
        off_t at = (off_t)(place->offset + random_below(32 + place->len));
        int fd = open(segment_path(dir, place->segment, path), O_RDWR);
        CHECK(fd >= 0);
        int bit = 1 << random_below(8);
        flip(fd, at, bit);
        reopen(&j, dir, 0, 0, &found);
        CHECK(found.n == i);
        journal_close(&j);
        flip(fd, at, bit);
        at = (off_t)random_below(32); /* in the header */
        flip(fd, at, 0xff);
        reopen(&j, dir, 0, 0, &found);
        CHECK(found.n <= i && (found.n == 0) == (place->segment == 1));
        journal_close(&j);
        flip(fd, at, 0xff);
        close(fd);
    }
    reopen(&j, dir, 0, 0, &found);
    CHECK(found.n == RECORDS);
    journal_close(&j);
}

static size_t files_in(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t n = 0;
    while ((entry = readdir(dir)) != NULL) {
        n += entry->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

/* A crash loses one record and keeps those after it. The next run writes the same record in its
 * place. The old records behind it must not be read as its continuation. */
static void test_lost_write(const char *dir) {
    static struct found found;
    for (unsigned lost = 0; lost < RECORDS; lost += 7) {
        struct journal j;
        fill(&j, dir, &found);
        journal_close(&j);
        reopen(&j, dir, 0, 0, &found);
        const struct journal_place *place = &found.records[lost].place;
        char zeros[MAX + 32] = {0};
        char path[4200];
        int fd = open(segment_path(dir, place->segment, path), O_RDWR);
        CHECK(pwrite(fd, zeros, 32 + place->len, place->offset) > 0);
        close(fd);
        journal_close(&j);
        reopen(&j, dir, 0, 0, &found);
        CHECK(found.n == lost);
        journal_trim(&j);
        /* Segments that the replay did not reach are removed. */
        CHECK(files_in(dir) == j.n + (j.spare >= 0));
        put(&j, lost);
        journal_close(&j);
        reopen(&j, dir, 0, 0, &found);
        CHECK(found.n == lost + 1);
        journal_close(&j);
    }
}

/* A reused segment's old records are never read. */
static void test_recycling(const char *dir) {
    static struct found found;
    struct journal j;
    fill(&j, dir, &found);
    unsigned next = RECORDS;
    unsigned spares = 0;
    for (int round = 0; round < 40; round++) {
        uint64_t first = j.segments[j.n - 1 - random_below(j.n > 1 ? 2 : 1)].number;
        uint64_t before = journal_ticket_before(&j, first);
        spares += j.spare < 0;
        journal_sync_begin(&j); /* a sync may be using the reclaimed segments */
        journal_reclaim(&j, first);
        journal_sync_run(&j);
        journal_sync_end(&j);
        for (unsigned n = random_below(12); n > 0; n--) {
            put(&j, next++);
        }
        sync_journal(&j);
        if (round % 3 == 0) {
            journal_close(&j);
            reopen(&j, dir, first, before, &found);
            CHECK(found.n > 0 && found.records[found.n - 1].number == next - 1);
            for (unsigned i = 1; i < found.n; i++) {
                CHECK(found.records[i].number == found.records[i - 1].number + 1);
            }
            check_read(&j, &found);
            journal_trim(&j);
        }
        if (journal_wants_spare(&j)) {
            journal_make_spare(&j);
            journal_spare_made(&j);
        }
    }
    CHECK(spares > 3);
    uint64_t at = j.next;
    uint64_t ticket = j.ticket;
    journal_reset(&j);
    CHECK(j.n == 0);
    journal_close(&j);
    reopen(&j, dir, at, ticket, &found);
    CHECK(found.n == 0);
    journal_trim(&j);
    put(&j, next);
    journal_close(&j);
    reopen(&j, dir, at, ticket, &found);
    CHECK(found.n == 1 && found.records[0].number == next);
    journal_close(&j);
}

void test_journal(void) {
    char dir[4096];
    snprintf(dir, sizeof dir, "%s.journal", scratch);
    test_replay(dir);
    test_damage(dir);
    test_lost_write(dir);
    test_recycling(dir);
    remove_tree(dir);
}
