// SPDX-License-Identifier: MIT
// A cluster of the library's servers in one thread, with a clock that is a number. It is
// deterministic: the same recording gives the same frames.
import { Feature } from '../../../bindings/javascript/src/index.js';
import { ACTS } from './acts.js';
import { Check } from './check.js';
import { Network } from './network.js';
import { viewNotes } from './notes.js';
import { Queue } from './queue.js';
import { makeRandom } from './random.js';
import { Requests } from './requests.js';
import { checkRecording, isAct, MAX_ACTS, MAX_FRAMES } from './schema.js';
import { Server } from './server.js';
import { addressOf } from './text.js';
import { makeView } from './view.js';

export { MAX_ACTS, MAX_FRAMES };

const DEFAULTS = {
  version: 1, seed: 1, servers: 3, latency: [20, 40], disk: 10, acts: [],
};
const SETTINGS = {
  electionTimeout: 1000, heartbeatTimeout: 250,
  features: Feature.rounds | Feature.chunks | Feature.joint | Feature.sleep,
};

/** What the parts of the engine need of the cluster. */
class Host {
  now = 0;
  queue = new Queue();
  servers = new Map();
  frames = [];
  chapters = [];
  #open = undefined; // the frame that is being made
  #touched = new Set(); // servers that stepped in it

  constructor(library, recording) {
    this.library = library;
    this.recording = recording;
    this.random = makeRandom(recording.seed);
    this.check = new Check((server, kind, text) => this.note(server, kind, text));
    this.requests = new Requests(this.check);
    this.network = new Network(this);
  }

  addServer(id) {
    const server = new Server(id, this, this.recording.settings);
    this.servers.set(id, server);
    this.#touched.add(id);
    return server;
  }

  /** Start the servers with the founding configuration, which is on their disks. */
  found() {
    const configuration = [];
    for (let id = 1; id <= this.recording.servers; id++) {
      configuration.push({ id, address: addressOf(id), role: 'voter' });
    }
    this.frame(0, 'start', 'the cluster is founded', () => {
      for (const { id } of configuration) {
        const server = this.addServer(id);
        server.boot();
        server.step({ type: 'bootstrap', configuration });
        while (server.disk.writes.length > 0) {
          server.finish();
        }
      }
      this.#open.steps = [];
    });
  }

  get view() { return this.frames.at(-1).view; }

  /** Make a frame: `run` is what happens in it. */
  frame(server, cause, what, run) {
    const open = { number: this.frames.length, at: this.now, server, what, cause, steps: [],
      sent: [], arrived: undefined, notes: [], view: undefined };
    this.#open = open;
    if (server !== 0) {
      this.#touched.add(server);
    }
    run();
    const before = this.frames.at(-1)?.view;
    for (const id of this.#touched) {
      const changed = this.servers.get(id);
      if (changed) {
        this.check.server(changed);
      }
    }
    open.view = makeView(this, this.#touched, before);
    if (before) {
      open.notes = [...viewNotes(before, open.view), ...open.notes];
    }
    this.#touched.clear();
    this.#open = undefined;
    this.frames.push(open);
  }

  stepped(step) { this.#open.steps.push(step); }
  sent(id) { this.#open.sent.push(id); }
  arrived(id) { this.#open.arrived = id; }
  note(server, kind, text) { this.#open.notes.push({ server, kind, text }); }

  refused(server, error) {
    if (error !== undefined) {
      this.note(server, 'refused', error);
    }
  }

  act(act) {
    const { server, text, run, frames } = ACTS[act.do];
    if (frames?.(this, act)) {
      run(this, act);
    } else {
      const id = server(act);
      this.frame(id, 'act', text(act), () => this.refused(id, run(this, act)));
    }
  }

  step() {
    if (this.frames.length >= MAX_FRAMES) {
      return false;
    }
    const event = this.queue.take();
    if (event === undefined) {
      return false;
    }
    this.now = Math.max(this.now, event.at);
    event.run();
    return true;
  }
}

/** What a page or a scenario sees of it: Cluster in types.d.ts. */
class Cluster {
  #host;

  constructor(library, recording) {
    this.#host = new Host(library, { ...recording, acts: [] });
    this.#host.found();
  }

  get recording() { return this.#host.recording; }
  get frames() { return this.#host.frames; }
  get now() { return this.#host.now; }
  get view() { return this.#host.view; }
  get nextAt() { return this.#host.queue.nextAt; }
  get chapters() { return this.#host.chapters; }
  get full() {
    return this.frames.length >= MAX_FRAMES || this.recording.acts.length >= MAX_ACTS;
  }

  act(act) {
    if (!isAct(act)) {
      throw new TypeError(`not an act: ${JSON.stringify(act)}`);
    }
    if (this.full) {
      throw new RangeError('the history is full');
    }
    const { recording, now, view, frames } = this;
    const kept = structuredClone(act);
    recording.acts.push(now > view.at ? [frames.length, kept, now] : [frames.length, kept]);
    this.#host.act(kept);
  }

  step() { return this.#host.step(); }

  run(msecs) {
    const end = this.now + msecs;
    while (this.nextAt <= end && this.step());
    if (!this.full) {
      this.#host.now = end;
    }
  }

  until(condition, limit = 60000) {
    const end = this.now + limit;
    while (!condition(this.view)) {
      if (this.nextAt > end || !this.step()) {
        throw new Error(`the condition does not hold after ${limit} ms`);
      }
    }
  }

  chapter(title) {
    this.chapters.push({ frame: this.frames.length - 1, title });
  }

  leader() {
    return this.view.servers.filter(({ state }) => state === 'leader')
      .reduce((best, server) => server.term > best.term ? server : best, { id: 0, term: 0 }).id;
  }

  close() {
    for (const { raft } of this.#host.servers.values()) {
      raft?.close();
    }
  }

  /** For replay(): an act that was done before the frame of that number, at that time. */
  replay([frame, act, at]) {
    while (this.frames.length < frame && this.step());
    if (at !== undefined) {
      this.#host.now = Math.max(this.now, Math.min(at, this.nextAt));
    }
    if (!this.full) {
      this.act(act);
    }
  }
}

/** A cluster at its beginning. The acts of `recording` are not done: see replay(). */
export function create(library, recording = {}) {
  const settings = { ...SETTINGS, ...recording.settings };
  const whole = { ...DEFAULTS, ...recording, settings, acts: [] };
  checkRecording(whole);
  return new Cluster(library, whole);
}

/** A cluster with the frames of a recording up to a number; without it, up to the last act. */
export function replay(library, recording, upTo = MAX_FRAMES) {
  checkRecording(recording);
  const cluster = new Cluster(library, recording);
  for (const act of recording.acts) {
    if (act[0] > upTo) {
      break;
    }
    cluster.replay(act);
  }
  if (upTo < MAX_FRAMES) {
    while (cluster.frames.length <= upTo && cluster.step());
  }
  return cluster;
}
