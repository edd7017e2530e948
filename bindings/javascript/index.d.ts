// SPDX-License-Identifier: MIT
/** IDs, terms, indexes and times: whole numbers. Those that you pass may be at most 2^52. */
export type Num = number;

export type State = 'unavailable' | 'follower' | 'candidate' | 'leader';
export type Role = 'standby' | 'voter' | 'spare' | 'voterOutgoing' | 'voterIncoming' |
  'voterToStandby' | 'voterToSpare';
export type EntryType = 'command' | 'barrier' | 'change';
export type ProgressMode = 'none' | 'probe' | 'pipeline' | 'snapshot';
export type CatchUpStatus = 'none' | 'running' | 'aborted' | 'finished';
export type TraceType = 'event' | 'received' | 'sent' | 'term' | 'vote' | 'state' | 'leader' |
  'entries' | 'snapshot' | 'commit' | 'configuration' | 'read' | 'catchUp' | 'transfer' |
  'dataLoss' | 'asleep' | 'awake';

/** Bits of `Update.flags`. */
export declare const UpdateFlag: Readonly<Record<'currentTerm' | 'votedFor' | 'entries' |
  'snapshot' | 'messages' | 'state' | 'commitIndex' | 'timeout' | 'configuration' | 'reads' |
  'leader' | 'catchUp' | 'transfer', number>>;
/** Bits of the setting `features`. The module wire carries all fields that they need. */
export declare const Feature: Readonly<Record<'capacity' | 'rounds' | 'chunks' | 'joint' |
  'sleep' | 'neverLeads', number>>;

/** One server of a configuration. The default of `role` is 'voter'. A number is a role that this
 * version does not know. */
export interface Server {
  id: Num;
  address: string;
  role?: Role | number;
}

/** One log entry, as you pass it. `type` is 'command' by default; a number is a type that this
 * version does not know. `context` is yours: the update returns it. */
export interface Entry {
  payload?: Uint8Array;
  type?: EntryType | number;
  term?: Num;
  context?: unknown;
}

/** One log entry of an update. `cookie` is its position in the event, from 1, or 0 if the library
 * created it. The payload is the very object of the event. */
export interface StoredEntry {
  payload: Uint8Array;
  type: EntryType;
  term: Num;
  context: unknown;
  cookie: number;
}

/** Position and configuration of a snapshot. */
export interface Snapshot {
  index: Num;
  term: Num;
  configuration: Server[];
  configurationIndex?: Num;
}

interface Between {
  /** In an update the receiver, else the sender; with its address. */
  serverId: Num;
  serverAddress: string;
  version?: number;
}

export interface AppendEntries extends Between {
  type: 'appendEntries';
  term: Num;
  prevLogIndex: Num;
  prevLogTerm: Num;
  leaderCommit: Num;
  /** In an update: how many entries from prevLogIndex + 1 on to assign to `entries`. */
  nEntries?: number;
  entries: Entry[];
  round?: Num;
  sleep?: boolean;
}

export interface AppendEntriesResult extends Between {
  type: 'appendEntriesResult';
  term: Num;
  rejected: Num;
  lastLogIndex: Num;
  features?: number;
  capacity?: number;
  round?: Num;
  snapshotIndex?: Num;
  snapshotOffset?: Num;
}

export interface RequestVote extends Between {
  type: 'requestVote';
  term: Num;
  candidateId: Num;
  lastLogIndex: Num;
  lastLogTerm: Num;
  disruptLeader?: boolean;
  preVote?: boolean;
}

export interface RequestVoteResult extends Between {
  type: 'requestVoteResult';
  term: Num;
  voteGranted: boolean;
  preVote?: boolean;
  features?: number;
  capacity?: number;
}

export interface InstallSnapshot extends Between {
  type: 'installSnapshot';
  term: Num;
  lastIndex: Num;
  lastTerm: Num;
  configuration: Server[];
  configurationIndex: Num;
  /** In an update: assign bytes of the snapshot from `offset` on, and whether it ends there. */
  data: Uint8Array;
  offset?: Num;
  last?: boolean;
}

