// SPDX-License-Identifier: MIT
// Collects from the frames what the time line draws: every message from its sending to its end, the
// spans of each server's state, and marks. Frames are only added, so each is read once.

import { lowerBound } from './dom.js';

/** Messages that are drawn at once. */
const MOST = 3000;

export class History {
  /** ID of a message: { flight, sent, end, fate } with the frames in which it left and ended. */
  flights = new Map();
  /** The same, in the order of their sending. */
  sent = [];
  /** ID of a server: [{ from, to, state, term }] in the order of time. */
  spans = new Map();
  /** [{ frame, at, server, kind }]: acts, time-outs, starts and remarks. */
  marks = [];
  #longest = 0; // time of a message on its way
  #frames = undefined;
  #seen = 0;

  /** Look at the frames that are new. true: there were some. */
  update(frames) {
    if (frames !== this.#frames || frames.length < this.#seen) {
      this.flights.clear();
      this.sent.length = 0;
      this.spans.clear();
      this.marks.length = 0;
      this.#longest = 0;
      this.#frames = frames;
      this.#seen = 0;
    }
    const before = this.#seen;
    while (this.#seen < frames.length) {
      this.#look(frames[this.#seen], frames[this.#seen - 1]);
      this.#seen++;
    }
    return this.#seen !== before;
  }

  #look(frame, last) {
    if (frame.view.messages !== last?.view.messages) {
      this.#messages(frame, last);
    }
    for (const server of frame.view.servers) {
      this.#span(server, frame.at);
    }
    if (frame.cause === 'act' || frame.cause === 'timeout' || frame.cause === 'start') {
      this.marks.push({ frame: frame.number, at: frame.at, server: frame.server,
        kind: frame.cause });
    }
    for (const note of frame.notes) {
      if (note.kind === 'commit' || note.kind === 'crash' || note.kind === 'violation') {
        this.marks.push({ frame: frame.number, at: frame.at, server: note.server,
          kind: note.kind });
      }
    }
  }

  #messages(frame, last) {
    const present = new Set();
    for (const flight of frame.view.messages) {
      present.add(flight.id);
      this.#longest = Math.max(this.#longest, flight.arrivesAt - flight.sentAt);
      const known = this.flights.get(flight.id);
      if (known === undefined) {
        const record = { flight, sent: frame.number, end: undefined, fate: 'in flight' };
        this.flights.set(flight.id, record);
        this.sent.push(record);
      } else {
        known.flight = flight; // it may have been delayed
      }
    }
    for (const flight of last?.view.messages ?? []) {
      if (!present.has(flight.id)) {
        const record = this.flights.get(flight.id);
        record.end = frame.number;
        record.endAt = frame.at;
        // A message that is lost reaches no server.
        record.fate = frame.arrived === flight.id && frame.server !== 0 ? 'arrived' : 'lost';
      }
    }
  }

  #span(server, at) {
    const state = !server.up ? 'down' : server.asleep ? 'asleep' : server.state;
    let spans = this.spans.get(server.id);
    if (spans === undefined) {
      this.spans.set(server.id, spans = []);
    }
    const last = spans.at(-1);
    if (last === undefined || last.state !== state || last.term !== server.term) {
      if (last !== undefined) {
        last.to = at;
      }
      spans.push({ from: at, to: Infinity, state, term: server.term });
    }
  }

  /** Messages that travel at some time from `from` to `to`: of very many, the first ones. */
  *between(from, to) {
    const begin = lowerBound(this.sent, (record) => record.flight.sentAt >= from - this.#longest);
    for (let at = begin; at < this.sent.length && at < begin + MOST; at++) {
      const record = this.sent[at];
      if (record.flight.sentAt > to) {
        return;
      }
      if ((record.endAt ?? record.flight.arrivesAt) >= from) {
        yield record;
      }
    }
  }
}
