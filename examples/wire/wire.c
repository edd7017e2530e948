/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

enum {
    FORMAT = 0x52,          /* the first byte after the length */
    HEAD = 4 + 3 + 8 + 2,   /* length; format, type, version; sender's ID; length of its address */
    MOST_ADDRESS = 65535,   /* bytes of an address */
    ENTRY_HEAD = 8 + 1 + 4, /* term, type, length of the payload */
    CONF_FORMAT = 1,
    CONF_HEAD = 1 + 8,       /* format, number of servers */
    LEAST_SERVER = 8 + 1 + 1 /* ID, empty address, role */
};

/* --- the fields of the messages ------------------------------------------ */

enum kind { NUMBER, SHORT, BOOLEAN, BUFFER, ENTRIES, SERVERS };

#define AT(member) offsetof(struct raft_message, member)

/* In the order in which they are written. The fields of a version follow those of the earlier ones,
 * so that a reader can skip what it does not know. */
static const struct field {
    enum raft_message_type type;
    unsigned char from; /* the first version that has the field */
    enum kind kind;
    size_t offset;
} fields[] = {
    {RAFT_APPEND_ENTRIES, 0, NUMBER, AT(append_entries.term)},
    {RAFT_APPEND_ENTRIES, 0, NUMBER, AT(append_entries.prev_log_index)},
    {RAFT_APPEND_ENTRIES, 0, NUMBER, AT(append_entries.prev_log_term)},
    {RAFT_APPEND_ENTRIES, 0, NUMBER, AT(append_entries.leader_commit)},
    {RAFT_APPEND_ENTRIES, 0, ENTRIES, AT(append_entries)},
    {RAFT_APPEND_ENTRIES, 1, NUMBER, AT(append_entries.round)},
    {RAFT_APPEND_ENTRIES, 2, BOOLEAN, AT(append_entries.sleep)},
    {RAFT_APPEND_ENTRIES_RESULT, 0, NUMBER, AT(append_entries_result.term)},
    {RAFT_APPEND_ENTRIES_RESULT, 0, NUMBER, AT(append_entries_result.rejected)},
    {RAFT_APPEND_ENTRIES_RESULT, 0, NUMBER, AT(append_entries_result.last_log_index)},
    {RAFT_APPEND_ENTRIES_RESULT, 1, SHORT, AT(append_entries_result.features)},
    {RAFT_APPEND_ENTRIES_RESULT, 1, SHORT, AT(append_entries_result.capacity)},
    {RAFT_APPEND_ENTRIES_RESULT, 3, NUMBER, AT(append_entries_result.round)},
    {RAFT_APPEND_ENTRIES_RESULT, 3, NUMBER, AT(append_entries_result.snapshot_index)},
    {RAFT_APPEND_ENTRIES_RESULT, 3, NUMBER, AT(append_entries_result.snapshot_offset)},
    {RAFT_REQUEST_VOTE, 0, NUMBER, AT(request_vote.term)},
    {RAFT_REQUEST_VOTE, 0, NUMBER, AT(request_vote.candidate_id)},
    {RAFT_REQUEST_VOTE, 0, NUMBER, AT(request_vote.last_log_index)},
    {RAFT_REQUEST_VOTE, 0, NUMBER, AT(request_vote.last_log_term)},
    {RAFT_REQUEST_VOTE, 1, BOOLEAN, AT(request_vote.disrupt_leader)},
    {RAFT_REQUEST_VOTE, 1, BOOLEAN, AT(request_vote.pre_vote)},
    {RAFT_REQUEST_VOTE_RESULT, 0, NUMBER, AT(request_vote_result.term)},
    {RAFT_REQUEST_VOTE_RESULT, 0, BOOLEAN, AT(request_vote_result.vote_granted)},
    {RAFT_REQUEST_VOTE_RESULT, 2, BOOLEAN, AT(request_vote_result.pre_vote)},
    {RAFT_REQUEST_VOTE_RESULT, 2, SHORT, AT(request_vote_result.features)},
    {RAFT_REQUEST_VOTE_RESULT, 2, SHORT, AT(request_vote_result.capacity)},
    {RAFT_INSTALL_SNAPSHOT, 0, NUMBER, AT(install_snapshot.term)},
    {RAFT_INSTALL_SNAPSHOT, 0, NUMBER, AT(install_snapshot.last_index)},
    {RAFT_INSTALL_SNAPSHOT, 0, NUMBER, AT(install_snapshot.last_term)},
    {RAFT_INSTALL_SNAPSHOT, 0, SERVERS, AT(install_snapshot.conf)},
    {RAFT_INSTALL_SNAPSHOT, 0, NUMBER, AT(install_snapshot.conf_index)},
    {RAFT_INSTALL_SNAPSHOT, 0, BUFFER, AT(install_snapshot.data)},
    {RAFT_INSTALL_SNAPSHOT, 1, NUMBER, AT(install_snapshot.offset)},
    {RAFT_INSTALL_SNAPSHOT, 1, BOOLEAN, AT(install_snapshot.last)},
    {RAFT_TIMEOUT_NOW, 0, NUMBER, AT(timeout_now.term)},
    {RAFT_TIMEOUT_NOW, 0, NUMBER, AT(timeout_now.last_log_index)},
    {RAFT_TIMEOUT_NOW, 0, NUMBER, AT(timeout_now.last_log_term)},
};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

