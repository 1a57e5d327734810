"""Compiled programs kept in a folder, so that the next process need not compile them again."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from mlp_jax.processes.cache_folder import cache_folder

MOST_BYTES = 1 << 29  # of programs that are kept; one has some 20 to 200 kB
ENDING = "*-cache"  # of the files that JAX makes


def keep_programs(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keeps what is compiled from now on for the next process; returns the folder it is kept in.

    That is JAX's compilation cache, of all programs however small. A program is found again by what
    it computes, the shapes of its arrays, the versions of JAX and the kind of machine; numbers such
    as learning rates, seeds and the examples themselves are none of that. The programs that were
    used longest ago are removed where all take more than half a gigabyte, as they stand when this
    function is called. Whoever can write to the folder can run code as you: it is made for you
    alone.

    Args:
      folder: the folder, made if it is not there. By default the one that JAX keeps programs in
        already, if you told it to; else the platform's folder for such files: ~/.cache/mlp_jax on
        Linux, or what the environment has as MLP_JAX_CACHE_DIR.

    Returns:
      The folder.

    Raises:
      ValueError: the folder cannot be made, or not be written to.

    Example:
      >>> folder = keep_programs()  # doctest: +SKIP
    """
    config: Any = jax.config  # of whose attributes mypy knows nothing
    before = config.jax_compilation_cache_dir
    if folder is None and before:
        return Path(before)
    chosen = Path(cache_folder() / "programs" if folder is None else folder).expanduser().absolute()
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(_cannot(chosen, error.strerror or str(error))) from None
    if not os.access(chosen, os.R_OK | os.W_OK | os.X_OK):
        raise ValueError(_cannot(chosen, "it may not be written to"))
    remove_oldest(chosen, MOST_BYTES)
    if before != str(chosen):
        config.update("jax_compilation_cache_dir", str(chosen))
        compilation_cache.reset_cache()  # or JAX would go on with the folder that it began with
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return chosen


def _cannot(folder: Path, why: str) -> str:
    return f"{folder} cannot keep programs: {why}; type another folder"


def remove_oldest(folder: Path, most: int) -> None:
    """Removes the programs used longest ago until the rest take so many bytes at most.

    JAX does that by itself only where a further package is installed, and then locks the folder for
    every program that it reads.
    """
    found = []
    for path in folder.glob(ENDING):
        with suppress(OSError):  # another process has removed it
            known = path.stat()
            found.append((max(known.st_atime, known.st_mtime), known.st_size, path))
    taken = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if taken <= most:
            return
        with suppress(OSError):
            path.unlink()
        taken -= size
