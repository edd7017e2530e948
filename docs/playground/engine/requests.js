// SPDX-License-Identifier: MIT
// Commands and reads of clients, and what became of them.
const KEPT = 50;

export class Requests {
  list = []; // as the view has them; the list and its members are replaced, never changed
  #last = 0;
  #facts = new Map(); // by ID: of a command its term, of a read what was committed when it began
  #check;

  constructor(check) { this.#check = check; }

  #add(request, fact) {
    this.#facts.set(request.id, fact);
    this.list = [...this.list, request];
    if (this.list.length > KEPT) {
      this.#facts.delete(this.list[0].id);
      this.list = this.list.slice(1);
    }
    return request.id;
  }

  #change(id, change) {
    this.list = this.list.map((request) => request.id === id ? { ...request, ...change } : request);
  }

  #waiting(server) {
    return this.list.filter((request) => request.status === 'waiting' && request.server === server);
  }

  /** A command was appended to the log of a leader. */
  command(server, text) {
    const { lastIndex: index, currentTerm } = server.raft;
    this.#add({ id: ++this.#last, server: server.id, kind: 'command', text, index,
      status: 'waiting', answer: '' }, { term: currentTerm });
    this.judge(server, []);
  }

  /** A read is about to be stepped; returns its ID. */
  read(server, lease) {
    return this.#add({ id: ++this.#last, server: server.id, kind: 'read',
      text: lease ? 'under the lease' : '', index: 0, status: 'waiting', answer: '' },
    { committed: this.#check.committed });
  }

  failed(id, answer) { this.#change(id, { status: 'failed', answer }); }

  /** A server replaces the entries from an index on. */
  replaced(server, index) {
    for (const request of this.#waiting(server)) {
      if (request.kind === 'command' && request.index >= index) {
        this.failed(request.id, 'lost: the entry was replaced');
      }
    }
  }

  serverStopped(server) {
    for (const { id } of this.#waiting(server)) {
      this.failed(id, 'unknown: the server stopped');
    }
  }

  /** After a step of a server: which requests have an answer? */
  judge(server, reads) {
    for (const { id, index, status } of reads) {
      if (status === 0) {
        this.#change(id, { index });
      } else {
        this.failed(id, 'the leader stepped down');
      }
    }
    for (const request of this.#waiting(server.id)) {
      if (request.kind === 'command') {
        this.#judgeCommand(request, server.raft);
      } else if (request.index > 0 && server.applied >= request.index) {
        this.#change(request.id, { status: 'done', answer: server.machine.read() });
        this.#check.answered(server.id, request, this.#facts.get(request.id).committed);
      }
    }
  }

  #judgeCommand({ id, index }, raft) {
    if (raft.commitIndex < index) {
      return;
    }
    const term = raft.termOf(index);
    if (term === this.#facts.get(id).term) {
      this.#change(id, { status: 'done', answer: 'committed' });
    } else {
      this.failed(id, term === 0 ? 'unknown: a snapshot covers the entry' : 'lost');
    }
  }
}
