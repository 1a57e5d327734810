"""Room for compiled programs, of which a process can hold only so many.

On a CPU a program is 200 to 400 mappings of memory. Linux allows a process 65,530 mappings in all;
with more, LLVM says that it cannot allocate memory, or the process ends. JAX keeps every program of
a jitted function, so a search of some 250 shapes in one process ended in a segmentation fault.
Modules that keep programs hand in a function that forgets them; JAX tells this module of every
compilation, and this module calls the functions when few mappings are left.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

SHARE_OF_MAPPINGS = 0.75  # programs are forgotten above this share of the mappings allowed
LOOKED_AT = 8  # compilations from one look at the mappings to the next, or more where that is safe
LARGEST = 1 / 150  # share of a program, at most; a look at 45,000 mappings takes 60 ms
COMPILED = "/jax/core/compile/backend_compile_duration"  # JAX's event after a compilation


def share_of_mappings() -> float:
    """Mappings of memory that this process has, as a share of what it may have."""
    try:
        allowed = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
        return Path("/proc/self/maps").read_bytes().count(b"\n") / allowed
    except OSError:  # other systems have no such limit
        return 0.0


class Mappings:
    """The mappings of this process, looked at from time to time.

    share: a function that returns the share of the mappings allowed that is taken.
    looked_at: compilations from one look to the next, at least.
    left: compilations until the next look.
    """

    def __init__(
        self, share: Callable[[], float] = share_of_mappings, looked_at: int = LOOKED_AT
    ) -> None:
        self.share, self.looked_at, self.left = share, looked_at, looked_at
        self._forgetting: list[Callable[[], None]] = []

    def when_crowded(self, forget: Callable[[], None]) -> None:
        """Calls `forget` whenever few mappings are left."""
        self._forgetting.append(forget)

    def count_compilation(self) -> None:
        """Looks if a look is due, and has programs forgotten if few mappings are left."""
        self.left -= 1  # of several threads one may be lost, which is one compilation more
        if self.left > 0:
            return
        free = SHARE_OF_MAPPINGS - self.share()
        self.left = max(self.looked_at, int(free / LARGEST))
        if free < 0:
            for forget in self._forgetting:
                forget()


OF_PROCESS = Mappings()
when_crowded = OF_PROCESS.when_crowded


def _take_event(event: str, *_: Any, **__: Any) -> None:
    """JAX calls this function with every event."""
    if event == COMPILED:
        OF_PROCESS.count_compilation()


jax.monitoring.register_event_duration_secs_listener(_take_event)
