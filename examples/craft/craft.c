/* SPDX-License-Identifier: MIT */
#include "craft.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PREAMBLE = 16, HEADER_MAX = 1 << 20 };

static unsigned char *put(unsigned char *at, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        *at++ = (unsigned char)(value >> (8 * i));
    }
    return at;
}

static uint64_t peek(const unsigned char *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

/* The next number of a header; 0 behind its end. */
struct reader {
    const unsigned char *at, *end;
};

static uint64_t get(struct reader *r) {
    if (r->end - r->at < 8) {
        return 0;
    }
    r->at += 8;
    return peek(r->at - 8);
}

size_t craft_hello(raft_id id, const char *address, void *out) {
    size_t len = (strlen(address) + 1 + 7) / 8 * 8;
    if (out != NULL) {
        memset(out, 0, 24 + len);
        unsigned char *at = put(put(put(out, 1), id), len);
        memcpy(at, address, strlen(address));
    }
    return 24 + len;
}

size_t craft_read_hello(const void *bytes, size_t len, raft_id *id, char *address) {
    const unsigned char *in = bytes;
    if (len < 24) {
        return 0;
    }
    uint64_t size = peek(in + 16);
    if (peek(in) != 1 || peek(in + 8) == 0 || size == 0 || size > CRAFT_ADDRESS_MAX) {
        return SIZE_MAX;
    }
    if (len - 24 < size) {
        return 0;
    }
    if (memchr(in + 24, 0, (size_t)size) == NULL) {
        return SIZE_MAX;
    }
    *id = peek(in + 8);
    memset(address, 0, CRAFT_ADDRESS_MAX);
    memcpy(address, in + 24, (size_t)size);
    return 24 + (size_t)size;
}

/* --- sizes ------------------------------------------------------------------- */

static size_t conf_size(const struct raft_configuration *c) {
    size_t size = 1 + 8;
    for (unsigned i = 0; i < c->n; i++) {
        size += 8 + strlen(c->servers[i].address) + 1 + 1;
    }
    return (size + 7) / 8 * 8;
}

static unsigned version(const struct raft_message *m, bool extended) {
    return !extended ? 0 : m->request_vote.version; /* at the same place in each member */
}

static size_t header_size(const struct raft_message *m, bool extended) {
    bool more = version(m, extended) > 0;
    switch (m->type) {
        case RAFT_REQUEST_VOTE:
            return 40;
        case RAFT_REQUEST_VOTE_RESULT:
            return 24 + (more ? 8 : 0);
        case RAFT_APPEND_ENTRIES: /* C-Raft has 8 bytes without meaning at the end */
            return 40 + 16 * (size_t)m->append_entries.n_entries + 8 + (more ? 16 : 0);
        case RAFT_APPEND_ENTRIES_RESULT:
            return 24 + (more ? 32 : 0);
        case RAFT_INSTALL_SNAPSHOT: /* here, too */
            return 40 + conf_size(&m->install_snapshot.conf) + 8 + 8 + (more ? 16 : 0);
        case RAFT_TIMEOUT_NOW:
            return 24;
    }
    return 0;
}

size_t craft_size(const struct raft_message *m, bool extended) {
    size_t header = header_size(m, extended), payload = 0;
    const struct raft_append_entries *a = &m->append_entries;
    if (m->type == RAFT_APPEND_ENTRIES && a->n_entries > 0 && a->entries == NULL) {
        return 0;
    }
    for (unsigned i = 0; m->type == RAFT_APPEND_ENTRIES && i < a->n_entries; i++) {
        if (a->entries[i].buf.len % 8 != 0 || a->entries[i].buf.len > CRAFT_MAX) {
            return 0;
        }
        payload += a->entries[i].buf.len;
    }
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        payload = m->install_snapshot.data.len;
        if (payload % 8 != 0 || (m->install_snapshot.version > 0 && !extended)) {
            return 0;
        }
    }
    bool fits = header > 0 && header <= HEADER_MAX && payload <= CRAFT_MAX - PREAMBLE - HEADER_MAX;
    return fits ? PREAMBLE + header + payload : 0;
}

/* --- encoding ---------------------------------------------------------------- */

static unsigned char *put_conf(unsigned char *at, const struct raft_configuration *c) {
    unsigned char *end = at + conf_size(c);
    *at++ = 1; /* format */
    at = put(at, c->n);
    for (unsigned i = 0; i < c->n; i++) {
        size_t len = strlen(c->servers[i].address) + 1;
        at = put(at, c->servers[i].id);
        memcpy(at, c->servers[i].address, len);
        at += len;
        *at++ = (unsigned char)c->servers[i].role;
    }
    memset(at, 0, (size_t)(end - at));
    return end;
}

