// SPDX-License-Identifier: MIT
import { begin, committed, serverOf, settle, submit } from './helpers.js';

export default {
  name: 'deposed_leader',
  title: 'A deposed leader',
  text: 'The leader and one follower are cut off from the others, who elect a new leader. ' +
    'Watch the commands that the old leader still accepts: it cannot commit them, and ' +
    'when the partition is healed they are replaced by those of the new leader.',
  recording: { servers: 5, seed: 8 },
  play(cluster) {
    const { leader, others: [companion, ...majority] } = begin(cluster);
    cluster.act({ do: 'partition', group: [leader, companion] });
    cluster.chapter('The leader is in the minority');
    submit(cluster, leader, 'x=old');
    submit(cluster, leader, 'y=old');
    cluster.chapter('It accepts commands');
    cluster.until((view) => majority.some((id) => serverOf(view, id).state === 'leader'));
    const next = majority.find((id) => serverOf(cluster.view, id).state === 'leader');
    cluster.chapter('The majority has a new leader');
    const index = submit(cluster, next, 'x=new');
    cluster.until(committed(next, index));
    cluster.chapter('The new leader commits a command');
    cluster.act({ do: 'healAll' });
    cluster.chapter('The partition is healed');
    settle(cluster);
    cluster.chapter('The old entries are replaced');
  },
};
