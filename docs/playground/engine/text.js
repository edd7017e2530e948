// SPDX-License-Identifier: MIT
// Short texts for messages, entries and configurations.

const fromUtf8 = new TextDecoder();

export const addressOf = (id) => `server${id}`;

const ROLE = {
  voter: (id) => `${id}`,
  standby: (id) => `(${id})`,
  spare: (id) => `[${id}]`,
  voterOutgoing: (id) => `${id}-`,
  voterIncoming: (id) => `${id}+`,
  voterToStandby: (id) => `(${id}-)`,
  voterToSpare: (id) => `[${id}-]`,
};

/** "1 2 (3)": voters, standbys in parentheses, spares in brackets. In a joint configuration "1-" is
 * a voter of the old set only, "4+" one of the new set only. */
export function membersText(servers) {
  return servers.map(({ id, role }) => (ROLE[role] ?? ROLE.voter)(id)).join(' ');
}

export function commandText(payload) { return fromUtf8.decode(payload); }

function range(first, n) {
  return n === 1 ? `${first}` : `${first}..${first + n - 1}`;
}

/** "AppendEntries 5..7", "vote granted". */
export function messageText(m) {
  switch (m.type) {
    case 'appendEntries':
      return m.entries.length > 0 ? `AppendEntries ${range(m.prevLogIndex + 1, m.entries.length)}`
        : m.sleep ? 'heartbeat: sleep' : 'heartbeat';
    case 'appendEntriesResult':
      return m.rejected > 0 ? `rejects ${m.rejected}`
        : m.snapshotIndex > 0 ? `has ${m.snapshotOffset} bytes of snapshot ${m.snapshotIndex}`
          : `has ${m.lastLogIndex}`;
    case 'requestVote':
      return m.preVote ? `asks for a pre-vote in term ${m.term}`
        : `asks for a vote in term ${m.term}`;
    case 'requestVoteResult':
      return `${m.preVote ? 'pre-vote' : 'vote'} ${m.voteGranted ? 'granted' : 'refused'}`;
    case 'installSnapshot':
      return `snapshot ${m.lastIndex}, ${m.data.length} bytes at ${m.offset ?? 0}` +
        (m.last ? ', the last' : '');
    case 'timeoutNow': return 'TimeoutNow';
    default: return 'unknown';
  }
}

export const MESSAGE_NAMES = {
  appendEntries: 'AppendEntries',
  appendEntriesResult: 'AppendEntriesResult',
  requestVote: 'RequestVote',
  requestVoteResult: 'RequestVoteResult',
  installSnapshot: 'InstallSnapshot',
  timeoutNow: 'TimeoutNow',
};
