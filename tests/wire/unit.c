/* SPDX-License-Identifier: MIT */
/* Tests of the codec with messages that are made here: every type and version, limits, failures,
 * and what the library does with them. */
#include "check.h"

#include <string.h>

static bool memory_fails;
static size_t allocated; /* the size of the latest block */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    allocated = size;
    return memory_fails ? NULL : __real_malloc(size);
}

/* --- every type and version ---------------------------------------------- */

static const unsigned char newest[] = {0, 2, 3, 2, 2, 1, 0};

static struct raft_entry entries[] = {
    {5, RAFT_COMMAND, {(void *)"one", 3}, {NULL}},
    {6, RAFT_BARRIER, {NULL, 0}, {NULL}},
    {6, RAFT_COMMAND, {(void *)"\0\xff", 2}, {NULL}},
};

static struct raft_server servers[] = {{1, "a:1", RAFT_VOTER},
                                       {1ull << 63, "", RAFT_VOTER_TO_SPARE},
                                       {3, "a long address of a server", RAFT_STANDBY}};

/* A message in which every field is set, also those that its version does not have. */
static struct raft_message sample(int type, unsigned char version) {
    struct raft_message m;
    memset(&m, 0, sizeof m);
    m.type = (enum raft_message_type)type;
    m.server_id = 77; /* the receiver, which is not encoded */
    m.server_address = "receiver";
    switch (m.type) {
        case RAFT_APPEND_ENTRIES:
            m.append_entries = (struct raft_append_entries){version, 101, 102,        103, 104,
                                                            entries, 3,   1ull << 40, true};
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            m.append_entries_result = (struct raft_append_entries_result){
                version, 101, 102, 103, 0x1234, 0x5678, 104, 105, 106};
            break;
        case RAFT_REQUEST_VOTE:
            m.request_vote = (struct raft_request_vote){version, 101, 102, 103, 104, true, true};
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            m.request_vote_result =
                (struct raft_request_vote_result){version, 101, true, true, 0x1234, 0x5678};
            break;
        case RAFT_INSTALL_SNAPSHOT:
            m.install_snapshot = (struct raft_install_snapshot){
                version, 101, 102, 103, {servers, 3}, 104, {(void *)"chunk", 5}, 105, true};
            break;
        default:
            m.timeout_now = (struct raft_timeout_now){version, 101, 102, 103};
    }
    return m;
}

static bool later_fields_are_zero(const struct raft_message *m) {
    const struct raft_append_entries *ae = &m->append_entries;
    const struct raft_append_entries_result *result = &m->append_entries_result;
    const struct raft_request_vote *rv = &m->request_vote;
    const struct raft_request_vote_result *vote = &m->request_vote_result;
    const struct raft_install_snapshot *is = &m->install_snapshot;
    switch (m->type) {
        case RAFT_APPEND_ENTRIES:
            return (ae->version >= 1 || ae->round == 0) && (ae->version >= 2 || !ae->sleep);
        case RAFT_APPEND_ENTRIES_RESULT:
            return (result->version >= 1 || (result->features == 0 && result->capacity == 0)) &&
                   (result->version >= 3 || (result->round == 0 && result->snapshot_index == 0 &&
                                             result->snapshot_offset == 0));
        case RAFT_REQUEST_VOTE:
            return rv->version >= 1 || (!rv->disrupt_leader && !rv->pre_vote);
        case RAFT_REQUEST_VOTE_RESULT:
            return vote->version >= 2 ||
                   (!vote->pre_vote && vote->features == 0 && vote->capacity == 0);
        case RAFT_INSTALL_SNAPSHOT:
            return is->version >= 1 || (is->offset == 0 && !is->last);
        default:
            return true;
    }
}

static unsigned char *encode(const struct raft_message *m, const char *address, size_t *len) {
    *len = wire_size(m, address);
    CHECK(*len > 0);
    unsigned char *bytes = malloc(*len);
    CHECK(bytes != NULL);
    wire_encode(m, 9, address, bytes);
    CHECK(wire_length(bytes, *len) == *len);
    return bytes;
}

static bool is_inside(const struct wire_message *m, size_t size, const void *at, size_t len) {
    size_t offset = (size_t)((const char *)at - (const char *)m->memory);
    return at == NULL ? len == 0 : offset <= size && len <= size - offset;
}