export interface TimeoutNow extends Between {
  type: 'timeoutNow';
  term: Num;
  lastLogIndex: Num;
  lastLogTerm: Num;
}

/** A message of a type that this version does not know. The library ignores it. */
export interface UnknownMessage {
  type: number;
  serverId: Num;
  serverAddress: string;
}

export type Message = AppendEntries | AppendEntriesResult | RequestVote | RequestVoteResult |
  InstallSnapshot | TimeoutNow;

/** What happened: see the structs raft_event_* of raft.h. */
export type Event =
  | { type: 'start'; term?: Num; votedFor?: Num; snapshot?: Snapshot; startIndex?: Num;
      entries?: readonly Entry[] }
  | { type: 'receive'; message: Message | UnknownMessage }
  | { type: 'persistedEntries'; index: Num }
  | { type: 'persistedSnapshot'; index: Num; term: Num; offset: Num; last: boolean }
  | { type: 'configuration'; index: Num }
  | { type: 'snapshot'; index: Num; trailing?: number }
  | { type: 'timeout' }
  | { type: 'submit'; entries: readonly Entry[] }
  | { type: 'catchUp'; serverId: Num }
  | { type: 'transfer'; serverId?: Num }
  | { type: 'bootstrap'; configuration: readonly Server[] }
  | { type: 'reconfigure'; configuration: readonly Server[]; force?: boolean }
  | { type: 'read'; id: Num; lease?: boolean }
  | { type: 'unreachable'; serverId: Num }
  | { type: 'stored'; index: Num; write: Num }
  | { type: 'recover'; configuration: readonly Server[] }
  | { type: 'sent'; serverId: Num; index: Num }
  | { type: 'campaign' }
  | { type: 'wake' };

/** What to do after a step. It is a copy and stays valid. */
export interface Update {
  /** Bits of UpdateFlag. */
  flags: number;
  /** Duty 1: save currentTerm and votedFor before any message is sent. */
  mustSave: boolean;
  /** Duty 2: delete the stored log from `index` on, append the entries, and step 'stored' when they
   * are durable. */
  entries: { index: Num; entries: StoredEntry[]; write: Num } | undefined;
  /** Duty 3: write a chunk, and step 'persistedSnapshot' when it is durable. */
  snapshot: { metadata: Required<Snapshot>; offset: Num; chunk: Uint8Array; last: boolean } |
    undefined;
  /** Duty 4: attach entries or data, and send. */
  messages: Message[];
  /** Answers to reads: if `status` is 0, serve it after applying entry `index`. */
  reads: { id: Num; index: Num; status: number }[];
  /** Duty 5: apply entries up to commitIndex. */
  commitIndexChanged: boolean;
  /** Duty 6: set a timer for `timeout`. */
  timeoutChanged: boolean;
  stateChanged: boolean;
  leaderChanged: boolean;
  configurationChanged: boolean;
  catchUpChanged: boolean;
  transferChanged: boolean;
}

/** What a leader knows of a member. */
export interface Peer {
  mode: ProgressMode;
  features: number;
  capacity: number;
  match: Num;
  next: Num;
  lastContact: Num;
  snapshotIndex: Num;
  snapshotOffset: Num;
  dataLosses: Num;
}

export interface TraceRecord {
  type: TraceType;
  /** The value of `type` in raft.h. */
  number: number;
  code: number;
  time: Num;
  server: Num;
  peer: Num;
  term: Num;
  index: Num;
  text: string;
}

/** An error in it does not stop the step: it is written to the console, and is in tracerError. */
export type Tracer = (record: TraceRecord) => void;

/** See the functions raft_set_* of raft.h. */
export interface Settings {
  seed?: number;
  electionTimeout?: number;
  heartbeatTimeout?: number;
  installSnapshotTimeout?: number;
  preVote?: boolean | number;
  maxCatchUpRounds?: number;
  maxCatchUpRoundDuration?: number;
  maxInflightEntries?: number;
  maxMessageEntries?: number;
  maxUncommittedEntries?: number;
  electionDelay?: number;
  eagerCommit?: boolean | number;
  idleTimeout?: number;
  capacityThreshold?: number;
  features?: number;
}

