/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "limits.h"
#include "report.h"

static const char usage[] =
    "Usage: raft-kv --id N --dir DIR --cluster NAME [options]\n"
    "       raft-kv --check-backup FILE\n"
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
    "                         found a cluster of these voters. All of them get the same list;\n"
    "                         the one with the lowest ID founds the cluster when all others\n"
    "                         answer. Ignored if this server belongs to a cluster already.\n"
    "                         ADDRESS has the format of --advertise. Without this option a new\n"
    "                         server waits to be added with RAFT.ADD\n"
    "  --secret-file FILE     secret that all servers share, at least 32 bytes; without it\n"
    "                         they trust the network\n"
    "  --password-file FILE   password of clients (AUTH); without it every client is let in\n"
    "  --admin-password-file FILE\n"
    "                         password of the user admin, who may use the commands RAFT.* too;\n"
    "                         both passwords or none\n"
    "  --insecure             listen beyond the loopback interface without these files\n"
    "  --restore FILE         with --bootstrap, on the server with the lowest ID: found the\n"
    "                         cluster with the data of this backup\n"
    "  --check-backup FILE    print what a backup holds, and whether it is intact\n"
    "  --force-new-cluster    UNSAFE, after a majority is lost for good: make this server the\n"
    "                         only member; take the option away afterwards\n"
    "  --election-timeout MS  (1000)\n"
    "  --heartbeat MS         (100)\n"
    "  --compact-entries N    compact the log after this many entries (100000)\n"
    "  --compact-size MIB     or after so much log (128); while it sends a snapshot, the leader\n"
    "                         keeps up to eight times as much\n"
    "  --trailing N           entries to keep for servers that lag behind (20000)\n"
    "  --log-segment KIB      size of a log file (16384), and a quarter of a file of values\n"
    "  --large-value BYTES    larger values are kept in files of their own (4096)\n"
    "  --log-level LEVEL      debug, info, warn or error (info)\n"
    "  --disk-reserve MIB     refuse writes if less than this is free (1024, but at most two\n"
    "                         thirds of the file system)\n"
    "  --max-client-memory MIB\n"
    "                         memory for the commands and replies of all clients (256)\n"
    "  --write-timeout MS     after this time a command that cannot be completed is answered with\n"
    "                         an error (10000); clients can set their own:\n"
    "                         CLIENT WRITE-TIMEOUT\n"
    "  --client-timeout MS    after this time a client is closed that does not read its replies "
    "or\n"
    "                         does not send the rest of a command or its password (60000)\n";

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

static const struct option long_options[] = {{"id", required_argument, NULL, 0},
                                             {"dir", required_argument, NULL, 0},
                                             {"cluster", required_argument, NULL, 0},
                                             {"listen", required_argument, NULL, 0},
                                             {"peer-listen", required_argument, NULL, 0},
                                             {"advertise", required_argument, NULL, 0},
                                             {"bootstrap", required_argument, NULL, 0},
                                             {"secret-file", required_argument, NULL, 0},
                                             {"password-file", required_argument, NULL, 0},
                                             {"admin-password-file", required_argument, NULL, 0},
                                             {"max-client-memory", required_argument, NULL, 0},
                                             {"write-timeout", required_argument, NULL, 0},
                                             {"client-timeout", required_argument, NULL, 0},
                                             {"insecure", no_argument, NULL, 0},
                                             {"restore", required_argument, NULL, 0},
                                             {"check-backup", required_argument, NULL, 0},
                                             {"force-new-cluster", no_argument, NULL, 0},
                                             {"election-timeout", required_argument, NULL, 0},
                                             {"heartbeat", required_argument, NULL, 0},
                                             {"compact-entries", required_argument, NULL, 0},
                                             {"compact-size", required_argument, NULL, 0},
                                             {"trailing", required_argument, NULL, 0},
                                             {"log-segment", required_argument, NULL, 0},
                                             {"large-value", required_argument, NULL, 0},
                                             {"log-level", required_argument, NULL, 0},
                                             {"disk-reserve", required_argument, NULL, 0},
                                             {"help", no_argument, NULL, 0},
                                             {NULL, 0, NULL, 0}};

