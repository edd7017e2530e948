/* SPDX-License-Identifier: MIT */
/* A server of C-Raft 0.15, with the state machine and the commands of examples/craft. */
#include <inttypes.h>
#include <raft.h>
#include <raft/uv.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct raft raft;
static uint64_t *list;
static size_t length;

static _Noreturn void fail(const char *what, int error) {
    fprintf(stderr, "%s: %s (%s)\n", what, raft_strerror(error), raft_errmsg(&raft));
    exit(1);
}

/* --- state machine ------------------------------------------------------------- */

static int apply(struct raft_fsm *fsm, const struct raft_buffer *buf, void **result) {
    (void)fsm;
    *result = NULL;
    if (buf->len != 8) {
        return RAFT_MALFORMED;
    }
    list = realloc(list, (length + 1) * sizeof *list);
    memcpy(&list[length++], buf->base, 8);
    return 0;
}

static int snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[], unsigned *n) {
    (void)fsm;
    *n = 1;
    *bufs = raft_malloc(sizeof **bufs);
    (*bufs)[0].len = length * sizeof *list;
    (*bufs)[0].base = raft_malloc(length * sizeof *list);
    memcpy((*bufs)[0].base, list, length * sizeof *list);
    return 0;
}

static int restore(struct raft_fsm *fsm, struct raft_buffer *buf) {
    (void)fsm;
    length = buf->len / sizeof *list;
    list = realloc(list, buf->len + 1);
    memcpy(list, buf->base, buf->len);
    raft_free(buf->base);
    return 0;
}

/* --- clients --------------------------------------------------------------------- */

struct client {
    uv_tcp_t tcp;
    char in[4096];
    size_t len;
};

struct command {
    struct client *client; /* never freed: the test has few */
    bool lists;
    uint64_t value;
    union {
        struct raft_apply apply;
        struct raft_barrier barrier;
        struct raft_change change;
        struct raft_transfer transfer;
    };
};

static void on_written(uv_write_t *request, int status) {
    (void)status;
    free(request->data);
    free(request);
}

static void reply(struct client *c, char *text) {
    uv_write_t *request = calloc(1, sizeof *request);
    uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));
    request->data = text;
    if (uv_write(request, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0) {
        on_written(request, 0);
    }
}

static void finish(struct command *k, int status) {
    char *text = malloc(256 + 21 * (length + 1)), *at = text;
    if (status != 0) {
        sprintf(at, "error %d %s\n", status, raft_strerror(status));
    } else if (k->lists) {
        for (size_t i = 0; i < length; i++) {
            at += sprintf(at, "%" PRIu64 " ", list[i]);
        }
        strcpy(at, ".\n");
    } else {
        strcpy(at, "ok\n");
    }
    reply(k->client, text);
    free(k);
}

static void on_apply(struct raft_apply *r, int status, void *result) {
    (void)result;
    finish(r->data, status);
}
static void on_barrier(struct raft_barrier *r, int status) { finish(r->data, status); }
static void on_change(struct raft_change *r, int status) { finish(r->data, status); }
static void on_transfer(struct raft_transfer *r) { finish(r->data, 0); }

