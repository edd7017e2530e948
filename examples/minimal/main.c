/* SPDX-License-Identifier: MIT */
/* The map, its commands, and the program's arguments. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "minimal.h"

/* [map] */
/* The map is the pairs one after the other. It is slow when it is large, but it is its own
 * snapshot. */
static char *find(struct server *s, const char *key) {
    char *at = s->map.base, *end = at + s->map.len;
    while (at < end && strcmp(at, key) != 0) {
        at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
    return at < end ? at : NULL;
}

void map_apply(struct server *s, const struct raft_entry *e) {
    const char *pair = e->buf.base;
    size_t len = e->buf.len;
    size_t key = strnlen(pair, len) + 1;
    if (e->type != RAFT_COMMAND || key >= len || key + strnlen(pair + key, len - key) + 1 != len) {
        return; /* not a command of this program */
    }
    char *old = find(s, pair);
    if (old != NULL) {
        char *end = old + strlen(old) + 1;
        end += strlen(end) + 1;
        memmove(old, end, (size_t)(s->map.base + s->map.len - end));
        s->map.len -= (size_t)(end - old);
    }
    bytes_add(&s->map, pair, len);
}

void map_restore(struct server *s, const struct raft_buffer *data) {
    s->map.len = 0;
    bytes_add(&s->map, data->base, data->len);
}
/* [map end] */

/* --- answers to clients ---------------------------------------------------- */

static void reply(struct link *l, const char *format, ...) {
    char line[LINE_LIMIT + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    bytes_add(&l->out, line, strlen(line));
    bytes_add(&l->out, "\n", 1);
    free(l->argument);
    l->argument = NULL;
    l->awaits = NOTHING;
}

static void refuse(struct server *s, struct link *l, int error) {
    const char *leader = NULL;
    raft_leader(&s->raft, NULL, &leader);
    if (error == RAFT_NOTLEADER && leader != NULL) {
        reply(l, "leader %s", leader);
    } else {
        reply(l, "error %s", raft_errmsg(&s->raft));
    }
}

/* [answers] */
/* Answer what can be answered, after the step that decided it and before the log is compacted. */
static void answer(struct server *s, struct link *l) {
    if (l->awaits == COMMIT && raft_term_of(&s->raft, l->index) != l->term) {
        reply(l, "error unknown: another leader has replaced the log; read before you write again");
    } else if (l->awaits == COMMIT && l->index <= s->applied) {
        reply(l, "ok");
    } else if (l->awaits == APPLIED && l->index <= s->applied) {
        const char *pair = find(s, l->argument);
        reply(l, pair != NULL ? "value %s" : "none", pair != NULL ? pair + strlen(pair) + 1 : "");
    }
}

void clients_read(struct server *s, const struct raft_read *read) {
    for (struct link *l = s->links; l != NULL; l = l->next) {
        if (l->awaits == READ_INDEX && l->number == read->id && read->status == 0) {
            l->awaits = APPLIED;
            l->index = read->index;
        } else if (l->awaits == READ_INDEX && l->number == read->id) {
            reply(l, "error leadership was lost");
        }
    }
}
/* [answers end] */

/* --- commands -------------------------------------------------------------- */

/* [set and get] */
static void set(struct server *s, struct link *l, const char *key, const char *value) {
    struct bytes pair = {0};
    bytes_add(&pair, key, strlen(key) + 1);
    bytes_add(&pair, value, strlen(value) + 1);
    struct raft_entry entry = {
        .type = RAFT_COMMAND, .buf = {pair.base, pair.len}, .batch = pair.base};
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    int error = step(s, &event);
    free(pair.base); /* the log has a copy */
    if (error != 0) {
        refuse(s, l, error);
        return;
    }
    l->awaits = COMMIT;
    l->index = raft_last_index(&s->raft);
    l->term = raft_current_term(&s->raft);
}

static void get(struct server *s, struct link *l, const char *key) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = l->number = ++s->reads;
    l->awaits = READ_INDEX; /* the answer may come in this step */
    l->argument = copy_text(key);
    int error = step(s, &event);
    if (error != 0) {
        refuse(s, l, error);
    }
}
/* [set and get end] */

/* [add] */
static int reconfigure(struct server *s, struct raft_configuration conf, struct raft_server added) {
    struct raft_server *servers = resize(NULL, (conf.n + 1) * sizeof *servers);
    struct raft_install_snapshot with_conf = {.conf = {servers, 0}};
    struct wire_message copy = {.memory = NULL};
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    for (unsigned i = 0; i < conf.n; i++) {
        if (conf.servers[i].id != added.id) {
            servers[with_conf.conf.n++] = conf.servers[i];
        }
    }
    servers[with_conf.conf.n++] = added;
    snapshot_copy(&copy, &with_conf); /* the addresses are the library's, until the next step */
    event.reconfigure.conf = copy.message.install_snapshot.conf;
    int error = step(s, &event);
    wire_free(&copy);
    free(servers);
    return error;
}

/* Called in each turn while a server is being added; does the next thing that is due. */
static void add(struct server *s, struct link *l) {
    struct raft_configuration conf = {0};
    raft_index at = 0;
    struct raft_server added = {.id = l->added, .address = l->argument, .role = RAFT_STANDBY};
    const struct raft_server *is = NULL;
    int status = RAFT_CATCH_UP_NONE, error = 0;
    raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, &at);
    for (unsigned i = 0; i < conf.n; i++) {
        is = conf.servers[i].id == l->added ? &conf.servers[i] : is;
    }
    raft_catch_up(&s->raft, l->added, &status);
    if (raft_state(&s->raft) != RAFT_LEADER) {
        error = RAFT_NOTLEADER;
    } else if (at > raft_commit_index(&s->raft) || status == RAFT_CATCH_UP_RUNNING) {
        return; /* wait */
    } else if (is == NULL) {
        error = reconfigure(s, conf, added);
    } else if (strcmp(is->address, l->argument) != 0) {
        reply(l, "error the server has the address %s", is->address);
    } else if (is->role == RAFT_VOTER) {
        reply(l, "ok");
    } else if (status == RAFT_CATCH_UP_FINISHED) {
        added.role = RAFT_VOTER;
        error = reconfigure(s, conf, added);
    } else if (l->catching_up) {
        reply(l, "error the server is too slow, and has become a standby");
    } else {
        struct raft_event event = {.type = RAFT_CATCH_UP};
        event.catch_up.server_id = l->added;
        l->catching_up = true;
        error = step(s, &event);
    }
    if (error != 0) {
        refuse(s, l, error);
    }
}
/* [add end] */

