// SPDX-License-Identifier: MIT
// Which cluster or trace is shown, and which moment of it. It draws nothing. A moment is a frame
// and a time between that frame and the next. The frames of a cluster are made when they are
// needed; a trace has all of its frames.

import { lowerBound } from './dom.js';

/** Steps of a cluster in one call of advance(): so many fit between two pictures. */
const MOST_STEPS = 200;
/** Histories that undo() can bring back. Each keeps its frames. */
const MOST_UNDO = 10;
/** Violations of a trace that are offered as chapters. */
const MOST_VIOLATIONS = 8;
/** While nothing travels and no disk writes, time runs so many times faster. */
const QUIET = 12;

/** The cluster, unless its servers did not start. */
function started(cluster) {
  if (cluster.frames[0].view.servers.every((server) => server.lastIndex === 0)) {
    cluster.close();
    throw new Error('the library refuses the settings');
  }
  return cluster;
}

export class Player {
  cluster = undefined;
  /** Frames of a trace file, which nobody can act on. */
  traced = undefined;
  index = 0;
  time = 0;
  playing = false;
  /** Simulated milliseconds in a millisecond. */
  speed = 0.05;
  skipQuiet = true;
  title = '';
  text = '';
  chapters = [];
  /** The name of the scenario; '' if it is none. */
  scenario = '';
  /** Playing pauses once when it reaches this frame: the end of a scenario. */
  stopAt = Infinity;
  #undo = [];
  #listeners = [];

  /** `engine` is the modules of engine/, `library` the one that is loaded. */
  constructor(engine, library) {
    this.engine = engine;
    this.library = library;
  }

  /** `listener(what)` is called after every change, `what` is 'recording' or 'moment'. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  #tell(what) {
    for (const listener of this.#listeners) {
      listener(what);
    }
  }

  get frames() {
    return this.traced ?? this.cluster?.frames ?? [];
  }

  get frame() {
    return this.frames[this.index];
  }

  get view() {
    return this.frame.view;
  }

  get isTrace() {
    return this.traced !== undefined;
  }

  get atEnd() {
    return this.index === this.frames.length - 1;
  }

  /** No further frame can be made. */
  get full() {
    return !this.isTrace && this.cluster.full;
  }

  get canUndo() {
    return this.#undo.length > 0;
  }

  /** The leader with the highest term at the moment that is shown; 0: none. */
  get leader() {
    let best;
    for (const server of this.view.servers) {
      if (server.up && server.state === 'leader' && !(best?.term > server.term)) {
        best = server;
      }
    }
    return best?.id ?? 0;
  }

  // --- Which recording