static void run(struct client *c, char *line) {
    struct command *k = calloc(1, sizeof *k);
    const char *name = strsep(&line, " "), *word = strsep(&line, " ");
    k->client = c;
    k->value = word != NULL ? strtoull(word, NULL, 10) : 0;
    int error = RAFT_INVALID;
    if (strcmp(name, "add") == 0) {
        struct raft_buffer buf = {raft_malloc(8), 8};
        memcpy(buf.base, &k->value, 8);
        k->apply.data = k;
        error = raft_apply(&raft, &k->apply, &buf, 1, on_apply);
    } else if (strcmp(name, "list") == 0) {
        k->lists = true;
        k->barrier.data = k;
        error = raft_barrier(&raft, &k->barrier, on_barrier);
    } else if (strcmp(name, "join") == 0 && line != NULL) {
        k->change.data = k;
        error = raft_add(&raft, &k->change, k->value, line, on_change);
    } else if (strcmp(name, "promote") == 0) {
        k->change.data = k;
        error = raft_assign(&raft, &k->change, k->value, RAFT_VOTER, on_change);
    } else if (strcmp(name, "remove") == 0) {
        k->change.data = k;
        error = raft_remove(&raft, &k->change, k->value, on_change);
    } else if (strcmp(name, "transfer") == 0) {
        k->transfer.data = k;
        error = raft_transfer(&raft, &k->transfer, k->value, on_transfer);
    } else if (strcmp(name, "status") == 0) {
        char *text = malloc(256);
        raft_id leader;
        const char *address;
        raft_leader(&raft, &leader, &address);
        sprintf(text, "state=%d term=%llu leader=%llu applied=%llu last=%llu snapshot=%llu\n",
                raft_state(&raft), raft.current_term, leader, raft_last_applied(&raft),
                raft_last_index(&raft), raft.log.snapshot.last_index);
        reply(c, text);
        free(k);
        return;
    }
    if (error != 0) {
        finish(k, error);
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
    struct client *c = handle->data;
    (void)size;
    *buf = uv_buf_init(c->in + c->len, (unsigned)(sizeof c->in - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct client *c = stream->data;
    char *end;
    (void)buf;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    c->len += (size_t)n;
    while ((end = memchr(c->in, '\n', c->len)) != NULL) {
        size_t used = (size_t)(end - c->in) + 1;
        *end = 0;
        run(c, c->in);
        c->len -= used;
        memmove(c->in, c->in + used, c->len);
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    struct client *c = calloc(1, sizeof *c);
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        fail("a client cannot be served", RAFT_IOERR);
    }
}

/* usage: DIRECTORY ID ADDRESS CLIENTS'-ADDRESS [FOUNDER'S ID=ADDRESS]... */
int main(int argc, char **argv) {
    static struct raft_uv_transport transport;
    static struct raft_io io;
    static struct raft_fsm fsm = {
        .version = 1, .apply = apply, .snapshot = snapshot, .restore = restore};
    static uv_tcp_t listener;
    struct raft_configuration conf;
    struct sockaddr_in address;
    uv_loop_t *loop = uv_default_loop();
    char *colon = argc > 4 ? strchr(argv[4], ':') : NULL;
    int error;
    if (colon == NULL) {
        return 2;
    }
    *colon = 0;
    signal(SIGPIPE, SIG_IGN);
    if ((error = raft_uv_tcp_init(&transport, loop)) != 0 ||
        (error = raft_uv_init(&io, loop, argv[1], &transport)) != 0 ||
        (error = raft_init(&raft, &io, &fsm, strtoull(argv[2], NULL, 10), argv[3])) != 0) {
        fail("init", error);
    }
    raft_uv_set_connect_retry_delay(&io, 50);
    raft_set_snapshot_threshold(&raft, 128);
    raft_set_snapshot_trailing(&raft, 32);
    raft_set_pre_vote(&raft, true);
    raft_configuration_init(&conf);
    for (int i = 5; i < argc; i++) {
        char *founder;
        raft_id id = strtoull(argv[i], &founder, 10);
        raft_configuration_add(&conf, id, founder + 1, RAFT_VOTER);
    }
    if (conf.n > 0 && (error = raft_bootstrap(&raft, &conf)) != 0) {
        fail("bootstrap", error);
    }
    raft_configuration_close(&conf);
    if ((error = raft_start(&raft)) != 0) {
        fail("start", error);
    }
    uv_tcp_init(loop, &listener);
    if (uv_ip4_addr(argv[4], atoi(colon + 1), &address) != 0 ||
        uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 64, on_connection) != 0) {
        fail("clients' address", RAFT_IOERR);
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
