// SPDX-License-Identifier: MIT
import { begin, leads, serverOf, settle } from './helpers.js';

export default {
  name: 'removed_server',
  title: 'A removed server that must campaign',
  text: 'The leader of two servers removes itself and is cut off before the other server gets ' +
    'that entry: now the other one cannot win, because it still needs the vote of the ' +
    'removed server, whose log is longer. Watch the removed server, which is not a member ' +
    'of its own configuration, lead once more to commit its removal.',
  recording: { servers: 2, seed: 2 },
  play(cluster) {
    const { leader: removed, others: [other] } = begin(cluster);
    cluster.act({ do: 'remove', server: removed, id: removed });
    cluster.act({ do: 'cut', from: removed, to: other });
    cluster.chapter('The leader removes itself, and is cut off');
    cluster.until((view) => serverOf(view, removed).state !== 'leader');
    cluster.act({ do: 'healAll' });
    cluster.chapter('Nobody leads');
    cluster.until(leads(removed));
    cluster.chapter('The removed server leads');
    cluster.until(leads(other));
    cluster.chapter('The change is committed: the other server leads alone');
    cluster.act({ do: 'kill', server: removed, lose: 'nothing' });
    settle(cluster);
  },
};
