<?php
// SPDX-License-Identifier: MIT
// A server of the digest program, its state machine, and the lines of the transcript.
declare(strict_types=1);
require_once __DIR__ . '/Raft.php';

/** By type: the member of the union, and the fields of the line. */
const MESSAGES = [
    1 => ['append_entries', ['version', 'term', 'prev_log_index', 'prev_log_term',
        'leader_commit', 'n_entries', 'round', 'sleep']],
    ['append_entries_result', ['version', 'term', 'rejected', 'last_log_index', 'features',
        'capacity', 'round', 'snapshot_index', 'snapshot_offset']],
    ['request_vote', ['version', 'term', 'candidate_id', 'last_log_index', 'last_log_term',
        'disrupt_leader', 'pre_vote']],
    ['request_vote_result', ['version', 'term', 'vote_granted', 'pre_vote', 'features',
        'capacity']],
    ['install_snapshot', ['version', 'term', 'last_index', 'last_term', 'conf_index', 'conf',
        'offset']],
    ['timeout_now', ['version', 'term', 'last_log_index', 'last_log_term']],
];

final class World
{
    public static array $lines = [], $network = [];
    public static int $now = 0, $command = 0, $taken = 0;
    /** @var Server[] by ID */
    public static array $servers = [];
}

function line(mixed ...$words): void
{
    World::$lines[] = implode(' ', array_map(fn ($w) => is_bool($w) ? (int)$w : $w, $words));
}

function hex(string $bytes): string { return $bytes === '' ? '-' : bin2hex($bytes); }

function show(array $members): string
{
    return implode(',', array_map(fn ($m) => implode(':', $m), $members)) ?: '-';
}

function trace(int $type, FFI\CData $i): void
{
    line('t', $i->server, $type, $i->code, $i->time, $i->peer, $i->term, $i->index,
        Raft::text($i->text));
}

final class Server
{
    public bool $running = false, $cut = false;
    public int $limit = 0, $applied = 0;
    public string $state = '';
    public array $reads = [];
    public Raft $raft;
    private int $term = 0, $vote = 0, $first = 1;
    private array $log = [];
    private ?array $snapshot = null, $incoming = null;

    public function __construct(public readonly int $id)
    {
        World::$servers[$id] = $this;
        $this->start();
    }

    public function start(): void
    {
        [$this->running, $this->applied, $this->state, $this->reads] = [true, 0, '', []];
        $this->raft = new Raft($this->id, (string)$this->id, $this->id === 1 ? 'trace' : null);
        $this->raft->call('seed', $this->id * 1000);
        $this->raft->call('set_features', 30);
        $this->raft->call('set_max_message_entries', 50);
        $event = new RaftEvent(Raft::$ffi->RAFT_START);
        $s = $event->c->start;
        [$s->term, $s->voted_for, $s->start_index] = [$this->term, $this->vote, $this->first];
        $s->entries = Raft::entries($event->keep, $this->log);
        $s->n_entries = count($this->log);
        if ($this->snapshot !== null) {
            $event->keep[] = $m = Raft::$ffi->new('struct raft_snapshot_metadata');
            [$m->index, $m->term, $members, $m->configuration_index] = $this->snapshot;
            Raft::set_members($event->keep, $m->configuration, $members);
            $s->metadata = FFI::addr($m);
        }
        $this->expect($event);
    }

    public function stop(): void
    {
        $this->raft->close();
        $this->running = false;
    }

    public function expect(RaftEvent $event, int $wanted = 0): void
    {
        $code = $this->step($event);
        if ($code !== $wanted) {
            throw new Exception("status $code, not $wanted");
        }
    }

    private function step(RaftEvent $event): int
    {
        $collect = (int)getenv('RAFT_GC') > 0 && ++World::$taken % (int)getenv('RAFT_GC') === 0;
        $event->c->time = World::$now;
        $event->c->capacity = $this->id * 100;
        if ($collect) {
            gc_collect_cycles();
        }
        [$code, $u] = $this->raft->step($event);
        if ($collect) {
            gc_collect_cycles();
        }
        [$leader, $address] = $this->raft->leader();
        $words = ['u', $this->id, World::$now, $event->type, $code, $u->flags];
        foreach (['current_term', 'voted_for', 'state', 'commit_index', 'timeout', 'last_index',
            'first_index', 'last_stored', 'snapshot_index', 'role'] as $name) {
            $words[] = $this->raft->get($name);
        }
        array_push($words, $leader, $address ?? '-', $this->raft->get('transferee'));
        line(...$words, ...($code === 0 ? [] : [$this->raft->errmsg()]));
        if ($code === 0) {
            $this->carry_out($event, $u);
        }
        return $code;
    }

    private function carry_out(RaftEvent $event, FFI\CData $u): void
    {
        $ffi = Raft::$ffi;
        $flags = $u->flags;
        $follow = $acks = [];
        if ($flags & ($ffi->RAFT_UPDATE_CURRENT_TERM | $ffi->RAFT_UPDATE_VOTED_FOR)) {
            $this->term = $this->raft->get('current_term');
            $this->vote = $this->raft->get('voted_for');
        }
        if ($flags & $ffi->RAFT_UPDATE_ENTRIES) {
            $this->write_entries($u->entries, $acks);
        }
        if ($flags & $ffi->RAFT_UPDATE_SNAPSHOT) {
            $this->write_chunk($u->snapshot, $acks);
        }
        if ($flags & $ffi->RAFT_UPDATE_MESSAGES) {
            for ($i = 0; $i < $u->messages->n; $i++) {
                $this->send($u->messages->batch[$i], $follow);
            }
        }
        if ($flags & $ffi->RAFT_UPDATE_READS) {
            for ($i = 0; $i < $u->reads->n; $i++) {
                $read = $u->reads->batch[$i];
                line('r', $read->id, $read->index, $read->status);
                $this->reads[] = $read->index;
            }
        }
        if ($event->type === $ffi->RAFT_PERSISTED_SNAPSHOT &&
            $this->raft->get('snapshot_index') !== ($this->snapshot[0] ?? 0)) {
            [$this->snapshot, $this->log] = [$this->incoming, []];
            $this->first = $this->snapshot[0] + 1;
        }
        if ($flags & $ffi->RAFT_UPDATE_COMMIT_INDEX) {
            $this->apply();
        }
        foreach ([...$follow, ...$acks] as $next) {
            $this->expect($next);
        }
    }

