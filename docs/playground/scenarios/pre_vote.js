// SPDX-License-Identifier: MIT
import { begin, serverOf, settle } from './helpers.js';

/** A server is alone for a while and comes back. */
function alone(cluster, id) {
  cluster.act({ do: 'partition', group: [id] });
  cluster.run(8000);
  cluster.act({ do: 'healAll' });
}

export default {
  name: 'pre_vote',
  title: 'Pre-votes and a partitioned server',
  text: 'A follower is cut off and comes back twice: first it asks for pre-votes, which ' +
    'nobody answers, so that its term stays; then pre-votes are off, and each of its ' +
    'elections raises its term. Watch the leader when the follower returns: the first ' +
    'time nothing changes, the second time it must step down.',
  story: { servers: 3, seed: 10 },
  play(cluster) {
    const { others: [follower] } = begin(cluster);
    cluster.chapter('A follower is cut off');
    alone(cluster, follower);
    cluster.chapter('It returns with the same term');
    cluster.run(2500);
    cluster.act({ do: 'configure', server: follower, settings: { preVote: false } });
    cluster.chapter('Again, without pre-votes');
    alone(cluster, follower);
    cluster.chapter('It returns with a higher term');
    const { term } = serverOf(cluster.view, cluster.leader());
    cluster.until((view) => view.servers.every((server) => server.term > term));
    cluster.chapter('The leader had to step down');
    settle(cluster);
  },
};
