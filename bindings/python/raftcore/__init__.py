# SPDX-License-Identifier: MIT
"""Raft consensus as a pure state machine: a binding of libraft.

    with Raft(1, "one") as raft:
        update = raft.step(Start(), time=0)

The library decides, and the program does what the updates ask for: see the documentation of
libraft, whose names this module keeps. bindings/python/README.md has an example."""

from . import wire as wire
from .enums import *
from .errors import *
from .events import *
from .messages import *
from .raft import Raft as Raft, version as version
from .updates import *

__version__ = "1.0.0"
