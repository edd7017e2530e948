/* SPDX-License-Identifier: MIT */
#include "cluster.h"

enum { PACKETS = 4096 };

raft_time now = 1000;
raft_time latency = 1;
struct hooks hooks;
struct server servers[MAX_SERVERS];

static struct packet *queue[PACKETS]; /* in the order of arrival */
static unsigned n_sent, n_delivered;

/* --- sending ------------------------------------------------------------- */

static struct packet *new_packet(struct server *s, raft_id to, const char *to_address) {
    struct packet *packet = calloc(1, sizeof *packet);
    CHECK(packet != NULL && n_sent - n_delivered < PACKETS);
    packet->from = s->id;
    packet->to = to;
    snprintf(packet->from_address, ADDRESS_MAX, "%s", s->address);
    snprintf(packet->to_address, ADDRESS_MAX, "%s", to_address);
    packet->arrives = now + latency;
    queue[n_sent++ % PACKETS] = packet;
    return packet;
}

/* Keep a copy of a snapshot's metadata, configuration included. */
static void keep(struct snapshot *snapshot, const struct raft_snapshot_metadata *metadata) {
    snapshot->metadata = *metadata;
    snapshot->metadata.configuration.servers = snapshot->members;
    for (unsigned i = 0; i < metadata->configuration.n; i++) {
        snapshot->members[i] = metadata->configuration.servers[i];
        snprintf(snapshot->addresses[i], ADDRESS_MAX, "%s", snapshot->members[i].address);
        snapshot->members[i].address = snapshot->addresses[i];
    }
}

static void attach_snapshot(struct server *s, struct packet *packet) {
    struct raft_install_snapshot *install = &packet->message.install_snapshot;
    struct raft_snapshot_metadata metadata = {install->last_index, install->last_term,
                                              install->conf, install->conf_index};
    keep(&packet->snapshot, &metadata);
    if (hooks.chunk != NULL) {
        hooks.chunk(s, packet);
        return;
    }
    CHECK(install->last_index == s->snapshot.metadata.index);
    packet->snapshot.sum = s->snapshot.sum;
    install->data.len = sizeof s->snapshot.sum;
    install->last = true;
}

void post(struct server *s, const struct raft_message *message) {
    struct packet *packet = new_packet(s, message->server_id, message->server_address);
    packet->message = *message;
    if (message->type == RAFT_APPEND_ENTRIES && message->append_entries.n_entries > 0) {
        const struct raft_append_entries *append = &message->append_entries;
        raft_index first = append->prev_log_index + 1;
        CHECK(first >= s->first && first + append->n_entries - 1 <= s->last);
        packet->records = malloc(append->n_entries * sizeof *packet->records);
        CHECK(packet->records != NULL);
        memcpy(packet->records, &s->log[first], append->n_entries * sizeof *packet->records);
    }
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        attach_snapshot(s, packet);
    }
    if (hooks.attach != NULL) {
        hooks.attach(s, packet);
    }
}

void post_word(struct server *s, raft_id to, const unsigned long long word[3]) {
    struct packet *packet = new_packet(s, to, "");
    memcpy(packet->word, word, sizeof packet->word);
}

static void send_all(struct server *s, const struct raft_update_messages *messages) {
    for (unsigned i = 0; i < messages->n; i++) {
        post(s, &messages->batch[i]);
    }
}

/* --- carrying out an update ---------------------------------------------- */

void store_whole(struct server *s, raft_index index, const struct raft_entry *entry) {
    struct record *record = &s->log[index];
    record->len = (unsigned)entry->buf.len;
    CHECK(entry->buf.len <= PAYLOAD_MAX);
    if (entry->buf.len > 0) {
        memcpy(record->bytes, entry->buf.base, entry->buf.len);
    }
}

static void append(struct server *s, const struct raft_update_entries *entries) {
    CHECK(entries->index + entries->n <= LOG_MAX + 1);
    for (unsigned i = 0; i < entries->n; i++) {
        struct record *record = &s->log[entries->index + i];
        record->term = entries->batch[i].term;
        record->type = entries->batch[i].type;
        (hooks.store != NULL ? hooks.store : store_whole)(s, entries->index + i,
                                                          &entries->batch[i]);
    }
    s->last = entries->index + entries->n - 1;
}

void save_metadata(struct server *s, const struct raft_snapshot_metadata *metadata) {
    keep(&s->snapshot, metadata);
    s->snapshot.sum = s->sum;
}

