"""Room for compiled programs, of which a process can hold only so many.

On a CPU a program is 200 to 400 mappings of memory. Linux allows a process 65,530 mappings in all;
with more, LLVM says that it cannot allocate memory, or the process ends. JAX keeps every program of
a jitted function, so a search of some 250 shapes in one process ended in a segmentation fault.
Modules that keep programs hand in a function that forgets them; JAX tells this module of every
compilation, and this module calls the functions when mappings are few.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

SHARE_OF_MAPPINGS = 0.75  # programs are forgotten above this share of the mappings allowed
LOOKED_AT = 8  # compilations from one look at the mappings to the next, or more where that is safe
LARGEST = 1 / 150  # share of a program, at most; a look at 45,000 mappings takes 60 ms
COMPILED = "/jax/core/compile/backend_compile_duration"  # JAX's event after a compilation
_left = LOOKED_AT  # compilations until the next look
_forgetting: list[Callable[[], None]] = []


def when_crowded(forget: Callable[[], None]) -> None:
    """Has `forget` called whenever mappings are few."""
    _forgetting.append(forget)


def share_of_mappings() -> float:
    """Mappings of memory that this process has, as a share of what it may have."""
    try:
        allowed = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
        return Path("/proc/self/maps").read_bytes().count(b"\n") / allowed
    except OSError:  # other systems have no such limit
        return 0.0


def make_room(event: str, *_: Any, **__: Any) -> None:
    """Has programs forgotten if mappings are few; JAX calls this function with every event."""
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
