// SPDX-License-Identifier: MIT
// What needs neither Node nor a native module.
export * from './errors.js';
export { Feature, UpdateFlag } from './names.js';
export { instantiate } from './wasm.js';
export * as wire from './wire.js';
