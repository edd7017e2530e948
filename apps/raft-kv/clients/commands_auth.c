/* SPDX-License-Identifier: MIT */
/* Commands that set what a connection may do and how long its commands may take.
 *
 *   AUTH [user] password
 *   CLIENT WRITE-TIMEOUT [ms]   see commands_server.c */
#include <stdlib.h>

#include "auth.h"
#include "commands.h"
#include "limits.h"
#include "reply.h"
#include "server.h"

static struct text text_at(const struct request *q, size_t i) {
    return (struct text){request_argument(q, i), q->arguments[i].len};
}

static void execute_auth(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)s;
    if (q->n > 3) {
        client_error(c, seq, "ERR syntax error");
        return;
    }
    struct text user = text_at(q, 1);
    struct text password = text_at(q, q->n - 1);
    if (client_authenticate(c, seq, q->n == 3 ? &user : NULL, &password)) {
        client_status(c, seq, "OK");
    }
}

void execute_write_timeout(struct client *c, uint64_t seq, const struct request *q) {
    if (q->n == 2) {
        client_integer(c, seq, (long long)c->timeout);
        return;
    }
    const char *text = request_argument(q, 2);
    char *end;
    unsigned long ms = strtoul(text, &end, 10);
    if (q->n != 3 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
        (size_t)(end - text) != q->arguments[2].len || ms == 0 || ms > MAX_TIMEOUT) {
        client_error(c, seq, "ERR usage: CLIENT WRITE-TIMEOUT [milliseconds, 1 to 3600000]");
        return;
    }
    c->timeout = (unsigned)ms;
    client_status(c, seq, "OK");
}

const struct command auth_commands[] = {
    {"auth", -2, SLOT_LOCAL, false, execute_auth},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
