# SPDX-License-Identifier: MIT
"""The checkers themselves: histories that are linearizable and such that are not; reports of a
sanitizer."""
import random

from linearizable import Op, check, check_key
from harness import Cluster, main


def ops(*rows):
    return [Op("k", *row) for row in rows]


def test_sequential_history():
    assert check_key(ops(("set", "a", None, 0, 1), ("get", None, "a", 2, 3)))


def test_stale_read_is_found():
    assert not check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, 3),
                             ("get", None, "a", 4, 5)))


def test_lost_write_is_found():
    assert not check_key(ops(("set", "a", None, 0, 1), ("get", None, None, 2, 3)))


def test_concurrent_writes_in_either_order():
    for seen in "ab":
        assert check_key(ops(("set", "a", None, 0, 10), ("set", "b", None, 0, 10),
                             ("get", None, seen, 11, 12)))


def test_reads_may_not_go_back():
    assert not check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, 9),
                             ("get", None, "b", 3, 4), ("get", None, "a", 5, 6)))


def test_unknown_write_may_show_late_or_never():
    assert check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, None),
                         ("get", None, "a", 3, 4), ("get", None, "b", 8, 9)))
    assert check_key(ops(("set", "a", None, 0, 1), ("set", "b", None, 2, None),
                         ("get", None, "a", 8, 9)))


def test_unknown_write_may_not_show_before_it_was_made():
    assert not check_key(ops(("get", None, "b", 0, 1), ("set", "b", None, 2, None)))


def test_unknown_write_shows_once():
    assert not check_key(ops(("set", "b", None, 0, None), ("get", None, "b", 1, 2),
                             ("set", "a", None, 3, 4), ("get", None, "a", 5, 6),
                             ("get", None, "b", 7, 8)))


def test_unknown_write_noticed_by_a_deletion_only():
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


def test_deletes():
    assert check_key(ops(("set", "a", None, 0, 1), ("del", None, 1, 2, 3),
                         ("get", None, None, 4, 5)))
    assert not check_key(ops(("set", "a", None, 0, 1), ("del", None, 0, 2, 3)))


def simulate(rng, lose):
    """A history of an ideal store, or of one that falls back to its first value."""
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


def said_by_a_server(text):
    """Whether a test fails because a server said this."""
    try:
        with Cluster(n=1, start=False) as cluster:
            with open(cluster.server(1).log, "w") as log:
                log.write(text + "\n")
    except AssertionError:
        return True
    return False


def test_a_sanitizer_is_heard():
    assert said_by_a_server("==7==ERROR: AddressSanitizer: heap-use-after-free")
    assert said_by_a_server("==7==ERROR: LeakSanitizer: detected memory leaks")
    assert said_by_a_server("WARNING: ThreadSanitizer: data race (pid=7)")
    assert said_by_a_server("../kv/log.c:7:3: runtime error: index 9 out of bounds")
    assert not said_by_a_server("error: the disk is full")


if __name__ == "__main__":
    main(globals())
