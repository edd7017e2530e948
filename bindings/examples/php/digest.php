<?php
// SPDX-License-Identifier: MIT
// The digest program in PHP: see ../../digest/README.md.
//
// usage: php -d ffi.enable=1 digest.php TRANSCRIPT | --bench STEPS
declare(strict_types=1);
require_once __DIR__ . '/Server.php';

function is_up(Server $s): bool { return $s->running && !$s->cut; }

function leader(): ?Server
{
    $best = null;
    foreach (World::$servers as $s) {
        if (is_up($s) && $s->raft->get('state') === Raft::$ffi->RAFT_LEADER &&
            ($best === null || $s->raft->get('current_term') > $best->raft->get('current_term'))) {
            $best = $s;
        }
    }
    return $best;
}

function committed(Server $s): Closure
{
    return fn () => $s->raft->get('commit_index') === $s->raft->get('last_index');
}

function led(?Server $by = null): Closure
{
    return function () use ($by) {
        $s = leader();
        return $s !== null && ($by === null || $s === $by) && committed($s)();
    };
}

function level(Server $s): Closure
{
    return function () use ($s) {
        foreach (World::$servers as $x) {
            if (is_up($x) && $x->applied !== $s->raft->get('last_index')) {
                return false;
            }
        }
        return true;
    };
}

function quiet(): bool { return World::$network === []; }

function next_due(): Server
{
    $best = null;
    foreach (World::$servers as $s) {
        if ($s->running &&
            ($best === null || $s->raft->get('timeout') < $best->raft->get('timeout'))) {
            $best = $s;
        }
    }
    return $best;
}

function asleep(): bool { return quiet() && next_due()->raft->get('timeout') === Raft::NEVER; }

function pump(callable $condition): void
{
    for ($i = 0; $i < 100000; $i++) {
        if ($condition()) {
            return;
        }
        if (!quiet()) {
            [$from, $to, $event] = array_shift(World::$network);
            $receiver = World::$servers[$to];
            if (!is_up($receiver) || World::$servers[$from]->cut) {
                line('d', $from, $to);
            } else {
                $receiver->expect($event);
            }
            continue;
        }
        $s = next_due();
        if ($s->raft->get('timeout') === Raft::NEVER) {
            throw new Exception('no server has a deadline');
        }
        World::$now = max(World::$now, $s->raft->get('timeout'));
        $s->expect(new RaftEvent(Raft::$ffi->RAFT_TIMEOUT));
    }
    throw new Exception('the condition never holds');
}

function submit(Server $s, int $n, int $wanted = 0): void
{
    $event = new RaftEvent(Raft::$ffi->RAFT_SUBMIT);
    $entries = [];
    for (; count($entries) < $n; World::$command++) {
        $payload = World::$command % 500 === 499 ? '' : 'cmd-' . World::$command;
        $entries[] = [0, Raft::$ffi->RAFT_COMMAND, $payload];
    }
    $event->c->submit->entries = Raft::entries($event->keep, $entries);
    $event->c->submit->n = $n;
    $s->expect($event, $wanted);
}

function load(Server $s, int $rounds): void
{
    while ($rounds-- > 0) {
        submit($s, 10);
        pump('quiet');
    }
    pump(level($s));
}

function change(Server $s, string $name, array $members, int $wanted = 0): void
{
    $event = new RaftEvent(Raft::$ffi->{'RAFT_' . strtoupper($name)});
    Raft::set_members($event->keep, $event->c->$name->conf, $members);
    $s->expect($event, $wanted);
}

function voters(int $n, int $last_role): array
{
    return array_map(fn ($i) => [$i, (string)$i, $i === $n ? $last_role : Raft::$ffi->RAFT_VOTER],
        range(1, $n));
}

/** An event with the given fields; its member of the union has the name of its type. */
function simple(Server $s, string $name, array $fields = [], int $wanted = 0): void
{
    $event = new RaftEvent(Raft::$ffi->{'RAFT_' . strtoupper($name)});
    foreach ($fields as $field => $value) {
        $event->c->$name->$field = $value;
    }
    $s->expect($event, $wanted);
}

function progress(Server $s, int $id): void
{
    $p = Raft::$ffi->new('struct raft_peer');
    $s->raft->call('progress', $id, FFI::addr($p));
    line('p', $id, $p->mode, $p->features, $p->capacity, $p->match, $p->next, $p->last_contact,
        $p->snapshot_index, $p->snapshot_offset, $p->data_losses);
}

