// SPDX-License-Identifier: MIT
// What acts and recordings may contain. Anybody may have made a link, so every
// field is checked here.

export const MAX_FRAMES = 20000;
export const MAX_ACTS = 4000;
const MAX_ID = 99;
const MAX_COMMAND = 100;
const MAX_DELAY = 1000000;
const MAX_TIME = 2 ** 40;
const MAX_RATE = 10;
const U32 = 2 ** 32 - 1;

const whole = (least, most) => (x) => Number.isInteger(x) && x >= least && x <= most;
const oneOf = (...values) => (x) => values.includes(x);
const bool = (x) => typeof x === 'boolean';
const flag = (x) => bool(x) || x === 0 || x === 1;
const id = whole(1, MAX_ID);
const delay = whole(0, MAX_DELAY);
const share = (most) => (x) => typeof x === 'number' && x >= 0 && x <= most; // not NaN
const list = (item, least, most) => (x) => Array.isArray(x) && x.length >= least &&
  x.length <= most && x.every(item);
const ids = (least) => (x) => list(id, least, MAX_ID)(x) && new Set(x).size === x.length;
const command = (x) => typeof x === 'string' && x.length <= MAX_COMMAND;

/** The fields of an object: its own, all of them, and no others. */
const fields = (checks, optional = []) => (x) => typeof x === 'object' && x !== null &&
  Object.getPrototypeOf(x) === Object.prototype &&
  Object.keys(x).every((key) => Object.hasOwn(checks, key) && checks[key](x[key])) &&
  Object.keys(checks).every((key) => Object.hasOwn(x, key) || optional.includes(key));

const SETTINGS = {
  electionTimeout: whole(0, U32),
  heartbeatTimeout: whole(0, U32),
  installSnapshotTimeout: whole(0, U32),
  preVote: flag,
  maxCatchUpRounds: whole(0, U32),
  maxCatchUpRoundDuration: whole(0, U32),
  maxInflightEntries: whole(0, U32),
  maxMessageEntries: whole(0, U32),
  maxUncommittedEntries: whole(0, U32),
  electionDelay: whole(0, U32),
  eagerCommit: flag,
  idleTimeout: whole(0, U32),
  capacityThreshold: whole(0, 0xffff),
  features: whole(0, U32),
};
// Without the seed, which comes from the recording.
const settings = fields(SETTINGS, Object.keys(SETTINGS));

const LINK = { from: id, to: id };
const MEMBER = { server: id, id };
const ACTS = {
  submit: { server: id, command },
  read: { server: id, lease: bool },
  kill: { server: id, lose: oneOf('nothing', 'unwritten', 'all') },
  restart: { server: id },
  cut: LINK,
  heal: LINK,
  partition: { group: ids(0) },
  healAll: {},
  slowLink: { ...LINK, by: delay },
  slowDisk: { server: id, by: delay },
  loss: { share: share(1) },
  clock: { server: id, rate: share(MAX_RATE) },
  drop: { message: whole(1, MAX_TIME) },
  deliver: { message: whole(1, MAX_TIME) },
  duplicate: { message: whole(1, MAX_TIME) },
  delay: { message: whole(1, MAX_TIME), by: delay },
  add: MEMBER,
  promote: MEMBER,
  demote: MEMBER,
  remove: MEMBER,
  change: { server: id, voters: ids(1) },
  transfer: { server: id, to: id },
  snapshot: { server: id, trailing: whole(0, U32) },
  campaign: { server: id },
  wake: { server: id },
  timeout: { server: id },
  recover: { server: id, voters: ids(1) },
  configure: { server: id, settings },
};

export function isAct(act) {
  return typeof act === 'object' && act !== null && Object.hasOwn(ACTS, act.do) &&
    fields({ do: () => true, ...ACTS[act.do] })(act);
}

const actOfRecording = (x) => Array.isArray(x) && (x.length === 2 || x.length === 3) &&
  whole(1, MAX_FRAMES)(x[0]) && isAct(x[1]) && (x.length === 2 || whole(0, MAX_TIME)(x[2]));

const RECORDING = {
  version: oneOf(1),
  seed: whole(0, U32),
  servers: whole(1, 7),
  settings,
  latency: (x) => list(delay, 2, 2)(x) && x[0] <= x[1],
  disk: delay,
  acts: (x) => list(actOfRecording, 0, MAX_ACTS)(x) &&
    x.every(([frame], i) => i === 0 || frame >= x[i - 1][0]),
};

/** Throws a TypeError that names the first wrong part. */
export function checkRecording(recording) {
  const anything = Object.keys(RECORDING).map((key) => [key, () => true]);
  if (!fields(Object.fromEntries(anything))(recording)) {
    throw new TypeError('not a recording, or not of this version');
  }
  for (const [key, check] of Object.entries(RECORDING)) {
    if (!check(recording[key])) {
      throw new TypeError(`the recording's ${key} cannot be used`);
    }
  }
}