static bool is_in(const void *base, size_t size, const void *at, size_t len) {
    uintptr_t offset = (uintptr_t)at - (uintptr_t)base;
    return len == 0 || (offset <= size && len <= size - offset);
}

/* Decoding without a copy gives the same message. All that it points to is in the given bytes or
 * the given memory, of which exactly wire_memory() bytes are used. Cut off messages are refused. */
static void check_in_place(const struct raft_message *m) {
    size_t len;
    unsigned char *bytes = encode(m, "sender", &len);
    size_t size = wire_memory(bytes, len);
    CHECK(size > 0 && size < 5 * len);
    unsigned char *memory = malloc(size + 1);
    CHECK(memory != NULL);
    memory[size] = 0xa5;
    struct raft_message back;
    memset(&back, 0xff, sizeof back);
    CHECK(wire_decode_into(bytes, len, memory, &back) == 0);
    CHECK(memory[size] == 0xa5);
    check_encoding(&back, bytes, len);
    CHECK(back.server_id == 9 && strcmp(back.server_address, "sender") == 0);
    CHECK(is_in(memory, size, back.server_address, 7));
    if (m->type == RAFT_APPEND_ENTRIES) {
        for (unsigned i = 0; i < back.append_entries.n_entries; i++) {
            const struct raft_entry *entry = &back.append_entries.entries[i];
            CHECK(is_in(memory, size, entry, sizeof *entry) && entry->batch == memory);
            CHECK(is_in(bytes, len, entry->buf.base, entry->buf.len));
        }
    }
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        const struct raft_configuration *conf = &back.install_snapshot.conf;
        CHECK(is_in(memory, size, conf->servers, conf->n * sizeof *conf->servers));
        CHECK(is_in(bytes, len, back.install_snapshot.data.base, back.install_snapshot.data.len));
        for (unsigned i = 0; i < conf->n; i++) {
            CHECK(is_in(bytes, len, conf->servers[i].address, 1));
        }
    }
    CHECK(wire_memory(bytes, len - 1) == 0 && wire_memory(bytes, 16) == 0);
    for (size_t cut = 17 + 6; cut < len; cut++) { /* the head is whole, the fields are not */
        store_length(bytes, cut);
        CHECK(wire_memory(bytes, cut) > 0 && wire_memory(bytes, cut) <= size);
        CHECK(wire_decode_into(bytes, cut, memory, &back) == WIRE_MALFORMED);
        CHECK(memory[size] == 0xa5 && back.server_address == NULL);
    }
    free(memory);
    free(bytes);
}

static void check_round_trip(int type, unsigned char version) {
    struct raft_message m = sample(type, version);
    struct wire_message decoded;
    struct text expected = {.len = 0}, text = {.len = 0};
    size_t len;
    unsigned char *bytes = encode(&m, "sender", &len);
    memset(&decoded, 0xff, sizeof decoded);
    CHECK(wire_decode(bytes, len, &decoded) == 0);
    size_t size = allocated;
    check_encoding(&decoded.message, bytes, len);
    memset(bytes, 0xff, len); /* the message must not point there */
    free(bytes);

    m.server_id = 9;
    m.server_address = "sender";
    list_fields(&expected, &m);
    list_fields(&text, &decoded.message);
    CHECK(strcmp(expected.chars, text.chars) == 0);
    CHECK(later_fields_are_zero(&decoded.message));
    check_in_place(&m);
    if (type == RAFT_APPEND_ENTRIES) {
        for (unsigned i = 0; i < decoded.message.append_entries.n_entries; i++) {
            const struct raft_entry *entry = &decoded.message.append_entries.entries[i];
            CHECK(entry->batch != NULL);
            CHECK(is_inside(&decoded, size, entry, sizeof *entry));
            CHECK(is_inside(&decoded, size, entry->buf.base, entry->buf.len));
        }
    }
    wire_free(&decoded);
    CHECK(decoded.memory == NULL);
    wire_free(&decoded);
}

