// SPDX-License-Identifier: MIT
import { begin, serverOf, settle } from './helpers.js';

export default {
  name: 'split_vote',
  title: 'A split vote',
  text: 'The leader has failed, and two servers campaign at the same moment: each gets two ' +
    'votes of five, so that nobody wins the term. Watch the timers, which are random: in ' +
    'the next term one of them expires first, and its server wins.',
  // The delay leaves a moment in which every server may campaign and none does. Pre-votes are off,
  // so that both ask for votes at once.
  recording: { servers: 5, seed: 5, settings: { preVote: false, electionDelay: 500 } },
  play(cluster) {
    const { leader, others: [a, b, c, d] } = begin(cluster);
    cluster.act({ do: 'slowLink', from: a, to: d, by: 200 });
    cluster.act({ do: 'slowLink', from: b, to: c, by: 200 });
    cluster.act({ do: 'kill', server: leader, lose: 'nothing' });
    cluster.chapter('The leader fails');
    cluster.run(1200);
    cluster.act({ do: 'campaign', server: a });
    cluster.act({ do: 'campaign', server: b });
    cluster.chapter('Two candidates');
    cluster.until((view) => [a, b].every((id) => serverOf(view, id).votes?.granted.length === 2));
    cluster.chapter('Two votes each');
    cluster.act({ do: 'slowLink', from: a, to: d, by: 0 });
    cluster.act({ do: 'slowLink', from: b, to: c, by: 0 });
    cluster.until(() => cluster.leader() !== 0);
    cluster.chapter('A later term has a leader');
    settle(cluster);
  },
};
