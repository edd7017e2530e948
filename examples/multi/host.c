/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

raft_time host_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

void host_mark(struct host *h, struct group *g) {
    struct list *l = &h->marked;
    if (g->marked) {
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 64 : 2 * l->cap;
        l->groups = resize(l->groups, l->cap * sizeof *l->groups);
    }
    g->marked = true;
    l->groups[l->n++] = group_number(h, g);
}

enum {
    ELECTIONS = 200,      /* so many elections may begin in one turn; more are spread over the */
    ELECTIONS_PER_MS = 8, /* following time */
    WAKE = 1000           /* so many groups are woken in one turn */
};

/* --- the start ----------------------------------------------------------- */

void host_start(struct host *h, const struct options *o) {
    *h = (struct host){.options = o};
    for (unsigned i = 0; i < o->n_hosts; i++) {
        h->servers[i] =
            (struct raft_server){.id = i + 1, .address = o->addresses[i], .role = RAFT_VOTER};
    }
    h->members = (struct raft_configuration){h->servers, o->n_hosts};
    if (getrandom(&h->seed, sizeof h->seed, 0) != (ssize_t)sizeof h->seed) {
        die("no random numbers");
    }
    h->decoder.cookie = h; /* entries are copied at once: any address will do */
    h->leads[0] = o->groups;
    timers_init(&h->timers, o->groups);
    peers_start(&h->peers, o->id, o->addresses, o->n_hosts);
    struct image *images = resize(NULL, o->groups * sizeof *images);
    disk_open(&h->disk, o->dir, images, o->groups);
    h->groups = resize(NULL, o->groups * sizeof *h->groups);
    for (uint32_t i = 0; i < o->groups; i++) {
        group_start(h, &h->groups[i], &images[i]);
    }
    free(images);
    detector_start(&h->detector, host_now());
}

void host_stop(struct host *h) {
    for (uint32_t i = 0; i < h->options->groups; i++) {
        group_stop(&h->groups[i]);
    }
    free(h->groups);
    free(h->marked.groups);
    free(h->decoder.entries);
    timers_free(&h->timers);
    disk_close(&h->disk);
    peers_stop(&h->peers);
    bytes_free(&h->orders.in);
    bytes_free(&h->orders.out);
}

/* --- the other hosts ----------------------------------------------------- */

/* Step the messages of a packet, each on its group. */
static bool take_packet(void *context, raft_id from, const char *packet, size_t len) {
    struct host *h = context;
    struct cursor c = {packet + PACKET_HEAD, packet + len, false};
    detector_heard(&h->detector, from, host_now());
    while (bytes_left(&c) > 0) {
        struct raft_message message;
        uint32_t number;
        if (!message_decode(&h->decoder, &c, &number, &message) || number >= h->options->groups) {
            fprintf(stderr, "raft-multi: a malformed packet from host %llu\n", from);
            return false;
        }
        message.server_id = from;
        message.server_address = h->options->addresses[from - 1];
        struct raft_event event = {.type = RAFT_RECEIVE};
        event.receive.message = &message;
        if (group_step(h, &h->groups[number], &event) != 0) {
            fprintf(stderr, "raft-multi: group %u: a message from host %llu: %s\n", number, from,
                    raft_errmsg(&h->groups[number].raft));
        }
    }
    return true;
}

/* A connection has failed, and messages may be lost. A leader that is awake is told, so that it
 * sends again at once. A leader that sleeps has no message under way. */
static void unreachable(struct host *h, raft_id host) {
    for (uint32_t i = 0; i < h->options->groups; i++) {
        struct group *g = &h->groups[i];
        if (g->leader == h->options->id && !group_sleeps(g)) {
            struct raft_event event = {.type = RAFT_UNREACHABLE};
            event.unreachable.server_id = host;
            group_step(h, g, &event);
        }
    }
}

/* [wake] */
/* Wake the groups that are led by a certain host: some in each turn. */
static void wake(struct host *h, raft_id leader) {
    h->wake_led_by |= 1u << leader;
    h->wake_next = 0;
}

static void wake_some(struct host *h) {
    for (uint32_t n = 0; h->wake_led_by != 0 && n < WAKE;) {
        struct group *g = &h->groups[h->wake_next++];
        if (h->wake_led_by >> g->leader & 1) {
            struct raft_event event = {.type = RAFT_WAKE};
            group_step(h, g, &event);
            n++;
        }
        if (h->wake_next == h->options->groups) {
            h->wake_led_by = 0; /* all are awake */
        }
    }
}

/* The other hosts wait for the one that a group prefers, unless that host is gone. */
static void prefer(struct host *h, raft_id host, bool gone) {
    for (uint32_t i = 0; i < h->options->groups; i++) {
        struct group *g = &h->groups[i];
        if (group_preferred(h, g) == host) {
            group_delay(h, g, gone ? 0 : h->options->election);
        }
    }
}

