// SPDX-License-Identifier: MIT
// Events, updates and messages with the names of raft.h: 'catchUp' is RAFT_CATCH_UP.

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
export const constant = (name, prefix = 'RAFT_') => prefix + snake(name).toUpperCase();

/** Messages as the paper calls them. */
export const MESSAGES = {
  appendEntries: 'AppendEntries',
  appendEntriesResult: 'AppendEntries result',
  requestVote: 'RequestVote',
  requestVoteResult: 'RequestVote result',
  installSnapshot: 'InstallSnapshot',
  timeoutNow: 'TimeoutNow',
};

const bytes = (value) => `${value.length} ${value.length === 1 ? 'byte' : 'bytes'}`;

function server(value) {
  const role = value.role === undefined || value.role === 'voter' ? '' : ` ${value.role}`;
  return `${value.id}${role}`;
}

function entry(value) {
  const type = typeof value.type === 'number' ? `type ${value.type}` :
    constant(value.type ?? 'command');
  return value.term === undefined ? type : `${type} of term ${value.term}`;
}

/** A value as short text. */
export function plain(value, key = '') {
  if (value instanceof Uint8Array) {
    return bytes(value);
  }
  if (Array.isArray(value)) {
    const of = key === 'configuration' ? server : key === 'entries' ? entry : plain;
    return `[${value.map((each) => of(each)).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{ ${pairs(value).map(([name, text]) => `${name}: ${text}`).join(', ')} }`;
  }
  return value === Infinity ? 'never' : String(value);
}

/** [name in raft.h, value as text] of an object's fields. */
function pairs(object, without = []) {
  return Object.entries(object)
    .filter(([key, value]) => value !== undefined && !without.includes(key))
    .map(([key, value]) => [snake(key), plain(value, key)]);
}

/** An event: its type, and the fields of its member of the union. */
export function eventLines(event) {
  const member = snake(event.type);
  const lines = [['event.type', constant(event.type)]];
  if (event.type === 'receive') {
    const { message } = event;
    lines.push(['message->type', messageType(message)]);
    lines.push(...messageLines(message).map(([name, text]) => [`message->${name}`, text]));
    return lines;
  }
  for (const [name, text] of pairs(event, ['type'])) {
    lines.push([`event.${member}.${name}`, text]);
  }
  return lines;
}

export const messageType = (message) =>
  typeof message.type === 'number' ? String(message.type) : constant(message.type);

/** The fields of a message. Those that say nothing are left out. */
export function messageLines(message) {
  const silent = (key, value) => key === 'type' || key === 'serverAddress' || key === 'version' ||
    value === false && key !== 'voteGranted' || value === 0 && ['features', 'capacity', 'round',
    'snapshotIndex', 'snapshotOffset'].includes(key);
  return Object.entries(message)
    .filter(([key, value]) => value !== undefined && !silent(key, value))
    .map(([key, value]) => [snake(key), plain(value, key)]);
}

/** The bits of `update.flags`, in the order of raft.h. */
const FLAGS = ['currentTerm', 'votedFor', 'entries', 'snapshot', 'messages', 'state', 'commitIndex',
  'timeout', 'configuration', 'reads', 'leader', 'catchUp', 'transfer'];
export const flagNames = (flags) => FLAGS.filter((_, bit) => flags & 1 << bit);

/** What an update tells the caller to do: { duty, name, value }, where `name` is that of raft.h and
 * `duty` may be ''. `view` is the server after the step: flags of the update stand for getters. */
export function updateLines(update, view) {
  const lines = [];
  const add = (duty, name, value) => lines.push({ duty, name, value });
  const flags = flagNames(update.flags);
  const getter = (flag, name, value, duty = '') => {
    if (flags.includes(flag)) {
      add(duty, `raft_${name}(r)`, plain(value));
    }
  };
  getter('currentTerm', 'current_term', view?.term, 'duty 1: save');
  getter('votedFor', 'voted_for', view?.votedFor, 'duty 1: save');
  if (update.entries) {
    const { index, entries, write } = update.entries;
    add('duty 2: write', 'update.entries', entries.length === 0 ?
      `delete the log from index ${index} on` :
      `from index ${index}: ${plain(entries, 'entries')}, write ${write}`);
  }
  if (update.snapshot) {
    const { metadata, offset, chunk, last } = update.snapshot;
    add('duty 3: write', 'update.snapshot', `index ${metadata.index}, term ${metadata.term}, ` +
      `offset ${offset}, ${bytes(chunk)}${last ? ', last' : ''}`);
  }
  update.messages.forEach((message, at) => {
    const fields = messageLines(message).map((pair) => pair.join(': ')).join(', ');
    add('duty 4: send', `update.messages[${at}]`, `${messageType(message)} { ${fields} }`);
  });
  getter('commitIndex', 'commit_index', view?.commitIndex, 'duty 5: apply');
  update.reads.forEach((read, at) => add('', `update.reads[${at}]`, read.status === 0 ?
    `read ${read.id}: serve it after applying index ${read.index}` :
    `read ${read.id}: refused, status ${read.status}`));
  getter('timeout', 'timeout', view?.timeout, 'duty 6: set the timer');
  getter('state', 'state', view && constant(view.state));
  getter('leader', 'leader', view?.leader === 0 ? 'none' : view?.leader);
  getter('transfer', 'transferee', view?.transferee);
  getter('configuration', 'configuration_at', plain(view?.configuration.servers ?? [],
    'configuration'));
  if (flags.includes('catchUp')) {
    for (const { id, catchUp } of view?.peers ?? []) {
      if (catchUp !== 'none') {
        add('', `raft_catch_up(r, ${id})`, constant(catchUp, 'RAFT_CATCH_UP_'));
      }
    }
  }
  return lines;
}
