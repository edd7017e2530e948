/* SPDX-License-Identifier: MIT */
/* raft-kv: a replicated key-value store that speaks the Redis protocol. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "address.h"
#include "report.h"
#include "server.h"

enum { STOP_DEADLINE = 1700 /* ms after SIGTERM or SIGINT */ };

static const char usage[] =
    "Usage: raft-kv --id N --dir DIR --cluster NAME [options]\n"
    "\n"
    "  --id N                 ID of this server; never reuse the ID of a removed server\n"
    "  --dir DIR              directory of this server's data; not shared with other servers\n"
    "  --cluster NAME         a server only accepts servers with the same cluster name\n"
    "  --listen HOST:PORT     where to listen for clients (127.0.0.1:6380)\n"
    "  --peer-listen HOST:PORT\n"
    "                         where to listen for other servers (127.0.0.1:7380)\n"
    "  --advertise PEERHOST:PORT/CLIENTHOST:PORT\n"
    "                         address at which other servers and clients reach this server\n"
    "                         (the addresses above)\n"
    "  --bootstrap ID=ADDRESS,...\n"
    "                         create a cluster of these voters; ignored if this server\n"
    "                         already has Raft state. ADDRESS has the format of --advertise. "
    "Without\n"
    "                         this option a new server waits to be added with RAFT.ADD\n"
    "  --election-timeout MS  (1000)\n"
    "  --heartbeat MS         (100)\n"
    "  --compact-entries N    compact the log after this many entries (100000)\n"
    "  --trailing N           entries to keep for servers that lag behind (20000)\n"
    "  --log-segment KIB      size of a log file (16384)\n";

static unsigned long long number(const char *text, unsigned long long max, const char *name) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value == 0 || value > max) {
        die("--%s: expected a number from 1 to %llu: %s", name, max, text);
    }
    return value;
}

/* "1=address,2=address" */
static void parse_bootstrap(struct options *o, const char *list) {
    char *text = xstrdup(list);
    static struct raft_server servers[MAX_SERVERS];
    struct raft_configuration conf = {servers, 0};
    for (char *item = strtok(text, ","); item != NULL; item = strtok(NULL, ",")) {
        char *address = strchr(item, '=');
        if (address == NULL || conf.n == MAX_SERVERS) {
            die("--bootstrap: expected at most %d servers as ID=ADDRESS: %s", MAX_SERVERS, item);
        }
        *address++ = '\0';
        if (!address_valid(address)) {
            die("--bootstrap: expected PEERHOST:PORT/CLIENTHOST:PORT: %s", address);
        }
        servers[conf.n++] =
            (struct raft_server){number(item, 1ull << 61, "bootstrap"), address, RAFT_VOTER};
    }
    members_copy(&o->bootstrap, &conf);
    free(text);
}

enum {
    OPT_ID = 1,
    OPT_DIR,
    OPT_CLUSTER,
    OPT_LISTEN,
    OPT_PEER_LISTEN,
    OPT_ADVERTISE,
    OPT_BOOTSTRAP,
    OPT_ELECTION,
    OPT_HEARTBEAT,
    OPT_COMPACT,
    OPT_TRAILING,
    OPT_SEGMENT,
    OPT_HELP
};

static const struct option long_options[] = {
    {"id", required_argument, NULL, OPT_ID},
    {"dir", required_argument, NULL, OPT_DIR},
    {"cluster", required_argument, NULL, OPT_CLUSTER},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"peer-listen", required_argument, NULL, OPT_PEER_LISTEN},
    {"advertise", required_argument, NULL, OPT_ADVERTISE},
    {"bootstrap", required_argument, NULL, OPT_BOOTSTRAP},
    {"election-timeout", required_argument, NULL, OPT_ELECTION},
    {"heartbeat", required_argument, NULL, OPT_HEARTBEAT},
    {"compact-entries", required_argument, NULL, OPT_COMPACT},
    {"trailing", required_argument, NULL, OPT_TRAILING},
    {"log-segment", required_argument, NULL, OPT_SEGMENT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0}};

