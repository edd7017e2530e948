// SPDX-License-Identifier: MIT
// The usual short texts of a picture: of a message, and of what happens on a server.

const range = (first, last) => first === last ? `entry\u00a0${first}`
  : `entries\u00a0${first}–${last}`;

/** The label of a message. */
export function labelOf({ message: m }) {
  switch (m.type) {
    case 'appendEntries':
      return m.entries.length > 0 ? range(m.prevLogIndex + 1, m.prevLogIndex + m.entries.length)
        : m.sleep ? 'sleep' : 'heartbeat';
    case 'appendEntriesResult':
      return m.rejected > 0 ? `lacks entry\u00a0${m.rejected}`
        : m.snapshotIndex > 0 ? `has ${m.snapshotOffset} bytes` : `stored ${m.lastLogIndex}`;
    case 'requestVote': return m.preVote ? 'pre-vote?' : 'vote?';
    case 'requestVoteResult': return m.voteGranted ? 'yes' : 'no';
    case 'installSnapshot':
      return `bytes ${m.offset}–${m.offset + m.data.length - 1}${m.last ? ', last' : ''}`;
    default: return 'TimeoutNow';
  }
}

/** The class of its colour: votes, entries, snapshots and the rest, as in the playground. */
export function colourOf({ message: { type } }) {
  return { appendEntries: 'append', appendEntriesResult: 'append', requestVote: 'vote',
    requestVoteResult: 'vote', installSnapshot: 'snapshot' }[type] ?? 'now';
}

const PATTERNS = [ // [kind, what the engine says, what the picture says]
  ['role', /^asks for pre-votes/, () => 'timer expires'],
  ['role', /^becomes candidate of term (\d+)/, (term) => `candidate, term\u00a0${term}`],
  ['role', /^becomes leader of term (\d+)/, (term) => `leader, term\u00a0${term}`],
  ['role', /^hands leadership over to (\d+)/, (id) => `hands over to\u00a0${id}`],
  ['role', /^steps down/, () => 'steps down'],
  ['vote', /^votes for (\d+)/, (id, server) => Number(id) === server ? undefined
    : `votes for ${id}`],
  ['commit', /^commits entr(?:y|ies) (?:\d+ to )?(\d+)/, (last) => `commits entry\u00a0${last}`],
  ['apply', /is committed at index/, () => 'answers the client'],
  ['apply', /^command \d+ failed/, () => 'command is lost'],
  ['read', /^read \d+ answered at index \d+: "(.*)"/, (values) => `answers ${values}`],
  ['crash', /^stops/, () => 'stops'],
  ['sleep', /^(falls asleep|wakes up)/, (what) => what],
  ['snapshot', /^installs the snapshot/, () => 'installs the snapshot'],
  ['note', /^drops entr(?:y|ies) (\d+)(?: to (\d+))?/, (first, server, last) =>
    `drops ${range(first, last ?? first)}`],
  ['note', /^restarts/, () => 'restarts'],
];

/** What a picture says about a remark of the engine; undefined: nothing. */
export function remarkOf({ server, kind, text }) {
  for (const [of, pattern, say] of PATTERNS) {
    const match = of === kind ? pattern.exec(text) : null;
    if (match) {
      return say(match[1], server, match[2]);
    }
  }
  return undefined;
}

/** What a picture says about an act on a server; undefined: nothing. */
export function actOf({ cause, what }) {
  const request = cause === 'act' ? /a client (?:submits "(.*)"|(reads.*))$/.exec(what) : null;
  return !request ? undefined : request[1] !== undefined ? `client: ${request[1]}`
    : request[2] === 'reads' ? 'client: read by a round' : 'client: read by lease';
}
