/* SPDX-License-Identifier: MIT */
/* Disk writes that run on other threads while the event loop continues. */
#ifndef KV_DISK_H
#define KV_DISK_H

struct server;

/* Write the appended entries to the log and begin a sync. If a sync is running, do nothing: the
 * entries are written and synced together when it has ended. */
void disk_write_log(struct server *s);

/* Look at the free space now; disk_write_log() does it from time to time. */
void disk_check_space(struct server *s);
/* Write the appended entries and sync them on this thread. No other sync may be running. */
void disk_sync_log(struct server *s);

/* Begin to write the applied changes to the database if there are many or a scan needs them. */
void disk_write_data(struct server *s);

#endif