static void install(struct server *s, const struct raft_update_snapshot *update) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    keep(&s->snapshot, &update->metadata);
    s->snapshot.sum = 0;
    if (update->chunk.len > 0) {
        memcpy(&s->snapshot.sum, update->chunk.base, sizeof s->snapshot.sum);
    }
    event.persisted_snapshot.metadata = s->snapshot.metadata;
    event.persisted_snapshot.last = true;
    CHECK(step(s, &event) == 0);
    s->first = raft_first_index(&s->raft);
    s->last = raft_last_index(&s->raft);
}

static void apply(struct server *s) {
    if (s->applied < s->snapshot.metadata.index) {
        s->applied = s->snapshot.metadata.index;
        s->sum = s->snapshot.sum;
        if (hooks.restore != NULL) {
            hooks.restore(s);
        }
    }
    while (s->applied < raft_commit_index(&s->raft)) {
        const struct record *record = &s->log[++s->applied];
        for (unsigned i = 0; record->type == RAFT_COMMAND && i < record->len; i++) {
            s->sum += (unsigned char)record->bytes[i];
        }
        if (hooks.applied != NULL) {
            hooks.applied(s, s->applied);
        }
    }
}

static raft_time clock_of(const struct server *s) {
    return hooks.clock != NULL ? hooks.clock(s) : now;
}

int step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = clock_of(s);
    int error = raft_step(&s->raft, event, &update);
    if (error != 0) {
        return error;
    }
    if (update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        s->term = raft_current_term(&s->raft);
        s->voted_for = raft_voted_for(&s->raft);
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        append(s, &update.entries);
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        (hooks.send != NULL ? hooks.send : send_all)(s, &update.messages);
    }
    if ((update.flags & RAFT_UPDATE_READS) && hooks.read_answered != NULL) {
        for (unsigned i = 0; i < update.reads.n; i++) {
            hooks.read_answered(s, &update.reads.batch[i]);
        }
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(s);
    }
    if (hooks.carried_out != NULL) {
        hooks.carried_out(s);
    }
    if (update.flags & RAFT_UPDATE_SNAPSHOT) {
        (hooks.install != NULL ? hooks.install : install)(s, &update.snapshot);
    }
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n > 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = update.entries.index + update.entries.n - 1;
        stored.stored.write = update.entries.write;
        CHECK(step(s, &stored) == 0);
    }
    return 0;
}

/* --- receiving ----------------------------------------------------------- */

static void receive(struct server *s, struct packet *packet) {
    struct raft_message *message = &packet->message;
    struct raft_event event = {.type = RAFT_RECEIVE};
    struct raft_entry *entries = NULL;
    message->server_id = packet->from;
    message->server_address = packet->from_address;
    if (message->type == RAFT_APPEND_ENTRIES) {
        unsigned n = message->append_entries.n_entries;
        entries = calloc(n + 1, sizeof *entries);
        CHECK(entries != NULL);
        for (unsigned i = 0; i < n; i++) {
            entries[i].term = packet->records[i].term;
            entries[i].type = packet->records[i].type;
            entries[i].buf.base = packet->records[i].bytes;
            entries[i].buf.len = packet->records[i].len;
            entries[i].batch = packet; /* any cookie but NULL */
        }
        message->append_entries.entries = entries;
    }
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        message->install_snapshot.conf = packet->snapshot.metadata.configuration;
        message->install_snapshot.data.base =
            packet->bytes != NULL ? (void *)packet->bytes : (void *)&packet->snapshot.sum;
    }
    event.receive.message = message;
    CHECK(step(s, &event) == 0);
    free(entries);
}

static void free_packet(struct packet *packet) {
    free(packet->records);
    free(packet->bytes);
    free(packet);
}

static void deliver(struct packet *packet) {
    struct server *s = &servers[packet->to - 1];
    if (s->runs && (hooks.accepts == NULL || hooks.accepts(s, packet))) {
        if (packet->message.type != 0) {
            receive(s, packet);
        } else {
            hooks.received(s, packet);
        }
    }
    free_packet(packet);
}

/* --- time ---------------------------------------------------------------- */

static void fire_timers(void) {
    for (int i = 0; i < MAX_SERVERS; i++) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        if (servers[i].runs && raft_timeout(&servers[i].raft) <= clock_of(&servers[i])) {
            CHECK(step(&servers[i], &event) == 0);
        }
    }
}