/* A version that is not known yet is written as the newest one that is. */
static void check_later_version(int type) {
    struct raft_message known = sample(type, newest[type]), later = sample(type, 255);
    size_t len, later_len;
    unsigned char *bytes = encode(&known, "", &len), *later_bytes = encode(&later, "", &later_len);
    CHECK(len == later_len && memcmp(bytes, later_bytes, len) == 0);
    free(later_bytes);

    /* With more fields than are known it is read as the newest one that is. */
    struct wire_message m;
    unsigned char longer[1024] = {0};
    CHECK(len + 16 <= sizeof longer);
    memcpy(longer, bytes, len);
    longer[6] = (unsigned char)(newest[type] + 1);
    store_length(longer, len + 16);
    CHECK(decode_guarded(longer, len + 16, &m) == 0);
    check_encoding(&m.message, bytes, len);
    wire_free(&m);
    store_length(longer, len - 1); /* but it must have those that are known */
    CHECK(decode_guarded(longer, len - 1, &m) == WIRE_MALFORMED);
    free(bytes);
}

/* --- limits and failures ------------------------------------------------- */

static void test_length(void) {
    unsigned char bytes[4] = {0};
    CHECK(wire_length(NULL, 0) == 0);
    CHECK(wire_length(bytes, 3) == 0);
    CHECK(wire_length(bytes, 4) == SIZE_MAX);
    store_length(bytes, 16);
    CHECK(wire_length(bytes, 4) == SIZE_MAX);
    store_length(bytes, 17);
    CHECK(wire_length(bytes, 4) == 17);
    store_length(bytes, WIRE_MAX);
    CHECK(wire_length(bytes, 4) == WIRE_MAX);
    store_length(bytes, WIRE_MAX + 1);
    CHECK(wire_length(bytes, 4) == SIZE_MAX);
    store_length(bytes, UINT32_MAX);
    CHECK(wire_length(bytes, 4) == SIZE_MAX);
}

static void test_refused_sizes(void) {
    struct raft_message m = sample(RAFT_TIMEOUT_NOW, 0);
    char *address = malloc(65537);
    CHECK(address != NULL);
    memset(address, 'a', 65536);
    address[65536] = '\0';
    CHECK(wire_size(&m, address) == 0);
    CHECK(wire_size(&m, address + 1) == 17 + 65535 + 24);
    size_t len;
    unsigned char *bytes = encode(&m, address + 1, &len);
    struct wire_message decoded;
    CHECK(wire_decode(bytes, len, &decoded) == 0);
    CHECK(strcmp(decoded.message.server_address, address + 1) == 0);
    wire_free(&decoded);
    free(bytes);
    free(address);
    CHECK(wire_size(&m, NULL) == 0);
    m.type = (enum raft_message_type)0;
    CHECK(wire_size(&m, "a") == 0);
    m.type = (enum raft_message_type)(RAFT_TIMEOUT_NOW + 1);
    CHECK(wire_size(&m, "a") == 0);

    m = sample(RAFT_APPEND_ENTRIES, 0);
    m.append_entries.entries = NULL; /* as in an update */
    CHECK(wire_size(&m, "a") == 0);
    m.append_entries.n_entries = 0;
    CHECK(wire_size(&m, "a") == 17 + 1 + 36);
    m = sample(RAFT_INSTALL_SNAPSHOT, 1);
    m.install_snapshot.data.base = NULL;
    CHECK(wire_size(&m, "a") == 0);
}

/* A message of WIRE_MAX bytes is the longest, whatever its parts are. */
static void test_longest(void) {
    static char space[WIRE_MAX];
    struct raft_message m = sample(RAFT_INSTALL_SNAPSHOT, 1);
    m.install_snapshot.data = (struct raft_buffer){space, 0};
    size_t room = WIRE_MAX - wire_size(&m, "");
    m.install_snapshot.data.len = room;
    CHECK(wire_size(&m, "") == WIRE_MAX);
    m.install_snapshot.data.len = room + 1;
    CHECK(wire_size(&m, "") == 0);
    m.install_snapshot.data.len = SIZE_MAX - 64;
    CHECK(wire_size(&m, "") == 0);

    struct raft_entry large[3] = {{1, RAFT_COMMAND, {space, WIRE_MAX / 2}, {NULL}},
                                  {1, RAFT_COMMAND, {space, WIRE_MAX / 2}, {NULL}},
                                  {1, RAFT_COMMAND, {space, SIZE_MAX - WIRE_MAX}, {NULL}}};
    m = sample(RAFT_APPEND_ENTRIES, 0);
    m.append_entries.entries = large;
    for (unsigned n = 1; n <= 3; n++) {
        m.append_entries.n_entries = n;
        CHECK((wire_size(&m, "") != 0) == (n == 1));
    }
}