static unsigned char *put_append(unsigned char *at, const struct raft_append_entries *a,
                                 bool more) {
    at = put(put(put(at, a->term), a->prev_log_index), a->prev_log_term);
    at = put(put(at, a->leader_commit), a->n_entries);
    for (unsigned i = 0; i < a->n_entries; i++) {
        const struct raft_entry *e = &a->entries[i];
        at = put(put(at, e->term), (uint64_t)e->type | (uint64_t)e->buf.len << 32);
    }
    at = put(at, 0);
    if (more) {
        at = put(put(at, a->round), a->sleep);
    }
    for (unsigned i = 0; i < a->n_entries; i++) {
        if (a->entries[i].buf.len > 0) {
            memcpy(at, a->entries[i].buf.base, a->entries[i].buf.len);
        }
        at += a->entries[i].buf.len;
    }
    return at;
}

static void put_install(unsigned char *at, const struct raft_install_snapshot *s, bool more) {
    at = put(put(put(put(at, s->term), s->last_index), s->last_term), s->conf_index);
    at = put_conf(put(at, conf_size(&s->conf)), &s->conf);
    at = put(put(at, s->data.len), 0);
    if (more) {
        at = put(put(at, s->offset), s->last);
    }
    if (s->data.len > 0) {
        memcpy(at, s->data.base, s->data.len);
    }
}

void craft_encode(const struct raft_message *m, bool extended, void *out) {
    uint64_t byte = version(m, extended);
    unsigned char *at = put(put(out, (uint64_t)m->type | byte << 16), header_size(m, extended));
    const struct raft_request_vote *v = &m->request_vote;
    const struct raft_request_vote_result *vr = &m->request_vote_result;
    const struct raft_append_entries_result *ar = &m->append_entries_result;
    switch (m->type) {
        case RAFT_REQUEST_VOTE:
            at = put(put(put(at, v->term), v->candidate_id), v->last_log_index);
            put(put(at, v->last_log_term),
                (uint64_t)v->disrupt_leader | (uint64_t)v->pre_vote << 1);
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            at = put(put(put(at, vr->term), vr->vote_granted), vr->pre_vote);
            if (byte > 0) {
                put(at, vr->features | (uint64_t)vr->capacity << 16);
            }
            break;
        case RAFT_APPEND_ENTRIES:
            put_append(at, &m->append_entries, byte > 0);
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            at = put(put(put(at, ar->term), ar->rejected), ar->last_log_index);
            if (byte > 0) {
                at = put(put(at, ar->features | (uint64_t)ar->capacity << 16), ar->round);
                put(put(at, ar->snapshot_index), ar->snapshot_offset);
            }
            break;
        case RAFT_INSTALL_SNAPSHOT:
            put_install(at, &m->install_snapshot, byte > 0);
            break;
        case RAFT_TIMEOUT_NOW:
            at = put(put(at, m->timeout_now.term), m->timeout_now.last_log_index);
            put(at, m->timeout_now.last_log_term);
            break;
    }
}

/* --- decoding ---------------------------------------------------------------- */

size_t craft_length(const void *bytes, size_t len) {
    const unsigned char *in = bytes, *header = in + PREAMBLE;
    if (len < PREAMBLE) {
        return 0;
    }
    uint64_t type = peek(in) & 0xffff, size = peek(in + 8), payload = 0;
    if (peek(in) >> 24 != 0 || type < RAFT_APPEND_ENTRIES || type > RAFT_TIMEOUT_NOW || size < 16 ||
        size > HEADER_MAX || size % 8 != 0) {
        return SIZE_MAX;
    }
    if (len - PREAMBLE < size) {
        return 0;
    }
    if (type == RAFT_APPEND_ENTRIES) {
        uint64_t n = size < 40 ? UINT64_MAX : peek(header + 32);
        if (n > (size - 40) / 16) {
            return SIZE_MAX;
        }
        for (uint64_t i = 0; i < n; i++) {
            uint64_t entry = peek(header + 48 + 16 * i) >> 32;
            if (entry % 8 != 0) {
                return SIZE_MAX;
            }
            payload += entry;
        }
    } else if (type == RAFT_INSTALL_SNAPSHOT) {
        uint64_t conf = size < 48 ? UINT64_MAX : peek(header + 32);
        if (conf > size - 48 || (payload = peek(header + 40 + conf)) % 8 != 0) {
            return SIZE_MAX;
        }
    }
    return payload <= CRAFT_MAX - PREAMBLE - size ? PREAMBLE + (size_t)(size + payload) : SIZE_MAX;
}

