// SPDX-License-Identifier: MIT
import { begin, committed, settle, submit } from './helpers.js';

const allSleep = (view) => view.servers.every(({ up, asleep }) => !up || asleep);

export default {
  name: 'sleeping',
  title: 'A sleeping group',
  text: 'When nothing was asked for two seconds, the leader sends the group to sleep: no ' +
    'timer is set, and no message is sent. Watch a command wake all servers; and when the ' +
    'leader fails during sleep, watch that no election begins until RAFT_WAKE is stepped ' +
    'on one of the others.',
  recording: { seed: 3, settings: { idleTimeout: 2000 } },
  play(cluster) {
    begin(cluster);
    cluster.until(allSleep);
    cluster.chapter('All servers sleep');
    cluster.run(10000);
    const leader = cluster.leader();
    const index = submit(cluster, leader, 'x=1');
    cluster.chapter('A command wakes the group');
    cluster.until(committed(leader, index));
    cluster.until(allSleep);
    cluster.chapter('Asleep again');
    cluster.run(5000);
    cluster.act({ do: 'kill', server: leader, lose: 'nothing' });
    cluster.chapter('The leader fails; the others sleep on');
    cluster.run(10000);
    const { id } = cluster.view.servers.find(({ up }) => up);
    cluster.act({ do: 'wake', server: id });
    cluster.chapter('One server is woken');
    cluster.until(() => cluster.leader() !== 0 && cluster.leader() !== leader);
    cluster.chapter('A new leader');
    settle(cluster);
  },
};
