/* SPDX-License-Identifier: MIT */
#include "auth.h"

#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#include "commands.h"
#include "notice.h"
#include "reply.h"
#include "report.h"
#include "secret_file.h"
#include "server.h"

enum { PUNISHMENT = 1000 /* ms until a wrong password is answered */ };

static void hash(const struct auth *a, const char *text, size_t len, unsigned char *to) {
    crypto_generichash(to, PASSWORD_HASH, (const unsigned char *)text, len, a->key, sizeof a->key);
}

static void load(const struct auth *a, const char *option, const char *path, unsigned char *to) {
    char text[SECRET_MAX + 1];
    size_t len = secret_file_read(option, path, PASSWORD_MIN, text);
    hash(a, text, len, to);
    sodium_memzero(text, sizeof text);
}

void auth_init(struct auth *a, const struct options *o) {
    *a = (struct auth){.required = o->password_file != NULL};
    if ((o->password_file != NULL) != (o->admin_password_file != NULL)) {
        die("--password-file and --admin-password-file must be given together");
    }
    if (a->required) {
        if (sodium_init() < 0) {
            die("libsodium cannot be initialized");
        }
        randombytes_buf(a->key, sizeof a->key);
        load(a, "password-file", o->password_file, a->data);
        load(a, "admin-password-file", o->admin_password_file, a->all);
        if (sodium_memcmp(a->data, a->all, sizeof a->data) == 0) {
            die("--password-file and --admin-password-file have the same password");
        }
    }
}

enum rights auth_initial(const struct auth *a) { return a->required ? RIGHTS_NONE : RIGHTS_ALL; }

bool auth_permits(struct client *c, uint64_t seq, const struct command *command) {
    static const char *const open[] = {"auth", "hello", "quit"};
    const char *name = command != NULL ? command->name : "";
    if (c->rights == RIGHTS_ALL) {
        return true;
    }
    if (c->rights == RIGHTS_NONE) {
        for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
            if (strcmp(name, open[i]) == 0) {
                return true;
            }
        }
        client_error(c, seq, "NOAUTH Authentication required.");
        return false;
    }
    if (strncmp(name, "raft.", 5) == 0) {
        char text[128];
        snprintf(text, sizeof text, "NOPERM this user has no permissions to run the '%s' command",
                 name);
        client_error(c, seq, text);
        return false;
    }
    return true;
}

static bool is(const struct text *t, const char *word) {
    return t->len == strlen(word) && memcmp(t->at, word, t->len) == 0;
}

/* The rights that the user has with this password. Takes the same time for every password. */
static enum rights rights_of(const struct auth *a, const struct text *user,
                             const struct text *password) {
    unsigned char given[PASSWORD_HASH];
    hash(a, password->at, password->len, given);
    bool admin = user != NULL && is(user, "admin");
    bool right = sodium_memcmp(given, admin ? a->all : a->data, sizeof given) == 0;
    sodium_memzero(given, sizeof given);
    if (!right || (user != NULL && !admin && !is(user, "default"))) {
        return RIGHTS_NONE;
    }
    return admin ? RIGHTS_ALL : RIGHTS_DATA;
}

bool client_authenticate(struct client *c, uint64_t seq, const struct text *user,
                         const struct text *password) {
    static struct notice notice;
    struct server *s = c->server;
    enum rights rights = RIGHTS_ALL;
    if (s->auth.required) {
        rights = rights_of(&s->auth, user, password);
    } else if (user == NULL) {
        client_error(c, seq,
                     "ERR AUTH <password> called without any password configured for the default "
                     "user. Are you sure your configuration is correct?");
        return false;
    } else if (!is(user, "default")) {
        rights = RIGHTS_NONE;
    }
    if (rights != RIGHTS_NONE) {
        c->rights = rights;
        return true;
    }
    if (notice_due(&notice, server_now())) {
        report_warn("client %s: wrong user name or password%s", client_name(c),
                    notice_more(&notice));
    }
    c->punished = server_now() + PUNISHMENT;
    c->punished_seq = seq;
    return false;
}

void auth_answer(struct client *c) {
    c->punished = 0;
    client_error(c, c->punished_seq,
                 "WRONGPASS invalid username-password pair or user is disabled.");
}
