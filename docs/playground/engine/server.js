// SPDX-License-Identifier: MIT
// One server: the library's raft, a disk, a clock and a state machine. It carries out each update
// by the six duties of raft.h, in their order.
import { RaftError, wire } from '../../../bindings/javascript/src/index.js';
import { Clock } from './clock.js';
import { Disk, replaced } from './disk.js';
import { chunkOf, Machine } from './machine.js';
import { addressOf, commandText, membersText } from './text.js';
import { configurationOf } from './view.js';
import { Votes } from './votes.js';

/** An entry of the log with its two views: not stored and stored. */
function keep({ payload, type, term }, index) {
  const text = type === 'command' ? commandText(payload)
    : type === 'change' ? membersText(wire.decodeConfiguration(payload)) : '';
  const view = (stored) => Object.freeze({ index, term, type, text, stored });
  return { index, term, type, payload, text, views: [view(false), view(true)] };
}

export class Server {
  up = false;
  raft = undefined;
  log = []; // what the library has in its log: its last entries may not be on the disk yet
  applied = 0;
  machine = new Machine();
  disk = new Disk();
  clock = new Clock();
  slowness = 0; // of the disk, in addition to the usual time
  timeout = Infinity; // in simulated time
  timeoutSet = 0;
  asleep = false;
  votes = new Votes();
  promoting = 0; // a server that is caught up to be made a voter
  #boots = 0;
  #deadline = Infinity; // on the own clock
  #timer = 0; // changes when a timer is set anew
  #held = []; // messages that wait for a write: { write, to, bytes }

  /** `host` is the cluster: see Host in cluster.js. */
  constructor(id, host, settings) {
    this.id = id;
    this.address = addressOf(id);
    this.host = host;
    this.settings = { ...settings };
  }

  /** Start from what is on the disk. */
  boot() {
    const { disk, id, host } = this;
    const snapshot = disk.snapshot;
    this.log = disk.log;
    this.machine = new Machine();
    this.applied = snapshot?.metadata.index ?? 0;
    if (snapshot) {
      this.machine.restore(snapshot.bytes);
    }
    this.asleep = false;
    this.votes = new Votes();
    const seed = (host.recording.seed + 1000003 * this.#boots++) >>> 0;
    this.raft = new host.library.Raft(id, this.address, { ...this.settings, seed,
      tracer: (record) => this.#trace(record) });
    this.up = true;
    return this.step({ type: 'start', term: disk.term, votedFor: disk.votedFor,
      snapshot: snapshot?.metadata, startIndex: disk.log[0]?.index ?? 0,
      entries: disk.log.map(({ term, type, payload }) => ({ term, type, payload })) });
  }

  /** Stop. `lose`: see the act 'kill'. */
  stop(lose) {
    this.raft.close();
    this.raft = undefined;
    this.up = this.asleep = false;
    this.disk.stop(lose);
    this.log = this.disk.log;
    this.machine = new Machine();
    this.applied = this.promoting = 0;
    this.#held = [];
    this.#timer++;
    this.#deadline = this.timeout = Infinity;
    this.votes = new Votes();
    this.host.requests.serverStopped(this.id);
  }

  #trace(record) {
    if (record.type === 'asleep' || record.type === 'awake') {
      this.asleep = record.type === 'asleep';
    } else if (record.type === 'dataLoss') {
      this.host.note(this.id, 'disk',
        `server ${record.peer} lost entries that it had acknowledged, up to ${record.index}`);
    }
  }

  /** Step an event and carry out its update. Returns the text of an error, or undefined. */
  step(event) {
    const time = this.clock.at(this.host.now);
    let update;
    try {
      update = this.raft.step(event, time);
    } catch (error) {
      if (!(error instanceof RaftError)) {
        throw error;
      }
      this.host.stepped({ event, error: error.message, time });
      if (error.code === 'RAFT_CORRUPT') {
        this.host.note(this.id, 'crash', `stops: ${error.message}`);
        this.stop('nothing');
      }
      return error.message;
    }
    this.host.stepped({ event, update, time });
    this.votes.see(event, update, this);
    this.#carryOut(event, update);
    return undefined;
  }

  #carryOut(event, update) {
    const { raft, disk, host } = this;
    // Duties 1 to 3 are one write.
    const write = {};
    if (update.mustSave) {
      write.term = raft.currentTerm;
      write.votedFor = raft.votedFor;
    }
    if (update.entries) {
      const { entries, write: ticket } = update.entries;
      const whole = event.type === 'start' && entries.length === 0; // drop the whole log
      const index = whole ? 0 : update.entries.index;
      const list = entries.map((entry, i) => keep(entry, index + i));
      host.requests.replaced(this.id, index);
      this.log = replaced(this.log, index, list);
      write.entries = { index, list, ticket };
    }
    if (update.snapshot) {
      const { metadata, offset, chunk: data, last } = update.snapshot;
      write.chunk = { metadata, offset, data, last };
    }
    if (Object.keys(write).length > 0) {
      this.#write(write);
    }
    this.#send(update.messages); // duty 4
    this.#apply(); // duty 5
    host.requests.judge(this, update.reads);
    this.retime(false); // duty 6
    const first = raft.firstIndex;
    if (this.log.length > 0 && this.log[0].index < first) {
      this.log = this.log.filter(({ index }) => index >= first);
    }
    disk.trim(first, raft.oldestSnapshotIndex);
    if (update.catchUpChanged) {
      this.#catchUpChanged();
    }
  }

  #write(write) {
    const { disk, host } = this;
    disk.begin(write, host.now + host.recording.disk + this.slowness);
    host.queue.add(write.until, () => disk.writes.includes(write), () => this.#written(write));
  }

  #written(write) {
    const { entries, chunk } = write;
    const last = entries?.list.at(-1)?.index ?? 0;
    const what = [write.term === undefined ? '' : 'term and vote', last ? `entry ${last}` : '',
      entries && !last ? 'a shorter log' : '', chunk ? 'a chunk of a snapshot' : '']
      .filter((part) => part !== '').join(', ');
    this.host.frame(this.id, 'disk', `server ${this.id}: on disk: ${what}`, () => this.finish());
  }

