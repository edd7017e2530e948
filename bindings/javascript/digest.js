// SPDX-License-Identifier: MIT
// The digest program in JavaScript: see ../digest/README.md.
//
// usage: digest.js native|wasm TRANSCRIPT
//        digest.js native|wasm --bench STEPS
// Messages go through the encoding of the module wire. With RAFT_GC=N in the environment, garbage
// is collected before and after each Nth step: run node with --expose-gc.
import { writeFileSync } from 'node:fs';
import process from 'node:process';

import * as core from './src/index.js';
import * as names from './src/names.js';
import { FIELDS, hex, line, lines, show, trace } from './transcript.js';

const { Feature, wire } = core;
const [, , backEnd, transcript, steps] = process.argv;
const { load } = await import(backEnd === 'native' ? './src/native.js' : './src/node.js');
const { Raft } = await load();
const every = Number(process.env.RAFT_GC ?? 0);

const CHUNK = 1000;
const FEATURES = Feature.rounds | Feature.chunks | Feature.joint | Feature.sleep;
const utf8 = new TextEncoder();

const network = [];
const servers = [];
let now = 0;
let command = 0;
let taken = 0; // steps

const joined = (...parts) => new Uint8Array(Buffer.concat(parts));
const check = (condition, what) => {
  if (!condition) {
    throw new Error(what);
  }
};

class Server {
  running = false;
  cut = false;
  limit = 0;
  term = 0;
  vote = 0;
  first = 1;
  log = [];
  snapshot = undefined;
  incoming = undefined;

  constructor(id) {
    this.id = id;
    this.address = String(id);
    servers[id] = this;
    this.start();
  }

  start() {
    Object.assign(this, { running: true, applied: 0, state: new Uint8Array(0), reads: [] });
    this.raft = new Raft(this.id, this.address, { seed: this.id * 1000, features: FEATURES,
      maxMessageEntries: 50, tracer: this.id === 1 ? trace : undefined });
    this.step({ type: 'start', term: this.term, votedFor: this.vote, startIndex: this.first,
      entries: this.log, snapshot: this.snapshot?.metadata });
  }

  stop() {
    this.raft.close();
    this.running = false;
  }

  step(event) {
    const collect = every > 0 && taken++ % every === 0 ? globalThis.gc : () => {};
    collect();
    let update;
    try {
      update = this.raft.step(event, now, this.id * 100);
    } catch (error) {
      if (error instanceof core.RaftError) {
        this.lineUpdate(event, error.number, 0, error.message);
      }
      throw error;
    }
    collect();
    this.lineUpdate(event, 0, update.flags);
    this.carryOut(event, update);
  }

  lineUpdate(event, code, flags, ...why) {
    const r = this.raft;
    const leader = r.leader ?? { id: 0, address: '-' };
    line('u', this.id, now, names.eventTypes.byName[event.type], code, flags, r.currentTerm,
      r.votedFor, names.states.byName[r.state], r.commitIndex, r.timeout, r.lastIndex,
      r.firstIndex, r.lastStored, r.snapshotIndex, names.roles.byName[r.role] ?? -1, leader.id,
      leader.address, r.transferee, ...why);
  }

  carryOut(event, update) {
    const then = [];
    const acks = [];
    if (update.mustSave) {
      this.term = this.raft.currentTerm;
      this.vote = this.raft.votedFor;
    }
    if (update.entries) {
      const { index, entries, write } = update.entries;
      line('e', index, entries.length, write);
      if (this.log.length === 0) {
        this.first = index;
      }
      this.log.length = index - this.first;
      for (const e of entries) {
        line('', e.term, names.entryTypes.byName[e.type], e.cookie, hex(e.payload));
        this.log.push(e);
      }
      if (entries.length > 0) {
        acks.push({ type: 'stored', index: index + entries.length - 1, write });
      }
    }
    if (update.snapshot) {
      acks.push(this.writeChunk(update.snapshot));
    }
    for (const message of update.messages) {
      then.push(...this.send(message));
    }
    for (const read of update.reads) {
      line('r', read.id, read.index, read.status);
      this.reads.push(read);
    }
    if (event.type === 'persistedSnapshot') {
      this.install();
    }
    if (update.commitIndexChanged) {
      this.apply();
    }
    for (const follow of [...then, ...acks]) {
      this.step(follow);
    }
  }

