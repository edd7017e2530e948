/* SPDX-License-Identifier: MIT */
/* raft-kv: a replicated key-value store that speaks the Redis protocol. */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "backup.h"
#include "report.h"
#include "server.h"

enum { STOP_DEADLINE = 1700 /* ms after SIGTERM or SIGINT */ };

/* Everything that was acknowledged is on the disk, so the process may end at any time. */
static void on_deadline(int number_) {
    (void)number_;
    report_from_signal("did not stop in time, ending now");
    _exit(0);
}

static void on_signal(uv_signal_t *handle, int number_) {
    (void)number_;
    struct server *s = handle->data;
    if (s->stopping == 0) {
        const struct itimerval deadline = {
            .it_value = {.tv_sec = STOP_DEADLINE / 1000, .tv_usec = STOP_DEADLINE % 1000 * 1000}};
        signal(SIGALRM, on_deadline);
        setitimer(ITIMER_REAL, &deadline, NULL);
        server_stop(s); /* uv_run() in main() returns */
    }
}

/* Start no more work, wait for the worker threads to finish, then close the database. */
static void stop(struct server *s) {
    uv_prepare_stop(&s->turn);
    while (s->sync.running || s->data.busy || s->install.busy || scans_running(&s->scans) ||
           s->pages.n_steps > 0) {
        uv_run(s->loop, UV_RUN_ONCE);
    }
    data_write_begin(&s->data);
    data_write_run(&s->data);
    peer_tickets_save(&s->peers.tickets, &s->store, server_now());
    store_sync(&s->store);
    store_close(&s->store);
    report("stopped");
    report_flush();
    _exit(0); /* closes the connections */
}

int main(int argc, char **argv) {
    static struct server server;
    struct options options;
    options_parse(&options, argc, argv);
    if (options.check_backup != NULL) {
        return backup_check(options.check_backup);
    }
    signal(SIGPIPE, SIG_IGN);
    report_start();
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the file size limit then fails with EFBIG */
    uv_loop_t *loop = uv_default_loop();
    server_start(&server, &options, loop);
    uv_signal_t interrupt;
    uv_signal_t terminate;
    uv_signal_init(loop, &interrupt);
    uv_signal_init(loop, &terminate);
    interrupt.data = terminate.data = &server;
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    report("ready: listening for clients at %s, for servers at %s", options.listen,
           options.peer_listen);
    uv_run(loop, UV_RUN_DEFAULT);
    stop(&server);
    return 0;
}