  /** The oldest write has finished. */
  finish() {
    const write = this.disk.finish();
    const { entries, chunk } = write;
    const released = this.#held.filter((held) => held.write === write);
    this.#held = this.#held.filter((held) => held.write !== write);
    for (const { to, bytes } of released) {
      this.host.network.send(this.id, to, bytes);
    }
    if (entries?.list.length > 0) {
      this.step({ type: 'stored', index: entries.list.at(-1).index, write: entries.ticket });
    }
    if (chunk && this.up) {
      const { index, term } = chunk.metadata;
      this.step({ type: 'persistedSnapshot', index, term, offset: chunk.offset,
        last: chunk.last });
    }
  }

  /** Attach what messages lack, and send them. Messages wait until term and vote are durable. */
  #send(messages) {
    const gate = this.disk.writes.findLast((write) => write.term !== undefined);
    for (const message of messages) {
      const to = message.serverId;
      if (message.type === 'appendEntries' && message.nEntries > 0) {
        const at = message.prevLogIndex + 1 - (this.log[0]?.index ?? Infinity);
        message.entries = at < 0 ? [] : this.log.slice(at, at + message.nEntries)
          .map(({ term, type, payload }) => ({ term, type, payload }));
        if (message.entries.length < message.nEntries) {
          throw new Error(`server ${this.id} lacks entries after ${message.prevLogIndex}`);
        }
      } else if (message.type === 'installSnapshot') {
        const { bytes } = this.disk.snapshotAt(message.lastIndex);
        Object.assign(message, message.version === 0 ? { data: bytes, last: true }
          : chunkOf(bytes, message.offset));
      }
      const bytes = wire.encode(message, this.id, this.address);
      if (gate) {
        this.#held.push({ write: gate, to, bytes });
      } else {
        this.host.network.send(this.id, to, bytes);
      }
    }
  }

  #apply() {
    const { raft, disk } = this;
    if (this.applied < raft.snapshotIndex) { // the last chunk was stored
      this.machine.restore(disk.snapshotAt(raft.snapshotIndex).bytes);
      this.applied = raft.snapshotIndex;
      this.log = disk.log = [];
    }
    while (this.applied < raft.commitIndex) {
      const entry = this.log[this.applied + 1 - this.log[0].index];
      this.applied++;
      if (entry.type === 'command') {
        this.machine.apply(entry.text);
      }
      this.host.check.applied(this.id, entry);
    }
  }

  /** Set the timer if the deadline, or how the clock runs (`anew`), has changed. */
  retime(anew) {
    const { host } = this;
    const deadline = this.raft.timeout;
    if (deadline === this.#deadline && !anew) {
      return;
    }
    this.#deadline = deadline;
    this.timeout = this.clock.when(deadline);
    this.timeoutSet = host.now;
    const timer = ++this.#timer;
    if (this.timeout < Infinity) {
      host.queue.add(Math.max(this.timeout, host.now), () => timer === this.#timer, () => {
        const kind = this.raft.state === 'leader' ? 'heartbeat' : 'election';
        host.frame(this.id, 'timeout', `server ${this.id}: ${kind} timeout`,
          () => this.step({ type: 'timeout' }));
      });
    }
  }

  /** Members of the latest configuration. */
  members() { return configurationOf(this.raft).servers; }

  /** Take a snapshot of what was applied. */
  takeSnapshot(trailing) {
    const { raft, disk, applied } = this;
    if (applied <= raft.snapshotIndex) {
      return `nothing was applied since the snapshot at ${raft.snapshotIndex}`;
    }
    const { servers, index } = raft.configurationAt(applied);
    const metadata = { index: applied, term: raft.termOf(applied), configuration: servers,
      configurationIndex: index };
    disk.snapshots = [...disk.snapshots, { metadata, bytes: this.machine.save() }];
    const error = this.step({ type: 'snapshot', index: applied, trailing });
    if (error !== undefined) {
      disk.forget(applied);
    }
    return error;
  }

  /** Catch a server up; when that has finished, make it a voter. */
  promote(id) {
    this.promoting = id;
    const error = this.step({ type: 'catchUp', serverId: id });
    if (error !== undefined) {
      this.promoting = 0;
    }
    return error;
  }

  #catchUpChanged() {
    const id = this.promoting;
    const { raft, host } = this;
    const status = id !== 0 && raft.state === 'leader' &&
      this.members().some((server) => server.id === id) ? raft.catchUp(id) : 'none';
    if (status === 'running') {
      return;
    }
    this.promoting = 0;
    if (status === 'finished') {
      const valid = () => this.raft === raft;
      host.queue.add(host.now, valid, () => host.frame(this.id, 'act',
        `server ${this.id}: make ${id} a voter`, () => {
          host.refused(this.id, this.reconfigure((servers) => servers
            .map((server) => server.id === id ? { ...server, role: 'voter' } : server)));
        }));
    }
  }

  reconfigure(change) {
    return this.step({ type: 'reconfigure', configuration: change(this.members()) });
  }
}