/* Set the option of this name. */
static void set(struct options *o, const char *name, const char *value) {
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"dir", &o->dir},
                 {"cluster", &o->cluster},
                 {"listen", &o->listen},
                 {"peer-listen", &o->peer_listen},
                 {"advertise", &o->advertise},
                 {"secret-file", &o->secret_file},
                 {"password-file", &o->password_file},
                 {"admin-password-file", &o->admin_password_file},
                 {"restore", &o->restore},
                 {"check-backup", &o->check_backup}};
    const struct {
        const char *name;
        unsigned *to;
        unsigned max;
    } numbers[] = {{"election-timeout", &o->election_timeout, 3600000},
                   {"heartbeat", &o->heartbeat, 3600000},
                   {"compact-entries", &o->compact_entries, 1u << 30},
                   {"compact-size", &o->compact_size, 1u << 20},
                   {"trailing", &o->trailing, 1u << 30},
                   {"log-segment", &o->log_segment, 1024 * 1024},
                   {"large-value", &o->large_value, MAX_COMMAND},
                   {"disk-reserve", &o->disk_reserve, 1u << 30},
                   {"max-client-memory", &o->max_client_memory, MAX_CLIENT_MEMORY},
                   {"write-timeout", &o->write_timeout, MAX_TIMEOUT},
                   {"client-timeout", &o->client_timeout, MAX_TIMEOUT}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
        }
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].to = (unsigned)number(value, numbers[i].max, name);
        }
    }
    if (strcmp(name, "id") == 0) {
        o->id = number(value, 1ull << 61, name);
    } else if (strcmp(name, "bootstrap") == 0) {
        parse_bootstrap(o, value);
    } else if (strcmp(name, "insecure") == 0) {
        o->insecure = true;
    } else if (strcmp(name, "force-new-cluster") == 0) {
        o->force_new_cluster = true;
    } else if (strcmp(name, "log-level") == 0) {
        o->log_level = value;
        if (!report_level(value)) {
            die("--log-level: expected debug, info, warn or error: %s", value);
        }
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
    if (o->max_client_memory < MIN_CLIENT_MEMORY) {
        die("--max-client-memory: expected at least %d", MIN_CLIENT_MEMORY);
    }
    if (o->cluster[0] == '\0' || strlen(o->cluster) > 256) {
        die("--cluster: expected a name of 1 to 256 bytes");
    }
    if (o->force_new_cluster && o->restore != NULL) {
        die("--force-new-cluster and --restore exclude each other");
    }
}

void options_parse(struct options *o, int argc, char **argv) {
    *o = (struct options){.listen = "127.0.0.1:6380",
                          .peer_listen = "127.0.0.1:7380",
                          .election_timeout = 1000,
                          .heartbeat = 100,
                          .compact_entries = 100000,
                          .compact_size = 128,
                          .trailing = 20000,
                          .log_segment = 16 * 1024,
                          .large_value = 4 * 1024,
                          .log_level = "info",
                          .max_client_memory = 256,
                          .write_timeout = 10000,
                          .client_timeout = 60000};
    int option;
    int at = 0;
    while ((option = getopt_long(argc, argv, "", long_options, &at)) == 0) {
        if (strcmp(long_options[at].name, "help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        set(o, long_options[at].name, optarg);
    }
    if (option == -1 && optind == argc && o->check_backup != NULL) {
        return;
    }
    if (option != -1 || optind < argc || o->id == 0 || o->dir == NULL || o->cluster == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
    complete(o);
}

bool options_founder(const struct options *o) {
    const struct raft_configuration *conf = &o->bootstrap.conf;
    bool named = false;
    for (unsigned i = 0; i < conf->n; i++) {
        if (conf->servers[i].id < o->id) {
            return false;
        }
        named = named || conf->servers[i].id == o->id;
    }
    return named;
}
