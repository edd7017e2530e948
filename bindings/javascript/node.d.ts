// SPDX-License-Identifier: MIT
import type { Library } from './index.js';

/** The library from raft.wasm: by default RAFT_WASM, or else the file in this package. */
export declare function load(path?: string | URL): Promise<Library>;
