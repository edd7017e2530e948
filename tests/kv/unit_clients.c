/* SPDX-License-Identifier: MIT */
/* Unit tests of what bounds a client: output beyond 4 GiB, shares of memory, limits of requests,
 * and log lines. */
#include "unit.h"

#include "client.h"
#include "limits.h"
#include "notice.h"
#include "server.h"

static struct server server;
static const size_t mib = (size_t)1024 * 1024;

/* A length above 4 GiB is handed to libuv in pieces that add up to it. */
void test_pieces_of_output(void) {
    static char text[1]; /* never read */
    const size_t len = ((size_t)9 << 30) + 5;
    struct buf b = {text, len, len};
    size_t sent = 0;
    unsigned pieces = 0;
    while (sent < len && pieces < 1000) {
        uv_buf_t piece = client_piece(&b, sent);
        CHECK(piece.len > 0 && piece.len <= len - sent);
        CHECK(piece.base == text + sent);
        sent += piece.len;
        pieces++;
    }
    CHECK(sent == len);
    struct slot slot = {.len = len};
    CHECK(slot.len == len);
}

static struct client *client_new(void) {
    struct client *c = xmalloc(sizeof *c);
    memset(c, 0, sizeof *c);
    c->server = &server;
    c->next = server.clients;
    server.clients = c;
    server.n_clients++;
    requests_init(&c->requests);
    memory_account(c);
    return c;
}

/* The client takes all the memory that it may, in steps. */
static void take(struct client *c, size_t step) {
    while (memory_room(c) >= step) {
        c->read_bytes += step;
        memory_account(c);
    }
}

void test_shares_of_memory(void) {
    enum { GREEDY = 900 };
    struct client *greedy[GREEDY];
    memory_init(&server.memory, 256 * mib);
    CHECK(server.memory.max_reply == MAX_REPLY);
    struct client *first = client_new();
    /* Alone, a client may have unread output and the largest reply. */
    first->read_bytes = MAX_CLIENT_OUTPUT;
    memory_account(first);
    CHECK(memory_allows(first, MAX_REPLY));
    CHECK(!memory_allows(first, 64 * mib));
    for (size_t i = 0; i < GREEDY; i++) {
        greedy[i] = client_new();
        take(greedy[i], 4096);
        CHECK(memory_used(&server) <= server.memory.limit);
    }
    CHECK(!memory_allows(greedy[0], 1));
    CHECK(memory_scarce(&server));
    CHECK(memory_used(&server) > 200 * mib);
    struct client *modest = client_new(); /* is served although the others took what they could */
    CHECK(memory_allows(modest, 16 * 1024));
    CHECK(!memory_allows(modest, 64 * 1024));
    /* A closed one gives its memory to those that wait. */
    memory_wait(modest);
    CHECK(server.memory.starved == 1 && modest->starved);
    size_t before = memory_room(modest);
    for (size_t i = 0; i < GREEDY; i++) {
        greedy[i]->read_bytes = 0;
        memory_account(greedy[i]);
    }
    CHECK(server.memory.freed && memory_room(modest) > 20 * before);
    modest->stalled = true;
    memory_retry(&server, true);
    CHECK(server.memory.starved == 0 && server.resumed == modest);
    while (server.clients != NULL) {
        struct client *c = server.clients;
        server.clients = c->next;
        requests_free(&c->requests);
        free(c);
    }
    memset(&server, 0, sizeof server);
}

/* Replies that cannot wait: a client that does not read is closed before it holds more than one
 * reply beyond its limit, and so is one whose reply exceeds the limit for all. */
void test_replies_that_exceed(void) {
    static char text[8 * 1024 * 1024];
    uv_loop_t loop;
    CHECK(uv_loop_init(&loop) == 0);
    server.loop = &loop;
    for (int all = 0; all <= 1; all++) {
        memory_init(&server.memory, all == 1 ? 64 * mib : 256 * mib);
        server.memory.held = all == 1 ? 72 * mib : 0;
        struct client *c = client_new();
        CHECK(uv_tcp_init(&loop, &c->tcp) == 0);
        c->tcp.data = c;
        c->last_parked = &c->parked;
        client_expect(c, SLOT_LOCAL); /* never answered: the others stay in slots */
        size_t replies = 0;
        while (!c->closing && replies < 10) {
            client_reply(c, client_expect(c, SLOT_WRITE), text, sizeof text);
            replies++;
        }
        CHECK(replies == (all == 1 ? 3 : 5)); /* the last one was not kept */
        CHECK(c->slot_bytes == 0 && c->unfilled == 1);
        CHECK(server.memory.held < (all == 1 ? 73 : 1) * mib);
        uv_run(&loop, UV_RUN_DEFAULT);
        client_reply(c, 0, "", 0); /* frees the client */
    }
    CHECK(uv_loop_close(&loop) == 0);
    memset(&server, 0, sizeof server);
}

static int feed(struct requests *r, size_t limit, const char *text, size_t len) {
    requests_init(r);
    r->limit = limit;
    requests_feed(r, text, len);
    return requests_next(r);
}

void test_limits_of_requests(void) {
    static const char command[] = "*2\r\n$4\r\nAUTH\r\n$8\r\npassword\r\n";
    static const char line[] = "AUTH password\r\n";
    struct requests r;
    for (size_t limit = 1; limit < 20; limit++) {
        int expected = limit >= 4 + 1 + 8 ? 1 : -1; /* each argument is followed by a NUL */
        CHECK(feed(&r, limit, command, sizeof command - 1) == expected);
        requests_free(&r);
        CHECK(feed(&r, limit, line, sizeof line - 1) == expected);
        requests_free(&r);
    }
    /* What is kept after a large command is freed. */
    size_t len = 64 + MAX_VALUE;
    char *large = xmalloc(len);
    size_t head = (size_t)sprintf(large, "*2\r\n$3\r\nSET\r\n$%d\r\n", (int)MAX_VALUE);
    memset(large + head, 'x', MAX_VALUE);
    memcpy(large + head + MAX_VALUE, "\r\n", 2);
    len = head + MAX_VALUE + 2;
    CHECK(feed(&r, MAX_COMMAND, large, len - 1) == 0);
    CHECK(requests_unfinished(&r));
    requests_trim(&r); /* not while a command is incomplete */
    requests_feed(&r, large + len - 1, 1);
    CHECK(requests_next(&r) == 1 && r.request.arguments[1].len == MAX_VALUE);
    CHECK(!requests_unfinished(&r));
    CHECK(requests_memory(&r) > MAX_VALUE);
    CHECK(requests_next(&r) == 0);
    requests_trim(&r);
    CHECK(requests_memory(&r) < 8192);
    requests_feed(&r, command, sizeof command - 1);
    CHECK(requests_next(&r) == 1 && strcmp(request_argument(&r.request, 1), "password") == 0);
    requests_free(&r);
    free(large);
}

void test_notices(void) {
    struct notice n = {0};
    unsigned written = 0;
    for (unsigned i = 0; i < 1000; i++) {
        written += notice_due(&n, 5000 + i);
    }
    CHECK(written == 10);
    CHECK(notice_due(&n, 15000));
    CHECK(strcmp(notice_more(&n), " (990 such lines were left out)") == 0);
    CHECK(notice_due(&n, 15001) && strcmp(notice_more(&n), "") == 0);
}
