/* SPDX-License-Identifier: MIT */
/* Three servers in one process elect a leader and agree on three commands.
 *
 * The clock is a variable, each disk is an array and the network is a queue, so
 * that only the code remains that every caller of libraft writes. A real program
 * uses files and sockets instead. */
#include <raft.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 3, LOG_MAX = 32, PAYLOAD_MAX = 128, MESSAGE_ENTRIES = 4, QUEUE_MAX = 256 };

/* A log entry as it is stored on disk. */
struct record {
    raft_term term;
    enum raft_entry_type type;
    size_t len;
    char bytes[PAYLOAD_MAX];
};

struct server {
    struct raft raft;
    raft_term term;                 /* "on disk": current term */
    raft_id voted_for;              /* "on disk": vote in that term */
    struct record log[LOG_MAX + 1]; /* "on disk": log[i] is entry i */
    raft_index applied;             /* last entry given to the state machine */
    char state[PAYLOAD_MAX];        /* the state machine: all commands, joined */
    size_t state_len;
};

/* A message in transit, with its entries. */
struct packet {
    raft_id from;
    struct raft_message message;
    struct record records[MESSAGE_ENTRIES];
};

static struct server servers[SERVERS];
static const char *const addresses[SERVERS] = {"one", "two", "three"};
static struct packet queue[QUEUE_MAX];
static unsigned n_sent, n_delivered;
static raft_time now;

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* [append] Drop the log from entries->index on, then append the batch. An array needs no dropping:
 * the new entries replace the old ones, and nobody asks for entries behind the last one. */
static void append(struct server *s, const struct raft_update_entries *entries) {
    for (unsigned i = 0; i < entries->n; i++) {
        const struct raft_entry *entry = &entries->batch[i];
        raft_index index = entries->index + i;
        if (index > LOG_MAX || entry->buf.len > PAYLOAD_MAX) {
            die("append", "the log is full");
        }
        struct record *record = &s->log[index];
        record->term = entry->term;
        record->type = entry->type;
        record->len = entry->buf.len;
        memcpy(record->bytes, entry->buf.base, entry->buf.len);
    }
}
/* [append end] */

/* [send] Send messages, and attach log entries to each RAFT_APPEND_ENTRIES. */
static void send_all(struct server *s, const struct raft_update_messages *messages) {
    for (unsigned i = 0; i < messages->n; i++) {
        struct packet *packet = &queue[n_sent++ % QUEUE_MAX];
        packet->from = s->raft.id;
        packet->message = messages->batch[i];
        if (packet->message.type == RAFT_APPEND_ENTRIES) {
            const struct raft_append_entries *append = &packet->message.append_entries;
            for (unsigned j = 0; j < append->n_entries; j++) {
                packet->records[j] = s->log[append->prev_log_index + 1 + j];
            }
        }
    }
}
/* [send end] */

/* [apply] Apply committed commands to the state machine, in order. */
static void apply(struct server *s) {
    while (s->applied < raft_commit_index(&s->raft)) {
        const struct record *record = &s->log[++s->applied];
        if (record->type == RAFT_COMMAND) {
            if (record->len >= sizeof s->state - s->state_len) {
                die("apply", "the state machine is full");
            }
            memcpy(s->state + s->state_len, record->bytes, record->len);
            s->state_len += record->len;
            printf("server %llu applied entry %llu: %.*s\n", s->raft.id, s->applied,
                   (int)record->len, record->bytes);
        }
    }
}
/* [apply end] */

/* [step] One event in, one update carried out. */
static void step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = now;
    if (raft_step(&s->raft, event, &update) != 0) {
        die("raft_step", raft_errmsg(&s->raft));
    }
    if (update.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        s->term = raft_current_term(&s->raft); /* on disk before any message leaves */
        s->voted_for = raft_voted_for(&s->raft);
    }
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        append(s, &update.entries);
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        send_all(s, &update.messages);
    }
    if (update.flags & RAFT_UPDATE_COMMIT_INDEX) {
        apply(s);
    }
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n > 0) {
        struct raft_event stored = {.type = RAFT_STORED}; /* an array is durable at once */
        stored.stored.index = update.entries.index + update.entries.n - 1;
        stored.stored.write = update.entries.write;
        step(s, &stored);
    }
}
/* [step end] */

