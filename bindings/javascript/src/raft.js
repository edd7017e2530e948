// SPDX-License-Identifier: MIT
// One server of a cluster, for any back end.
import { layouts } from './layout.js';
import { makeDecoder } from './decode.js';
import { makeEncoder } from './encode.js';
import { Busy, errorOf } from './errors.js';
import { checked, offsets } from './fields.js';
import { catchUpStatuses, progressModes, roles, states, traceTypes } from './names.js';
import { enums } from './layout.js';

const NEVER = 2n ** 63n - 1n;
const VERSION = 10000; // of the declarations: 10000 * major + 100 * minor + patch
const FIRST_BLOCK = 4096;
const LARGEST_KEPT_BLOCK = 1 << 20;
const SETTINGS = ['seed', 'electionTimeout', 'heartbeatTimeout', 'installSnapshotTimeout',
  'preVote', 'maxCatchUpRounds', 'maxCatchUpRoundDuration', 'maxInflightEntries',
  'maxMessageEntries', 'maxUncommittedEntries', 'electionDelay', 'eagerCommit', 'idleTimeout',
  'capacityThreshold', 'features'];
const setterOf = (name) => name === 'seed' ? 'raft_seed'
  : 'raft_set_' + name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());

/** A number of 64 bits as a Number. Back ends return it as a Number or a BigInt. */
function exact(value) {
  if (typeof value === 'bigint') {
    value = BigInt.asUintN(64, value);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`a number is too large for JavaScript: ${value}`);
    }
    return Number(value);
  }
  return value;
}

