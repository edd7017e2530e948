# SPDX-License-Identifier: MIT
"""One server of a cluster."""

import threading
import traceback
import weakref
from typing import Any, Callable, Dict, Optional

from . import _decode, _encode
from ._ffi import encoded, ffi, lib, text
from .enums import CatchUpStatus, ErrorCode, ProgressMode, Role, State
from .errors import Busy, error_of
from .events import Event
from .updates import Configuration, Leader, Peer, TraceRecord, Update

__all__ = ["Raft", "version"]

_NEVER = 2**63 - 1
_EVENT_SIZE = ffi.sizeof("struct raft_event")
_ZERO_EVENT = bytes(_EVENT_SIZE)
_STATES = {int(state): state for state in State}

Tracer = Callable[[TraceRecord], None]

# Settings of configure(), and the functions that set them.
_SETTERS: Dict[str, Any] = {
    name: getattr(lib, "raft_seed" if name == "seed" else "raft_set_" + name)
    for name in ("seed", "election_timeout", "heartbeat_timeout", "install_snapshot_timeout",
                 "pre_vote", "max_catch_up_rounds", "max_catch_up_round_duration",
                 "max_inflight_entries", "max_message_entries", "max_uncommitted_entries",
                 "election_delay", "eager_commit", "idle_timeout", "capacity_threshold",
                 "features")
}


def version() -> int:
    """Version of the library: 10000 * major + 100 * minor + patch."""
    return int(lib.raft_version(ffi.NULL))


def _check(code: int) -> None:
    if code != 0:
        raise error_of(code)