/* [receive] Pass a message to the server that it is addressed to. */
static void deliver(struct packet *packet) {
    struct raft_message *message = &packet->message;
    struct server *receiver = &servers[message->server_id - 1];
    struct raft_entry entries[MESSAGE_ENTRIES];
    struct raft_event event = {.type = RAFT_RECEIVE};

    message->server_id = packet->from; /* incoming: the sender */
    message->server_address = addresses[packet->from - 1];
    if (message->type == RAFT_APPEND_ENTRIES) {
        for (unsigned i = 0; i < message->append_entries.n_entries; i++) {
            struct record *record = &packet->records[i];
            entries[i].term = record->term;
            entries[i].type = record->type;
            entries[i].buf.base = record->bytes;
            entries[i].buf.len = record->len;
            entries[i].batch = packet; /* for the caller; any value but NULL */
        }
        message->append_entries.entries = entries;
    }
    event.receive.message = message;
    step(receiver, &event);
}
/* [receive end] */

/* [loop] Deliver the next message; if there is none, advance to the next deadline. */
static void turn(void) {
    if (n_delivered < n_sent) {
        struct packet packet = queue[n_delivered++ % QUEUE_MAX];
        deliver(&packet);
        return;
    }
    struct server *next = &servers[0];
    for (int i = 1; i < SERVERS; i++) {
        if (raft_timeout(&servers[i].raft) < raft_timeout(&next->raft)) {
            next = &servers[i];
        }
    }
    struct raft_event timeout = {.type = RAFT_TIMEOUT};
    if (raft_timeout(&next->raft) > now) { /* it may lie in the past */
        now = raft_timeout(&next->raft);
    }
    step(next, &timeout);
}
/* [loop end] */

/* [start] Start a server with an empty disk, and found a cluster of three voters. */
static void start(struct server *s, raft_id id) {
    struct raft_event event = {.type = RAFT_START}; /* nothing persisted: all zero */
    struct raft_server members[SERVERS];

    if (raft_init(&s->raft, id, addresses[id - 1]) != 0 ||
        raft_set_max_message_entries(&s->raft, MESSAGE_ENTRIES) != 0) {
        die("raft_init", "no memory");
    }
    step(s, &event);

    for (int i = 0; i < SERVERS; i++) {
        members[i].id = (raft_id)i + 1;
        members[i].address = addresses[i];
        members[i].role = RAFT_VOTER;
    }
    memset(&event, 0, sizeof event);
    event.type = RAFT_BOOTSTRAP;
    event.bootstrap.conf.servers = members;
    event.bootstrap.conf.n = SERVERS;
    step(s, &event);
}
/* [start end] */

static struct server *find_leader(void) {
    for (int i = 0; i < SERVERS; i++) {
        if (raft_state(&servers[i].raft) == RAFT_LEADER) {
            return &servers[i];
        }
    }
    return NULL;
}

/* [submit] Ask the leader to replicate a command. */
static void submit(struct server *leader, char *command) {
    struct raft_entry entry = {.type = RAFT_COMMAND, .batch = command};
    struct raft_event event = {.type = RAFT_SUBMIT};
    entry.buf.base = command;
    entry.buf.len = strlen(command);
    event.submit.entries = &entry;
    event.submit.n = 1;
    step(leader, &event);
}
/* [submit end] */

static bool all_agree(void) {
    for (int i = 0; i < SERVERS; i++) {
        if (strcmp(servers[i].state, "redgreenblue") != 0) {
            return false;
        }
    }
    return true;
}

int main(void) {
    char red[] = "red", green[] = "green", blue[] = "blue";
    int turns = 0;

    for (int i = 0; i < SERVERS; i++) {
        start(&servers[i], (raft_id)i + 1);
    }
    while (find_leader() == NULL && turns++ < 1000) {
        turn();
    }
    struct server *leader = find_leader();
    if (leader == NULL) {
        die("no server leads", "no majority takes part");
    }
    printf("server %llu leads term %llu after %llu ms\n", leader->raft.id,
           raft_current_term(&leader->raft), now);

    submit(leader, red);
    submit(leader, green);
    submit(leader, blue);
    for (turns = 0; !all_agree() && turns < 1000; turns++) {
        turn();
    }
    for (int i = 0; i < SERVERS; i++) {
        raft_close(&servers[i].raft);
    }
    if (!all_agree()) {
        die("no agreement", "some server has not applied all commands");
    }
    return 0;
}
