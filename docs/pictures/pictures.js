// SPDX-License-Identifier: MIT
// The pictures: each is a part of the run of a scenario. Their ends are found by what happens, not
// by numbers of frames, so that they stay right if times change.
import election from '../playground/scenarios/election.js';
import joint from '../playground/scenarios/joint_change.js';
import lease from '../playground/scenarios/lease.js';
import replication from '../playground/scenarios/replication.js';
import sleeping from '../playground/scenarios/sleeping.js';
import slowDisk from '../playground/scenarios/slow_disk.js';
import chunks from '../playground/scenarios/snapshot_chunks.js';
import splitVote from '../playground/scenarios/split_vote.js';
import transfer from '../playground/scenarios/transfer.js';
import { serverOf } from '../playground/scenarios/helpers.js';
import { partition, reads } from './scenarios.js';

/** A picture:
 * - name, title, caption: two sentences;
 * - scenario, and `recording`, what is changed in it;
 * - from(frame), to(frame): the first frame, and the first one after it that ends the picture;
 * - servers(cluster): the IDs of the lanes; default all;
 * - shows(message): is it drawn? default all;
 * - label(message), remark(note, frame), act(frame): texts instead of those of words.js; undefined:
 *   the usual one, '': none;
 * - also(frame): what else is said about the server of the frame;
 * - banner(frame): what is said across all lanes;
 * - headings(facts): by ID, what is said under the name of a server;
 * - omitted: what is not drawn, as the picture says it. */

/** A frame with a remark. */
const said = (kind, pattern) => ({ notes }) =>
  notes.some((note) => note.kind === kind && pattern.test(note.text));

/** The frame of a chapter of the scenario. */
const chapter = (title) => ({ number }, { chapters }) =>
  chapters.some((one) => one.title === title && one.frame === number);

const withEntries = ({ message }) => message.type === 'appendEntries' && message.entries.length > 0;

/** Heartbeats, and the answers to them. */
const heartbeat = ({ message, frame }) => message.type === 'appendEntries'
  ? message.entries.length === 0 && !message.sleep
  : message.type === 'appendEntriesResult' && message.rejected === 0 && frame.cause !== 'disk';

/** Of messages that are lost only those with entries. */
const mostLostHidden = (message) => message.fate !== 'lost' || withEntries(message);

const idsWhere = (condition) => ({ servers }) => servers.filter(condition).map(({ id }) => id);
const leaderIn = (view) => idsWhere(({ state }) => state === 'leader')(view)[0];

/** The candidates of a split vote in the middle, beside each the server that votes for it. */
function splitOrder({ frames, chapters }) {
  const { view } = frames[chapters.find(({ title }) => title === 'Two votes each').frame];
  const [a, b] = idsWhere(({ state }) => state === 'candidate')(view);
  const voterOf = (candidate) => idsWhere(({ id, up, votedFor }) => up && id !== candidate &&
    votedFor === candidate)(view)[0];
  return [voterOf(a), a, b, voterOf(b)];
}

/** "joint entry" or "new entry", if the message carries a configuration. */
function changeLabel({ message, from, frame }) {
  const change = message.entries?.length > 0 && serverOf(frame.view, from).log
    .find(({ index, type }) => type === 'change' && index === message.prevLogIndex + 1);
  return !change ? undefined : /[+-]/.test(change.text) ? 'joint entry' : 'new entry';
}