/** The class Raft for a back end. */
export function makeLibrary(memory) {
  const { call, model } = memory;
  const version = call.raft_version(0);
  if (Math.floor(version / 10000) !== Math.floor(VERSION / 10000) || version < VERSION) {
    throw new Error(`libraft has version ${version}; ${VERSION} or a later minor is needed`);
  }
  const encoder = makeEncoder(memory);
  const decoder = makeDecoder(memory);
  const size = (name) => layouts[model][name].size;
  const CONF = offsets(model, 'raft_configuration');
  const TRACER = offsets(model, 'raft_tracer');
  // Each raft has a block with the handle, an update, room for results, and a tracer.
  const UPDATE = size('raft');
  const RESULT = UPDATE + size('raft_update');
  const RESULT_SIZE = Math.max(size('raft_peer'), size('raft_configuration') + 8);
  const TRACER_AT = RESULT + RESULT_SIZE;
  const TOTAL = TRACER_AT + size('raft_tracer');

  // What a raft holds in C. It must not refer to the Raft, so that this can be collected.
  function release(held) {
    if (held.raft !== 0) {
      call.raft_close(held.raft);
      held.raft = 0;
      memory.free(held.block);
      memory.free(held.events);
      held.callback?.release();
      held.block = held.events = held.callback = undefined;
    }
  }

  // Give the memory of a large event back.
  function shrink(held) {
    if (held.events?.size > LARGEST_KEPT_BLOCK) {
      memory.free(held.events);
      held.events = memory.alloc(FIRST_BLOCK);
    }
  }
  const registry = new FinalizationRegistry(release);

  return class Raft {
    #held;

    /** The last error that the tracer has thrown. */
    tracerError = undefined;

    constructor(id, address, settings = {}) {
      const { tracer, ...numbers } = settings;
      checked(id, 'id');
      const held = { raft: 0, block: memory.alloc(TOTAL), events: memory.alloc(FIRST_BLOCK),
        callback: undefined, stepping: false };
      const name = memory.string(address);
      const code = call.raft_init(held.block.address, id, name.address);
      memory.free(name);
      if (code !== 0) {
        memory.free(held.block);
        memory.free(held.events);
        throw errorOf(code);
      }
      held.raft = held.block.address;
      this.#held = held;
      registry.register(this, held, held);
      try {
        this.configure(numbers);
        if (tracer) {
          this.setTracer(tracer);
        }
      } catch (error) {
        this.close();
        throw error;
      }
    }

    static get version() { return version; }

    /** 'native' or 'wasm' */
    static get backEnd() { return memory.name; }

    close() {
      this.#notStepping('close()');
      registry.unregister(this.#held);
      release(this.#held);
    }

    [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() { this.close(); }

    #notStepping(what) {
      if (this.#held.stepping) {
        throw new Busy(enums.raft_error.RAFT_BUSY, `${what} in the tracer`);
      }
    }

    #check(code) {
      if (code !== 0) {
        throw errorOf(code, memory.text(call.raft_errmsg(this.#held.raft)));
      }
    }

    step(event, time, capacity = 0) {
      this.#notStepping('step()');
      const held = this.#held;
      if (held.raft === 0) {
        this.#check(enums.raft_error.RAFT_INVALID);
      }
      const needed = encoder.sizeOf(event);
      if (needed > held.events.size) {
        const larger = memory.alloc(needed * 2);
        memory.free(held.events);
        held.events = larger;
      }
      encoder.encode(held.events, event, time, capacity);
      held.stepping = true;
      let code;
      try {
        code = call.raft_step(held.raft, held.events.address, held.raft + UPDATE);
      } finally {
        held.stepping = false;
      }
      if (code !== 0) {
        shrink(held);
        this.#check(code);
      }
      try {
        const { dv, base } = memory.open(held.block);
        return decoder.decode({ dv, base: base + UPDATE }, event);
      } catch (error) {
        // The duties are lost, and a server that does not carry them out must stop.
        this.close();
        throw error;
      } finally {
        shrink(held);
      }
    }

    configure(settings) {
      for (const [name, value] of Object.entries(settings)) {
        if (!SETTINGS.includes(name)) {
          throw new TypeError(`no such setting: ${name}`);
        }
        const given = typeof value === 'boolean' ? Number(value) : value;
        const highest = name === 'capacityThreshold' ? 0xffff : 0xffffffff;
        if (!Number.isInteger(given) || given < 0 || given > highest) {
          throw new RangeError(`${name} must be a whole number from 0 to ${highest}`);
        }
        this.#check(call[setterOf(name)](this.#held.raft, given));
      }
    }

    setTracer(tracer) {
      this.#notStepping('setTracer()');
      const held = this.#held;
      let callback;
      if (tracer) {
        const self = new WeakRef(this);
        callback = memory.callback((type, info) => {
          try { // no exception may pass through C
            const record = decoder.trace(memory.foreign(info, decoder.traceSize));
            record.type = traceTypes.byNumber[type];
            record.number = type;
            tracer(record);
          } catch (error) {
            console.error(error);
            const raft = self.deref();
            if (raft) {
              raft.tracerError = error;
            }
          }
        });
        const { dv, base } = memory.open(held.block);
        dv.setInt32(base + TRACER_AT + TRACER.version, 1, true);
        memory.setPointer(dv, base + TRACER_AT + TRACER.emit, callback.address);
      }
      const code = call.raft_set_tracer(held.raft, callback ? held.raft + TRACER_AT : 0);
      (code === 0 ? held.callback : callback)?.release();
      this.#check(code);
      held.callback = callback;
    }

    get closed() { return this.#held.raft === 0; }
    get state() { return states.byNumber[call.raft_state(this.#held.raft)] ?? 'unavailable'; }
    get currentTerm() { return exact(call.raft_current_term(this.#held.raft)); }
    get votedFor() { return exact(call.raft_voted_for(this.#held.raft)); }
    get commitIndex() { return exact(call.raft_commit_index(this.#held.raft)); }
    get lastIndex() { return exact(call.raft_last_index(this.#held.raft)); }
    get firstIndex() { return exact(call.raft_first_index(this.#held.raft)); }
    get lastStored() { return exact(call.raft_last_stored(this.#held.raft)); }
    get snapshotIndex() { return exact(call.raft_snapshot_index(this.#held.raft)); }
    get oldestSnapshotIndex() { return exact(call.raft_oldest_snapshot_index(this.#held.raft)); }
    get transferee() { return exact(call.raft_transferee(this.#held.raft)); }

    get timeout() {
      const time = call.raft_timeout(this.#held.raft);
      return BigInt(time) === NEVER ? Infinity : exact(time);
    }

    get role() { return roles.byNumber[call.raft_role(this.#held.raft)]; }

    /** Call a function that writes to the room for results; returns where that is. */
    #result(check, name, ...rest) {
      const { block, raft } = this.#held;
      if (raft === 0) {
        this.#check(enums.raft_error.RAFT_INVALID);
      }
      const code = call[name](raft, ...rest);
      if (check && code !== 0) {
        throw errorOf(code);
      }
      const { dv, base } = memory.open(block);
      return { dv, base: base + RESULT };
    }

    get leader() {
      if (this.closed) {
        return undefined;
      }
      const at = this.#held.raft + RESULT;
      const { dv, base } = this.#result(false, 'raft_leader', at, at + 8);
      const id = exact(dv.getBigUint64(base, true));
      return id === 0 ? undefined
        : { id, address: memory.text(memory.getPointer(dv, base + 8)) };
    }

    termOf(index) { return exact(call.raft_term_of(this.#held.raft, checked(index, 'index'))); }

    configurationAt(index) {
      const at = this.#held.raft + RESULT;
      const { dv, base } = this.#result(true, 'raft_configuration_at', checked(index, 'index'),
        at, at + CONF.size);
      return { servers: decoder.configuration(dv, base),
        index: exact(dv.getBigUint64(base + CONF.size, true)) };
    }

    matchIndex(id) {
      const { dv, base } = this.#result(true, 'raft_match_index', checked(id, 'id'),
        this.#held.raft + RESULT);
      return exact(dv.getBigUint64(base, true));
    }

    progress(id) {
      const at = this.#result(true, 'raft_progress', checked(id, 'id'), this.#held.raft + RESULT);
      const peer = decoder.peer(at, 0);
      peer.mode = progressModes.byNumber[peer.mode];
      return peer;
    }

    catchUp(id) {
      const { dv, base } = this.#result(true, 'raft_catch_up', checked(id, 'id'),
        this.#held.raft + RESULT);
      return catchUpStatuses.byNumber[dv.getInt32(base, true)];
    }
  };
}
