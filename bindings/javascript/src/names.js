// SPDX-License-Identifier: MIT
// The enumerations of raft.h as names: RAFT_APPEND_ENTRIES is 'appendEntries'.
import { enums } from './layout.js';

export const camel = (name) =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

function names(list, prefix) {
  const byNumber = [];
  const byName = Object.create(null);
  for (const [name, value] of Object.entries(list)) {
    const short = camel(name.slice(prefix.length));
    byNumber[value] = short;
    byName[short] = value;
  }
  return { byNumber, byName };
}

export const eventTypes = names(enums.raft_event_type, 'RAFT_');
export const messageTypes = names(enums.raft_message_type, 'RAFT_');
export const entryTypes = names(enums.raft_entry_type, 'RAFT_');
export const roles = names(enums.raft_server_role, 'RAFT_');
export const states = names(enums.raft_state, 'RAFT_');
export const progressModes = names(enums.raft_progress_mode, 'RAFT_PROGRESS_');
export const catchUpStatuses = names(enums.raft_catch_up_status, 'RAFT_CATCH_UP_');
export const traceTypes = names(enums.raft_trace_type, 'RAFT_TRACE_');

/** Bits of `update.flags`. */
export const UpdateFlag =
  Object.freeze({ ...names(enums.raft_update_flag, 'RAFT_UPDATE_').byName });
/** Bits of the setting `features`. */
export const Feature = Object.freeze({ ...names(enums.raft_feature, 'RAFT_FEATURE_').byName });

/** The number of a name, or an error that says what was expected. */
export function number(list, name, what) {
  const value = list.byName[name];
  if (value === undefined) {
    throw new TypeError(`not the name of ${what}: ${String(name)}`);
  }
  return value;
}
