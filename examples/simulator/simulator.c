/* SPDX-License-Identifier: MIT */
/* The machines and the schedule. checks.c has what is checked. */
#include "simulator_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- chance and the log ---------------------------------------------------- */

/* splitmix64 */
static unsigned long long draw(struct sim *sim, unsigned long long below) {
    unsigned long long z = sim->random += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (z ^ (z >> 31)) % below;
}

static bool once_in(struct sim *sim, unsigned n) { return draw(sim, n) == 0; }

static bool is_calm(const struct sim *sim) { return sim->now >= SIM_TIME - SIM_CALM; }

static void *must(void *memory) {
    if (memory == NULL) {
        abort(); /* a test program: there is no memory for the test */
    }
    return memory;
}

void sim_note(struct sim *sim, const char *format, ...) {
    if (sim->options.log != NULL) {
        va_list arguments;
        va_start(arguments, format);
        fprintf(sim->options.log, "%6llu  ", sim->now);
        vfprintf(sim->options.log, format, arguments);
        fputc('\n', sim->options.log);
        va_end(arguments);
    }
}

/* --- the disk ------------------------------------------------------------- */

static void copy_out(unsigned char **to, size_t *size, const struct write *w, size_t len) {
    size_t end = w->offset + len;
    if (len == 0) {
        return;
    }
    if (end > *size) {
        *to = must(realloc(*to, end));
        memset(*to + *size, 0, end - *size);
        *size = end;
    }
    memcpy(*to + w->offset, w->bytes, len);
}

void sim_write(struct host *host, size_t offset, const void *bytes, size_t len) {
    if (host->dark || len == 0) {
        return;
    }
    host->writes = must(realloc(host->writes, (host->n_writes + 1) * sizeof *host->writes));
    struct write *w = &host->writes[host->n_writes++];
    *w = (struct write){offset, len, must(malloc(len))};
    memcpy(w->bytes, bytes, len);
    copy_out(&host->cached, &host->cached_size, w, len);
}

const void *sim_disk(const struct host *host, size_t *len) {
    *len = host->cached_size;
    return host->cached;
}

/* The first `n` writes are durable. */
static void make_durable(struct host *host, size_t n) {
    for (size_t i = 0; i < n; i++) {
        copy_out(&host->durable, &host->durable_size, &host->writes[i], host->writes[i].len);
        free(host->writes[i].bytes);
    }
    host->n_writes -= n;
    if (n > 0) {
        memmove(host->writes, host->writes + n, host->n_writes * sizeof *host->writes);
    }
    host->n_syncing -= host->n_syncing < n ? host->n_syncing : n;
}

static void go_dark(struct host *host);

void sim_sync(struct host *host) {
    if (!host->dark && !is_calm(host->sim) && once_in(host->sim, 200)) {
        go_dark(host);
    }
    if (!host->dark) {
        make_durable(host, host->n_writes);
    }
}

void sim_sync_begin(struct host *host) {
    if (host->sync_ends != 0) {
        sim_fail(host, "two syncs at a time");
    } else if (!host->dark) {
        host->n_syncing = host->n_writes;
        host->sync_ends = host->sim->now + 1 + draw(host->sim, host->sim->sync_time);
    }
}

/* --- the network ---------------------------------------------------------- */

static void put_packet(struct host *host, raft_id to, const void *bytes, size_t len) {
    struct sim *sim = host->sim;
    raft_time delay = 1 + draw(sim, sim->delay);
    if (once_in(sim, 50)) {
        delay += draw(sim, 3000);
    }
    sim->packets = must(realloc(sim->packets, (sim->n_packets + 1) * sizeof *sim->packets));
    struct packet *p = &sim->packets[sim->n_packets++];
    *p = (struct packet){host->id, to, sim->now + delay, len, must(malloc(len + 1))};
    memcpy(p->bytes, bytes, len);
}

