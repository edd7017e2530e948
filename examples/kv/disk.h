/* SPDX-License-Identifier: MIT */
/* What the server has other threads do on the disk while the loop goes on. */
#ifndef KV_DISK_H
#define KV_DISK_H

struct server;

/* Give what was appended to the log to the disk and begin a sync, unless one is
 * running: then what is appended meanwhile goes together, afterwards. */
void disk_write_log(struct server *s);

/* Write what was applied to the database if it is much or somebody waits for it there. */
void disk_write_data(struct server *s);

#endif
