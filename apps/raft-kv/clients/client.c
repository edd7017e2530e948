/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "limits.h"
#include "notice.h"
#include "reply.h"
#include "report.h"
#include "server.h"

enum { READ_SIZE = 64 * 1024, READ_MIN = 512 };

static void run(struct client *c);

/* --- receiving commands -------------------------------------------------- */

/* True if a command of this kind must not be executed yet. */
static bool must_wait(struct client *c, enum slot_kind kind) {
    if ((kind == SLOT_READ && c->in_flight[SLOT_WRITE] > 0) ||
        (kind == SLOT_WRITE && c->in_flight[SLOT_READ] > 0) || c->punished != 0 ||
        c->tail - c->head >= MAX_CLIENT_SLOTS || client_output(c) > MAX_CLIENT_OUTPUT ||
        c->read_bytes + c->write_bytes > MAX_CLIENT_QUEUED) {
        return true;
    }
    if (memory_used(c->server) < c->server->memory.limit) {
        return false;
    }
    c->server->memory.denied = server_now();
    memory_wait(c);
    return true;
}

static void stall(struct client *c) {
    if (!c->stalled) {
        c->stalled = true;
        uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

/* When little memory is left, read little at once: it must suffice for many clients. The buffer
 * that takes the input may be twice as large as its content. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    static char space[READ_SIZE]; /* shared: on_read consumes it before the next on_alloc */
    size_t len = memory_room(handle->data) / 2;
    len = len < READ_MIN ? READ_MIN : len < READ_SIZE ? len : READ_SIZE;
    *buf = uv_buf_init(space, (unsigned)len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct client *c = stream->data;
    if (n < 0) {
        client_close(c);
    } else if (n > 0) {
        c->received += (size_t)n;
        requests_feed(&c->requests, buf->base, (size_t)n);
        run(c);
    }
}

static void protocol_error(struct client *c) {
    char text[200];
    snprintf(text, sizeof text, "ERR Protocol error: %s", c->requests.request.error);
    client_error(c, client_expect(c, SLOT_LOCAL), text);
    client_quit(c);
}

/* A web page can make a browser send requests to any port. Redis and others close the connection at
 * the same words. */
static bool is_http(const struct request *q) {
    return request_is(q, 0, "post") || request_is(q, 0, "host:");
}

static void hang_up(struct client *c) {
    static struct notice notice;
    if (notice_due(&notice, server_now())) {
        report_warn("client %s: closed, it speaks HTTP%s", client_name(c), notice_more(&notice));
    }
    client_close(c);
}

/* Execute the next command. False: it must wait, there is none, or the connection ends. */
static bool run_next(struct client *c) {
    struct requests *r = &c->requests;
    if (!c->pending) {
        r->limit = c->rights == RIGHTS_NONE ? MAX_UNAUTHENTICATED : MAX_COMMAND;
        int next = requests_next(r);
        if (next < 0) {
            protocol_error(c);
            return false;
        }
        if (next == 0) { /* read on, unless there is too little memory for more input */
            memory_account(c);
            if (!memory_allows(c, 0)) {
                memory_wait(c);
                stall(c);
            } else if (c->stalled) {
                c->stalled = false;
                uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
            }
            return false;
        }
        if (is_http(&r->request)) {
            hang_up(c);
            return false;
        }
    }
    const struct command *command = command_find(&r->request);
    c->pending = must_wait(c, command_kind(command));
    if (c->pending) {
        stall(c);
        return false;
    }
    c->server->commands++;
    command_run(c->server, c, command, &r->request);
    return true;
}

/* Execute the received commands until one must wait or the input is used up. */
static void run(struct client *c) {
    bool more = true;
    while (more && !c->quitting && !c->closing) {
        more = run_next(c);
    }
    memory_account(c);
}

void client_resume(struct client *c) {
    if ((c->stalled || c->parked != NULL) && !c->resuming && !c->closing) {
        c->resuming = true;
        c->next_resumed = c->server->resumed;
        c->server->resumed = c;
    }
}

bool clients_resume(struct server *s) {
    memory_retry(s, false);
    if (s->resumed == NULL || reads_turn_over(s)) {
        return false;
    }
    struct client *c = s->resumed;
    s->resumed = NULL;
    while (c != NULL) {
        struct client *next = c->next_resumed;
        c->resuming = false;
        if (c->closing) {
            client_free(c);
        } else {
            reads_continue(s, c);
            run(c);
        }
        c = next;
    }
    return true;
}

/* --- the connection ------------------------------------------------------ */

static void on_closed(uv_handle_t *handle) {
    struct client *c = handle->data;
    c->closed = true;
    requests_free(&c->requests); /* client_close() may be called while a request is executed */
    memory_account(c);
    client_free(c);
}

void client_free(struct client *c) {
    if (!c->closed || c->unfilled > 0 || c->dirty || c->resuming) {
        return; /* still referenced */
    }
    about_free(&c->about);
    free(c->slots);
    c->slots = NULL;
    c->n_slots = 0;
    buf_free(&c->sending);
    c->server->memory.held -= c->held;
    free(c);
}

/* Free what is no longer needed at once: there may be much of it. */
void client_close(struct client *c) {
    if (c->closing) {
        return;
    }
    c->closing = true;
    *(c->prev != NULL ? &c->prev->next : &c->server->clients) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->server->n_clients--;
    c->server->memory.starved -= c->starved;
    c->starved = false;
    client_drop_slots(c);
    buf_free(&c->out);
    reads_drop(c);
    if (c->punished != 0) {
        client_reply(c, c->punished_seq, "", 0);
    }
    memory_account(c);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

const char *client_name(const struct client *c) {
    static char text[INET6_ADDRSTRLEN + 8];
    char host[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_storage at;
    int len = sizeof at;
    unsigned port = 0;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&at, &len) == 0) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at;
        port = ntohs(six->sin6_port); /* at the same place for IPv4 */
        uv_ip_name((const struct sockaddr *)&at, host, sizeof host);
    }
    snprintf(text, sizeof text, "%s:%u", host, port);
    return text;
}

void client_quit(struct client *c) {
    c->quitting = true;
    c->stalled = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    client_dirty(c);
}

/* Close the connection at once, so that its descriptor is free before the next one is accepted. */
static void refuse(struct client *c) {
    static char text[] = "-ERR max number of clients reached\r\n";
    uv_buf_t b = uv_buf_init(text, sizeof text - 1);
    uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    c->server->rejected++;
    client_close(c);
}

void clients_accept(uv_stream_t *listener, int status) {
    struct server *s = listener->data;
    if (status < 0) {
        return;
    }
    struct client *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->server = s;
    about_init(&c->about, ++s->connections, server_now());
    c->rights = auth_initial(&s->auth);
    c->timeout = s->options->write_timeout;
    c->connected = c->progress.since = server_now();
    c->last_parked = &c->parked;
    requests_init(&c->requests);
    uv_tcp_init(s->loop, &c->tcp);
    c->tcp.data = c;
    c->next = s->clients;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    s->clients = c;
    s->n_clients++;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0) {
        client_close(c);
        return;
    }
    if (s->n_clients > s->descriptors.clients) {
        refuse(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, 60);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}
