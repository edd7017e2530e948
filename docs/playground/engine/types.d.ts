// SPDX-License-Identifier: MIT
/* What the parts of the playground exchange. The engine runs a cluster of the library's own servers
 * in one thread, with a clock that is a number. It is deterministic: a recording always gives the
 * same frames. The page draws frames; so do the pictures of the documentation. A trace of the
 * simulator is turned into frames, too. Times are in milliseconds of simulated time. */
import type { Event, Message, Role, Server, State, Update, CatchUpStatus, ProgressMode, Settings }
  from '../../../bindings/javascript/index.d.ts';

/** All that a run depends on: settings, seed, and what was done. A link carries it. */
export interface Recording {
  version: 1;
  seed: number;
  /** Servers of the founding configuration: 1 to 7, with the IDs 1 to N, all voters. */
  servers: number;
  /** For every server; seeds are derived from the recording's. */
  settings: Settings;
  /** Time of a message on its way, least and most; of a write to disk. */
  latency: [number, number];
  disk: number;
  /** What a person or a scenario did: before the frame of that number was made, and when, if that
   * was later than the frame before. At most 4,000 acts. */
  acts: [frame: number, act: Act, at?: number][];
}

export type Act =
  | { do: 'submit'; server: number; command: string }
  | { do: 'read'; server: number; lease: boolean }
  /** `lose`: 'nothing', 'unwritten' (writes that the disk has not finished), or 'all' (an emptied
   * disk). */
  | { do: 'kill'; server: number; lose: 'nothing' | 'unwritten' | 'all' }
  | { do: 'restart'; server: number }
  | { do: 'cut' | 'heal'; from: number; to: number }
  /** Cut or heal every link between the servers of the group and all others, in both directions. */
  | { do: 'partition'; group: number[] }
  | { do: 'healAll' }
  /** Additional milliseconds for each message on that link, or for each write. 0: none. */
  | { do: 'slowLink'; from: number; to: number; by: number }
  | { do: 'slowDisk'; server: number; by: number }
  /** Share of the messages that are lost on every link, 0 to 1. */
  | { do: 'loss'; share: number }
  /** Rate of a server's clock; 1 is right. */
  | { do: 'clock'; server: number; rate: number }
  /** A message in flight: lose it, deliver it next, deliver it `by` later, deliver it twice. */
  | { do: 'drop' | 'deliver' | 'duplicate'; message: number }
  | { do: 'delay'; message: number; by: number }
  /** Membership, all on the leader `server`. `add` starts a new server with this ID and adds it as
   * a standby; `promote` catches it up and makes it a voter; `change` is a joint change to these
   * voters, and starts those that do not run yet. */
  | { do: 'add'; server: number; id: number }
  | { do: 'promote' | 'demote' | 'remove'; server: number; id: number }
  | { do: 'change'; server: number; voters: number[] }
  | { do: 'transfer'; server: number; to: number }
  /** The state machine takes a snapshot, and the log keeps `trailing` entries before it. */
  | { do: 'snapshot'; server: number; trailing: number }
  | { do: 'campaign' | 'wake' | 'timeout'; server: number }
  | { do: 'recover'; server: number; voters: number[] }
  | { do: 'configure'; server: number; settings: Settings };

/** One event of one server, or an act that stepped none: everything between two pictures. */
export interface Frame {
  /** Position in the history, from 0. Frame 0 is the founded cluster, before anything happened. */
  number: number;
  at: number;
  /** 0: no server took part (a link was cut, say). */
  server: number;
  /** One line: "server 2: election timeout", "RequestVote from 2 reaches 1". */
  what: string;
  /** 'act' if a person or a scenario did it. */
  cause: 'act' | 'message' | 'timeout' | 'disk' | 'start' | 'lost' | 'trace';
  /** The steps that this frame made, in order, as raft.h names them: usually one. `time` is what
   * the clock of the server showed. */
  steps: { event: Event; update?: Update; error?: string; time: number }[];
  /** Messages that left, and the one that arrived or was lost, by their IDs in `view.messages`
   * of this frame or of the one before it. */
  sent: number[];
  arrived?: number;
  /** Short remarks worth showing, such as "becomes leader of term 3", "commits entry 5",
   * "read 4 answered at index 7", "a committed entry is lost". */
  notes: { server: number; kind: NoteKind; text: string }[];
  view: View;
}

export type NoteKind = 'role' | 'term' | 'vote' | 'commit' | 'apply' | 'read' | 'membership' |
  'snapshot' | 'disk' | 'crash' | 'network' | 'sleep' | 'refused' | 'violation' | 'note';

/** The cluster after a frame. Plain data, never changed afterwards; parts that did not change are
 * the very objects of the frame before, so compare them with ===. */
export interface View {
  at: number;
  servers: ServerView[];
  /** In the order of their IDs. */
  messages: Flight[];
  /** Only the links that are cut or slow. */
  links: LinkView[];
  loss: number;
  /** Reads and commands, newest last; at most 50. */
  requests: Request[];
  /** The highest index that any server has reported as committed. */
  committed: number;
}