class Raft:
    """One server of a cluster.

    Use it as a context manager, or call close(). A raft that is collected is closed, too. Several
    threads may use it: calls wait for each other. The settings are those of configure()."""

    def __init__(self, id: int, address: str, *, tracer: Optional[Tracer] = None,
                 seed: Optional[int] = None, election_timeout: Optional[int] = None,
                 heartbeat_timeout: Optional[int] = None,
                 install_snapshot_timeout: Optional[int] = None, pre_vote: Optional[int] = None,
                 max_catch_up_rounds: Optional[int] = None,
                 max_catch_up_round_duration: Optional[int] = None,
                 max_inflight_entries: Optional[int] = None,
                 max_message_entries: Optional[int] = None,
                 max_uncommitted_entries: Optional[int] = None,
                 election_delay: Optional[int] = None, eager_commit: Optional[int] = None,
                 idle_timeout: Optional[int] = None, capacity_threshold: Optional[int] = None,
                 features: Optional[int] = None) -> None:
        given = locals()
        settings = {name: given[name] for name in _SETTERS}
        self._lock = threading.RLock()
        self._stepping = False
        self._raft = ffi.new("struct raft *")
        self._event = ffi.new("struct raft_event *")
        self._update = ffi.new("struct raft_update *")
        self._tracer: Any = None
        self.tracer_error: Optional[BaseException] = None
        """The last exception that the tracer has raised. It does not reach the caller of step(),
        who must carry out the update; its traceback is printed."""
        _check(lib.raft_init(self._raft, id, encoded(address)))
        self._finalizer = weakref.finalize(self, lib.raft_close, self._raft)
        self.configure(**settings)
        if tracer is not None:
            self.set_tracer(tracer)

    def __enter__(self) -> "Raft":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release what the raft holds. Afterwards steps raise Invalid, and getters return 0 or
        None. Closing twice is harmless. In the raft's own tracer, it raises Busy."""
        with self._lock:
            _check(lib.raft_close(self._raft))
            self._finalizer.detach()

    def step(self, event: Event, time: int, capacity: int = 0) -> Update:
        """Process an event. `time` is in milliseconds, read for this event. Raises a RaftError if
        the step failed: then it had no effect. If another exception interrupts the step, the raft
        may be closed: then start it again from what is on disk."""
        fill = _encode.FILL.get(type(event))
        if fill is None:
            raise TypeError(f"not an event: {event!r}")
        with self._lock:
            if self._stepping:
                raise Busy(ErrorCode.BUSY, "step() in the tracer")
            c = self._event
            keep: _encode.Keep = []
            ffi.memmove(c, _ZERO_EVENT, _EVENT_SIZE)
            c.time, c.type, c.capacity = time, event.TYPE, capacity
            fill(c, event, keep)
            self._stepping = True
            try:
                code = lib.raft_step(self._raft, c, self._update)
                if code == 0:
                    return _decode.update_of(self._update, event)
            except BaseException:  # out of memory, Ctrl-C
                # The duties are lost, and a server that does not carry them out must stop.
                self._stepping = False
                self.close()
                raise
            finally:
                self._stepping = False
                del keep  # not earlier: the update pointed to it
            raise error_of(code, text(lib.raft_errmsg(self._raft)))

    def configure(self, *,
                  seed: Optional[int] = None, election_timeout: Optional[int] = None,
                  heartbeat_timeout: Optional[int] = None,
                  install_snapshot_timeout: Optional[int] = None, pre_vote: Optional[int] = None,
                  max_catch_up_rounds: Optional[int] = None,
                  max_catch_up_round_duration: Optional[int] = None,
                  max_inflight_entries: Optional[int] = None,
                  max_message_entries: Optional[int] = None,
                  max_uncommitted_entries: Optional[int] = None,
                  election_delay: Optional[int] = None, eager_commit: Optional[int] = None,
                  idle_timeout: Optional[int] = None, capacity_threshold: Optional[int] = None,
                  features: Optional[int] = None) -> None:
        """Change settings: see the functions raft_set_* of raft.h. None leaves one as it is. Read
        `timeout` afterwards."""
        given = locals()
        with self._lock:
            for name, setter in _SETTERS.items():
                if given[name] is not None:
                    code = setter(self._raft, given[name])
                    if code != 0:
                        raise error_of(code, text(lib.raft_errmsg(self._raft)))

    def set_tracer(self, tracer: Optional[Tracer]) -> None:
        """Call a function for each TraceRecord, at the end of each step; None: no more. It may
        use getters of the raft; step(), configure() and close() raise Busy there."""
        with self._lock:
            if tracer is None:
                _check(lib.raft_set_tracer(self._raft, ffi.NULL))
                self._tracer = None
                return
            call = tracer  # for the type checker
            this = weakref.ref(self)

            def emit(_tracer: Any, kind: int, info: Any) -> None:
                i = ffi.cast("const struct raft_tracer_info *", info)
                try:
                    call(TraceRecord(kind, i.code, i.time, i.server, i.peer, i.term, i.index,
                                     text(i.text)))
                except BaseException as error:  # none may pass through C
                    traceback.print_exception(type(error), error, error.__traceback__)
                    owner = this()
                    if owner is not None:
                        owner.tracer_error = error

            callback = ffi.callback("void(struct raft_tracer *, int, const void *)", emit)
            record = ffi.new("struct raft_tracer *", {"version": 1, "emit": callback})
            _check(lib.raft_set_tracer(self._raft, record))
            self._tracer = record, callback

    # --- Getters

    def _get(self, function: Any) -> int:
        with self._lock:
            return int(function(self._raft))

    @property
    def id(self) -> int:
        """This server's ID; 0 after close()."""
        return int(self._raft.id)

    @property
    def state(self) -> State:
        """State.UNAVAILABLE after close()."""
        return _STATES[self._get(lib.raft_state)]

    @property
    def current_term(self) -> int:
        """The current term."""
        return self._get(lib.raft_current_term)

    @property
    def voted_for(self) -> int:
        """The server that got this server's vote in the current term; 0: none."""
        return self._get(lib.raft_voted_for)

    @property
    def leader(self) -> Optional[Leader]:
        """The leader of the current term, if this server knows it."""
        id, address = ffi.new("raft_id *"), ffi.new("const char **")
        with self._lock:
            lib.raft_leader(self._raft, id, address)
            return Leader(id[0], text(address[0])) if id[0] else None

    @property
    def timeout(self) -> Optional[int]:
        """When to step Timeout; it may lie in the past. None: never."""
        deadline = self._get(lib.raft_timeout)
        return None if deadline == _NEVER else deadline

    @property
    def commit_index(self) -> int:
        """Entries up to here are committed."""
        return self._get(lib.raft_commit_index)

    @property
    def last_index(self) -> int:
        """Index of the last entry in the log, durable or not."""
        return self._get(lib.raft_last_index)

    @property
    def first_index(self) -> int:
        """Index of the oldest entry that a message can ask for."""
        return self._get(lib.raft_first_index)

    @property
    def last_stored(self) -> int:
        """The highest index that is known to be durable here."""
        return self._get(lib.raft_last_stored)

    @property
    def snapshot_index(self) -> int:
        """The last entry that the latest snapshot covers; 0: no snapshot."""
        return self._get(lib.raft_snapshot_index)

    @property
    def oldest_snapshot_index(self) -> int:
        """The same of the oldest snapshot that a message can ask for."""
        return self._get(lib.raft_oldest_snapshot_index)

    @property
    def role(self) -> Optional[Role]:
        """This server's role in the latest configuration; None: it is not a member."""
        role = self._get(lib.raft_role)
        return None if role < 0 else Role(role)

    @property
    def transferee(self) -> int:
        """The server to which leadership is being transferred; 0: none."""
        return self._get(lib.raft_transferee)

    def term_of(self, index: int) -> int:
        """The term of an entry; 0: not known."""
        with self._lock:
            return int(lib.raft_term_of(self._raft, index))

    def configuration_at(self, index: int) -> Configuration:
        """The configuration in force at an index. Raises NotFound."""
        conf, conf_index = ffi.new("struct raft_configuration *"), ffi.new("raft_index *")
        with self._lock:
            _check(lib.raft_configuration_at(self._raft, index, conf, conf_index))
            return Configuration(_decode.configuration(conf), conf_index[0])

    def match_index(self, id: int) -> int:
        """A member's log matches up to here. Raises NotLeader and BadId."""
        index = ffi.new("raft_index *")
        with self._lock:
            _check(lib.raft_match_index(self._raft, id, index))
        return int(index[0])

    def progress(self, id: int) -> Peer:
        """What this leader knows of a member. Raises NotLeader and BadId."""
        p = ffi.new("struct raft_peer *")
        with self._lock:
            _check(lib.raft_progress(self._raft, id, p))
        return Peer(ProgressMode(p.mode), p.features, p.capacity, p.match, p.next, p.last_contact,
                    p.snapshot_index, p.snapshot_offset, p.data_losses)

    def catch_up(self, id: int) -> CatchUpStatus:
        """Status of a member's catch-up. Raises NotLeader and BadId."""
        status = ffi.new("int *")
        with self._lock:
            _check(lib.raft_catch_up(self._raft, id, status))
        return CatchUpStatus(status[0])
