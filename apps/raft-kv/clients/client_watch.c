/* SPDX-License-Identifier: MIT */
/* What is done for clients from time to time: late replies to AUTH, and the end of clients that
 * make no progress. README.md says what an operator should expect of it. */
#include "client.h"

#include <netinet/tcp.h>
#include <stdlib.h>

#include "limits.h"
#include "notice.h"
#include "report.h"
#include "server.h"

enum { AT_ONCE = 100 /* clients closed for lack of memory */ };

/* Bytes that a client still has to receive or to send, as far as it must act now. A client whose
 * commands this server delays by itself is not waited for. */
static bool is_awaited(const struct client *c) {
    return client_unsent(c) > 0 ||
           ((!c->stalled || c->starved) && !c->quitting && requests_unfinished(&c->requests));
}

/* Note progress. Returns for how many ms there was none. */
static raft_time idle_for(struct client *c, raft_time now) {
    struct progress *p = &c->progress;
    bool output = client_unsent(c) > 0;
    uint64_t bytes =
        output ? c->handed - uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) : c->received;
    if (!is_awaited(c) || output != p->output || bytes >= p->bytes + PROGRESS ||
        (!output && p->command != c->tail)) {
        *p = (struct progress){now, output, bytes, c->tail};
    }
    return now - p->since;
}

static void give_up(struct client *c, const char *why) {
    static struct notice notice;
    if (notice_due(&notice, server_now())) {
        report_warn("client %s: closed, %s (%zu KiB of memory)%s", client_name(c), why,
                    c->held / 1024, notice_more(&notice));
    }
    client_close(c);
}

/* Free what a client without commands and replies keeps for the next ones. */
static void trim(struct client *c) {
    if (c->head == c->tail && !c->pending && !c->writing && c->out.len == 0) {
        requests_trim(&c->requests);
        buf_free(&c->out);
        buf_free(&c->sending);
        free(c->slots);
        c->slots = NULL;
        c->n_slots = 0;
        memory_account(c);
    }
}

/* True if the client has closed its end, which is not seen while its input is not read. */
static bool is_gone(const struct client *c) {
    uv_os_fd_t fd;
    struct tcp_info info;
    socklen_t len = sizeof info;
    return uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0 &&
           getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_state != TCP_ESTABLISHED;
}

static void watch(struct client *c, raft_time now) {
    if (c->punished != 0 && now >= c->punished) {
        auth_answer(c);
    }
    if (c->starved && is_gone(c)) { /* its memory is needed for others */
        client_close(c);
    }
    if (c->closing) {
        return;
    }
    raft_time timeout = c->server->options->client_timeout;
    if (idle_for(c, now) >= timeout) {
        give_up(c, client_unsent(c) > 0 ? "it does not read its replies"
                                        : "it does not send the rest of a command");
    } else if (c->rights == RIGHTS_NONE && now >= c->connected + timeout) {
        give_up(c, "it has not authenticated");
    } else {
        trim(c);
    }
}

static struct client *heaviest(struct server *s, raft_time now) {
    struct client *most = NULL;
    for (struct client *c = s->clients; c != NULL; c = c->next) {
        if (is_awaited(c) && now >= c->progress.since + SCARCE_PATIENCE &&
            (most == NULL || c->held > most->held)) {
            most = c;
        }
    }
    return most;
}

/* Memory is scarce: close those that hold most and have made no progress lately, until enough is
 * free. Then see how far the others get with it. */
static void make_room(struct server *s, raft_time now) {
    size_t wanted = memory_excess(s) + s->memory.limit / 16;
    size_t freed = 0;
    for (unsigned i = 0; i < AT_ONCE && freed < wanted; i++) {
        struct client *c = heaviest(s, now);
        if (c == NULL) {
            return;
        }
        freed += c->held; /* some of it only a little later */
        give_up(c, "it makes no progress and memory is scarce");
    }
}

void clients_watch(struct server *s) {
    raft_time now = server_now();
    struct client *next;
    for (struct client *c = s->clients; c != NULL; c = next) {
        next = c->next;
        watch(c, now);
    }
    if (memory_scarce(s)) {
        make_room(s, now);
    }
    memory_return(s);
    memory_retry(s, true);
}
