/* SPDX-License-Identifier: MIT */
/* Unit tests of the modules that need no disk: bytes, addresses, requests, the overlay, the
 * background thread. Runs the tests of the other files too. */
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "background.h"
#include "overlay.h"
#include "position.h"
#include "request.h"

char *scratch;

void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char name[4096];
        struct stat info;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            lstat(name, &info) == 0) {
            if (S_ISDIR(info.st_mode)) {
                remove_tree(name);
            } else {
                unlink(name);
            }
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(path);
}

void sync_journal(struct journal *j) {
    journal_sync_begin(j);
    journal_sync_run(j);
    journal_sync_end(j);
}

void flip(int fd, off_t at, int bits) {
    char byte;
    CHECK(pread(fd, &byte, 1, at) == 1);
    byte = (char)(byte ^ bits);
    CHECK(pwrite(fd, &byte, 1, at) == 1);
}

/* --- bytes and addresses ------------------------------------------------- */

static void test_bytes(void) {
    char data[1000] = {0};
    /* The published check value, and vectors of RFC 3720, B.4. */
    CHECK(crc32c(0, "123456789", 9) == 0xe3069283u);
    CHECK(crc32c_tables(0, "123456789", 9) == 0xe3069283u);
    CHECK(crc32c(0, data, 32) == 0x8a9136aau && crc32c_tables(0, data, 32) == 0x8a9136aau);
    memset(data, 0xff, 32);
    CHECK(crc32c(0, data, 32) == 0x62a8ab43u && crc32c_tables(0, data, 32) == 0x62a8ab43u);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)random_below(256);
    }
    uint32_t whole = crc32c(0, data, sizeof data);
    for (size_t cut = 0; cut < sizeof data; cut += 37) {
        CHECK(crc32c(crc32c(0, data, cut), data + cut, sizeof data - cut) == whole);
    }
    for (size_t from = 0; from < 16; from++) { /* every alignment and remainder */
        for (size_t len = 0; len < 40; len++) {
            CHECK(crc32c(7, data + from, len) == crc32c_tables(7, data + from, len));
        }
    }
    struct buf b = {0};
    buf_put_int(&b, 0x1122334455667788ull, 8);
    buf_put_string(&b, "hello");
    struct cursor c = {b.data, b.data + b.len, false};
    CHECK(cursor_int(&c, 8) == 0x1122334455667788ull);
    CHECK(strcmp(cursor_string(&c), "hello") == 0);
    CHECK(cursor_left(&c) == 0 && !c.bad);
    CHECK(cursor_int(&c, 1) == 0 && c.bad);
    b.data[11] = '\0'; /* a NUL inside a string is refused */
    c = (struct cursor){b.data + 8, b.data + b.len, false};
    CHECK(cursor_string(&c) == NULL && c.bad);
    buf_free(&b);
}

static void test_addresses(void) {
    struct endpoint e;
    CHECK(address_valid("127.0.0.1:1/127.0.0.1:65535"));
    CHECK(address_peer("[::1]:70/host:71", &e) && strcmp(e.host, "::1") == 0);
    CHECK(strcmp(e.port, "70") == 0);
    CHECK(strcmp(address_client("a:1/b:2"), "b:2") == 0);
    const char *const wrong[] = {"",         "a:1",       "a:1/",     "/b:2",        "a:1/b",
                                 "a/b:2",    "a:0/b:2",   "a:1/b:x",  "a:65536/b:2", ":1/b:2",
                                 "a:1/b:2,", "a b:1/b:2", "a:1/b:2/c"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!address_valid(wrong[i]));
    }
}

struct log_entry entry_of(raft_term term, int type, const char *text) {
    struct block *block = block_new(strlen(text));
    memcpy(block->data, text, strlen(text));
    return (struct log_entry){.term = term,
                              .block = block,
                              .data = block->data,
                              .len = (uint32_t)strlen(text),
                              .type = (uint8_t)type};
}

/* --- requests ------------------------------------------------------------ */

static void test_requests(void) {
    static const char stream[] =
        "*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n*0\r\n*-1\r\n"
        "\r\n set  k v \r\n*1\r\n$0\r\n\r\n"
        "*3\r\n$3\r\nSET\r\n$2\r\n\r\n\r\n$1\r\n\0\r\n";
    static const size_t counts[] = {2, 1, 3, 1, 3};
    for (size_t step = 1; step < sizeof stream; step++) {
        struct requests r;
        requests_init(&r);
        size_t found = 0;
        for (size_t at = 0; at < sizeof stream - 1; at += step) {
            size_t left = sizeof stream - 1 - at;
            requests_feed(&r, stream + at, left < step ? left : step);
            int next;
            while ((next = requests_next(&r)) == 1) {
                CHECK(found < 5 && r.request.n == counts[found]);
                if (found == 2) {
                    CHECK(strcmp(request_argument(&r.request, 0), "set") == 0);
                    CHECK(strcmp(request_argument(&r.request, 2), "v") == 0);
                }
                if (found == 4) {
                    CHECK(r.request.arguments[1].len == 2 && r.request.arguments[2].len == 1);
                }
                found++;
            }
            CHECK(next == 0);
        }
        CHECK(found == 5);
        requests_free(&r);
    }
}

