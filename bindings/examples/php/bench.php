<?php
// SPDX-License-Identifier: MIT
// The time of a step: ../../digest/README.md describes the two figures.
declare(strict_types=1);

function cpu(): float
{
    $t = getrusage();
    return ($t['ru_utime.tv_sec'] + $t['ru_stime.tv_sec']) * 1e9 +
        ($t['ru_utime.tv_usec'] + $t['ru_stime.tv_usec']) * 1e3;
}

function bench(int $steps): void
{
    $ffi = Raft::$ffi;
    $r = new Raft(1, '1');
    $step = function (RaftEvent $event) use ($r): FFI\CData {
        [$code, $update] = $r->step($event);
        if ($code !== 0) {
            throw new RaftError($r->errmsg(), $code);
        }
        return $update;
    };
    $step(new RaftEvent($ffi->RAFT_START));
    $event = new RaftEvent($ffi->RAFT_BOOTSTRAP);
    Raft::set_members($event->keep, $event->c->bootstrap->conf, [[1, '1', $ffi->RAFT_VOTER]]);
    $step($event);
    while ($r->get('state') !== $ffi->RAFT_LEADER ||
        $r->get('commit_index') !== $r->get('last_index')) {
        if ($r->get('last_stored') !== $r->get('last_index')) {
            $event = new RaftEvent($ffi->RAFT_PERSISTED_ENTRIES);
            $event->c->persisted_entries->index = $r->get('last_index');
        } else {
            $event = new RaftEvent($ffi->RAFT_TIMEOUT);
            $event->c->time = $r->get('timeout');
        }
        $step($event);
    }
    [$begin, $sum] = [cpu(), 0];
    for ($i = 0; $i < $steps; $i++) {
        $event = new RaftEvent($ffi->RAFT_UNREACHABLE);
        $event->c->time = 5000;
        $event->c->unreachable->server_id = 99;
        $sum += $step($event)->flags;
    }
    printf("null %.1f\n", (cpu() - $begin) / $steps);
    $begin = cpu();
    for ($i = 0; $i < intdiv($steps, 2); $i++) {
        $event = new RaftEvent($ffi->RAFT_SUBMIT);
        $event->c->time = 5000;
        $event->c->submit->entries = Raft::entries($event->keep,
            [[0, $ffi->RAFT_COMMAND, "0123456789abcde\0"]]);
        $event->c->submit->n = 1;
        $e = $step($event)->entries;
        $stored = new RaftEvent($ffi->RAFT_STORED);
        $stored->c->time = 5000;
        $stored->c->stored->index = $e->index;
        $stored->c->stored->write = $e->write;
        $sum += strlen(Raft::bytes($e->batch[0]->buf));
        $step($stored);
        $sum += $r->get('commit_index');
    }
    printf("submit %.1f\n", (cpu() - $begin) / $steps);
    if ($sum === 0) {
        throw new Exception('nothing happened');
    }
    $r->close();
}

bench((int)$argv[2]);
