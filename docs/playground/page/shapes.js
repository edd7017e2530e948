// SPDX-License-Identifier: MIT
// How a message looks. Each type has a colour and a shape, because some people cannot tell the
// colours apart.

import { svg } from './dom.js';

const polygon = (corners, radius, turn = -90) => {
  const points = [];
  for (let at = 0; at < corners; at++) {
    const angle = (turn + at * 360 / corners) * Math.PI / 180;
    points.push([Math.cos(angle), Math.sin(angle)].map((x) => (radius * x).toFixed(2)).join(' '));
  }
  return `M${points.join('L')}Z`;
};
const circle = (r) => `M${r} 0A${r} ${r} 0 1 1 ${-r} 0A${r} ${r} 0 1 1 ${r} 0Z`;
const star = 'M0 -10L2.9 -3.6L9.6 -3.1L4.6 1.5L6 8.1L0 4.7L-6 8.1L-4.6 1.5L-9.6 -3.1L-2.9 -3.6Z';

/** kind: [path, class of its colour, label] */
const KINDS = {
  vote: [polygon(3, 11), 'm-vote', 'RequestVote'],
  preVote: [polygon(3, 11), 'm-vote m-hollow', 'pre-vote'],
  granted: [polygon(4, 11), 'm-vote', 'vote granted'],
  refused: [polygon(4, 11), 'm-vote m-hollow', 'vote refused'],
  entries: ['M-9 -9H9V9H-9Z', 'm-append', 'entries'],
  heartbeat: ['M-7 -7H7V7H-7Z', 'm-append m-hollow', 'heartbeat'],
  accepted: [circle(8), 'm-append', 'entries accepted'],
  rejected: [circle(8), 'm-append m-hollow', 'entries rejected'],
  snapshot: [polygon(6, 11, 0), 'm-snapshot', 'InstallSnapshot'],
  timeoutNow: [star, 'm-now', 'TimeoutNow'],
  other: [polygon(5, 10), 'm-other', 'other'],
};

/** The kind of a message: a key of KINDS. A trace does not know the fields of messages. */
export function kindOf(message) {
  switch (message.type) {
    case 'requestVote': return message.preVote ? 'preVote' : 'vote';
    case 'requestVoteResult': return message.voteGranted === false ? 'refused' : 'granted';
    case 'appendEntries': return message.entries?.length === 0 ? 'heartbeat' : 'entries';
    case 'appendEntriesResult': return message.rejected > 0 ? 'rejected' : 'accepted';
    case 'installSnapshot': return 'snapshot';
    case 'timeoutNow': return 'timeoutNow';
    default: return 'other';
  }
}

/** The sign within the shape; none for what a trace does not know. */
function sign(kind, message = { entries: { length: 'n' }, voteGranted: true, rejected: 0 }) {
  switch (kind) {
    case 'entries': return String(message.entries?.length ?? '');
    case 'granted': return message.voteGranted === undefined ? '' : '✓';
    case 'accepted': return message.rejected === undefined ? '' : '✓';
    case 'refused': case 'rejected': return '✗';
    default: return '';
  }
}

export const colourOf = (kind) => KINDS[kind][1];

/** The drawing of a message around the point 0, 0. */
export function shape(kind, message) {
  const [path, colour] = KINDS[kind];
  const text = sign(kind, message);
  return svg('g', { class: `shape ${colour}`, 'aria-hidden': 'true' }, svg('path', { d: path }),
    text === '' ? undefined : svg('text', { y: 4 }, text));
}

/** What the shapes mean. */
export function legend() {
  return Object.entries(KINDS).filter(([kind]) => kind !== 'other').map(([kind, [, , label]]) => {
    const icon = svg('svg', { viewBox: '-12 -12 24 24', width: 18, height: 18,
      'aria-hidden': 'true' }, shape(kind));
    const item = document.createElement('span');
    item.className = 'legend-item';
    item.append(icon, label);
    return item;
  });
}
