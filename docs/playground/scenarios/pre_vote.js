// SPDX-License-Identifier: MIT
import { begin, serverOf, settle } from './helpers.js';

export default {
  name: 'pre_vote',
  title: 'Pre-votes and a partitioned server',
  text: 'A follower is cut off and comes back twice: first it asks for pre-votes, which ' +
    'nobody answers, so that its term stays; then pre-votes are off, and each of its ' +
    'elections raises its term. Watch the leader when the follower returns: the first ' +
    'time nothing changes, the second time the higher term deposes it, although it was healthy.',
  recording: { servers: 3, seed: 10 },
  play(cluster) {
    const { leader, others: [follower] } = begin(cluster);
    cluster.act({ do: 'partition', group: [follower] });
    cluster.chapter('A follower is cut off');
    cluster.until((view) => serverOf(view, follower).votes?.preVote);
    cluster.chapter('It asks for pre-votes');
    cluster.run(6000);
    cluster.act({ do: 'healAll' });
    cluster.chapter('It returns with the same term');
    cluster.run(2500);
    cluster.act({ do: 'configure', server: follower, settings: { preVote: false } });
    cluster.act({ do: 'partition', group: [follower] });
    cluster.chapter('It is cut off again, without pre-votes');
    cluster.run(8000);
    cluster.act({ do: 'healAll' });
    cluster.chapter('It returns with a higher term');
    cluster.until((view) => serverOf(view, leader).state !== 'leader');
    cluster.chapter('The leader steps down');
    settle(cluster);
  },
};
