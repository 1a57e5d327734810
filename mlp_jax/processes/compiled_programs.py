"""Room for compiled programs, of which a process can hold only so many.

On a CPU each is 200 to 400 mappings of memory, of which Linux allows a process 65,530 in all; then
LLVM says that it cannot allocate memory, or the process ends. JAX keeps every program of a jitted
function, so a search of some 250 shapes in one process ended in a segmentation fault. Here those
who keep programs say how they are forgotten, and JAX says when another was compiled.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

SHARE_OF_MAPPINGS = 0.75  # from which on programs are forgotten, whoever compiles
LOOKED_AT = 8  # compilations from one look to the next, or more where that is safe
LARGEST = 1 / 150  # share of a program, at most; a look at 45,000 mappings takes 60 ms
COMPILED = "/jax/core/compile/backend_compile_duration"  # what JAX says after a compilation
_left = LOOKED_AT  # compilations to the next look
_forgetting: list[Callable[[], None]] = []


def when_crowded(forget: Callable[[], None]) -> None:
    """Has `forget` called whenever mappings are few."""
    _forgetting.append(forget)


def share_of_mappings() -> float:
    """Mappings of memory that this process has, as a share of what it may have."""
    try:
        allowed = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
        return Path("/proc/self/maps").read_bytes().count(b"\n") / allowed
    except OSError:  # elsewhere no such limit is known
        return 0.0


def make_room(event: str, *_: Any, **__: Any) -> None:
    """Has programs forgotten if mappings are few; JAX calls it after whatever it does."""
    global _left
    if event != COMPILED:
        return
    _left -= 1  # of several threads one may be lost, which is one compilation more
    if _left > 0:
        return
    free = SHARE_OF_MAPPINGS - share_of_mappings()
    _left = max(LOOKED_AT, int(free / LARGEST))
    if free < 0:
        for forget in _forgetting:
            forget()


jax.monitoring.register_event_duration_secs_listener(make_room)