function scenario(): void
{
    $ffi = Raft::$ffi;
    line('x start');
    foreach ([1, 2, 3] as $i) {
        new Server($i);
    }
    change(World::$servers[1], 'bootstrap', voters(3, $ffi->RAFT_VOTER));
    pump(led());
    $l = leader();
    $f = World::$servers[$l->id === 1 ? 2 : 1];
    line('x submit', $l->id);
    load($l, 100);
    line('x errors');
    submit($f, 1, $ffi->RAFT_NOTLEADER);
    submit($l, 0, $ffi->RAFT_INVALID);
    simple($l, 'transfer', ['server_id' => 9], $ffi->RAFT_BADID);
    simple($f, 'campaign', [], $ffi->RAFT_BUSY);
    line('x add');
    new Server(4);
    change($l, 'reconfigure', voters(4, $ffi->RAFT_STANDBY));
    pump(committed($l));
    simple($l, 'catch_up', ['server_id' => 4]);
    pump(function () use ($l, $ffi) {
        $status = $ffi->new('int');
        $l->raft->call('catch_up', 4, FFI::addr($status));
        return $status->cdata === $ffi->RAFT_CATCH_UP_FINISHED;
    });
    change($l, 'reconfigure', voters(4, $ffi->RAFT_VOTER));
    pump(committed($l));
    pump(level($l));
    line('x lag', $f->id);
    $f->cut = true;
    load($l, 10);
    foreach (World::$servers as $s) {
        if ($s !== $f) {
            $s->take_snapshot();
        }
    }
    $f->cut = false;
    pump(level($l));
    line('x installed', $f->raft->get('snapshot_index'));
    line('x replace');
    $l->cut = true;
    simple($l, 'read', ['id' => 101]);
    submit($l, 3);
    pump(led());
    $n = leader();
    submit($n, 5);
    pump(committed($n));
    $l->cut = false;
    pump(level($n));
    line('x read', $n->id);
    foreach ([102, 103] as $name) {
        $n->reads = [];
        simple($n, 'read', ['id' => $name, 'lease' => $name === 103]);
        pump(fn () => $n->reads !== [] && $n->applied >= end($n->reads));
        line('x', $name, strlen($n->state));
    }
    line('x transfer');
    simple($n, 'transfer', ['server_id' => $f->id]);
    pump(led($f));
    line('x restart', $n->id);
    $n->stop();
    $n->start();
    pump(level($f));
    second_half($f);
}

function second_half(Server $f): void
{
    $ffi = Raft::$ffi;
    line('x events');
    simple($f, 'unreachable', ['server_id' => 4]);
    progress($f, 4);
    simple($f, 'configuration', ['index' => 1]);
    simple($f, 'persisted_entries', ['index' => $f->raft->get('last_stored')]);
    simple($f, 'catch_up', ['server_id' => 0]);
    change($f, 'reconfigure', [[1, '1', 99]], $ffi->RAFT_BADROLE);
    pump(level($f));
    line('x sent');
    $f->limit = 4;
    load($f, 3);
    $f->limit = 0;
    foreach ([1, 2, 3, 4] as $i) {
        progress($f, $i);
    }
    line('x sleep');
    $other = World::$servers[$f->id === 1 ? 2 : 1];
    foreach (World::$servers as $s) {
        $s->raft->call('set_idle_timeout', 500);
    }
    pump('asleep');
    line('x asleep', World::$now);
    simple($other, 'wake');
    pump('asleep');
    line('x wake');
    submit($f, 1);
    pump(level($f));
    foreach (World::$servers as $s) {
        $s->raft->call('set_idle_timeout', 0);
    }
    line('x recover', $other->id);
    foreach (World::$servers as $s) {
        if ($s !== $other) {
            $s->stop();
        }
    }
    change($other, 'recover', [[$other->id, (string)$other->id, $ffi->RAFT_VOTER]]);
    pump(led($other));
    submit($other, 1);
    pump(level($other));
    foreach (World::$servers as $s) {
        line('z', $s->id, $s->applied, strlen($s->state));
    }
    $other->stop();
}

if ($argc === 3 && $argv[1] === '--bench') {
    require __DIR__ . '/bench.php';
} elseif ($argc === 2) {
    scenario();
    if (file_put_contents($argv[1], implode("\n", World::$lines) . "\n") === false) {
        exit(1);
    }
} else {
    fwrite(STDERR, "usage: digest.php TRANSCRIPT | --bench STEPS\n");
    exit(1);
}