/* The highest version of each message that this table has. */
static const unsigned char newest[] = {
    [RAFT_APPEND_ENTRIES] = 2,      [RAFT_APPEND_ENTRIES_RESULT] = 3, [RAFT_REQUEST_VOTE] = 2,
    [RAFT_REQUEST_VOTE_RESULT] = 2, [RAFT_INSTALL_SNAPSHOT] = 1,      [RAFT_TIMEOUT_NOW] = 0};

static bool is_known(unsigned type) { return type >= RAFT_APPEND_ENTRIES && type < sizeof newest; }

/* The version whose fields are written or read. */
static unsigned char known_version(unsigned type, unsigned char version) {
    return version < newest[type] ? version : newest[type];
}

/* --- encoding ------------------------------------------------------------ */

/* Writes, or only counts if `at` is NULL, so that size and content cannot differ. */
struct writer {
    unsigned char *at;
    uint64_t size;
    bool bad;
};

static bool is_within_limit(const struct writer *w) { return !w->bad && w->size <= WIRE_MAX; }

static void put_int(struct writer *w, uint64_t value, unsigned n) {
    if (w->at != NULL) {
        for (unsigned i = 0; i < n; i++) {
            w->at[i] = (unsigned char)(value >> (8 * i));
        }
        w->at += n;
    }
    w->size += n;
}

static void put_bytes(struct writer *w, const void *base, size_t len) {
    if (len > WIRE_MAX || (base == NULL && len > 0)) {
        w->bad = true;
        return;
    }
    if (w->at != NULL && len > 0) {
        memcpy(w->at, base, len);
        w->at += len;
    }
    w->size += len;
}

static void put_buffer(struct writer *w, const struct raft_buffer *buf) {
    put_int(w, buf->len, 4);
    put_bytes(w, buf->base, buf->len);
}

static void put_entries(struct writer *w, const struct raft_append_entries *m) {
    put_int(w, m->n_entries, 4);
    w->bad = w->bad || (m->entries == NULL && m->n_entries > 0);
    for (unsigned i = 0; i < m->n_entries && is_within_limit(w); i++) {
        put_int(w, m->entries[i].term, 8);
        put_int(w, (uint64_t)m->entries[i].type, 1);
        put_buffer(w, &m->entries[i].buf);
    }
}

/* As the payload of a RAFT_CHANGE entry. */
static void put_servers(struct writer *w, const struct raft_configuration *conf) {
    uint64_t size = CONF_HEAD;
    for (unsigned i = 0; i < conf->n; i++) {
        size += LEAST_SERVER + strlen(conf->servers[i].address);
    }
    unsigned padding = (unsigned)(-size % 8);
    put_int(w, size + padding, 4);
    put_int(w, CONF_FORMAT, 1);
    put_int(w, conf->n, 8);
    for (unsigned i = 0; i < conf->n && is_within_limit(w); i++) {
        const struct raft_server *server = &conf->servers[i];
        put_int(w, server->id, 8);
        put_bytes(w, server->address, strlen(server->address) + 1);
        put_int(w, (uint64_t)server->role, 1);
    }
    put_int(w, 0, padding);
}

