// SPDX-License-Identifier: MIT
import type { Library } from './index.js';

/** The library from a shared library: by default RAFT_LIBRARY, or else the installed one. */
export declare function load(path?: string): Library;
