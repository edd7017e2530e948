// SPDX-License-Identifier: MIT
// Load raft.wasm from a file, in Node.
import { readFile } from 'node:fs/promises';
import process from 'node:process';

import { instantiate } from './wasm.js';

/** The library from a file: by default RAFT_WASM, or else raft.wasm in this package. */
export async function load(path) {
  const file = path ?? process.env.RAFT_WASM ?? new URL('../raft.wasm', import.meta.url);
  return instantiate(await readFile(file));
}