export interface ServerView {
  id: number;
  address: string;
  up: boolean;
  state: State;
  term: number;
  votedFor: number;
  leader: number;
  commitIndex: number;
  applied: number;
  firstIndex: number;
  lastIndex: number;
  lastStored: number;
  snapshotIndex: number;
  /** Deadline of its timer in simulated time, Infinity if none; and when it was last set. */
  timeout: number;
  timeoutSet: number;
  role: Role | undefined;
  asleep: boolean;
  /** Entries from firstIndex on. */
  log: EntryView[];
  configuration: { servers: Required<Server>[]; index: number };
  /** The leader's knowledge of the others. */
  peers: { id: number; match: number; next: number; mode: ProgressMode; catchUp: CatchUpStatus }[];
  /** Votes that a candidate has been granted in its term (or pre-vote round). */
  votes: { granted: number[]; refused: number[]; preVote: boolean } | undefined;
  transferee: number;
  clockRate: number;
  /** Additional milliseconds of a write: see the act 'slowDisk'. */
  diskDelay: number;
  /** Writes that the disk has not finished: when they end, and up to which index; 0: term and vote,
   * or a chunk of a snapshot that is not the last. */
  writes: { until: number; index: number }[];
  /** Does it hold a lease now? undefined: not known, which is so for every leader. */
  lease: boolean | undefined;
  /** The state machine: the last commands that it applied, newest last, at most 20. */
  applied_commands: string[];
  /** A trace may not know a log: then `log` is empty and this is true. */
  partial?: boolean;
}

export interface EntryView {
  index: number;
  term: number;
  type: 'command' | 'barrier' | 'change';
  /** Of a command its text, of a change the members ("1 2 (3)"). */
  text: string;
  stored: boolean;
}

export interface Flight {
  id: number;
  from: number;
  to: number;
  sentAt: number;
  arrivesAt: number;
  /** It will be lost: never delivered. */
  lost: boolean;
  message: Message;
  /** A few words: "AppendEntries 5..7", "vote granted". */
  text: string;
}

export interface LinkView { from: number; to: number; cut: boolean; by: number }

export interface Request {
  id: number;
  server: number;
  kind: 'command' | 'read';
  text: string;
  index: number;
  status: 'waiting' | 'done' | 'failed';
  answer: string;
}

/** A prepared scenario: docs/playground/scenarios/NAME.js. `play` acts on the cluster through the
 * same acts as a person, and may look at its view to decide. It ends with the picture that the text
 * speaks of. */
export interface Scenario {
  name: string;
  title: string;
  /** Two sentences: what happens, and what to watch. */
  text: string;
  recording: Partial<Omit<Recording, 'acts' | 'version'>>;
  play(cluster: Cluster): void;
}

/** From scenarios/index.js. `play` makes a cluster and plays the scenario on it: its `chapters` are
 * those of the scenario. Another seed takes other times to the same end. */
export declare const scenarios: readonly Scenario[];
export declare function play(library: unknown, scenario: Scenario, seed?: number): Cluster;

/** From engine/index.js, as all functions below. Every frame is in `frames`; the last one is the
 * present. */
export interface Cluster {
  readonly recording: Recording;
  readonly frames: Frame[];
  readonly now: number;
  readonly view: View;
  /** Do something now. It makes one frame. A refused act (an error of the library, a server that
   * is down) makes a frame with a note of the kind 'refused'; only nonsense throws. */
  act(act: Act): void;
  /** Process the next event: a message arrives, a timer fires, a write ends. false: there is none,
   * or the history is full. */
  step(): boolean;
  /** Process the events of the next `msecs`. */
  run(msecs: number): void;
  /** Run until the condition holds; throws after `limit` milliseconds (default 60,000). */
  until(condition: (view: View) => boolean, limit?: number): void;
  /** Mark a chapter of a scenario at the present frame. */
  chapter(title: string): void;
  readonly chapters: { frame: number; title: string }[];
  /** The history has 20,000 frames or 4,000 acts: nothing more happens, and act() throws. */
  readonly full: boolean;
  /** The time of the next event. Infinity: there is none. */
  readonly nextAt: number;
  /** The leader with the highest term; 0: none. */
  leader(): number;
  close(): void;
}

/** `create(library, recording)`: frame 0, with what `recording` does not say set to defaults; its
 * acts are not done. `replay(library, recording, upTo)`: a cluster with the frames of a recording
 * up to a number; without `upTo`, up to the last act. To change the past: replay up to the frame,
 * then act. */
export declare function create(library: unknown, recording?: Partial<Recording>): Cluster;
export declare function replay(library: unknown, recording: Recording, upTo?: number): Cluster;
/** For links: base64url of compressed JSON. decodeRecording throws a TypeError if the text is not a
 * recording: it checks every field. */
export declare function encodeRecording(recording: Recording): Promise<string>;
export declare function decodeRecording(text: string): Promise<Recording>;
/** The lines of `raft-sim --trace-file`. Throws a TypeError if the text is none. A trace knows
 * neither the entries of a log nor the fields of a message: servers are `partial`, and a message
 * has only `type`, `serverId` and `serverAddress`; its `Flight.text` has the rest. Times have
 * fractions. Of a long trace the last 20,000 frames are kept. */
export declare function framesOfTrace(text: string): Frame[];
