// SPDX-License-Identifier: MIT
// The lines of the transcript: ../digest/README.md describes them.
import * as names from './src/names.js';

const NEVER = '9223372036854775807';

export const lines = [];
export const line = (...words) => lines.push(words.map((w) => w === true ? 1 : w === false ? 0
  : w === Infinity ? NEVER : w).join(' '));
export const hex = (bytes) => bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex');
export const show = (servers_) => servers_.length === 0 ? '-'
  : servers_.map((s) => `${s.id}:${s.address}:${names.roles.byName[s.role]}`).join(',');
export const trace = (t) =>
  line('t', t.server, t.number, t.code, t.time, t.peer, t.term, t.index, t.text);

// The fields of a message's line, in order.
export const FIELDS = {
  appendEntries: 'version term prevLogIndex prevLogTerm leaderCommit nEntries round sleep',
  appendEntriesResult: 'version term rejected lastLogIndex features capacity round ' +
    'snapshotIndex snapshotOffset',
  requestVote: 'version term candidateId lastLogIndex lastLogTerm disruptLeader preVote',
  requestVoteResult: 'version term voteGranted preVote features capacity',
  installSnapshot: 'version term lastIndex lastTerm configurationIndex configuration offset',
  timeoutNow: 'version term lastLogIndex lastLogTerm',
};