static void status(struct server *s, struct link *l) {
    static const char *const states[] = {"none", "follower", "candidate", "leader"};
    struct raft *r = &s->raft;
    raft_id leader;
    raft_leader(r, &leader, NULL);
    reply(l,
          "id=%llu state=%s term=%llu leader=%llu role=%d commit=%llu applied=%llu first=%llu "
          "last=%llu snapshot=%llu sum=%08lx",
          r->id, states[raft_state(r)], raft_current_term(r), leader, raft_role(r),
          raft_commit_index(r), s->applied, s->log.first, raft_last_index(r),
          raft_snapshot_index(r), crc32_z(0, (unsigned char *)s->map.base, s->map.len));
}

/* [commands] */
static void run_line(struct server *s, struct link *l, char *line) {
    const char *command = strsep(&line, " ");
    const char *word = strsep(&line, " "); /* NULL if there is none; then `line` is NULL, too */
    if (strcmp(command, "set") == 0 && line != NULL) {
        if (s->map.len > MAP_LIMIT) {
            reply(l, "error the map is full");
        } else {
            set(s, l, word, line);
        }
    } else if (strcmp(command, "get") == 0 && word != NULL) {
        get(s, l, word);
    } else if (strcmp(command, "add") == 0 && line != NULL) {
        l->awaits = MEMBERSHIP;
        l->added = strtoull(word, NULL, 10);
        l->catching_up = false;
        l->argument = copy_text(line);
    } else if (strcmp(command, "status") == 0) {
        status(s, l);
    } else {
        reply(l, "error the commands are: set KEY VALUE, get KEY, add ID ADDRESS, status");
    }
}

bool clients_run(struct server *s) {
    bool more = false;
    for (struct link *l = s->links; l != NULL; l = l->next) {
        answer(s, l);
        if (l->awaits == MEMBERSHIP) {
            add(s, l);
        } else if (l->awaits == NOTHING && l->id == 0 && !l->from_server && !l->closing &&
                   l->in.len > 0 && l->out.len == 0 && l->tcp.write_queue_size == 0) {
            char *end = memchr(l->in.base, '\n', l->in.len);
            size_t len = end != NULL ? (size_t)(end - l->in.base) : l->in.len;
            if (len > LINE_LIMIT) {
                transport_close(l);
            } else if (end != NULL) {
                *end = 0;
                run_line(s, l, l->in.base);
                bytes_drop(&l->in, len + 1);
                more = true;
            }
        }
    }
    return more;
}
/* [commands end] */

/* [main] */
int main(int argc, char **argv) {
    static struct server s;
    struct raft_server founders[64];
    struct raft_configuration conf = {founders, 0};
    if (argc < 4 || argc > 4 + 64) {
        die("usage: raft-minimal DIRECTORY ID ADDRESS [FOUNDER'S ID=ADDRESS]...\n"
            "Name the founders when a cluster begins, and only at the first start.");
    }
    for (int i = 4; i < argc; i++) {
        char *address;
        raft_id id = strtoull(argv[i], &address, 10);
        founders[conf.n++] = (struct raft_server){id, address + (*address == '='), RAFT_VOTER};
    }
    signal(SIGPIPE, SIG_IGN);
    s.address = argv[3];
    server_run(&s, argv[1], strtoull(argv[2], NULL, 10), &conf);
}
/* [main end] */