/* Once a second: show the other hosts that this one is alive, and look whether they are. */
static void watch(struct host *h, raft_time now) {
    for (raft_id i = 1; i <= h->options->n_hosts; i++) {
        if (i == h->options->id) {
            continue;
        }
        if (now >= h->peers.hosts[i].sent + BEAT) {
            peers_packet(&h->peers, i); /* opens a packet, which stays empty */
        }
        switch (detector_judge(&h->detector, i, now)) {
            case GONE:
                fprintf(stderr, "raft-multi: host %llu is gone\n", i);
                prefer(h, i, true);
                wake(h, i); /* nobody else tells the groups that sleep and are led there */
                break;
            case BACK:
                fprintf(stderr, "raft-multi: host %llu is back\n", i);
                prefer(h, i, false);
                wake(h, h->options->id); /* its members need not campaign to find their leader */
                break;
            default:
                break;
        }
    }
}
/* [wake end] */

/* --- the turn ------------------------------------------------------------ */

/* Wait for input or for a deadline, and step what has arrived. Returns true if there is more. */
static bool input(struct host *h) {
    bool more = false;
    struct pollfd fds[2 + MAX_HOSTS + MAX_INBOUND];
    raft_time now = host_now();
    raft_time until = peers_connect(&h->peers, now);
    until = timers_next(&h->timers) < until ? timers_next(&h->timers) : until;
    until = h->beat < until ? h->beat : until;
    until = h->wake_led_by != 0 ? now : until;
    unsigned n = peers_poll(&h->peers, &fds[1]);
    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(fds, 1 + n, until > now ? (int)(until - now) : 0) > 0) {
        more = peers_polled(&h->peers, &fds[1], take_packet, h);
        if (fds[0].revents != 0) {
            orders_read(h);
        }
    }
    return more;
}

/* [deadlines] */
/* Step RAFT_TIMEOUT where it is due. RAFT_TIMEOUT may be late. When very many groups look for a
 * leader at once, their elections are spread, so that heartbeats and votes do not wait behind them.
 * No election begins while there is unread input: it may be what the group waits for. */
static void expire(struct host *h, raft_time now, bool more_input) {
    uint32_t number;
    uint32_t elections = more_input ? ELECTIONS : 0;
    while (timers_expired(&h->timers, now, &number)) {
        struct group *g = &h->groups[number];
        if (raft_state(&g->raft) != RAFT_LEADER && ++elections > ELECTIONS) {
            raft_time later = now + 1 + (elections - ELECTIONS) / ELECTIONS_PER_MS;
            timers_set(&h->timers, number, later);
        } else {
            struct raft_event event = {.type = RAFT_TIMEOUT};
            group_step(h, g, &event);
        }
    }
}
/* [deadlines end] */

static void deadlines(struct host *h, bool more_input) {
    raft_time now = host_now();
    expire(h, now, more_input);
    if (now >= h->beat) {
        h->beat = now + BEAT / 2;
        watch(h, now);
    }
    wake_some(h);
    for (raft_id i = 1; i <= h->options->n_hosts; i++) {
        if (h->peers.hosts[i].broken) {
            h->peers.hosts[i].broken = false;
            unreachable(h, i);
        }
    }
}

/* Tell the groups what is durable. They may add to the next batch of this turn. */
static void stored(struct host *h) {
    struct list l = h->marked;
    h->marked = (struct list){NULL, 0, 0};
    for (uint32_t i = 0; i < l.n; i++) {
        struct group *g = &h->groups[l.groups[i]];
        g->marked = false;
        group_stored(h, g);
    }
    free(l.groups);
}

static void rewrite_journal(struct host *h) {
    disk_rewrite_begin(&h->disk);
    for (uint32_t i = 0; i < h->options->groups; i++) {
        group_record(h, &h->groups[i]);
        disk_rewrite_part(&h->disk);
    }
    disk_rewrite_end(&h->disk);
}

/* [turn] */
bool host_turn(struct host *h) {
    h->turns++;
    bool more = input(h); /* messages and orders: the steps fill the batch and the packets, */
    deadlines(h, more);   /* and so do these */
    while (h->marked.n > 0 || h->disk.batch.len > 0) {
        disk_sync(&h->disk); /* one write and one sync for all groups */
        stored(h);
    }
    peers_flush(&h->peers, host_now()); /* term, vote and entries are durable: send */
    if (disk_has_grown(&h->disk, h->options->journal)) {
        rewrite_journal(h);
    }
    orders_flush(&h->orders);
    return !h->orders.ended;
}
/* [turn end] */
