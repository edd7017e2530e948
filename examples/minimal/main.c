/* SPDX-License-Identifier: MIT */
/* The program's arguments. */
#include <signal.h>
#include <stdlib.h>

#include "minimal.h"

int main(int argc, char **argv) {
    static struct server s;
    struct raft_server founders[64];
    struct raft_configuration conf = {founders, 0};
    if (argc < 4 || argc > 4 + 64) {
        die("usage: raft-minimal DIRECTORY ID ADDRESS [FOUNDER'S ID=ADDRESS]...\n"
            "Name the founders when a cluster begins, and only at the first start.");
    }
    for (int i = 4; i < argc; i++) {
        char *address;
        raft_id id = strtoull(argv[i], &address, 10);
        founders[conf.n++] = (struct raft_server){id, address + (*address == '='), RAFT_VOTER};
    }
    signal(SIGPIPE, SIG_IGN);
    s.address = argv[3];
    server_run(&s, argv[1], strtoull(argv[2], NULL, 10), &conf);
}
