# SPDX-License-Identifier: MIT
"""Is a history linearizable? Wing and Gong's search with memoization, per key.

An operation has an invocation time, a return time (None: its outcome is unknown, it
may take effect at any time after its invocation, or never), and what it did.
"""
import collections

Op = collections.namedtuple("Op", "key kind argument result call ret")
# kind: "set" (argument), "get" (result), "incr" (result), "del" (result: number)


def step(state, op):
    """The state after `op`, or None if `op` cannot have had its result in `state`.
    A state is a string, or "" for no value; unknown operations match everything."""
    known = op.ret is not None
    if op.kind == "set":
        return op.argument
    if op.kind == "get":
        return state if (op.result or "") == state else None
    if op.kind == "del":
        return "" if not known or op.result == (state != "") else None
    number = int(state or "0") + 1
    return str(number) if not known or op.result == number else None


UNREAD = "(never read)"


def simplify(ops):
    """Leave out what cannot matter: reads of unknown outcome, and writes of unknown
    outcome that nobody can have noticed. Unknown writes that were never read can only be
    noticed by a deletion; which of them it was makes no difference."""
    read = {o.result for o in ops if o.kind == "get"}
    noticeable = any(o.kind == "incr" or o.kind == "del" and o.result for o in ops)
    kept = []
    for o in ops:
        if o.ret is None and o.kind == "get":
            continue
        if o.ret is None and o.kind == "set" and o.argument not in read:
            if not noticeable:
                continue
            if not any(p.kind == "incr" for p in ops):
                o = o._replace(argument=UNREAD)
        kept.append(o)
    return kept


def check_key(ops, limit=2_000_000):
    """True if the operations on one key can be put into an order."""
    ops = sorted(simplify(ops), key=lambda o: o.call)
    infinity = float("inf")
    returns = [infinity if o.ret is None else o.ret for o in ops]
    known = sum(1 << i for i, o in enumerate(ops) if o.ret is not None)
    seen = set()
    stack = [(0, "", 0)]  # operations done (a bit set), state, first not done
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
                    continue  # of equal ones the earliest will do
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
    """The keys whose operations cannot be put into an order."""
    keys = collections.defaultdict(list)
    for op in history:
        keys[op.key].append(op)
    return [key for key, ops in keys.items() if not check_key(ops)]
