// SPDX-License-Identifier: MIT
import { begin, committed, serverOf, settle, stored } from './helpers.js';

export default {
  name: 'joint_change',
  title: 'A joint change',
  text: 'Two of three voters are replaced at once; so that the old and the new voters cannot ' +
    'elect a leader each in one term, every decision of the joint configuration needs a ' +
    'majority of both. Watch the joint entry: all new voters ' +
    'have it, and it is not committed until the old majority has it, too.',
  recording: { seed: 9 },
  play(cluster) {
    const { leader, others: old } = begin(cluster);
    for (const id of [4, 5]) {
      cluster.act({ do: 'add', server: leader, id });
      settle(cluster);
    }
    cluster.chapter('Two standbys have the log');
    cluster.act({ do: 'change', server: leader, voters: [leader, 4, 5] });
    const index = serverOf(cluster.view, leader).lastIndex;
    for (const id of old) {
      cluster.act({ do: 'cut', from: leader, to: id });
    }
    cluster.chapter('The joint configuration');
    cluster.until((view) => [leader, 4, 5].every((id) => stored(id, index)(view)) &&
      serverOf(view, leader).peers.every(({ id, match }) => old.includes(id) || match >= index));
    cluster.chapter('On all new voters, and not committed');
    cluster.act({ do: 'healAll' });
    cluster.until(committed(leader, index));
    cluster.chapter('Committed by both majorities');
    cluster.until((view) => committed(leader, index + 1)(view) &&
      [4, 5].every((id) => serverOf(view, id).role === 'voter'));
    cluster.chapter('The new voters alone');
  },
};
