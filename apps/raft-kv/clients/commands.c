/* SPDX-License-Identifier: MIT */
#include "commands.h"

#include <stdio.h>
#include <strings.h>

#include "auth.h"
#include "reply.h"
#include "server.h"

bool request_is(const struct request *q, size_t i, const char *word) {
    return i < q->n && q->arguments[i].len == strlen(word) &&
           strncasecmp(request_argument(q, i), word, q->arguments[i].len) == 0;
}

static const struct command *const tables[] = {
    data_commands,    key_commands,  connection_commands, server_commands, cluster_commands,
    command_commands, raft_commands, member_commands,     auth_commands,   info_commands};

const struct command *command_named(const struct request *q, size_t i) {
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct command *c = tables[t]; c->name != NULL; c++) {
            if (request_is(q, i, c->name)) {
                return c;
            }
        }
    }
    return NULL;
}

const struct command *command_find(const struct request *q) { return command_named(q, 0); }

const struct command *command_at(size_t number) {
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct command *c = tables[t]; c->name != NULL; c++) {
            if (number-- == 0) {
                return c;
            }
        }
    }
    return NULL;
}

void command_run(struct server *s, struct client *c, const struct command *command,
                 const struct request *q) {
    char text[200];
    uint64_t seq = client_expect(c, command_kind(command));
    if (!auth_permits(c, seq, command)) {
        return;
    }
    if (command == NULL) {
        if (!command_refused(q, text, sizeof text)) {
            snprintf(text, sizeof text, "ERR unknown command '%.128s'", request_argument(q, 0));
        }
        client_error(c, seq, text);
    } else if (command->arity >= 0 ? q->n != (size_t)command->arity
                                   : q->n < (size_t)-command->arity) {
        snprintf(text, sizeof text, "ERR wrong number of arguments for '%s' command",
                 command->name);
        client_error(c, seq, text);
    } else if (command->leader && !server_leads(s) &&
               !(c->about.readonly && command->kind == SLOT_READ)) {
        client_moved(s, c, seq, command_slot(command, q));
    } else if (s->stopping != 0) {
        client_error(c, seq, "TRYAGAIN the server is stopping; nothing was done");
    } else {
        watch_command(s, c, command, q);
        command->execute(s, c, seq, q);
    }
}
