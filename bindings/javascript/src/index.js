// SPDX-License-Identifier: MIT
// What needs neither Node nor a native module.
export {
  BadId, BadRole, Busy, CantBootstrap, CantChange, Corrupt, DuplicateAddress, DuplicateId, Invalid,
  Malformed, NoConnection, NoSpace, NotFound, NotLeader, OutOfMemory, RaftError, TooBig,
} from './errors.js';
export { Feature, UpdateFlag } from './names.js';
export { instantiate } from './wasm.js';
export * as wire from './wire.js';
