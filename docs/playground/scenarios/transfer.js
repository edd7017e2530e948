// SPDX-License-Identifier: MIT
import { begin, leads, settle, submit } from './helpers.js';

export default {
  name: 'transfer',
  title: 'Leadership is handed over',
  text: 'The leader brings another server up to date and tells it to campaign at once. Watch ' +
    'the message TimeoutNow, and that the cluster has no leader for two round trips only, ' +
    'instead of an election timeout.',
  recording: { seed: 3 },
  play(cluster) {
    const { leader, others: [target] } = begin(cluster);
    submit(cluster, leader, 'x=1');
    cluster.act({ do: 'transfer', server: leader, to: target });
    cluster.chapter('The leader is asked to hand over');
    cluster.until((view) => view.messages.some(({ message }) => message.type === 'timeoutNow'));
    cluster.chapter('TimeoutNow is on its way');
    cluster.until(leads(target));
    cluster.chapter('The new leader');
    settle(cluster);
  },
};
