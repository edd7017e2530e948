// SPDX-License-Identifier: MIT
// The library for the tests: RAFT_WASM, or what tools/wasm has built.
import process from 'node:process';

import { load } from '../../../bindings/javascript/src/node.js';

export const library = await load(process.env.RAFT_WASM ||
  new URL('../../../build/wasm/raft.wasm', import.meta.url));

/** The text of all notes of a kind. */
export function notesOf(cluster, kind, from = 0) {
  return cluster.frames.slice(from).flatMap(({ notes }) => notes)
    .filter((note) => note.kind === kind).map(({ server, text }) => `${server}: ${text}`);
}

export const serverOf = (view, id) => view.servers.find((server) => server.id === id);