export const pictures = [
  {
    name: 'election', title: 'An election', scenario: election, recording: { servers: 3, seed: 2 },
    from: said('role', /^asks for pre-votes/), to: said('commit', /./),
    caption: 'The server whose timer expires first asks the others whether it could win ' +
      '(pre-votes), and then for their votes; two of three, its own included, are a majority. ' +
      'Each server has its vote on disk before it sends the message.',
  },
  {
    name: 'split_vote', title: 'A split vote', scenario: splitVote, recording: { seed: 18 },
    from: ({ what }) => /campaigns/.test(what), to: said('role', /^becomes leader/),
    servers: splitOrder, omitted: 'the fifth server, which has failed',
    also: ({ server, steps: [step], view }) => step?.event.message?.voteGranted
      ? `${serverOf(view, server).votes?.granted.length ?? 3} of 5 votes` : undefined,
    caption: 'The leader of five servers has failed, and two others campaign at the same moment: ' +
      'each gets two votes, so nobody has a majority in that term. Their timers are random, so ' +
      'in the next term one of them is first, and wins.',
  },
  {
    name: 'replication', title: 'Replication of an entry', scenario: replication,
    from: chapter('A command'), to: chapter('The others know'),
    caption: 'The leader sends the entry while its own disk is writing it, and commits it as ' +
      'soon as it knows that two of three servers have it on disk. The others learn that with ' +
      'the next message.',
  },
  {
    name: 'slow_disk', title: 'A leader with a slow disk', scenario: slowDisk,
    from: chapter('A command'), to: chapter('The leader has stored it, too'),
    shows: (one) => !heartbeat(one) || one.message.type === 'appendEntries',
    omitted: 'answers to heartbeats',
    also: ({ cause, server, view }) => cause === 'disk' &&
      serverOf(view, server).state === 'leader' ? 'its own write ends' : undefined,
    caption: 'The disk of the leader needs half a second for a write, but both followers have ' +
      'soon stored the entry. They are a majority, so the leader commits it and answers the ' +
      'client long before its own write ends.',
  },
  {
    name: 'partition', title: 'A partition, and its end', scenario: partition,
    from: ({ cause, what }) => cause === 'act' && /cannot reach/.test(what),
    to: said('note', /^drops/),
    shows: mostLostHidden, omitted: 'messages that are lost, except entries',
    remark: ({ kind }, { notes }) => kind === 'commit' && notes.some(({ text }) =>
      /^drops/.test(text)) ? '' : undefined,
    banner: ({ what }) => /cannot reach/.test(what) ? 'the leader is cut off'
      : /healed/.test(what) ? 'the partition is healed' : undefined,
    caption: 'The leader is cut off and cannot commit its entry x=1, while the others elect a ' +
      'new leader, which commits x=2. When the partition is healed, the old leader drops its ' +
      'entry and takes over those of the new one.',
  },
  {
    name: 'snapshot_chunks', title: 'A snapshot in chunks', scenario: chunks,
    from: ({ cause, what }) => cause === 'act' && /healed/.test(what),
    to: said('snapshot', /^installs/),
    servers: ({ view, recording }) => [leaderIn(view),
      ...recording.acts.find(([, act]) => act.do === 'partition')[1].group],
    shows: (one, { messages }) => messages.indexOf(one) < 2 ||
      one.message.type === 'installSnapshot' || one.message.snapshotOffset > 0,
    omitted: 'the third server, and the second heartbeat',
    banner: ({ what }) => /healed/.test(what) ? 'the partition is healed' : undefined,
    caption: 'The follower was cut off, and the leader no longer has the entries that it lacks. ' +
      'It gets the snapshot in four chunks, and each is on its disk before the next one is sent.',
  },
  {
    name: 'joint_change', title: 'A joint change', scenario: joint,
    from: ({ cause, what }) => cause === 'act' && /the voters$/.test(what),
    to: (frame) => said('commit', /./)(frame) && frame.server === leaderIn(frame.view) &&
      serverOf(frame.view, frame.server).lastIndex ===
        serverOf(frame.view, frame.server).commitIndex,
    servers: ({ view }) => [...[1, 2, 3].filter((id) => id !== leaderIn(view)), leaderIn(view), 4,
      5],
    shows: (one) => !heartbeat(one), omitted: 'heartbeats, and the answers to them',
    headings: ({ ids: [a, b, leader, c, d] }) => ({ [a]: 'old voter', [b]: 'old voter',
      [leader]: 'old and new', [c]: 'new voter', [d]: 'new voter' }),
    label: changeLabel,
    act: ({ what }) => /the voters$/.test(what) ? /make (.*) the voters/.exec(what)[1]
      .replaceAll(' ', ', ').replace(/^/, 'changes to ') : undefined,
    banner: ({ what, view }) => /is cut$/.test(what) && view.links.length === 1
      ? 'the old voters cannot hear the leader' : /healed/.test(what) ? 'now they can' : undefined,
    caption: 'Two voters of three are replaced: the joint entry is soon on all new voters, and ' +
      'yet not committed, because it also needs a majority of the old ones. When it is ' +
      'committed, the leader appends an entry with the new voters alone.',
  },
  {
    name: 'reads', title: 'A read by a round, and one under a lease', scenario: reads,
    from: ({ what }) => /client reads$/.test(what), to: ({ what }) => /under the lease$/.test(what),
    label: ({ message }) => message.type === 'appendEntriesResult' ? 'echo' : undefined,
    caption: 'For the first read the leader begins a round of heartbeats, and answers when one ' +
      'of two followers has echoed it. The round also gives it a lease, under which it answers ' +
      'the second read at once.',
  },
  {
    name: 'lease', title: 'A lease and a slow clock', scenario: lease,
    from: chapter('A slow clock, and a partition'),
    to: ({ what }) => /under the lease$/.test(what),
    shows: mostLostHidden, omitted: 'messages that are lost, except entries',
    banner: ({ what }) => /cannot reach/.test(what) ? 'the leader is cut off; its clock is slow'
      : undefined,
    caption: 'The clock of the old leader runs at a tenth of the right speed, so its lease seems ' +
      'valid to it when others have elected a new leader and committed x=2. It answers one read ' +
      'with the old value; the other read, by a round, gets no answer.',
  },
  {
    name: 'transfer', title: 'Leadership is handed over', scenario: transfer,
    from: ({ what }) => /submits/.test(what), to: said('commit', /^commits entries/),
    caption: 'The leader first brings the other server up to date, and then tells it to campaign ' +
      'at once (TimeoutNow). The cluster is without a leader for two round trips, and not for ' +
      'an election timeout.',
  },
  {
    name: 'sleeping', title: 'Sleep and wake', scenario: sleeping,
    from: ({ sent, view }) => view.messages.some(({ id, message }) => sent.includes(id) &&
      message.sleep),
    to: said('apply', /is committed/),
    caption: 'When nothing was asked for two seconds, the leader sends the group to sleep: there ' +
      'are no messages and no timers. A command wakes all servers.',
  },
];
