// SPDX-License-Identifier: MIT
// Remarks about a frame: what changed between the views of a server before and after it.
import { membersText } from './text.js';

const range = (first, last) => first === last ? `entry ${last}` : `entries ${first} to ${last}`;

function stateNotes(before, after, note) {
  if (after.state === 'leader' && before.state !== 'leader') {
    note('role', `becomes leader of term ${after.term}`);
  } else if (after.state === 'candidate' && (before.state !== 'candidate' ||
      before.votes?.preVote !== after.votes?.preVote ||
      (!after.votes?.preVote && before.term !== after.term))) {
    note('role', after.votes?.preVote ? `asks for pre-votes for term ${after.term + 1}`
      : after.votes ? `becomes candidate of term ${after.term}` : 'becomes candidate');
  } else if (before.state === 'leader' && after.state === 'follower') {
    note('role', 'steps down');
  } else if (before.state === 'candidate' && after.state === 'follower') {
    note('role', 'becomes follower');
  }
  if (after.term > before.term) {
    note('term', `enters term ${after.term}`);
  }
  if (after.votedFor !== 0 && (after.votedFor !== before.votedFor || after.term !== before.term)) {
    note('vote', `votes for ${after.votedFor} in term ${after.term}`);
  }
  if (after.transferee !== before.transferee) {
    note('role', after.transferee !== 0 ? `hands leadership over to ${after.transferee}`
      : 'the transfer of leadership has ended');
  }
  if (after.asleep !== before.asleep) {
    note('sleep', after.asleep ? 'falls asleep' : 'wakes up');
  }
}

function logNotes(before, after, note) {
  const last = before.log.at(-1)?.index ?? 0;
  const kept = after.log.findLast((entry) => entry.index <= last &&
    before.log[entry.index - before.log[0].index]?.term === entry.term)?.index ??
    after.firstIndex - 1;
  if (kept < last && after.snapshotIndex === before.snapshotIndex) {
    note('note', `drops ${range(kept + 1, last)} of term ${before.log.at(-1).term}`);
  }
  if (after.snapshotIndex > before.snapshotIndex) {
    note('snapshot', after.snapshotIndex > before.applied
      ? `installs the snapshot at index ${after.snapshotIndex}`
      : `has a snapshot at index ${after.snapshotIndex}`);
  }
  if (after.commitIndex > before.commitIndex) {
    note('commit', `commits ${range(before.commitIndex + 1, after.commitIndex)}`);
  }
  if (after.configuration !== before.configuration && after.configuration.index > 0) {
    note('membership', `has the configuration ${membersText(after.configuration.servers)}`);
  }
  for (const peer of after.peers) {
    const old = before.peers.find(({ id }) => id === peer.id);
    if (old && old.catchUp !== peer.catchUp) {
      note('membership', `the catch-up of ${peer.id}: ${peer.catchUp}`);
    }
    if (old && old.mode !== 'snapshot' && peer.mode === 'snapshot') {
      note('snapshot', `sends a snapshot to ${peer.id}`);
    }
  }
}

/** Remarks about one server. */
function serverNotes(before, after) {
  const notes = [];
  const note = (kind, text) => notes.push({ server: after.id, kind, text });
  if (!before?.up || !after.up) {
    if (after.up) {
      note('note', before ? 'restarts' : 'starts');
    } else if (before?.up) {
      note('crash', 'stops');
    }
    return notes;
  }
  stateNotes(before, after, note);
  logNotes(before, after, note);
  return notes;
}

/** Remarks about reads and commands that have an answer now. */
function requestNotes(before, after) {
  return after.filter((request) => request.status !== 'waiting' &&
    before.find(({ id }) => id === request.id)?.status !== request.status)
    .map(({ id, server, kind, status, index, answer, text }) => ({ server,
      kind: kind === 'read' ? 'read' : 'apply',
      text: status === 'failed' ? `${kind} ${id} failed: ${answer}`
        : kind === 'read' ? `read ${id} answered at index ${index}: "${answer}"`
          : `"${text}" is committed at index ${index}` }));
}

/** What has changed from one view to the next. */
export function viewNotes(before, after) {
  const notes = after.servers.filter((server) => !before.servers.includes(server))
    .flatMap((server) => serverNotes(before.servers.find(({ id }) => id === server.id), server));
  return before.requests === after.requests ? notes
    : [...notes, ...requestNotes(before.requests, after.requests)];
}