void sim_send(struct host *host, raft_id to, const void *bytes, size_t len) {
    struct sim *sim = host->sim;
    if (!host->dark && !is_calm(sim) && once_in(sim, 3000)) {
        go_dark(host);
    }
    if (host->dark) {
        return;
    }
    if (to == 0 || to > sim->n) {
        sim_fail(host, "a message to a server that does not exist");
        return;
    }
    check_promise(host);
    if (draw(sim, 100) >= sim->loss) {
        put_packet(host, to, bytes, len);
    }
    if (draw(sim, 100) < sim->duplicates) {
        put_packet(host, to, bytes, len);
    }
}

/* --- power ---------------------------------------------------------------- */

static void start(struct host *host) {
    struct sim *sim = host->sim;
    host->life++;
    host->dark = false;
    check_forget(host);
    host->d = sim->driver->start(host, host->id, sim->n);
    sim_note(sim, "server %llu starts", host->id);
    if (host->d == NULL && !host->dark) {
        sim_fail(host, "does not start from its disk");
    }
    if (host->d != NULL && !host->dark) {
        check_start(host);
    }
}

/* Power fails while the driver runs: from now on, its calls have no effect. */
static void go_dark(struct host *host) {
    host->dark = true;
    check_crash(host);
}

static void crash(struct host *host) {
    struct sim *sim = host->sim;
    if (!host->dark) {
        go_dark(host);
    }
    if (host->d != NULL) {
        sim->driver->stop(host->d);
    }
    host->d = NULL;
    host->restarts = sim->now + 1 + draw(sim, 1500);
    size_t kept = draw(sim, host->n_writes + 1);
    sim_note(sim, "server %llu crashes; %zu of %zu unsynced writes survive", host->id, kept,
             host->n_writes);
    make_durable(host, kept);
    if (host->n_writes > 0) { /* and a part of the next one */
        struct write *torn = &host->writes[0];
        copy_out(&host->durable, &host->durable_size, torn, draw(sim, torn->len + 1));
    }
    for (size_t i = 0; i < host->n_writes; i++) {
        free(host->writes[i].bytes);
    }
    host->n_writes = host->n_syncing = 0;
    host->sync_ends = 0;
    host->cached_size = host->durable_size;
    if (host->durable_size > 0) {
        host->cached = must(realloc(host->cached, host->durable_size));
        memcpy(host->cached, host->durable, host->durable_size);
    }
    sim->result->crashes++;
}

/* Called after each call of the driver. */
static void after(struct host *host) {
    if (host->dark) {
        crash(host);
    } else if (host->d != NULL) {
        check_host(host);
    }
}

/* --- what happens in a millisecond ----------------------------------------- */

static void deliver(struct sim *sim) {
    for (size_t i = 0; i < sim->n_packets && sim->result->failure[0] == '\0';) {
        struct packet p = sim->packets[i];
        struct host *host = &sim->hosts[p.to - 1];
        if (p.arrives > sim->now) {
            i++;
            continue;
        }
        sim->packets[i] = sim->packets[--sim->n_packets]; /* so the order is not kept */
        if (host->d != NULL && !sim->cut[p.from - 1][p.to - 1]) {
            sim->driver->receive(host->d, p.bytes, p.len);
            after(host);
        }
        free(p.bytes);
    }
}

static void run_host(struct host *host) {
    struct sim *sim = host->sim;
    if (host->d == NULL) {
        if (host->restarts <= sim->now) {
            start(host);
            after(host);
        }
        return;
    }
    if (host->sync_ends != 0 && host->sync_ends <= sim->now) {
        host->sync_ends = 0;
        make_durable(host, host->n_syncing);
        sim->driver->synced(host->d);
        after(host);
    }
    if (host->d != NULL && raft_timeout(sim->driver->raft(host->d)) <= sim->now) {
        sim->driver->timeout(host->d);
        after(host);
    }
}

static void run_client(struct sim *sim, struct client *client) {
    struct host *host = &sim->hosts[draw(sim, sim->n)];
    if (client->request != 0 && client->gives_up > sim->now) {
        return; /* waits for an answer */
    }
    client->request = 0;
    if (host->d == NULL || !once_in(sim, 20)) {
        return;
    }
    bool add = once_in(sim, 2);
    client_begins(sim, client, add);
    bool accepted = add ? sim->driver->add(host->d, client->request)
                        : sim->driver->read(host->d, client->request);
    if (!accepted) {
        client->request = 0;
    }
    after(host);
}

