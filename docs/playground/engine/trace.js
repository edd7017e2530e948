// SPDX-License-Identifier: MIT
// Frames of what `raft-sim --seed N --trace-file FILE` has written: one fact a line, in JSON. A
// trace knows neither the entries of logs nor the contents of messages.
import { viewNotes } from './notes.js';
import { MAX_FRAMES } from './schema.js';
import { MESSAGE_NAMES } from './text.js';

const FORMAT = 1;
const MAX_SERVERS = 9;
const STATES = ['unavailable', 'follower', 'candidate', 'leader'];
const NUMBERS = ['term', 'votedFor', 'leader', 'commitIndex', 'firstIndex', 'lastIndex',
  'lastStored', 'snapshotIndex'];
// What the notes about the changed view say, too.
const REPEATED = /^(is (follower|candidate|leader) of term|configuration )/;

const whole = (x, most = Number.MAX_SAFE_INTEGER) => Number.isInteger(x) && x >= 0 && x <= most;
const text = (x) => typeof x === 'string';

function isConfiguration(x) {
  return typeof x === 'object' && x !== null && whole(x.index) && Array.isArray(x.servers) &&
    x.servers.length <= MAX_SERVERS &&
    x.servers.every(({ id, address, role }) => whole(id) && text(address) && text(role));
}

const message = (x) => whole(x.sent, x.at) && whole(x.from, MAX_SERVERS) &&
  whole(x.to, MAX_SERVERS) && Object.hasOwn(MESSAGE_NAMES, x.type) && text(x.text);
const remark = (x) => whole(x.server, MAX_SERVERS) && text(x.text);
const ofServer = (x) => remark(x) && x.server > 0;
const KINDS = {
  message,
  lost: message,
  note: remark,
  violation: remark,
  crash: ofServer,
  boot: ofServer,
  server: (x) => whole(x.server, MAX_SERVERS) && x.server > 0 && STATES.includes(x.state) &&
    NUMBERS.every((name) => whole(x[name])) && typeof x.asleep === 'boolean' &&
    (x.configuration === undefined || isConfiguration(x.configuration)),
};

function parse(line, number) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new TypeError(`line ${number} of the trace: ${error.message}`);
  }
}

/** The facts in the order of their times, and for each message one more when it is sent. */
function read(content) {
  const [head, ...lines] = content.split('\n').filter((line) => line !== '');
  const header = parse(head ?? '', 1);
  if (header?.kind !== 'raft-sim' || header.version !== FORMAT ||
      !whole(header.servers, MAX_SERVERS)) {
    throw new TypeError('not a trace of raft-sim, or not of this version');
  }
  const facts = lines.map((line, i) => {
    const fact = parse(line, i + 2);
    if (!Object.hasOwn(KINDS, fact?.kind) || !whole(fact.at) || !KINDS[fact.kind](fact)) {
      throw new TypeError(`line ${i + 2} of the trace is not a fact`);
    }
    return fact;
  });
  let id = 0;
  const sends = [];
  facts.forEach((fact, place) => {
    fact.place = place;
    if (fact.kind === 'message' || fact.kind === 'lost') {
      fact.id = ++id;
      // A server sends after what it does at the same time, and before the message is lost.
      sends.push({ kind: 'send', at: fact.sent, server: fact.from, fact,
        place: fact.sent === fact.at ? place - 0.5 : facts.length + place });
      fact.server = fact.kind === 'lost' ? 0 : fact.to;
    }
  });
  const order = (a, b) => a.at - b.at || a.place - b.place;
  return { header, facts: [...facts, ...sends].sort(order) };
}

function unknownServer(id) {
  return {
    id, address: `s${id}`, up: false, state: 'unavailable', term: 0, votedFor: 0, leader: 0,
    commitIndex: 0, applied: 0, firstIndex: 1, lastIndex: 0, lastStored: 0, snapshotIndex: 0,
    timeout: Infinity, timeoutSet: 0, role: undefined, asleep: false, log: [],
    configuration: { servers: [], index: 0 }, peers: [], votes: undefined, transferee: 0,
    clockRate: 1, diskDelay: 0, writes: [], lease: undefined, applied_commands: [], partial: true,
  };
}