static void put_message(struct writer *w, const struct raft_message *m, raft_id own_id,
                        const char *own_address) {
    size_t len = own_address != NULL ? strlen(own_address) : 0;
    w->bad = !is_known((unsigned)m->type) || own_address == NULL || len > MOST_ADDRESS;
    if (w->bad) {
        return;
    }
    /* Each message's struct begins with its version, so any member of the union tells it. */
    unsigned char version = known_version((unsigned)m->type, m->timeout_now.version);
    put_int(w, 0, 4); /* the length of the message, which is not known yet */
    put_int(w, FORMAT, 1);
    put_int(w, (uint64_t)m->type, 1);
    put_int(w, version, 1);
    put_int(w, own_id, 8);
    put_int(w, len, 2);
    put_bytes(w, own_address, len);
    for (unsigned i = 0; i < N_FIELDS; i++) {
        const struct field *field = &fields[i];
        const void *at = (const char *)m + field->offset;
        if (field->type != m->type || field->from > version) {
            continue;
        }
        switch (field->kind) {
            case NUMBER:
                put_int(w, *(const unsigned long long *)at, 8);
                break;
            case SHORT:
                put_int(w, *(const unsigned short *)at, 2);
                break;
            case BOOLEAN:
                put_int(w, *(const bool *)at, 1);
                break;
            case BUFFER:
                put_buffer(w, at);
                break;
            case ENTRIES:
                put_entries(w, at);
                break;
            case SERVERS:
                put_servers(w, at);
        }
    }
}

size_t wire_size(const struct raft_message *m, const char *own_address) {
    struct writer w = {NULL, 0, false};
    put_message(&w, m, 0, own_address);
    return is_within_limit(&w) ? (size_t)w.size : 0;
}

void wire_encode(const struct raft_message *m, raft_id own_id, const char *own_address, void *out) {
    struct writer w = {out, 0, false};
    put_message(&w, m, own_id, own_address);
    put_int(&(struct writer){out, 0, false}, w.size, 4); /* the length */
}

/* --- decoding ------------------------------------------------------------ */

/* Reads forward. After a read that fails, numbers are 0 and bytes are NULL. */
struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static const unsigned char *get_bytes(struct reader *r, uint64_t len) {
    if (r->bad || len > r->left) {
        r->bad = true;
        r->left = 0;
        return NULL;
    }
    const unsigned char *bytes = r->at;
    r->at += len;
    r->left -= (size_t)len;
    return bytes;
}

