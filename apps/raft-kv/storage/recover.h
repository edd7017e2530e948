/* SPDX-License-Identifier: MIT */
/* --force-new-cluster: after a majority was lost for good, this server becomes the only voter of a
 * new cluster. Unsafe: entries that only the lost servers had are lost. */
#ifndef KV_RECOVER_H
#define KV_RECOVER_H

struct server;

/* At a start, after RAFT_START: make the new cluster if the option is given and that was not done
 * before. A start without the option forgets that it was done. */
void recover_check(struct server *s);

#endif
