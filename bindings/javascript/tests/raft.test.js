// SPDX-License-Identifier: MIT
// Ownership, errors, tracers and collection. usage: node --expose-gc raft.test.js native|wasm
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import test from 'node:test';

import * as core from '../src/index.js';
import { errorOf } from '../src/errors.js';
import { enums, functions, layouts } from '../src/layout.js';
import { camel } from '../src/names.js';
import { makeLibrary } from '../src/raft.js';

const native = process.argv[2] === 'native';
const { load } = await import(native ? '../src/native.js' : '../src/node.js');
const { Memory } = await import(native ? '../src/native.js' : '../src/wasm.js');
const { Raft } = await load();
const one = [{ id: 1, address: 'one', role: 'voter' }];

/** A server that is its own cluster and leads it. */
function leader(Class = Raft) {
  const r = new Class(1, 'one');
  r.step({ type: 'start' }, 0);
  r.step({ type: 'bootstrap', configuration: one }, 0);
  while (r.state !== 'leader' || r.commitIndex < r.lastIndex) {
    if (r.lastStored < r.lastIndex) {
      r.step({ type: 'persistedEntries', index: r.lastIndex }, 0);
    } else {
      r.step({ type: 'timeout' }, r.timeout);
    }
  }
  return r;
}

test('the back end and the version', () => {
  assert.equal(Raft.backEnd, process.argv[2]);
  const file = new URL('../package.json', import.meta.url);
  const [major, minor, patch] = JSON.parse(readFileSync(file, 'utf8')).version.split('.');
  assert.equal(Raft.version, major * 10000 + minor * 100 + Number(patch));
});

test('the declarations of types name what there is', () => {
  const text = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8');
  const declared = [...text.matchAll(/^export declare \w+ (\w+)/gm)].map((m) => m[1]);
  assert.deepEqual(declared.sort(), Object.keys(core).sort());
  const r = new Raft(1, 'one');
  const members = text.match(/interface Raft \{(.*?)\n\}/s)[1];
  for (const [, name] of members.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)) {
    assert.ok(name in r, name);
  }
  r.close();
});

test('what is not the library', { skip: !native }, () => {
  assert.throws(() => load('/no/such/libraft-core.so.1'), /no.such.*RAFT_LIBRARY/);
  assert.throws(() => load('libc.so.6'), /raft_/);
});

test('every function and every field of messages, events and peers', () => {
  const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const source = read('../src/raft.js');
  for (const name of Object.keys(functions).filter((n) => !n.startsWith('raft_set_'))) {
    assert.match(source, new RegExp(`\\b${name}\\b`));
  }
  const types = read('../index.d.ts');
  for (const [struct, fields] of Object.entries(layouts.lp64)) {
    if (/^raft_(event_|append|request|install|timeout|peer|read)/.test(struct)) {
      const names = Object.keys(fields)
        .map((n) => camel(n.replace(/^conf(?=_|$)/, 'configuration')))
        .filter((n) => !['size', 'n', 'nEntries', 'metadata', 'reserved0'].includes(n));
      for (const name of names) {
        assert.match(types, new RegExp(`\\b${name}\\??:`), `${struct}.${name}`);
      }
    }
  }
});

test('every setting, and no other', () => {
  const r = new Raft(1, 'one');
  const names = Object.keys(functions).filter((n) => n.startsWith('raft_set_')).map((n) =>
    n.slice('raft_set_'.length).replace(/_(\w)/g, (_, letter) => letter.toUpperCase()));
  for (const name of ['seed', ...names.filter((n) => n !== 'tracer')]) {
    const value = name === 'features' ? core.Feature.rounds
      : name === 'electionTimeout' ? 2000 : name === 'preVote' ? true : 1;
    r.configure({ [name]: value });
  }
  assert.throws(() => r.configure({ noSuch: 1 }), TypeError);
  assert.throws(() => r.configure({ seed: -1 }), RangeError);
  assert.throws(() => r.configure({ seed: 2 ** 32 }), RangeError);
  assert.throws(() => r.configure({ capacityThreshold: 65536 }), RangeError);
  r.step({ type: 'start' }, 0);
  assert.throws(() => r.configure({ electionTimeout: 0 }), core.Invalid);
  r.close();
});

test('every error that is returned has a class', () => {
  const header = readFileSync(new URL('../../../include/raft.h', import.meta.url), 'utf8');
  const without = new Set(['RAFT_LEADERSHIPLOST', // status of a read
    ...[...header.matchAll(/(RAFT_\w+),? *\/\*\*< Never returned/g)].map((m) => m[1])]);
  for (const [code, number] of Object.entries(enums.raft_error)) {
    assert.equal(errorOf(number).constructor === core.RaftError, without.has(code), code);
    assert.equal(errorOf(number).code, code);
  }
});