static uint64_t get_int(struct reader *r, unsigned n) {
    const unsigned char *bytes = get_bytes(r, n);
    uint64_t value = 0;
    for (unsigned i = 0; bytes != NULL && i < n; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static bool get_bool(struct reader *r) {
    uint64_t value = get_int(r, 1);
    r->bad = r->bad || value > 1;
    return value == 1;
}

static struct raft_buffer get_buffer(struct reader *r) {
    uint64_t len = get_int(r, 4);
    const unsigned char *bytes = get_bytes(r, len);
    return (struct raft_buffer){(void *)bytes, bytes != NULL ? (size_t)len : 0};
}

/* A string with its terminating NUL. */
static const char *get_string(struct reader *r) {
    const unsigned char *nul = r->left > 0 ? memchr(r->at, 0, r->left) : NULL;
    return (const char *)get_bytes(r, nul != NULL ? (uint64_t)(nul - r->at) + 1 : UINT64_MAX);
}

/* A number of elements of which each has at least `least` bytes. */
static unsigned get_count(struct reader *r, unsigned n, unsigned least) {
    uint64_t count = get_int(r, n);
    r->bad = r->bad || count > r->left / least;
    return r->bad ? 0 : (unsigned)count; /* less than WIRE_MAX */
}

/* `memory` has space for them. */
static void get_entries(struct reader *r, struct raft_append_entries *m, void *memory) {
    m->n_entries = get_count(r, 4, ENTRY_HEAD);
    m->entries = memory;
    for (unsigned i = 0; i < m->n_entries; i++) {
        struct raft_entry *entry = &m->entries[i];
        entry->term = get_int(r, 8);
        entry->type = (enum raft_entry_type)get_int(r, 1);
        entry->buf = get_buffer(r);
        entry->batch = memory;
    }
}

/* The library checks IDs, addresses and roles. */
static void get_servers(struct reader *r, struct raft_configuration *conf, void *memory) {
    struct raft_buffer payload = get_buffer(r);
    struct reader c = {payload.base, payload.len, r->bad || payload.len % 8 != 0};
    c.bad = get_int(&c, 1) != CONF_FORMAT || c.bad;
    conf->n = get_count(&c, 8, LEAST_SERVER);
    conf->servers = memory;
    for (unsigned i = 0; i < conf->n; i++) {
        struct raft_server *server = &conf->servers[i];
        server->id = get_int(&c, 8);
        server->address = get_string(&c);
        server->role = (int)get_int(&c, 1);
    }
    r->bad = r->bad || c.bad || c.left >= 8 || get_int(&c, (unsigned)c.left) != 0; /* padding */
}

static void get_fields(struct reader *r, struct raft_message *m, unsigned char version,
                       void *memory) {
    for (unsigned i = 0; i < N_FIELDS; i++) {
        const struct field *field = &fields[i];
        void *at = (char *)m + field->offset;
        if (field->type != m->type || field->from > version) {
            continue;
        }
        switch (field->kind) {
            case NUMBER:
                *(unsigned long long *)at = get_int(r, 8);
                break;
            case SHORT:
                *(unsigned short *)at = (unsigned short)get_int(r, 2);
                break;
            case BOOLEAN:
                *(bool *)at = get_bool(r);
                break;
            case BUFFER:
                *(struct raft_buffer *)at = get_buffer(r);
                break;
            case ENTRIES:
                get_entries(r, at, memory);
                break;
            case SERVERS:
                get_servers(r, at, memory);
        }
    }
}

/* How much memory the array of entries or servers takes; `r` is before the message's fields. */
static size_t array_size(struct reader r, unsigned type) {
    if (type == RAFT_APPEND_ENTRIES) {
        get_bytes(&r, 4 * 8);
        return get_count(&r, 4, ENTRY_HEAD) * sizeof(struct raft_entry);
    }
    if (type == RAFT_INSTALL_SNAPSHOT) {
        get_bytes(&r, 3 * 8 + 4 + 1);
        return get_count(&r, 8, LEAST_SERVER) * sizeof(struct raft_server);
    }
    return 0;
}

size_t wire_length(const void *bytes, size_t len) {
    struct reader r = {bytes, len, false};
    size_t length = (size_t)get_int(&r, 4);
    return r.bad ? 0 : length >= HEAD && length <= WIRE_MAX ? length : SIZE_MAX;
}

/* The head of a message, into the fields of `m` and `address`. */
static bool get_head(struct reader *r, struct raft_message *m, struct raft_buffer *address) {
    bool is_one =
        wire_length(r->at, r->left) == r->left && get_bytes(r, 4) && get_int(r, 1) == FORMAT;
    m->type = (enum raft_message_type)get_int(r, 1);
    m->timeout_now.version = (unsigned char)get_int(r, 1);
    m->server_id = get_int(r, 8);
    address->len = (size_t)get_int(r, 2);
    address->base = (void *)get_bytes(r, address->len);
    return is_one && !r->bad && memchr(address->base, 0, address->len) == NULL;
}

size_t wire_memory(const void *bytes, size_t len) {
    struct reader r = {bytes, len, false};
    struct raft_message m;
    struct raft_buffer address;
    return get_head(&r, &m, &address) ? array_size(r, (unsigned)m.type) + address.len + 1 : 0;
}

/* In `memory`: the array of entries or servers, then the address. */
int wire_decode_into(const void *bytes, size_t len, void *memory, struct raft_message *out) {
    struct reader r = {bytes, len, false};
    struct raft_buffer address;
    memset(out, 0, sizeof *out); /* an initializer need not zero the whole union */
    if (get_head(&r, out, &address)) {
        unsigned type = (unsigned)out->type;
        unsigned char version = out->timeout_now.version;
        char *copy = (char *)memory + array_size(r, type);
        memcpy(copy, address.base, address.len);
        copy[address.len] = '\0';
        out->server_address = copy;
        out->timeout_now.version = is_known(type) ? known_version(type, version) : 0;
        get_fields(&r, out, out->timeout_now.version, memory);
        if (!r.bad && (r.left == 0 || !is_known(type) || version > newest[type])) {
            return 0;
        }
    }
    memset(out, 0, sizeof *out);
    return WIRE_MALFORMED;
}

/* One block: the memory for wire_decode_into(), then a copy of the message. */
int wire_decode(const void *bytes, size_t len, struct wire_message *out) {
    memset(out, 0, sizeof *out);
    size_t size = wire_memory(bytes, len);
    out->memory = size > 0 ? malloc(size + len) : NULL;
    if (out->memory == NULL) {
        return size > 0 ? WIRE_NOMEM : WIRE_MALFORMED;
    }
    void *copy = memcpy((char *)out->memory + size, bytes, len);
    int error = wire_decode_into(copy, len, out->memory, &out->message);
    if (error != 0) {
        wire_free(out);
    }
    return error;
}

void wire_free(struct wire_message *m) {
    free(m->memory);
    memset(m, 0, sizeof *m);
}
