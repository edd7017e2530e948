/* SPDX-License-Identifier: MIT */
/* Unit tests of message.c: Raft messages in frames, with entries from the log. */
#include "unit.h"

#include "message.h"
#include "session.h"

static struct message_memory memory;

/* Encoding, decoding and encoding gives the same bytes. Every truncated content is refused. */
static void round_trip(struct raft_message *message, struct log *log, struct raft_message *back) {
    static struct message_memory other;
    static struct block *block;
    struct buf first = {0};
    size_t len;
    CHECK(message_encode(&memory, &first, 7, message, log, NULL));
    CHECK(frame_check(first.data, first.len, &len) == 1 && len == first.len - FRAME_HEAD);
    CHECK(frame_check(first.data, first.len - 1, &len) == 0);
    block_unref(block);
    block = block_new(first.len);
    memcpy(block->data, first.data + FRAME_HEAD, len);
    for (size_t cut = 0; cut < len; cut++) {
        struct raft_message part;
        CHECK(!message_decode(&memory, block, block->data, cut, &part));
    }
    CHECK(message_decode(&memory, block, block->data, len, back));
    CHECK(back->type == message->type && back->server_id == 7 && back->server_address[0] == '\0');
    struct buf second = {0};
    struct raft_message copy = *back; /* encoding attaches entries and detaches them */
    CHECK(message_encode(&other, &second, 7, &copy, log, NULL));
    CHECK(second.len == first.len && memcmp(first.data, second.data, first.len) == 0);
    for (int i = 0; i < 64; i++) { /* a flipped bit is detected */
        first.data[4 + random_below((unsigned)first.len - 4)] ^= (char)(1 << random_below(8));
        CHECK(frame_check(first.data, first.len, &len) == -1);
        memcpy(first.data, second.data, first.len);
    }
    buf_free(&first);
    buf_free(&second);
}

void test_messages(void) {
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
    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES};
    m.append_entries = (struct raft_append_entries){1, 4, 4, 3, 2, NULL, 2, 77, false};
    round_trip(&m, &log, &back);
    CHECK(m.append_entries.entries == NULL && m.append_entries.n_entries == 2);
    CHECK(back.append_entries.n_entries == 2 && back.append_entries.round == 77);
    const struct raft_entry *entries = back.append_entries.entries;
    CHECK(entries[0].term == 3 && entries[0].buf.len == 4 && entries[1].type == RAFT_BARRIER);
    CHECK(memcmp(entries[0].buf.base, "five", 4) == 0);
    struct block *block = entries[0].batch;
    CHECK(block == entries[1].batch && block->refs == 1);
    CHECK((char *)entries[0].buf.base > block->data);
    CHECK((char *)entries[0].buf.base < block->data + block->cap);
    m.append_entries.prev_log_index = 3; /* entry 4 is gone */
    struct buf b = {0};
    log.first = 5;
    CHECK(!message_encode(&memory, &b, 7, &m, &log, NULL) && b.len == 0);
    buf_free(&b);
    struct raft_server servers[] = {{1, "a:1/b:1", RAFT_VOTER},
                                    {2, "a:2/b:2", RAFT_VOTER_OUTGOING}};
    m = (struct raft_message){.type = RAFT_INSTALL_SNAPSHOT};
    m.install_snapshot = (struct raft_install_snapshot){
        1, 4, 50, 3, {servers, 2}, 40, {(void *)"chunk", 5}, 4096, true};
    round_trip(&m, &log, &back);
    CHECK(back.install_snapshot.conf.n == 2 && back.install_snapshot.last);
    CHECK(strcmp(back.install_snapshot.conf.servers[1].address, "a:2/b:2") == 0);
    CHECK(memcmp(back.install_snapshot.data.base, "chunk", 5) == 0);
    block_unref(ring[5].block);
    block_unref(ring[6].block);
}

void test_messages_with_random_bytes(void) {
    struct block *block = block_new(256);
    unsigned decoded = 0;
    for (int i = 0; i < 200000; i++) {
        size_t len = 18 + random_below(180);
        for (size_t k = 0; k < len; k++) {
            block->data[k] = (char)(random_below(3) == 0 ? random_below(256) : 0);
        }
        block->data[0] = FRAME_MESSAGE;
        store_le(block->data + 1, len - 1, 4);
        block->data[5] = 0x52;
        block->data[6] = (char)(1 + random_below(6));
        block->data[16] = block->data[17] = 0; /* no address */
        struct raft_message m;
        bool good = message_decode(&memory, block, block->data, len, &m);
        decoded += good;
        for (unsigned k = 0;
             good && m.type == RAFT_APPEND_ENTRIES && k < m.append_entries.n_entries; k++) {
            const struct raft_buffer *p = &m.append_entries.entries[k].buf;
            CHECK((char *)p->base >= block->data);
            CHECK((char *)p->base + p->len <= block->data + len);
        }
    }
    CHECK(decoded > 1000);
    block_unref(block);
}

static void append(struct log *l, raft_index index, unsigned n, size_t len) {
    char *text = xmalloc(len + 1);
    struct log_entry entries[10];
    for (unsigned i = 0; i < n; i++) {
        memset(text, (int)('a' + (index + i) % 26), len);
        text[len] = '\0';
        entries[i] = entry_of(1, RAFT_COMMAND, text);
    }
    log_append(l, index, entries, n);
    for (unsigned i = 0; i < n; i++) {
        block_unref(entries[i].block);
    }
    free(text);
}

/* A message whose entries are in three records on the disk and in memory. No entry is valid any
 * more when the log reads the next record. Then: messages that are full. */
void test_messages_from_disk(void) {
    struct store s;
    struct log l;
    struct base base;
    struct log_image image;
    remove_tree(scratch);
    store_open(&s, scratch, "test", 1, 100);
    log_open(&l, &s, 1024 * 1024);
    store_load_base(&s, BASE_KEY, &base);
    log_load(&l, &base, &image);
    log_trim(&l);
    for (raft_index i = 1; i <= 30; i += 10) {
        append(&l, i, 10, 100);
        log_write(&l);
    }
    log_close(&l);
    log_open(&l, &s, 1024 * 1024);
    log_load(&l, &base, &image);
    log_image_free(&image);
    log_trim(&l);
    append(&l, 31, 5, 100);
    CHECK(l.cached == 31);
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    struct raft_message back;
    m.append_entries = (struct raft_append_entries){1, 1, 3, 1, 2, NULL, 32, 77, false};
    round_trip(&m, &l, &back);
    CHECK(back.append_entries.n_entries == 32);
    for (raft_index i = 4; i <= 35; i++) {
        const struct raft_buffer *p = &back.append_entries.entries[i - 4].buf;
        CHECK(p->len == 100 && ((char *)p->base)[0] == (char)('a' + i % 26));
        CHECK(((char *)p->base)[99] == (char)('a' + i % 26));
    }
    append(&l, 36, 4, 400 * 1024);
    m.append_entries.prev_log_index = 35;
    m.append_entries.n_entries = 4;
    struct buf b = {0};
    CHECK(message_encode(&memory, &b, 7, &m, &l, NULL));
    CHECK(m.append_entries.n_entries == 3); /* more than 1 MiB */
    buf_free(&b);
    members_free(&base.members);
    message_memory_free(&memory);
    log_close(&l);
    store_close(&s);
}