/* Read the servers into an array, or only find their end. Returns that; NULL: malformed. */
static const unsigned char *get_conf(const unsigned char *at, const unsigned char *end,
                                     struct raft_configuration *c) {
    if (end - at < 9 || *at != 1 || peek(at + 1) > (uint64_t)(end - at) / 10) {
        return NULL;
    }
    c->n = (unsigned)peek(at + 1);
    at += 9;
    for (unsigned i = 0; i < c->n; i++) {
        const unsigned char *nul = end - at < 10 ? NULL : memchr(at + 8, 0, (size_t)(end - at) - 9);
        if (nul == NULL) {
            return NULL;
        }
        if (c->servers != NULL) {
            c->servers[i] = (struct raft_server){peek(at), (const char *)at + 8, nul[1]};
        }
        at = nul + 2;
    }
    return at;
}

int craft_decode(const void *bytes, size_t len, bool extended, struct craft_message *out) {
    struct raft_message *m = &out->message;
    *out = (struct craft_message){.memory = NULL};
    if (craft_length(bytes, len) != len) {
        return -1;
    }
    /* The arrays are at most 4 times as long as their encoding; the message follows them. */
    unsigned char *in = malloc(5 * len);
    if (in == NULL) {
        return -1;
    }
    out->memory = in;
    in = memcpy(in + 4 * len, bytes, len);
    unsigned byte = extended ? in[2] : 0;
    struct reader r = {in + PREAMBLE, in + PREAMBLE + peek(in + 8)};
    const unsigned char *payload = r.end;
    uint64_t size = peek(in + 8), word;
    m->type = (enum raft_message_type)(peek(in) & 0xffff);
    struct raft_request_vote *v = &m->request_vote;
    struct raft_request_vote_result *vr = &m->request_vote_result;
    struct raft_append_entries *a = &m->append_entries;
    struct raft_append_entries_result *ar = &m->append_entries_result;
    struct raft_install_snapshot *s = &m->install_snapshot;
    bool valid = true;
    switch (m->type) {
        case RAFT_REQUEST_VOTE: /* without flags it is version 0 */
            v->version = (unsigned char)(byte > 0 ? byte : size > 32);
            v->term = get(&r), v->candidate_id = get(&r), v->last_log_index = get(&r);
            v->last_log_term = get(&r), word = get(&r);
            v->disrupt_leader = word & 1, v->pre_vote = word >> 1 & 1;
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            vr->version = (unsigned char)(byte > 0 ? byte : size > 16 ? 2 : 0);
            vr->term = get(&r), vr->vote_granted = get(&r) != 0, vr->pre_vote = get(&r) & 1;
            word = extended ? get(&r) : 0;
            vr->features = (unsigned short)word, vr->capacity = (unsigned short)(word >> 16);
            break;
        case RAFT_APPEND_ENTRIES:
            a->version = (unsigned char)byte;
            a->term = get(&r), a->prev_log_index = get(&r), a->prev_log_term = get(&r);
            a->leader_commit = get(&r), a->n_entries = (unsigned)get(&r), a->entries = out->memory;
            for (unsigned i = 0; i < a->n_entries; i++) {
                struct raft_entry *e = &a->entries[i];
                e->term = get(&r), word = get(&r);
                e->type = (enum raft_entry_type)(word & 255);
                e->buf = (struct raft_buffer){(void *)payload, (size_t)(word >> 32)};
                e->batch = out->memory;
                payload += e->buf.len;
            }
            get(&r), a->round = get(&r), a->sleep = get(&r) != 0;
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            ar->version = (unsigned char)byte;
            ar->term = get(&r), ar->rejected = get(&r), ar->last_log_index = get(&r);
            word = get(&r), ar->features = (unsigned short)word;
            ar->capacity = (unsigned short)(word >> 16);
            ar->round = get(&r), ar->snapshot_index = get(&r), ar->snapshot_offset = get(&r);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            valid = extended || in[2] == 0; /* a chunk must not be taken for the whole */
            s->version = (unsigned char)byte;
            s->term = get(&r), s->last_index = get(&r), s->last_term = get(&r);
            s->conf_index = get(&r), word = get(&r), s->conf.servers = out->memory;
            valid = valid && get_conf(r.at, r.at + word, &s->conf) != NULL;
            r.at += word;
            s->data = (struct raft_buffer){(void *)payload, (size_t)get(&r)};
            get(&r), s->offset = get(&r), s->last = get(&r) != 0;
            break;
        case RAFT_TIMEOUT_NOW:
            m->timeout_now.term = get(&r), m->timeout_now.last_log_index = get(&r);
            m->timeout_now.last_log_term = get(&r);
            break;
    }
    if (!valid) {
        free(out->memory);
        out->memory = NULL;
    }
    return valid ? 0 : -1;
}
