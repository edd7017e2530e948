// SPDX-License-Identifier: MIT
// The network: links in each direction, which can be cut or slow, and messages on their way. On one
// link messages keep their order unless somebody delays one.
import { wire } from '../../../bindings/javascript/src/index.js';
import { MESSAGE_NAMES, messageText } from './text.js';

export class Network {
  /** Messages on their way, and links that are cut or slow, as the view has them: the lists and
   * their members are replaced, never changed. */
  flights = [];
  links = [];
  loss = 0;
  #last = 0;
  #latest = new Map(); // by link: when its latest message arrives
  #host;

  constructor(host) { this.#host = host; }

  #link(from, to) {
    return this.links.find((link) => link.from === from && link.to === to) ??
      { from, to, cut: false, by: 0 };
  }

  setLink(from, to, change) {
    const link = { ...this.#link(from, to), ...change };
    const others = this.links.filter((other) => other.from !== from || other.to !== to);
    this.links = link.cut || link.by > 0 ? [...others, link]
      .sort((a, b) => a.from - b.from || a.to - b.to) : others;
    if (link.cut && this.flights.some((flight) => flight.from === from && flight.to === to)) {
      this.flights = this.flights.map((flight) => flight.from === from && flight.to === to
        ? { ...flight, lost: true } : flight);
    }
  }

  /** A server sends a message. */
  send(from, to, bytes) {
    const { random, recording, now } = this.#host;
    const link = this.#link(from, to);
    const lost = random.chance(this.loss) || link.cut;
    const key = `${from} ${to}`;
    const arrivesAt = Math.max(now + random.between(...recording.latency) + link.by,
      this.#latest.get(key) ?? 0);
    this.#latest.set(key, arrivesAt);
    const message = wire.decode(bytes);
    this.#add({ from, to, sentAt: now, arrivesAt, lost, message, text: messageText(message) });
  }

  #add(flight) {
    const id = ++this.#last;
    this.flights = [...this.flights, { id, ...flight }];
    this.#host.sent(id);
    this.#schedule(id, flight.arrivesAt);
  }

  #schedule(id, at) {
    const valid = () => this.find(id)?.arrivesAt === at;
    this.#host.queue.add(Math.max(at, this.#host.now), valid, () => this.arrive(id, 'message'));
  }

  find(id) { return this.flights.find((flight) => flight.id === id); }

  #take(id) {
    const flight = this.find(id);
    this.flights = this.flights.filter((other) => other !== flight);
    return flight;
  }

  /** A message reaches its receiver, or is lost. Makes a frame. */
  arrive(id, cause) {
    const { from, to, lost, message } = this.find(id);
    const server = this.#host.servers.get(to);
    const name = MESSAGE_NAMES[message.type];
    if (lost || !server?.up) {
      this.lose(id, cause === 'message' ? 'lost' : cause);
    } else {
      this.#host.frame(to, cause, `${name} from ${from} reaches ${to}`, () => {
        this.#take(id);
        this.#host.arrived(id);
        const error = server.step({ type: 'receive', message });
        this.#host.refused(to, error);
      });
    }
  }

  lose(id, cause) {
    const { from, to, message } = this.find(id);
    const name = MESSAGE_NAMES[message.type];
    this.#host.frame(0, cause, `${name} from ${from} to ${to} is lost`, () => {
      this.#take(id);
      this.#host.arrived(id);
    });
  }

  delay(id, by) {
    const flight = this.find(id);
    const arrivesAt = flight.arrivesAt + by;
    this.flights = this.flights.map((other) => other === flight ? { ...flight, arrivesAt } : other);
    this.#schedule(id, arrivesAt);
  }

  duplicate(id) {
    const { id: _, ...flight } = this.find(id);
    this.#add(flight);
  }
}
