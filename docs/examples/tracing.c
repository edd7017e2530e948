/* SPDX-License-Identifier: MIT */
/* What is wrong with a cluster, told from its trace.
 *
 * usage: tracing [FILE]     print the traces; fail if they are not those of FILE, which the guide
 *                           quotes */
#include "cluster.h"

static FILE *out;
static raft_id shown;            /* print the records of this server; 0: none */
static raft_id cut_from, cut_to; /* messages in this direction are lost; 0: from or to all */

/* [tracer] */
static const char *const events[] = {
    [RAFT_START] = "start",
    [RAFT_RECEIVE] = "receive",
    [RAFT_PERSISTED_ENTRIES] = "persisted entries",
    [RAFT_PERSISTED_SNAPSHOT] = "persisted snapshot",
    [RAFT_CONFIGURATION] = "configuration",
    [RAFT_SNAPSHOT] = "snapshot",
    [RAFT_TIMEOUT] = "timeout",
    [RAFT_SUBMIT] = "submit",
    [RAFT_CATCH_UP] = "catch up",
    [RAFT_TRANSFER] = "transfer",
    [RAFT_BOOTSTRAP] = "bootstrap",
    [RAFT_RECONFIGURE] = "reconfigure",
    [RAFT_READ] = "read",
    [RAFT_UNREACHABLE] = "unreachable",
    [RAFT_STORED] = "stored",
    [RAFT_RECOVER] = "recover",
    [RAFT_SENT] = "sent",
    [RAFT_CAMPAIGN] = "campaign",
    [RAFT_WAKE] = "wake",
};
static const char *const messages[] = {
    [RAFT_APPEND_ENTRIES] = "AppendEntries",
    [RAFT_APPEND_ENTRIES_RESULT] = "AppendEntries result",
    [RAFT_REQUEST_VOTE] = "RequestVote",
    [RAFT_REQUEST_VOTE_RESULT] = "RequestVote result",
    [RAFT_INSTALL_SNAPSHOT] = "InstallSnapshot",
    [RAFT_TIMEOUT_NOW] = "TimeoutNow",
};
static const char *const states[] = {
    [RAFT_FOLLOWER] = "follower",
    [RAFT_CANDIDATE] = "candidate",
    [RAFT_LEADER] = "leader",
};

/* Print one line for each record: time, server, term, and what happened. */
static void emit(struct raft_tracer *tracer, int type, const void *record) {
    const struct raft_tracer_info *info = record;
    (void)tracer; /* its `impl` may point to a file, for example */
    if (info->server != shown || (type == RAFT_TRACE_EVENT && info->code == RAFT_RECEIVE)) {
        return; /* RAFT_TRACE_RECEIVED follows anyway */
    }
    fprintf(out, "%6llu  server %llu  term %llu  ", info->time, info->server, info->term);
    switch (type) {
        case RAFT_TRACE_EVENT:
            fprintf(out, "%s\n", events[info->code]);
            break;
        case RAFT_TRACE_RECEIVED:
            fprintf(out, "  received %s from %llu\n", messages[info->code], info->peer);
            break;
        case RAFT_TRACE_SENT:
            fprintf(out, "  sent %s to %llu\n", messages[info->code], info->peer);
            break;
        case RAFT_TRACE_STATE:
            fprintf(out, "  state: %s\n", states[info->code]);
            break;
        case RAFT_TRACE_VOTE:
        case RAFT_TRACE_LEADER:
            fprintf(out, "  %s: %llu\n", info->text, info->peer);
            break;
        case RAFT_TRACE_ENTRIES:
            fprintf(out, "  %d entries from %llu\n", info->code, info->index);
            break;
        default: /* `text` is the name of the type */
            fprintf(out, "  %s: %llu\n", info->text, info->index);
    }
}

static struct raft_tracer tracer = {.version = 1, .emit = emit};

static void configure(struct server *s) { CHECK(raft_set_tracer(&s->raft, &tracer) == 0); }
/* [tracer end] */

/* [status] */
static const char *const modes[] = {"none", "probe", "pipeline", "snapshot"};

/* What a server says about itself and, if it leads, about the others. */
static void print_status(const struct server *s) {
    raft_id leader;
    struct raft_configuration conf;
    raft_leader(&s->raft, &leader, NULL);
    fprintf(out, "server %llu: term %llu, leader %llu, last %llu, stored %llu, committed %llu\n",
            s->id, raft_current_term(&s->raft), leader, raft_last_index(&s->raft),
            raft_last_stored(&s->raft), raft_commit_index(&s->raft));
    if (raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, NULL) != 0) {
        return;
    }
    for (unsigned i = 0; i < conf.n; i++) {
        struct raft_peer peer;
        if (conf.servers[i].id != s->id &&
            raft_progress(&s->raft, conf.servers[i].id, &peer) == 0) {
            fprintf(out, "  server %llu: %s, match %llu, silent for %llu ms\n", conf.servers[i].id,
                    modes[peer.mode], peer.match, now - peer.last_contact);
        }
    }
}
/* [status end] */

static bool accepts(struct server *s, const struct packet *packet) {
    bool from = cut_from == 0 || cut_from == packet->from;
    bool to = cut_to == 0 || cut_to == s->id;
    return !(cut_from + cut_to != 0 && from && to);
}

static void show(const char *title, raft_id id, raft_time msecs) {
    fprintf(out, "[%s]\n", title);
    shown = id;
    run(msecs);
    shown = 0;
    fprintf(out, "[%s end]\n", title);
}

/* Are the lines that were printed those of the file? */
static void compare(const char *path) {
    FILE *file = fopen(path, "r");
    char expected[200], found[200];
    CHECK(file != NULL);
    rewind(out);
    while (fgets(found, sizeof found, out) != NULL) {
        CHECK(fgets(expected, sizeof expected, file) != NULL);
        found[strcspn(found, "\r\n")] = '\0';
        expected[strcspn(expected, "\r\n")] = '\0';
        if (strcmp(found, expected) != 0) {
            fprintf(stderr, "%s has another line:\n%s\n%s\n", path, expected, found);
            exit(1);
        }
    }
    CHECK(fgets(expected, sizeof expected, file) == NULL);
    fclose(file);
}

int main(int argc, char **argv) {
    out = argc > 1 ? tmpfile() : stdout;
    CHECK(out != NULL);
    hooks.configure = configure;
    hooks.accepts = accepts;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);
    submit(leader, "red");
    run(1000);

    /* Nothing is wrong. */
    submit(leader, "green");
    show("healthy", follower->id, 110);

    /* The link from the leader to the follower is cut; that in the other direction works. */
    cut_from = leader->id;
    cut_to = follower->id;
    show("one direction", follower->id, 4000);
    submit(leader, "yellow");
    run(500);
    CHECK(find_leader() == leader && raft_state(&follower->raft) == RAFT_CANDIDATE);
    fprintf(out, "[status]\n");
    print_status(leader);
    print_status(follower);
    fprintf(out, "[status end]\n");
    cut_to = 0;
    cut_from = 0;
    run(3000);
    CHECK(find_leader() == leader);

    /* Nobody's answers reach the leader. */
    cut_to = leader->id;
    submit(leader, "blue");
    run(850);
    show("no quorum", leader->id, 300);
    CHECK(raft_state(&leader->raft) != RAFT_LEADER);
    cut_to = 0;
    cluster_stop();
    if (argc > 1) {
        compare(argv[1]);
    }
    return 0;
}