/** One server of a cluster. Close it; one that is collected is closed, too. */
export interface Raft {
  /** Process an event. `time` is in milliseconds, read for this event. Throws a RaftError if the
   * step failed: then it had no effect. */
  step(event: Event, time: Num, capacity?: number): Update;
  configure(settings: Settings): void;
  setTracer(tracer: Tracer | undefined): void;
  /** Afterwards steps throw Invalid, and getters return 0 or undefined. */
  close(): void;
  readonly closed: boolean;
  readonly tracerError: unknown;

  readonly state: State;
  readonly currentTerm: Num;
  /** 0: none */
  readonly votedFor: Num;
  readonly leader: { id: Num; address: string } | undefined;
  /** When to step 'timeout'; may lie in the past. Infinity: never. */
  readonly timeout: number;
  readonly commitIndex: Num;
  readonly lastIndex: Num;
  readonly firstIndex: Num;
  readonly lastStored: Num;
  readonly snapshotIndex: Num;
  readonly oldestSnapshotIndex: Num;
  /** undefined: this server is not a member of the latest configuration. */
  readonly role: Role | undefined;
  /** 0: none */
  readonly transferee: Num;
  /** 0: not known */
  termOf(index: Num): Num;
  configurationAt(index: Num): { servers: Required<Server>[]; index: Num };
  matchIndex(id: Num): Num;
  progress(id: Num): Peer;
  catchUp(id: Num): CatchUpStatus;
}

export interface RaftConstructor {
  new (id: Num, address: string, settings?: Settings & { tracer?: Tracer }): Raft;
  /** Of the library: 10000 * major + 100 * minor + patch. */
  readonly version: number;
  readonly backEnd: 'native' | 'wasm';
}

export interface Library {
  Raft: RaftConstructor;
}

type WasmSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView | Response;

/** The library from raft.wasm, such as `instantiate(fetch('raft.wasm'))`. */
export declare function instantiate(source: WasmSource | Promise<WasmSource>): Promise<Library>;

/** A call failed and changed nothing. `code` is the name in raft.h, such as 'RAFT_NOTLEADER'. */
export declare class RaftError extends Error {
  readonly code: string;
  readonly number: number;
}
export declare class OutOfMemory extends RaftError {}
export declare class BadId extends RaftError {}
export declare class DuplicateId extends RaftError {}
export declare class DuplicateAddress extends RaftError {}
export declare class BadRole extends RaftError {}
export declare class Malformed extends RaftError {}
export declare class NotLeader extends RaftError {}
export declare class CantBootstrap extends RaftError {}
export declare class CantChange extends RaftError {}
export declare class Corrupt extends RaftError {}
export declare class TooBig extends RaftError {}
export declare class NoConnection extends RaftError {}
export declare class Busy extends RaftError {}
export declare class NotFound extends RaftError {}
export declare class Invalid extends RaftError {}
export declare class NoSpace extends RaftError {}

/** Messages as bytes. */
export declare namespace wire {
  const MAX_LENGTH: number;
  /** The bytes are not a message. Close the connection. */
  class Malformed extends Error {
    readonly code: string;
  }
  /** A number is above 2^53 - 1. */
  class TooLarge extends Malformed {}
  /** `sender` and `from` are the ID and the address of the server that sends it. */
  function encode(message: Message, sender?: Num, from?: string): Uint8Array;
  function decode(bytes: Uint8Array): Message | UnknownMessage;
  /** The payload of an entry of the type 'change'. */
  function encodeConfiguration(servers: readonly Server[]): Uint8Array;
  function decodeConfiguration(bytes: Uint8Array): Required<Server>[];
  /** Splits a stream into messages. */
  class Splitter {
    constructor(longest?: number);
    feed(data: Uint8Array): Generator<Message | UnknownMessage>;
  }
}
