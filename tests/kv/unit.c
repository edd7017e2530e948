/* SPDX-License-Identifier: MIT */
/* Unit tests of the modules that need no disk: bytes, addresses, the message codec, requests, the
 * overlay, the background thread. Runs the tests of unit_storage.c and unit_journal.c too. */
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "background.h"
#include "codec.h"
#include "overlay.h"
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

/* --- the codec ----------------------------------------------------------- */

struct log_entry entry_of(raft_term term, int type, const char *text) {
    struct block *block = block_new(strlen(text));
    memcpy(block->data, text, strlen(text));
    return (struct log_entry){.term = term,
                              .block = block,
                              .data = block->data,
                              .len = (uint32_t)strlen(text),
                              .type = (uint8_t)type};
}

/* Encoding, decoding and encoding gives the same bytes. Every truncated content is refused. */
static void round_trip(struct raft_message *message, struct log *log, struct raft_message *back) {
    static struct decoder d;
    static struct block *block;
    struct buf first = {0};
    size_t len;
    CHECK(message_encode(&first, message, log));
    CHECK(frame_check(first.data, first.len, &len) == 1 && len == first.len - FRAME_HEAD);
    CHECK(frame_check(first.data, first.len - 1, &len) == 0);
    block_unref(block);
    block = block_new(first.len);
    memcpy(block->data, first.data + FRAME_HEAD, len);
    for (size_t cut = 0; cut < len; cut++) {
        struct raft_message part = {0};
        CHECK(!message_decode(&d, block, block->data, cut, &part));
    }
    memset(back, 0, sizeof *back);
    CHECK(message_decode(&d, block, block->data, len, back));
    struct buf second = {0};
    CHECK(message_encode(&second, back, log));
    CHECK(second.len == first.len && memcmp(first.data, second.data, first.len) == 0);
    for (int i = 0; i < 64; i++) { /* a flipped bit is detected */
        first.data[4 + random_below((unsigned)first.len - 4)] ^= (char)(1 << random_below(8));
        CHECK(frame_check(first.data, first.len, &len) == -1);
        memcpy(first.data, second.data, first.len);
    }
    buf_free(&first);
    buf_free(&second);
}

static void test_codec(void) {
    static struct log log = {.size = 8, .cached = 5, .last = 6};
    struct log_entry ring[8];
    log.ring = ring;
    ring[5] = entry_of(3, RAFT_COMMAND, "five");
    ring[6] = entry_of(4, RAFT_BARRIER, "");
    struct raft_message m = {.type = RAFT_REQUEST_VOTE};
    struct raft_message back;
    m.request_vote = (struct raft_request_vote){2, 1ull << 60, 7, 99, 98, true, false};
    round_trip(&m, &log, &back);
    CHECK(back.request_vote.term == 1ull << 60 && back.request_vote.disrupt_leader);
    CHECK(!back.request_vote.pre_vote && back.request_vote.last_log_term == 98);
    m = (struct raft_message){.type = RAFT_REQUEST_VOTE_RESULT};
    m.request_vote_result = (struct raft_request_vote_result){2, 5, true, true, 15, 65535};
    round_trip(&m, &log, &back);
    CHECK(back.request_vote_result.features == 15 && back.request_vote_result.capacity == 65535);
    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES};
    m.append_entries = (struct raft_append_entries){1, 4, 4, 3, 2, NULL, 2, 77, false};
    round_trip(&m, &log, &back);
    CHECK(back.append_entries.n_entries == 2 && back.append_entries.round == 77);
    CHECK(back.append_entries.entries[0].term == 3 && back.append_entries.entries[0].buf.len == 4);
    CHECK(memcmp(back.append_entries.entries[0].buf.base, "five", 4) == 0);
    CHECK(back.append_entries.entries[1].type == RAFT_BARRIER);
    m.append_entries.prev_log_index = 3; /* entry 4 is gone */
    struct buf b = {0};
    log.first = 5;
    CHECK(!message_encode(&b, &m, &log) && b.len == 0);
    buf_free(&b);
    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES_RESULT};
    m.append_entries_result = (struct raft_append_entries_result){3, 4, 9, 8, 14, 1, 77, 5, 1000};
    round_trip(&m, &log, &back);
    CHECK(back.append_entries_result.snapshot_offset == 1000);
    CHECK(back.append_entries_result.round == 77 && back.append_entries_result.rejected == 9);
    struct raft_server servers[] = {{1, "a:1/b:1", RAFT_VOTER},
                                    {2, "a:2/b:2", RAFT_VOTER_OUTGOING}};
    m = (struct raft_message){.type = RAFT_INSTALL_SNAPSHOT};
    m.install_snapshot = (struct raft_install_snapshot){
        1, 4, 50, 3, {servers, 2}, 40, {(void *)"chunk", 5}, 4096, true};
    round_trip(&m, &log, &back);
    CHECK(back.install_snapshot.conf.n == 2 && back.install_snapshot.last);
    CHECK(back.install_snapshot.conf.servers[1].role == RAFT_VOTER_OUTGOING);
    CHECK(strcmp(back.install_snapshot.conf.servers[1].address, "a:2/b:2") == 0);
    CHECK(memcmp(back.install_snapshot.data.base, "chunk", 5) == 0);
    m = (struct raft_message){.type = RAFT_TIMEOUT_NOW};
    m.timeout_now = (struct raft_timeout_now){0, 4, 50, 3};
    round_trip(&m, &log, &back);
    CHECK(back.timeout_now.last_log_index == 50);
    block_unref(ring[5].block);
    block_unref(ring[6].block);
}

static void test_codec_with_random_bytes(void) {
    static struct decoder d;
    struct block *block = block_new(256);
    for (int i = 0; i < 200000; i++) {
        size_t len = random_below(200);
        for (size_t k = 0; k < len; k++) {
            block->data[k] = (char)(random_below(3) == 0 ? random_below(256) : 0);
        }
        block->data[0] = (char)(1 + random_below(6));
        struct raft_message m = {0};
        if (message_decode(&d, block, block->data, len, &m) && m.type == RAFT_APPEND_ENTRIES) {
            for (unsigned k = 0; k < m.append_entries.n_entries; k++) {
                const struct raft_buffer *p = &m.append_entries.entries[k].buf;
                CHECK((char *)p->base >= block->data);
                CHECK((char *)p->base + p->len <= block->data + len);
            }
        }
    }
    decoder_free(&d);
    block_unref(block);
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
            CHECK(order < 0 || (order == 0 && items[i - 1]->key_len < len));
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
        {"codec", test_codec},
        {"codec with random bytes", test_codec_with_random_bytes},
        {"requests", test_requests},
        {"overlay", test_overlay},
        {"colliding keys", test_colliding_keys},
        {"background thread", test_background},
        {"log", test_log},
        {"log after a crash during compaction or installation", test_log_bases},
        {"journal", test_journal},
        {"data", test_data},
        {"dumps", test_dumps},
        {"large values in the log", test_values_log},
        {"removal of files of large values", test_values_removal},
        {"large values after a crash", test_values_crash},
        {"files of large values that are in use", test_values_in_use},
        {"moving of large values", test_values_move},
        {"dumps of large values", test_values_dump},
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
