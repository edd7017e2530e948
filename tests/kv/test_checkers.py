# SPDX-License-Identifier: MIT
"""Tests of the tests: the linearizability checker accepts and rejects the right histories, and a
sanitizer's report in a server's log fails the test."""
import random

from linearizable import Op, check, check_key
from harness import Cluster, main


def ops(*rows):
    return [Op("k", *row) for row in rows]


def test_sequential_history():
    assert check_key(ops(("set", "a", None, 0, 1), ("get", None, "a", 2, 3)))


def test_stale_read_is_rejected():
    assert not check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, 3),
                             ("get", None, "a", 4, 5)))


def test_lost_write_is_rejected():
    assert not check_key(ops(("set", "a", None, 0, 1), ("get", None, None, 2, 3)))


def test_concurrent_writes_may_take_effect_in_either_order():
    for seen in "ab":
        assert check_key(ops(("set", "a", None, 0, 10), ("set", "b", None, 0, 10),
                             ("get", None, seen, 11, 12)))


def test_read_of_an_older_value_after_a_newer_one_is_rejected():
    assert not check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, 9),
                             ("get", None, "b", 3, 4), ("get", None, "a", 5, 6)))


def test_unknown_write_may_take_effect_late_or_never():
    assert check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, None),
                         ("get", None, "a", 3, 4), ("get", None, "b", 8, 9)))
    assert check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, None),
                         ("get", None, "a", 8, 9)))


def test_unknown_write_cannot_take_effect_before_its_invocation():
    assert not check_key(ops(("get", None, "b", 0, 1), ("set", "b", None, 2, None)))


def test_unknown_write_takes_effect_once():
    assert not check_key(ops(("set", "b", None, 0, None), ("get", None, "b", 1, 2),
                             ("set", "a", None, 3, 4), ("get", None, "a", 5, 6),
                             ("get", None, "b", 7, 8)))


def test_unknown_write_observed_only_by_a_deletion():
    assert check_key(ops(("set", "b", None, 0, None), ("del", None, 1, 1, 2),
                         ("get", None, None, 3, 4)))
    assert not check_key(ops(("set", "b", None, 0, None), ("del", None, 1, 1, 2),
                             ("del", None, 1, 3, 4)))
    assert check_key(ops(("set", "b", None, 0, None), ("set", "c", None, 0, None),
                         ("del", None, 1, 1, 2), ("del", None, 1, 3, 4)))


def test_increments():
    assert check_key(ops(("incr", None, 1, 0, 5), ("incr", None, 2, 0, 5),
                         ("incr", None, 0, 6, None), ("incr", None, 4, 7, 9)))
    assert not check_key(ops(("incr", None, 1, 0, 1), ("incr", None, 1, 2, 3)))
    assert not check_key(ops(("incr", None, 1, 0, 1), ("incr", None, 3, 2, 3)))


def test_other_commands():
    """Each command, with the right result and with wrong ones."""
    cases = [("decr", None, 6, 7), ("incrby", "5", 12, 5), ("decrby", "5", 2, 12),
             ("setnx", "x", 0, 1), ("setnxget", "x", "7", None), ("setxx", "x", "OK", None),
             ("getset", "x", "7", None), ("getdel", None, "7", None), ("append", "8", 2, 1),
             ("strlen", None, 1, 0), ("exists", None, 1, 0), ("type", None, "string", "none")]
    after = {"decr": "6", "incrby": "12", "decrby": "2", "setxx": "x", "getset": "x",
             "getdel": None, "append": "78"}
    for kind, argument, right, wrong in cases:
        begin = ("set", "7", "OK", 0, 1)
        end = ("get", None, after.get(kind, "7"), 4, 5)
        assert check_key(ops(begin, (kind, argument, right, 2, 3), end)), kind
        assert not check_key(ops(begin, (kind, argument, wrong, 2, 3), end)), kind
        assert not check_key(ops(begin, (kind, argument, right, 2, 3),
                                 ("get", None, "other", 4, 5))), kind
    assert check_key(ops(("set", "7a", "OK", 0, 1), ("incr", None, "error", 2, 3)))
    assert not check_key(ops(("set", "7", "OK", 0, 1), ("incr", None, "error", 2, 3)))
    assert check_key(ops(("set", str(2**63 - 1), "OK", 0, 1), ("incr", None, "error", 2, 3)))
    assert check_key(ops(("append", "7", None, 0, None), ("append", "8", 1, 1, 2),
                         ("get", None, "87", 3, 4)))
    assert not check_key(ops(("append", "7", 1, 0, 1), ("append", "7", None, 2, None),
                             ("strlen", None, 3, 3, 4)))


