/* SPDX-License-Identifier: MIT */
/* The journal: what is replayed after a start, after a crash, and after damage. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "unit.h"

enum { GROUPS = 3 };

static char folder[64];
static char path[80];

static off_t size_of_journal(void) {
    struct stat info;
    CHECK(stat(path, &info) == 0);
    return info.st_size;
}

static void put_entry(struct disk *d, uint32_t group, raft_index index, raft_term term,
                      const char *payload) {
    struct log l = {.first = index};
    struct raft_entry e = {.term = term, .type = RAFT_COMMAND};
    e.buf.base = (void *)payload;
    e.buf.len = strlen(payload);
    log_append(&l, &e);
    disk_put_entries(d, group, index, 1, l.bytes, l.len);
    log_reset(&l, 1);
}

static void expect(const struct image *image, raft_index index, raft_term term,
                   const char *payload) {
    const char *at;
    size_t len;
    CHECK(log_range(&image->log, index, 1, &at, &len));
    CHECK(load_int(at, 8) == term && len == ENTRY_HEAD + strlen(payload));
    CHECK(memcmp(at + ENTRY_HEAD, payload, strlen(payload)) == 0);
}

static void free_images(struct image *images) {
    for (int i = 0; i < GROUPS; i++) {
        log_reset(&images[i].log, 1);
    }
}

static void reopen(struct disk *d, struct image *images) {
    disk_close(d);
    free_images(images);
    disk_open(d, folder, images, GROUPS);
}

/* Records of several groups and turns, and what they replace. */
static void test_replay(struct disk *d, struct image *images) {
    for (int i = 0; i < GROUPS; i++) {
        CHECK(images[i].term == 0 && images[i].log.n == 0 && images[i].log.first == 1);
    }
    CHECK(!disk_sync(d)); /* nothing to write */
    disk_put_vote(d, 0, 3, 2);
    put_entry(d, 0, 1, 1, "one");
    put_entry(d, 2, 1, 1, "of the last group");
    CHECK(disk_sync(d) && d->syncs == 2); /* one for all; the other one was at the start */
    put_entry(d, 0, 2, 1, "two");
    put_entry(d, 0, 3, 1, "three");
    CHECK(disk_sync(d));
    put_entry(d, 0, 2, 3, "another two");
    CHECK(disk_sync(d));
    reopen(d, images);
    CHECK(images[0].term == 3 && images[0].vote == 2 && log_last(&images[0].log) == 2);
    expect(&images[0], 1, 1, "one");
    expect(&images[0], 2, 3, "another two");
    expect(&images[2], 1, 1, "of the last group");
    CHECK(images[1].term == 0 && images[1].log.n == 0);

    disk_put_entries(d, 0, 2, 0, NULL, 0); /* only delete */
    CHECK(disk_sync(d));
    reopen(d, images);
    CHECK(log_last(&images[0].log) == 1);
    put_entry(d, 0, 2, 3, "another two");
    CHECK(disk_sync(d));
}

/* An image replaces all that was recorded of its group, and of no other. */
static void test_image(struct disk *d, struct image *images) {
    struct image image = {.term = 8,
                          .vote = 1,
                          .snapshot = {.index = 40, .term = 7, .conf_index = 1, .state = {11, 12}},
                          .log = {.first = 40}};
    struct raft_entry e = {.term = 7, .type = RAFT_BARRIER};
    log_append(&image.log, &e);
    disk_put_image(d, 1, &image);
    put_entry(d, 1, 41, 8, "after the image");
    CHECK(disk_sync(d));
    log_reset(&image.log, 1);
    reopen(d, images);
    const struct snapshot *s = &images[1].snapshot;
    CHECK(images[1].term == 8 && images[1].vote == 1);
    CHECK(s->index == 40 && s->term == 7 && s->conf_index == 1);
    CHECK(s->state.value == 11 && s->state.writes == 12);
    CHECK(images[1].log.first == 40 && images[1].log.n == 2);
    expect(&images[1], 40, 7, "");
    expect(&images[1], 41, 8, "after the image");
    expect(&images[0], 2, 3, "another two");
    expect(&images[2], 1, 1, "of the last group");
}