/* --- the overlay --------------------------------------------------------- */

static void test_overlay(void) {
    struct overlay o;
    overlay_init(&o);
    static int model[500]; /* 0: unknown, -1: deleted, else the value */
    for (int round = 0; round < 20; round++) {
        overlay_clear(&o);
        memset(model, 0, sizeof model);
        for (int i = 1; i < 2000; i++) {
            char key[16];
            char value[16];
            unsigned k = random_below(500);
            size_t key_len = (size_t)sprintf(key, "%u", k);
            size_t value_len = (size_t)sprintf(value, "%d", i);
            const struct overlay_item *item = overlay_get(&o, key, key_len);
            CHECK((item != NULL) == (model[k] != 0));
            if (item != NULL) {
                CHECK(item->deleted == (model[k] == -1));
                CHECK(item->deleted || atoi(o.bytes.data + item->value) == model[k]);
            }
            bool delete = random_below(4) == 0;
            overlay_set(&o, key, key_len, delete ? NULL : value, delete ? 0 : value_len + 1);
            model[k] = delete ? -1 : i;
        }
        const struct overlay_item **items = overlay_sorted(&o);
        for (size_t i = 1; i < o.used; i++) {
            const char *a = o.bytes.data + items[i - 1]->key;
            const char *b = o.bytes.data + items[i]->key;
            size_t len = items[i]->key_len;
            size_t shorter = items[i - 1]->key_len < len ? items[i - 1]->key_len : len;
            int order = memcmp(a, b, shorter);
            CHECK(items[i]->position == position_of(b, len));
            CHECK(items[i - 1]->position < items[i]->position ||
                  (items[i - 1]->position == items[i]->position &&
                   (order < 0 || (order == 0 && items[i - 1]->key_len < len))));
        }
        CHECK(o.used > 400);
        free(items);
    }
    overlay_free(&o);
}

/* --- the background thread ----------------------------------------------- */

enum { JOBS = 200, TURNS = 20 };

struct task {
    struct job job;
    unsigned number, runs, ends;
};

static struct background background;
static unsigned first_runs[JOBS]; /* written by the worker */
static unsigned n_first_runs;
static unsigned ended;

static void run_task(void *context) {
    struct task *task = context;
    if (task->runs++ == 0) {
        first_runs[n_first_runs++] = task->number;
    }
}

static void end_task(void *context) {
    struct task *task = context;
    task->ends++;
    ended++;
    CHECK(task->ends == task->runs);
    if (task->ends < TURNS) {
        background_queue(&background, &task->job);
    }
}

static void test_background(void) {
    static struct task tasks[JOBS];
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    background_start(&background, &loop, 1);
    for (unsigned i = 0; i < JOBS; i++) {
        tasks[i] =
            (struct task){{.run = run_task, .done = end_task, .context = &tasks[i]}, i, 0, 0};
        background_queue(&background, &tasks[i].job);
    }
    while (ended < JOBS * TURNS) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    for (unsigned i = 0; i < JOBS; i++) {
        CHECK(first_runs[i] == i && tasks[i].runs == TURNS);
    }
    uv_close((uv_handle_t *)&background.finished, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
}

int main(void) {
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        {"bytes", test_bytes},
        {"addresses", test_addresses},
        {"messages", test_messages},
        {"messages with random bytes", test_messages_with_random_bytes},
        {"messages with entries from the disk", test_messages_from_disk},
        {"sessions", test_sessions},
        {"sessions under attack", test_session_attacks},
        {"sessions with other secrets", test_session_secrets},
        {"sessions with random bytes", test_session_random_bytes},
        {"requests", test_requests},
        {"pieces of output", test_pieces_of_output},
        {"shares of memory", test_shares_of_memory},
        {"replies that exceed", test_replies_that_exceed},
        {"limits of requests", test_limits_of_requests},
        {"notices", test_notices},
        {"overlay", test_overlay},
        {"patterns", test_glob},
        {"positions", test_positions},
        {"colliding keys", test_colliding_keys},
        {"background thread", test_background},
        {"log", test_log},
        {"log after a crash during compaction or installation", test_log_bases},
        {"journal", test_journal},
        {"compaction of the log", test_compaction},
        {"identity", test_identity},
        {"data", test_data},
        {"malformed commands", test_malformed_commands},
        {"dumps", test_dumps},
        {"large values in the log", test_values_log},
        {"removal of files of large values", test_values_removal},
        {"large values after a crash", test_values_crash},
        {"files of large values that are in use", test_values_in_use},
        {"moving of large values", test_values_move},
        {"dumps of large values", test_values_dump},
        {"limited lines", test_limiter},
        {"limited lines of many formats", test_limiter_places},
        {"advice", test_advice},
        {"histogram", test_histogram},
        {"buckets of a histogram", test_histogram_buckets},
    };
    char template[] = "/tmp/raft-kv-unit-XXXXXX";
    scratch = mkdtemp(template);
    CHECK(scratch != NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i].run();
        printf("ok     %s\n", tests[i].name);
        fflush(stdout);
    }
    remove_tree(scratch);
    return 0;
}
