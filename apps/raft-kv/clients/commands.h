/* SPDX-License-Identifier: MIT */
/* The table of client commands and their dispatch. */
#ifndef KV_COMMANDS_H
#define KV_COMMANDS_H

#include "client.h"

typedef void (*command_execute)(struct server *s, struct client *c, uint64_t seq,
                                const struct request *q);

struct command {
    const char *name;
    int arity; /* includes the name, as in Redis; negative: minimum */
    enum slot_kind kind;
    bool leader; /* answered with MOVED unless this server is the leader */
    command_execute execute;
};

/* Find a command by its name (argument 0); NULL if there is none. */
const struct command *command_find(const struct request *q);

static inline enum slot_kind command_kind(const struct command *command) {
    return command != NULL ? command->kind : SLOT_LOCAL;
}

/* The same for argument `i`. */
const struct command *command_named(const struct request *q, size_t i);
/* All commands, by number; NULL at the end. */
const struct command *command_at(size_t number);

/* The version of Redis whose commands are offered in part. */
#define REDIS_VERSION "7.0.0"

/* Execute a command. Its reply is sent now or later. */
void command_run(struct server *s, struct client *c, const struct command *command,
                 const struct request *q);

/* True if argument `i` is this word, ignoring case. */
bool request_is(const struct request *q, size_t i, const char *word);

/* The tables; each ends with an entry whose name is NULL. */
extern const struct command data_commands[];       /* commands_data.c */
extern const struct command key_commands[];        /* commands_keys.c */
extern const struct command connection_commands[]; /* commands_connection.c */
extern const struct command cluster_commands[];    /* commands_cluster.c */
extern const struct command command_commands[];    /* commands_command.c */
extern const struct command raft_commands[];       /* commands_raft.c */
extern const struct command member_commands[];     /* commands_members.c */
extern const struct command server_commands[];     /* commands_server.c */
extern const struct command auth_commands[];       /* commands_auth.c */
extern const struct command info_commands[];       /* commands_info.c */

/* commands_auth.c: CLIENT WRITE-TIMEOUT, called by CLIENT. */
void execute_write_timeout(struct client *c, uint64_t seq, const struct request *q);

/* commands_command.c: the hash slot of the command's first key, 0 if it has none. */
unsigned command_slot(const struct command *command, const struct request *q);
/* commands_cluster.c: the hash slot of a key, as in Redis Cluster. */
unsigned key_slot(const char *key, size_t len);

/* commands_refused.c: true if this is a command of Redis that is not offered; `text` becomes the
 * error. */
bool command_refused(const struct request *q, char *text, size_t size);

/* commands_members.c: answer RAFT.PROMOTE and RAFT.TRANSFER when they have finished. */
void members_progress(struct server *s);

#endif
