// SPDX-License-Identifier: MIT
// The whole engine: its types are in types.d.ts.
export { create, MAX_ACTS, MAX_FRAMES, replay } from './cluster.js';
export { decodeRecording, encodeRecording } from './recording.js';
export { membersText, messageText } from './text.js';
export { framesOfTrace } from './trace.js';
