// SPDX-License-Identifier: MIT
// From a picture's entry in the table to its drawing.
import { encodeRecording } from '../playground/engine/index.js';
import { scenarios, play } from '../playground/scenarios/index.js';
import { draw } from './draw.js';
import { factsOf } from './run.js';

/** The scenario of a picture, with what the picture changes in its recording. */
function scenarioOf({ scenario, recording }) {
  return { ...scenario, recording: { ...scenario.recording, ...recording } };
}

/** Numbers of the first and the last frame of a picture. */
export function spanOf({ name, from, to }, cluster) {
  const { frames } = cluster;
  const first = frames.findIndex((frame) => from(frame, cluster));
  const last = frames.findIndex((frame) => frame.number > first && to(frame, cluster));
  if (first < 0 || last < 0) {
    throw new Error(`${name}: its ${first < 0 ? 'beginning' : 'end'} does not occur in the run`);
  }
  return { first, last };
}

/** Plays the scenario of a picture. Returns its drawing, the facts, and the cluster, which the
 * caller closes. */
export function drawPicture(library, picture) {
  const cluster = play(library, scenarioOf(picture));
  const { first, last } = spanOf(picture, cluster);
  const ids = picture.servers?.(cluster) ?? cluster.frames[last].view.servers.map(({ id }) => id);
  const facts = factsOf(cluster.frames, first, last, ids);
  return { ...draw(facts, picture), facts, cluster };
}

/** Where the run is shown in the playground: its scenario, or the recording if the scenario is
 * not one of those, or was changed. */
export async function linkOf(picture, cluster) {
  if (scenarios.includes(picture.scenario) && picture.recording === undefined) {
    return `playground/index.html#scenario=${picture.scenario.name}`;
  }
  const { last } = spanOf(picture, cluster);
  const text = await encodeRecording(cluster.recording);
  return `playground/index.html#recording=${text}&frame=${last}`;
}
