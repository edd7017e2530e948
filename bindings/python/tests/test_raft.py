# SPDX-License-Identifier: MIT
"""Ownership, errors, tracers, collection and threads."""

import contextlib
import dataclasses
import gc
import inspect
import io
import os
import re
import subprocess
import sys
import threading
import unittest
import weakref
from typing import Any, Callable, List, Set, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import raftcore as raft
from raftcore import enums, errors
from raftcore._ffi import ffi, lib


def leader() -> raft.Raft:
    """A server that is its own cluster and leads it."""
    r = raft.Raft(1, "one")
    r.step(raft.Start(), 0)
    r.step(raft.Bootstrap([raft.Server(1, "one")]), 0)
    while r.state != raft.State.LEADER or r.commit_index < r.last_index:
        if r.last_stored < r.last_index:
            r.step(raft.PersistedEntries(r.last_index), 0)
        else:
            r.step(raft.Timeout(), r.timeout or 0)
    return r


class TestDeclarations(unittest.TestCase):
    PREFIXES = {"ErrorCode": "", "Role": "", "EntryType": "", "UpdateFlag": "UPDATE_",
                "EventType": "", "MessageType": "", "Feature": "FEATURE_", "State": "",
                "ProgressMode": "PROGRESS_", "CatchUpStatus": "CATCH_UP_", "TraceType": "TRACE_"}
    C_NAMES = {"ErrorCode": "error", "Role": "server_role"}

    def test_every_enumerator(self) -> None:
        for name in enums.__all__:
            c_name = self.C_NAMES.get(name) or re.sub("(?<!^)([A-Z])", r"_\1", name).lower()
            ours = {"RAFT_" + self.PREFIXES[name] + m: int(v)
                    for m, v in getattr(enums, name).__members__.items()}
            theirs = {n: v for v, n in ffi.typeof(f"enum raft_{c_name}").elements.items()}
            if name == "State":
                theirs["RAFT_UNAVAILABLE"] = 0
            self.assertEqual(ours, theirs, name)

    def test_every_error_that_is_returned_has_a_class(self) -> None:
        with open(os.path.join(HERE, "../../../include/raft.h"), encoding="utf-8") as file:
            text = file.read()
        never = set(re.findall(r"RAFT_(\w+),? */\*\*< Never returned", text))
        status = {"LEADERSHIPLOST"}  # of a read
        self.assertEqual({c.name for c in raft.ErrorCode} - never - status,
                         {enums.ErrorCode(c).name for c in errors.CLASSES})

    def test_every_setting(self) -> None:
        functions = set(re.findall(r"raft_set_(\w+)\(", self.declarations()))
        from raftcore.raft import _SETTERS
        self.assertEqual(functions - {"tracer"}, set(_SETTERS) - {"seed"})
        methods: List[Callable[..., None]] = [raft.Raft.__init__, raft.Raft.configure]
        for method in methods:
            names = set(inspect.signature(method).parameters)
            self.assertEqual(names - {"self", "id", "address", "tracer"}, set(_SETTERS))
        with raft.Raft(1, "one", seed=1, features=2, pre_vote=True) as r:
            r.configure(eager_commit=True)

    def test_every_event(self) -> None:
        from raftcore._encode import FILL
        self.assertEqual({getattr(e, "TYPE") for e in FILL}, set(raft.EventType))


    RENAMED = {"conf": "configuration", "conf_index": "configuration_index"}

    def fields(self, struct: str) -> Set[str]:
        """The fields of a struct of C, with the names of Python."""
        fields = ffi.typeof("struct raft_" + struct).fields
        return {self.RENAMED.get(name, name) for name, _ in fields if name != "reserved"}

    def test_every_field_of_messages_and_peers(self) -> None:
        for kind in raft.MessageType:
            cls = getattr(raft, kind.name.title().replace("_", ""))
            ours = {f.name for f in dataclasses.fields(cls)} - {"server_id", "server_address"}
            self.assertEqual(cls.TYPE, kind)
            self.assertEqual(ours, self.fields(kind.name.lower()), kind.name)
        self.assertEqual({f.name for f in dataclasses.fields(raft.Peer)}, self.fields("peer"))

    def test_every_field_of_events(self) -> None:
        from raftcore._encode import FILL
        for event in FILL:
            cls: Any = event
            name = cls.TYPE.name.lower()
            ours = {f.name for f in dataclasses.fields(cls)}
            if cls in (raft.Timeout, raft.Campaign, raft.Wake):
                self.assertEqual(ours, set())
                continue
            theirs = self.fields("event_" + name) - {"n", "n_entries"}
            if cls is raft.Start:
                theirs = theirs - {"metadata"} | {"snapshot"}
            elif "metadata" in theirs:
                theirs = theirs - {"metadata"} | {"index"} | (ours & {"term"})
            elif cls is raft.ConfigurationApplied:
                theirs -= {"configuration"}  # not read
            self.assertEqual(ours, theirs, name)

    def test_every_function(self) -> None:
        with open(os.path.join(HERE, "../raftcore/raft.py"), encoding="utf-8") as file:
            text = file.read()
        from raftcore.raft import _SETTERS
        for name in re.findall(r"\b(raft_\w+)\(", self.declarations()):
            self.assertTrue(f"lib.{name}" in text or name.replace("raft_set_", "") in _SETTERS or
                            name == "raft_seed", name)

    @staticmethod
    def declarations() -> str:
        with open(os.path.join(HERE, "../raftcore/raft.ffi.h"), encoding="ascii") as file:
            return file.read()


