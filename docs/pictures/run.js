// SPDX-License-Identifier: MIT
// What happened in a part of a run, taken from the frames of the playground's engine: messages,
// states of the servers, writes to disk and remarks. Nothing is drawn that is not in here.

/** How a server is drawn. */
export function stateOf({ up, asleep, state }) {
  return !up ? 'down' : asleep ? 'asleep' : state;
}

/** The messages that left within the span. `fate`: 'arrived', 'lost' or 'flying' (still on its way
 * when the span ends). */
function messagesIn(frames, first, last) {
  const messages = new Map();
  for (const frame of frames.slice(first, last + 1)) {
    const ended = messages.get(frame.arrived);
    if (ended) {
      ended.endAt = frame.at;
      ended.fate = frame.steps.length > 0 ? 'arrived' : 'lost';
    }
    for (const id of frame.sent) {
      const flight = frame.view.messages.find((one) => one.id === id);
      messages.set(id, { id, from: flight.from, to: flight.to, sentAt: flight.sentAt,
        endAt: flight.arrivesAt, fate: 'flying', message: flight.message, frame });
    }
  }
  return [...messages.values()];
}

/** For each server the stretches of time in which its state was the same. The first one, which has
 * no duration, is the state before the span. */
function statesIn(frames, first, last, ids) {
  return ids.flatMap((id) => {
    const stretches = [];
    for (const { number, view } of frames.slice(Math.max(0, first - 1), last + 1)) {
      const at = Math.max(frames[number].at, frames[first].at);
      const server = view.servers.find((one) => one.id === id);
      if (server) {
        const state = stateOf(server);
        const open = stretches.at(-1);
        if (open?.state === state) {
          open.to = at;
        } else {
          if (open && number > first) {
            open.to = at;
          }
          stretches.push({ server: id, state, from: at, to: at });
        }
      }
    }
    return stretches.filter(({ from, to }, i) => to > from || i === 0 ||
      i === stretches.length - 1);
  });
}

/** Writes to disk that began within the span, and when they ended. */
function writesIn(frames, first, last, ids) {
  const writes = [];
  for (let number = Math.max(1, first); number <= last; number++) {
    const { at, view, server } = frames[number];
    if (ids.includes(server)) {
      const key = ({ until, index }) => `${until} ${index}`;
      const of = ({ servers }) => servers.find(({ id }) => id === server);
      const [before, after] = [of(frames[number - 1].view), of(view)];
      const old = new Set((before?.writes ?? []).map(key));
      for (const write of after.writes.filter((one) => !old.has(key(one)))) {
        writes.push({ server, from: at, to: write.until, index: write.index });
      }
      for (const write of writes) { // a server that stops writes no more
        if (write.server === server && !after.up && write.to > at) {
          write.to = at;
        }
      }
    }
  }
  const end = frames[last].at;
  return writes.map((write) => ({ ...write, to: Math.min(write.to, end) }));
}

/** All facts of the frames from `first` to `last` about some servers. */
export function factsOf(frames, first, last, ids) {
  return {
    ids, from: frames[first].at, to: frames[last].at,
    frames: frames.slice(first, last + 1),
    messages: messagesIn(frames, first, last)
      .filter(({ from, to }) => ids.includes(from) && ids.includes(to)),
    states: statesIn(frames, first, last, ids),
    writes: writesIn(frames, first, last, ids),
  };
}