test('errors have a class, a code and a text', () => {
  const r = new Raft(1, 'one');
  assert.throws(() => r.step({ type: 'timeout' }, 0),
    { name: 'Invalid', code: 'RAFT_INVALID', number: enums.raft_error.RAFT_INVALID });
  r.step({ type: 'start' }, 0);
  assert.throws(() => r.step({ type: 'submit', entries: [{}] }, 0), core.NotLeader);
  assert.throws(() => r.step({ type: 'submit', entries: [] }, 0),
    (e) => e instanceof core.RaftError && e.message.length > 15);
  const l = leader();
  assert.throws(() => l.step({ type: 'submit', entries: [{ type: 99 }] }, 5000), core.Malformed);
  l.close();
  assert.throws(() => r.matchIndex(1), core.NotLeader);
  assert.throws(() => r.configurationAt(5), core.NotFound);
  assert.equal(r.role, undefined); // -1 in C: not an error
  assert.equal(r.leader, undefined);
  assert.equal(r.timeout, Infinity);
  r.close();
  assert.throws(() => new Raft(0, 'one'), core.BadId);
});

test('wrong arguments do not reach the library', () => {
  const r = leader();
  const index = r.lastIndex;
  const message = { type: 'timeoutNow', serverId: 2, serverAddress: 'two' };
  const wrong = [
    [TypeError, { type: 'submit', entries: [{ payload: 'text' }] }],
    [TypeError, { type: 'no such event' }],
    [TypeError, { type: 'bootstrap', configuration: [{ id: 1, address: 'one', role: 'boss' }] }],
    [TypeError, { type: 'receive', message: { ...message, serverAddress: undefined } }],
    [TypeError, { type: 'receive', message: { ...message, type: 'no such message' } }],
    [RangeError, { type: 'unreachable', serverId: -1 }],
    [RangeError, { type: 'unreachable', serverId: 2 ** 53 }],
    [RangeError, { type: 'unreachable', serverId: 1.5 }],
    [RangeError, { type: 'unreachable', serverId: 2n }],
    [RangeError, { type: 'receive', message: { ...message, serverAddress: 'a\0b' } }],
  ];
  for (const [kind, event] of wrong) {
    assert.throws(() => r.step(event, 5000), kind, JSON.stringify(event, (_, v) => String(v)));
  }
  for (const time of [-1, 1.5, NaN, undefined, 2 ** 53]) {
    assert.throws(() => r.step({ type: 'timeout' }, time), RangeError);
  }
  assert.throws(() => r.step({ type: 'timeout' }, 0, 65536), RangeError);
  assert.throws(() => r.termOf(-1), RangeError);
  assert.equal(r.lastIndex, index);
  r.close();
});

test('a message of an unknown type is ignored', () => {
  const r = leader();
  const message = core.wire.decode(new Uint8Array(
    [0x16, 0, 0, 0, 0x52, 200, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x61, 0x3a, 0x31, 1, 2]));
  assert.deepEqual(message, { type: 200, serverId: 2, serverAddress: 'a:1' });
  assert.equal(r.step({ type: 'receive', message }, 5000).flags, 0);
  r.close();
});

test('a closed raft', () => {
  const r = leader();
  r.close();
  r.close();
  assert.throws(() => r.step({ type: 'timeout' }, 0), core.Invalid);
  assert.throws(() => r.progress(1), core.Invalid);
  assert.deepEqual([r.closed, r.state, r.role, r.leader, r.commitIndex, r.termOf(1)],
    [true, 'unavailable', undefined, undefined, 0, 0]);
});

test('entries come back with their payload and context', () => {
  const r = leader();
  const payload = new Uint8Array([1, 2, 3]);
  const context = {};
  const { entries } = r.step({ type: 'submit', entries: [{ payload, context }, {}] }, 5000).entries;
  assert.equal(entries[0].payload, payload);
  assert.equal(entries[0].context, context);
  assert.deepEqual(entries.map((e) => [e.cookie, e.type, e.term]),
    [[1, 'command', r.currentTerm], [2, 'command', r.currentTerm]]);
  r.close();
});

test('updates stay as they were, and large events do no harm', () => {
  const r = leader();
  const kept = [];
  for (let i = 0; i < 40; i++) {
    const entries = Array.from({ length: 1 + i * 5 }, () => ({ payload: new Uint8Array(i * 17) }));
    const update = r.step({ type: 'submit', entries }, 5000);
    kept.push([update, JSON.stringify(update)]);
    r.step({ type: 'stored', index: r.lastIndex, write: update.entries.write }, 5000);
    globalThis.gc();
  }
  const servers = Array.from({ length: 7 }, (_, i) =>
    i === 0 ? one[0] : { id: i + 1, address: `address-${i}`, role: 'standby' });
  const change = r.step({ type: 'reconfigure', configuration: servers }, 5000);
  kept.push([change, JSON.stringify(change)]);
  r.step({ type: 'stored', index: r.lastIndex, write: change.entries.write }, 5000);
  for (let i = 0; i < 20; i++) {
    const update = r.step({ type: 'timeout' }, r.timeout);
    kept.push([update, JSON.stringify(update)]);
  }
  assert.ok(kept.some(([update]) => update.messages.length === 6));
  for (const [update, text] of kept) {
    assert.equal(JSON.stringify(update), text);
  }
  const encoded = change.entries.entries[0].payload;
  assert.deepEqual(core.wire.decodeConfiguration(encoded), servers);
  assert.deepEqual(core.wire.encodeConfiguration(servers), encoded);
  assert.deepEqual(r.configurationAt(r.lastIndex).servers, servers);
  r.close();
});

