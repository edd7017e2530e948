// SPDX-License-Identifier: MIT
// The pictures of a cluster: plain data. What did not change is the very object of the picture
// before.
import { wire } from '../../../bindings/javascript/src/index.js';

const NO_CONFIGURATION = Object.freeze({ servers: Object.freeze([]), index: 0 });

function same(a, b) {
  if (a === b) {
    return true;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null ||
      Array.isArray(a) !== Array.isArray(b)) {
    return false;
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** `next`, or `before` if it is equal. */
const share = (before, next) => before !== undefined && same(before, next) ? before : next;

/** The same list if its members are the same objects. */
function shareList(before, next) {
  return before?.length === next.length && next.every((item, i) => item === before[i])
    ? before : next;
}

function logView(log, stored, before) {
  return shareList(before, log.map((entry) => entry.views[entry.index <= stored ? 1 : 0]));
}

function writesView(writes) {
  return writes.map(({ until, entries, chunk }) => ({ until,
    index: entries?.list.at(-1)?.index ?? (chunk?.last ? chunk.metadata.index : 0) }));
}

function peersView(server, members, before) {
  const { raft, id } = server;
  const peers = members.filter((member) => member.id !== id).map((member, i) => {
    const { match, next, mode } = raft.progress(member.id);
    return share(before?.peers[i], { id: member.id, match, next, mode,
      catchUp: raft.catchUp(member.id) });
  });
  return shareList(before?.peers, peers);
}

/** The latest configuration. A server with an empty disk has none. */
export function configurationOf(raft) {
  return raft.lastIndex === 0 ? NO_CONFIGURATION : raft.configurationAt(raft.lastIndex);
}

/** The configuration on a disk. */
function configurationOn(disk) {
  const change = disk.log.findLast(({ type }) => type === 'change');
  if (change) {
    return { servers: wire.decodeConfiguration(change.payload), index: change.index };
  }
  const metadata = disk.snapshot?.metadata;
  return metadata ? { servers: metadata.configuration, index: metadata.configurationIndex }
    : NO_CONFIGURATION;
}

function liveView(server, before) {
  const { raft, log } = server;
  const configuration = share(before?.configuration, configurationOf(raft));
  const state = raft.state;
  const lastStored = raft.lastStored;
  return {
    state,
    term: raft.currentTerm,
    votedFor: raft.votedFor,
    leader: raft.leader?.id ?? 0,
    commitIndex: raft.commitIndex,
    firstIndex: raft.firstIndex,
    lastIndex: raft.lastIndex,
    lastStored,
    snapshotIndex: raft.snapshotIndex,
    role: raft.role,
    log: logView(log, lastStored, before?.log),
    configuration,
    peers: state === 'leader' ? peersView(server, configuration.servers, before)
      : shareList(before?.peers, []),
    transferee: raft.transferee,
    lease: state === 'leader' ? undefined : false,
  };
}

/** A server that is down: what is on its disk. */
function diskView(server, before) {
  const { disk } = server;
  const snapshotIndex = disk.snapshot?.metadata.index ?? 0;
  const lastIndex = disk.log.at(-1)?.index ?? snapshotIndex;
  const configuration = share(before?.configuration, configurationOn(disk));
  return {
    state: 'unavailable',
    term: disk.term,
    votedFor: disk.votedFor,
    leader: 0,
    commitIndex: snapshotIndex,
    firstIndex: disk.log[0]?.index ?? lastIndex + 1,
    lastIndex,
    lastStored: lastIndex,
    snapshotIndex,
    role: configuration.servers.find(({ id }) => id === server.id)?.role,
    log: logView(disk.log, lastIndex, before?.log),
    configuration,
    peers: shareList(before?.peers, []),
    transferee: 0,
    lease: undefined,
  };
}

export function serverView(server, before) {
  const { id, address, up, applied, timeout, timeoutSet, asleep, clock, slowness, disk } = server;
  return share(before, {
    id, address, up, applied, timeout, timeoutSet, asleep,
    ...(up ? liveView(server, before) : diskView(server, before)),
    votes: share(before?.votes, server.votes.view),
    clockRate: clock.rate,
    diskDelay: slowness,
    writes: share(before?.writes, writesView(disk.writes)),
    applied_commands: server.machine.commands,
  });
}

/** `changed`: IDs of the servers that may have changed. */
export function makeView(cluster, changed, before) {
  const servers = [...cluster.servers.values()].map((server) => {
    const old = before?.servers.find(({ id }) => id === server.id);
    return old && !changed.has(server.id) ? old : serverView(server, old);
  });
  const { network, requests, check, now } = cluster;
  return {
    at: now,
    servers: shareList(before?.servers, servers),
    messages: network.flights,
    links: network.links,
    loss: network.loss,
    requests: requests.list,
    committed: check.committed,
  };
}
