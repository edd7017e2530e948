/* SPDX-License-Identifier: MIT */
/* The commands of clients, and the answers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "minimal.h"

void reply(struct link *l, const char *format, ...) {
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

/* [refuse] */
void refuse(struct server *s, struct link *l, int error) {
    const char *leader = NULL;
    raft_leader(&s->raft, NULL, &leader);
    if (error == RAFT_NOTLEADER) {
        reply(l, "leader %s", leader != NULL ? leader : "unknown");
    } else {
        reply(l, "error %s", raft_errmsg(&s->raft));
    }
}
/* [refuse end] */

/* [answer] */
/* Answer what can be answered, after the step that decided it and before the log is compacted. */
static void answer(struct server *s, struct link *l) {
    if (l->awaits == COMMIT && raft_term_of(&s->raft, l->index) != l->term) {
        reply(l, "error unknown: another leader has replaced the log; read before you write again");
    } else if (l->awaits == COMMIT && l->index <= s->applied) {
        reply(l, "ok");
    } else if (l->awaits == APPLIED && l->index <= s->applied) {
        const char *value = map_get(&s->map, l->argument);
        if (value != NULL) {
            reply(l, "value %s", value);
        } else {
            reply(l, "none");
        }
    }
}
/* [answer end] */

/* [set] */
static void set(struct server *s, struct link *l, const char *key, const char *value) {
    struct raft_entry entry = map_command(key, value);
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    int error = step(s, &event);
    free(entry.buf.base); /* the log has a copy */
    if (error != 0) {
        refuse(s, l, error);
        return;
    }
    l->awaits = COMMIT;
    l->index = raft_last_index(&s->raft);
    l->term = raft_current_term(&s->raft);
}
/* [set end] */

/* [get] */
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

void clients_read(struct server *s, const struct raft_read *read) {
    for (struct link *l = s->links; l != NULL; l = l->next) {
        if (l->awaits == READ_INDEX && l->number == read->id && read->status == 0) {
            l->awaits = APPLIED;
            l->index = read->index;
        } else if (l->awaits == READ_INDEX && l->number == read->id) {
            refuse(s, l, RAFT_NOTLEADER);
        }
    }
}
/* [get end] */

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
          raft_snapshot_index(r), crc32_z(0, (unsigned char *)s->map.pairs.base, s->map.pairs.len));
}

/* [commands] */
static void run_line(struct server *s, struct link *l, char *line) {
    const char *command = strsep(&line, " ");
    const char *word = strsep(&line, " "); /* NULL if there is none; then `line` is NULL, too */
    if (strcmp(command, "set") == 0 && line != NULL) {
        if (s->map.pairs.len > MAP_LIMIT) {
            reply(l, "error the map is full");
        } else {
            set(s, l, word, line);
        }
    } else if (strcmp(command, "get") == 0 && word != NULL) {
        get(s, l, word);
    } else if ((strcmp(command, "add") == 0 && line != NULL) ||
               (strcmp(command, "remove") == 0 && word != NULL && line == NULL)) {
        l->awaits = MEMBERSHIP;
        l->member = strtoull(word, NULL, 10);
        l->catching_up = false;
        l->argument = line != NULL ? copy_text(line) : NULL;
    } else if (strcmp(command, "status") == 0) {
        status(s, l);
    } else {
        reply(l,
              "error the commands are: set KEY VALUE, get KEY, add ID ADDRESS, remove ID, "
              "status");
    }
}

bool clients_run(struct server *s) {
    bool more = false;
    for (struct link *l = s->links; l != NULL; l = l->next) {
        size_t len;
        char *line;
        answer(s, l);
        if (l->awaits == MEMBERSHIP) {
            members_change(s, l);
        } else if (l->awaits == NOTHING && (line = transport_line(l, &len)) != NULL) {
            run_line(s, l, line);
            bytes_drop(&l->in, len);
            more = true;
        }
    }
    return more;
}
/* [commands end] */