test('an update that cannot be decoded closes the raft', () => {
  const r = leader();
  const broken = { type: 'submit', entries: [{}] };
  let reads = 0; // the library is given the entries, the decoder is not
  const { entries } = broken;
  Object.defineProperty(broken, 'entries', { get: () => reads++ < 2 ? entries : undefined });
  assert.throws(() => r.step(broken, 5000), TypeError);
  assert.equal(r.closed, true);
});

test('tracers', () => {
  const records = [];
  const r = new Raft(1, 'one', { tracer: (record) => records.push(record) });
  r.step({ type: 'start' }, 0);
  assert.deepEqual([records[0].type, records[0].code, records[0].server],
    ['event', enums.raft_event_type.RAFT_START, 1]);
  r.setTracer(undefined);
  const { length } = records;
  r.step({ type: 'timeout' }, 0);
  assert.equal(records.length, length);
  for (let i = 0; i < 50; i++) { // none is left in the table of functions
    r.setTracer(() => {});
  }
  r.close();
});

test('an error in a tracer does not pass through C', (t) => {
  const printed = t.mock.method(console, 'error', () => {});
  const r = new Raft(1, 'one', { tracer: () => { throw new Error('of the tracer'); } });
  assert.equal(r.step({ type: 'start' }, 0).flags, 0);
  assert.equal(r.tracerError.message, 'of the tracer');
  assert.ok(printed.mock.callCount() > 0);
  r.close();
});

test('what a tracer may call', () => {
  const r = new Raft(1, 'one');
  const results = [];
  r.setTracer(() => {
    results.push(r.state);
    for (const call of [() => r.step({ type: 'timeout' }, 0), () => r.close(),
      () => r.setTracer(undefined), () => r.configure({ seed: 1 })]) {
      try {
        call();
      } catch (error) {
        results.push(error.code);
      }
    }
  });
  r.step({ type: 'start' }, 0);
  assert.equal(r.tracerError, undefined);
  assert.deepEqual(results.slice(0, 5), ['follower', ...Array(4).fill('RAFT_BUSY')]);
  r.close();
});

/** A library whose blocks of memory and callbacks are counted. */
async function counting() {
  const memory = new Memory(native ? process.env.RAFT_LIBRARY
    : (await WebAssembly.instantiate(readFileSync(process.env.RAFT_WASM))).instance);
  const live = { blocks: 0, bytes: 0, callbacks: 0 };
  const { alloc, free, callback } = memory;
  memory.alloc = (size) => {
    live.blocks++;
    live.bytes += size;
    return alloc.call(memory, size);
  };
  memory.free = (block) => {
    live.blocks--;
    live.bytes -= block.size;
    free.call(memory, block);
  };
  memory.callback = (f) => {
    const { address, release } = callback.call(memory, f);
    live.callbacks++;
    return { address, release: () => {
      live.callbacks--;
      release();
    } };
  };
  return { Raft: makeLibrary(memory), live };
}

test('all memory is given back', async () => {
  const { Raft: Counted, live } = await counting();
  const r = leader(Counted);
  const large = { type: 'submit', entries: [{ payload: new Uint8Array(9e6) }] };
  r.step(large, 5000);
  assert.ok(live.bytes < 10000);
  r.configure({ maxUncommittedEntries: 1 });
  assert.throws(() => r.step(large, 5000), core.Busy);
  assert.ok(live.bytes < 10000);
  r.setTracer(() => {});
  r.setTracer(() => {});
  assert.deepEqual([live.blocks, live.callbacks], [2, 1]);
  r.setTracer(undefined);
  assert.equal(live.callbacks, 0);
  r.setTracer(() => {});
  r.close();
  assert.deepEqual(live, { blocks: 0, bytes: 0, callbacks: 0 });
  assert.throws(() => new Counted(0, 'one'), core.BadId);
  assert.throws(() => new Counted(1, 'one', { noSuch: 1 }), TypeError);
  assert.deepEqual(live, { blocks: 0, bytes: 0, callbacks: 0 });
});

test('a raft that is collected is closed', async () => {
  const { Raft: Counted, live } = await counting();
  const made = 200;
  for (let i = 1; i <= made; i++) {
    new Counted(i, 'one', { tracer: i % 2 ? () => {} : undefined }).step({ type: 'start' }, 0);
  }
  assert.equal(live.blocks, 2 * made);
  for (let i = 0; i < 50 && live.blocks > made / 10; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(live.blocks <= made / 10, `${live.blocks} blocks are left`);
  assert.ok(live.callbacks <= made / 20, `${live.callbacks} callbacks are left`);
  const r = new Counted(1, 'one'); // the memory is as it should be
  r.step({ type: 'start' }, 0);
  r.step({ type: 'bootstrap', configuration: one }, 0);
  assert.equal(r.configurationAt(1).servers[0].address, 'one');
  r.close();
});
