// SPDX-License-Identifier: MIT
// Errors of the library. `code` is the name in raft.h, `number` its value.
import { enums } from './layout.js';

/** A call of the library failed and changed nothing. */
export class RaftError extends Error {
  constructor(number, text) {
    const code = CODES[number] ?? `RAFT_${number}`;
    super(text || code);
    this.name = new.target.name;
    this.code = code;
    this.number = number;
  }
}

const CODES = [];
for (const [name, value] of Object.entries(enums.raft_error)) {
  CODES[value] = name;
}

export class OutOfMemory extends RaftError {}
export class BadId extends RaftError {}
export class DuplicateId extends RaftError {}
export class DuplicateAddress extends RaftError {}
export class BadRole extends RaftError {}
export class Malformed extends RaftError {}
export class NotLeader extends RaftError {}
export class CantBootstrap extends RaftError {}
export class CantChange extends RaftError {}
export class Corrupt extends RaftError {}
export class TooBig extends RaftError {}
export class NoConnection extends RaftError {}
export class Busy extends RaftError {}
export class NotFound extends RaftError {}
export class Invalid extends RaftError {}
export class NoSpace extends RaftError {}

const CLASSES = {
  RAFT_NOMEM: OutOfMemory,
  RAFT_BADID: BadId,
  RAFT_DUPLICATEID: DuplicateId,
  RAFT_DUPLICATEADDRESS: DuplicateAddress,
  RAFT_BADROLE: BadRole,
  RAFT_MALFORMED: Malformed,
  RAFT_NOTLEADER: NotLeader,
  RAFT_CANTBOOTSTRAP: CantBootstrap,
  RAFT_CANTCHANGE: CantChange,
  RAFT_CORRUPT: Corrupt,
  RAFT_TOOBIG: TooBig,
  RAFT_NOCONNECTION: NoConnection,
  RAFT_BUSY: Busy,
  RAFT_NOTFOUND: NotFound,
  RAFT_INVALID: Invalid,
  RAFT_NOSPACE: NoSpace,
};

/** The error for a code. */
export function errorOf(number, text) {
  return new (CLASSES[CODES[number]] ?? RaftError)(number, text);
}