class TestErrors(unittest.TestCase):
    def test_codes_and_text(self) -> None:
        with raft.Raft(1, "one") as r:
            with self.assertRaises(raft.Invalid) as caught:
                r.step(raft.Timeout(), 0)
            self.assertEqual(caught.exception.code, raft.ErrorCode.INVALID)
            self.assertIn("START", str(caught.exception).upper())
            r.step(raft.Start(), 0)
            with self.assertRaises(raft.NotLeader):
                r.step(raft.Submit([raft.Entry(b"x")]), 0)
            with self.assertRaises(raft.Malformed):
                leader().step(raft.Submit([raft.Entry(b"x", 99)]), 5000)
            with self.assertRaises(raft.NotLeader):
                r.match_index(1)
            with self.assertRaises(raft.NotFound):
                r.configuration_at(5)
            self.assertIsNone(r.role)  # -1 in C: not an error
            self.assertIsNone(r.leader)
        with self.assertRaises(raft.BadId):
            raft.Raft(0, "one")

    def test_wrong_arguments_do_not_reach_the_library(self) -> None:
        with leader() as r:
            index = r.last_index
            for bad in (lambda: r.step(raft.Submit([raft.Entry("text")]), 0),  # type: ignore
                        lambda: r.step("timeout", 0),  # type: ignore[arg-type]
                        lambda: r.configure(no_such=1),  # type: ignore[call-arg]
                        lambda: raft.Raft(1, "one", no_such=1)):  # type: ignore[call-arg]
                self.assertRaises(TypeError, bad)
            for much in (lambda: r.step(raft.Timeout(), -1), lambda: r.step(raft.Timeout(), 2**64),
                         lambda: r.step(raft.Unreachable(-1), 0),
                         lambda: r.configure(election_timeout=2**32)):
                self.assertRaises(OverflowError, much)
            self.assertRaises(ValueError, lambda: raft.Raft(1, "a\0b"))
            self.assertRaises(raft.Invalid, lambda: r.configure(election_timeout=0))
            self.assertEqual(r.last_index, index)

    def test_closed(self) -> None:
        r = leader()
        r.close()
        r.close()
        self.assertRaises(raft.Invalid, lambda: r.step(raft.Timeout(), 0))
        self.assertEqual((r.state, r.role, r.leader, r.commit_index, r.id),
                         (raft.State.UNAVAILABLE, None, None, 0, 0))


    def test_unknown_messages_are_ignored(self) -> None:
        message = raft.wire.decode(bytes.fromhex("16000000 52 c8 00 0200000000000000 0300 ff3a31"
                                                 "0102"))
        self.assertEqual(message, raft.UnknownMessage(2, "\udcff:1", 200))
        with leader() as r:
            self.assertEqual(r.step(raft.Receive(message), 5000).flags, 0)


class TestOwnership(unittest.TestCase):
    def test_entries_come_back(self) -> None:
        with leader() as r:
            payload, context = b"a payload of one's own", object()
            entries = r.step(raft.Submit([raft.Entry(payload, context=context),
                                          raft.Entry()]), 1).entries
            assert entries is not None
            self.assertIs(entries.entries[0].payload, payload)
            self.assertIs(entries.entries[0].context, context)
            self.assertEqual([e.cookie for e in entries.entries], [1, 2])
            self.assertEqual(entries.entries[0].term, r.current_term)

    def test_updates_stay_as_they_were(self) -> None:
        with raft.Raft(1, "one") as r:
            r.step(raft.Start(), 0)
            kept = r.step(raft.Bootstrap([raft.Server(i, "address-%d" % i)
                                          for i in range(1, 6)]), 0)
            assert kept.entries is not None
            seen: List[Tuple[raft.Update, str]] = [(kept, repr(kept))]
            r.step(raft.Stored(1, kept.entries.write), 0)
            for _ in range(50):
                update = r.step(raft.Timeout(), r.timeout or 0)
                seen.append((update, repr(update)))
                gc.collect()
            self.assertTrue(any(u.messages for u, _ in seen))
            self.assertEqual([repr(u) for u, _ in seen], [text for _, text in seen])
            servers = raft.wire.decode_configuration(kept.entries.entries[0].payload)
            self.assertEqual(servers, r.configuration_at(1).servers)
            self.assertEqual(raft.wire.encode_configuration(servers),
                             kept.entries.entries[0].payload)

    def test_a_collected_raft_is_closed(self) -> None:
        closed: List[Any] = []
        r = raft.Raft(1, "one", tracer=lambda record: None)
        finalizer = r._finalizer
        here = weakref.ref(r)
        weakref.finalize(r, closed.append, 1)
        self.assertTrue(finalizer.alive)
        gc.disable()  # without a cycle, counting references suffices
        try:
            del r
        finally:
            gc.enable()
        self.assertEqual((closed, here(), finalizer.alive), ([1], None, False))

    def test_a_step_that_cannot_be_decoded_closes_the_raft(self) -> None:
        from raftcore import _decode
        r = leader()
        whole = _decode.update_of

        def broken(*_: Any) -> Any:
            raise MemoryError

        setattr(_decode, "update_of", broken)
        try:
            self.assertRaises(MemoryError, lambda: r.step(raft.Timeout(), 5000))
        finally:
            setattr(_decode, "update_of", whole)
        self.assertEqual(r.state, raft.State.UNAVAILABLE)