function serverAfter(before, fact) {
  switch (fact.kind) {
    case 'crash': return { ...before, up: false, state: 'unavailable', leader: 0, asleep: false };
    case 'boot': return { ...before, up: true, state: 'follower' };
    default: {
      const { state, asleep, configuration = before.configuration } = fact;
      const numbers = Object.fromEntries(NUMBERS.map((name) => [name, fact[name]]));
      return { ...before, ...numbers, state, asleep, configuration, applied: fact.commitIndex,
        role: configuration.servers.find(({ id }) => id === before.id)?.role };
    }
  }
}

function flightOf({ id, from, to, sent, at, kind, type, text: words }) {
  return { id, from, to, sentAt: sent / 1000, arrivesAt: at / 1000, lost: kind === 'lost',
    message: { type, serverId: from, serverAddress: `s${from}` }, text: words };
}

function whatOf(fact) {
  switch (fact.kind) {
    case 'message': return `${MESSAGE_NAMES[fact.type]} from ${fact.from} reaches ${fact.to}`;
    case 'lost': return `${MESSAGE_NAMES[fact.type]} from ${fact.from} to ${fact.to} is lost`;
    case 'send': return `server ${fact.server} sends`;
    case 'server': return `server ${fact.server}: an event`;
    case 'violation': return `violation: ${fact.text}`;
    default: return fact.server === 0 ? fact.text : `server ${fact.server}: ${fact.text}`;
  }
}

const CAUSES = { message: 'message', lost: 'lost', boot: 'start' };
const NOTES = { crash: 'crash', boot: 'note', note: 'note', violation: 'violation' };
const BEGINS = new Set(['message', 'lost', 'crash', 'boot', 'violation']);

/** Facts that are one frame: those of one server at one time, after what caused them. */
function* groups(facts) {
  let group = [];
  for (const fact of facts) {
    const [first] = group;
    if (first && (BEGINS.has(fact.kind) || fact.at !== first.at || fact.server !== first.server)) {
      yield group;
      group = [];
    }
    group.push(fact);
  }
  if (group.length > 0) {
    yield group;
  }
}

function frameOf(group, before) {
  const [first] = group;
  const at = first.at / 1000;
  let { servers, messages, committed } = before;
  const notes = [];
  const sent = [];
  for (const fact of group) {
    if (fact.kind === 'send') {
      messages = [...messages, flightOf(fact.fact)];
      sent.push(fact.fact.id);
    } else if (fact.kind === 'message' || fact.kind === 'lost') {
      messages = messages.filter(({ id }) => id !== fact.id);
    } else if (fact.kind === 'server' || fact.kind === 'crash' || fact.kind === 'boot') {
      servers = servers.map((server) => server.id === fact.server ? serverAfter(server, fact)
        : server);
      committed = Math.max(committed, fact.commitIndex ?? 0);
    }
    if (NOTES[fact.kind] && !REPEATED.test(fact.text)) {
      notes.push({ server: fact.server, kind: NOTES[fact.kind], text: fact.text });
    }
  }
  const view = { ...before, at, servers, messages, committed };
  return { number: 0, at, server: first.server, what: whatOf(first),
    cause: CAUSES[first.kind] ?? 'trace', steps: [], sent,
    arrived: MESSAGE_NAMES[first.type] && first.id,
    notes: [...viewNotes(before, view), ...notes], view };
}

/** The frames of a trace: of a long one the last ones, at most MAX_FRAMES. Throws a TypeError if
 * the text is not a trace. */
export function framesOfTrace(content) {
  const { header, facts } = read(content);
  const servers = Array.from({ length: header.servers }, (_, i) => unknownServer(i + 1));
  let view = { at: 0, servers, messages: [], links: [], loss: 0, requests: [], committed: 0 };
  let frames = [{ number: 0, at: 0, server: 0, what: `raft-sim, seed ${header.seed}`,
    cause: 'trace', steps: [], sent: [], arrived: undefined, notes: [], view }];
  for (const group of groups(facts)) {
    const frame = frameOf(group, view);
    ({ view } = frame);
    frames.push(frame);
    if (frames.length === 2 * MAX_FRAMES) {
      frames = frames.slice(-MAX_FRAMES);
    }
  }
  frames = frames.slice(-MAX_FRAMES);
  frames.forEach((frame, i) => { frame.number = i; });
  return frames;
}