static void parse(struct options *o, int argc, char **argv) {
    int option;
    int at = 0;
    while ((option = getopt_long(argc, argv, "", long_options, &at)) != -1) {
        const char *name = option != '?' ? long_options[at].name : "";
        switch (option) {
            case OPT_ID:
                o->id = number(optarg, 1ull << 61, name);
                break;
            case OPT_DIR:
                o->dir = optarg;
                break;
            case OPT_CLUSTER:
                o->cluster = optarg;
                break;
            case OPT_LISTEN:
                o->listen = optarg;
                break;
            case OPT_PEER_LISTEN:
                o->peer_listen = optarg;
                break;
            case OPT_ADVERTISE:
                o->advertise = optarg;
                break;
            case OPT_BOOTSTRAP:
                parse_bootstrap(o, optarg);
                break;
            case OPT_ELECTION:
                o->election_timeout = (unsigned)number(optarg, 3600000, name);
                break;
            case OPT_HEARTBEAT:
                o->heartbeat = (unsigned)number(optarg, 3600000, name);
                break;
            case OPT_COMPACT:
                o->compact_entries = (unsigned)number(optarg, 1u << 30, name);
                break;
            case OPT_TRAILING:
                o->trailing = (unsigned)number(optarg, 1u << 30, name);
                break;
            case OPT_SEGMENT:
                o->log_segment = (unsigned)number(optarg, 1024 * 1024, name);
                break;
            case OPT_HELP:
                fputs(usage, stdout);
                exit(0);
            default:
                fputs(usage, stderr);
                exit(2);
        }
    }
    if (optind < argc || o->id == 0 || o->dir == NULL || o->cluster == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
}

static void complete(struct options *o) {
    static char advertise[2 * MAX_ADDRESS];
    report_name(o->id);
    if (o->advertise == NULL) {
        snprintf(advertise, sizeof advertise, "%s/%s", o->peer_listen, o->listen);
        o->advertise = advertise;
    }
    if (!address_valid(o->advertise)) {
        die("--advertise: expected PEERHOST:PORT/CLIENTHOST:PORT: %s", o->advertise);
    }
    if (o->cluster[0] == '\0' || strlen(o->cluster) > 256) {
        die("--cluster: expected a name of 1 to 256 bytes");
    }
}

/* Everything that was acknowledged is on the disk, so the process may end at any time. */
static void on_deadline(int number_) {
    (void)number_;
    static const char text[] = "raft-kv: did not stop in time, ending now\n";
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(0);
}

static void on_signal(uv_signal_t *handle, int number_) {
    (void)number_;
    struct server *s = handle->data;
    if (s->stopping == 0) {
        const struct itimerval deadline = {
            .it_value = {.tv_sec = STOP_DEADLINE / 1000, .tv_usec = STOP_DEADLINE % 1000 * 1000}};
        signal(SIGALRM, on_deadline);
        setitimer(ITIMER_REAL, &deadline, NULL);
        server_stop(s); /* uv_run() in main() returns */
    }
}

/* Start no more work, wait for the worker threads to finish, then close the database. */
static void stop(struct server *s) {
    uv_prepare_stop(&s->turn);
    while (s->sync.running || s->data.busy || s->install.busy || scans_running(&s->scans)) {
        uv_run(s->loop, UV_RUN_ONCE);
    }
    data_write_begin(&s->data);
    data_write_run(&s->data);
    store_sync(&s->store);
    store_close(&s->store);
    _exit(0); /* closes the connections */
}

int main(int argc, char **argv) {
    static struct server server;
    struct options options = {.listen = "127.0.0.1:6380",
                              .peer_listen = "127.0.0.1:7380",
                              .election_timeout = 1000,
                              .heartbeat = 100,
                              .compact_entries = 100000,
                              .trailing = 20000,
                              .log_segment = 16 * 1024};
    parse(&options, argc, argv);
    complete(&options);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the file size limit then fails with EFBIG */
    uv_loop_t *loop = uv_default_loop();
    server_start(&server, &options, loop);
    uv_signal_t interrupt;
    uv_signal_t terminate;
    uv_signal_init(loop, &interrupt);
    uv_signal_init(loop, &terminate);
    interrupt.data = terminate.data = &server;
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    report("ready: listening for clients at %s, for servers at %s", options.listen,
           options.peer_listen);
    uv_run(loop, UV_RUN_DEFAULT);
    stop(&server);
    return 0;
}