  #show({ cluster, traced, title, text = '', chapters = [], scenario = '', index = 0,
    stopAt = Infinity }) {
    this.cluster = cluster;
    this.traced = traced;
    Object.assign(this, { title, text, chapters, scenario, stopAt });
    this.playing = false;
    this.#move(index);
    this.#tell('recording');
  }

  #forget() {
    for (const { cluster } of this.#undo.splice(0)) {
      cluster.close();
    }
    this.cluster?.close();
    this.cluster = undefined;
  }

  /** A new cluster. */
  found(recording, title, text) {
    const cluster = started(this.engine.create(this.library, recording));
    this.#forget();
    this.#show({ cluster, title, text });
  }

  playScenario(scenario) {
    const cluster = this.engine.play(this.library, scenario);
    this.#forget();
    this.#show({ cluster, title: scenario.title, text: scenario.text, scenario: scenario.name,
      chapters: [...cluster.chapters], stopAt: cluster.frames.length - 1 });
  }

  /** A recording from a link, shown at a frame. Throws if it is nonsense. */
  open(recording, index, title, text) {
    const cluster = started(this.engine.replay(this.library, recording));
    try {
      while (cluster.frames.length <= index && cluster.step()) {
        // until the frame is there
      }
    } catch (error) {
      cluster.close();
      throw error;
    }
    this.#forget();
    this.#show({ cluster, title, text, index: Math.min(index, cluster.frames.length - 1) });
  }

  openTrace(text, title) {
    const traced = this.engine.framesOfTrace(text);
    if (traced.length === 0) {
      throw new Error('the file has no frames');
    }
    const violations = traced.flatMap((frame) => frame.notes
      .filter((note) => note.kind === 'violation').slice(0, 1)
      .map((note) => ({ frame: frame.number, title: note.text }))).slice(0, MOST_VIOLATIONS);
    this.#forget();
    this.#show({ traced, title, chapters: violations, index: violations[0]?.frame ?? 0,
      text: 'A recorded run of the simulator. You can look at every moment, but not act.' });
  }

  // --- Which moment

  #move(index, time) {
    this.index = Math.max(0, Math.min(index, this.frames.length - 1));
    this.time = Math.max(this.frame.at, time ?? -Infinity);
  }

  seek(index) {
    this.#move(index);
    this.#tell('moment');
  }

  /** The last frame at a time or before it. */
  seekTime(time) {
    const { frames } = this;
    const index = lowerBound(frames, (frame) => frame.at > time) - 1;
    this.#move(index, Math.min(time, frames.at(-1).at));
    this.#tell('moment');
  }

  /** The next frame; it is made if there is none yet. false: nothing ever happens again. */
  next() {
    const there = !this.atEnd || !this.isTrace && this.cluster.step();
    if (there) {
      this.seek(this.index + 1);
    }
    return there;
  }

  back() {
    this.seek(this.index - 1);
  }

  /** Chapters are moved to, not played. */
  chapterNow() {
    return this.chapters.findLastIndex((chapter) => chapter.frame <= this.index);
  }

  play(on = !this.playing) {
    this.playing = on;
    this.#tell('moment');
  }

  /** Time of the next frame, Infinity if there is none. */
  #nextAt() {
    if (!this.atEnd) {
      return this.frames[this.index + 1].at;
    }
    return this.isTrace ? Infinity : this.cluster.nextAt;
  }

  #isQuiet() {
    const { messages, servers } = this.view;
    return messages.length === 0 && servers.every((server) => server.writes.length === 0);
  }

  /** Let `elapsed` milliseconds pass for the person who watches. */
  advance(elapsed) {
    const quiet = this.skipQuiet && this.#isQuiet();
    const wanted = this.time + elapsed * this.speed * (quiet ? QUIET : 1);
    const before = this.index;
    let steps = 0;
    while (this.#nextAt() <= wanted && this.playing && steps++ < MOST_STEPS) {
      if (this.atEnd && !this.cluster.step()) {
        this.playing = false; // the history is full
        break;
      }
      this.#move(this.index + 1);
      if (this.index === this.stopAt) {
        this.stopAt = Infinity;
        this.playing = false;
      }
      if (quiet && !this.#isQuiet()) {
        break; // what happens now is shown at its own speed
      }
    }
    const next = this.#nextAt();
    if (next === Infinity) {
      this.playing = false;
    } else if (this.playing && next > wanted) {
      this.time = Math.max(this.time, wanted);
    }
    this.#tell(this.index === before && this.playing ? 'time' : 'moment');
  }

  /** For people who prefer less motion: playing goes from frame to frame. */
  stepOn() {
    if (!this.next()) {
      this.playing = false;
    } else if (this.index === this.stopAt) {
      this.stopAt = Infinity;
      this.playing = false;
    }
    this.#tell('moment');
  }

  // --- Acting

  /** Do something at the moment that is shown. What came later is cut off, and can be undone.
   * Returns whether something was cut off. */
  act(act) {
    if (this.isTrace) {
      throw new Error('a recorded run cannot be changed');
    }
    let branched = false;
    if (!this.atEnd) {
      const past = this.engine.replay(this.library, this.cluster.recording, this.index);
      const { cluster, title, text, chapters, scenario, index, stopAt } = this;
      this.#undo.push({ cluster, title, text, chapters, scenario, index, stopAt });
      if (this.#undo.length > MOST_UNDO) {
        this.#undo.shift().cluster.close();
      }
      this.cluster = past;
      this.chapters = chapters.filter((chapter) => chapter.frame <= index);
      this.stopAt = Infinity;
      branched = true;
    }
    this.cluster.run(Math.max(0, Math.floor(this.time) - this.cluster.now));
    this.cluster.act(act);
    this.#move(this.frames.length - 1);
    this.#tell(branched ? 'recording' : 'moment');
    return branched;
  }

  /** Bring back the history that the last act in the past cut off. */
  undo() {
    const last = this.#undo.pop();
    if (last !== undefined) {
      this.cluster.close();
      this.#show(last);
    }
  }
}