static void cause_trouble(struct sim *sim) {
    struct host *host = &sim->hosts[draw(sim, sim->n)];
    bool all = once_in(sim, 4000); /* the whole building loses power */
    for (unsigned i = 0; i < sim->n; i++) {
        struct host *h = &sim->hosts[i];
        if (h->d != NULL && (all || (h == host && once_in(sim, 1000)))) {
            crash(h);
        }
    }
    if (once_in(sim, 400)) { /* cut one direction of a link, or all links of a server */
        unsigned other = (unsigned)draw(sim, sim->n);
        bool isolate = once_in(sim, 2);
        for (unsigned i = 0; i < sim->n; i++) {
            sim->cut[host->id - 1][i] |= isolate || i == other;
            sim->cut[i][host->id - 1] |= isolate;
        }
        sim->result->cuts++;
        if (isolate) {
            sim_note(sim, "server %llu is cut off", host->id);
        } else {
            sim_note(sim, "the link from server %llu to %u is cut", host->id, other + 1);
        }
    }
    if (once_in(sim, 500)) {
        memset(sim->cut, 0, sizeof sim->cut);
        sim_note(sim, "all links work");
    }
}

static void run_millisecond(struct sim *sim) {
    if (!is_calm(sim)) {
        cause_trouble(sim);
    } else if (sim->now == SIM_TIME - SIM_CALM) {
        memset(sim->cut, 0, sizeof sim->cut);
        sim->loss = 0;
        sim->answers_before = sim->result->answers;
        sim_note(sim, "no more trouble");
    }
    deliver(sim);
    for (unsigned i = 0; i < sim->n && sim->result->failure[0] == '\0'; i++) {
        run_host(&sim->hosts[i]);
    }
    for (unsigned i = 0; i < SIM_CLIENTS && sim->result->failure[0] == '\0'; i++) {
        if (sim->now < SIM_TIME - SIM_CALM / 4) {
            run_client(sim, &sim->clients[i]);
        }
    }
    if (sim->now % 20 == 0) {
        check_logs(sim);
    }
}

/* --- a run ---------------------------------------------------------------- */

static void set_up(struct sim *sim) {
    sim->random = sim->options.seed;
    sim->n = sim->options.servers != 0 ? sim->options.servers : 3;
    sim->loss = (unsigned)draw(sim, 15);
    sim->duplicates = (unsigned)draw(sim, 10);
    sim->delay = 1 + (unsigned)draw(sim, 50);
    sim->sync_time =
        1 + (unsigned)draw(sim, once_in(sim, 2) ? 20 : 200); /* a fast or a slow disk */
    sim->now = 1;
    for (unsigned i = 0; i < sim->n; i++) {
        sim->hosts[i].sim = sim;
        sim->hosts[i].id = i + 1;
    }
}

static void tear_down(struct sim *sim) {
    for (unsigned i = 0; i < sim->n; i++) {
        struct host *host = &sim->hosts[i];
        host->dark = true;
        if (host->d != NULL) {
            sim->driver->stop(host->d);
        }
        make_durable(host, host->n_writes);
        free(host->writes);
        free(host->cached);
        free(host->durable);
    }
    for (size_t i = 0; i < sim->n_packets; i++) {
        free(sim->packets[i].bytes);
    }
    free(sim->packets);
    free(sim);
}

bool sim_run(const struct driver *driver, const struct sim_options *options,
             struct sim_result *result) {
    struct sim *sim = must(calloc(1, sizeof *sim));
    memset(result, 0, sizeof *result);
    sim->driver = driver;
    sim->options = *options;
    sim->result = result;
    set_up(sim);
    for (; sim->now < SIM_TIME && result->failure[0] == '\0'; sim->now++) {
        run_millisecond(sim);
    }
    if (result->failure[0] == '\0') {
        check_end(sim);
    }
    result->time = sim->now;
    tear_down(sim);
    return result->failure[0] == '\0';
}
