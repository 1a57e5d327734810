"""How XLA compiles a program for a CPU in half of the time."""

from typing import Any

import jaxlib

# Loops by XLA's older emitters, where jaxlib still has the choice, and a program in one piece. The
# newer ones take a second or two of MLIR for the program of a sweep, and are a quarter faster.
QUICKLY: dict[str, Any] = {"xla_cpu_parallel_codegen_split_count": 1}
HAS_OLDER_EMITTERS = tuple(map(int, jaxlib.__version__.split(".")[:2])) < (0, 11)
if HAS_OLDER_EMITTERS:
    QUICKLY["xla_cpu_use_fusion_emitters"] = False