void run(raft_time msecs) {
    for (raft_time end = now + msecs; now < end; now++) {
        while (n_delivered < n_sent && queue[n_delivered % PACKETS]->arrives <= now) {
            deliver(queue[n_delivered++ % PACKETS]);
        }
        fire_timers();
    }
}

/* --- servers ------------------------------------------------------------- */

void server_start(struct server *s, raft_id id, const char *address) {
    struct raft_event event = {.type = RAFT_START};
    struct raft_entry *entries = calloc(LOG_MAX, sizeof *entries);
    CHECK(entries != NULL);
    s->id = id;
    if (address != s->address) {
        snprintf(s->address, ADDRESS_MAX, "%s", address);
    }
    s->first = s->first > 0 ? s->first : 1;
    for (raft_index i = s->first; i <= s->last; i++) {
        struct raft_entry *entry = &entries[i - s->first];
        entry->term = s->log[i].term;
        entry->type = s->log[i].type;
        if (entry->type == RAFT_CHANGE) { /* RAFT_START needs no other payloads */
            entry->buf.base = s->log[i].bytes;
            entry->buf.len = s->log[i].len;
        }
    }
    event.start.term = s->term;
    event.start.voted_for = s->voted_for;
    event.start.metadata = s->snapshot.metadata.index > 0 ? &s->snapshot.metadata : NULL;
    event.start.start_index = s->first;
    event.start.entries = entries;
    event.start.n_entries = (unsigned)(s->last + 1 - s->first);
    CHECK(raft_init(&s->raft, id, s->address) == 0);
    CHECK(raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT) == 0);
    if (hooks.configure != NULL) {
        hooks.configure(s);
    }
    s->applied = 0;
    s->sum = 0;
    s->runs = true;
    CHECK(step(s, &event) == 0);
    free(entries);
}

void server_kill(struct server *s) {
    s->runs = false;
    raft_close(&s->raft);
}

struct server *find_leader(void) {
    struct server *leader = NULL;
    for (int i = 0; i < MAX_SERVERS; i++) {
        struct server *s = &servers[i];
        if (s->runs && raft_state(&s->raft) == RAFT_LEADER &&
            (leader == NULL || s->term > leader->term)) {
            leader = s;
        }
    }
    return leader;
}

struct server *other_server(const struct server *s) {
    return s == &servers[0] ? &servers[1] : &servers[0];
}

raft_index submit(struct server *leader, const char *command) {
    struct raft_entry entry = {.type = RAFT_COMMAND};
    struct raft_event event = {.type = RAFT_SUBMIT};
    entry.buf.base = (void *)command;
    entry.buf.len = strlen(command);
    entry.batch = leader; /* any cookie but NULL */
    event.submit.entries = &entry;
    event.submit.n = 1;
    raft_index index = raft_last_index(&leader->raft) + 1;
    CHECK(step(leader, &event) == 0);
    return index;
}

void submit_and_wait(struct server *leader, const char *command) {
    raft_index index = submit(leader, command);
    while (leader->applied < index) {
        run(1);
    }
}

void change_members(struct server *leader, const struct raft_server *members, unsigned n) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    event.reconfigure.conf.servers = (struct raft_server *)members;
    event.reconfigure.conf.n = n;
    CHECK(step(leader, &event) == 0);
    run(1000);
}

struct server *cluster_start(unsigned n) {
    struct raft_server members[MAX_SERVERS];
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    for (unsigned i = 0; i < n; i++) {
        if (servers[i].address[0] == '\0') {
            snprintf(servers[i].address, ADDRESS_MAX, "server%u", i + 1);
        }
        members[i] = (struct raft_server){i + 1, servers[i].address, RAFT_VOTER};
    }
    event.bootstrap.conf.servers = members;
    event.bootstrap.conf.n = n;
    for (unsigned i = 0; i < n; i++) {
        server_start(&servers[i], i + 1, servers[i].address);
        CHECK(step(&servers[i], &event) == 0);
    }
    for (int i = 0; i < 100 && find_leader() == NULL; i++) {
        run(100);
    }
    run(100);
    CHECK(find_leader() != NULL);
    return find_leader();
}

void cluster_stop(void) {
    for (int i = 0; i < MAX_SERVERS; i++) {
        raft_close(&servers[i].raft);
    }
    while (n_delivered < n_sent) {
        free_packet(queue[n_delivered++ % PACKETS]);
    }
}
