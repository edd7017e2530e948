// SPDX-License-Identifier: MIT
import { begin } from './helpers.js';

export default {
  name: 'election',
  title: 'An election',
  text: 'The server whose timer expires first asks the others whether it could win, then for ' +
    'their votes, and with those of a majority it leads. Watch the pre-votes, which ' +
    'change nothing on the voters, and the votes, which are on disk before the answers ' +
    'leave.',
  recording: { servers: 5, seed: 4 },
  play(cluster) {
    cluster.until((view) => view.servers.some(({ votes }) => votes?.preVote));
    cluster.chapter('A timer expires: pre-votes');
    cluster.until((view) => view.servers.some(({ votes }) => votes && !votes.preVote));
    cluster.chapter('A candidate of a new term');
    cluster.until(() => cluster.leader() !== 0);
    cluster.chapter('A majority has voted');
    begin(cluster);
    cluster.chapter('The first entry of the term is committed');
  },
};
