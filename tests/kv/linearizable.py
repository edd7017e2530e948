# SPDX-License-Identifier: MIT
"""Checks that a history is linearizable: Wing and Gong's search with memoization, per key.

Commands with several keys belong to a group of keys, which is judged as one object: the state is
the values of all its keys. Single-key commands on keys of a group belong to it too.

An operation has an invocation time, a return time, and what it did. If the return time is None,
the outcome is unknown: the operation may take effect at any time after its invocation, or never.
"""
import collections

Op = collections.namedtuple("Op", "key kind argument result call ret")
# kind: the data command in lower case, "setxx" for SET XX, "setnxget" for SET NX GET. An error
# that says that the value is not an integer, or would overflow, is the result "error".
# key: a key's name, or for a group the tuple of its keys' names. In a group, `argument` is a pair:
# the places of the command's keys in the group, and for each the argument. "mdel" and "mexists" are
# DEL and EXISTS of several keys.

READS = {"get", "strlen", "exists", "type", "mget", "mexists"}
EACH = {"mset": "set", "mget": "get", "mdel": "del", "mexists": "exists"}  # does this for each key


def integer(text):
    """The number that Redis sees in a value, or None."""
    number = int(text) if text.lstrip("-").isdigit() else None
    if number is None or str(number) != text or not -2**63 <= number < 2**63:
        return None
    return number


def add(state, delta):
    """State and result of INCRBY."""
    number = integer(state or "0")
    if number is None or not -2**63 <= number + delta < 2**63:
        return state, "error"
    return str(number + delta), number + delta


def model(state, kind, argument):
    """State after a command, and its result, where "" stands for no value, None for any result."""
    if kind == "set":
        return argument, None
    if kind == "del":
        return "", int(state != "")
    if kind in ("incr", "decr"):
        return add(state, 1 if kind == "incr" else -1)
    if kind in ("incrby", "decrby"):
        return add(state, int(argument) if kind == "incrby" else -int(argument))
    if kind == "setnx":
        return state or argument, int(state == "")
    if kind == "setnxget":
        return state or argument, state
    if kind == "setxx":
        return state and argument, "OK" if state else ""
    if kind == "getset":
        return argument, state
    if kind == "getdel":
        return "", state
    if kind == "append":
        return state + argument, len(state + argument)
    reads = {"get": state, "strlen": len(state), "exists": int(state != ""),
             "type": "string" if state else "none"}
    return state, reads[kind]


def group_model(state, kind, argument):
    """The same for a group, whose state is a tuple of values."""
    places, arguments = argument
    if kind == "msetnx":
        if any(state[place] for place in places):
            return state, 0
        return group_model(state, "mset", argument)[0], 1
    values = list(state)
    results = []
    for place, one in zip(places, arguments):
        values[place], result = model(values[place], EACH.get(kind, kind), one)
        results.append(result)
    if kind in ("mdel", "mexists"):
        return tuple(values), sum(results)
    if kind == "mset":
        return tuple(values), "OK"
    return tuple(values), results if kind == "mget" else results[0]


def plain(result):
    """A reply in which "" stands for no value, as in the results of the model."""
    if isinstance(result, list):
        return [plain(r) for r in result]
    return "" if result is None else result


def step(state, op):
    """Return the state after `op`, or None if `op` cannot return its result in `state`. The state
    is the key's value, or "" if there is none; of a group, the tuple of its values. An unknown
    outcome is possible in every state."""
    after, result = (group_model if isinstance(state, tuple) else model)(state, op.kind,
                                                                        op.argument)
    return after if op.ret is None or result is None or plain(op.result) == result else None


def is_group(ops):
    return bool(ops) and isinstance(ops[0].key, tuple)


UNREAD = "(never read)"


def simplify(ops):
    """Remove operations that cannot influence the verdict: reads of unknown outcome, and writes
    of unknown outcome whose effect no operation can have observed. A value that was never read can
    only be observed by a deletion (or an increment). A deletion cannot tell such values apart, so
    they are replaced by one placeholder, which lets the search skip equal candidates."""
    if is_group(ops) or not all(o.kind in ("set", "get", "incr", "del") for o in ops):
        return [o for o in ops if o.ret is not None or o.kind not in READS]
    read = {o.result for o in ops if o.kind == "get"}
    observable = any(o.kind == "incr" or o.kind == "del" and o.result for o in ops)
    kept = []
    for o in ops:
        if o.ret is None and o.kind == "get":
            continue
        if o.ret is None and o.kind == "set" and o.argument not in read:
            if not observable:
                continue
            if not any(p.kind == "incr" for p in ops):
                o = o._replace(argument=UNREAD)
        kept.append(o)
    return kept


def check_key(ops, limit=2_000_000):
    """True if the operations on one key, or on one group, are linearizable."""
    nothing = ("",) * len(ops[0].key) if is_group(ops) else ""
    ops = sorted(simplify(ops), key=lambda o: o.call)
    infinity = float("inf")
    returns = [infinity if o.ret is None else o.ret for o in ops]
    known = sum(1 << i for i, o in enumerate(ops) if o.ret is not None)
    seen = set()
    stack = [(0, nothing, 0)]  # bit set of the operations done, state, first operation not done
    while stack:
        done, state, first = stack.pop()
        if done & known == known:
            return True
        while done >> first & 1:
            first += 1
        if (done, state) in seen:
            continue
        seen.add((done, state))
        if len(seen) > limit:
            raise RuntimeError("too many states for one key")
        deadline = infinity
        candidates = []
        unknown_kinds = set()
        for i in range(first, len(ops)):
            if ops[i].call > deadline:
                break
            if done >> i & 1:
                continue
            deadline = min(deadline, returns[i])
            if ops[i].ret is None:
                what = ops[i].kind, ops[i].argument
                if what in unknown_kinds:
                    continue  # equal to an earlier candidate
                unknown_kinds.add(what)
            candidates.append(i)
        for i in reversed(candidates):
            if ops[i].call > deadline:
                continue
            after = step(state, ops[i])
            if after is not None:
                stack.append((done | 1 << i, after, first))
    return False


def check(history):
    """Return the keys and groups whose operations are not linearizable."""
    keys = collections.defaultdict(list)
    for op in history:
        keys[op.key].append(op)
    return [key for key, ops in keys.items() if not check_key(ops)]
