// SPDX-License-Identifier: MIT
import { begin, committed, leads, settle, submit } from './helpers.js';

export default {
  name: 'emptied_disk',
  title: 'An emptied disk that votes',
  text: 'An entry is committed by two of three servers; then one of the two loses its disk ' +
    'and comes back under its old ID. Watch it vote for a server that lacks the entry, ' +
    'which it had acknowledged itself: a committed entry is lost, so an ID must never be ' +
    'used again.',
  recording: { seed: 15 },
  play(cluster) {
    const { leader, others: [emptied, behind] } = begin(cluster);
    cluster.act({ do: 'partition', group: [behind] });
    const index = submit(cluster, leader, 'x=1');
    cluster.until(committed(leader, index));
    cluster.chapter('An entry is committed by two of three');
    cluster.act({ do: 'kill', server: leader, lose: 'nothing' });
    cluster.act({ do: 'kill', server: emptied, lose: 'all' });
    cluster.act({ do: 'healAll' });
    cluster.act({ do: 'restart', server: emptied });
    cluster.chapter('A server returns with an empty disk');
    cluster.until(leads(behind));
    cluster.chapter('A committed entry is lost');
    cluster.act({ do: 'restart', server: leader });
    settle(cluster);
    cluster.chapter('The last copy is overwritten');
  },
};