static void test_rewriting(struct disk *d, struct image *images) {
    for (int i = 0; i < 1000; i++) {
        put_entry(d, 2, 2, 9, "again and again");
        CHECK(disk_sync(d));
    }
    off_t before = size_of_journal();
    CHECK(!disk_has_grown(d, 1 << 20) && disk_has_grown(d, 1 << 10));
    reopen(d, images); /* a rewriting that a crash ended is not used */
    disk_rewrite_begin(d);
    disk_put_vote(d, 0, 99, 99);
    disk_rewrite_part(d);
    CHECK(write(d->fd, "unfinished", 10) == 10);
    d->batch.len = 0;
    reopen(d, images);
    CHECK(images[0].term == 3 && size_of_journal() == before);

    disk_rewrite_begin(d);
    for (uint32_t i = 0; i < GROUPS; i++) {
        disk_put_image(d, i, &images[i]);
        disk_rewrite_part(d);
    }
    disk_rewrite_end(d);
    CHECK(!disk_has_grown(d, 1) && size_of_journal() < 1000);
    put_entry(d, 0, 3, 3, "three");
    CHECK(disk_sync(d));
    reopen(d, images);
    CHECK(images[0].term == 3 && images[1].snapshot.state.value == 11);
    expect(&images[0], 2, 3, "another two");
    expect(&images[0], 3, 3, "three");
    expect(&images[2], 2, 9, "again and again");
}

/* Wherever a crash cuts off the last batch, the ones before are kept, and the journal goes on. */
static void test_torn_tail(struct disk *d, struct image *images) {
    off_t before = size_of_journal();
    disk_put_vote(d, 0, 50, 3);
    put_entry(d, 0, 4, 50, "torn");
    CHECK(disk_sync(d));
    off_t after = size_of_journal();
    char *whole = malloc((size_t)after);
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pread(fd, whole, (size_t)after, 0) == after);
    for (off_t cut = before; cut < after; cut++) {
        bool zeros = cut % 2 != 0; /* the file may have its length already, but not its bytes */
        CHECK(pwrite(fd, whole, (size_t)after, 0) == after && ftruncate(fd, cut) == 0);
        CHECK(!zeros || ftruncate(fd, after) == 0);
        reopen(d, images);
        CHECK(images[0].term == 3 && log_last(&images[0].log) == 3);
        CHECK(size_of_journal() == before);
    }
    disk_put_vote(d, 0, 51, 3);
    CHECK(disk_sync(d));
    reopen(d, images);
    CHECK(images[0].term == 51 && log_last(&images[0].log) == 3);
    close(fd);
    free(whole);
}

/* Open the journal in a child process. Returns its exit status. */
static int open_in_child(void) {
    struct disk d;
    struct image images[GROUPS];
    int status;
    pid_t child = fork();
    if (child == 0) {
        freopen("/dev/null", "w", stderr);
        disk_open(&d, folder, images, GROUPS);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Damage before the last batch is reported: what was promised is lost. */
static void test_damage(void) {
    char byte;
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && open_in_child() == 0);
    for (off_t at = 0; at < 200; at += 7) {
        CHECK(pread(fd, &byte, 1, at) == 1);
        byte = (char)(byte ^ 4);
        CHECK(pwrite(fd, &byte, 1, at) == 1);
        CHECK(open_in_child() == 1);
        byte = (char)(byte ^ 4);
        CHECK(pwrite(fd, &byte, 1, at) == 1);
    }
    CHECK(open_in_child() == 0);
    close(fd);
}

void test_disk(void) {
    struct disk d;
    struct image images[GROUPS];
    snprintf(folder, sizeof folder, "/tmp/raft-multi-unit-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/journal", folder);
    disk_open(&d, folder, images, GROUPS);
    test_replay(&d, images);
    test_image(&d, images);
    test_rewriting(&d, images);
    test_torn_tail(&d, images);
    disk_close(&d);
    free_images(images);
    test_damage();
    unlink(path);
    rmdir(folder);
}