  writeChunk({ metadata: m, offset, chunk, last }) {
    line('s', m.index, m.term, m.configurationIndex, show(m.configuration), offset, last,
      hex(chunk));
    if (offset === 0) {
      this.incoming = { metadata: m, data: new Uint8Array(0) };
    }
    check(this.incoming.data.length === offset, 'a chunk is missing');
    this.incoming.data = joined(this.incoming.data, chunk);
    return { type: 'persistedSnapshot', index: m.index, term: m.term, offset, last };
  }

  install() {
    if (this.raft.snapshotIndex !== (this.snapshot?.metadata.index ?? 0)) {
      this.snapshot = this.incoming;
      this.log = [];
      this.first = this.snapshot.metadata.index + 1;
    }
  }

  send(m) {
    line('m', names.messageTypes.byName[m.type], m.serverId, m.serverAddress,
      ...FIELDS[m.type].split(' ').map((f) => Array.isArray(m[f]) ? show(m[f]) : m[f]));
    const cut = [];
    if (m.type === 'appendEntries') {
      let n = m.nEntries;
      if (this.limit > 0 && n > this.limit) {
        n = this.limit;
        cut.push({ type: 'sent', serverId: m.serverId, index: m.prevLogIndex + n });
      }
      const at = m.prevLogIndex + 1 - this.first;
      m.entries = this.log.slice(at, at + n);
    } else if (m.type === 'installSnapshot') {
      check(m.lastIndex === this.snapshot.metadata.index, 'an old snapshot is asked for');
      const { data } = this.snapshot;
      m.data = data.subarray(m.offset, m.offset + CHUNK);
      m.last = m.offset + m.data.length === data.length;
    }
    network.push([this.id, m.serverId, wire.encode(m, this.id, this.address)]);
    return cut;
  }

  apply() {
    while (this.applied < this.raft.commitIndex) {
      const index = this.applied + 1;
      const entry = this.log[index - this.first];
      if (entry === undefined) {
        check(this.snapshot.metadata.index >= index, 'an entry is missing');
        this.state = this.snapshot.data;
        this.applied = this.snapshot.metadata.index;
        continue;
      }
      if (entry.type === 'command') {
        this.state = joined(this.state, entry.payload, utf8.encode('\n'));
      }
      this.applied = index;
    }
  }

  takeSnapshot() {
    const { servers: configuration, index } = this.raft.configurationAt(this.applied);
    this.snapshot = { metadata: { index: this.applied, term: this.raft.termOf(this.applied),
      configuration, configurationIndex: index }, data: this.state };
    this.step({ type: 'snapshot', index: this.applied, trailing: 5 });
    this.log.splice(0, this.raft.firstIndex - this.first);
    this.first = this.raft.firstIndex;
  }

  submit(n) {
    const entries = Array.from({ length: n }, () => {
      const payload = command % 500 === 499 ? undefined : utf8.encode(`cmd-${command}`);
      command++;
      return { payload };
    });
    this.step({ type: 'submit', entries });
  }

  get isCommitted() { return this.raft.commitIndex === this.raft.lastIndex; }
}

const running = () => servers.filter((s) => s.running);
const up = () => running().filter((s) => !s.cut);

function leader() {
  let best;
  for (const s of up()) {
    if (s.raft.state === 'leader' && !(best?.raft.currentTerm >= s.raft.currentTerm)) {
      best = s;
    }
  }
  return best;
}

const leads = (by) => () => {
  const s = leader();
  return s !== undefined && (by === undefined || s === by) && s.isCommitted;
};
const committed = (s) => () => s.isCommitted;
const level = (s) => () => up().every((x) => x.applied === s.raft.lastIndex);
const quiet = () => network.length === 0;
const asleep = () => quiet() && running().every((s) => s.raft.timeout === Infinity);

function pump(condition) {
  for (let turns = 0; turns < 100000; turns++) {
    if (condition()) {
      return;
    }
    if (network.length > 0) {
      const [from, to, bytes] = network.shift();
      if (!servers[to].running || servers[to].cut || servers[from].cut) {
        line('d', from, to);
      } else {
        servers[to].step({ type: 'receive', message: wire.decode(bytes) });
      }
      continue;
    }
    const next = running().reduce((a, b) => b.raft.timeout < a.raft.timeout ? b : a);
    check(next.raft.timeout !== Infinity, 'no deadline');
    now = Math.max(now, next.raft.timeout);
    next.step({ type: 'timeout' });
  }
  throw new Error('the condition never holds');
}

function load10(s, rounds) {
  for (let i = 0; i < rounds; i++) {
    s.submit(10);
    pump(quiet);
  }
  pump(level(s));
}

