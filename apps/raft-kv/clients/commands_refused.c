/* SPDX-License-Identifier: MIT */
/* Commands of Redis that raft-kv does not offer, and what their error says. */
#include <stdio.h>
#include <strings.h>

#include "commands.h"

static const struct {
    const char *what;
    const char *names; /* separated by spaces */
} refused[] = {
    {"expiry is",
     "expire pexpire expireat pexpireat expiretime pexpiretime ttl pttl persist setex "
     "psetex getex"},
    {"transactions are", "multi exec discard watch unwatch"},
    {"scripts and functions are", "eval evalsha eval_ro evalsha_ro script function fcall fcall_ro"},
    {"publishing is",
     "publish subscribe unsubscribe psubscribe punsubscribe spublish ssubscribe "
     "sunsubscribe pubsub"},
    {"lists are",
     "lpush rpush lpushx rpushx lpop rpop llen lrange lindex lset linsert lrem ltrim "
     "lpos lmove lmpop rpoplpush blpop brpop brpoplpush blmove blmpop"},
    {"hashes are",
     "hset hget hsetnx hmset hmget hgetall hdel hlen hexists hkeys hvals hincrby "
     "hincrbyfloat hstrlen hrandfield hscan"},
    {"sets are",
     "sadd srem smembers sismember smismember scard spop srandmember smove sinter "
     "sintercard sinterstore sunion sunionstore sdiff sdiffstore sscan"},
    {"sorted sets are",
     "zadd zrem zscore zmscore zcard zcount zincrby zrange zrangestore zrangebyscore zrangebylex "
     "zrevrange zrevrangebyscore zrevrangebylex zrank zrevrank zlexcount zpopmin zpopmax bzpopmin "
     "bzpopmax zmpop bzmpop zrandmember zremrangebyrank zremrangebyscore zremrangebylex zunion "
     "zunionstore zinter zintercard zinterstore zdiff zdiffstore zscan geoadd geodist geohash "
     "geopos georadius georadiusbymember geosearch geosearchstore"},
    {"streams are",
     "xadd xlen xrange xrevrange xread xdel xtrim xack xclaim xautoclaim xpending "
     "xgroup xreadgroup xinfo xsetid"},
    {"bits and parts of values are",
     "setbit getbit bitcount bitpos bitop bitfield bitfield_ro getrange setrange substr lcs"},
    {"counting distinct elements is", "pfadd pfcount pfmerge"},
    {"numbers other than integers are", "incrbyfloat"},
    {"emptying the database, renaming and copying are",
     "flushall flushdb rename renamenx copy move swapdb"},
    {"this command is",
     "randomkey sort sort_ro object dump restore migrate wait waitaof save bgsave bgrewriteaof "
     "lastsave shutdown slaveof "
     "replicaof failover role psync sync replconf monitor debug acl latency slowlog module memory "
     "lolwut"},
};

static bool has_word(const char *words, const struct request *q) {
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        if (len == q->arguments[0].len && strncasecmp(words, request_argument(q, 0), len) == 0) {
            return true;
        }
        words += len + strspn(words + len, " ");
    }
    return false;
}

bool command_refused(const struct request *q, char *text, size_t size) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (has_word(refused[i].names, q)) {
            snprintf(text, size, "ERR %s not offered", refused[i].what);
            return true;
        }
    }
    return false;
}