    private function write_entries(FFI\CData $e, array &$acks): void
    {
        line('e', $e->index, $e->n, $e->write);
        if ($this->log === []) {
            $this->first = $e->index;
        }
        array_splice($this->log, $e->index - $this->first);
        for ($i = 0; $i < $e->n; $i++) {
            $x = $e->batch[$i];
            $payload = Raft::bytes($x->buf);
            line('', $x->term, $x->type, $x->cookie, hex($payload));
            $this->log[] = [$x->term, $x->type, $payload];
        }
        if ($e->n > 0) {
            $acks[] = $ack = new RaftEvent(Raft::$ffi->RAFT_STORED);
            $ack->c->stored->index = $e->index + $e->n - 1;
            $ack->c->stored->write = $e->write;
        }
    }

    private function write_chunk(FFI\CData $s, array &$acks): void
    {
        $m = $s->metadata;
        $members = Raft::members($m->configuration);
        $chunk = Raft::bytes($s->chunk);
        line('s', $m->index, $m->term, $m->configuration_index, show($members), $s->offset,
            $s->last, hex($chunk));
        if ($s->offset === 0) {
            $this->incoming = [$m->index, $m->term, $members, $m->configuration_index, ''];
        }
        if (strlen($this->incoming[4]) !== $s->offset) {
            throw new Exception('a chunk is missing');
        }
        $this->incoming[4] .= $chunk;
        $acks[] = $ack = new RaftEvent(Raft::$ffi->RAFT_PERSISTED_SNAPSHOT);
        $p = $ack->c->persisted_snapshot;
        $p->metadata->index = $m->index;
        $p->metadata->term = $m->term;
        [$p->offset, $p->last] = [$s->offset, $s->last];
    }

    /** Copy a message, attach what it asks for, and put it into the queue: as a RECEIVE. */
    private function send(FFI\CData $m, array &$follow): void
    {
        [$name, $fields] = MESSAGES[$m->type];
        line('m', $m->type, $m->server_id, Raft::text($m->server_address), ...array_map(
            fn ($f) => $f === 'conf' ? show(Raft::members($m->$name->conf)) : $m->$name->$f,
            $fields));
        $event = new RaftEvent(Raft::$ffi->RAFT_RECEIVE);
        $event->keep[] = $copy = clone $m;
        $copy->server_id = $this->id;
        $copy->server_address = Raft::address($event->keep, (string)$this->id);
        $a = $copy->$name;
        if ($name === 'append_entries') {
            if ($this->limit > 0 && $a->n_entries > $this->limit) {
                $a->n_entries = $this->limit;
                $follow[] = $sent = new RaftEvent(Raft::$ffi->RAFT_SENT);
                $sent->c->sent->server_id = $m->server_id;
                $sent->c->sent->index = $a->prev_log_index + $this->limit;
            }
            $a->entries = Raft::entries($event->keep, array_slice($this->log,
                $a->prev_log_index + 1 - $this->first, $a->n_entries));
        } elseif ($name === 'install_snapshot') {
            if ($a->last_index !== $this->snapshot[0]) {
                throw new Exception('an old snapshot is asked for');
            }
            Raft::set_members($event->keep, $a->conf, Raft::members($m->$name->conf));
            $data = substr($this->snapshot[4], $a->offset, 1000);
            Raft::set_bytes($event->keep, $a->data, $data);
            $a->last = $a->offset + strlen($data) === strlen($this->snapshot[4]);
        }
        $event->c->receive->message = FFI::addr($copy);
        World::$network[] = [$this->id, $m->server_id, $event];
    }

    private function apply(): void
    {
        while ($this->applied < $this->raft->get('commit_index')) {
            $index = $this->applied + 1;
            $entry = $this->log[$index - $this->first] ?? null;
            if ($entry === null) {
                if (($this->snapshot[0] ?? 0) < $index) {
                    throw new Exception('an entry is missing');
                }
                [$this->applied, $this->state] = [$this->snapshot[0], $this->snapshot[4]];
                continue;
            }
            if ($entry[1] === Raft::$ffi->RAFT_COMMAND) {
                $this->state .= "$entry[2]\n";
            }
            $this->applied = $index;
        }
    }

    public function take_snapshot(): void
    {
        $conf = Raft::$ffi->new('struct raft_configuration');
        $index = Raft::$ffi->new('raft_index');
        $at = $this->applied;
        $this->raft->call('configuration_at', $at, FFI::addr($conf), FFI::addr($index));
        $this->snapshot = [$at, $this->raft->get('term_of', $at), Raft::members($conf),
            $index->cdata, $this->state];
        $event = new RaftEvent(Raft::$ffi->RAFT_SNAPSHOT);
        $event->c->snapshot->metadata->index = $at;
        $event->c->snapshot->trailing = 5;
        $this->expect($event);
        $first = $this->raft->get('first_index');
        array_splice($this->log, 0, $first - $this->first);
        $this->first = $first;
    }
}
