/* SPDX-License-Identifier: MIT */
/* Commands about the connection itself. Client libraries send most of them when they connect. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "auth.h"
#include "commands.h"
#include "reply.h"
#include "server.h"

static void execute_ping(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    if (q->n == 1) {
        client_status(c, seq, "PONG");
    } else if (q->n == 2) {
        s->scratch.len = 0;
        reply_bulk(&s->scratch, request_argument(q, 1), q->arguments[1].len);
        client_scratch(s, c, seq);
    } else {
        client_error(c, seq, "ERR wrong number of arguments for 'ping' command");
    }
}

static void execute_quit(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)s;
    (void)q;
    client_status(c, seq, "OK");
    client_quit(c);
}

static void execute_reset(struct server *s, struct client *c, uint64_t seq,
                          const struct request *q) {
    (void)q;
    about_reset(&c->about);
    c->rights = auth_initial(&s->auth);
    client_status(c, seq, "RESET");
}

static void execute_select(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    (void)s;
    if (request_is(q, 1, "0")) {
        client_status(c, seq, "OK");
    } else {
        client_error(c, seq, "ERR DB index is out of range");
    }
}

/* There is one shard, and nothing migrates: ASKING changes nothing. */
static void execute_mode(struct server *s, struct client *c, uint64_t seq,
                         const struct request *q) {
    (void)s;
    if (!request_is(q, 0, "asking")) {
        c->about.readonly = request_is(q, 0, "readonly");
    }
    client_status(c, seq, "OK");
}

/* --- HELLO ------------------------------------------------------------ */

static void reply_hello(struct server *s, struct client *c, uint64_t seq) {
    struct buf *b = &s->scratch;
    b->len = 0;
    reply_map(b, c, 7);
    reply_string(b, "server");
    reply_string(b, "redis"); /* some clients check it */
    reply_string(b, "version");
    reply_string(b, REDIS_VERSION);
    reply_string(b, "proto");
    reply_integer(b, c->about.resp3 ? 3 : 2);
    reply_string(b, "id");
    reply_integer(b, (long long)c->about.id);
    reply_string(b, "mode");
    reply_string(b, "cluster");
    reply_string(b, "role");
    reply_string(b, server_leads(s) ? "master" : "replica");
    reply_string(b, "modules");
    reply_array(b, 0);
    client_scratch(s, c, seq);
}

/* The options of HELLO. Returns NULL, or the error. `auth` and `name` are the positions of the user
 * and the name, 0: not given. */
static const char *hello_options(const struct request *q, size_t *auth, size_t *name) {
    *auth = *name = 0;
    for (size_t i = 2; i < q->n;) {
        if (request_is(q, i, "auth") && i + 2 < q->n) {
            *auth = i + 1;
            i += 3;
        } else if (request_is(q, i, "setname") && i + 1 < q->n) {
            *name = i + 1;
            i += 2;
        } else {
            return "ERR Syntax error in HELLO option";
        }
    }
    return NULL;
}

static struct text text_at(const struct request *q, size_t i) {
    return (struct text){request_argument(q, i), q->arguments[i].len};
}

/* HELLO [version [AUTH user password] [SETNAME name]]: all or nothing. */
static void execute_hello(struct server *s, struct client *c, uint64_t seq,
                          const struct request *q) {
    bool resp3 = q->n > 1 ? request_is(q, 1, "3") : c->about.resp3;
    size_t auth;
    size_t name;
    const char *why = q->n > 1 && !resp3 && !request_is(q, 1, "2")
                          ? "NOPROTO unsupported protocol version"
                          : hello_options(q, &auth, &name);
    if (why == NULL && auth == 0 && c->rights == RIGHTS_NONE) {
        why =
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
            "select the RESP protocol version at the same time";
    }
    if (why == NULL && name != 0) {
        why = about_check(request_argument(q, name), q->arguments[name].len);
    }
    if (why != NULL) {
        client_error(c, seq, why);
        return;
    }
    if (auth != 0) {
        struct text user = text_at(q, auth);
        struct text password = text_at(q, auth + 1);
        if (!client_authenticate(c, seq, &user, &password)) {
            return;
        }
    }
    if (name != 0) {
        about_set(&c->about.name, request_argument(q, name), q->arguments[name].len);
    }
    c->about.resp3 = resp3;
    reply_hello(s, c, seq);
}

/* --- CLIENT -------------------------------------------------------------- */

