/* SPDX-License-Identifier: MIT */
/* Generated from raft.h. size_t and bool are those of C. */
typedef unsigned long long raft_id;
typedef unsigned long long raft_term;
typedef unsigned long long raft_index;
typedef unsigned long long raft_time;
struct raft_buffer {
    void *base;
    size_t len;
};
enum raft_error {
    RAFT_NOMEM = 1,
    RAFT_BADID,
    RAFT_DUPLICATEID,
    RAFT_DUPLICATEADDRESS,
    RAFT_BADROLE,
    RAFT_MALFORMED,
    RAFT_NOTLEADER,
    RAFT_LEADERSHIPLOST,
    RAFT_SHUTDOWN,
    RAFT_CANTBOOTSTRAP,
    RAFT_CANTCHANGE,
    RAFT_CORRUPT,
    RAFT_CANCELED,
    RAFT_NAMETOOLONG,
    RAFT_TOOBIG,
    RAFT_NOCONNECTION,
    RAFT_BUSY,
    RAFT_IOERR,
    RAFT_NOTFOUND,
    RAFT_INVALID,
    RAFT_UNAUTHORIZED,
    RAFT_NOSPACE,
    RAFT_TOOMANY
};
struct raft_event;
struct raft_update;
struct raft {
    raft_id id;
    union {
        void *impl;
        unsigned long long impl_bits;
    };
    unsigned long long reserved[6];
};
int raft_init(struct raft *r, raft_id id, const char *address);
int raft_step(struct raft *r, struct raft_event *event, struct raft_update *update);
int raft_close(struct raft *r);
enum raft_server_role {
    RAFT_STANDBY,
    RAFT_VOTER,
    RAFT_SPARE,
    RAFT_VOTER_OUTGOING,
    RAFT_VOTER_INCOMING,
    RAFT_VOTER_TO_STANDBY,
    RAFT_VOTER_TO_SPARE
};
struct raft_server {
    raft_id id;
    const char *address;
    int role;
};
struct raft_configuration {
    struct raft_server *servers;
    unsigned n;
};
enum raft_entry_type {
    RAFT_COMMAND = 1,
    RAFT_BARRIER,
    RAFT_CHANGE
};
struct raft_entry {
    raft_term term;
    enum raft_entry_type type;
    struct raft_buffer buf;
    union {
        void *batch;
        size_t cookie;
    };
};
struct raft_snapshot_metadata {
    raft_index index;
    raft_term term;
    struct raft_configuration configuration;
    raft_index configuration_index;
};
struct raft_message;
enum raft_update_flag {
    RAFT_UPDATE_CURRENT_TERM = 1,
    RAFT_UPDATE_VOTED_FOR = 2,
    RAFT_UPDATE_ENTRIES = 4,
    RAFT_UPDATE_SNAPSHOT = 8,
    RAFT_UPDATE_MESSAGES = 16,
    RAFT_UPDATE_STATE = 32,
    RAFT_UPDATE_COMMIT_INDEX = 64,
    RAFT_UPDATE_TIMEOUT = 128,
    RAFT_UPDATE_CONFIGURATION = 256,
    RAFT_UPDATE_READS = 512,
    RAFT_UPDATE_LEADER = 1024,
    RAFT_UPDATE_CATCH_UP = 2048,
    RAFT_UPDATE_TRANSFER = 4096
};
struct raft_update_entries {
    raft_index index;
    struct raft_entry *batch;
    unsigned n;
    unsigned long long write;
};
struct raft_update_snapshot {
    struct raft_snapshot_metadata metadata;
    unsigned long long offset;
    struct raft_buffer chunk;
    bool last;
};
struct raft_update_messages {
    struct raft_message *batch;
    unsigned n;
};
struct raft_read {
    unsigned long long id;
    raft_index index;
    int status;
    int reserved0;
    unsigned long long reserved[2];
};
struct raft_update_reads {
    struct raft_read *batch;
    unsigned n;
};
struct raft_update {
    unsigned flags;
    struct raft_update_entries entries;
    struct raft_update_snapshot snapshot;
    struct raft_update_messages messages;
    struct raft_update_reads reads;
    unsigned long long reserved[16];
};
enum raft_event_type {
    RAFT_START = 1,
    RAFT_RECEIVE,
    RAFT_PERSISTED_ENTRIES,
    RAFT_PERSISTED_SNAPSHOT,
    RAFT_CONFIGURATION,
    RAFT_SNAPSHOT,
    RAFT_TIMEOUT,
    RAFT_SUBMIT,
    RAFT_CATCH_UP,
    RAFT_TRANSFER,
    RAFT_BOOTSTRAP,
    RAFT_RECONFIGURE,
    RAFT_READ,
    RAFT_UNREACHABLE,
    RAFT_STORED,
    RAFT_RECOVER,
    RAFT_SENT,
    RAFT_CAMPAIGN,
    RAFT_WAKE
};
struct raft_event_start {
    raft_term term;
    raft_id voted_for;
    struct raft_snapshot_metadata *metadata;
    raft_index start_index;
    struct raft_entry *entries;
    unsigned n_entries;
};
struct raft_event_bootstrap {
    struct raft_configuration conf;
};
struct raft_event_receive {
    struct raft_message *message;
};
struct raft_event_stored {
    raft_index index;
    unsigned long long write;
};
struct raft_event_persisted_entries {
    raft_index index;
};
struct raft_event_persisted_snapshot {
    struct raft_snapshot_metadata metadata;
    unsigned long long offset;
    bool last;
};
struct raft_event_submit {
    struct raft_entry *entries;
    unsigned n;
};
struct raft_event_read {
    unsigned long long id;
    bool lease;
};
struct raft_event_snapshot {
    struct raft_snapshot_metadata metadata;
    unsigned trailing;
};
struct raft_event_reconfigure {
    struct raft_configuration conf;
    bool force;
};
struct raft_event_catch_up {
    raft_id server_id;
};
struct raft_event_transfer {
    raft_id server_id;
};
struct raft_event_unreachable {
    raft_id server_id;
};
struct raft_event_recover {
    struct raft_configuration conf;
};
struct raft_event_sent {
    raft_id server_id;
    raft_index index;
};
struct raft_event_configuration {
    raft_index index;
    struct raft_configuration conf;
};
struct raft_event {
    raft_time time;
    enum raft_event_type type;
    unsigned char unused;
    unsigned short capacity;
    unsigned char reserved[4];
    union {
        struct raft_event_start start;
        struct raft_event_receive receive;
        struct raft_event_persisted_entries persisted_entries;
        struct raft_event_persisted_snapshot persisted_snapshot;
        struct raft_event_configuration configuration;
        struct raft_event_snapshot snapshot;
        struct raft_event_submit submit;
        struct raft_event_catch_up catch_up;
        struct raft_event_transfer transfer;
        struct raft_event_bootstrap bootstrap;
        struct raft_event_reconfigure reconfigure;
        struct raft_event_read read;
        struct raft_event_unreachable unreachable;
        struct raft_event_stored stored;
        struct raft_event_recover recover;
        struct raft_event_sent sent;
        unsigned long long reserved_union[16];
    };
};
enum raft_message_type {
    RAFT_APPEND_ENTRIES = 1,
    RAFT_APPEND_ENTRIES_RESULT,
    RAFT_REQUEST_VOTE,
    RAFT_REQUEST_VOTE_RESULT,
    RAFT_INSTALL_SNAPSHOT,
    RAFT_TIMEOUT_NOW
};
enum raft_feature {
    RAFT_FEATURE_CAPACITY = 1,
    RAFT_FEATURE_ROUNDS = 2,
    RAFT_FEATURE_CHUNKS = 4,
    RAFT_FEATURE_JOINT = 8,
    RAFT_FEATURE_SLEEP = 16,
    RAFT_FEATURE_NEVER_LEADS = 32
};
struct raft_request_vote {
    unsigned char version;
    raft_term term;
    raft_id candidate_id;
    raft_index last_log_index;
    raft_index last_log_term;
    bool disrupt_leader;
    bool pre_vote;
};
struct raft_request_vote_result {
    unsigned char version;
    raft_term term;
    bool vote_granted;
    bool pre_vote;
    unsigned short features;
    unsigned short capacity;
};
struct raft_append_entries {
    unsigned char version;
    raft_term term;
    raft_index prev_log_index;
    raft_term prev_log_term;
    raft_index leader_commit;
    struct raft_entry *entries;
    unsigned n_entries;
    unsigned long long round;
    bool sleep;
};
struct raft_append_entries_result {
    unsigned char version;
    raft_term term;
    raft_index rejected;
    raft_index last_log_index;
    unsigned short features;
    unsigned short capacity;
    unsigned long long round;
    raft_index snapshot_index;
    unsigned long long snapshot_offset;
};
struct raft_install_snapshot {
    unsigned char version;
    raft_term term;
    raft_index last_index;
    raft_term last_term;
    struct raft_configuration conf;
    raft_index conf_index;
    struct raft_buffer data;
    unsigned long long offset;
    bool last;
};
struct raft_timeout_now {
    unsigned char version;
    raft_term term;
    raft_index last_log_index;
    raft_term last_log_term;
};
struct raft_message {
    enum raft_message_type type;
    raft_id server_id;
    const char *server_address;
    union {
        struct raft_request_vote request_vote;
        struct raft_request_vote_result request_vote_result;
        struct raft_append_entries append_entries;
        struct raft_append_entries_result append_entries_result;
        struct raft_install_snapshot install_snapshot;
        struct raft_timeout_now timeout_now;
        unsigned long long reserved_union[16];
    };
};
enum raft_state {
    RAFT_FOLLOWER = 1,
    RAFT_CANDIDATE,
    RAFT_LEADER
};
enum {
    RAFT_UNAVAILABLE = 0
};
unsigned raft_version(const struct raft *r);
enum raft_state raft_state(struct raft *r);
raft_term raft_current_term(const struct raft *r);
raft_id raft_voted_for(const struct raft *r);
void raft_leader(const struct raft *r, raft_id *id, const char **address);
raft_time raft_timeout(const struct raft *r);
raft_index raft_commit_index(const struct raft *r);
raft_index raft_last_index(const struct raft *r);
raft_index raft_first_index(const struct raft *r);
raft_index raft_last_stored(const struct raft *r);
raft_index raft_snapshot_index(const struct raft *r);
raft_index raft_oldest_snapshot_index(const struct raft *r);
raft_term raft_term_of(const struct raft *r, raft_index index);
int raft_configuration_at(const struct raft *r, raft_index index,
                                   struct raft_configuration *conf, raft_index *conf_index);
