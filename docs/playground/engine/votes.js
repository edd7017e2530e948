// SPDX-License-Identifier: MIT
// The votes of a candidate, as its messages show them. The library does not report them.

export class Votes {
  #round = undefined; // { term, preVote, granted, refused }, replaced when it changes

  /** A step of this candidate. */
  see(event, update, server) {
    if (server.raft.state !== 'candidate') {
      this.#round = undefined;
      return;
    }
    const asked = update.messages.find(({ type }) => type === 'requestVote');
    const round = this.#round;
    if (asked && !(round?.term === asked.term && round.preVote === asked.preVote)) {
      this.#round = { term: asked.term, preVote: asked.preVote, granted: [server.id],
        refused: [] };
    } else if (round && event.type === 'receive') {
      const m = event.message;
      if (m.type === 'requestVoteResult' && m.preVote === round.preVote &&
          (m.term === round.term || !m.voteGranted)) {
        this.#count(m.voteGranted ? 'granted' : 'refused', m.serverId);
      }
    }
  }

  #count(list, id) {
    const round = this.#round;
    if (!round.granted.includes(id) && !round.refused.includes(id)) {
      this.#round = { ...round, [list]: [...round[list], id].sort((a, b) => a - b) };
    }
  }

  get view() {
    if (this.#round === undefined) {
      return undefined;
    }
    const { granted, refused, preVote } = this.#round;
    return { granted, refused, preVote };
  }
}