def test_deletes():
    assert check_key(ops(("set", "a", None, 0, 1), ("del", None, 1, 2, 3),
                         ("get", None, None, 4, 5)))
    assert not check_key(ops(("set", "a", None, 0, 1), ("del", None, 0, 2, 3)))


def group(*rows):
    """Operations on the group of the keys a, b and c. A row names its command's keys."""
    return [Op(("a", "b", "c"), kind, (tuple("abc".index(k) for k in keys),
                                       tuple(arguments or [None] * len(keys))), *rest)
            for kind, keys, arguments, *rest in rows]


def test_group_of_keys():
    """Each command with several keys, with the right result and with wrong ones."""
    cases = [("mget", "cab", None, ["3", "1", "2"], ["1", "2", "3"]),
             ("mget", "ab", None, ["1", "2"], ["1", None]),
             ("mexists", "abc", None, 3, 2), ("mdel", "ab", None, 2, 1),
             ("msetnx", "ab", "89", 0, 1), ("incr", "c", None, 4, 3), ("get", "b", None, "2", "3")]
    after = {"mdel": [None, None, "3"], "incr": ["1", "2", "4"]}
    for kind, keys, arguments, right, wrong in cases:
        begin = ("mset", "abc", "123", "OK", 0, 1)
        end = ("mget", "abc", None, after.get(kind, ["1", "2", "3"]), 4, 5)
        assert check_key(group(begin, (kind, keys, arguments, right, 2, 3), end)), kind
        assert not check_key(group(begin, (kind, keys, arguments, wrong, 2, 3), end)), kind
        assert not check_key(group(begin, (kind, keys, arguments, right, 2, 3),
                                   ("mget", "abc", None, ["1", "9", "3"], 4, 5))), kind
    begin = ("set", "a", "1", "OK", 0, 1)
    assert check_key(group(begin, ("msetnx", "bc", "23", 1, 2, 3),
                           ("mget", "abc", None, ["1", "2", "3"], 4, 5)))
    assert check_key(group(begin, ("msetnx", "ab", "92", 0, 2, 3), ("get", "b", None, None, 4, 5)))
    assert not check_key(group(begin, ("msetnx", "ab", "92", 1, 2, 3)))
    assert not check_key(group(begin, ("mset", "ab", "92", "no", 2, 3)))
    assert check_key(group(begin, ("mdel", "aa", None, 1, 2, 3)))  # the same key twice
    assert not check_key(group(begin, ("mdel", "aa", None, 2, 2, 3)))
    assert check_key(group(("set", "a", "1", None, 0, None), ("get", "a", None, "1", 1, 2)))
    assert check_key(group(begin, ("mdel", "abc", None, 1, 2, 3), ("get", "a", None, None, 4, 5)))
    assert not check_key(group(begin, ("mdel", "ab", None, 1, 2, 3), ("get", "a", None, "1", 4, 5)))


def alone(history):
    """A history of a group as histories of its keys, as if each command were several."""
    one = {"mset": "set", "mget": "get"}
    for op in history:
        places, arguments = op.argument
        for i, place in enumerate(places):
            result = op.result[i] if op.kind == "mget" else op.result
            yield op._replace(key=op.key[place], kind=one.get(op.kind, op.kind),
                              argument=arguments[i], result=result)


