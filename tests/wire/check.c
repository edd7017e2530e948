/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void text_add(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->chars + t->len, TEXT_MAX - t->len, format, args);
    va_end(args);
    size_t left = TEXT_MAX - 1 - t->len;
    t->len += n < 0 || (size_t)n > left ? left : (size_t)n;
}

static void add_bytes(struct text *t, const struct raft_buffer *buf) {
    const unsigned char *bytes = buf->base;
    for (size_t i = 0; i < buf->len; i++) {
        text_add(t, i == 0 ? " %02x" : "%02x", bytes[i]);
    }
    text_add(t, "\n");
}

#define ADD(member) text_add(t, #member " %llu\n", (unsigned long long)m->member)

static void list_append_entries(struct text *t, const struct raft_append_entries *m) {
    ADD(version);
    ADD(term);
    ADD(prev_log_index);
    ADD(prev_log_term);
    ADD(leader_commit);
    ADD(n_entries);
    for (unsigned i = 0; i < m->n_entries; i++) {
        text_add(t, "entry %llu %d", m->entries[i].term, (int)m->entries[i].type);
        add_bytes(t, &m->entries[i].buf);
    }
    if (m->version >= 1) {
        ADD(round);
    }
    if (m->version >= 2) {
        ADD(sleep);
    }
}

static void list_append_entries_result(struct text *t, const struct raft_append_entries_result *m) {
    ADD(version);
    ADD(term);
    ADD(rejected);
    ADD(last_log_index);
    if (m->version >= 1) {
        ADD(features);
        ADD(capacity);
    }
    if (m->version >= 3) {
        ADD(round);
        ADD(snapshot_index);
        ADD(snapshot_offset);
    }
}

static void list_request_vote(struct text *t, const struct raft_request_vote *m) {
    ADD(version);
    ADD(term);
    ADD(candidate_id);
    ADD(last_log_index);
    ADD(last_log_term);
    if (m->version >= 1) {
        ADD(disrupt_leader);
        ADD(pre_vote);
    }
}

static void list_request_vote_result(struct text *t, const struct raft_request_vote_result *m) {
    ADD(version);
    ADD(term);
    ADD(vote_granted);
    if (m->version >= 2) {
        ADD(pre_vote);
        ADD(features);
        ADD(capacity);
    }
}

static void list_install_snapshot(struct text *t, const struct raft_install_snapshot *m) {
    ADD(version);
    ADD(term);
    ADD(last_index);
    ADD(last_term);
    for (unsigned i = 0; i < m->conf.n; i++) {
        const struct raft_server *server = &m->conf.servers[i];
        text_add(t, "server %llu %d %s\n", server->id, server->role, server->address);
    }
    ADD(conf_index);
    text_add(t, "data");
    add_bytes(t, &m->data);
    if (m->version >= 1) {
        ADD(offset);
        ADD(last);
    }
}

static void list_timeout_now(struct text *t, const struct raft_timeout_now *m) {
    ADD(version);
    ADD(term);
    ADD(last_log_index);
    ADD(last_log_term);
}

void list_fields(struct text *t, const struct raft_message *m) {
    struct text fields = {.len = 0};
    switch (m->type) {
        case RAFT_APPEND_ENTRIES:
            list_append_entries(&fields, &m->append_entries);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            list_append_entries_result(&fields, &m->append_entries_result);
            break;
        case RAFT_REQUEST_VOTE:
            list_request_vote(&fields, &m->request_vote);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            list_request_vote_result(&fields, &m->request_vote_result);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            list_install_snapshot(&fields, &m->install_snapshot);
            break;
        case RAFT_TIMEOUT_NOW:
            list_timeout_now(&fields, &m->timeout_now);
            break;
        default:
            break;
    }
    /* The sender follows the version. */
    const char *rest = fields.len > 0 ? strchr(fields.chars, '\n') + 1 : fields.chars;
    text_add(t, "type %d\n%.*s", (int)m->type, (int)(rest - fields.chars), fields.chars);
    text_add(t, "server_id %llu\nserver_address%s%s\n%s", m->server_id,
             m->server_address[0] != '\0' ? " " : "", m->server_address, rest);
}

int decode_guarded(const unsigned char *bytes, size_t len, struct wire_message *out) {
    static unsigned char *end; /* the page that follows cannot be read */
    enum { SPACE = 1 << 17 };
    if (end == NULL) {
        unsigned char *space = mmap(NULL, SPACE + (size_t)sysconf(_SC_PAGESIZE),
                                    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(space != MAP_FAILED);
        end = space + SPACE;
        CHECK(mprotect(end, 1, PROT_NONE) == 0);
    }
    CHECK(len <= SPACE);
    memcpy(end - len, bytes, len);
    return wire_decode(end - len, len, out);
}

void check_encoding(const struct raft_message *m, const unsigned char *bytes, size_t len) {
    CHECK(wire_size(m, m->server_address) == len);
    unsigned char *copy = malloc(len);
    CHECK(copy != NULL);
    memset(copy, 0xa5, len);
    wire_encode(m, m->server_id, m->server_address, copy);
    CHECK(memcmp(copy, bytes, len) == 0);
    free(copy);
}

void store_length(unsigned char *bytes, size_t len) {
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)(len >> (8 * i));
    }
}