function refused(kind, f) {
  try {
    f();
  } catch (error) {
    check(error instanceof kind, `another error: ${error}`);
    return;
  }
  throw new Error('not refused');
}

const voters = (n, last = 'voter') => Array.from({ length: n }, (_, i) =>
  ({ id: i + 1, address: String(i + 1), role: i + 1 === n ? last : 'voter' }));

function lineProgress(l, id) {
  const p = l.raft.progress(id);
  line('p', id, names.progressModes.byName[p.mode], p.features, p.capacity, p.match, p.next,
    p.lastContact, p.snapshotIndex, p.snapshotOffset, p.dataLosses);
}

function moreEvents(l) {
  line('x events');
  l.step({ type: 'unreachable', serverId: 4 });
  lineProgress(l, 4);
  l.step({ type: 'configuration', index: 1 });
  l.step({ type: 'persistedEntries', index: l.raft.lastStored });
  l.step({ type: 'catchUp', serverId: 0 });
  const configuration = [{ id: 1, address: '1', role: 99 }];
  refused(core.BadRole, () => l.step({ type: 'reconfigure', configuration }));
  pump(level(l));
}

function sleepAndWake(l) {
  line('x sleep');
  running().forEach((s) => s.raft.configure({ idleTimeout: 500 }));
  pump(asleep);
  line('x asleep', now);
  servers[l.id === 1 ? 2 : 1].step({ type: 'wake' });
  pump(asleep);
  line('x wake');
  l.submit(1);
  pump(level(l));
  running().forEach((s) => s.raft.configure({ idleTimeout: 0 }));
}

function recoverAt(s) {
  line('x recover', s.id);
  running().filter((other) => other !== s).forEach((other) => other.stop());
  s.step({ type: 'recover', configuration: [{ id: s.id, address: s.address }] });
  pump(leads(s));
  s.submit(1);
  pump(level(s));
}

function scenario() {
  line('x start');
  [1, 2, 3].forEach((id) => new Server(id));
  servers[1].step({ type: 'bootstrap', configuration: voters(3) });
  pump(leads());
  const l = leader();
  const f = servers[l.id === 1 ? 2 : 1];
  line('x submit', l.id);
  load10(l, 100);
  line('x errors');
  refused(core.NotLeader, () => f.submit(1));
  refused(core.Invalid, () => l.submit(0));
  refused(core.BadId, () => l.step({ type: 'transfer', serverId: 9 }));
  refused(core.Busy, () => f.step({ type: 'campaign' }));
  line('x add');
  new Server(4);
  l.step({ type: 'reconfigure', configuration: voters(4, 'standby') });
  pump(committed(l));
  l.step({ type: 'catchUp', serverId: 4 });
  pump(() => l.raft.catchUp(4) === 'finished');
  l.step({ type: 'reconfigure', configuration: voters(4) });
  pump(committed(l));
  pump(level(l));
  line('x lag', f.id);
  f.cut = true;
  load10(l, 10);
  running().filter((s) => s !== f).forEach((s) => s.takeSnapshot());
  f.cut = false;
  pump(level(l));
  line('x installed', f.raft.snapshotIndex);
  line('x replace');
  l.cut = true;
  l.step({ type: 'read', id: 101 });
  l.submit(3);
  pump(leads());
  const n = leader();
  n.submit(5);
  pump(committed(n));
  l.cut = false;
  pump(level(n));
  line('x read', n.id);
  for (const lease of [false, true]) {
    const id = lease ? 103 : 102;
    n.reads = [];
    n.step({ type: 'read', id, lease });
    pump(() => n.reads.length > 0 && n.applied >= n.reads.at(-1).index);
    line('x', id, n.state.length);
  }
  line('x transfer');
  n.step({ type: 'transfer', serverId: f.id });
  pump(leads(f));
  line('x restart', n.id);
  n.stop();
  n.start();
  pump(level(f));
  moreEvents(f);
  line('x sent');
  f.limit = 4;
  load10(f, 3);
  f.limit = 0;
  running().forEach((s) => lineProgress(f, s.id));
  sleepAndWake(f);
  recoverAt(servers[f.id === 1 ? 2 : 1]);
  for (const s of servers.filter(() => true)) {
    line('z', s.id, s.applied, s.state.length);
    s.raft.close();
  }
}

if (transcript === '--bench') {
  const { bench } = await import('./bench.js');
  bench(Raft, Number(steps));
} else {
  scenario();
  writeFileSync(transcript, lines.join('\n') + '\n');
}
