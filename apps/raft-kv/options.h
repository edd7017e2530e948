/* SPDX-License-Identifier: MIT */
/* The options of the command line. */
#ifndef KV_OPTIONS_H
#define KV_OPTIONS_H

#include "meta.h"

struct options {
    raft_id id;
    const char *dir;
    const char *cluster;
    const char *listen;      /* where to listen for clients, host:port */
    const char *peer_listen; /* where to listen for servers, host:port */
    const char *advertise;   /* the server's address, see address.h */
    struct members bootstrap;
    const char *secret_file;         /* the secret that the servers share; NULL: none */
    const char *password_file;       /* the password of clients; NULL: none */
    const char *admin_password_file; /* the password for RAFT.* too */
    bool insecure;                   /* listen beyond loopback without these */
    bool force_new_cluster;          /* see recover.h */
    const char *restore;             /* a backup to found the cluster from; NULL: none */
    const char *check_backup;        /* a backup to check instead of starting; NULL: none */
    unsigned election_timeout;
    unsigned heartbeat;
    unsigned compact_entries;   /* compact after applying this many since the last time */
    unsigned compact_size;      /* or after writing so many MiB of log */
    unsigned trailing;          /* entries to keep for servers that lag behind */
    unsigned log_segment;       /* size of a log file in KiB */
    unsigned large_value;       /* bytes; see values.h */
    unsigned max_client_memory; /* MiB, see memory.h */
    unsigned write_timeout;     /* ms; clients can set their own */
    unsigned client_timeout;    /* ms after which a client without progress is closed */
    unsigned disk_reserve;      /* MiB that must stay free; 0: chosen by the size of the disk */
    const char *log_level;
};

/* Read and check the options. `--help` and errors end the process. */
void options_parse(struct options *o, int argc, char **argv);

/* True if this server founds the cluster of --bootstrap: it has the lowest ID there. The others
 * wait for it. */
bool options_founder(const struct options *o);

#endif
