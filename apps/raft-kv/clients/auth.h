/* SPDX-License-Identifier: MIT */
/* Passwords of clients: one for data, one for data and the commands that begin with RAFT. Without
 * passwords every client may do everything. */
#ifndef KV_AUTH_H
#define KV_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct options;
struct command;

enum { PASSWORD_MIN = 8, PASSWORD_HASH = 32 };

struct auth {
    bool required;
    unsigned char key[PASSWORD_HASH]; /* of the hashes, random */
    unsigned char data[PASSWORD_HASH];
    unsigned char all[PASSWORD_HASH];
};

/* Read the files that the options name. Errors end the process with a message. */
void auth_init(struct auth *a, const struct options *o);

/* The rights of a client that has just connected. */
enum rights auth_initial(const struct auth *a);

/* True if the client may execute the command. If not, the error is sent. `command` is NULL for an
 * unknown one. */
bool auth_permits(struct client *c, uint64_t seq, const struct command *command);

/* A user name and password, or other text from the client. */
struct text {
    const char *at;
    size_t len;
};

/* AUTH, and HELLO with AUTH. The users are "default" and "admin"; a `user` of NULL is the default
 * one. True: the client now has the user's rights, and the caller sends the reply. False: the error
 * is sent, after a second if the password was wrong; until then the client's next commands wait. */
bool client_authenticate(struct client *c, uint64_t seq, const struct text *user,
                         const struct text *password);

/* Send the late error of client_authenticate(). */
void auth_answer(struct client *c);

#endif
