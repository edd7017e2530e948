// SPDX-License-Identifier: MIT
// From a picture's entry in the table to its drawing.
import { encodeStory } from '../playground/engine/index.js';
import { scenarios, play } from '../playground/scenarios/index.js';
import { draw } from './draw.js';
import { factsOf } from './run.js';

/** The scenario of a picture, with what the picture changes in its story. */
function scenarioOf({ scenario, story }) {
  return { ...scenario, story: { ...scenario.story, ...story } };
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

/** Where the run is shown in the playground: its scenario, or the story itself if the scenario is
 * not one of those, or was changed. */
export async function linkOf(picture, cluster) {
  if (scenarios.includes(picture.scenario) && picture.story === undefined) {
    return `playground/index.html#scenario=${picture.scenario.name}`;
  }
  const { last } = spanOf(picture, cluster);
  return `playground/index.html#story=${await encodeStory(cluster.story)}&frame=${last}`;
}