class TestTracer(unittest.TestCase):
    def test_records(self) -> None:
        records: List[raft.TraceRecord] = []
        with raft.Raft(1, "one", tracer=records.append) as r:
            r.step(raft.Start(), 0)
            self.assertEqual(records[0].type, raft.TraceType.EVENT)
            self.assertEqual((records[0].code, records[0].server), (raft.EventType.START, 1))
            r.set_tracer(None)
            n = len(records)
            r.step(raft.Timeout(), 0)
            self.assertEqual(len(records), n)

    def test_exceptions_do_not_pass_through_c(self) -> None:
        def broken(_: raft.TraceRecord) -> None:
            raise KeyError("of the tracer")

        with raft.Raft(1, "one", tracer=broken) as r:
            printed = io.StringIO()
            with contextlib.redirect_stderr(printed):
                update = r.step(raft.Start(), 0)
            self.assertEqual(update.flags, 0)
            self.assertIsInstance(r.tracer_error, KeyError)
            self.assertIn("of the tracer", printed.getvalue())

    def test_what_a_tracer_may_call(self) -> None:
        results: List[Any] = []

        def trace(_: raft.TraceRecord) -> None:
            results.append(r.state)
            calls: List[Callable[[], object]] = [
                lambda: r.step(raft.Timeout(), 0), r.close, lambda: r.configure(seed=1)]
            for call in calls:
                try:
                    call()
                except raft.RaftError as error:
                    results.append(error.code)

        with raft.Raft(1, "one") as r:
            r.set_tracer(trace)
            r.step(raft.Start(), 0)
            self.assertIsNone(r.tracer_error)
            self.assertEqual(results[:4], [raft.State.FOLLOWER] + [raft.ErrorCode.BUSY] * 3)
            self.assertEqual(r._event.type, raft.EventType.START)  # it was not overwritten


class TestThreads(unittest.TestCase):
    def test_calls_wait_for_each_other(self) -> None:
        with leader() as r:
            failures: List[BaseException] = []

            def submit() -> None:
                try:
                    for _ in range(500):
                        e = r.step(raft.Submit([raft.Entry(b"x" * 100)]), 5000).entries
                        assert e is not None
                        r.step(raft.Stored(e.index, e.write), 5000)
                        assert r.configuration_at(1).servers[0].address == "one"
                except BaseException as error:  # reported by the main thread
                    failures.append(error)

            before = r.last_index
            threads = [threading.Thread(target=submit) for _ in range(4)]
            interval = sys.getswitchinterval()
            sys.setswitchinterval(1e-6)
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            finally:
                sys.setswitchinterval(interval)
            self.assertEqual(failures, [])
            self.assertEqual(r.last_index, before + 4 * 500)


class TestLoading(unittest.TestCase):
    def test_what_is_not_the_library(self) -> None:
        for name in "/no/such/libraft-core.so.1", "libc.so.6":
            done = subprocess.run(
                [sys.executable, "-c", "import raftcore"], check=False, text=True,
                env=dict(os.environ, RAFT_LIBRARY=name, PYTHONPATH=os.path.join(HERE, "..")),
                stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1)
            self.assertIn("ImportError: libraft-core was not found", done.stderr)
            self.assertIn(name, done.stderr)

    def test_versions(self) -> None:
        from raftcore import _ffi
        mine = _ffi.VERSION
        try:
            for other in mine + 1, mine + 10000, mine - 10000:
                setattr(_ffi, "VERSION", other)
                self.assertRaises(ImportError, _ffi.load)
        finally:
            setattr(_ffi, "VERSION", mine)

    def test_version(self) -> None:
        self.assertEqual(raft.version(), lib.raft_version(ffi.NULL))
        numbers = [int(n) for n in raft.__version__.split(".")]
        self.assertEqual(raft.version(), numbers[0] * 10000 + numbers[1] * 100 + numbers[2])


if __name__ == "__main__":
    unittest.main()