static void put_address(struct buf *b, const char *name, const struct client *c,
                        int (*get)(const uv_tcp_t *, struct sockaddr *, int *)) {
    struct sockaddr_storage at;
    int len = sizeof at;
    char host[64] = "?";
    unsigned port = 0;
    if (get(&c->tcp, (struct sockaddr *)&at, &len) == 0 && at.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&at;
        uv_ip4_name(in, host, sizeof host);
        port = ntohs(in->sin_port);
    } else if (len > 0 && at.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&at;
        uv_ip6_name(in, host, sizeof host);
        port = ntohs(in->sin6_port);
    }
    buf_printf(b, " %s=%s:%u", name, host, port);
}

/* A line of CLIENT LIST, with those of Redis' fields that have a meaning here. */
static void put_client(struct buf *b, const struct client *c) {
    const struct about *a = &c->about;
    buf_printf(b, "id=%" PRIu64, a->id);
    put_address(b, "addr", c, uv_tcp_getpeername);
    put_address(b, "laddr", c, uv_tcp_getsockname);
    buf_printf(b, " name=%s", a->name != NULL ? a->name : "");
    buf_printf(b, " age=%llu flags=%s db=0 omem=%zu", (server_now() - a->since) / 1000,
               a->readonly ? "r" : "N", client_output(c));
    buf_printf(b, " user=default resp=%d", a->resp3 ? 3 : 2);
    buf_printf(b, " lib-name=%s", a->library != NULL ? a->library : "");
    buf_printf(b, " lib-ver=%s\n", a->library_version != NULL ? a->library_version : "");
}

static void client_list(struct server *s, struct client *c, uint64_t seq, bool all) {
    struct buf text = {0};
    for (const struct client *each = all ? s->clients : c; each != NULL;
         each = all ? each->next : NULL) {
        put_client(&text, each);
    }
    s->scratch.len = 0;
    reply_text(&s->scratch, c, text.data, text.len);
    buf_free(&text);
    client_scratch(s, c, seq);
}

static void client_setinfo(struct client *c, uint64_t seq, const struct request *q) {
    char **to = request_is(q, 2, "lib-name")  ? &c->about.library
                : request_is(q, 2, "lib-ver") ? &c->about.library_version
                                              : NULL;
    const char *why = to == NULL ? "ERR Unrecognized option of CLIENT SETINFO"
                                 : about_set(to, request_argument(q, 3), q->arguments[3].len);
    if (why != NULL) {
        client_error(c, seq, why);
    } else {
        client_status(c, seq, "OK");
    }
}

static void client_getname(struct server *s, struct client *c, uint64_t seq) {
    s->scratch.len = 0;
    if (c->about.name != NULL) {
        reply_string(&s->scratch, c->about.name);
    } else {
        reply_nil(&s->scratch, c);
    }
    client_scratch(s, c, seq);
}

static void execute_client(struct server *s, struct client *c, uint64_t seq,
                           const struct request *q) {
    if (request_is(q, 1, "id") && q->n == 2) {
        client_integer(c, seq, (long long)c->about.id);
    } else if (request_is(q, 1, "setname") && q->n == 3) {
        const char *why = about_set(&c->about.name, request_argument(q, 2), q->arguments[2].len);
        if (why != NULL) {
            client_error(c, seq, why);
        } else {
            client_status(c, seq, "OK");
        }
    } else if (request_is(q, 1, "getname") && q->n == 2) {
        client_getname(s, c, seq);
    } else if (request_is(q, 1, "setinfo") && q->n == 4) {
        client_setinfo(c, seq, q);
    } else if (request_is(q, 1, "write-timeout")) {
        execute_write_timeout(c, seq, q);
    } else if (request_is(q, 1, "info") && q->n == 2) {
        client_list(s, c, seq, false);
    } else if (request_is(q, 1, "list") && q->n == 2) {
        client_list(s, c, seq, true);
    } else {
        client_error(c, seq,
                     "ERR unknown subcommand or wrong number of arguments. CLIENT has ID, "
                     "SETNAME, GETNAME, SETINFO, WRITE-TIMEOUT, INFO and LIST");
    }
}

const struct command connection_commands[] = {
    {"ping", -1, SLOT_LOCAL, false, execute_ping},
    {"echo", 2, SLOT_LOCAL, false, execute_ping},
    {"quit", -1, SLOT_LOCAL, false, execute_quit},
    {"reset", 1, SLOT_LOCAL, false, execute_reset},
    {"select", 2, SLOT_LOCAL, false, execute_select},
    {"hello", -1, SLOT_LOCAL, false, execute_hello},
    {"client", -2, SLOT_LOCAL, false, execute_client},
    {"readonly", 1, SLOT_LOCAL, false, execute_mode},
    {"readwrite", 1, SLOT_LOCAL, false, execute_mode},
    {"asking", 1, SLOT_LOCAL, false, execute_mode},
    {NULL, 0, SLOT_LOCAL, false, NULL},
};
