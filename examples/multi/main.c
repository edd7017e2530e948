/* SPDX-License-Identifier: MIT */
/* raft-multi: one host of a system with many small Raft groups. See README.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static const char usage[] =
    "usage: raft-multi --id ID --dir DIRECTORY --hosts HOST:PORT,HOST:PORT,... [OPTION VALUE]...\n"
    "  --groups N      number of groups, the same on all hosts (1000)\n"
    "  --election MS   minimum election timeout (1000)\n"
    "  --heartbeat MS  interval of a leader's heartbeats (100)\n"
    "  --idle MS       a group rests after this time (300)\n"
    "  --journal KB    growth of the journal after which it is rewritten (16384)\n"
    "The hosts have the IDs 1, 2, ... in the order of --hosts. Orders come on the standard input\n"
    "(see orders.h); at its end the host stops.\n";

static unsigned number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || value == 0 || value > 100 * 1000 * 1000) {
        die("%s: not a number from 1 to 100000000", text);
    }
    return (unsigned)value;
}

/* Split the list in place. */
static void hosts(struct options *o, char *list) {
    for (char *at = strtok(list, ","); at != NULL; at = strtok(NULL, ",")) {
        if (o->n_hosts == MAX_HOSTS) {
            die("more than %d hosts", MAX_HOSTS);
        }
        o->addresses[o->n_hosts++] = at;
    }
}

static void parse(struct options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i];
        char *value = argv[i + 1];
        if (strcmp(name, "--help") == 0 || value == NULL) {
            fputs(usage, stdout);
            exit(value == NULL && strcmp(name, "--help") != 0);
        } else if (strcmp(name, "--id") == 0) {
            o->id = number(value);
        } else if (strcmp(name, "--dir") == 0) {
            o->dir = value;
        } else if (strcmp(name, "--hosts") == 0) {
            hosts(o, value);
        } else if (strcmp(name, "--groups") == 0) {
            o->groups = number(value);
        } else if (strcmp(name, "--election") == 0) {
            o->election = number(value);
        } else if (strcmp(name, "--heartbeat") == 0) {
            o->heartbeat = number(value);
        } else if (strcmp(name, "--idle") == 0) {
            o->idle = number(value);
        } else if (strcmp(name, "--journal") == 0) {
            o->journal = 1024ull * number(value);
        } else {
            die("unknown option %s; see --help", name);
        }
    }
    if (o->dir == NULL || o->id == 0 || o->id > o->n_hosts) {
        die("--id, --dir and --hosts are needed; see --help");
    }
}

int main(int argc, char **argv) {
    struct options o = {
        .groups = 1000, .election = 1000, .heartbeat = 100, .idle = 300, .journal = 16384 * 1024};
    struct host h;
    parse(&o, argc, argv);
    host_start(&h, &o);
    while (host_turn(&h)) {
    }
    host_stop(&h);
    return 0;
}
