/* SPDX-License-Identifier: MIT */
/* How many file descriptors this process may use, and for what.
 *
 * A server that has none left for the next file of its log must stop. Therefore the connections get
 * what files do not need, and a connection that is one too many is refused. */
#ifndef KV_DESCRIPTORS_H
#define KV_DESCRIPTORS_H

struct descriptors {
    unsigned limit;      /* all */
    unsigned open_files; /* of the database, at most */
    unsigned inbound;    /* connections from other servers; as many are kept for those to them */
    unsigned clients;
};

/* Raise the limit of this process as far as it may, and divide it. Ends the process if there are
 * too few. */
void descriptors_init(struct descriptors *d);

#endif