int raft_role(const struct raft *r);
int raft_match_index(const struct raft *r, raft_id id, raft_index *index);
enum raft_progress_mode {
    RAFT_PROGRESS_NONE,
    RAFT_PROGRESS_PROBE,
    RAFT_PROGRESS_PIPELINE,
    RAFT_PROGRESS_SNAPSHOT
};
struct raft_peer {
    int mode;
    unsigned short features;
    unsigned short capacity;
    raft_index match;
    raft_index next;
    raft_time last_contact;
    raft_index snapshot_index;
    unsigned long long snapshot_offset;
    unsigned long long data_losses;
    unsigned long long reserved[8];
};
int raft_progress(const struct raft *r, raft_id id, struct raft_peer *peer);
enum raft_catch_up_status {
    RAFT_CATCH_UP_NONE,
    RAFT_CATCH_UP_RUNNING,
    RAFT_CATCH_UP_ABORTED,
    RAFT_CATCH_UP_FINISHED
};
int raft_catch_up(const struct raft *r, raft_id id, int *status);
raft_id raft_transferee(const struct raft *r);
const char *raft_errmsg(const struct raft *r);
int raft_seed(struct raft *r, unsigned seed);
int raft_set_election_timeout(struct raft *r, unsigned msecs);
int raft_set_heartbeat_timeout(struct raft *r, unsigned msecs);
int raft_set_install_snapshot_timeout(struct raft *r, unsigned msecs);
int raft_set_pre_vote(struct raft *r, unsigned enabled);
int raft_set_max_catch_up_rounds(struct raft *r, unsigned rounds);
int raft_set_max_catch_up_round_duration(struct raft *r, unsigned msecs);
int raft_set_max_inflight_entries(struct raft *r, unsigned n);
int raft_set_max_message_entries(struct raft *r, unsigned n);
int raft_set_max_uncommitted_entries(struct raft *r, unsigned n);
int raft_set_election_delay(struct raft *r, unsigned msecs);
int raft_set_eager_commit(struct raft *r, unsigned enabled);
int raft_set_idle_timeout(struct raft *r, unsigned msecs);
int raft_set_capacity_threshold(struct raft *r, unsigned short min);
int raft_set_features(struct raft *r, unsigned mask);
enum raft_trace_type {
    RAFT_TRACE_EVENT = 1,
    RAFT_TRACE_RECEIVED,
    RAFT_TRACE_SENT,
    RAFT_TRACE_TERM,
    RAFT_TRACE_VOTE,
    RAFT_TRACE_STATE,
    RAFT_TRACE_LEADER,
    RAFT_TRACE_ENTRIES,
    RAFT_TRACE_SNAPSHOT,
    RAFT_TRACE_COMMIT,
    RAFT_TRACE_CONFIGURATION,
    RAFT_TRACE_READ,
    RAFT_TRACE_CATCH_UP,
    RAFT_TRACE_TRANSFER,
    RAFT_TRACE_DATA_LOSS,
    RAFT_TRACE_ASLEEP,
    RAFT_TRACE_AWAKE
};
struct raft_tracer_info {
    int version;
    int code;
    raft_time time;
    raft_id server;
    raft_id peer;
    raft_term term;
    raft_index index;
    const char *text;
    unsigned long long reserved[4];
};
struct raft_tracer {
    void *impl;
    int version;
    void (*emit)(struct raft_tracer *t, int type, const void *info);
};
int raft_set_tracer(struct raft *r, struct raft_tracer *t);
