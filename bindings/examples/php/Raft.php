<?php
// SPDX-License-Identifier: MIT
// A thin wrapper of libraft for PHP's FFI. The declarations are those of abi/raft.ffi.h.
declare(strict_types=1);

final class RaftError extends Exception {}

/** An event and all that it points to. */
final class RaftEvent
{
    public FFI\CData $c;
    /** @var FFI\CData[] memory that only C refers to */
    public array $keep = [];

    public function __construct(public readonly int $type)
    {
        $this->c = Raft::$ffi->new('struct raft_event'); // all zero
        $this->c->type = $type;
    }
}

final class Raft
{
    public const NEVER = PHP_INT_MAX;
    public static FFI $ffi;
    private FFI\CData $c, $update;
    private ?FFI\CData $tracer = null;
    private ?RaftEvent $event = null;
    private bool $stepping = false;

    /** IDs are below 2^63: PHP has no unsigned integers. The tracer gets (type, record). */
    public function __construct(int $id, string $address, ?callable $tracer = null)
    {
        if ($id < 1) {
            throw new RaftError('IDs are 1 to 2^63 - 1');
        }
        self::refuse_zero_bytes($address);
        $this->c = self::$ffi->new('struct raft');
        $this->update = self::$ffi->new('struct raft_update');
        $this->call('init', $id, $address);
        if ($tracer !== null) {
            $this->tracer = self::$ffi->new('struct raft_tracer');
            $this->tracer->version = 1;
            // PHP ends the process when an exception leaves a callback. It is reported instead,
            // and the step goes on: its update has duties.
            $this->tracer->emit = static function ($t, $type, $record) use ($tracer): void {
                try {
                    $tracer($type, self::$ffi->cast('struct raft_tracer_info *', $record));
                } catch (Throwable $error) {
                    fwrite(STDERR, "error in a tracer: {$error->getMessage()}\n");
                }
            };
            $this->call('set_tracer', FFI::addr($this->tracer));
        }
    }

    /** The code and the update, which is valid until the next step. */
    public function step(RaftEvent $event): array
    {
        if ($this->stepping) {
            throw new RaftError('step() called by a tracer');
        }
        $this->event = $event; // it lives until the next step
        $this->stepping = true;
        try {
            $code = self::$ffi->raft_step(FFI::addr($this->c), FFI::addr($event->c),
                FFI::addr($this->update));
        } finally {
            $this->stepping = false;
        }
        return [$code, $this->update];
    }

    /** Call a function that returns an error code. raft_role() is none: use get(). */
    public function call(string $name, ...$arguments): void
    {
        $code = self::$ffi->{"raft_$name"}(FFI::addr($this->c), ...$arguments);
        if ($code !== 0) {
            throw new RaftError($this->errmsg(), $code);
        }
    }

    /** The value of an accessor without other parameters; `role` gives a role or -1. */
    public function get(string $name, ...$arguments): int
    {
        return self::$ffi->{"raft_$name"}(FFI::addr($this->c), ...$arguments);
    }

    public function errmsg(): string
    {
        return self::text(self::$ffi->raft_errmsg(FFI::addr($this->c)));
    }

    /** @return array{int, ?string} */
    public function leader(): array
    {
        $id = self::$ffi->new('raft_id');
        $address = self::$ffi->new('const char *');
        self::$ffi->raft_leader(FFI::addr($this->c), FFI::addr($id), FFI::addr($address));
        return [$id->cdata, self::text($address)];
    }

    public function close(): void
    {
        $this->call('close');
        $this->event = $this->tracer = null;
    }

    /** PHP gives a `const char *` as a string or as CData, depending on where it comes from. */
    public static function text(mixed $pointer): ?string
    {
        if ($pointer === null || is_string($pointer)) {
            return $pointer;
        }
        return FFI::isNull($pointer) ? null : FFI::string($pointer);
    }

    public static function bytes(FFI\CData $buffer): string
    {
        return $buffer->len === 0 ? '' : FFI::string($buffer->base, $buffer->len);
    }

    /** @return list<array{int, string, int}> ID, address and role */
    public static function members(FFI\CData $conf): array
    {
        $members = [];
        for ($i = 0; $i < $conf->n; $i++) {
            $s = $conf->servers[$i];
            $members[] = [$s->id, self::text($s->address), $s->role];
        }
        return $members;
    }

    private static function refuse_zero_bytes(string $address): void
    {
        if (str_contains($address, "\0")) {
            throw new RaftError('an address with a zero byte');
        }
    }

    /** A copy of a string, which `$keep` holds, as a pointer of the given type. */
    public static function copy(array &$keep, string $type, string $text): FFI\CData
    {
        $memory = self::$ffi->new('char[' . (strlen($text) + 1) . ']'); // with a zero behind it
        FFI::memcpy($memory, $text, strlen($text));
        $keep[] = $memory;
        return self::$ffi->cast($type, FFI::addr($memory));
    }

    public static function address(array &$keep, string $address): FFI\CData
    {
        self::refuse_zero_bytes($address);
        return self::copy($keep, 'const char *', $address);
    }

    public static function set_bytes(array &$keep, FFI\CData $buffer, string $text): void
    {
        $buffer->len = strlen($text);
        $buffer->base = $text === '' ? null : self::copy($keep, 'void *', $text);
    }

    public static function set_members(array &$keep, FFI\CData $conf, array $members): void
    {
        $array = self::$ffi->new('struct raft_server[' . max(1, count($members)) . ']');
        $keep[] = $array;
        foreach ($members as $i => [$id, $address, $role]) {
            $array[$i]->id = $id;
            $array[$i]->address = self::address($keep, $address);
            $array[$i]->role = $role;
        }
        $conf->servers = self::$ffi->cast('struct raft_server *', FFI::addr($array));
        $conf->n = count($members);
    }

    /** Entries are [term, type, payload]. The cookie is the position, from 1. It is a number in
     * the field `cookie`: FFI::cast() of `batch`, a `void *`, would dereference it. */
    public static function entries(array &$keep, array $list): ?FFI\CData
    {
        if ($list === []) {
            return null;
        }
        $array = self::$ffi->new('struct raft_entry[' . count($list) . ']');
        $keep[] = $array;
        foreach ($list as $i => [$term, $type, $payload]) {
            $array[$i]->term = $term;
            $array[$i]->type = $type;
            $array[$i]->cookie = $i + 1;
            self::set_bytes($keep, $array[$i]->buf, $payload);
        }
        return self::$ffi->cast('struct raft_entry *', FFI::addr($array));
    }
}

Raft::$ffi = FFI::cdef(
    file_get_contents(getenv('RAFT_FFI') ?: __DIR__ . '/../../../abi/raft.ffi.h'),
    getenv('RAFT_LIBRARY') ?: 'libraft-core.so.1'
);