/* The memory is in proportion to the message, whatever numbers it states. */
static void test_memory(void) {
    struct wire_message decoded;
    for (int type = RAFT_APPEND_ENTRIES; type <= RAFT_TIMEOUT_NOW; type++) {
        struct raft_message m = sample(type, newest[type]);
        size_t len;
        unsigned char *bytes = encode(&m, "a", &len);
        memory_fails = true;
        CHECK(wire_decode(bytes, len, &decoded) == WIRE_NOMEM);
        memory_fails = false;
        CHECK(decoded.memory == NULL && decoded.message.server_address == NULL);
        for (size_t i = 18; i + 8 <= len; i++) {
            unsigned char saved[8];
            memcpy(saved, bytes + i, 8);
            memset(bytes + i, 0xff, 8);
            allocated = 0;
            (void)wire_decode(bytes, len, &decoded);
            CHECK(allocated <= 5 * len);
            wire_free(&decoded);
            memcpy(bytes + i, saved, 8);
        }
        free(bytes);
    }
}

/* --- with the library ----------------------------------------------------- */

static void step(struct raft *r, enum raft_event_type type, struct raft_event *e,
                 struct raft_update *update) {
    e->type = type;
    e->time = 1;
    CHECK(raft_step(r, e, update) == 0);
}

/* A new server takes the first entry from its leader, and answers. */
static void test_receive(void) {
    static unsigned char payload[] = {1, 1, 0, 0, 0, 0,   0, 0, 0, 9, 0, 0,
                                      0, 0, 0, 0, 0, 'a', 0, 1, 0, 0, 0, 0};
    struct raft_entry entry = {1, RAFT_CHANGE, {payload, sizeof payload}, {NULL}};
    struct raft_message m = sample(RAFT_APPEND_ENTRIES, 1);
    m.append_entries =
        (struct raft_append_entries){.version = 1, .term = 1, .entries = &entry, .n_entries = 1};
    struct raft_event e;
    struct raft_update update;
    struct wire_message received, answer;
    struct raft r;
    size_t len;
    CHECK(raft_init(&r, 2, "b") == 0);
    memset(&e, 0, sizeof e);
    step(&r, RAFT_START, &e, &update);

    unsigned char *bytes = encode(&m, "a", &len);
    CHECK(wire_decode(bytes, len, &received) == 0);
    size_t size = allocated;
    memset(&e, 0, sizeof e);
    e.receive.message = &received.message;
    step(&r, RAFT_RECEIVE, &e, &update);
    CHECK((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n == 1);
    CHECK(update.entries.batch[0].batch == received.memory);
    CHECK(is_inside(&received, size, update.entries.batch[0].buf.base, sizeof payload));
    CHECK(memcmp(update.entries.batch[0].buf.base, payload, sizeof payload) == 0);
    wire_free(&received);

    memset(&e, 0, sizeof e);
    e.stored.index = 1;
    e.stored.write = update.entries.write;
    step(&r, RAFT_STORED, &e, &update);
    CHECK((update.flags & RAFT_UPDATE_MESSAGES) && update.messages.n == 1);
    CHECK(update.messages.batch[0].server_id == 9);
    CHECK(strcmp(update.messages.batch[0].server_address, "a") == 0);
    free(bytes);
    bytes = encode(&update.messages.batch[0], "b", &len);
    CHECK(wire_decode(bytes, len, &answer) == 0);
    CHECK(answer.message.type == RAFT_APPEND_ENTRIES_RESULT);
    CHECK(answer.message.append_entries_result.last_log_index == 1);
    wire_free(&answer);

    bytes[5] = 200; /* a type that nobody knows */
    CHECK(wire_decode(bytes, len, &answer) == 0);
    memset(&e, 0, sizeof e);
    e.receive.message = &answer.message;
    step(&r, RAFT_RECEIVE, &e, &update);
    CHECK(update.flags == 0);
    wire_free(&answer);
    free(bytes);
    CHECK(raft_close(&r) == 0);
}

int main(void) {
    for (int type = RAFT_APPEND_ENTRIES; type <= RAFT_TIMEOUT_NOW; type++) {
        for (unsigned version = 0; version <= newest[type]; version++) {
            check_round_trip(type, (unsigned char)version);
        }
        check_later_version(type);
    }
    test_length();
    test_refused_sizes();
    test_longest();
    test_memory();
    test_receive();
    return 0;
}
