// SPDX-License-Identifier: MIT
// Judges what Raft promises, from the outside: it sees logs, states and commit indexes, and knows
// nothing of how the library decides. A broken promise is a note of the kind 'violation'.

const contentOf = ({ type, text }) => type === 'command' ? `"${text}"`
  : `a ${type} ${text}`.trim();

export class Check {
  /** The highest index that a server has reported as committed. */
  committed = 0;
  #note;
  #told = new Set();
  #leaders = new Map(); // by term
  #entries = new Map(); // by "index term": what it contains, and the term of the one before it
  #decided = new Map(); // by index: term and content of the committed entry
  #seen = new Map(); // by server: the log and the commit index that were judged last

  /** `note(server, kind, text)` reports. */
  constructor(note) { this.#note = note; }

  /** Each promise that is broken is reported once for each index, term or read. */
  #violation(server, promise, where, text) {
    const key = `${promise} ${where}`;
    if (!this.#told.has(key)) {
      this.#told.add(key);
      this.#note(server, 'violation', `${promise}: ${text}`);
    }
  }

  /** After each frame, for the server that took part in it. */
  server(server) {
    const { id, log, raft } = server;
    if (!server.up) {
      this.#seen.delete(id);
      return;
    }
    const before = this.#seen.get(id) ?? { log: [], commit: 0, leads: 0 };
    const commit = raft.commitIndex;
    const leads = raft.state === 'leader' ? raft.currentTerm : 0;
    if (log !== before.log) {
      this.#logMatching(id, log);
    }
    if (commit > before.commit) {
      this.#commits(id, log, before.commit, commit);
    }
    if (leads !== before.leads && leads > 0) {
      this.#leads(server, leads);
    }
    this.#seen.set(id, { log, commit, leads });
  }

  /** Log matching (figure 3.2): entries with the same index and term are the same, and so are all
   * entries before them. */
  #logMatching(id, log) {
    for (let i = log.length - 1; i >= 0; i--) {
      const { index, term } = log[i];
      const key = `${index} ${term}`;
      const previous = log[i - 1]?.term;
      const known = this.#entries.get(key);
      if (known === undefined) {
        this.#entries.set(key, { content: contentOf(log[i]), previous });
        continue;
      }
      if (known.content !== contentOf(log[i]) ||
          (previous !== undefined && known.previous !== undefined && known.previous !== previous)) {
        this.#violation(id, 'log matching', key,
          `entry ${index} of term ${term} differs on server ${id}`);
      }
      known.previous ??= previous;
    }
  }

  /** Leader completeness: a leader has all entries that are committed. */
  #leads(server, term) {
    const { id, log, raft } = server;
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) {
      this.#violation(id, 'election safety', term,
        `servers ${other} and ${id} both lead term ${term}`);
    }
    this.#leaders.set(term, id);
    const first = log[0]?.index ?? raft.lastIndex + 1;
    for (const [index, decided] of this.#decided) {
      const entry = log[index - first];
      if (index >= first ? entry?.term !== decided.term : raft.snapshotIndex < index) {
        this.#violation(id, 'a committed entry is lost', index,
          `server ${id} leads term ${term} without entry ${index} of term ${decided.term}`);
        return;
      }
    }
  }

  #commits(id, log, from, to) {
    this.committed = Math.max(this.committed, to);
    for (const { index, term, type, text } of log) {
      if (index <= from || index > to) {
        continue;
      }
      const decided = this.#decided.get(index);
      if (decided === undefined) {
        this.#decided.set(index, { term, content: contentOf({ type, text }) });
      } else if (decided.term !== term) {
        this.#violation(id, 'a committed entry is lost', index, `entry ${index} of term ` +
          `${decided.term} was committed, and server ${id} commits that of term ${term}`);
      }
    }
  }

  /** State machine safety: no two servers apply different commands at the same index. */
  applied(id, entry) {
    const { index, term } = entry;
    const content = contentOf(entry);
    const decided = this.#decided.get(index);
    if (decided === undefined) {
      this.#decided.set(index, { term, content });
    } else if (decided.content !== content) {
      this.#violation(id, 'state machine safety', index,
        `server ${id} applies ${content} at index ${index}, where ${decided.content} was applied`);
    }
  }

  /** Linearizability: a read sees everything that was committed before it began. */
  answered(id, { id: read, index }, committed) {
    if (index < committed) {
      this.#violation(id, 'stale read', read, `read ${read} was answered at index ${index}, but ` +
        `entry ${committed} was committed before it began`);
    }
  }
}
