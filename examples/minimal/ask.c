/* SPDX-License-Identifier: MIT */
/* A client: it sends each line of its input to the leader, and prints the answer. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 8192, TIMEOUT_S = 10, PATIENCE_S = 60 };

static FILE *server; /* the connection; NULL: none */

static void disconnect(void) {
    if (server != NULL) {
        fclose(server);
    }
    server = NULL;
}

/* [connect] */
static void connect_to(const char *text) {
    char host[64], port[8];
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    disconnect();
    if (sscanf(text, "%63[0-9.]:%7[0-9]", host, port) != 2 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        return;
    }
    address.sin_port = htons((unsigned short)atoi(port));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        server = fdopen(fd, "r");
    } else if (fd >= 0) {
        close(fd);
    }
}
/* [connect end] */

/* [exchange] */
/* Send a line and read the answer. Returns false if there is none. */
static bool exchange(const char *line, char *answer) {
    size_t len = strlen(line);
    return server != NULL && send(fileno(server), line, len, MSG_NOSIGNAL) == (ssize_t)len &&
           fgets(answer, LINE, server) != NULL && strchr(answer, '\n') != NULL;
}
/* [exchange end] */

/* [ask] */
static bool ask(char **servers, int n, const char *line, char *answer) {
    static int next;
    time_t end = time(NULL) + PATIENCE_S;
    while (time(NULL) < end) {
        if (server == NULL) {
            connect_to(servers[next++ % n]);
        }
        bool answered = exchange(line, answer);
        bool elsewhere = answered && strncmp(answer, "leader ", 7) == 0;
        if (answered && !elsewhere && strncmp(answer, "error unknown", 13) != 0) {
            return true;
        }
        if (elsewhere && strcmp(answer, "leader unknown\n") != 0) {
            connect_to(answer + 7);
        } else { /* it is down, or does not know: ask the next one */
            disconnect();
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
    }
    return false;
}
/* [ask end] */

int main(int argc, char **argv) {
    char line[LINE], answer[LINE];
    if (argc < 2) {
        fprintf(stderr, "usage: raft-ask ADDRESS... <COMMANDS\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (!ask(argv + 1, argc - 1, line, answer)) {
            fprintf(stderr, "no answer from a leader\n");
            return 1;
        }
        fputs(answer, stdout);
    }
    disconnect();
    return 0;
}
