// SPDX-License-Identifier: MIT
// The prepared scenarios, in the order in which they are offered.
import { create } from '../engine/index.js';
import deposedLeader from './deposed_leader.js';
import election from './election.js';
import emptiedDisk from './emptied_disk.js';
import figure8 from './figure8.js';
import jointChange from './joint_change.js';
import lease from './lease.js';
import preVote from './pre_vote.js';
import removedServer from './removed_server.js';
import replication from './replication.js';
import sleeping from './sleeping.js';
import slowDisk from './slow_disk.js';
import snapshotChunks from './snapshot_chunks.js';
import splitVote from './split_vote.js';
import transfer from './transfer.js';

export const scenarios = Object.freeze([election, replication, splitVote, deposedLeader, figure8,
  preVote, transfer, slowDisk, lease, snapshotChunks, jointChange, removedServer, emptiedDisk,
  sleeping]);

/** Play a scenario; returns the cluster. */
export function play(library, scenario, seed = scenario.recording.seed) {
  const cluster = create(library, { ...scenario.recording, seed });
  scenario.play(cluster);
  return cluster;
}
