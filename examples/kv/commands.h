/* SPDX-License-Identifier: MIT */
/* The commands that clients know. */
#ifndef KV_COMMANDS_H
#define KV_COMMANDS_H

#include "client.h"

typedef void (*command_execute)(struct server *s, struct client *c, uint64_t seq,
                                const struct request *q);

struct command {
    const char *name;
    int arity; /* with the name, as Redis counts: negative means "at least" */
    enum slot_kind kind;
    bool leader; /* only a leader can do it */
    command_execute execute;
};

/* NULL: no such command. */
const struct command *command_find(const struct request *q);

static inline enum slot_kind command_kind(const struct command *command) {
    return command != NULL ? command->kind : SLOT_LOCAL;
}

/* Execute a command and answer it, now or later. */
void command_run(struct server *s, struct client *c, const struct command *command,
                 const struct request *q);

/* Is argument `i` this word, in any case? */
bool request_is(const struct request *q, size_t i, const char *word);

/* Whole tables, each ended by a command without a name. */
extern const struct command data_commands[];   /* commands_data.c */
extern const struct command raft_commands[];   /* commands_raft.c */
extern const struct command server_commands[]; /* commands_server.c */

/* commands_raft.c: answer commands that waited for the raft. */
void raft_commands_progress(struct server *s);

#endif