def test_violated_atomicity_is_rejected():
    """Histories in which each key by itself is linearizable, but a command is not atomic."""
    begin = ("mset", "ab", "11", "OK", 0, 1)
    write = ("mset", "ab", "22", "OK", 2, 9)
    for torn in (
            [write, ("mget", "ab", None, ["2", "1"], 3, 4)],
            [write, ("mget", "ab", None, ["1", "2"], 3, 4)],
            [write, ("get", "a", None, "2", 3, 4), ("get", "b", None, "1", 5, 6)],
            [write, ("get", "a", None, "2", 3, 4), ("mget", "ab", None, ["2", "1"], 5, 6)],
            # Half of a write of unknown outcome.
            [write[:3] + (None, 2, None), ("mget", "ab", None, ["2", "1"], 3, 4)],
            # Two writes: each key has the value of another one as its last.
            [write, ("mset", "ab", "33", "OK", 2, 9), ("mget", "ab", None, ["2", "3"], 10, 11)],
            # A read of two keys, not at one time.
            [("set", "a", "2", "OK", 2, 3), ("set", "b", "2", "OK", 4, 5),
             ("mget", "ab", None, ["1", "2"], 1.5, 6)],
            # Readers that see two writes in different orders.
            [("set", "a", "2", "OK", 2, 9), ("set", "b", "2", "OK", 2, 9),
             ("mget", "ab", None, ["2", "1"], 3, 4), ("mget", "ab", None, ["1", "2"], 3, 4)]):
        assert check(alone(group(begin, *torn))) == [], torn
        assert check(group(begin, *torn)) == [("a", "b", "c")], torn
    for seen in ("11", "22"):
        assert check(group(begin, write, ("mget", "ab", None, list(seen), 3, 4))) == []
        assert check(group(begin, write[:3] + (None, 2, None),
                           ("mget", "ab", None, list(seen), 8, 9))) == []


def test_groups_do_not_hide_other_keys():
    other = [Op("k", "set", "a", None, 0, 1), Op("k", "get", None, None, 2, 3)]
    assert check(group(("mset", "ab", "11", "OK", 0, 1)) + other) == ["k"]


def simulate_group(rng, torn):
    """A history of a correct store, or (`torn`) of one in which a few writes of several keys are
    not atomic: the first keys change, there is a read, and then the others change."""
    state = {}
    rows, now = [], 0
    for i in range(60):
        keys = "".join(rng.sample("abc", rng.randint(2, 3)))
        now += 10
        if rng.random() < 0.5:
            rows.append(("mget", keys, None, [state.get(k) for k in keys], now,
                         now + rng.randint(1, 9)))
            continue
        values = [str(3 * i + n) for n in range(len(keys))]
        rows.append(("mset", keys, values, "OK", now, now + 8))
        cut = rng.randint(1, len(keys) - 1) if torn and i % 20 == 0 else len(keys)
        state.update(zip(keys[:cut], values))
        if torn and i % 20 == 0:
            rows.append(("mget", keys, None, [state.get(k) for k in keys], now + 3, now + 5))
        state.update(zip(keys, values))
    return group(*rows, ("mset", "ab", ["x", "y"], "OK", now + 20, None))


def test_random_histories_of_groups():
    found = torn = 0
    for seed in range(30):
        assert check(simulate_group(random.Random(seed), False)) == []
        history = simulate_group(random.Random(seed), True)
        torn += history != simulate_group(random.Random(seed), False)
        assert check(alone(history)) == []
        found += check(history) == [("a", "b", "c")]
    assert found == torn > 20, (found, torn)


def simulate(rng, lose):
    """A history of a correct store, or (`lose`) of one that returns to its first value."""
    history = [Op("k", "set", "first", None, 0, 1)]
    value, now = "first", 2
    for i in range(100):
        call = now
        now += rng.randint(1, 3)
        if rng.random() < 0.5:
            value = str(i)
            history.append(Op("k", "set", value, None, call, now))
        else:
            history.append(Op("k", "get", None, value, call, now + rng.randint(0, 5)))
        if i == 50:
            value = "first" if lose else value
            history.append(Op("k", "get", None, value, now + 10, now + 11))
            now += 12
    history.append(Op("k", "get", None, value, now + 10, now + 11))
    return history


def test_random_histories():
    found = 0
    for seed in range(30):
        assert check(simulate(random.Random(seed), False)) == []
        found += check(simulate(random.Random(seed), True)) == ["k"]
    assert found == 30, found


def fails_with_log(text):
    """Whether a test fails if a server's log contains this line."""
    try:
        with Cluster(n=1, start=False) as cluster:
            with open(cluster.server(1).log, "w") as log:
                log.write(text + "\n")
    except AssertionError:
        return True
    return False


def test_sanitizer_report_fails_the_test():
    assert fails_with_log("==7==ERROR: AddressSanitizer: heap-use-after-free")
    assert fails_with_log("==7==ERROR: LeakSanitizer: detected memory leaks")
    assert fails_with_log("WARNING: ThreadSanitizer: data race (pid=7)")
    assert fails_with_log("../kv/log.c:7:3: runtime error: index 9 out of bounds")
    assert not fails_with_log("error: the disk is full")


if __name__ == "__main__":
    main(globals())
